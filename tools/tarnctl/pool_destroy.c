// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool destroy: ends a pool and its units, and removes its file. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "config_commands.h"
#include "error.h"
#include "partition.h"
#include "pool.h"
#include "systemctl.h"

#define CMD "tarnctl pool destroy"
/* Three seconds in all. */
#define UMOUNT_MS 50
#define UMOUNT_TRIES 60

struct units {
	char *pool;
	char *pager;
	char *partitions;
};

static int units_init(struct units *units, const char *name)
{
	*units = (struct units){ 0 };
	if (asprintf(&units->pool, "tarn-pool@%s.service", name) < 0 ||
	    asprintf(&units->pager, "tarn-pager@%s.service", name) < 0 ||
	    asprintf(&units->partitions, "tarn-partitions@%s.service", name) < 0)
		return err_nomem();
	return 0;
}

static void units_free(struct units *units)
{
	free(units->pool);
	free(units->pager);
	free(units->partitions);
}

static int refuse(const struct pool *pool, const struct partition_list *list)
{
	char *first = partition_name(&list->items[0]);

	err(CMD ": %s has %zu partition%s (%s%s), whose memory would be gone; end their guests and remove the files, or give --force",
	    pool->mount, list->count, list->count == 1 ? "" : "s",
	    first ? first : "?", list->count > 1 ? ", ..." : "");
	free(first);
	return -EBUSY;
}

/* One with a VM is in use whatever is forced. */
static int check_partitions(const struct pool *pool, bool force)
{
	struct partition_list list;
	int ret = partition_list_read(&list, pool);
	char *name;
	size_t i;

	if (ret)
		return ret;
	if (list.count && !force)
		ret = refuse(pool, &list);
	for (i = 0; !ret && i < list.count; i++) {
		if (!list.items[i].info.vms)
			continue;
		name = partition_name(&list.items[i]);
		err(CMD ": a guest runs in %s of %s; end it first",
		    name ? name : "a partition", pool->mount);
		free(name);
		ret = -EBUSY;
	}
	partition_list_free(&list);
	return ret;
}

/*
 * Who looks at a pool, as tarn-logd does each second, has it open for a moment: that is
 * no reason to give up. One that is in use stays so.
 */
static int unmount(const char *mount)
{
	const struct timespec pause = { .tv_nsec = UMOUNT_MS * 1000000 };
	int tries = UMOUNT_TRIES;

	while (umount2(mount, UMOUNT_NOFOLLOW)) {
		if (errno != EBUSY || !--tries)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/*
 * A pool that has a pager cannot be unmounted. Where it is in use all the same, its
 * pager is started again: guests have waited for that long.
 */
static int end_mount(const struct pool *pool, const struct units *units)
{
	bool served = pool->info.flags & TARN_POOL_SERVED;
	int ret;

	if (systemctl_there())
		systemctl_run("stop", units->partitions, units->pager, NULL);
	pool_set_ending(pool, true);
	ret = unmount(pool->mount);
	pool_set_ending(pool, false);
	if (!ret)
		return 0;
	if (served && systemctl_there())
		systemctl_run("start", units->pager, units->partitions,
			      NULL);
	if (ret == -EBUSY) {
		err(CMD ": %s is in use: end its guests, and a pager that was started by hand; nothing is removed",
		    pool->mount);
		return ret;
	}
	return err_errno(ret, CMD ": unmount %s", pool->mount);
}

/* Whether it is in use nobody knows before it is tried. */
static int tell_end(const struct pool *pool)
{
	struct partition_list list;
	int ret = partition_list_read(&list, pool);

	if (ret)
		return ret;
	printf("%s would be unmounted, unless it is in use", pool->mount);
	if (list.count)
		printf("; what %zu partition%s of it hold%s would be gone",
		       list.count, list.count == 1 ? "" : "s",
		       list.count == 1 ? "s" : "");
	putchar('\n');
	partition_list_free(&list);
	return 0;
}

/* The name means /run/tarn/NAME, whatever else is called so. */
static int end_pool(const char *name, const struct units *units,
		    const struct options *opts)
{
	const struct pool *pool = NULL;
	struct pool_list list;
	char dir[PATH_MAX];
	size_t i;
	int ret;

	pool_dir(dir, name);
	ret = pool_list_read(&list);
	if (ret)
		return ret;
	for (i = 0; i < list.count; i++) {
		if (!strcmp(list.items[i].mount, dir))
			pool = &list.items[i];
	}
	if (!pool && config_is_mounted(dir)) {
		err(CMD ": what is mounted at %s is not seen as a pool by you; run it as root, and see 'tarnctl pool list'",
		    dir);
		ret = -EBUSY;
	}
	if (pool)
		ret = check_partitions(pool, opts->force);
	if (pool && !ret)
		ret = opts->dry_run ? tell_end(pool) : end_mount(pool, units);
	if (pool && !ret && !opts->dry_run)
		rmdir(dir);
	pool_list_free(&list);
	return ret;
}

static int remove_file(const char *name, const struct units *units, bool dry)
{
	char *path = config_path(name);
	int ret = 0;

	if (!path)
		return err_nomem();
	if (dry) {
		printf("%s would be removed, %s and %s disabled\n", path,
		       units->pool, units->pager);
		free(path);
		return 0;
	}
	if (systemctl_there()) {
		systemctl_run("disable", "--quiet", "--now", units->pager,
			      units->pool, NULL);
		/* Its end is to unmount what is unmounted by now. */
		systemctl_forget(units->pool);
	}
	if (unlink(path) && errno != ENOENT)
		ret = err_errno(-errno, "remove %s", path);
	free(path);
	return ret;
}

int pool_destroy_main(int argc, char **argv, const struct options *opts)
{
	struct config config;
	struct units units;
	int ret;

	if (config_name_arg(CMD, argv[0]))
		return EXIT_USAGE;
	ret = config_load(&config, argv[0], true);
	config_free(&config);
	if (ret == -ENOENT) {
		err(CMD ": there is no " CONFIG_DIR "/%s" CONFIG_SUFFIX "; a pool that was mounted by hand is unmounted by hand",
		    argv[0]);
		return ret;
	}
	ret = units_init(&units, argv[0]);
	if (!ret)
		ret = end_pool(argv[0], &units, opts);
	if (!ret)
		ret = remove_file(argv[0], &units, opts->dry_run);
	units_free(&units);
	return ret;
}
