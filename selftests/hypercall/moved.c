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

static void begin(const char *options)
{
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
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void let_go(int *pipes)
{
	close(pipes[0]);
	close(pipes[1]);
}

static void back_and_forth(const char *options, u64 held, unsigned int granules)
{
	int pipes[2];
	u64 passes;

	begin(options);
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
	let_go(pipes);
	end();
}

/* Goes on until the page that is held is the last one left. */
static void start(u32 node)
{
	struct tarn_partition_relocate r = {
		.op = TARN_RELOCATE_START,
		.node = node,
		.count = UINT64_MAX,
	};

	ASSERT_OK(__part_relocate(b.part, &r));
	WAIT_FOR(part_relocate_status(b.part).moved == PAGES - 1);
	ASSERT_EQ(part_relocate_status(b.part).state, TARN_RELOCATION_RUNNING);
}

static void ends_on(u32 node, int *pipes)
{
	ASSERT_EQ(part_relocate_status(b.part).state, TARN_RELOCATION_RUNNING);
	let_go(pipes);
	WAIT_FOR(part_relocate_status(b.part).state != TARN_RELOCATION_RUNNING);
	ASSERT_EQ(part_relocate_status(b.part).state, TARN_RELOCATION_DONE);
	ASSERT_EQ(part_on_node(b.part, node), PAGES);
}

/* A relocation is of the partition, whatever VM that is attached to. */
static void its_vm_comes_and_goes(void)
{
	int pipes[2];
	u64 passes;

	begin("nodes=16M:16M,huge=never");
	hold(pipes);
	bare_job(&b, BARE_JOB_VERIFY, UINT64_MAX);
	bare_start(&b);
	WAIT_FOR(b.box->done >= 1);
	start(1);
	bare_detach(&b);
	ends_on(1, pipes);
	passes = b.box->done;
	WAIT_FOR(b.box->done >= passes + 2 || b.box->bad);
	hold(pipes);
	start(0);
	bare_attach(&b);
	bare_stop(&b);
	ASSERT_EQ(b.box->bad, 0);
	bare_close_vm(&b);
	ends_on(0, pipes);
	end();
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
	TEST(its_vm_comes_and_goes),
};

TESTS_MAIN(tests)
