// SPDX-License-Identifier: GPL-2.0-only
/*
 * No page has a frame behind the end of its file, whoever was about to give it one
 * when the file was cut, or did not get as far as to make it longer.
 *
 * -o rounds=N for more races.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/tarn_para.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool.h"

#define PAGES 64UL

static struct pool pool;
static int fd;
static u8 *map;
static _Atomic u32 round_at, ended_at;
static _Atomic bool stop;

static void begin(void)
{
	pool_mount(&pool, "size=16M,paging=none");
	fd = part_create(&pool, "a", 0);
	map = part_map(fd, PAGES);
}

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

/* The frame is there before it is known that there is nothing to put in it. */
static void write_fails(void)
{
	u8 *none = mmap(NULL, 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	begin();
	ASSERT(none != MAP_FAILED);
	ASSERT_ERR(pwrite(fd, none, PAGE_SIZE, 0), EFAULT);
	ASSERT_EQ(part_info(fd).resident_pages, 0);
	ASSERT_ERR(pwrite(fd, none, PAGE_SIZE, 7 * PAGE_SIZE), EFAULT);
	ASSERT_EQ(part_info(fd).resident_pages, 0);
	/* Half of it is written, and makes the file longer. */
	ASSERT_OK(mprotect(none, PAGE_SIZE, PROT_READ));
	ASSERT_EQ(pwrite(fd, none, 2 * PAGE_SIZE, 0), PAGE_SIZE);
	ASSERT_EQ(part_info(fd).resident_pages, 1);
	ASSERT_EQ(part_info(fd).logical_pages, 1);
	/* What was reserved behind the end is not the write's to give back. */
	ASSERT_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE_SIZE));
	ASSERT_EQ(part_info(fd).resident_pages, 4);
	ASSERT_ERR(pwrite(fd, none + PAGE_SIZE, PAGE_SIZE, 2 * PAGE_SIZE), EFAULT);
	ASSERT_EQ(part_info(fd).resident_pages, 4);
	end();
}

static void touch_pages(void *arg)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		map[i * PAGE_SIZE] = 1;
}

static void by_touching(void)
{
	int ret = try_call(touch_pages, NULL);

	ASSERT(!ret || ret == SIGBUS);
}

static void by_register(void)
{
	struct tarn_partition_register reg = {
		.size = sizeof(reg), .type = TARN_AREA_RING, .bytes = PAGES * PAGE_SIZE,
	}, undo = { .size = sizeof(undo) };
	long ret = __tarn_op(fd, TARN_PARTITION_REGISTER, &reg);

	ASSERT(!ret || ret == -EINVAL);
	if (ret)
		return;
	undo.handle = reg.handle;
	tarn_op(fd, TARN_PARTITION_UNREGISTER, &undo);
}

static void *race(void *arg)
{
	void (*fn)(void) = arg;
	u32 at = 0;

	for (;;) {
		while (round_at == at && !stop)
			sched_yield();
		if (stop)
			return NULL;
		at = round_at;
		fn();
		ended_at = at;
	}
}

static void against_truncate(void (*fn)(void))
{
	struct rng rng = { .state = 5 };
	u64 rounds = test_param("rounds", 400), i, spin;
	pthread_t thread;

	begin();
	ASSERT_EQ(pthread_create(&thread, NULL, race, fn), 0);
	for (i = 1; i <= rounds; i++) {
		ASSERT_OK(ftruncate(fd, PAGES * PAGE_SIZE));
		round_at = i;
		for (spin = rng_below(&rng, 40000); spin; spin--)
			asm volatile("");
		ASSERT_OK(ftruncate(fd, 0));
		while (ended_at != i)
			sched_yield();
		ASSERT_EQ(part_info(fd).resident_pages, 0);
		ASSERT_EQ(part_info(fd).pinned_pages, 0);
	}
	stop = true;
	pthread_join(thread, NULL);
	end();
}

static void fault_against_truncate(void)
{
	against_truncate(by_touching);
}

static void register_against_truncate(void)
{
	against_truncate(by_register);
}

static const struct tarn_test tests[] = {
	TEST(write_fails), TEST(fault_against_truncate), TEST(register_against_truncate),
};

TESTS_MAIN(tests)
