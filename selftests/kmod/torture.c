// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many processes on a small pool: everything that the load can do at once,
 * with workers killed and the pool resized under it. Nothing may be lost,
 * nothing may leak.
 *
 * -o ops=N operations a worker, -o workers=N, -o seed=N.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>

#include "load.h"
#include "node.h"
#include "pager.h"

static struct load_config config(u32 what)
{
	return (struct load_config){
		.workers = test_param("workers", 8),
		.parts = 4,
		.pages = 768,
		.ops = test_param("ops", 3000),
		.what = what,
		.seed = test_param("seed", time(NULL)),
	};
}

static void check_pool(struct pool *p)
{
	struct tarn_pool_info info = pool_info(p);

	ASSERT_EQ(info.load_errors, 0);
	ASSERT_EQ(info.checksum_errors, 0);
	ASSERT_EQ(info.store_errors, 0);
	diag("in %llu, out %llu, clean %llu, zero %llu, waits %llu, merged %llu, broken %llu",
	     info.page_ins, info.page_outs, info.clean_drops, info.zero_drops,
	     info.frame_waits, info.share_merges, info.share_breaks);
}

static void begin(struct pool *p, struct pager *pg, const char *options,
		  u32 what)
{
	pool_mount(p, options);
	pager_init(pg, p);
	pg->ctl->reorder = 1;
	pg->ctl->truncates = what & LOAD_CUTS;
	pg->ctl->in_place = test_param("seed", time(NULL)) & 1;
	pager_launch(pg);
}

static void end(struct pool *p, struct pager *pg)
{
	check_pool(p);
	pool_assert_idle(p);
	WAIT_FOR(!pg->ctl->used);
	pager_stop(pg);
	pool_umount(p);
}

/* A pool as it begins, what it is resized to, also by node, how large partitions are; part of the work. */
struct ground {
	const char *options;
	const char *sizes[4];
	const char *nodes;
	u32 pages;
	u32 share;
};

static const struct ground small = {
	"size=4M", { "size=6M", "size=8M", "size=2M", "size=4M" },
	"nodes=2M:4M", 768, 1,
};

/* Each partition has three blocks, and a part of one. */
static const struct ground blocks = {
	"size=16M,huge=always",
	{ "size=20M", "size=24M", "size=8M", "size=16M" },
	"nodes=8M:12M", 1700, 4,
};

/*
 * Node changes in the mix: the pool leaves a node, if it has any of it, or takes that back;
 * meanwhile it gets no other size.
 */
static void change_nodes(struct pool *p, u32 n, const char *sizes)
{
	int ret;

	switch (n % 3) {
	case 0:
		ret = __pool_drain(p, TARN_RELOCATE_START, n / 3 % 2,
				   TARN_DRAIN_SHRINK);
		ASSERT(!ret || ret == -EBUSY || ret == -EINVAL);
		return;
	case 1:
		ret = __pool_drain(p, TARN_RELOCATE_CANCEL, 0, 0);
		ASSERT(!ret || ret == -ENOENT);
		return;
	}
	ret = __pool_remount(p, sizes);
	ASSERT(!ret || ret == -EBUSY);
}

static void change_pool(struct pool *p, const struct ground *ground, u32 n)
{
	int ret;

	if (n % 4 == 3 && node_exists(1)) {
		change_nodes(p, n / 4, ground->nodes);
		return;
	}
	ret = __pool_remount(p, ground->sizes[n % 4]);
	ASSERT(!ret || ret == -EBUSY);
}

static void run_on(const struct ground *ground, u32 what, u32 kills, bool resize)
{
	struct load_config cfg = config(what);
	struct pager pg;
	struct load l;
	struct pool p;
	u64 next, step = cfg.ops * cfg.workers / 20;
	u32 n = 0;

	cfg.pages = ground->pages;
	cfg.ops /= ground->share;
	begin(&p, &pg, ground->options, what);
	load_begin(&l, &p, &cfg);
	next = step;
	while (load_running(&l)) {
		msleep(2);
		if (l.shared->done < next)
			continue;
		next += step;
		if (n++ < kills)
			load_kill_one(&l);
		if (resize)
			change_pool(&p, ground, n);
	}
	load_end(&l);
	WAIT_FOR(pool_drain_status(&p).state != TARN_RELOCATION_RUNNING);
	diag("blocks %llu, split %llu", pool_info(&p).block_fills,
	     pool_info(&p).block_splits);
	end(&p, &pg);
}

static void run(u32 what, u32 kills, bool resize)
{
	run_on(&small, what, kills, resize);
}

static void reads_and_writes(void)
{
	run(0, 0, false);
}

static void holes_and_sizes(void)
{
	run(LOAD_PUNCH | LOAD_TRUNCATE | LOAD_RECREATE, 0, false);
}

static void forks_and_pipes(void)
{
	run(LOAD_FORK | LOAD_PIPE, 0, false);
}

static void kills(void)
{
	run(LOAD_FORK | LOAD_PUNCH | LOAD_TRUNCATE, 100, false);
}

static void resizes(void)
{
	run(LOAD_PAGE_OUT, 0, true);
}

/* What is shared is written to, cut, given up, and its domain left, all the time. */
static void sharing(void)
{
	run(LOAD_SHARE | LOAD_PUNCH | LOAD_TRUNCATE | LOAD_PAGE_OUT | LOAD_FORK,
	    50, true);
}

/* Pages are given away and come back while all else goes on. */
static void donations(void)
{
	run(LOAD_DONATE | LOAD_PUNCH | LOAD_TRUNCATE | LOAD_PAGE_OUT | LOAD_PIPE |
	    LOAD_SHARE | LOAD_PATTERN, 50, true);
}

static void moves(void)
{
	nodes_need(2);
	run(LOAD_MOVE | LOAD_PAGE_OUT | LOAD_PIPE, 0, true);
}

static void everything(void)
{
	run(LOAD_ALL, 100, true);
}

static void everything_in_blocks(void)
{
	run_on(&blocks, LOAD_ALL, 100, true);
}

/* As large as the pool, without a pager: what is freed is enough for all. */
static void without_paging(void)
{
	struct load_config cfg = config(LOAD_ALL & ~LOAD_PAGE_OUT);
	struct load l;
	struct pool p;

	pool_mount(&p, "size=32M,paging=none");
	load_begin(&l, &p, &cfg);
	load_end(&l);
	pool_assert_idle(&p);
	pool_umount(&p);
}

static void two_pools(void)
{
	struct load_config cfg = config(LOAD_ALL);
	struct pager pg[2];
	struct load l[2];
	struct pool p[2];
	int i;

	cfg.workers = 4;
	for (i = 0; i < 2; i++) {
		begin(&p[i], &pg[i], "size=4M", cfg.what);
		cfg.seed += i;
		load_begin(&l[i], &p[i], &cfg);
	}
	for (i = 0; i < 2; i++) {
		load_end(&l[i]);
		end(&p[i], &pg[i]);
	}
}

static const struct tarn_test tests[] = {
	TEST(reads_and_writes),
	TEST(holes_and_sizes),
	TEST(forks_and_pipes),
	TEST(kills),
	TEST(resizes),
	TEST(without_paging),
	TEST(two_pools),
	TEST(moves),
	TEST(sharing),
	TEST(donations),
	TEST(everything),
	TEST(everything_in_blocks),
};

TESTS_MAIN(tests)
