// SPDX-License-Identifier: GPL-2.0-only
/* See pool_hidden.h. What may not be looked at is passed over. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "pool_hidden.h"
#include "sysfs.h"
#include "text.h"

/* Namespaces that are looked into, and processes that are named. */
#define SPACES_MAX	256
#define NAMED_MAX	5

bool pool_hidden_any(const struct pool_list *list)
{
	DIR *dir = opendir(SYSFS_ROOT);
	struct dirent *entry;
	size_t pools = 0;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		pools += strlen(entry->d_name) == POOL_UUID_TEXT - 1;
	closedir(dir);
	return pools > list->count;
}

/* The mount namespace of a process, 0 if it can't be had. */
static ino_t space_of(const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.16s/ns/mnt", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

static bool is_pid(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

static void append_process(char *text, size_t size, const char *pid)
{
	size_t len = strlen(text);
	char path[64], line[64] = "?";
	char *name;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
	name = text_clean(line);
	snprintf(text + len, size - len, "%s%.16s (%s)", len ? ", " : "", pid,
		 name ? name : "?");
	free(name);
}

/* "812 (web), 900 (sh)" */
static void name_processes(ino_t space, char *text, size_t size)
{
	DIR *dir = opendir("/proc");
	unsigned int count = 0;
	struct dirent *entry;
	size_t len;

	*text = '\0';
	while (dir && (entry = readdir(dir))) {
		if (!is_pid(entry->d_name) || space_of(entry->d_name) != space)
			continue;
		if (count++ < NAMED_MAX)
			append_process(text, size, entry->d_name);
	}
	if (dir)
		closedir(dir);
	len = strlen(text);
	if (count > NAMED_MAX)
		snprintf(text + len, size - len, " and %u more",
			 count - NAMED_MAX);
}

static void report(const struct mount *mount, ino_t space)
{
	char processes[256];
	char *point = text_clean(mount->point);

	name_processes(space, processes, sizeof(processes));
	err("the pool at %s is mounted in another namespace only, of %s",
	    point ? point : "?", processes);
	free(point);
}

/* Add the mounts of the namespace that the process @pid is in. */
static int look_into(struct pool_list *list, const char *pid, ino_t space,
		     int (*add)(struct pool_list *list,
				const struct mount *mount))
{
	struct mount_list mounts;
	char path[64];
	int ret = 0;
	size_t i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (mountinfo_read(f, "tarnfs", &mounts))
		mounts.count = 0;
	fclose(f);
	for (i = 0; ret >= 0 && i < mounts.count; i++) {
		struct mount seen = mounts.items[i];

		if (asprintf(&seen.point, "/proc/%.16s/root%s", pid,
			     mounts.items[i].point) < 0) {
			ret = err_nomem();
			break;
		}
		ret = add(list, &seen);
		if (ret > 0)
			report(&seen, space);
		free(seen.point);
	}
	mountinfo_free(&mounts);
	return ret < 0 ? ret : 0;
}

int pool_hidden_find(struct pool_list *list,
		     int (*add)(struct pool_list *list,
				const struct mount *mount))
{
	ino_t spaces[SPACES_MAX] = { space_of("self") };
	size_t count = 1, i;
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int ret = 0;

	while (!ret && dir && count < SPACES_MAX && (entry = readdir(dir))) {
		ino_t space = is_pid(entry->d_name) ? space_of(entry->d_name) :
						      0;

		for (i = 0; space && i < count && spaces[i] != space; i++)
			;
		if (!space || i < count)
			continue;
		spaces[count++] = space;
		ret = look_into(list, entry->d_name, space, add);
	}
	if (dir)
		closedir(dir);
	return ret;
}
