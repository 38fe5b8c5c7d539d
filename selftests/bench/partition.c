// SPDX-License-Identifier: GPL-2.0-only
/* See partition.h. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memory.h"
#include "partition.h"

int partition_info(const struct memory *memory, struct tarn_partition_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(memory->fd, TARN_PARTITION_INFO, info) ? -errno : 0;
}

/* The directory that the file is in speaks for its pool. */
int partition_pool_info(const struct memory *memory, struct tarn_pool_info *info)
{
	char *path = strdup(memory->path);
	int fd, ret = 0;

	if (!path)
		return -ENOMEM;
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	if (ioctl(fd, TARN_POOL_INFO, info))
		ret = -errno;
	close(fd);
	return ret;
}

int partition_set_domain(const struct memory *memory, const char *name)
{
	struct tarn_partition_domain domain = {
		.size = sizeof(domain),
		.flags = TARN_DOMAIN_SET,
	};

	memcpy(domain.name, name, strnlen(name, sizeof(domain.name) - 1));
	return ioctl(memory->fd, TARN_PARTITION_DOMAIN, &domain) ? -errno : 0;
}

int partition_range(const struct memory *memory, unsigned long call, uint64_t *done)
{
	struct tarn_partition_range range = {
		.size = sizeof(range),
		.count = memory->size >> TARN_PAGE_SHIFT,
	};
	int ret = ioctl(memory->fd, call, &range) ? -errno : 0;

	*done = range.done;
	return ret;
}

int partition_balloon(const struct memory *memory, uint32_t op, uint64_t start,
		      uint64_t count, uint64_t *done)
{
	struct tarn_partition_balloon balloon = {
		.size = sizeof(balloon),
		.op = op,
		.start = start,
		.count = count,
	};
	int ret = ioctl(memory->fd, TARN_PARTITION_BALLOON, &balloon) ? -errno : 0;

	*done = balloon.done;
	return ret;
}
