// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that make calls while the ground moves: attached and detached, truncated,
 * descriptors closed, the VMM killed. Nothing may crash or stay behind; what a call
 * returns in between is anybody's guess.
 *
 * -o rounds=N for more of each.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 1024UL
#define BYTES (PAGES * PAGE_SIZE)

static struct pool pool;
static struct bare b;
static _Atomic bool stop;

static u64 rounds(u64 def)
{
	return test_param("rounds", def);
}

static void begin(void)
{
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	bare_policy(&pool, TARN_AREA_OTHER, TARN_PIN_ALWAYS);
	bare_create(&b, &pool, "a", PAGES);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void start_fuzz(void)
{
	bare_job(&b, BARE_JOB_FUZZ, ~0ULL);
	bare_start(&b);
}

/* Errors that mean that somebody else was faster. */
static void may_fail(long ret)
{
	if (ret < 0 && ret != -EBUSY && ret != -EINVAL && ret != -EFAULT && ret != -EBADF &&
	    ret != -ENOENT)
		FAIL("%ld", ret);
}

static void *attach_loop(void *arg)
{
	while (!stop) {
		may_fail(__bare_attach(&b));
		may_fail(__bare_detach(&b));
	}
	return NULL;
}

static void *detach_loop(void *arg)
{
	while (!stop)
		may_fail(__bare_detach(&b));
	return NULL;
}

/* The file shrinks and grows, pages are punched out. */
static void *truncate_loop(void *arg)
{
	struct rng rng = { .state = 3 };

	while (!stop) {
		ASSERT_OK(ftruncate(b.part, rng_below(&rng, PAGES) * PAGE_SIZE));
		ASSERT_OK(ftruncate(b.part, BYTES));
		ASSERT_OK(fallocate(b.part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    rng_below(&rng, PAGES) * PAGE_SIZE, 64 * PAGE_SIZE));
		memset(b.memory, 1, PAGE_SIZE);
	}
	return NULL;
}

static void *register_loop(void *arg)
{
	struct rng rng = { .state = 4 };
	long handle;

	while (!stop) {
		handle = __bare_register(b.part, TARN_AREA_OTHER,
					 rng_below(&rng, BYTES / 2), PAGE_SIZE);
		if (handle > 0)
			ASSERT_OK(__bare_unregister(b.part, handle));
		else
			may_fail(handle == -ENOSPC ? 0 : handle);
	}
	return NULL;
}

/* Until the guest has made so many calls beside them. */
static void together(void *(*const loop[])(void *), u32 nr, u64 calls)
{
	pthread_t thread[8];
	u32 i;

	stop = false;
	start_fuzz();
	for (i = 0; i < nr; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, loop[i], NULL), 0);
	WAIT_FOR(b.box->done >= calls);
	stop = true;
	for (i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	bare_stop(&b);
	ASSERT_EQ(bare_outcomes(&b, 0, BARE_GOOD), 0);
}

static void attach_detach(void)
{
	static void *(*const loops[])(void *) = { attach_loop, attach_loop, detach_loop };

	begin();
	together(loops, ARRAY_SIZE(loops), rounds(100) * 100);
	__bare_detach(&b);
	ASSERT_EQ(part_info(b.part).vms, 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	ASSERT_EQ(bare_count_areas(b.part), 0);
	end();
}

static void truncated(void)
{
	static void *(*const loops[])(void *) = { truncate_loop, register_loop, attach_loop };

	begin();
	together(loops, ARRAY_SIZE(loops), rounds(100) * 50);
	__bare_detach(&b);
	ASSERT_EQ(part_info(b.part).vms, 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	end();
}

static int fd_to_attach;

static void *attach_fd_loop(void *arg)
{
	struct tarn_partition_attach attach = {
		.size = sizeof(attach), .vm_fd = fd_to_attach, .count = b.nr_ranges,
		.ranges = (u64)(uintptr_t)b.range,
	};

	while (!stop)
		may_fail(__tarn_op(b.part, TARN_PARTITION_ATTACH, &attach));
	return NULL;
}

/* The last descriptors of the VM are closed while somebody attaches it. */
static void vm_closed(void)
{
	pthread_t thread;
	u64 i;

	for (i = 0; i < rounds(30); i++) {
		begin();
		stop = false;
		fd_to_attach = b.vm;
		ASSERT_EQ(pthread_create(&thread, NULL, attach_fd_loop, NULL), 0);
		WAIT_FOR(part_info(b.part).vms);
		ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, BARE_BASE, 9999), 0);
		bare_close_vm(&b);
		stop = true;
		pthread_join(thread, NULL);
		WAIT_FOR(!part_info(b.part).vms);
		WAIT_FOR(!bare_count_areas(b.part));
		ASSERT_EQ(part_info(b.part).pinned_pages, 0);
		end();
	}
}

/*
 * The guest waits for the first page of an area while its VMM takes the file away.
 * The pages behind it must not get frames, or be looked for in the file's mappings.
 */
static void file_gone(void)
{
	struct bare_box *box;
	struct pager pager;
	u8 value;
	u64 i;

	pool_mount(&pool, "size=16M");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	pager_start(&pager, &pool);
	bare_policy(&pool, TARN_AREA_OTHER, TARN_PIN_ALWAYS);
	for (i = 0; i < rounds(3); i++) {
		bare_create(&b, &pool, "a", PAGES);
		bare_attach(&b);
		b.memory[0] = 1;
		ASSERT_EQ(part_page_out(b.part, 0, 1), 1);
		/* Zeroes are mapped there. */
		for (u64 page = 1; page < 16; page++)
			ASSERT_EQ(try_read(b.memory + page * PAGE_SIZE, &value), 0);
		pager.ctl->hold = 1U << TARN_OP_LOAD;
		box = bare_job(&b, BARE_JOB_REPEAT, 1);
		box->nr = TARN_HC_REGISTER;
		box->arg[0] = TARN_AREA_OTHER;
		box->arg[1] = BARE_BASE;
		box->arg[2] = (i ? 16 : PAGES / 2) * PAGE_SIZE;
		bare_start(&b);
		WAIT_FOR(pool_faults(&pool, 0, NULL, 0).pending);
		bare_unmap(&b);
		part_unlink(&pool, "a");
		close(b.part);
		b.part = -1;
		WAIT_FOR(!pool_info(&pool).partitions);
		pager.ctl->hold = 0;
		bare_stop(&b);
		ASSERT_EQ(bare_outcomes(&b, TARN_HC_REGISTER, BARE_EFAULT), 1);
		bare_destroy(&b);
		pool_assert_idle(&pool);
		ASSERT_EQ(pool_info(&pool).pinned_pages, 0);
	}
	pager_stop(&pager);
	pool_umount(&pool);
}

/* ---- in a process of its own -------------------------------------------- */

struct shared {
	_Atomic u64 calls;
	_Atomic u32 attached;
};

static struct shared *shared;

/* A VMM that runs until it is killed, and tells how far its guest is. */
static int vmm(void *arg)
{
	bare_create(&b, &pool, "a", PAGES);
	if (arg)
		bare_attach(&b);
	shared->attached = 1;
	bare_job(&b, BARE_JOB_FUZZ, ~0ULL);
	bare_start(&b);
	for (;;) {
		shared->calls = b.box->done;
		if (!arg) {
			may_fail(__bare_attach(&b));
			may_fail(__bare_detach(&b));
		} else {
			msleep(1);
		}
	}
	return 0;
}

static void killed_in(bool steady)
{
	struct rng rng = { .state = 11 };
	pid_t pid;
	u64 i, calls;
	int part;

	shared = shared_alloc(sizeof(*shared));
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	bare_policy(&pool, TARN_AREA_OTHER, TARN_PIN_ALWAYS);
	for (i = 0; i < rounds(15); i++) {
		memset(shared, 0, sizeof(*shared));
		calls = 10 + rng_below(&rng, 300);
		pid = spawn(vmm, steady ? &pool : NULL);
		WAIT_FOR(shared->attached && shared->calls > calls);
		part = part_open(&pool, "a", O_RDWR);
		kill(pid, SIGKILL);
		ASSERT_EQ(reap(pid), 256 + SIGKILL);
		WAIT_FOR(!part_info(part).vms);
		WAIT_FOR(!bare_count_areas(part));
		ASSERT_EQ(part_info(part).pinned_pages, 0);
		close(part);
		part_unlink(&pool, "a");
	}
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void killed(void)
{
	killed_in(true);
}

static void killed_while_attaching(void)
{
	killed_in(false);
}

static const struct tarn_test tests[] = {
	TEST(attach_detach), TEST(truncated), TEST(vm_closed), TEST(file_gone), TEST(killed),
	TEST(killed_while_attaching),
};

TESTS_MAIN(tests)
