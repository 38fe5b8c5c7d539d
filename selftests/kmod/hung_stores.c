// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pager that takes stores and never answers them, as a device of its hangs: what
 * needs no store goes on, in this pool and in others, nobody waits for one that need
 * not, and nothing is lost when it wakes up.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

/* A pool of 8 MiB: most pages can't go, and what comes last needs what others can give. */
#define FRAMES 2048
#define DIRTY 1200
#define CLEAN 400
#define NEW 500
#define DROPPED 100

static struct pool pool;
static struct pager pg;

struct part {
	const char *name;
	int fd;
	u64 pages;
	u8 *map;
};

static void part_begin(struct part *p, struct pool *in, const char *name,
		       u64 pages)
{
	p->name = name;
	p->pages = pages;
	p->fd = part_create(in, name, pages);
	p->map = part_map(p->fd, pages);
}

static void part_end(struct part *p, struct pool *in)
{
	munmap(p->map, p->pages * PAGE_SIZE);
	close(p->fd);
	part_unlink(in, p->name);
}

static void fill(struct part *p, u64 version)
{
	u64 i;

	for (i = 0; i < p->pages; i++)
		page_fill(p->map + i * PAGE_SIZE, 9, i, version);
}

static void check(struct part *p, u64 version)
{
	u64 i;

	for (i = 0; i < p->pages; i++)
		ASSERT_PAGE(p->map + i * PAGE_SIZE, 9, i, version);
}

static void begin(struct pool *p, struct pager *pager, const char *options)
{
	pool_mount(p, options);
	pager_start(pager, p);
	pool_readahead(p, 0);
}

static void end(struct pool *p, struct pager *pager)
{
	pool_assert_idle(p);
	pager_stop(pager);
	pool_umount(p);
}

static int page_out_all(void *arg)
{
	struct part *p = arg;

	return part_page_out(p->fd, 0, p->pages) == p->pages ? 0 : 1;
}

/* @p goes out and gets no farther; who waits for that is returned. */
static pid_t hang(struct part *p)
{
	pid_t pid;

	pg.ctl->hold = 1U << TARN_OP_STORE;
	pid = spawn(page_out_all, p);
	WAIT_FOR(pg.ctl->taken > pg.ctl->completed && proc_state(pid) == 'S');
	return pid;
}

/* Loads go by CPU. */
static void run_on(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT_OK(sched_setaffinity(0, sizeof(set), &set));
}

/* Frames come from pages that need no store. */
static void clean_pages_are_given_up(void)
{
	struct part dirty, clean, new;
	pid_t pid;
	long cpu;
	u64 ins;

	begin(&pool, &pg, "size=8M");
	part_begin(&clean, &pool, "clean", CLEAN);
	fill(&clean, 1);
	ASSERT_EQ(part_page_out(clean.fd, 0, CLEAN), CLEAN);
	check(&clean, 1);
	part_begin(&dirty, &pool, "dirty", DIRTY);
	fill(&dirty, 1);
	pid = hang(&dirty);
	part_begin(&new, &pool, "new", NEW);
	fill(&new, 1);
	check(&new, 1);
	ASSERT_GT(part_info(clean.fd).paged_pages, 0);
	/* what is on its way out can be used, and loads are answered on every queue */
	check(&dirty, 1);
	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		run_on(cpu);
		ins = part_info(clean.fd).page_ins;
		check(&clean, 1);
		ASSERT_GT(part_info(clean.fd).page_ins, ins);
	}
	pg.ctl->hold = 0;
	ASSERT_OK(kill(pid, SIGKILL));
	reap(pid);
	check(&dirty, 1);
	part_end(&dirty, &pool);
	part_end(&clean, &pool);
	part_end(&new, &pool);
	end(&pool, &pg);
}

static void other_pools_go_on(void)
{
	struct part dirty, there;
	struct pager other_pager;
	struct pool other;
	pid_t pid;

	begin(&pool, &pg, "size=8M");
	part_begin(&dirty, &pool, "dirty", DIRTY);
	fill(&dirty, 1);
	pid = hang(&dirty);
	begin(&other, &other_pager, "size=4M");
	part_begin(&there, &other, "there", FRAMES);
	fill(&there, 1);
	check(&there, 1);
	ASSERT_GT(pool_info(&other).page_outs, FRAMES / 4);
	part_end(&there, &other);
	end(&other, &other_pager);
	ASSERT_EQ(pool_info(&pool).page_outs, 0);
	pg.ctl->hold = 0;
	ASSERT_EQ(reap(pid), 0);
	check(&dirty, 1);
	part_end(&dirty, &pool);
	end(&pool, &pg);
}

/* Who waits for a store can be killed; a file goes whatever is written of it. */
static void files_end(void)
{
	struct part dirty;
	u64 held;
	pid_t pid;

	begin(&pool, &pg, "size=8M");
	pg.ctl->truncates = 1;
	part_begin(&dirty, &pool, "dirty", DIRTY);
	fill(&dirty, 1);
	pid = hang(&dirty);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	ASSERT_OK(ftruncate(dirty.fd, 0));
	ASSERT_EQ(part_info(dirty.fd).resident_pages, 0);
	/* what is being written stays with its request */
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	held = FRAMES - pool_info(&pool).free_frames;
	ASSERT_GT(held, 0);
	ASSERT_OK(ftruncate(dirty.fd, DIRTY * PAGE_SIZE));
	fill(&dirty, 2);
	check(&dirty, 2);
	part_end(&dirty, &pool);
	WAIT_FOR(!pool_info(&pool).partitions &&
		 !pool_info(&pool).limbo_frames);
	ASSERT_EQ(pool_info(&pool).free_frames, FRAMES - held);
	pg.ctl->hold = 0;
	WAIT_FOR(!pg.ctl->used);
	end(&pool, &pg);
}

/* More stores wait than there are tags, and copies that nobody needs go all the same. */
static void drops_are_told(void)
{
	struct part dirty, stored;
	pid_t pid;
	u64 taken;

	pool_mount(&pool, "size=8M");
	pager_init(&pg, &pool);
	pg.ctl->queues = 1;
	pg.ctl->depth = 16;
	pager_launch(&pg);
	part_begin(&stored, &pool, "stored", 2 * DROPPED);
	fill(&stored, 1);
	ASSERT_EQ(part_page_out(stored.fd, 0, 2 * DROPPED), 2 * DROPPED);
	part_begin(&dirty, &pool, "dirty", DIRTY);
	fill(&dirty, 1);
	pid = hang(&dirty);
	WAIT_FOR(part_count(dirty.fd, 0, DIRTY, TARN_PAGE_IN_FLIGHT,
			    TARN_PAGE_IN_FLIGHT) >= 64);
	ASSERT_OK(ftruncate(stored.fd, DROPPED * PAGE_SIZE));
	WAIT_FOR(pg.ctl->drops == DROPPED);
	ASSERT_EQ(part_info(dirty.fd).paged_pages, 0);
	/* nor do drops keep stores from being sent, answered or not */
	taken = pg.ctl->taken;
	pg.ctl->hold = 1U << TARN_OP_STORE | 1U << TARN_OP_DROP;
	ASSERT_OK(ftruncate(stored.fd, 0));
	WAIT_FOR(pg.ctl->taken > taken);
	pg.ctl->hold = 1U << TARN_OP_DROP;
	ASSERT_EQ(reap(pid), 0);
	pg.ctl->hold = 0;
	part_end(&stored, &pool);
	check(&dirty, 1);
	part_end(&dirty, &pool);
	WAIT_FOR(!pg.ctl->used);
	end(&pool, &pg);
}

static int touch_all(void *arg)
{
	struct part *p = arg;
	u64 i;

	for (i = 0; i < p->pages; i++)
		*(volatile u8 *)(p->map + i * PAGE_SIZE);
	return 0;
}

/* Who asks for pages and cuts them away while they are read has no more than some frames. */
static void loads_that_nobody_wants(void)
{
	struct part p;
	pid_t pid;
	u64 i;

	begin(&pool, &pg, "size=8M");
	part_begin(&p, &pool, "a", 500);
	fill(&p, 1);
	ASSERT_EQ(part_page_out(p.fd, 0, p.pages), p.pages);
	pg.ctl->truncates = 1;
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	pid = spawn(touch_all, &p);
	for (i = 0; i < 64; i++) {
		WAIT_FOR(part_state(p.fd, i) & TARN_PAGE_IN_FLIGHT);
		ASSERT_OK(fallocate(p.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    i * PAGE_SIZE, PAGE_SIZE));
	}
	WAIT_FOR(pool_info(&pool).frame_waits || proc_state(pid) == 'S');
	msleep(200);
	ASSERT_EQ(part_state(p.fd, 64), TARN_PAGE_PAGED);
	ASSERT_EQ(pool_info(&pool).free_frames, FRAMES - 64);
	/* they end, and it goes on */
	pg.ctl->hold = 0;
	ASSERT_EQ(reap(pid), 0);
	for (i = 64; i < p.pages; i++)
		ASSERT_PAGE(p.map + i * PAGE_SIZE, 9, i, 1);
	part_end(&p, &pool);
	end(&pool, &pg);
}

static const struct tarn_test tests[] = {
	TEST(clean_pages_are_given_up),
	TEST(drops_are_told),
	TEST(other_pools_go_on),
	TEST(files_end),
	TEST(loads_that_nobody_wants),
};

TESTS_MAIN(tests)
