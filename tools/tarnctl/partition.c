// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk over a pool that finds its partitions. Their owners may be hostile
 * (a guest's user may own its file), so nothing is followed and nothing that is
 * opened can block. Partitions without a name are found in sysfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "error.h"
#include "partition.h"
#include "sysfs.h"
#include "text.h"

/* A descriptor a level stays open during the walk. */
#define DEPTH_MAX 64
/*
 * Paths that are longer are not shown: what they name is as without a name. They go to
 * tables, logs and the history, and are others' to choose.
 */
#define PATH_MOST 1024

int partition_info(int fd, struct tarn_partition_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(fd, TARN_PARTITION_INFO, info) ? -errno : 0;
}

static int fail(const char *path, int ret, const char *what)
{
	switch (-ret) {
	case ENOTTY:
		/* What was opened is one, so the call is what is not known. */
		if (strcmp(what, "open")) {
			err("%s %s: the loaded module does not know this call, load the one that came with this tarnctl",
			    what, path);
			return ret;
		}
		err("%s: not a partition, which is a regular file of a mounted pool ('tarnctl pool list' shows the pools)",
		    path);
		return ret;
	case EPERM:
	case EACCES:
		/* For root it is something else that forbids it. */
		if (!geteuid())
			break;
		err("%s %s: not permitted, run it as root or as the owner of the file",
		    what, path);
		return ret;
	case ENODEV:
		err("%s %s: its pool was mounted with paging=none", what, path);
		return ret;
	case EAGAIN:
		err("%s %s: no pager serves its pool, start tarn-pager", what,
		    path);
		return ret;
	}
	return err_errno(ret, "%s %s", what, path);
}

/* Its owner has named it, and this goes to terminals and logs. */
int partition_fail(const char *path, int ret, const char *what)
{
	char *clean = text_clean(path ? path : "a partition without a file");

	ret = fail(clean ? clean : "?", ret, what);
	free(clean);
	return ret;
}

const struct partition *partition_list_find(const struct partition_list *list,
					    __u32 id)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (list->items[i].info.id == id)
			return &list->items[i];
	}
	return NULL;
}

/* Takes over @part->path, also when it fails. */
static int list_add(struct partition_list *list, struct partition *part)
{
	struct partition *items;

	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items) {
		free(part->path);
		return -ENOMEM;
	}
	list->items = items;
	list->items[list->count++] = *part;
	return 0;
}

static int add_file(struct partition_list *list, int dirfd, const char *name,
		    const char *path)
{
	struct partition part = { 0 };
	struct stat st;
	int fd, ret;

	fd = openat(dirfd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		if (errno == EACCES || errno == EPERM)
			list->hidden++;
		/* Or it was removed meanwhile. */
		return 0;
	}
	ret = partition_info(fd, &part.info);
	if (!ret && fstat(fd, &st))
		ret = -errno;
	close(fd);
	/* A second name of the same file is no second partition. */
	if (ret || partition_list_find(list, part.info.id))
		return 0;
	part.ino = st.st_ino;
	part.uid = st.st_uid;
	part.gid = st.st_gid;
	part.mode = st.st_mode;
	part.path = strdup(path);
	return part.path ? list_add(list, &part) : -ENOMEM;
}

static int walk(struct partition_list *list, int fd, const char *prefix,
		unsigned int depth);

static int walk_sub(struct partition_list *list, int dirfd, const char *name,
		    const char *path, unsigned int depth)
{
	int fd;

	if (depth >= DEPTH_MAX) {
		list->hidden++;
		return 0;
	}
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC);
	if (fd < 0) {
		if (errno == EACCES || errno == EPERM || errno == EMFILE)
			list->hidden++;
		return 0;
	}
	return walk(list, fd, path, depth);
}

static int walk_entry(struct partition_list *list, int dirfd, const char *name,
		      const char *prefix, unsigned int depth)
{
	struct stat st;
	bool named;
	char *path;
	int ret = 0;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (asprintf(&path, "%s%s%s", prefix, *prefix ? "/" : "", name) < 0)
		return -ENOMEM;
	named = strlen(path) <= PATH_MOST;
	if (named && S_ISREG(st.st_mode))
		ret = add_file(list, dirfd, name, path);
	else if (named && S_ISDIR(st.st_mode))
		ret = walk_sub(list, dirfd, name, path, depth + 1);
	free(path);
	return ret;
}

/* Takes over @fd. */
static int walk(struct partition_list *list, int fd, const char *prefix,
		unsigned int depth)
{
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!ret && (entry = readdir(dir)))
		ret = walk_entry(list, dirfd(dir), entry->d_name, prefix,
				 depth);
	closedir(dir);
	return ret;
}

/* Add what sysfs shows under @name and the walk did not find. */
static int add_nameless(struct partition_list *list, int dirfd,
			const char *name)
{
	struct partition part = { 0 };
	unsigned long id;
	char *end;
	int fd, ret;

	id = strtoul(name, &end, 10);
	if (end == name || *end || partition_list_find(list, id))
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	part.info.id = id;
	ret = sysfs_read_fields(fd, partition_fields, &part.info);
	if (!ret)
		ret = sysfs_read_latency(fd, part.info.latency);
	close(fd);
	return ret ? 0 : list_add(list, &part);
}

static int walk_sysfs(struct partition_list *list, const char *root,
		      const char *uuid)
{
	struct dirent *entry;
	int fd, ret = 0;
	DIR *dir;

	fd = sysfs_open(root, uuid, "partitions");
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!ret && (entry = readdir(dir)))
		ret = add_nameless(list, dirfd(dir), entry->d_name);
	closedir(dir);
	return ret;
}

static int compare_paths(const void *a, const void *b)
{
	const struct partition *p = a, *q = b;

	if (!p->path || !q->path) {
		if (p->path || q->path)
			return p->path ? -1 : 1;
		return (p->info.id > q->info.id) - (p->info.id < q->info.id);
	}
	return strcmp(p->path, q->path);
}

int partition_list_read(struct partition_list *list, const struct pool *pool)
{
	int fd, ret;

	memset(list, 0, sizeof(*list));
	fd = pool_open(pool);
	if (fd < 0)
		return fd;
	ret = walk(list, fd, "", 0);
	if (!ret)
		ret = walk_sysfs(list, SYSFS_ROOT, pool->uuid);
	if (ret) {
		partition_list_free(list);
		return err_errno(ret, "read the partitions of %s", pool->mount);
	}
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items),
		      compare_paths);
	return 0;
}

void partition_list_free(struct partition_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->items[i].path);
		free(list->items[i].name);
		free(list->items[i].guest);
	}
	free(list->items);
	memset(list, 0, sizeof(*list));
}

int partition_reopen(int dirfd, const struct partition *part)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV,
	};
	struct tarn_partition_info info;
	int fd, ret;

	if (!part->path)
		return -ENOENT;
	fd = syscall(SYS_openat2, dirfd, part->path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	/* Another file may have its name by now. */
	ret = partition_info(fd, &info);
	if (!ret && info.id == part->info.id)
		return fd;
	close(fd);
	return ret ? ret : -ENOENT;
}

char *partition_title(const struct partition *part)
{
	char *title;

	if (part->name || part->path)
		return strdup(part->name ? part->name : part->path);
	return asprintf(&title, "id:%u", part->info.id) < 0 ? NULL : title;
}

char *partition_name(const struct partition *part)
{
	char *title = partition_title(part), *clean = NULL;

	if (title)
		clean = text_clean(title);
	free(title);
	return clean;
}
