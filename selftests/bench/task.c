// SPDX-License-Identifier: GPL-2.0-only
/* See task.h. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task.h"

static bool has_name(int pid, const char *name)
{
	char path[64], line[64] = "";
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	in = fopen(path, "re");
	if (!in)
		return false;
	if (!fgets(line, sizeof(line), in))
		line[0] = '\0';
	fclose(in);
	line[strcspn(line, "\n")] = '\0';
	return !strcmp(line, name);
}

int task_find(const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int pid, found = -ESRCH;

	if (!proc)
		return -errno;
	while (found < 0 && (entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		if (pid > 0 && has_name(pid, name))
			found = pid;
	}
	closedir(proc);
	return found;
}

int64_t task_cpu_ns(int pid)
{
	char path[64];
	long long ns;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	if (fscanf(in, "%lld", &ns) != 1)
		ns = -EINVAL;
	fclose(in);
	return ns;
}
