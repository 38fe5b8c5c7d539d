// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing: domains that are left, memory errors, blocks that are one frame, and all that can
 * happen at once.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "share.h"

/* ---- domains -------------------------------------------------------------- */

static void leaving(void)
{
	struct guest a, b, hog;

	begin("size=4M");
	guest_begin(&a, "a", "x", 200);
	guest_begin(&b, "b", "x", 200);
	fill(&a, 0, 200, 1);
	fill(&b, 0, 200, 1);
	share(&a, &b);
	ASSERT_EQ(shared(&a), 200);
	/* Nothing is free: others have to give up what it needs. */
	guest_begin(&hog, "hog", NULL, 1200);
	fill(&hog, 0, 1200, 1);
	set_domain(a.fd, "y");
	ASSERT_EQ(shared(&a), 0);
	ASSERT_EQ(shared(&b), 200);
	ASSERT(!strcmp((char *)domain_of(a.fd).name, "y"));
	ASSERT_EQ(pool_info(&pool).domains, 2);
	check(&a, 0, 200, 1);
	check(&hog, 0, 1200, 1);
	fill(&a, 0, 200, 2);
	check(&b, 0, 200, 1);
	set_domain(b.fd, "");
	ASSERT_EQ(shared(&b), 0);
	ASSERT_EQ(pool_info(&pool).domains, 1);
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	check(&b, 0, 200, 1);
	check(&a, 0, 200, 2);
	guest_end(&hog);
	guest_end(&a);
	guest_end(&b);
	end();
}

static int leave(void *arg)
{
	struct guest *g = arg;

	return __set_domain(g->fd, "") == -EINTR ? 0 : 1;
}

static void on_alarm(int sig)
{
}

static int leave_till_signal(void *arg)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGUSR1, &sa, NULL);
	return leave(arg);
}

/* What is shared is with a pager that is gone: it can't be left, until that is back. */
static void leaving_goes_on(void)
{
	struct guest a, b;
	pid_t pid;

	begin("size=4M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	part_page_out(a.fd, PAGES / 2, PAGES / 2);
	pager_lose(&pg, &pool);
	pid = spawn(leave_till_signal, &a);
	WAIT_FOR(domain_of(a.fd).flags & TARN_DOMAIN_LEAVING);
	WAIT_FOR(part_info(a.fd).shared_pages == PAGES / 2);
	/* Nothing is shared anew meanwhile. */
	look(&a, 0, PAGES);
	look(&a, 0, PAGES);
	ASSERT_EQ(shared(&a), PAGES / 2);
	ASSERT_OK(kill(pid, SIGUSR1));
	ASSERT_EQ(reap(pid), 0);
	ASSERT(!strcmp((char *)domain_of(a.fd).name, "x"));
	ASSERT(domain_of(a.fd).flags & TARN_DOMAIN_LEAVING);
	/* One that is killed leaves it like that, too. */
	pid = spawn(leave, &a);
	msleep(50);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	pager_launch(&pg);
	check(&a, 0, PAGES, 1);
	/* It stays, and shares again. */
	set_domain(a.fd, "x");
	ASSERT_EQ(domain_of(a.fd).flags, 0);
	share(&a, &b);
	ASSERT_EQ(shared(&a), PAGES);
	set_domain(a.fd, "");
	ASSERT_EQ(shared(&a), 0);
	check(&a, 0, PAGES, 1);
	guest_end(&a);
	guest_end(&b);
	end();
}

static void who_may_and_what(void)
{
	struct tarn_partition_domain d = { .size = sizeof(d), .flags = 8 };
	struct tarn_pool_sharing s = { .size = sizeof(s), .flags = 1 };
	struct guest a;
	int ro;

	begin("size=4M");
	guest_begin(&a, "a", NULL, PAGES);
	ASSERT_EQ(__tarn_op(a.fd, TARN_PARTITION_DOMAIN, &d), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "has space"), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "a\n"), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "\xc3\xa4"), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "0123456789012345678901234567890x"), -EINVAL);
	ASSERT_OK(__set_domain(a.fd, "0123456789012345678901234567890"));
	ASSERT_OK(__set_domain(a.fd, "0123456789012345678901234567890"));
	ASSERT_EQ(pool_info(&pool).domains, 1);
	ASSERT_OK(__set_domain(a.fd, ""));
	ASSERT_EQ(pool_info(&pool).domains, 0);
	ASSERT_EQ(__tarn_op(pool.fd, TARN_POOL_SHARING, &s), -EINVAL);
	s.flags = 0;
	s.count = TARN_SHARED_MAX + 1;
	ASSERT_EQ(__tarn_op(pool.fd, TARN_POOL_SHARING, &s), -EINVAL);
	s.count = 0;
	ASSERT_OK(__tarn_op(pool.fd, TARN_POOL_SHARING, &s));
	ro = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(__set_domain(ro, "x"), -EPERM);
	ASSERT(!domain_of(ro).name[0]);
	close(ro);
	drop_caps();
	ASSERT_EQ(__set_domain(a.fd, "x"), -EPERM);
	ASSERT_EQ(__tarn_op(pool.fd, TARN_POOL_SHARING, &s), -EPERM);
	ASSERT(!domain_of(a.fd).name[0]);
}

static void only_within_a_domain(void)
{
	struct guest a, b, c;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "y", PAGES);
	guest_begin(&c, "c", NULL, PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	fill(&c, 0, PAGES, 1);
	share(&a, &b);
	share(&a, &b);
	ASSERT_EQ(shared(&a) + shared(&b), 0);
	ASSERT_EQ(pool_info(&pool).domains, 2);
	/* In none, nothing is looked for. */
	ASSERT_EQ(__tarn_op(c.fd, TARN_PARTITION_SHARE,
			    &(struct tarn_partition_range){
				.size = sizeof(struct tarn_partition_range),
				.count = PAGES }), -ENOENT);
	ASSERT(!domain_of(c.fd).name[0]);
	ASSERT(!strcmp((char *)domain_of(b.fd).name, "y"));
	guest_end(&a);
	guest_end(&b);
	guest_end(&c);
	end();
}

/* ---- what can be learned by timing ---------------------------------------- */

static u64 now_ns(void)
{
	struct timespec ts;

	ASSERT_OK(clock_gettime(CLOCK_MONOTONIC, &ts));
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static u64 faults(void)
{
	struct rusage usage;

	ASSERT_OK(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_minflt;
}

/* Write what is there to some pages, and note how long each took. Faults that it took. */
static u64 write_pages(u8 *map, u64 first, u64 count, u64 *ns)
{
	u64 before = faults(), i;

	for (i = first; i < first + count; i++) {
		volatile u8 *byte = map + i * PAGE_SIZE;
		u64 began = now_ns();

		*byte = *byte;
		ns[i] = now_ns() - began;
	}
	return faults() - before;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 median(u64 *values, u64 count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

/*
 * Two of one domain share what a third one, of another domain, holds in its lower half; in the
 * upper half it has what nobody else has. Its own writes tell nothing of that: none of them takes
 * a fault, which is all that takes longer where something is shared. That the measure is good for
 * something, those show who share.
 */
static void no_time_tells_of_others(void)
{
	const u64 half = PAGES / 2;
	static u64 ns[PAGES];
	struct guest a, a2, b;
	u8 *other;
	int times;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&a2, "a2", "x", PAGES);
	guest_begin(&b, "b", "y", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&a2, 0, PAGES, 1);
	fill(&b, 0, half, 1);
	fill(&b, half, half, 2);
	/* All that the measure itself touches is there. */
	other = shared_alloc(PAGES * PAGE_SIZE);
	write_pages(other, 0, PAGES, ns);
	ASSERT_EQ(write_pages(other, 0, PAGES, ns), 0);
	for (times = 0; times < 4; times++) {
		share(&a, &a2);
		look(&b, 0, PAGES);
	}
	ASSERT_EQ(shared(&a) + shared(&a2), 2 * PAGES);
	ASSERT_EQ(write_pages(b.map, 0, half, ns), 0);
	ASSERT_EQ(write_pages(b.map, half, half, ns), 0);
	ASSERT_EQ(shared(&b), 0);
	ASSERT_EQ(part_info(b.fd).share_breaks, 0);
	ASSERT_EQ(part_info(b.fd).share_merges, 0);
	diag("a write to what others have: %llu ns, to what nobody has: %llu ns",
	     (unsigned long long)median(ns, half),
	     (unsigned long long)median(ns + half, half));
	/* Among those who share it shows. */
	ASSERT_GE(write_pages(a.map, 0, PAGES, ns), PAGES);
	ASSERT_EQ(part_info(a.fd).share_breaks, PAGES);
	diag("to what is shared: %llu ns", (unsigned long long)median(ns, PAGES));
	check(&a, 0, PAGES, 1);
	guest_end(&a);
	guest_end(&a2);
	guest_end(&b);
	end();
}

/* ---- what else happens to it ---------------------------------------------- */

static void holes_and_ends(void)
{
	struct guest a, b;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	check(&a, 0, PAGES / 2, 1);
	ASSERT_OK(fallocate(a.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    8 * PAGE_SIZE));
	ASSERT(page_is_zero(page_of(&a, 0)));
	ASSERT(page_is_zero(page_of(&a, 7)));
	ASSERT_EQ(shared(&a), PAGES - 8);
	ASSERT_OK(ftruncate(a.fd, 16 * PAGE_SIZE + 100));
	ASSERT_EQ(shared(&a), 8);
	check(&b, 0, PAGES, 1);
	ASSERT_EQ(pool_info(&pool).shared_contents, PAGES);
	ASSERT_OK(ftruncate(b.fd, 0));
	ASSERT_EQ(pool_info(&pool).shared_contents, 8);
	ASSERT_OK(ftruncate(b.fd, PAGES * PAGE_SIZE));
	ASSERT(page_is_zero(page_of(&b, 3)));
	check(&a, 8, 8, 1);
	guest_end(&b);
	check(&a, 8, 8, 1);
	guest_end(&a);
	end();
}

/* ---- memory errors -------------------------------------------------------- */

static void poison(u8 *at)
{
	long ret = SYS(madvise(at, PAGE_SIZE, MADV_HWPOISON));

	TEST_REQUIRE(ret != -EINVAL, "the kernel has no MADV_HWPOISON");
	ASSERT(!ret || ret == -EBUSY);
}

static void map_anew(struct guest *g)
{
	munmap(g->map, g->pages * PAGE_SIZE);
	g->map = part_map(g->fd, g->pages);
}

/* Who shares what is lost is told; what the pager has comes back. */
static void a_memory_error_is_that_of_its_sharers(void)
{
	struct tarn_pool_info info;
	struct guest a, b;
	u8 byte;

	begin("size=4M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	/* Page 4 is clean, page 5 is nowhere else. */
	part_page_out(a.fd, 4, 1);
	check(&a, 0, PAGES, 1);
	poison(page_of(&a, 4));
	map_anew(&a);
	check(&a, 4, 1, 1);
	check(&b, 4, 1, 1);
	poison(page_of(&a, 5));
	map_anew(&a);
	ASSERT_EQ(try_read(page_of(&a, 5), &byte), SIGBUS);
	ASSERT_EQ(try_read(page_of(&b, 5), &byte), SIGBUS);
	ASSERT_EQ(try_write(page_of(&b, 5), 1), SIGBUS);
	ASSERT_EQ(SYS(pread(b.fd, &byte, 1, 5 * PAGE_SIZE)), -EIO);
	ASSERT_EQ(SYS(pwrite(b.fd, &byte, 1, 5 * PAGE_SIZE)), -EIO);
	ASSERT_EQ(__set_domain(b.fd, ""), -EIO);
	set_domain(b.fd, "x");
	check(&a, 0, 5, 1);
	check(&a, 6, PAGES - 6, 1);
	check(&b, 0, 5, 1);
	check(&b, 6, PAGES - 6, 1);
	/* Cut away, there is another one. */
	ASSERT_OK(fallocate(b.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    5 * PAGE_SIZE, PAGE_SIZE));
	fill(&b, 5, 1, 2);
	check(&b, 5, 1, 2);
	ASSERT_EQ(try_read(page_of(&a, 5), &byte), SIGBUS);
	guest_end(&a);
	guest_end(&b);
	WAIT_FOR((info = pool_info(&pool), !info.limbo_frames &&
		  info.free_frames + 2 == info.frames));
	ASSERT_EQ(info.poisoned_frames, 2);
	ASSERT_EQ(info.domains, 0);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* ---- 2 MiB frames --------------------------------------------------------- */

#define BLOCK 512ULL

struct heat {
	struct guest *g[2];
	volatile bool stop;
};

/* Those are split that are cold: the scanner has to have seen that they are not used. */
static void blocks(void)
{
	struct guest a, b;

	/* On whichever node, with 2 MiB to spare. */
	begin("size=48M,huge=always");
	guest_begin(&a, "a", "x", 2 * BLOCK);
	guest_begin(&b, "b", "x", 2 * BLOCK);
	/* The first block is the same in both, of the other one a little. */
	fill(&a, 0, 2 * BLOCK, 1);
	fill(&b, 0, BLOCK + 50, 1);
	fill(&b, BLOCK + 50, BLOCK - 50, 2);
	ASSERT_EQ(part_info(a.fd).block_pages, 2 * BLOCK);
	ASSERT_EQ(part_info(b.fd).block_pages, 2 * BLOCK);
	WAIT_FOR((share(&a, &b), shared(&a) >= BLOCK && shared(&b) >= BLOCK));
	/* Nor is the other one, however often somebody asks. */
	share(&a, &b);
	share(&a, &b);
	ASSERT_EQ(shared(&a), BLOCK);
	ASSERT_EQ(shared(&b), BLOCK);
	ASSERT_EQ(part_info(a.fd).block_pages, BLOCK);
	ASSERT_EQ(part_info(b.fd).block_pages, BLOCK);
	ASSERT_EQ(used_frames(), 3 * BLOCK);
	check(&a, 0, 2 * BLOCK, 1);
	check(&b, 0, BLOCK + 50, 1);
	check(&b, BLOCK + 50, BLOCK - 50, 2);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* One page in use of each makes the block a block in use. */
static void *use_blocks(void *arg)
{
	struct heat *heat = arg;
	unsigned int i;

	while (!heat->stop) {
		flush_tlb();
		for (i = 0; i < 2; i++)
			(void)*(volatile u8 *)page_of(heat->g[i], 7);
		msleep(1);
	}
	return NULL;
}

static void a_hot_block_stays(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set), .flags = TARN_POOL_SET_SCAN,
		.scan_permille = 1000,
	};
	struct guest a, b, c;
	struct heat heat = { .g = { &a, &b } };
	pthread_t user;
	u64 i;

	begin("size=48M,huge=always");
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	guest_begin(&a, "a", "x", BLOCK);
	guest_begin(&b, "b", "x", BLOCK);
	fill(&a, 0, BLOCK, 1);
	fill(&b, 0, BLOCK, 1);
	ASSERT_EQ(part_info(a.fd).block_pages, BLOCK);
	ASSERT_EQ(part_info(b.fd).block_pages, BLOCK);
	ASSERT_EQ(pthread_create(&user, NULL, use_blocks, &heat), 0);
	WAIT_FOR(part_info(a.fd).working_set == BLOCK &&
		 part_info(b.fd).working_set == BLOCK);
	/* Not where somebody asks for it. */
	for (i = 0; i < 4; i++)
		share(&a, &b);
	/*
	 * Nor by the scanner: in the time of the ways that it takes to share what is cold it
	 * comes by at these at least once.
	 */
	guest_begin(&c, "c", "x", PAGES);
	for (i = 0; i < PAGES; i++)
		page_fill(page_of(&c, i), SEED, i / 2, 3);
	WAIT_FOR(part_info(c.fd).shared_pages == PAGES);
	heat.stop = true;
	ASSERT_EQ(pthread_join(user, NULL), 0);
	ASSERT_EQ(shared(&a) + shared(&b), 0);
	ASSERT_EQ(pool_info(&pool).block_splits, 0);
	ASSERT_EQ(part_info(a.fd).block_pages, BLOCK);
	ASSERT_EQ(part_info(b.fd).block_pages, BLOCK);
	check(&a, 0, BLOCK, 1);
	check(&b, 0, BLOCK, 1);
	guest_end(&a);
	guest_end(&b);
	guest_end(&c);
	end();
}

/* ---- all at once ---------------------------------------------------------- */

#define RACE_PAGES 48
#define RACE_ROUNDS 200

struct race {
	_Atomic u32 stop;
	struct guest *a, *b;
};

/* Shares, and gives up, by all ways. */
static int taker(void *arg)
{
	struct race *race = arg;
	struct rng rng = { .state = getpid() };
	u64 done, n = 0;

	while (!race->stop) {
		struct guest *g = rng_below(&rng, 2) ? race->a : race->b;
		u64 first = rng_below(&rng, RACE_PAGES);
		u64 count = 1 + rng_below(&rng, RACE_PAGES - first);

		if (n++ % 4)
			look(g, first, count);
		else
			__part_page_out(g->fd, first, count, &done);
	}
	return 0;
}

/* Whatever it reads, each page is whole, unless it is written just then. */
static int reader(void *arg)
{
	struct race *race = arg;
	u64 i;

	while (!race->stop) {
		for (i = 0; i < RACE_PAGES; i++) {
			const volatile u64 *p = (u64 *)page_of(race->b, i);

			ASSERT_EQ(p[0], (s64)i);
			ASSERT_EQ(p[100], (s64)i);
		}
	}
	return 0;
}

/* Page n begins with n, has it at word 100, and something else that all pages have in turn. */
static void put(struct guest *g, u64 index, u64 what)
{
	u64 *p = (u64 *)page_of(g, index), i;

	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		p[i] = i % 100 ? what * i : index;
}

static void expect(struct guest *g, u64 index, u64 what)
{
	const volatile u64 *p = (u64 *)page_of(g, index);
	u64 i;

	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (p[i] != (i % 100 ? what * i : index))
			FAIL("%s: page %llu word %llu is %llx, not of %llu",
			     g->name, (unsigned long long)index,
			     (unsigned long long)i, (unsigned long long)p[i],
			     (unsigned long long)what);
}

static void races(void)
{
	u64 want[2][RACE_PAGES], round, i, n;
	struct rng rng = { .state = 5 };
	struct guest a, b, *g[2] = { &a, &b };
	struct race *race;
	pid_t pid[3];

	begin("size=8M");
	pg.ctl->truncates = 1;
	guest_begin(&a, "a", "x", RACE_PAGES);
	guest_begin(&b, "b", "x", RACE_PAGES);
	for (i = 0; i < RACE_PAGES; i++) {
		for (n = 0; n < 2; n++) {
			want[n][i] = 1;
			put(g[n], i, 1);
		}
	}
	race = shared_alloc(sizeof(*race));
	race->a = &a;
	race->b = &b;
	pid[0] = spawn(taker, race);
	pid[1] = spawn(taker, race);
	pid[2] = spawn(reader, race);
	for (round = 1; round <= RACE_ROUNDS / test_slow(); round++) {
		for (i = 0; i < 2 * RACE_PAGES; i++) {
			u64 index = i / 2;

			n = i % 2;
			expect(g[n], index, want[n][index]);
			if (rng_below(&rng, 4))
				continue;
			/* Mostly one of two things, so that there is something to share. */
			want[n][index] = 1 + rng_below(&rng, 2);
			if (!rng_below(&rng, 8) && !n) {
				ASSERT_OK(fallocate(a.fd, FALLOC_FL_PUNCH_HOLE |
						    FALLOC_FL_KEEP_SIZE,
						    index * PAGE_SIZE, PAGE_SIZE));
				ASSERT(page_is_zero(page_of(&a, index)));
			}
			put(g[n], index, want[n][index]);
		}
	}
	race->stop = 1;
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		ASSERT_EQ(reap(pid[i]), 0);
	diag("merged %llu, broken %llu",
	     (unsigned long long)pool_info(&pool).share_merges,
	     (unsigned long long)pool_info(&pool).share_breaks);
	ASSERT_GT(pool_info(&pool).share_merges, 0);
	ASSERT_GT(pool_info(&pool).share_breaks, 0);
	guest_end(&a);
	guest_end(&b);
	end();
}

static const struct tarn_test tests[] = {
	TEST(only_within_a_domain),
	TEST(no_time_tells_of_others),
	TEST(holes_and_ends),
	TEST(leaving),
	TEST(leaving_goes_on),
	TEST(who_may_and_what),
	TEST(a_memory_error_is_that_of_its_sharers),
	TEST(blocks),
	TEST(a_hot_block_stays),
	TEST(races),
};

TESTS_MAIN(tests)
