/* SPDX-License-Identifier: GPL-2.0-only */
/* Mount options of a pool that is mounted. */
#ifndef TARNCTL_POOL_RESIZE_H
#define TARNCTL_POOL_RESIZE_H

#include "pool.h"

/**
 * pool_reconfigure() - Remount a pool with one option changed.
 * @key: size, nodes or huge
 * Return: 0, or an errno, reported; nothing is changed then.
 */
int pool_reconfigure(const struct pool *pool, const char *key,
		     const char *value);

#endif
