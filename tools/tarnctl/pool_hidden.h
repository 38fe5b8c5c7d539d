/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pools that are mounted in other mount namespaces only: of a service or a
 * container that got a copy of the mount and keeps it after an umount. They are
 * reached by /proc/PID/root of a process there.
 */
#ifndef TARNCTL_POOL_HIDDEN_H
#define TARNCTL_POOL_HIDDEN_H

#include "mountinfo.h"
#include "pool.h"

/** pool_hidden_any() - Whether sysfs has pools that are not in @list. */
bool pool_hidden_any(const struct pool_list *list);

/**
 * pool_hidden_find() - Go through the mounts of other namespaces.
 * @add: called for each mount of a pool, its point as seen from here; returns
 *	1 if it was news, 0 or an errno
 *
 * What is news is reported, with the processes that keep it.
 *
 * Return: 0, or what @add returned.
 */
int pool_hidden_find(struct pool_list *list,
		     int (*add)(struct pool_list *list,
				const struct mount *mount));

#endif
