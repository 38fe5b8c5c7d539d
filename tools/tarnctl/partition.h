/* SPDX-License-Identifier: GPL-2.0-only */
/* Partitions: the regular files of a pool, and calls on them. */
#ifndef TARNCTL_PARTITION_H
#define TARNCTL_PARTITION_H

#include <stddef.h>
#include <sys/types.h>

#include <linux/tarn.h>

#include "pool.h"

/**
 * struct partition - a partition
 * @path: of its file in the pool, as the file system has it; NULL: it has none
 *	that can be seen, as the file was unlinked while it is mapped
 * @name: after its guest, see guest.h; NULL: it has none, or nobody asked
 * @guest: what the guest itself is called; NULL: as @name
 * @ino: of the file; 0: as @path is NULL
 * @uid: owner of the file
 * @gid: group of the file
 * @mode: of the file
 * @info: its counters
 */
struct partition {
	char *path;
	char *name;
	char *guest;
	ino_t ino;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct tarn_partition_info info;
};

/**
 * struct partition_list - all partitions of a pool, by path
 * @items: the partitions
 * @count: number of them
 * @hidden: files and directories that this user may not open
 */
struct partition_list {
	struct partition *items;
	size_t count;
	size_t hidden;
};

/**
 * partition_list_read() - Find all partitions.
 * Return: 0, or an errno, reported.
 */
int partition_list_read(struct partition_list *list, const struct pool *pool);
void partition_list_free(struct partition_list *list);

/** partition_list_find() - The partition with this @id, or NULL. */
const struct partition *partition_list_find(const struct partition_list *list,
					    __u32 id);

/**
 * partition_title() - What to call a partition: after its guest, else its file, else
 * "id:5". Any bytes may be in it.
 * Return: memory to be freed, or NULL.
 */
char *partition_title(const struct partition *part);

/** partition_name() - The same for a terminal. */
char *partition_name(const struct partition *part);

/**
 * partition_open() - Open the partition that somebody named: by a path, as the shell
 * would take it or from the root of a pool or from /run/tarn; as id:5; or as its guest
 * is called. Before the latter two may stand the name of a pool and a slash.
 * @flags: O_RDONLY or O_RDWR
 * Return: a descriptor, or an errno, reported.
 */
int partition_open(const char *name, int flags);

/**
 * partition_id_parse() - Read "id:5" or "(id:5)".
 * Return: 0, -ENOENT if it does not begin so, or -EINVAL.
 */
int partition_id_parse(const char *text, __u32 *id);

/**
 * partition_reopen() - Open a partition of a list, for reading, if it is still there.
 * @dirfd: from pool_open()
 * Return: a descriptor or a negative errno, not reported.
 */
int partition_reopen(int dirfd, const struct partition *part);

/** partition_info() - Read the counters. Return: 0 or a negative errno. */
int partition_info(int fd, struct tarn_partition_info *info);

/**
 * partition_attach() - Name the only VM of a process to its partitions.
 * @pid: its id
 * Return: 0, or what is not 0, reported.
 */
int partition_attach(const char *pid);

/** partition_detach() - Undo it. Return: 0 or an errno, not reported. */
int partition_detach(int fd);

/** partition_fail() - Report that @what failed with @ret on a partition. */
int partition_fail(const char *path, int ret, const char *what);

#endif
