// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest whose memory is relocated (S05) back and forth between nodes while it writes and
 * checks all of it, with a page in the middle that somebody else holds, as DMA does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bare.h"
#include "node.h"

#define BLOCK 512UL
#define PAGES (2 * BLOCK)

static struct pool pool;
static struct pager pg;
static struct bare b;

static void hold(int *pipes)
{
	struct iovec v = {
		.iov_base = b.memory + PAGES / 2 * PAGE_SIZE,
		.iov_len = PAGE_SIZE,
	};

	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
}

static void back_and_forth(const char *options, u64 held, unsigned int granules)
{
	int pipes[2];
	u64 passes;

	nodes_need(2);
	node_run_on(0);
	pool_mount(&pool, options);
	bare_require(&pool, TARN_FEATURE_VM);
	pager_start(&pg, &pool);
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
	bare_job(&b, BARE_JOB_VERIFY, 2);
	bare_run(&b);
	ASSERT_EQ(b.box->bad, 0);
	hold(pipes);
	bare_job(&b, BARE_JOB_VERIFY, UINT64_MAX);
	bare_start(&b);
	WAIT_FOR(b.box->done >= 1);
	part_back_and_forth(b.part, test_param("times", 100), granules, held);
	/* What was moved last is checked, too. */
	passes = b.box->done;
	WAIT_FOR(b.box->done >= passes + 2 || b.box->bad);
	bare_stop(&b);
	ASSERT_EQ(b.box->bad, 0);
	close(pipes[0]);
	close(pipes[1]);
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void page_by_page(void)
{
	back_and_forth("nodes=16M:16M,huge=never", 1, 7);
}

/* The block that is held stays as a whole. */
static void in_blocks(void)
{
	back_and_forth("nodes=16M:16M", BLOCK, 10);
}

static const struct tarn_test tests[] = {
	TEST(page_by_page),
	TEST(in_blocks),
};

TESTS_MAIN(tests)
