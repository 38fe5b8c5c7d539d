// SPDX-License-Identifier: GPL-2.0-only
/* See pool_node.h. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "home.h"
#include "pool_node.h"
#include "sysfs.h"

#ifndef POOL_NODE_ROOT
#define POOL_NODE_ROOT SYSFS_ROOT
#endif

int pool_node_read(const struct pool *pool, unsigned int node, uint64_t *frames,
		   uint64_t *free_frames)
{
	char sub[32];
	int fd, ret;

	snprintf(sub, sizeof(sub), "node%u", node);
	fd = sysfs_open(POOL_NODE_ROOT, pool->uuid, sub);
	if (fd < 0)
		return fd;
	ret = sysfs_read(fd, "frames", frames);
	if (!ret && free_frames)
		ret = sysfs_read(fd, "free_frames", free_frames);
	close(fd);
	return ret;
}

/* The largest unit in which it is a whole number; a pool has 2 MiB at a time. */
static int format_frames(char *buf, size_t size, uint64_t frames)
{
	uint64_t mib = frames >> (20 - TARN_PAGE_SHIFT);

	if (!frames)
		return snprintf(buf, size, "0");
	if (mib % 1024)
		return snprintf(buf, size, "%lluM", (unsigned long long)mib);
	return snprintf(buf, size, "%lluG", (unsigned long long)mib / 1024);
}

int pool_nodes_format(const struct pool *pool, unsigned int last, char *buf,
		      size_t size)
{
	size_t len = 0, end = 0;
	unsigned int node;

	for (node = 0; node <= NODE_MAX; node++) {
		uint64_t frames = 0;

		if (pool_node_read(pool, node, &frames, NULL))
			frames = 0;
		if (node && len + 1 < size)
			buf[len++] = ':';
		len += format_frames(buf + len, size - len, frames);
		if (len >= size)
			return -E2BIG;
		if (frames || node <= last)
			end = len;
	}
	buf[end] = '\0';
	return 0;
}
