// SPDX-License-Identifier: GPL-2.0-only
/* Calls on the partitions of guest memory; see pool.h. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/tarn.h>

#include "error.h"
#include "save/pool.h"

static u64 page_at(const struct mem_range *range, u64 off)
{
	return (range->fd_offset + off) >> TARN_PAGE_SHIFT;
}

int pool_read(const struct mem_range *range, u64 off, u32 count, u8 *data,
	      u8 *states)
{
	struct tarn_partition_read r = {
		.size = sizeof(r),
		.start = page_at(range, off),
		.count = count,
		.data = (uintptr_t)data,
		.states = (uintptr_t)states,
	};

	return ioctl(range->fd, TARN_PARTITION_READ, &r) ? -errno : (int)r.count;
}

int pool_read_error(u64 gpa, int ret)
{
	err("guest memory at %#llx cannot be read: %s", (unsigned long long)gpa,
	    ret == -EAGAIN ? "it is paged and the pool has no pager; start tarn-pager"
			   : strerror(-ret));
	return ret;
}

int pool_shared(const struct mem_range *range, u64 off, u32 count, u64 *ids,
		u64 *left)
{
	struct tarn_partition_shared s = {
		.size = sizeof(s),
		.start = page_at(range, off),
		.count = count,
		.ids = (uintptr_t)ids,
	};

	if (ioctl(range->fd, TARN_PARTITION_SHARED, &s))
		return -errno;
	*left = s.left;
	return s.count;
}

void pool_heat(const struct mem_range *range, u64 off, u32 count, u8 *heat)
{
	struct tarn_partition_heat h = {
		.size = sizeof(h),
		.start = page_at(range, off),
		.count = count,
		.heat = (uintptr_t)heat,
	};
	u32 i;

	memset(heat, TARN_ACTIVITY_NONE, count);
	if (ioctl(range->fd, TARN_PARTITION_HEAT, &h))
		memset(heat, TARN_ACTIVITY_NONE, count);
	for (i = 0; i < count; i++) {
		heat[i] &= TARN_HEAT_CLASS;
		if (heat[i] >= TARN_ACTIVITY_CLASSES)
			heat[i] = TARN_ACTIVITY_NONE;
	}
}

s64 pool_fill(const struct mem_range *range, u64 off, u64 count, u64 word)
{
	struct tarn_partition_fill f = {
		.size = sizeof(f),
		.start = page_at(range, off),
		.count = count,
		.word = word,
	};

	if (ioctl(range->fd, TARN_PARTITION_FILL, &f))
		return -errno;
	return min_t(u64, f.done, count);
}

bool pool_is_of_one_page(s64 ret)
{
	return ret >= 0 || ret == -EEXIST || ret == -EBUSY || ret == -EINTR;
}

s64 pool_copy(const struct mem_range *range, u64 off, u64 count, u64 source)
{
	struct tarn_partition_copy c = {
		.size = sizeof(c),
		.start = page_at(range, off),
		.count = count,
		.source = page_at(range, source),
	};

	if (ioctl(range->fd, TARN_PARTITION_COPY, &c))
		return -errno;
	return min_t(u64, c.done, count);
}

s64 pool_import(const struct mem_range *range, u64 off, u64 count, int fd,
		u64 pos, const u32 *sums)
{
	struct tarn_partition_import i = {
		.size = sizeof(i),
		.fd = fd,
		.start = page_at(range, off),
		.count = count,
		.offset = pos,
		.sums = (uintptr_t)sums,
	};

	if (ioctl(range->fd, TARN_PARTITION_IMPORT, &i))
		return -errno;
	return min_t(u64, i.done, count);
}

u64 pool_imported(const struct mem_range *range)
{
	struct tarn_partition_info info = {.size = sizeof(info)};

	return ioctl(range->fd, TARN_PARTITION_INFO, &info) ? 0
							    : info.imported_pages;
}

static int call_range(const struct mem_range *range, unsigned long request,
		      u32 flags, u64 off, u64 count, u64 *done)
{
	struct tarn_partition_range r = {
		.size = sizeof(r),
		.flags = flags,
		.start = page_at(range, off),
		.count = count,
	};

	if (ioctl(range->fd, request, &r))
		return -errno;
	*done = min_t(u64, r.done, count);
	return 0;
}

s64 pool_page_in(const struct mem_range *range, u64 off, u64 count, bool own)
{
	u32 flags = TARN_PAGE_IN_SPARE | (own ? TARN_PAGE_IN_OWN : 0);
	u64 done = 0;
	int ret = call_range(range, TARN_PARTITION_PAGE_IN, flags, off, count,
			     &done);

	return ret ?: (s64)done;
}

int pool_page_out(const struct mem_range *range, u64 off, u64 count)
{
	u64 done = 0;

	return call_range(range, TARN_PARTITION_PAGE_OUT, 0, off, count, &done);
}

void pool_patterns(const struct mem_range *range, u64 off, u64 count)
{
	u64 done = 0;

	call_range(range, TARN_PARTITION_PATTERNS, 0, off, count, &done);
}
