// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks in use that are one 2 MiB frame, of which few pages are used, give way to others
 * while memory is short: parted, those pages of them go that nobody uses.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define BLOCK 512ULL
#define BLOCKS 4ULL
/* Of each block as many pages are used. */
#define USED 8ULL
/* More than the pool has. */
#define OTHERS 4096ULL
/* For as many all blocks would be parted, and more. */
#define REFAULTS 1024ULL

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

		flush_tlb();
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

static pthread_t user, thrasher;

/* Until they count as used, as a whole. */
static void start_use(void)
{
	stop = false;
	ASSERT_EQ(pthread_create(&user, NULL, use, NULL), 0);
	WAIT_FOR(part_info(part).working_set == BLOCKS * BLOCK);
}

static void end_use(void)
{
	stop = true;
	ASSERT_EQ(pthread_join(user, NULL), 0);
}

static void start(void)
{
	start_use();
	ASSERT_EQ(pthread_create(&thrasher, NULL, thrash, NULL), 0);
}

static void finish(void)
{
	end_use();
	ASSERT_EQ(pthread_join(thrasher, NULL), 0);
}

/* Colder than what else there is, and no page comes back. */
static void a_warm_block_is_parted(void)
{
	u64 i;

	begin(TARN_WEIGHT_MAX);
	start_use();
	end_use();
	for (i = 0; i < OTHERS; i++)
		page_fill(other_map + i * PAGE_SIZE, 12, i, 1);
	ASSERT_GT(part_info(part).block_splits, 0);
	ASSERT_EQ(pool_info(&pool).refaults, 0);
	end();
}

/* It has more than its part, so its pages go. */
static void a_block_in_use_is_parted(void)
{
	begin(TARN_WEIGHT_MAX);
	start();
	WAIT_FOR(part_info(part).resident_pages < BLOCKS * BLOCK / 4);
	finish();
	ASSERT_GT(part_info(part).block_splits, 0);
	/* Where a thread waited for long one goes as it is. */
	ASSERT_GE(part_info(part).block_splits + pg.ctl->wide_stores, BLOCKS);
	end();
}

/* It has less than its part: pages of the other one come back, and that has to give. */
static void others_refaults_part_none(void)
{
	begin(1);
	start();
	WAIT_FOR(part_info(other).refaults >= REFAULTS);
	finish();
	ASSERT_EQ(part_info(part).block_splits, 0);
	end();
}

/* Where nothing can go nothing is gained. */
static void none_is_parted_in_vain(void)
{
	begin(TARN_WEIGHT_MAX);
	pager_lose(&pg, &pool);
	start();
	WAIT_FOR(pool_info(&pool).frame_waits);
	/* Reclaim tries a few times. */
	msleep(500);
	ASSERT_EQ(part_info(part).block_splits, 0);
	pager_launch(&pg);
	finish();
	end();
}

static void held_blocks_stay(void)
{
	int pipes[2];
	u64 i;

	begin(TARN_WEIGHT_DEFAULT);
	ASSERT_OK(pipe(pipes));
	for (i = 0; i < BLOCKS; i++) {
		struct iovec v = { page_of(i * BLOCK + 100), PAGE_SIZE };

		ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	}
	start();
	WAIT_FOR(part_info(other).refaults >= REFAULTS);
	finish();
	ASSERT_EQ(part_info(part).block_splits, 0);
	close(pipes[0]);
	close(pipes[1]);
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
	WAIT_FOR(part_info(other).refaults >= REFAULTS);
	finish();
	ASSERT_EQ(part_info(part).block_pages, BLOCKS * BLOCK);
	ASSERT_EQ(part_info(part).block_splits, 0);
	end();
}

static const struct tarn_test tests[] = {
	TEST(a_warm_block_is_parted),
	TEST(a_block_in_use_is_parted),
	TEST(others_refaults_part_none),
	TEST(none_is_parted_in_vain),
	TEST(held_blocks_stay),
	TEST(what_is_guaranteed_stays_whole),
};

TESTS_MAIN(tests)
