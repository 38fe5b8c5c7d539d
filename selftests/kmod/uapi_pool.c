// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_GET_FEATURES, TARN_POOL_INFO, TARN_POOL_SET, TARN_POOL_DRAIN, TARN_POOL_FAULTS:
 * form and values.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uapi.h"

static struct pool pool;
static int part, null, dev, other;

static int open_pool(void)
{
	return pool.fd;
}

static int open_part(void)
{
	return part;
}

static int open_dev(void)
{
	return dev;
}

static void keep(int fd)
{
}

static void begin(void)
{
	pool_mount(&pool, "size=8M");
	part = part_create(&pool, "a", 16);
	null = ASSERT_OK(open("/dev/null", O_RDWR | O_CLOEXEC));
	dev = ASSERT_OK(open("/dev/tarn", O_RDWR | O_CLOEXEC));
	other = ASSERT_OK(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void end(void)
{
	close(part);
	close(null);
	close(dev);
	close(other);
	pool_umount(&pool);
}

static void features(void)
{
	struct uapi_call call = {
		.name = "GET_FEATURES",
		.cmd = TARN_GET_FEATURES,
		.size = sizeof(struct tarn_features),
		.close = keep,
	};
	int (*const open_any[])(void) = { open_pool, open_part, open_dev };
	struct tarn_features f;
	size_t i;

	begin();
	const int wrong[] = { null, other };

	for (i = 0; i < ARRAY_SIZE(open_any); i++) {
		call.open = open_any[i];
		uapi_check(&call, wrong, ARRAY_SIZE(wrong));
		f = (struct tarn_features){ .size = sizeof(f) };
		tarn_op(open_any[i](), TARN_GET_FEATURES, &f);
		ASSERT_EQ(f.size, sizeof(f));
		ASSERT_EQ(f.flags, 0);
		ASSERT(f.features & TARN_FEATURE_PAGING);
		ASSERT(f.features & TARN_FEATURE_CHECKSUM);
		ASSERT(f.features & TARN_FEATURE_FAULTS);
		ASSERT_EQ(f.max_queues, TARN_PAGER_MAX_QUEUES);
		ASSERT_EQ(f.max_depth, TARN_PAGER_MAX_DEPTH);
	}
	end();
}

static void info(void)
{
	const struct uapi_call call = {
		.name = "POOL_INFO",
		.cmd = TARN_POOL_INFO,
		.size = sizeof(struct tarn_pool_info),
		.min_size = offsetof(struct tarn_pool_info, pinned_pages),
		.open = open_pool,
		.close = keep,
	};
	struct tarn_pool_info i, j;
	int dir;

	begin();
	const int wrong[] = { part, null, dev, other };

	uapi_check(&call, wrong, ARRAY_SIZE(wrong));
	uapi_check_admin(&call);
	i = pool_info(&pool);
	ASSERT_EQ(i.size, sizeof(i));
	ASSERT_EQ(i.frames, 2048);
	ASSERT_EQ(i.partitions, 1);
	ASSERT_EQ(i.logical_pages, 16);
	ASSERT_EQ(i.resident_pages, 0);
	ASSERT_EQ(i.paged_pages, 0);
	ASSERT_LT(0, i.low_frames);
	ASSERT_LT(i.low_frames, i.high_frames);
	ASSERT_LE(i.high_frames, i.frames / 2);
	ASSERT_LT(0, i.metadata_bytes);
	ASSERT_LE(i.metadata_bytes, 16 * i.frames + (1 << 20));
	/* any directory of the mount speaks for the pool */
	ASSERT_OK(mkdirat(pool.fd, "d", 0700));
	dir = part_open(&pool, "d", O_RDONLY | O_DIRECTORY);
	j = (struct tarn_pool_info){ .size = sizeof(j) };
	tarn_op(dir, TARN_POOL_INFO, &j);
	ASSERT(!memcmp(i.uuid, j.uuid, TARN_UUID_SIZE));
	close(dir);
	end();
}

/* In flags is 0; out flags go back in here, which is a mistake to tell. */
static void info_flags_are_out_only(void)
{
	struct tarn_pool_info i;

	begin();
	i = pool_info(&pool);
	ASSERT_EQ(i.flags, TARN_POOL_PAGING);
	ASSERT_EQ(__tarn_op(pool.fd, TARN_POOL_INFO, &i), -EINVAL);
	end();
}

static void fill_set(void *arg)
{
	struct tarn_pool_set *set = arg;

	set->flags = TARN_POOL_SET_ALL;
	set->low_frames = 10;
	set->high_frames = 20;
	set->readahead_pages = 8;
}

static void set(void)
{
	const struct uapi_call call = {
		.name = "POOL_SET",
		.cmd = TARN_POOL_SET,
		.size = sizeof(struct tarn_pool_set),
		.min_size = offsetof(struct tarn_pool_set, placement),
		.flags = TARN_POOL_SET_ALL,
		.open = open_pool,
		.close = keep,
		.fill = fill_set,
		.admin = true,
	};

	begin();
	const int wrong[] = { part, null, dev, other };

	uapi_check(&call, wrong, ARRAY_SIZE(wrong));
	uapi_check_admin(&call);
	end();
}

static long try_set(u32 flags, u64 low, u64 high, u32 readahead)
{
	struct tarn_pool_set s = {
		.size = sizeof(s),
		.flags = flags,
		.low_frames = low,
		.high_frames = high,
		.readahead_pages = readahead,
	};

	return __tarn_op(pool.fd, TARN_POOL_SET, &s);
}

static void set_values(void)
{
	static const struct {
		u32 flags;
		u64 low, high;
		u32 readahead;
		long ret;
	} list[] = {
		{ TARN_POOL_SET_WATERMARKS, 0, 20, 0, -EINVAL },
		{ TARN_POOL_SET_WATERMARKS, 20, 20, 0, -EINVAL },
		{ TARN_POOL_SET_WATERMARKS, 21, 20, 0, -EINVAL },
		{ TARN_POOL_SET_WATERMARKS, 1, 1025, 0, -EINVAL },
		{ TARN_POOL_SET_WATERMARKS, 1, ~0ULL, 0, -EINVAL },
		{ TARN_POOL_SET_WATERMARKS, ~0ULL - 1, ~0ULL, 0, -EINVAL },
		{ TARN_POOL_SET_WATERMARKS, 1, 1024, 0, 0 },
		{ TARN_POOL_SET_WATERMARKS, 1, 2, 0, 0 },
		{ TARN_POOL_SET_WATERMARKS, 1023, 1024, 0, 0 },
		{ TARN_POOL_SET_READAHEAD, 0, 0, 257, -EINVAL },
		{ TARN_POOL_SET_READAHEAD, 0, 0, ~0U, -EINVAL },
		{ TARN_POOL_SET_READAHEAD, 0, 0, 256, 0 },
		{ TARN_POOL_SET_READAHEAD, 0, 0, 1, 0 },
		{ TARN_POOL_SET_READAHEAD, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 0 },
		/* one bad value: nothing changes */
		{ TARN_POOL_SET_ALL, 10, 20, 257, -EINVAL },
		{ TARN_POOL_SET_ALL, 30, 20, 16, -EINVAL },
		{ TARN_POOL_SET_ALL, 100, 200, 32, 0 },
	};
	struct tarn_pool_info before, after;
	size_t i;
	long ret;

	begin();
	for (i = 0; i < ARRAY_SIZE(list); i++) {
		before = pool_info(&pool);
		ret = try_set(list[i].flags, list[i].low, list[i].high,
			      list[i].readahead);
		if (ret != list[i].ret)
			FAIL("case %zu: %ld", i, ret);
		after = pool_info(&pool);
		if (!ret && (list[i].flags & TARN_POOL_SET_WATERMARKS)) {
			before.low_frames = list[i].low;
			before.high_frames = list[i].high;
		}
		if (!ret && (list[i].flags & TARN_POOL_SET_READAHEAD))
			before.readahead_pages = list[i].readahead;
		ASSERT_EQ(after.low_frames, before.low_frames);
		ASSERT_EQ(after.high_frames, before.high_frames);
		ASSERT_EQ(after.readahead_pages, before.readahead_pages);
	}
	end();
}

static void placement(void)
{
	struct tarn_pool_set s = {
		.size = sizeof(s),
		.flags = TARN_POOL_SET_PLACEMENT,
	};

	begin();
	ASSERT_EQ(pool_info(&pool).placement, TARN_PLACE_CLASS);
	for (s.placement = 0; s.placement < TARN_PLACEMENTS; s.placement++) {
		tarn_op(pool.fd, TARN_POOL_SET, &s);
		ASSERT_EQ(pool_info(&pool).placement, s.placement);
	}
	ASSERT_ERR(__tarn_op(pool.fd, TARN_POOL_SET, &s), EINVAL);
	/* Without the flag it does not count. */
	s.flags = 0;
	tarn_op(pool.fd, TARN_POOL_SET, &s);
	ASSERT_EQ(pool_info(&pool).placement, TARN_PLACEMENTS - 1);
	end();
}

static void drain(void)
{
	const struct uapi_call call = {
		.name = "POOL_DRAIN",
		.cmd = TARN_POOL_DRAIN,
		.size = sizeof(struct tarn_pool_drain),
		.min_size = offsetof(struct tarn_pool_drain, why),
		.flags = TARN_DRAIN_ALL,
		.open = open_pool,
		.close = keep,
		.admin = true,
	};

	begin();
	const int wrong[] = { part, null, dev, other };

	uapi_check(&call, wrong, ARRAY_SIZE(wrong));
	uapi_check_admin(&call);
	end();
}

static struct tarn_fault list[8];

static void fill_faults(void *arg)
{
	struct tarn_pool_faults *f = arg;

	f->count = ARRAY_SIZE(list);
	f->faults = (uintptr_t)list;
}

static void faults(void)
{
	const struct uapi_call call = {
		.name = "POOL_FAULTS",
		.cmd = TARN_POOL_FAULTS,
		.size = sizeof(struct tarn_pool_faults),
		/* the second word is no flags here, see fault_values() */
		.flags = ~0U,
		.open = open_pool,
		.close = keep,
		.fill = fill_faults,
		.admin = true,
	};

	begin();
	const int wrong[] = { part, null, dev, other };

	uapi_check_admin(&call);
	uapi_check(&call, wrong, ARRAY_SIZE(wrong));
	end();
}

static long try_faults(u32 partition, u32 count, u32 flags, u64 address)
{
	struct tarn_pool_faults f = {
		.size = sizeof(f),
		.partition = partition,
		.count = count,
		.flags = flags,
		.faults = address,
	};
	long ret = __tarn_op(pool.fd, TARN_POOL_FAULTS, &f);

	if (!ret) {
		ASSERT_EQ(f.count, 0);
		ASSERT_EQ(f.pending, 0);
	}
	return ret;
}

static void fault_values(void)
{
	int bit;

	begin();
	for (bit = 0; bit < 32; bit++)
		ASSERT_EQ(try_faults(0, 8, 1U << bit, (uintptr_t)list),
			  -EINVAL);
	ASSERT_EQ(try_faults(0, 4097, 0, (uintptr_t)list), -EINVAL);
	ASSERT_EQ(try_faults(0, ~0U, 0, (uintptr_t)list), -EINVAL);
	ASSERT_EQ(try_faults(0, 4096, 0, (uintptr_t)list), 0);
	ASSERT_EQ(try_faults(~0U, 8, 0, (uintptr_t)list), 0);
	/* with nothing to tell the address does not matter */
	ASSERT_EQ(try_faults(0, 8, 0, 0), 0);
	ASSERT_EQ(try_faults(0, 0, 0, ~0ULL), 0);
	end();
}

static int events_without_caps(void *arg)
{
	ASSERT_OK(setuid(65534));
	return -__tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
}

static void events_call(void)
{
	char byte;
	int fd, i;

	begin();
	const int wrong[] = { part, null, dev, other };

	for (i = 0; i < 4; i++)
		ASSERT_EQ(__tarn_op(wrong[i], TARN_POOL_EVENTS, NULL), -ENOTTY);
	ASSERT_EQ(reap(spawn(events_without_caps, NULL)), EPERM);
	fd = tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
	ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(__tarn_op(fd, TARN_POOL_INFO, NULL), -ENOTTY);
	ASSERT_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	ASSERT_ERR(read(fd, &byte, 1), EINVAL);
	ASSERT_LT(SYS(write(fd, &byte, 1)), 0);
	close(fd);
	end();
}

/* Numbers beside those of the interface are not calls. */
static void unknown_numbers(void)
{
	u8 arg[1024] = { 64 };
	int fds[3], n, i;

	begin();
	fds[0] = pool.fd;
	fds[1] = part;
	fds[2] = dev;
	for (i = 0; i < 3; i++) {
		for (n = 0; n < 256; n++) {
			if ((n >= 0x10 && n <= 0x10) ||
			    (n >= 0x20 && n <= 0x27) ||
			    (n >= 0x40 && n <= 0x57) ||
			    (n >= 0x60 && n <= 0x64))
				continue;
			ASSERT_EQ(__tarn_op(fds[i], _IOWR(TARN_IOC_TYPE, n, u64),
					    arg), -ENOTTY);
		}
	}
	end();
}

static const struct tarn_test tests[] = {
	TEST(features),
	TEST(info),
	TEST(info_flags_are_out_only),
	TEST(set),
	TEST(set_values),
	TEST(placement),
	TEST(drain),
	TEST(faults),
	TEST(fault_values),
	TEST(events_call),
	TEST(unknown_numbers),
};

TESTS_MAIN(tests)
