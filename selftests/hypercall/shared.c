// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests of one sharing domain: each reads what it shares through its VM, has a page of its own
 * when it writes, waits for what is with the pager, and is told of a memory error, whatever the
 * other one does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 64UL
#define WORDS (PAGE_SIZE / sizeof(u64))
#define BAD 5

static struct pool pool;
static struct pager pg;
static struct bare a, b;

static void set_domain(struct bare *g, const char *name)
{
	struct tarn_partition_domain d = {
		.size = sizeof(d), .flags = TARN_DOMAIN_SET,
	};

	memcpy(d.name, name, strlen(name));
	tarn_op(g->part, TARN_PARTITION_DOMAIN, &d);
}

static u64 look(struct bare *g, u64 start, u64 count)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .start = start, .count = count,
	};

	tarn_op(g->part, TARN_PARTITION_SHARE, &r);
	return r.done;
}

static u64 shared(struct bare *g)
{
	return part_info(g->part).shared_pages;
}

static u64 *words_of(struct bare *g, u64 index)
{
	return (u64 *)(g->memory + index * PAGE_SIZE);
}

/* Both hold the same, and share it. */
static void begin(bool async)
{
	u64 i;

	pool_mount(&pool, "size=16M");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PATTERN);
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	if (async)
		bare_create_async(&a, &pool, "a", PAGES);
	else
		bare_create(&a, &pool, "a", PAGES);
	bare_create(&b, &pool, "b", PAGES);
	bare_attach(&a);
	bare_attach(&b);
	set_domain(&a, "x");
	set_domain(&b, "x");
	for (i = 0; i < PAGES; i++) {
		page_fill(a.memory + i * PAGE_SIZE, 9, i, 1);
		page_fill(b.memory + i * PAGE_SIZE, 9, i, 1);
	}
	WAIT_FOR((look(&a, 0, PAGES), look(&b, 0, PAGES),
		  shared(&a) + shared(&b) == 2 * PAGES));
}

static void finish(void)
{
	bare_destroy(&a);
	bare_destroy(&b);
	part_unlink(&pool, "a");
	part_unlink(&pool, "b");
}

static void end(void)
{
	finish();
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	ASSERT_EQ(pool_info(&pool).domains, 0);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* What a guest finds that reads the first words of all its pages. */
static u64 read_all(struct bare *g)
{
	bare_job(g, BARE_JOB_READ, 1);
	bare_run(g);
	return g->box->sum;
}

/* What it should be, of memory of the same content that no partition has. */
static u64 sum_of(u64 first, u64 count)
{
	static u8 page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	u64 i, sum = 0;

	for (i = first; i < first + count; i++) {
		page_fill(page, 9, i, 1);
		sum += *(u64 *)page;
	}
	return sum;
}

static void both_read(void)
{
	begin(false);
	ASSERT_EQ(read_all(&a), (s64)sum_of(0, PAGES));
	ASSERT_EQ(read_all(&b), (s64)sum_of(0, PAGES));
	/* Out from under both VMs, and back once for both. */
	part_page_out(a.part, 0, PAGES);
	ASSERT_EQ(pool_info(&pool).shared_frames, 0);
	pg.ctl->loads = 0;
	ASSERT_EQ(read_all(&b), (s64)sum_of(0, PAGES));
	ASSERT_EQ(read_all(&a), (s64)sum_of(0, PAGES));
	ASSERT_EQ(pg.ctl->loads, PAGES);
	ASSERT_EQ(shared(&a), PAGES);
	ASSERT_EQ(shared(&b), PAGES);
	ASSERT_EQ(part_info(a.part).resident_pages + part_info(b.part).resident_pages, 0);
	ASSERT_EQ(pool_info(&pool).share_breaks, 0);
	end();
}

/* Pages that both VMs have mapped: one gets its own, the other one sees nothing of it. */
static void one_writes(void)
{
	u64 i, at;

	begin(false);
	read_all(&a);
	read_all(&b);
	bare_job(&a, BARE_JOB_TOUCH, 1);
	bare_run(&a);
	ASSERT_EQ(part_info(a.part).share_breaks, PAGES);
	ASSERT_EQ(part_info(b.part).share_breaks, 0);
	ASSERT_EQ(shared(&a), 0);
	ASSERT_EQ(shared(&b), PAGES);
	ASSERT_EQ(read_all(&b), (s64)sum_of(0, PAGES));
	for (i = 0; i < PAGES; i++) {
		ASSERT_PAGE(b.memory + i * PAGE_SIZE, 9, i, 1);
		/* Of its own, the guest wrote the first word. */
		ASSERT_EQ(words_of(&a, i)[0], (s64)(1 + i * PAGE_SIZE));
		for (at = 1; at < WORDS; at++)
			ASSERT_EQ(words_of(&a, i)[at], (s64)words_of(&b, i)[at]);
	}
	end();
}

/* A page of b becomes what that of a is just now, and both are looked at as often as it takes. */
static void have_shared(u64 index)
{
	int times;

	memcpy(words_of(&b, index), words_of(&a, index), PAGE_SIZE);
	for (times = 0; times < 2; times++) {
		look(&a, index, 1);
		look(&b, index, 1);
	}
}

static void a_guest_verifies_while_others_take(void)
{
	u64 rounds, done, passes;

	begin(false);
	bare_job(&a, BARE_JOB_VERIFY, ~0ULL);
	bare_start(&a);
	WAIT_FOR(a.box->done >= 1);
	for (rounds = 0; rounds < 2000 / test_slow() && !a.box->bad; rounds++) {
		u64 index = rounds * 7 % PAGES;

		have_shared(index);
		if (rounds % 3 == 1)
			__part_page_out(a.part, index, 4, &done);
		if (rounds % 50 == 49) {
			set_domain(rounds % 100 == 49 ? &a : &b, rounds % 200 < 100 ? "" : "y");
			set_domain(rounds % 100 == 49 ? &a : &b, "x");
		}
	}
	/* What was done last is checked, too. */
	passes = a.box->done;
	WAIT_FOR(a.box->done >= passes + 2 || a.box->bad);
	bare_stop(&a);
	ASSERT_EQ(a.box->bad, 0);
	diag("%llu passes, %llu merged, %llu broken", (unsigned long long)a.box->done,
	     (unsigned long long)pool_info(&pool).share_merges,
	     (unsigned long long)pool_info(&pool).share_breaks);
	/* Beyond those that it began with. */
	ASSERT_GT(pool_info(&pool).share_merges, 2 * PAGES);
	ASSERT_GT(part_info(a.part).share_breaks, PAGES);
	end();
}

/* A VM is of no concern to what its partition shares. */
static void a_vm_comes_and_goes(void)
{
	begin(false);
	read_all(&a);
	bare_detach(&a);
	ASSERT_EQ(read_all(&a), (s64)sum_of(0, PAGES));
	bare_attach(&a);
	part_page_out(b.part, 0, PAGES);
	ASSERT_EQ(read_all(&a), (s64)sum_of(0, PAGES));
	ASSERT_EQ(shared(&a), PAGES);
	bare_close_vm(&a);
	WAIT_FOR(!part_info(a.part).vms);
	ASSERT_EQ(read_all(&b), (s64)sum_of(0, PAGES));
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	ASSERT_EQ(pool_info(&pool).share_breaks, 0);
	end();
}

/* KVM's worker asks for the page as if it were to be written: that breaks nothing. */
static void what_is_read_late_stays_shared(void)
{
	begin(true);
	part_page_out(a.part, 0, PAGES);
	pg.ctl->loads = 0;
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	bare_job(&a, BARE_JOB_READ, 1);
	bare_start(&a);
	WAIT_FOR(pool_info(&pool).faults_pending);
	pg.ctl->hold = 0;
	ASSERT_EQ(pthread_join(a.thread, NULL), 0);
	ASSERT_EQ(a.box->sum, (s64)sum_of(0, PAGES));
	ASSERT_EQ(read_all(&b), (s64)sum_of(0, PAGES));
	ASSERT_EQ(pg.ctl->loads, PAGES);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	ASSERT_EQ(pool_info(&pool).share_breaks, 0);
	end();
}

/* ---- memory errors -------------------------------------------------------- */

static struct bare *volatile running;
static void *volatile bad_address;
static volatile sig_atomic_t machine_checks;

/* What a VMM would tell the guest, which gives the page back then, and has another one. */
static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	bad_address = info->si_addr;
	machine_checks += info->si_code == BUS_MCEERR_AR ? 1 : 1000;
	fallocate(running->part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  BAD * PAGE_SIZE, PAGE_SIZE);
}

static void reads_all_but_one(struct bare *g)
{
	running = g;
	machine_checks = 0;
	ASSERT_EQ(read_all(g), (s64)(sum_of(0, PAGES) - sum_of(BAD, 1)));
	ASSERT_EQ(machine_checks, 1);
	ASSERT(bad_address == g->memory + BAD * PAGE_SIZE);
	ASSERT_EQ(shared(g), PAGES - 1);
}

/* It is in the frame that both read: each is told, and of no other page. */
static void a_memory_error_is_both_guests(void)
{
	struct sigaction sa = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
	struct tarn_pool_info info;
	u8 *map;
	long ret;

	begin(false);
	map = part_map(a.part, PAGES);
	ASSERT_PAGE(map + BAD * PAGE_SIZE, 9, BAD, 1);
	ret = SYS(madvise(map + BAD * PAGE_SIZE, PAGE_SIZE, MADV_HWPOISON));
	munmap(map, PAGES * PAGE_SIZE);
	TEST_REQUIRE(ret != -EINVAL, "the kernel has no MADV_HWPOISON");
	ASSERT(!ret || ret == -EBUSY);
	ASSERT_OK(sigaction(SIGBUS, &sa, NULL));
	reads_all_but_one(&a);
	reads_all_but_one(&b);
	finish();
	WAIT_FOR((info = pool_info(&pool), !info.limbo_frames &&
		  info.free_frames + 1 == info.frames));
	ASSERT_EQ(info.poisoned_frames, 1);
	ASSERT_EQ(info.domains, 0);
	pager_stop(&pg);
	pool_umount(&pool);
}

static const struct tarn_test tests[] = {
	TEST(both_read),
	TEST(one_writes),
	TEST(a_guest_verifies_while_others_take),
	TEST(a_vm_comes_and_goes),
	TEST(what_is_read_late_stays_shared),
	TEST(a_memory_error_is_both_guests),
};

TESTS_MAIN(tests)
