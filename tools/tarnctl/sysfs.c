// SPDX-License-Identifier: GPL-2.0-only
/* Reading of numbers from sysfs. Nothing is reported here: files come and go. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sysfs.h"

static int read_text(int dirfd, const char *name, char *buf, size_t size)
{
	ssize_t len;
	int fd, ret;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	ret = len < 0 ? -errno : 0;
	close(fd);
	if (!ret)
		buf[len] = '\0';
	return ret;
}

/* Read the number at *@text and move past it and the blanks behind it. */
static int take_number(char **text, uint64_t *val)
{
	char *end;

	errno = 0;
	*val = strtoull(*text, &end, 10);
	if (errno)
		return -errno;
	if (end == *text)
		return -EINVAL;
	while (*end == ' ' || *end == '\n')
		end++;
	*text = end;
	return 0;
}

int sysfs_read(int dirfd, const char *name, uint64_t *val)
{
	char buf[64], *text = buf;
	int ret;

	ret = read_text(dirfd, name, buf, sizeof(buf));
	if (!ret)
		ret = take_number(&text, val);
	return ret ? ret : *text ? -EINVAL : 0;
}

int sysfs_read_fields(int dirfd, const struct field *table, void *base)
{
	bool any = false;

	for (; table->name; table++) {
		uint64_t val;
		int ret = sysfs_read(dirfd, table->name, &val);

		if (ret == -ENOENT)
			continue;
		if (ret)
			return ret;
		field_set(table, base, val);
		any = true;
	}
	return any ? 0 : -ENOENT;
}

int sysfs_read_latency(int dirfd, __u64 *buckets)
{
	char buf[4096], *text = buf;
	int ret, i;

	ret = read_text(dirfd, "latency", buf, sizeof(buf));
	for (i = 0; !ret && i < TARN_LATENCY_BUCKETS; i++) {
		uint64_t val;

		ret = take_number(&text, &val);
		if (!ret)
			buckets[i] = val;
	}
	return ret;
}

int sysfs_open(const char *root, const char *uuid, const char *sub)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s%s", root, uuid, sub ? "/" : "",
		 sub ? sub : "");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
