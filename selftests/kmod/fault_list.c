// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_POOL_FAULTS with many page-ins under way, and how they end without a read:
 * TARN_PARTITION_NOTIFY counts all of it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 128
#define WAITERS 40

static struct pool pool;
static struct pager pg;
static int part[2];
static u8 *map[2];
static struct tarn_fault list[WAITERS];

static struct tarn_pool_faults faults(u32 partition, u32 count)
{
	memset(list, 0xee, sizeof(list));
	return pool_faults(&pool, partition, list, count);
}

static u64 pending(void)
{
	return faults(0, 0).pending;
}

static void begin(void)
{
	static const char *const name[] = { "a", "b" };
	u64 i;
	int n;

	pool_mount(&pool, "size=8M");
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	for (n = 0; n < 2; n++) {
		part[n] = part_create(&pool, name[n], PAGES);
		map[n] = part_map(part[n], PAGES);
		for (i = 0; i < PAGES; i++)
			page_fill(map[n] + i * PAGE_SIZE, n, i, 1);
		ASSERT_EQ(part_page_out(part[n], 0, PAGES), PAGES);
	}
}

static void end(void)
{
	int n;

	for (n = 0; n < 2; n++) {
		munmap(map[n], PAGES * PAGE_SIZE);
		close(part[n]);
	}
	part_unlink(&pool, "a");
	part_unlink(&pool, "b");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static int touch(void *arg)
{
	u64 page = (uintptr_t)arg;

	return try_read(map[page % 2] + page / 2 * PAGE_SIZE, NULL);
}

/* Page @page / 2 of partition @page % 2. */
static pid_t waiter(u64 page)
{
	pid_t pid = spawn(touch, (void *)(uintptr_t)page);

	WAIT_FOR(proc_state(pid) == 'S');
	return pid;
}

static void order(void)
{
	u32 id[2] = { part_info(part[0]).id, part_info(part[1]).id };
	struct tarn_pool_faults f = faults(0, WAITERS);
	struct tarn_fault all[WAITERS];
	int i, j;

	ASSERT_EQ(f.pending, WAITERS);
	ASSERT_EQ(f.count, WAITERS);
	memcpy(all, list, sizeof(all));
	for (i = 0; i < WAITERS; i++) {
		ASSERT_EQ(all[i].partition, id[i % 2]);
		ASSERT_EQ(all[i].index, i / 2);
		ASSERT_EQ(all[i].state, TARN_FAULT_READ);
		for (j = 0; j < i; j++)
			ASSERT_NE(all[i].number, all[j].number);
		if (i)
			ASSERT_LE(all[i].age_ns, all[i - 1].age_ns);
	}
	f = faults(0, 3);
	ASSERT_EQ(f.count, 3);
	ASSERT_EQ(f.pending, WAITERS);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(list[i].number, all[i].number);
	ASSERT_EQ(list[3].number, 0xeeeeeeeeeeeeeeeeULL);
	f = faults(id[1], WAITERS);
	ASSERT_EQ(f.count, WAITERS / 2);
	ASSERT_EQ(f.pending, WAITERS / 2);
	for (i = 0; i < WAITERS / 2; i++)
		ASSERT_EQ(list[i].number, all[2 * i + 1].number);
	ASSERT_EQ(faults(id[0] + id[1] + 1, WAITERS).pending, 0);
}

static long bad_address(u64 address)
{
	struct tarn_pool_faults f = {
		.size = sizeof(f),
		.count = 2,
		.faults = address,
	};

	return __tarn_op(pool.fd, TARN_POOL_FAULTS, &f);
}

static void many(void)
{
	pid_t pid[WAITERS];
	u64 i, done;

	begin();
	done = faults(0, 0).done;
	pg.ctl->hold = 1 << TARN_OP_LOAD;
	for (i = 0; i < WAITERS; i++)
		pid[i] = waiter(i);
	order();
	ASSERT_EQ(bad_address(0), -EFAULT);
	ASSERT_EQ(bad_address(-4096ULL), -EFAULT);
	ASSERT_EQ(bad_address(0xffff888000000000ULL), -EFAULT);
	pg.ctl->hold = 0;
	for (i = 0; i < WAITERS; i++)
		ASSERT_EQ(reap(pid[i]), 0);
	ASSERT_EQ(pending(), 0);
	ASSERT_EQ(faults(0, 0).done, done + WAITERS);
	end();
}

/* What is read ahead has no number until somebody asks for it. */
static void read_ahead(void)
{
	u64 i, ahead, sum = 0;
	struct tarn_partition_info info;
	pid_t first, second;

	begin();
	pool_readahead(&pool, 32);
	for (i = 10; i < 13; i++)
		ASSERT_EQ(try_read(map[0] + i * PAGE_SIZE, NULL), 0);
	WAIT_FOR(!part_count(part[0], 0, PAGES, TARN_PAGE_IN_FLIGHT,
			     TARN_PAGE_IN_FLIGHT));
	for (ahead = 13; part_state(part[0], ahead) == TARN_PAGE_RESIDENT ||
	     part_state(part[0], ahead) ==
	     (TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN); ahead++)
		;
	pg.ctl->hold = 1 << TARN_OP_LOAD;
	first = waiter(2 * ahead);
	ASSERT_LT(1, part_count(part[0], 0, PAGES, TARN_PAGE_IN_FLIGHT,
				TARN_PAGE_IN_FLIGHT));
	ASSERT_EQ(pending(), 1);
	second = waiter(2 * (ahead + 2));
	ASSERT_EQ(faults(0, WAITERS).count, 2);
	ASSERT_EQ(list[0].index, ahead);
	ASSERT_EQ(list[1].index, ahead + 2);
	ASSERT_LT(list[1].age_ns, list[0].age_ns);
	pg.ctl->hold = 0;
	ASSERT_EQ(reap(first), 0);
	ASSERT_EQ(reap(second), 0);
	WAIT_FOR(!part_count(part[0], 0, PAGES, TARN_PAGE_IN_FLIGHT,
			     TARN_PAGE_IN_FLIGHT));
	info = part_info(part[0]);
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		sum += info.latency[i];
	/* the second one's wait counts, as it did wait */
	ASSERT_LT(info.page_ins - info.readahead, sum);
	end();
}

static void notify(int fd, int eventfd)
{
	struct tarn_partition_notify n = {
		.size = sizeof(n),
		.eventfd = eventfd,
	};

	tarn_op(fd, TARN_PARTITION_NOTIFY, &n);
}

static u64 count(int fd)
{
	u64 n = 0;
	long ret = SYS(read(fd, &n, sizeof(n)));

	ASSERT(ret == sizeof(n) || ret == -EAGAIN);
	return n;
}

/* Errors, holes and the end of the file end a page-in as well. */
static void ends(void)
{
	int event = ASSERT_OK(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	u64 done;
	pid_t pid;

	begin();
	done = faults(0, 0).done;
	notify(part[0], event);
	pg.ctl->load_error = EIO;
	ASSERT_EQ(try_read(map[0], NULL), SIGBUS);
	ASSERT_EQ(pending(), 0);
	ASSERT_EQ(count(event), 2);
	pg.ctl->load_error = 0;
	pg.ctl->hold = 1 << TARN_OP_LOAD;
	pid = waiter(2 * 1);
	ASSERT_EQ(pending(), 1);
	ASSERT_EQ(count(event), 1);
	ASSERT_OK(fallocate(part[0], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(reap(pid), 0);
	WAIT_FOR(!pending());
	ASSERT_EQ(count(event), 1);
	pid = waiter(2 * 2);
	ASSERT_OK(ftruncate(part[0], PAGE_SIZE));
	ASSERT_EQ(reap(pid), SIGBUS);
	WAIT_FOR(!pending());
	ASSERT_EQ(faults(0, 0).done, done + 3);
	pg.ctl->hold = 0;
	ASSERT_EQ(count(event), 2);
	close(event);
	end();
}

/* One eventfd a partition: replaced, taken away, closed, outlived. */
static void notified(void)
{
	int one = ASSERT_OK(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	int two = ASSERT_OK(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	int i;

	begin();
	notify(part[0], one);
	ASSERT_EQ(try_read(map[0], NULL), 0);
	ASSERT_EQ(try_read(map[1], NULL), 0);
	ASSERT_EQ(count(one), 2);
	notify(part[0], two);
	ASSERT_EQ(try_read(map[0] + PAGE_SIZE, NULL), 0);
	ASSERT_EQ(count(one), 0);
	ASSERT_EQ(count(two), 2);
	/* a hit is no page-in */
	ASSERT_EQ(try_read(map[0] + PAGE_SIZE, NULL), 0);
	ASSERT_EQ(count(two), 0);
	notify(part[1], two);
	ASSERT_EQ(try_read(map[1] + PAGE_SIZE, NULL), 0);
	ASSERT_EQ(count(two), 2);
	notify(part[0], -1);
	notify(part[0], -1);
	ASSERT_EQ(try_read(map[0] + 2 * PAGE_SIZE, NULL), 0);
	ASSERT_EQ(count(two), 0);
	close(two);
	ASSERT_EQ(try_read(map[1] + 2 * PAGE_SIZE, NULL), 0);
	for (i = 0; i < 1000; i++)
		notify(part[0], one);
	ASSERT_EQ(try_read(map[0] + 3 * PAGE_SIZE, NULL), 0);
	ASSERT_EQ(count(one), 2);
	end();
	/* the partitions are gone, and let go of it */
	ASSERT_EQ(count(one), 0);
	close(one);
}

static const struct tarn_test tests[] = {
	TEST(many),
	TEST(read_ahead),
	TEST(ends),
	TEST(notified),
};

TESTS_MAIN(tests)
