/* SPDX-License-Identifier: GPL-2.0-only */
/* A set of numbers of partitions, kept in a file. */
#ifndef TARNCTL_ID_SET_H
#define TARNCTL_ID_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/** struct id_set - zeroed, it is empty; in ascending order */
struct id_set {
	__u32 *ids;
	size_t count;
};

bool id_set_has(const struct id_set *set, __u32 id);

/** id_set_add() - Return: 0 or -ENOMEM, not reported. */
int id_set_add(struct id_set *set, __u32 id);
void id_set_remove(struct id_set *set, __u32 id);

/**
 * id_set_read() - Read what id_set_write() has written.
 * @highest: where an earlier version wrote, all up to this number are in the set, which
 *	stays empty; 0 otherwise
 * Return: 0, also without a file, or an errno, not reported.
 */
int id_set_read(struct id_set *set, const char *path, __u32 *highest);

/** id_set_write() - Who reads sees the old or the new one. Return: likewise. */
int id_set_write(const struct id_set *set, const char *path);
void id_set_free(struct id_set *set);

#endif
