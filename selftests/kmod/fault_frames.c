// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool without free frames: page-ins and pages that get their first frame wait
 * for one under their number.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define LIST 256
#define BIG 3000

static struct pool pool;
static struct pager pg;
static int part, filler_fd;
static u8 *map, *filler;
static struct tarn_fault list[LIST];

static struct tarn_pool_faults faults(u32 partition, u32 count)
{
	return pool_faults(&pool, partition, list, count);
}

static u64 pending(void)
{
	return faults(0, 0).pending;
}

/* The one page-in under way. */
static struct tarn_fault only(void)
{
	ASSERT_EQ(faults(0, LIST).count, 1);
	return list[0];
}

/* All pages paged, the pager at work. */
static void begin(void)
{
	pool_mount(&pool, "size=8M");
	pager_init(&pg, &pool);
	/* Stores that are held leave room for loads. */
	pg.ctl->depth = 1024;
	pager_launch(&pg);
	pool_readahead(&pool, 0);
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(pending(), 0);
}

static void end(void)
{
	WAIT_FOR(!pending());
	ASSERT_EQ(pool_info(&pool).faults_pending, 0);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void hold_loads(bool hold)
{
	pg.ctl->hold = hold ? 1 << TARN_OP_LOAD : 0;
}

static bool waits_for_frame(void)
{
	return faults(0, 1).count && list[0].state == TARN_FAULT_FRAME;
}

/* Fill the pool while nothing that was written can leave it. */
static u64 fill_pool(void)
{
	u64 i;

	filler_fd = part_create(&pool, "b", BIG);
	filler = part_map(filler_fd, BIG);
	pg.ctl->hold = 1 << TARN_OP_STORE;
	for (i = 0; pool_info(&pool).free_frames > 40; i++)
		filler[i * PAGE_SIZE] = 1;
	return i;
}

static void empty_pool(void)
{
	munmap(filler, BIG * PAGE_SIZE);
	close(filler_fd);
	part_unlink(&pool, "b");
}

/* Touch page by page until one has to wait for a frame. */
static pid_t until_no_frame(int (*fn)(void *i), u64 *i, u64 end)
{
	pid_t pid;

	for (;; ++*i) {
		ASSERT_LT(*i, end);
		pid = spawn(fn, (void *)(uintptr_t)*i);
		WAIT_FOR(proc_state(pid) == 'Z' || waits_for_frame());
		if (proc_state(pid) != 'Z')
			return pid;
		ASSERT_EQ(reap(pid), 1);
	}
}

/* Dirty, so that it stays while stores are held. */
static int rewrite(void *arg)
{
	volatile u8 *p = map + (uintptr_t)arg * PAGE_SIZE;

	*p = *p;
	return page_version((void *)p, 9, (uintptr_t)arg);
}

/* The pool is full and cannot be emptied: a wait for a frame comes first. */
static void no_frame(void)
{
	u64 i = 0, long_ones, before;
	struct tarn_fault f;
	pid_t pid;

	begin();
	fill_pool();
	pid = until_no_frame(rewrite, &i, PAGES);
	before = pool_latencies(&pool, &long_ones, 200);
	f = only();
	ASSERT_EQ(f.index, i);
	msleep(200);
	/* stores go on, and frames become free */
	hold_loads(true);
	WAIT_FOR(only().state == TARN_FAULT_READ);
	ASSERT_EQ(only().number, f.number);
	hold_loads(false);
	ASSERT_EQ(reap(pid), 1);
	/* the time is that of both waits */
	ASSERT_EQ(pool_latencies(&pool, &long_ones, 200), before + 1);
	ASSERT_GE(long_ones, 1);
	empty_pool();
	end();
}

static int grow(void *arg)
{
	volatile u8 *p = filler + (uintptr_t)arg * PAGE_SIZE;

	*p = 1;
	return *p;
}

/* Growth waits for a frame under a number, too. */
static void growth(void)
{
	u64 i, long_ones, before;
	pid_t pid;

	begin();
	i = fill_pool();
	pid = until_no_frame(grow, &i, BIG);
	ASSERT_EQ(only().partition, part_info(filler_fd).id);
	ASSERT_EQ(list[0].index, i);
	before = pool_latencies(&pool, &long_ones, 1);
	pg.ctl->hold = 0;
	ASSERT_EQ(reap(pid), 1);
	/* it read nothing */
	ASSERT_EQ(pool_latencies(&pool, &long_ones, 1), before);
	empty_pool();
	end();
}

static const struct tarn_test tests[] = {
	TEST(no_frame),
	TEST(growth),
};

TESTS_MAIN(tests)
