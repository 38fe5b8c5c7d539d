// SPDX-License-Identifier: GPL-2.0-only
/* Discovery and selection of pools through /proc/self/mountinfo. */
#include <stdbool.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "mountinfo.h"
#include "pool.h"
#include "pool_hidden.h"

#define FSTYPE "tarnfs"
#define RUN_DIR "/run/tarn/"
#define ENDING_SECONDS 60

void pool_uuid_format(char *text, const __u8 *uuid)
{
	int i;

	for (i = 0; i < TARN_UUID_SIZE; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		text += sprintf(text, "%02x", uuid[i]);
	}
}

const char *pool_state(const struct tarn_pool_info *info)
{
	if (!(info->flags & TARN_POOL_PAGING))
		return "no paging";
	if (!(info->flags & TARN_POOL_SERVED))
		return "no pager";
	if (info->flags & TARN_POOL_FULL && info->flags & TARN_POOL_DEGRADED)
		return "full, degraded";
	if (info->flags & TARN_POOL_FULL)
		return "full";
	return info->flags & TARN_POOL_DEGRADED ? "degraded" : "serving";
}

int pool_fail(const struct pool *pool, int ret, const char *what)
{
	switch (-ret) {
	case EPERM:
	case EACCES:
		/* For root it is something else that forbids it. */
		if (!geteuid())
			break;
		err("%s %s: not permitted, run it as root", what, pool->mount);
		return ret;
	case ENOTTY:
		err("%s %s: the loaded module does not know this call, load the one that came with this tarnctl",
		    what, pool->mount);
		return ret;
	}
	return err_errno(ret, "%s %s", what, pool->mount);
}

/* Open a mount point, if what lies on top of it is the filesystem @dev. */
static int open_mount(const char *point, dev_t dev)
{
	struct statfs fs;
	struct stat st;
	int fd, ret;

	fd = open(point, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = -ESTALE;
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		ret = -errno;
	else if (fs.f_type == TARN_SUPER_MAGIC && st.st_dev == dev)
		return fd;
	close(fd);
	return ret;
}

int pool_open(const struct pool *pool)
{
	int fd = open_mount(pool->mount, pool->dev);

	if (fd == -ESTALE || fd == -ENOENT) {
		err("the pool at %s is not mounted any more", pool->mount);
		return fd;
	}
	return fd < 0 ? pool_fail(pool, fd, "open") : fd;
}

static int read_info(int fd, struct tarn_pool_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(fd, TARN_POOL_INFO, info) ? -errno : 0;
}

static void ending_path(char *path, size_t size, const struct pool *pool)
{
	snprintf(path, size, RUN_DIR ".ending-%s", pool->uuid);
}

void pool_set_ending(const struct pool *pool, bool ending)
{
	char path[128];
	int fd;

	ending_path(path, sizeof(path), pool);
	if (!ending) {
		unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0)
		close(fd);
}

bool pool_is_ending(const struct pool *pool)
{
	char path[128];
	struct stat st;
	time_t now = time(NULL);

	ending_path(path, sizeof(path), pool);
	/* Not for ever, where who asked was killed. */
	return !stat(path, &st) && st.st_ctime <= now &&
	       now - st.st_ctime < ENDING_SECONDS;
}

int pool_refresh(struct pool *pool)
{
	int fd, ret;

	fd = pool_open(pool);
	if (fd < 0)
		return fd;
	ret = read_info(fd, &pool->info);
	close(fd);
	return ret ? pool_fail(pool, ret, "read the counters of") : 0;
}

static struct pool *find_dev(const struct pool_list *list, dev_t dev)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (list->items[i].dev == dev)
			return &list->items[i];
	}
	return NULL;
}

/*
 * A pool that is mounted in several places counts once, under the first one
 * that shows all of it and is not covered by another mount. Returns 1 if it was
 * added.
 */
static int list_add(struct pool_list *list, const struct mount *mount)
{
	struct pool pool = { .dev = mount->dev };
	struct pool *items;
	int fd, ret;

	if (find_dev(list, mount->dev))
		return 0;
	fd = open_mount(mount->point, mount->dev);
	if (fd < 0) {
		list->denied += fd == -EACCES;
		return 0;
	}
	ret = read_info(fd, &pool.info);
	close(fd);
	if (ret)
		return err_errno(ret, "read the counters of %s", mount->point);
	pool_uuid_format(pool.uuid, pool.info.uuid);
	pool.mount = strdup(mount->point);
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (items)
		list->items = items;
	if (!items || !pool.mount) {
		free(pool.mount);
		return err_nomem();
	}
	list->items[list->count++] = pool;
	return 1;
}

int pool_list_read(struct pool_list *list)
{
	struct mount_list mounts;
	FILE *f;
	size_t i;
	int ret;

	memset(list, 0, sizeof(*list));
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return err_errno(-errno, "/proc/self/mountinfo");
	ret = mountinfo_read(f, FSTYPE, &mounts);
	if (ret)
		err_errno(ret, "/proc/self/mountinfo");
	fclose(f);
	for (i = 0; ret >= 0 && i < mounts.count; i++) {
		if (!strcmp(mounts.items[i].root, "/"))
			ret = list_add(list, &mounts.items[i]);
	}
	/* A bind mount of a directory will do where the whole is out of reach. */
	list->denied = 0;
	for (i = 0; ret >= 0 && i < mounts.count; i++)
		ret = list_add(list, &mounts.items[i]);
	mountinfo_free(&mounts);
	if (ret >= 0 && !list->denied && pool_hidden_any(list))
		ret = pool_hidden_find(list, list_add);
	ret = ret > 0 ? 0 : ret;
	if (ret)
		pool_list_free(list);
	else if (list->denied)
		err("%zu mounted pool%s may not be opened by this user, run it as root", list->denied, list->denied == 1 ? "" : "s");
	return ret;
}

void pool_list_free(struct pool_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		pool_put(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static bool module_loaded(void)
{
	char line[128];
	bool found = false;
	FILE *f;

	f = fopen("/proc/filesystems", "re");
	if (!f)
		return true;
	while (!found && fgets(line, sizeof(line), f))
		found = !strcmp(line, "nodev\t" FSTYPE "\n");
	fclose(f);
	return found;
}

void pool_list_explain(const struct pool_list *list)
{
	/* That has been said. */
	if (list->denied)
		return;
	err("no pool is mounted; %smake one: tarnctl pool create pool0 size=8G device=/dev/DISK (man tarn-pool.conf)",
	    module_loaded() ? "" :
	    "the module is not loaded ('tarnctl doctor' says if there is one): modprobe tarn, and ");
}

bool pool_is_uuid(const char *name)
{
	size_t len = strlen(name);

	return len && len < POOL_UUID_TEXT &&
	       strspn(name, "0123456789abcdefABCDEF-") == len;
}

static const struct pool *select_uuid(const struct pool_list *list,
				      const char *name)
{
	const struct pool *found = NULL;
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (strncasecmp(list->items[i].uuid, name, strlen(name)))
			continue;
		if (found) {
			err("'%s' begins the uuids of %s and %s, give more of it",
			    name, found->mount, list->items[i].mount);
			return NULL;
		}
		found = &list->items[i];
	}
	return found;
}

static void report_choice(const struct pool_list *list, const char *name)
{
	char names[512] = "";
	size_t i, len = 0;

	for (i = 0; i < list->count && len < sizeof(names); i++)
		len += snprintf(names + len, sizeof(names) - len, "%s%s",
				i ? ", " : "", list->items[i].mount);
	if (name)
		err("'%s' is no pool (its mount point, its name below /run/tarn or the beginning of its uuid); there is %s",
		    name, names);
	else
		err("there are %zu pools, name the one that is meant: %s",
		    list->count, names);
}

void pool_dir(char *path, const char *name)
{
	snprintf(path, PATH_MAX, "%s%s", *name == '/' ? "" : RUN_DIR, name);
}

static const struct pool *select_dir(const struct pool_list *list,
				     const char *path)
{
	struct stat st;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return NULL;
	return find_dev(list, st.st_dev);
}

/* By a directory in it, or by its name below /run/tarn. */
static const struct pool *select_path(const struct pool_list *list,
				      const char *name)
{
	const struct pool *pool = select_dir(list, name);
	char path[PATH_MAX];

	if (pool)
		return pool;
	pool_dir(path, name);
	return select_dir(list, path);
}

bool pool_list_names(const struct pool_list *list, const char *name)
{
	size_t i;

	if (select_path(list, name))
		return true;
	if (!pool_is_uuid(name))
		return false;
	for (i = 0; i < list->count; i++) {
		if (!strncasecmp(list->items[i].uuid, name, strlen(name)))
			return true;
	}
	return false;
}

const struct pool *pool_list_select(const struct pool_list *list,
				    const char *name)
{
	const struct pool *pool;

	if (!list->count) {
		pool_list_explain(list);
		return NULL;
	}
	if (!name) {
		if (list->count == 1)
			return &list->items[0];
		report_choice(list, NULL);
		return NULL;
	}
	pool = select_path(list, name);
	if (!pool && pool_is_uuid(name)) {
		pool = select_uuid(list, name);
		if (pool)
			return pool;
	}
	if (!pool)
		report_choice(list, name);
	return pool;
}

const char *pool_title(const struct pool *pool)
{
	size_t len = strlen(RUN_DIR);

	return strncmp(pool->mount, RUN_DIR, len) || !pool->mount[len] ?
		       pool->mount : pool->mount + len;
}

int pools_get(struct pool_list *list, const char *name)
{
	const struct pool *pool;
	struct pool one;
	int ret = pool_list_read(list);

	if (ret || (!name && list->count))
		return ret;
	pool = pool_list_select(list, name);
	if (!pool) {
		pool_list_free(list);
		return -ENOENT;
	}
	one = *pool;
	list->items[pool - list->items] = list->items[0];
	list->items[0] = one;
	while (list->count > 1)
		pool_put(&list->items[--list->count]);
	return 0;
}

int pool_get(struct pool *pool, const char *name)
{
	const struct pool *found;
	struct pool_list list;
	int ret;

	ret = pool_list_read(&list);
	if (ret)
		return ret;
	ret = -ENOENT;
	found = pool_list_select(&list, name);
	if (found) {
		*pool = *found;
		pool->mount = strdup(found->mount);
		ret = pool->mount ? 0 : err_nomem();
	}
	pool_list_free(&list);
	return ret;
}

void pool_put(struct pool *pool)
{
	free(pool->mount);
	pool->mount = NULL;
}
