// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PARTITION_HEAT, the scanner's share in TARN_POOL_SET, minimum and desired
 * frames in TARN_PARTITION_SET: form and values.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

#define PAGES 64
#define FRAMES 2048ULL

static struct pool pool;
static int part, null, dev;
static u8 *map;
static u8 heat[PAGES];

static int open_part(void)
{
	return part;
}

static void keep(int fd)
{
}

static void begin(void)
{
	pool_mount(&pool, "size=8M,paging=none");
	part = part_create(&pool, "a", PAGES);
	map = part_map(part, PAGES);
	null = ASSERT_OK(open("/dev/null", O_RDWR | O_CLOEXEC));
	dev = ASSERT_OK(open("/dev/tarn", O_RDWR | O_CLOEXEC));
}

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	close(null);
	close(dev);
	pool_umount(&pool);
}

/* ---- heat --------------------------------------------------------------- */

static void fill_heat(void *arg)
{
	struct tarn_partition_heat *h = arg;

	h->count = PAGES;
	h->heat = (uintptr_t)heat;
}

static void heat_form(void)
{
	const struct uapi_call call = {
		.name = "PARTITION_HEAT",
		.cmd = TARN_PARTITION_HEAT,
		.size = sizeof(struct tarn_partition_heat),
		.fill = fill_heat,
		.open = open_part,
		.close = keep,
	};

	begin();
	const int wrong[] = { pool.fd, null, dev };

	uapi_check(&call, wrong, ARRAY_SIZE(wrong));
	uapi_check_admin(&call);
	end();
}

static long heat_op_on(int fd, u64 start, u64 count, void *array, u64 *got)
{
	struct tarn_partition_heat h = {
		.size = sizeof(h),
		.start = start,
		.count = count,
		.heat = (uintptr_t)array,
	};
	long ret = __tarn_op(fd, TARN_PARTITION_HEAT, &h);

	*got = h.count;
	return ret;
}

static long heat_op(u64 start, u64 count, void *array, u64 *got)
{
	return heat_op_on(part, start, count, array, got);
}

static void heat_ranges(void)
{
	const u8 cold = TARN_ACTIVITY_COLD | TARN_HEAT_RESIDENT;
	u8 *buf = malloc(1 << 20);
	u64 got;
	int ro;

	begin();
	map[3 * PAGE_SIZE] = 1;
	ASSERT_EQ(heat_op(0, 0, NULL, &got), 0);
	ASSERT_EQ(got, 0);
	memset(buf, 0xcc, PAGES + 1);
	ASSERT_EQ(heat_op(0, 1 << 20, buf, &got), 0);
	ASSERT_EQ(got, PAGES);
	ASSERT_EQ(buf[2], TARN_ACTIVITY_NONE);
	ASSERT_EQ(buf[3], cold);
	ASSERT_EQ(buf[PAGES - 1], TARN_ACTIVITY_NONE);
	ASSERT_EQ(buf[PAGES], 0xcc);
	ASSERT_EQ(heat_op(PAGES - 2, 10, buf, &got), 0);
	ASSERT_EQ(got, 2);
	ASSERT_EQ(heat_op(PAGES, 10, buf, &got), 0);
	ASSERT_EQ(got, 0);
	ASSERT_EQ(heat_op(~0ULL, ~0ULL >> 50, buf, &got), 0);
	ASSERT_EQ(got, 0);
	ASSERT_EQ(heat_op(0, (1 << 20) + 1, buf, &got), -EINVAL);
	ASSERT_EQ(heat_op(0, ~0ULL, buf, &got), -EINVAL);
	ASSERT_EQ(heat_op(0, 10, NULL, &got), -EFAULT);
	ASSERT_EQ(heat_op(0, 10, (void *)-4096L, &got), -EFAULT);
	/* the array lies in the partition itself */
	ASSERT_EQ(heat_op(0, PAGES, map + 10 * PAGE_SIZE, &got), 0);
	ASSERT_EQ(map[10 * PAGE_SIZE + 3] & TARN_HEAT_RESIDENT,
		  TARN_HEAT_RESIDENT);
	ro = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(heat_op_on(ro, 0, PAGES, buf, &got), 0);
	close(ro);
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_EQ(heat_op(0, 10, buf, &got), 0);
	ASSERT_EQ(got, 0);
	end();
	free(buf);
}

/* ---- the scanner's share ------------------------------------------------ */

static long set_scan(u32 flags, u32 permille)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = flags,
		.scan_permille = permille,
	};

	return __tarn_op(pool.fd, TARN_POOL_SET, &set);
}

static void scan_values(void)
{
	begin();
	ASSERT_EQ(pool_info(&pool).scan_permille, 20);
	ASSERT_EQ(set_scan(TARN_POOL_SET_SCAN, 1001), -EINVAL);
	ASSERT_EQ(set_scan(TARN_POOL_SET_SCAN, ~0U), -EINVAL);
	ASSERT_EQ(pool_info(&pool).scan_permille, 20);
	ASSERT_EQ(set_scan(TARN_POOL_SET_SCAN, 1000), 0);
	ASSERT_EQ(pool_info(&pool).scan_permille, 1000);
	ASSERT_EQ(set_scan(TARN_POOL_SET_SCAN, 0), 0);
	ASSERT_EQ(pool_info(&pool).scan_permille, 0);
	/* not asked for: not set, whatever it says */
	ASSERT_EQ(set_scan(0, 500), 0);
	ASSERT_EQ(pool_info(&pool).scan_permille, 0);
	end();
}

/* ---- promotion's share -------------------------------------------------- */

static long set_promote(u32 flags, u32 permille)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = flags,
		.promote_permille = permille,
	};

	return __tarn_op(pool.fd, TARN_POOL_SET, &set);
}

static void promote_values(void)
{
	begin();
	ASSERT_EQ(pool_info(&pool).promote_permille, 10);
	ASSERT_EQ(set_promote(TARN_POOL_SET_PROMOTE, 1001), -EINVAL);
	ASSERT_EQ(pool_info(&pool).promote_permille, 10);
	ASSERT_EQ(set_promote(TARN_POOL_SET_PROMOTE, 1000), 0);
	ASSERT_EQ(pool_info(&pool).promote_permille, 1000);
	ASSERT_EQ(set_promote(0, 500), 0);
	ASSERT_EQ(pool_info(&pool).promote_permille, 1000);
	ASSERT_EQ(set_promote(TARN_POOL_SET_PROMOTE, 0), 0);
	ASSERT_EQ(pool_info(&pool).promote_permille, 0);
	end();
}

/* ---- minimum and desired ------------------------------------------------ */

static long set_frames(int fd, u32 flags, u64 least, u64 most)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = flags,
		.weight = 1,
		.min_frames = least,
		.desired_frames = most,
	};

	return __tarn_op(fd, TARN_PARTITION_SET, &set);
}

static long set_min(int fd, u64 least)
{
	return set_frames(fd, TARN_PARTITION_SET_MIN, least, 0);
}

static long set_desired(int fd, u64 most)
{
	return set_frames(fd, TARN_PARTITION_SET_DESIRED, 0, most);
}

static int as_owner(void *arg)
{
	int ro = part_open(&pool, "a", O_RDONLY);

	drop_caps();
	ASSERT_EQ(set_min(part, 101), -EPERM);
	ASSERT_EQ(set_min(ro, 99), -EPERM);
	ASSERT_EQ(set_min(part, 100), 0);
	ASSERT_EQ(set_min(part, 50), 0);
	ASSERT_EQ(set_min(part, 51), -EPERM);
	ASSERT_EQ(set_desired(part, 299), -EPERM);
	ASSERT_EQ(set_desired(part, 301), -EPERM);
	ASSERT_EQ(set_desired(part, 300), 0);
	/* one that may not be: nothing changes */
	ASSERT_EQ(set_frames(part, TARN_PARTITION_SET_ALL, 10, 0), -EPERM);
	return 0;
}

static void owners(void)
{
	struct tarn_partition_info info;

	begin();
	ASSERT_EQ(set_min(part, 100), 0);
	ASSERT_EQ(set_desired(part, 300), 0);
	ASSERT_EQ(reap(spawn(as_owner, NULL)), 0);
	info = part_info(part);
	ASSERT_EQ(info.weight, TARN_WEIGHT_DEFAULT);
	ASSERT_EQ(info.min_frames, 50);
	ASSERT_EQ(info.desired_frames, 300);
	ASSERT_EQ(set_desired(part, ~0ULL), 0);
	ASSERT_EQ(set_desired(part, 0), 0);
	ASSERT_EQ(part_info(part).desired_frames, 0);
	end();
}

static void minimums_fit_the_pool(void)
{
	int b;

	begin();
	b = part_create(&pool, "b", PAGES);
	ASSERT_EQ(set_min(part, FRAMES + 1), -ENOSPC);
	ASSERT_EQ(set_min(part, ~0ULL), -ENOSPC);
	ASSERT_EQ(set_min(part, FRAMES), 0);
	ASSERT_EQ(set_min(b, 1), -ENOSPC);
	ASSERT_EQ(set_min(part, FRAMES - 10), 0);
	ASSERT_EQ(set_min(b, 11), -ENOSPC);
	ASSERT_EQ(set_min(b, 10), 0);
	ASSERT_EQ(set_min(b, ~0ULL), -ENOSPC);
	ASSERT_EQ(set_min(b, ~0ULL - FRAMES), -ENOSPC);
	ASSERT_EQ(part_info(part).min_frames, FRAMES - 10);
	ASSERT_EQ(part_info(b).min_frames, 10);
	/* a pool may grow, and shrink to what it guarantees */
	ASSERT_EQ(__pool_remount(&pool, "size=6M"), -ENOSPC);
	ASSERT_EQ(pool_info(&pool).frames, FRAMES);
	ASSERT_EQ(__pool_remount(&pool, "size=10M"), 0);
	ASSERT_EQ(set_min(b, 10 + 512), 0);
	ASSERT_EQ(__pool_remount(&pool, "size=8M"), -ENOSPC);
	/* one that is gone has none */
	close(b);
	part_unlink(&pool, "b");
	ASSERT_EQ(__pool_remount(&pool, "size=8M"), 0);
	ASSERT_EQ(set_min(part, FRAMES), 0);
	ASSERT_EQ(set_min(part, 0), 0);
	ASSERT_EQ(__pool_remount(&pool, "size=2M"), 0);
	ASSERT_EQ(set_min(part, 513), -ENOSPC);
	end();
}

static const struct tarn_test tests[] = {
	TEST(heat_form),
	TEST(heat_ranges),
	TEST(scan_values),
	TEST(promote_values),
	TEST(owners),
	TEST(minimums_fit_the_pool),
};

TESTS_MAIN(tests)
