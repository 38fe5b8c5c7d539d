/* SPDX-License-Identifier: GPL-2.0-only */
/* Mounts of one filesystem type, as /proc/self/mountinfo lists them. */
#ifndef TARNCTL_MOUNTINFO_H
#define TARNCTL_MOUNTINFO_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct mount - a mount
 * @dev: number of the filesystem, equal for all mounts of one
 * @root: directory of the filesystem that is mounted, "/" for all of it
 * @point: where it is mounted
 * @options: of the filesystem
 */
struct mount {
	dev_t dev;
	char *root;
	char *point;
	char *options;
};

struct mount_list {
	struct mount *items;
	size_t count;
};

/**
 * mountinfo_read() - Gather the mounts of one type.
 * @f: text of /proc/self/mountinfo
 * @fstype: the type
 * @list: result, to be freed by mountinfo_free() whatever is returned
 *
 * Lines that make no sense are passed over: the format may grow.
 *
 * Return: 0, -ENOMEM, or the errno of reading @f.
 */
int mountinfo_read(FILE *f, const char *fstype, struct mount_list *list);
void mountinfo_free(struct mount_list *list);

#endif
