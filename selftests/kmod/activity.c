// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ages of pages: classes, what the scanner does and costs, which pages and whose
 * go when frames are short.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 512
#define HOT 64

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static void begin(const char *options, u64 pages)
{
	pool_mount(&pool, options);
	pager_start(&pg, &pool);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	pager_stop(&pg);
	pool_umount(&pool);
}

static long scan_share(u32 permille)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN,
		.scan_permille = permille,
	};

	return __tarn_op(pool.fd, TARN_POOL_SET, &set);
}

static struct tarn_partition_heat heat_of(int fd, u64 start, u64 count, u8 *heat)
{
	struct tarn_partition_heat h = {
		.size = sizeof(h),
		.start = start,
		.count = count,
		.heat = (uintptr_t)heat,
	};

	tarn_op(fd, TARN_PARTITION_HEAT, &h);
	return h;
}

/* How many pages of a range are of a class, or a hotter one. */
static u64 at_least(int fd, u64 start, u64 count, u8 class)
{
	static u8 heat[1 << 16];
	u64 i, n = 0;

	ASSERT_EQ(heat_of(fd, start, count, heat).count, count);
	for (i = 0; i < count; i++)
		n += (heat[i] & TARN_HEAT_CLASS) >= class;
	return n;
}

static void fill(u8 *at, u64 start, u64 count, u64 version)
{
	u64 i;

	for (i = start; i < start + count; i++)
		page_fill(at + i * PAGE_SIZE, 7, i, version);
}

static void touch(const u8 *at, u64 start, u64 count)
{
	const volatile u8 *p = at;
	u64 i;

	for (i = start; i < start + count; i++)
		(void)p[i * PAGE_SIZE];
}

/* Use a range for as long as it takes the scanner to find that it is hot. */
static void make_hot(int fd, const u8 *at, u64 start, u64 count)
{
	wait_note(__FILE__, __LINE__, "pages become hot");
	while (at_least(fd, start, count, TARN_ACTIVITY_HOT) < count) {
		flush_tlb();
		touch(at, start, count);
		msleep(20);
	}
	wait_note(NULL, 0, NULL);
}

static void classes(void)
{
	struct tarn_partition_heat h;
	u8 heat[PAGES];
	u64 i, sum = 0;

	begin("size=8M", 2 * PAGES);
	/* no look between two halves of the write to a page */
	ASSERT_EQ(scan_share(0), 0);
	fill(map, 0, PAGES, 1);
	ASSERT_EQ(scan_share(1000), 0);
	make_hot(part, map, 0, HOT);
	/* what was written once and let be is cold */
	ASSERT_EQ(at_least(part, HOT, PAGES - HOT, TARN_ACTIVITY_COOL), 0);
	ASSERT_EQ(at_least(part, HOT, PAGES - HOT, TARN_ACTIVITY_COLD),
		  PAGES - HOT);
	h = heat_of(part, 0, PAGES, heat);
	for (i = 0; i < PAGES; i++)
		ASSERT(heat[i] & TARN_HEAT_RESIDENT);
	/* and in the sums of a whole round */
	i = h.rounds;
	WAIT_FOR(heat_of(part, 0, 0, NULL).rounds > i);
	h = heat_of(part, 0, 0, NULL);
	for (i = 0; i < 8; i++)
		sum += h.by_class[i];
	ASSERT_EQ(sum, 2 * PAGES);
	ASSERT_EQ(h.by_class[TARN_ACTIVITY_NONE], PAGES);
	ASSERT_EQ(h.by_class[TARN_ACTIVITY_HOT], HOT);
	ASSERT_EQ(h.working_set, HOT);
	ASSERT_EQ(part_info(part).working_set, HOT);
	end(2 * PAGES);
}

static void classes_survive_page_out(void)
{
	u8 before[PAGES], after[PAGES];
	u64 i;

	begin("size=8M", PAGES);
	ASSERT_EQ(scan_share(1000), 0);
	fill(map, 0, PAGES, 1);
	make_hot(part, map, 0, HOT);
	ASSERT_EQ(scan_share(0), 0);
	heat_of(part, 0, PAGES, before);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	heat_of(part, 0, PAGES, after);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(after[i] & TARN_HEAT_RESIDENT, 0);
		ASSERT_EQ(after[i] & TARN_HEAT_CLASS,
			  before[i] & TARN_HEAT_CLASS);
	}
	touch(map, 0, PAGES);
	ASSERT_EQ(at_least(part, 0, HOT, TARN_ACTIVITY_HOT), HOT);
	ASSERT_EQ(at_least(part, HOT, PAGES - HOT, TARN_ACTIVITY_WARM), 0);
	end(PAGES);
}

/* All of memory once, twice what the pool has: the hot part stays. */
static void sweep_keeps_the_hot_set(void)
{
	const u64 pages = 2048, hot = 256;
	u64 i;

	begin("size=4M", pages);
	ASSERT_EQ(scan_share(1000), 0);
	fill(map, 0, pages, 1);
	touch(map, 0, hot);
	make_hot(part, map, 0, hot);
	touch(map, hot, pages - hot);
	ASSERT_GE(part_count(part, 0, hot, TARN_PAGE_STATE_MASK,
			     TARN_PAGE_RESIDENT), hot * 9 / 10);
	for (i = 0; i < pages; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 7, i, 1);
	end(pages);
}

static long set_frames(int fd, u32 flags, u64 least, u64 most)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = flags,
		.min_frames = least,
		.desired_frames = most,
	};

	return __tarn_op(fd, TARN_PARTITION_SET, &set);
}

/* What is cold and guaranteed stays while the other one has more than its own. */
static void minimum_is_kept(void)
{
	const u64 frames = 1024, least = 600, pages = 2000;
	u8 *other;
	int b;

	begin("size=4M", pages);
	b = part_create(&pool, "b", pages);
	other = part_map(b, pages);
	ASSERT_EQ(set_frames(part, TARN_PARTITION_SET_MIN, least, 0), 0);
	fill(map, 0, least, 1);
	fill(other, 0, pages, 1);
	touch(other, 0, pages);
	ASSERT_EQ(part_info(part).resident_pages, least);
	/* without, it has half of the pool at most */
	ASSERT_EQ(set_frames(part, TARN_PARTITION_SET_MIN, 0, 0), 0);
	touch(other, 0, pages);
	ASSERT_LT(part_info(part).resident_pages, least);
	ASSERT_LE(part_info(part).resident_pages, frames / 2);
	munmap(other, pages * PAGE_SIZE);
	close(b);
	end(pages);
}

/* Who has more than is desired gives, though by weight it might have more. */
static void desired_is_a_limit(void)
{
	const u64 least = 100, most = 200, pages = 2000;
	u8 *other;
	int b;

	begin("size=4M", pages);
	b = part_create(&pool, "b", pages);
	other = part_map(b, pages);
	fill(map, 0, 400, 1);
	fill(other, 0, 400, 1);
	ASSERT_EQ(part_info(part).resident_pages, 400);
	ASSERT_EQ(set_frames(part, TARN_PARTITION_SET_DESIRED |
			     TARN_PARTITION_SET_MIN, least, most), 0);
	fill(other, 400, pages - 400, 1);
	ASSERT_LE(part_info(part).resident_pages, most);
	ASSERT_GE(part_info(part).resident_pages, least);
	munmap(other, pages * PAGE_SIZE);
	close(b);
	end(pages);
}

#define THRASHERS 4

/* Page-ins one after the other, of pages that are far apart. */
static int thrash(void *pages)
{
	u64 i = (uintptr_t)pages & 1023;

	for (;;) {
		touch(map, i * 61 % 2048, 1);
		i++;
	}
	return 0;
}

static int fill_other(void *other)
{
	fill(other, 0, 1500, 1);
	return 0;
}

/*
 * One who is entitled to next to nothing gives up all that it has, and takes it
 * back, again and again: what grows beside it gets frames all the same.
 */
static void growth_ends_beside_one_who_thrashes(void)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_WEIGHT,
		.weight = 1,
	};
	pid_t pid[THRASHERS];
	u8 *other;
	u64 i;
	int b;

	begin("size=4M", 2048);
	pool_readahead(&pool, 0);
	fill(map, 0, 2048, 1);
	b = part_create(&pool, "b", 1500);
	other = part_map(b, 1500);
	tarn_op(part, TARN_PARTITION_SET, &set);
	set.weight = 10000;
	tarn_op(b, TARN_PARTITION_SET, &set);
	for (i = 0; i < THRASHERS; i++)
		pid[i] = spawn(thrash, (void *)(uintptr_t)(i * 100));
	ASSERT_EQ(reap(spawn(fill_other, other)), 0);
	for (i = 0; i < THRASHERS; i++) {
		ASSERT_OK(kill(pid[i], SIGKILL));
		ASSERT_EQ(reap(pid[i]), 256 + SIGKILL);
	}
	munmap(other, 1500 * PAGE_SIZE);
	close(b);
	end(2048);
}

static void scanner_off(void)
{
	struct tarn_pool_info i, j;

	begin("size=8M", PAGES);
	fill(map, 0, PAGES, 1);
	WAIT_FOR(pool_info(&pool).scanned_pages >= 2 * PAGES);
	i = pool_info(&pool);
	ASSERT_EQ(i.scan_permille, 20);
	ASSERT_GT(i.scan_ns, 0);
	ASSERT_EQ(scan_share(0), 0);
	/* one that is at it ends its batch */
	msleep(500);
	i = pool_info(&pool);
	ASSERT_EQ(i.scan_permille, 0);
	msleep(3000);
	j = pool_info(&pool);
	ASSERT_EQ(i.scanned_pages, j.scanned_pages);
	ASSERT_EQ(i.scan_ns, j.scan_ns);
	/* and on again; reclaim does without, too */
	part_page_out(part, 0, PAGES);
	ASSERT_EQ(scan_share(1000), 0);
	touch(map, 0, PAGES);
	WAIT_FOR(pool_info(&pool).scanned_pages > j.scanned_pages);
	end(PAGES);
	begin("size=4M", 3000);
	ASSERT_EQ(scan_share(0), 0);
	fill(map, 0, 3000, 1);
	touch(map, 0, 3000);
	ASSERT_EQ(pool_info(&pool).scanned_pages, 0);
	end(3000);
}

static const struct tarn_test tests[] = {
	TEST(classes),
	TEST(classes_survive_page_out),
	TEST(sweep_keeps_the_hot_set),
	TEST(minimum_is_kept),
	TEST(desired_is_a_limit),
	TEST(growth_ends_beside_one_who_thrashes),
	TEST(scanner_off),
};

TESTS_MAIN(tests)
