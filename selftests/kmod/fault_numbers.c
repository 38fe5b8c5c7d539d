// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_POOL_FAULTS: each page-in that somebody waits for has one number from its
 * fault to its end, whatever it waits for meanwhile and however many wait.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define LIST 256

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;
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
	pager_start(&pg, &pool);
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

static int touch(void *arg)
{
	u64 i = (uintptr_t)arg;
	int sig = try_read(map + i * PAGE_SIZE, NULL);

	return sig ? sig : page_version(map + i * PAGE_SIZE, 9, i);
}

static pid_t waiter(u64 i)
{
	pid_t pid = spawn(touch, (void *)(uintptr_t)i);

	WAIT_FOR(proc_state(pid) == 'S');
	return pid;
}

static void hold_loads(bool hold)
{
	pg.ctl->hold = hold ? 1 << TARN_OP_LOAD : 0;
}

static void a_read(void)
{
	struct tarn_fault f, g;
	u64 done, long_ones;
	pid_t pid;

	begin();
	done = faults(0, 0).done;
	hold_loads(true);
	pid = waiter(7);
	f = only();
	ASSERT_NE(f.number, 0);
	ASSERT_EQ(f.index, 7);
	ASSERT_EQ(f.partition, part_info(part).id);
	ASSERT_EQ(f.state, TARN_FAULT_READ);
	ASSERT_LE(f.waiting_ns, f.age_ns);
	ASSERT_EQ(pool_info(&pool).faults_pending, 1);
	msleep(100);
	g = only();
	ASSERT_EQ(g.number, f.number);
	ASSERT_GE(g.age_ns, f.age_ns + 50 * 1000000);
	ASSERT_EQ(faults(0, 0).done, done);
	hold_loads(false);
	ASSERT_EQ(reap(pid), 1);
	ASSERT_EQ(pending(), 0);
	ASSERT_EQ(faults(0, 0).done, done + 1);
	ASSERT_EQ(pool_latencies(&pool, &long_ones, 100), 1);
	ASSERT_EQ(long_ones, 1);
	end();
}

/* Without a pager, then read: one page-in. */
static void no_pager(void)
{
	struct tarn_fault f, g;
	pid_t pid, other;
	u64 done;

	begin();
	done = faults(0, 0).done;
	pager_lose(&pg, &pool);
	pid = waiter(3);
	f = only();
	ASSERT_EQ(f.state, TARN_FAULT_NO_PAGER);
	hold_loads(true);
	pager_launch(&pg);
	WAIT_FOR(only().state == TARN_FAULT_READ);
	g = only();
	ASSERT_EQ(g.number, f.number);
	ASSERT_LE(g.waiting_ns, g.age_ns);
	/* the read dies with its pager, who waits for the page goes on */
	other = waiter(3);
	pager_kill(&pg);
	WAIT_FOR(only().state == TARN_FAULT_NO_PAGER);
	ASSERT_EQ(only().number, f.number);
	hold_loads(false);
	pager_launch(&pg);
	ASSERT_EQ(reap(pid), 1);
	ASSERT_EQ(reap(other), 1);
	ASSERT_EQ(faults(0, 0).done, done + 1);
	end();
}

/*
 * A guest may ask for the numbers of a page over and over: they do not count anything.
 * Of a count in a hash, all for one page would be equal modulo its size at least.
 */
static void no_order(void)
{
	u64 number[16], i, ascending = 0, alike = 0;
	pid_t pid;

	begin();
	for (i = 0; i < ARRAY_SIZE(number); i++) {
		hold_loads(true);
		pid = waiter(11);
		number[i] = only().number;
		ASSERT_GT((s64)number[i], 0);
		hold_loads(false);
		ASSERT_EQ(reap(pid), 1);
		ASSERT_EQ(part_page_out(part, 11, 1), 1);
		if (!i)
			continue;
		ascending += number[i] > number[i - 1];
		alike += number[i] % 256 == number[i - 1] % 256;
	}
	ASSERT_LT(ascending, ARRAY_SIZE(number) - 1);
	ASSERT_LT(alike, ARRAY_SIZE(number) - 1);
	end();
}

/* All who want a page share its number, and it ends with the last of them. */
static void sharing(void)
{
	u64 number, i, done;
	pid_t pid[4];

	begin();
	done = faults(0, 0).done;
	hold_loads(true);
	for (i = 0; i < 4; i++)
		pid[i] = waiter(5);
	number = only().number;
	for (i = 0; i < 4; i++) {
		ASSERT_OK(kill(pid[i], SIGKILL));
		ASSERT_EQ(reap(pid[i]), 256 + SIGKILL);
	}
	/* nobody waits, but it is being read */
	ASSERT_EQ(only().number, number);
	hold_loads(false);
	WAIT_FOR(!pending());
	pager_lose(&pg, &pool);
	for (i = 0; i < 4; i++)
		pid[i] = waiter(6);
	ASSERT_NE(only().number, number);
	number = only().number;
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(only().number, number);
		ASSERT_OK(kill(pid[i], SIGKILL));
		ASSERT_EQ(reap(pid[i]), 256 + SIGKILL);
	}
	ASSERT_EQ(pending(), 0);
	ASSERT_EQ(faults(0, 0).done, done + 2);
	pager_launch(&pg);
	end();
}

static const struct tarn_test tests[] = {
	TEST(a_read),
	TEST(no_pager),
	TEST(sharing),
	TEST(no_order),
};

TESTS_MAIN(tests)
