// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pager killed by SIGKILL again and again under load. Its store outlives
 * it; what is in flight is kept; no page may be wrong, none may be stored twice
 * or forgotten.
 *
 * -o kills=N (100; a third of it where nothing was in hand, or all are killed)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "pager.h"

static struct load_config config(u32 what)
{
	return (struct load_config){
		.workers = 6,
		.parts = 3,
		.pages = 768,
		.ops = 1ULL << 40,
		.what = what,
		.seed = test_param("seed", time(NULL)),
	};
}

static void end_load(struct load *l, struct pool *p, struct pager *pg)
{
	u32 n;

	/* enough: let the workers end by themselves, between operations */
	l->shared->stop = 1;
	load_end(l);
	n = pool_info(p).partitions;
	ASSERT_EQ(n, 0);
	ASSERT_EQ(pool_info(p).checksum_errors, 0);
	ASSERT_EQ(pool_info(p).load_errors, 0);
	ASSERT_EQ(pool_info(p).store_errors, 0);
	pool_assert_idle(p);
	WAIT_FOR(!pg->ctl->used);
	pager_stop(pg);
	pool_umount(p);
}

/* @die: let it kill itself at a request, so that it has some in hand. */
static void kill_pager(u32 what, u64 kills, bool die, u32 workers_too)
{
	u64 i, goal;
	struct load_config cfg = config(what);
	struct rng r = { cfg.seed + 1 };
	struct pager pg;
	struct load l;
	struct pool p;

	pool_mount(&p, "size=4M");
	pager_init(&pg, &p);
	pg.ctl->reorder = 1;
	pg.ctl->truncates = what & LOAD_CUTS;
	pager_launch(&pg);
	load_begin(&l, &p, &cfg);
	for (i = 0; i < kills; i++) {
		goal = pg.ctl->taken + 1 + rng_below(&r, 300);
		pg.ctl->in_place = rng_below(&r, 2);
		if (die) {
			pg.ctl->die_after = goal;
			WAIT_FOR(!load_running(&l) ||
				 proc_state(pg.pid) == 'Z');
			pg.ctl->die_after = 0;
			ASSERT_EQ(reap(pg.pid), 256 + SIGKILL);
		} else {
			WAIT_FOR(!load_running(&l) || pg.ctl->taken >= goal);
			pager_kill(&pg);
		}
		pager_assert_protocol(&pg);
		pager_launch(&pg);
		/* mending what it held may need the pager */
		if (i < workers_too)
			load_kill_one(&l);
	}
	diag("%llu loads, %llu stores, listed anew %llu times",
	     (unsigned long long)pg.ctl->loads,
	     (unsigned long long)pg.ctl->stores,
	     (unsigned long long)pg.ctl->relisted);
	end_load(&l, &p, &pg);
}

static void killed_between_requests(void)
{
	kill_pager(0, test_param("kills", 100) / 3, false, 0);
}

/*
 * Of what is a pattern or shared a pager is asked little: with that it takes several times
 * as long until it has been killed as often. The next test has all of it.
 */
static void killed_with_requests_in_hand(void)
{
	kill_pager(LOAD_ALL & ~(LOAD_PAGE_OUT | LOAD_PATTERN | LOAD_SHARE),
		   test_param("kills", 100), true, 0);
}

static void everybody_is_killed(void)
{
	kill_pager(LOAD_ALL, test_param("kills", 100) / 3, true, 100);
}

/* It ends in order and comes back: nothing is in flight then. */
static void restarted(void)
{
	struct load_config cfg = config(LOAD_ALL);
	struct pager pg;
	struct load l;
	struct pool p;
	u64 goal;
	int i;

	pool_mount(&p, "size=4M");
	pager_start(&pg, &p);
	pg.ctl->truncates = 1;
	load_begin(&l, &p, &cfg);
	for (i = 0; i < 20; i++) {
		goal = pg.ctl->taken + 200;
		WAIT_FOR(!load_running(&l) || pg.ctl->taken >= goal);
		pg.ctl->stop = 1;
		ASSERT_EQ(reap(pg.pid), 0);
		pager_launch(&pg);
	}
	end_load(&l, &p, &pg);
}

/* The pager goes for good: the pool can still be emptied and unmounted. */
static void gone_for_good(void)
{
	struct load_config cfg = config(LOAD_ALL);
	struct pager pg;
	struct load l;
	struct pool p;

	pool_mount(&p, "size=4M");
	pager_start(&pg, &p);
	pg.ctl->truncates = 1;
	load_begin(&l, &p, &cfg);
	WAIT_FOR(!load_running(&l) || pg.ctl->taken >= 1000);
	pager_kill(&pg);
	load_abandon(&l);
	pool_assert_idle(&p);
	pager_free(&pg);
	pool_umount(&p);
}

static const struct tarn_test tests[] = {
	TEST(killed_between_requests),
	TEST(killed_with_requests_in_hand),
	TEST(everybody_is_killed),
	TEST(restarted),
	TEST(gone_for_good),
};

TESTS_MAIN(tests)
