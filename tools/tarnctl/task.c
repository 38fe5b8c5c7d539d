// SPDX-License-Identifier: GPL-2.0-only
/* See task.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "task.h"

/* Fields of /proc/PID/task/TID/stat, see proc(5). */
#define STAT_STATE	3
#define STAT_USER	14
#define STAT_SYSTEM	15
#define STAT_START	22
#define STAT_CPU	39

static bool is_vcpu(const char *comm)
{
	unsigned int number;
	int len = 0;

	return sscanf(comm, "CPU %u/KVM%n", &number, &len) == 1 && len &&
	       !comm[len];
}

/* The name may have anything in it, so its end is looked for from behind. */
int task_parse(char *line, struct task *task)
{
	char *open = strchr(line, '('), *close = strrchr(line, ')');
	char *field, *rest;
	unsigned int i;

	if (!open || !close || close < open)
		return -EPROTO;
	*close = '\0';
	*task = (struct task){ .tid = atoi(line), .vcpu = is_vcpu(open + 1) };
	rest = close + 1;
	rest += strspn(rest, " ");
	for (i = STAT_STATE; (field = strsep(&rest, " ")); i++) {
		if (i == STAT_USER || i == STAT_SYSTEM)
			task->ticks += strtoull(field, NULL, 10);
		else if (i == STAT_START)
			task->start = strtoull(field, NULL, 10);
		else if (i == STAT_CPU)
			break;
	}
	if (!field)
		return -EPROTO;
	task->cpu = strtoul(field, NULL, 10);
	return 0;
}

static int read_task(int dir, const char *tid, struct task *task)
{
	char path[300], text[1024];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", tid);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -ESRCH;
	text[len] = '\0';
	return task_parse(text, task);
}

void tasks_each(int dir, void (*fn)(const struct task *task, void *arg),
		void *arg)
{
	int fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct task task;

	if (!tasks) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] != '.' &&
		    !read_task(dirfd(tasks), entry->d_name, &task))
			fn(&task, arg);
	}
	closedir(tasks);
}

static bool in_pools(const struct mapped_files *files,
		     const struct pool_list *pools)
{
	size_t i, j;

	for (i = 0; i < files->count; i++) {
		for (j = 0; j < pools->count; j++) {
			if (files->items[i].dev == pools->items[j].dev)
				return true;
		}
	}
	return false;
}

bool task_maps(const char *pid, const struct pool_list *pools,
	       struct mapped_files *files)
{
	char path[300];
	bool uses;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	uses = !maps_read_process(AT_FDCWD, path, atoi(pid), files) &&
	       in_pools(files, pools);
	if (!uses)
		maps_free(files);
	return uses;
}
