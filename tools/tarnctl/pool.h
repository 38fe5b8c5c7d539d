/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pools: finding the mounts of tarnfs, and calls on them.
 *
 * No descriptor of a pool is kept, as that would make its mount busy while a
 * live view runs; pool_open() makes sure that it opens the same pool again.
 */
#ifndef TARNCTL_POOL_H
#define TARNCTL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/tarn.h>

#define POOL_UUID_TEXT 37

/**
 * struct pool - a pool
 * @mount: where it is mounted
 * @dev: its st_dev
 * @uuid: lower-case hex with dashes
 * @info: its counters when it was found
 */
struct pool {
	char *mount;
	dev_t dev;
	char uuid[POOL_UUID_TEXT];
	struct tarn_pool_info info;
};

/**
 * struct pool_list - all pools
 * @items: the pools
 * @count: number of them
 * @denied: mounts of further ones that this user may not open
 */
struct pool_list {
	struct pool *items;
	size_t count;
	size_t denied;
};

/**
 * pool_list_read() - Find all pools.
 * Return: 0 or an errno, reported; that some may not be opened is reported, too.
 */
int pool_list_read(struct pool_list *list);
void pool_list_free(struct pool_list *list);

/** pool_list_explain() - Report why a list is empty, and how to get a pool. */
void pool_list_explain(const struct pool_list *list);

/** pool_is_uuid() - Whether a name may be the beginning of a uuid. */
bool pool_is_uuid(const char *name);

/**
 * pool_dir() - Where the pool called @name is mounted: below /run/tarn.
 * @path: takes it, PATH_MAX bytes; @name itself if that is a path from the root
 */
void pool_dir(char *path, const char *name);

/**
 * pool_list_select() - Find the pool that is meant.
 * @name: a directory in it, its name below /run/tarn, the beginning of its uuid,
 *	  or NULL for the only one
 * Return: NULL when there is none or more than one, reported.
 */
const struct pool *pool_list_select(const struct pool_list *list,
				    const char *name);

/** pool_list_names() - Whether @name is meant for a pool, or for several. */
bool pool_list_names(const struct pool_list *list, const char *name);

/**
 * pools_get() - The pool that @name means, or all if it is NULL.
 * @list: result, to be freed if this returns 0; not empty
 * Return: 0 or an errno, reported.
 */
int pools_get(struct pool_list *list, const char *name);

/** pool_title() - Its name below /run/tarn, else where it is mounted. */
const char *pool_title(const struct pool *pool);

/** pool_get() - The pool that @name means, see pool_list_select(). */
int pool_get(struct pool *pool, const char *name);
void pool_put(struct pool *pool);

/** pool_open() - Return: a descriptor of its root, or an errno, reported. */
int pool_open(const struct pool *pool);

/** pool_refresh() - Read the counters anew. Return: 0 or an errno, reported. */
int pool_refresh(struct pool *pool);

/**
 * pool_set_ending() - Ask those who look at pools to let go of one, or no more.
 *
 * It is a file beside the pools that root alone can make; without it they only take
 * longer.
 */
void pool_set_ending(const struct pool *pool, bool ending);

/** pool_is_ending() - Whether to let go of it. */
bool pool_is_ending(const struct pool *pool);

/** pool_fail() - Report that @what failed on a pool with @ret, return @ret. */
int pool_fail(const struct pool *pool, int ret, const char *what);

/** pool_state() - How the pool's paging is, in some words. */
const char *pool_state(const struct tarn_pool_info *info);

void pool_uuid_format(char *text, const __u8 *uuid);

#endif
