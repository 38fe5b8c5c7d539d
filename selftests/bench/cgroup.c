// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller's own cgroup. See cgroup.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"

static FILE *cgroup_open(const char *file, const char *mode)
{
	char line[512], path[1024];
	FILE *self = fopen("/proc/self/cgroup", "re");
	char *name = NULL;

	if (!self)
		return NULL;
	while (fgets(line, sizeof(line), self)) {
		if (strncmp(line, "0::", 3))
			continue;
		name = line + 3;
		name[strcspn(name, "\n")] = '\0';
		break;
	}
	fclose(self);
	if (!name) {
		errno = ENOENT;
		return NULL;
	}
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", name, file);
	return fopen(path, mode);
}

long long cgroup_stat(const char *file, const char *key)
{
	FILE *in = cgroup_open(file, "re");
	long long value, ret = -ENOENT;
	char name[64];

	if (!in)
		return -errno;
	while (fscanf(in, "%63s %lld", name, &value) == 2) {
		if (!strcmp(name, key)) {
			ret = value;
			break;
		}
	}
	fclose(in);
	return ret;
}

int cgroup_reclaim(long long bytes)
{
	FILE *out = cgroup_open("memory.reclaim", "we");
	int ret = 0;

	if (!out)
		return -errno;
	setbuf(out, NULL);
	if (fprintf(out, "%lld", bytes) < 0)
		ret = -errno;
	fclose(out);
	return ret;
}
