// SPDX-License-Identifier: GPL-2.0-only
/*
 * Placement of RAM in guest physical space and every access to it. The objects
 * behind it are made in membackend.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include <linux/tarn.h>

#include "error.h"
#include "mem.h"

/* What is mapped privately goes to other memory when it is written. */
bool mem_backend_in_pool(const struct mem_backend *backend)
{
	struct statfs fs;

	return backend->fd >= 0 && backend->share &&
	       !fstatfs(backend->fd, &fs) && fs.f_type == TARN_SUPER_MAGIC;
}

static int range_add(struct tarn_mem *mem, struct mem_backend *backend,
		     u64 offset, u64 gpa, u64 size, unsigned int node)
{
	struct mem_range *range;

	if (mem->nr == MEM_MAX_RANGES) {
		err("more than %d pieces of RAM", MEM_MAX_RANGES);
		return -E2BIG;
	}
	range = &mem->range[mem->nr++];
	range->gpa = gpa;
	range->size = size;
	range->hva = (u8 *)backend->hva + offset;
	range->fd = backend->fd;
	range->fd_offset = offset;
	range->node = node;
	range->backend = backend;
	mem->size += size;
	return 0;
}

static u64 mem_end(const struct tarn_mem *mem)
{
	const struct mem_range *last;

	if (!mem->nr)
		return 0;
	last = &mem->range[mem->nr - 1];
	if (last->gpa + last->size == MEM_LOW_END)
		return MEM_HIGH_START;
	return last->gpa + last->size;
}

int tarn_mem_add(struct tarn_mem *mem, struct mem_backend *backend,
		 unsigned int node)
{
	u64 gpa = mem_end(mem), low = 0;
	int ret;

	if (backend->used) {
		err("memory backend '%s' is used twice", backend->id);
		return -EBUSY;
	}
	if (gpa < MEM_LOW_END) {
		low = min_t(u64, backend->size, MEM_LOW_END - gpa);
		ret = range_add(mem, backend, 0, gpa, low, node);
		if (ret)
			return ret;
		gpa = MEM_HIGH_START;
	}
	if (low < backend->size) {
		ret = range_add(mem, backend, low, gpa, backend->size - low,
				node);
		if (ret)
			return ret;
	}
	backend->used = true;
	return 0;
}

struct mem_range *tarn_mem_range(struct tarn_mem *mem, u64 gpa, u64 len)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		struct mem_range *range = &mem->range[i];
		u64 off = gpa - range->gpa;

		if (gpa < range->gpa)
			break;
		if (off < range->size)
			return len && len <= range->size - off ? range : NULL;
	}
	return NULL;
}

void *tarn_mem_ptr(struct tarn_mem *mem, u64 gpa, u64 len)
{
	struct mem_range *range = tarn_mem_range(mem, gpa, len);

	return range ? range->hva + (gpa - range->gpa) : NULL;
}

/* The part of [gpa, gpa + len) that lies in the range of its first byte. */
static void *piece(struct tarn_mem *mem, u64 gpa, u64 len, u64 *n)
{
	struct mem_range *range = tarn_mem_range(mem, gpa, 1);

	if (!range)
		return NULL;
	*n = min_t(u64, len, range->size - (gpa - range->gpa));
	return range->hva + (gpa - range->gpa);
}

int tarn_mem_read(struct tarn_mem *mem, u64 gpa, void *buf, u64 len)
{
	u64 n;

	for (; len; gpa += n, buf = (u8 *)buf + n, len -= n) {
		void *p = piece(mem, gpa, len, &n);

		if (!p)
			return -EFAULT;
		memcpy(buf, p, n);
	}
	return 0;
}

int tarn_mem_write(struct tarn_mem *mem, u64 gpa, const void *buf, u64 len)
{
	u64 n;

	for (; len; gpa += n, buf = (const u8 *)buf + n, len -= n) {
		void *p = piece(mem, gpa, len, &n);

		if (!p)
			return -EFAULT;
		memcpy(p, buf, n);
	}
	return 0;
}

int tarn_mem_discard(struct tarn_mem *mem, u64 gpa, u64 len)
{
	struct mem_range *range = tarn_mem_range(mem, gpa, len);
	u64 off;

	if (!range || !IS_ALIGNED(gpa, 4096) || !IS_ALIGNED(len, 4096))
		return -EINVAL;
	off = gpa - range->gpa;
	if (range->fd < 0)
		return madvise(range->hva + off, len, MADV_DONTNEED) ? -errno
								     : 0;
	if (!range->backend->share)
		return -EOPNOTSUPP;
	if (fallocate(range->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      range->fd_offset + off, len))
		return -errno;
	return 0;
}

/* Balloons in pools */

static bool backend_has_balloon(struct mem_backend *backend, int fd)
{
	struct tarn_features features = {.size = sizeof(features)};
	struct tarn_partition_notify notify = {
		.size = sizeof(notify),
		.flags = TARN_NOTIFY_BALLOON,
		.eventfd = fd,
	};

	return mem_backend_in_pool(backend) &&
	       !ioctl(backend->fd, TARN_GET_FEATURES, &features) &&
	       features.features & TARN_FEATURE_BALLOON &&
	       !ioctl(backend->fd, TARN_PARTITION_NOTIFY, &notify);
}

bool tarn_mem_balloon_begin(struct tarn_mem *mem, int fd)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		struct mem_backend *backend = mem->range[i].backend;

		if (!backend)
			continue;
		backend->balloon = backend_has_balloon(backend, fd);
		any |= backend->balloon;
	}
	return any;
}

static bool has_balloon(const struct mem_range *range)
{
	return range->backend && range->backend->balloon;
}

static int balloon_call(const struct mem_range *range, u32 op, u64 off, u64 len)
{
	struct tarn_partition_balloon b = {
		.size = sizeof(b),
		.op = op,
		.start = (range->fd_offset + off) >> TARN_PAGE_SHIFT,
		.count = len >> TARN_PAGE_SHIFT,
	};

	return ioctl(range->fd, TARN_PARTITION_BALLOON, &b) ? -errno : 0;
}

int tarn_mem_inflate(struct tarn_mem *mem, u64 gpa, u64 len)
{
	struct mem_range *range = tarn_mem_range(mem, gpa, len);

	if (!range || !has_balloon(range))
		return tarn_mem_discard(mem, gpa, len);
	if (!IS_ALIGNED(gpa, 4096) || !IS_ALIGNED(len, 4096))
		return -EINVAL;
	return balloon_call(range, TARN_BALLOON_INFLATE, gpa - range->gpa, len);
}

int tarn_mem_deflate(struct tarn_mem *mem, u64 gpa, u64 len)
{
	struct mem_range *range = tarn_mem_range(mem, gpa, len);

	if (!range || !IS_ALIGNED(gpa, 4096) || !IS_ALIGNED(len, 4096))
		return -EINVAL;
	return has_balloon(range) ?
		       balloon_call(range, TARN_BALLOON_DEFLATE,
				    gpa - range->gpa, len) :
		       0;
}

void tarn_mem_balloon_reset(struct tarn_mem *mem)
{
	struct tarn_partition_balloon b = {
		.size = sizeof(b),
		.op = TARN_BALLOON_RESET,
	};
	unsigned int i;

	for (i = 0; i < mem->nr; i++)
		if (has_balloon(&mem->range[i]))
			ioctl(mem->range[i].fd, TARN_PARTITION_BALLOON, &b);
}
