// SPDX-License-Identifier: GPL-2.0-only
/* See home_mark.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "home_mark.h"
#include "partition.h"
#include "sysfs.h"

#define MARK_MAX 256

static const char *const dispatch_names[] = {
	[HOME_DISPATCH_DEFAULT] = "default",
	[HOME_DISPATCH_SOFT] = "soft",
	[HOME_DISPATCH_STRICT] = "strict",
	[HOME_DISPATCH_OFF] = "off",
};

#define NR_NAMES (sizeof(dispatch_names) / sizeof(dispatch_names[0]))

int home_dispatch_parse(const char *text, enum home_dispatch *dispatch)
{
	size_t i;

	for (i = 0; i < NR_NAMES; i++) {
		if (strcmp(dispatch_names[i], text))
			continue;
		*dispatch = i;
		return 0;
	}
	return -EINVAL;
}

const char *home_dispatch_name(enum home_dispatch dispatch)
{
	return dispatch_names[dispatch];
}

/* ---- one mark ----------------------------------------------------------- */

static void mark_path(char *path, const char *uuid, __u32 id)
{
	snprintf(path, PATH_MAX, "%s/%s/%u", HOME_MARK_DIR, uuid, id);
}

/* A line is a word and what it is. Those of newer programs are passed over. */
static void take_line(struct home_mark *mark, const char *line)
{
	char value[16];

	if (!strcmp(line, "home auto\n"))
		mark->automatic = true;
	else if (sscanf(line, "dispatch %15s", value) == 1)
		home_dispatch_parse(value, &mark->dispatch);
}

static struct home_mark read_mark(const char *path)
{
	struct home_mark mark = { 0 };
	char line[MARK_MAX];
	FILE *f = fopen(path, "re");

	mark.unknown = !f && errno != ENOENT && errno != ENOTDIR;
	if (!f)
		return mark;
	while (fgets(line, sizeof(line), f))
		take_line(&mark, line);
	fclose(f);
	return mark;
}

struct home_mark home_mark_read(const char *uuid, __u32 id)
{
	char path[PATH_MAX];

	mark_path(path, uuid, id);
	return read_mark(path);
}

/* For all to read, whatever the umask of a service is. */
static int make_dir(const char *path)
{
	if (!mkdir(path, 0755))
		return chmod(path, 0755) ? -errno : 0;
	return errno == EEXIST ? 0 : -errno;
}

static int make_dirs(const char *uuid)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", HOME_MARK_DIR, uuid);
	ret = make_dir(HOME_MARK_DIR);
	return ret ? ret : make_dir(path);
}

/* Who reads sees the old one or the new one. */
static int replace(const char *path, const struct home_mark *mark)
{
	char new[PATH_MAX + 8];
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", path);
	f = fopen(new, "we");
	if (!f)
		return -errno;
	if (mark->automatic)
		fputs("home auto\n", f);
	if (mark->dispatch)
		fprintf(f, "dispatch %s\n", dispatch_names[mark->dispatch]);
	if (fchmod(fileno(f), 0644) || fclose(f) || rename(new, path)) {
		int ret = -errno;

		unlink(new);
		return ret;
	}
	return 0;
}

int home_mark_write(const char *uuid, __u32 id, const struct home_mark *mark)
{
	char path[PATH_MAX];
	int ret;

	mark_path(path, uuid, id);
	if (!mark->automatic && !mark->dispatch)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	ret = make_dirs(uuid);
	return ret ? ret : replace(path, mark);
}

int home_mark_find(int fd, char *uuid, __u32 *id)
{
	struct tarn_partition_info info;
	struct pool_list pools;
	struct stat st;
	size_t i;
	int ret;

	ret = partition_info(fd, &info);
	if (!ret && fstat(fd, &st))
		ret = -errno;
	if (ret)
		return err_errno(ret, "read the counters of a partition");
	ret = pool_list_read(&pools);
	if (ret)
		return ret;
	ret = -ENOENT;
	for (i = 0; i < pools.count && ret; i++) {
		if (pools.items[i].dev != st.st_dev)
			continue;
		strcpy(uuid, pools.items[i].uuid);
		*id = info.id;
		ret = 0;
	}
	pool_list_free(&pools);
	if (ret)
		err("the pool of the partition is not mounted any more");
	return ret;
}

/* ---- all of them -------------------------------------------------------- */

static int lock_file(const char *name, int operation)
{
	char path[PATH_MAX];
	int fd, ret;

	/* Where no pool is below /run/tarn there may be no such directory. */
	snprintf(path, sizeof(path), "%s", HOME_MARK_DIR);
	ret = make_dir(dirname(path));
	if (!ret)
		ret = make_dir(HOME_MARK_DIR);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/%s", HOME_MARK_DIR, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (!flock(fd, operation))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int home_mark_lock(void)
{
	return lock_file("lock", LOCK_EX);
}

int home_mark_dispatch_lock(void)
{
	return lock_file("dispatch", LOCK_EX | LOCK_NB);
}

/* Who only looks has the lock for a moment, too. */
static int lock_served(void)
{
	unsigned int tries = 20;
	int lock;

	for (;;) {
		lock = lock_file("served", LOCK_EX | LOCK_NB);
		if (lock != -EWOULDBLOCK || !--tries)
			return lock;
		usleep(50000);
	}
}

bool home_mark_served(int *fd)
{
	int lock = fd ? lock_served() :
			lock_file("served", LOCK_SH | LOCK_NB);

	if (fd)
		*fd = lock;
	else if (lock >= 0)
		close(lock);
	return lock == -EWOULDBLOCK;
}

bool home_mark_any_auto(void)
{
	bool any = false;
	glob_t found;
	size_t i;

	if (glob(HOME_MARK_DIR "/*/[0-9]*", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc && !any; i++)
		any = read_mark(found.gl_pathv[i]).automatic;
	globfree(&found);
	return any;
}

static bool is_there(const char *uuid, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/partitions/%s", SYSFS_ROOT, uuid,
		 name);
	return !access(path, F_OK);
}

static void sweep_pool(int top, const char *uuid)
{
	int fd = openat(top, uuid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	/* A file: a lock. */
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && !is_there(uuid, entry->d_name))
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(dir);
	/* As long as there is a mark it stays. */
	unlinkat(top, uuid, AT_REMOVEDIR);
}

void home_mark_sweep(void)
{
	DIR *dir = opendir(HOME_MARK_DIR);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			sweep_pool(dirfd(dir), entry->d_name);
	}
	closedir(dir);
}
