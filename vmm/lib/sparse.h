/* SPDX-License-Identifier: GPL-2.0-only */
/* Large tables of which little is used. */
#ifndef TARN_LIB_SPARSE_H
#define TARN_LIB_SPARSE_H

#include <stddef.h>

/**
 * sparse_alloc() - memory of zeroes that takes what was touched of it, by 4 KiB
 * @bytes: size, not 0
 *
 * That of malloc() may be given 2 MiB at the first touch, where several areas have become
 * one mapping.
 *
 * Return: the memory, which sparse_free() gives back; or NULL.
 */
void *sparse_alloc(size_t bytes);

/** sparse_free() - give back @bytes at @table, which may be NULL. */
void sparse_free(void *table, size_t bytes);

#endif
