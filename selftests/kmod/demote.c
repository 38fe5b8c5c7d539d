// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks in use that are one 2 MiB frame, of which few pages are used, give way to others
 * while memory is short: parted, those pages of them go that nobody uses.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define BLOCK 512ULL
#define BLOCKS 4ULL
/* Of each block as many pages are used. */
#define USED 8ULL
/* More than the pool has. */
#define OTHERS 4096ULL

static struct pool pool;
static struct pager pg;
static int part, other;
static u8 *map, *other_map;
static volatile bool stop;

static u8 *page_of(u64 index)
{
	return map + index * PAGE_SIZE;
}

/* @weight: of the other partition; this one's is that which any has. */
static void begin(u32 weight)
{
	struct tarn_pool_set shares = {
		.size = sizeof(shares),
		.flags = TARN_POOL_SET_SCAN,
		.scan_permille = 1000,
	};
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_HUGE | TARN_PARTITION_SET_WEIGHT,
		.huge = TARN_HUGE_NEVER,
		.weight = weight,
	};
	u64 i;

	/* Where the pool has memory. */
	node_run_on(0);
	pool_mount(&pool, "nodes=16M,huge=always");
	tarn_op(pool.fd, TARN_POOL_SET, &shares);
	pager_start(&pg, &pool);
	part = part_create(&pool, "a", BLOCKS * BLOCK);
	map = part_map(part, BLOCKS * BLOCK);
	for (i = 0; i < BLOCKS * BLOCK; i++)
		page_fill(page_of(i), 11, i, 1);
	ASSERT_EQ(part_info(part).block_pages, BLOCKS * BLOCK);
	other = part_create(&pool, "b", OTHERS);
	tarn_op(other, TARN_PARTITION_SET, &set);
	other_map = part_map(other, OTHERS);
}

static void end(void)
{
	u64 i;

	for (i = 0; i < BLOCKS * BLOCK; i++)
		ASSERT_PAGE(page_of(i), 11, i, 1);
	munmap(map, BLOCKS * BLOCK * PAGE_SIZE);
	munmap(other_map, OTHERS * PAGE_SIZE);
	close(part);
	close(other);
	part_unlink(&pool, "a");
	part_unlink(&pool, "b");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void *use(void *arg)
{
	while (!stop) {
		u64 block, i;

		for (block = 0; block < BLOCKS; block++)
			for (i = 0; i < USED; i++)
				(void)*(volatile u8 *)page_of(block * BLOCK + i);
		msleep(1);
	}
	return arg;
}

/* All pages, one after the other, come back as soon as they have gone. */
static void *thrash(void *arg)
{
	u64 version, i;

	for (version = 1; !stop; version++)
		for (i = 0; i < OTHERS && !stop; i++)
			page_fill(other_map + i * PAGE_SIZE, 12, i, version);
	return arg;
}

static pthread_t threads[2];

static void start(void)
{
	stop = false;
	ASSERT_EQ(pthread_create(&threads[0], NULL, use, NULL), 0);
	/* They count as used as a whole. */
	WAIT_FOR(part_info(part).working_set == BLOCKS * BLOCK);
	ASSERT_EQ(pthread_create(&threads[1], NULL, thrash, NULL), 0);
}

static void finish(void)
{
	stop = true;
	ASSERT_EQ(pthread_join(threads[0], NULL), 0);
	ASSERT_EQ(pthread_join(threads[1], NULL), 0);
}

/* It has more than its part, so its pages go, but none that is used. */
static void a_block_in_use_is_parted(void)
{
	begin(TARN_WEIGHT_MAX);
	start();
	WAIT_FOR(part_info(part).resident_pages < BLOCKS * BLOCK / 4);
	finish();
	ASSERT_EQ(part_info(part).block_splits, BLOCKS);
	ASSERT_EQ(pg.ctl->wide_stores, 0);
	end();
}

/* It has no more than its part, but pages of the other one come back again and again. */
static void refaults_part_blocks(void)
{
	begin(TARN_WEIGHT_DEFAULT);
	start();
	WAIT_FOR(!part_info(part).block_pages);
	finish();
	ASSERT_GT(part_info(other).refaults, 0);
	ASSERT_EQ(part_info(part).block_splits, BLOCKS);
	ASSERT_EQ(pg.ctl->wide_stores, 0);
	end();
}

static void what_is_guaranteed_stays_whole(void)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_MIN,
		.min_frames = BLOCKS * BLOCK,
	};

	begin(TARN_WEIGHT_DEFAULT);
	tarn_op(part, TARN_PARTITION_SET, &set);
	start();
	WAIT_FOR(part_info(other).refaults >= 2 * OTHERS);
	finish();
	ASSERT_EQ(part_info(part).block_pages, BLOCKS * BLOCK);
	ASSERT_EQ(part_info(part).block_splits, 0);
	end();
}

static const struct tarn_test tests[] = {
	TEST(a_block_in_use_is_parted),
	TEST(refaults_part_blocks),
	TEST(what_is_guaranteed_stays_whole),
};

TESTS_MAIN(tests)
