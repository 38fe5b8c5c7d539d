// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draining a NUMA node (S05): all that a pool has there goes back to the kernel while
 * guests run, what is held is waited for, and whatever ends it early undoes it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define MIB_PAGES (1048576 / PAGE_SIZE)
#define PAGES (4 * MIB_PAGES)
#define BLOCK_PAGES (2 * MIB_PAGES)
#define NODE_PAGES (16 * MIB_PAGES)

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static void begin(const char *options)
{
	nodes_need(2);
	pool_mount(&pool, options);
	part = part_create(&pool, "a", PAGES);
	map = part_map(part, PAGES);
	node_run_on(0);
}

static void unmap(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
}

static void end(void)
{
	unmap();
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void fill(u64 version)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 5, i, version);
}

static void check(u64 version)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 5, i, version);
}

static long start(u32 node, u32 flags)
{
	return __pool_drain(&pool, TARN_RELOCATE_START, node, flags);
}

static long cancel(void)
{
	return __pool_drain(&pool, TARN_RELOCATE_CANCEL, 0, 0);
}

static struct tarn_pool_drain ended(void)
{
	WAIT_FOR(pool_drain_status(&pool).state != TARN_RELOCATION_RUNNING);
	return pool_drain_status(&pool);
}

/* Pages of a pipe are held by references, as those of a device's DMA are. */
static void hold(int *pipes, u64 page, u64 count)
{
	struct iovec v = {
		.iov_base = map + page * PAGE_SIZE,
		.iov_len = count * PAGE_SIZE,
	};

	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), count * PAGE_SIZE);
}

static void let_go(const int *pipes)
{
	close(pipes[0]);
	close(pipes[1]);
}

static void is_as_before(void)
{
	ASSERT_EQ(node_value(&pool, 0, "frames"), NODE_PAGES);
	ASSERT_EQ(node_value(&pool, 1, "frames"), NODE_PAGES);
}

static void all_of_a_node(void)
{
	struct tarn_pool_info before, after;
	struct tarn_pool_drain d;

	begin("nodes=16M:16M");
	fill(1);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	before = pool_info(&pool);
	ASSERT_EQ(pool_drain_status(&pool).state, TARN_RELOCATION_NONE);
	ASSERT_OK(start(0, 0));
	d = ended();
	ASSERT_EQ(d.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(d.node, 0);
	ASSERT_EQ(d.frames, NODE_PAGES);
	ASSERT_EQ(d.grown, NODE_PAGES);
	ASSERT_EQ(d.moved, PAGES);
	ASSERT_EQ(d.left, 0);
	ASSERT_EQ(d.held, 0);
	ASSERT_EQ(node_value(&pool, 0, "frames"), 0);
	ASSERT_EQ(node_value(&pool, 0, "free_frames"), 0);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	after = pool_info(&pool);
	ASSERT_EQ(after.frames, before.frames);
	ASSERT_EQ(after.free_frames, before.free_frames);
	ASSERT_EQ(after.low_frames, before.low_frames);
	check(1);
	/* There is nothing more to drain, and the node can come back. */
	ASSERT_ERR(start(0, 0), EINVAL);
	ASSERT_OK(__pool_remount(&pool, "nodes=16M:16M"));
	is_as_before();
	check(1);
	end();
}

/* Other nodes take what one had, two MiB at a time in turn. */
static void one_of_four(void)
{
	static const u64 after[] = { 10, 10, 0, 12 };
	unsigned int nid;

	nodes_need(4);
	begin("nodes=8M:8M:8M:8M");
	node_run_on(2);
	fill(1);
	ASSERT_EQ(part_on_node(part, 2), PAGES);
	ASSERT_OK(start(2, 0));
	ASSERT_EQ(ended().state, TARN_RELOCATION_DONE);
	for (nid = 0; nid < ARRAY_SIZE(after); nid++)
		ASSERT_EQ(node_value(&pool, nid, "frames"),
			  after[nid] * MIB_PAGES);
	ASSERT_EQ(part_on_node(part, 2), 0);
	check(1);
	end();
}

static void what_is_held_is_waited_for(void)
{
	struct tarn_pool_drain d;
	int pipes[2];

	begin("nodes=16M:16M");
	fill(1);
	hold(pipes, 200, 3);
	ASSERT_OK(start(0, 0));
	WAIT_FOR(pool_drain_status(&pool).held == 3);
	d = pool_drain_status(&pool);
	ASSERT_EQ(d.state, TARN_RELOCATION_RUNNING);
	ASSERT_EQ(d.held_partition, part_info(part).id);
	ASSERT_EQ(d.held_page, 200);
	ASSERT_EQ(d.left, 3);
	ASSERT_EQ(d.moved, PAGES - 3);
	/* The pool works, in what it has elsewhere. */
	ASSERT_ERR(start(1, 0), EBUSY);
	ASSERT_ERR(__pool_remount(&pool, "nodes=16M:32M"), EBUSY);
	pool_readahead(&pool, 4);
	check(1);
	fill(2);
	ASSERT_EQ(part_on_node(part, 0), 3);
	let_go(pipes);
	d = ended();
	ASSERT_EQ(d.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(d.held, 0);
	ASSERT_EQ(node_value(&pool, 0, "frames"), 0);
	ASSERT_EQ(pool_info(&pool).readahead_pages, 4);
	check(2);
	end();
}

static void or_refused(void)
{
	struct tarn_pool_drain d;
	int pipes[2];

	begin("nodes=16M:16M");
	fill(1);
	hold(pipes, 200, 1);
	ASSERT_OK(start(0, TARN_DRAIN_REFUSE));
	d = ended();
	ASSERT_EQ(d.state, TARN_RELOCATION_HELD);
	ASSERT_EQ(d.held_page, 200);
	ASSERT_EQ(d.grown, 0);
	is_as_before();
	let_go(pipes);
	check(1);
	ASSERT_OK(start(0, TARN_DRAIN_REFUSE));
	ASSERT_EQ(ended().state, TARN_RELOCATION_DONE);
	check(1);
	end();
}

static void it_can_be_cancelled(void)
{
	int pipes[2];

	begin("nodes=16M:16M");
	fill(1);
	ASSERT_ERR(cancel(), ENOENT);
	hold(pipes, 0, 1);
	ASSERT_OK(start(0, 0));
	WAIT_FOR(pool_drain_status(&pool).held);
	ASSERT_OK(cancel());
	ASSERT_EQ(ended().state, TARN_RELOCATION_CANCELLED);
	ASSERT_ERR(cancel(), ENOENT);
	is_as_before();
	/* At once, wherever it is. */
	ASSERT_OK(start(0, 0));
	ASSERT_OK(cancel());
	ASSERT_EQ(ended().state, TARN_RELOCATION_CANCELLED);
	is_as_before();
	let_go(pipes);
	check(1);
	end();
}

static int starts(void *arg)
{
	return start(0, 0) ? 1 : 0;
}

/* Who started it may go, and so may the pool, though a frame is still held. */
static void it_outlives_its_caller(void)
{
	int pipes[2];

	begin("nodes=16M:16M");
	fill(1);
	hold(pipes, 7, 1);
	ASSERT_EQ(reap(spawn(starts, NULL)), 0);
	WAIT_FOR(pool_drain_status(&pool).held == 1);
	unmap();
	/* It is nobody's page any more, and not given out again. */
	WAIT_FOR(!pool_drain_status(&pool).held);
	ASSERT_EQ(pool_drain_status(&pool).left, 1);
	ASSERT_EQ(pool_drain_status(&pool).state, TARN_RELOCATION_RUNNING);
	pool_umount(&pool);
	let_go(pipes);
}

/* ---- what is told meanwhile ----------------------------------------------- */

/* The block where a few pages from @page on are held, on node 0. */
static void check_block(const struct tarn_pool_drain *d, u64 page, u32 held)
{
	const struct tarn_relocation_block *b = &d->block;
	u32 i;

	ASSERT_EQ(d->state, TARN_RELOCATION_RUNNING);
	ASSERT_EQ(d->partition, part_info(part).id);
	ASSERT_EQ(b->page, page);
	ASSERT_EQ(b->first, page / BLOCK_PAGES * BLOCK_PAGES);
	ASSERT_EQ(b->granule, 1);
	ASSERT_EQ(b->source_node, 0);
	ASSERT_EQ(b->target_node, 1);
	ASSERT(b->source && b->source % PAGE_SIZE == 0);
	ASSERT_EQ(b->held_pages, held);
	for (i = 0; i < BLOCK_PAGES; i++) {
		ASSERT_EQ(b->pins[i], i >= page % BLOCK_PAGES &&
				      i < page % BLOCK_PAGES + held);
		ASSERT_EQ(b->held[i / 64] >> (i % 64) & 1, b->pins[i]);
	}
	ASSERT_EQ(d->held_page, page);
	ASSERT_EQ(d->moved, PAGES - held);
	ASSERT_GE(d->tried, (PAGES - held) / 64);
	ASSERT_EQ(pool_drain_blocked(d), d->tried);
}

static void check_ended(const struct tarn_pool_drain *d)
{
	ASSERT_EQ(d->state, TARN_RELOCATION_DONE);
	ASSERT_EQ(d->moved, PAGES);
	ASSERT_EQ(d->left, 0);
	ASSERT_EQ(d->held, 0);
	ASSERT_EQ(d->partition, 0);
	ASSERT_EQ(d->block.granule, 0);
	ASSERT_EQ(pool_drain_blocked(d), d->tried);
}

static void a_drain_is_told_of(void)
{
	struct tarn_pool_drain d;
	int pipes[2];

	begin("nodes=16M:16M");
	fill(1);
	hold(pipes, PAGES / 2 + 200, 3);
	ASSERT_OK(start(0, 0));
	WAIT_FOR(pool_drain_status(&pool).held == 3);
	d = pool_drain_status(&pool);
	ASSERT_EQ(d.why, TARN_DRAIN_WHY_NODE);
	ASSERT_EQ(d.node, 0);
	check_block(&d, PAGES / 2 + 200, 3);
	let_go(pipes);
	d = ended();
	check_ended(&d);
	check(1);
	end();
}

/* A block that is one frame is a granule. */
static void blocks_are_told_of(void)
{
	struct tarn_pool_drain d;
	int pipes[2];

	begin("nodes=16M:16M,huge=always");
	fill(1);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	hold(pipes, 5, 1);
	ASSERT_OK(start(0, 0));
	WAIT_FOR(pool_drain_status(&pool).held == BLOCK_PAGES);
	d = pool_drain_status(&pool);
	ASSERT_EQ(d.block.page, 0);
	ASSERT_EQ(d.block.granule, BLOCK_PAGES);
	ASSERT_EQ(d.block.source_node, 0);
	ASSERT_EQ(d.block.target_node, 1);
	ASSERT_EQ(d.block.held[0], 1);
	ASSERT_EQ(d.block.pins[0], BLOCK_PAGES);
	ASSERT_EQ(d.moved, PAGES - BLOCK_PAGES);
	ASSERT_EQ(d.tried, PAGES / BLOCK_PAGES - 1);
	ASSERT_EQ(pool_drain_blocked(&d), d.tried);
	let_go(pipes);
	d = ended();
	check_ended(&d);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	check(1);
	end();
}

static int shrinks(void *arg)
{
	/* Here they would be held as well. */
	let_go(arg);
	return -__pool_remount(&pool, "nodes=0:16M");
}

/* Who makes a pool smaller waits in a system call: who asks meanwhile does not. */
static void a_shrink_is_told_of(void)
{
	struct tarn_pool_drain d;
	int pipes[2];
	pid_t pid;

	begin("nodes=16M:16M");
	fill(1);
	hold(pipes, 200, 1);
	pid = spawn(shrinks, pipes);
	WAIT_FOR(pool_drain_status(&pool).held == 1);
	d = pool_drain_status(&pool);
	ASSERT_EQ(d.why, TARN_DRAIN_WHY_SIZE);
	ASSERT_EQ(d.node, (u32)TARN_NODE_NONE);
	ASSERT_EQ(d.frames, NODE_PAGES);
	ASSERT_EQ(d.left, 1);
	ASSERT_EQ(d.held_partition, part_info(part).id);
	check_block(&d, 200, 1);
	let_go(pipes);
	/* It waits for two seconds, and we may have slept as long. */
	if (reap(pid))
		ASSERT_OK(__pool_remount(&pool, "nodes=0:16M"));
	d = pool_drain_status(&pool);
	check_ended(&d);
	ASSERT_EQ(node_value(&pool, 0, "frames"), 0);
	check(1);
	/* To become larger is not told. */
	ASSERT_OK(__pool_remount(&pool, "nodes=16M:16M"));
	ASSERT_EQ(pool_drain_status(&pool).frames, NODE_PAGES);
	is_as_before();
	end();
}

static void a_shrink_that_fails_is_told_of(void)
{
	struct tarn_pool_drain d;
	int pipes[2];

	begin("nodes=16M:16M");
	fill(1);
	hold(pipes, 7, 2);
	ASSERT_ERR(__pool_remount(&pool, "nodes=0:16M"), EBUSY);
	d = pool_drain_status(&pool);
	ASSERT_EQ(d.state, TARN_RELOCATION_HELD);
	ASSERT_EQ(d.why, TARN_DRAIN_WHY_SIZE);
	ASSERT_EQ(d.held, 2);
	ASSERT_EQ(d.held_page, 7);
	ASSERT_EQ(d.held_partition, part_info(part).id);
	ASSERT_EQ(d.block.granule, 0);
	is_as_before();
	/* What is told of the next one is its own. */
	let_go(pipes);
	ASSERT_OK(start(1, 0));
	d = ended();
	ASSERT_EQ(d.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(d.why, TARN_DRAIN_WHY_NODE);
	ASSERT_EQ(d.held, 0);
	ASSERT_EQ(d.moved, PAGES - 2);
	check(1);
	end();
}

/* What fits nowhere goes to the pager, if the pool may become smaller. */
static void a_pool_that_may_shrink(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_WATERMARKS,
		.low_frames = 100,
		.high_frames = 200,
	};
	struct tarn_partition_set min = {
		.size = sizeof(min),
		.flags = TARN_PARTITION_SET_MIN,
	};
	u64 had;

	/* More than there can be on the other node. */
	begin("nodes=1200M:1000M");
	pager_start(&pg, &pool);
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	fill(1);
	had = pool_info(&pool).frames;
	ASSERT_OK(start(0, 0));
	ASSERT_EQ(ended().state, TARN_RELOCATION_NO_ROOM);
	ASSERT_EQ(pool_info(&pool).frames, had);
	ASSERT_EQ(node_value(&pool, 0, "frames"), 1200 * MIB_PAGES);
	/* What is guaranteed is kept. */
	min.min_frames = had - MIB_PAGES;
	tarn_op(part, TARN_PARTITION_SET, &min);
	ASSERT_OK(start(0, TARN_DRAIN_SHRINK));
	ASSERT_EQ(ended().state, TARN_RELOCATION_NO_ROOM);
	ASSERT_EQ(pool_info(&pool).frames, had);
	min.min_frames = 0;
	tarn_op(part, TARN_PARTITION_SET, &min);
	ASSERT_OK(start(0, TARN_DRAIN_SHRINK));
	ASSERT_EQ(ended().state, TARN_RELOCATION_DONE);
	ASSERT_LT(pool_info(&pool).frames, had);
	ASSERT_GE(pool_info(&pool).frames, 1000 * MIB_PAGES);
	ASSERT_EQ(node_value(&pool, 0, "frames"), 0);
	ASSERT_LE(pool_info(&pool).low_frames, 100);
	check(1);
	pager_stop(&pg);
	end();
}

/* Each page by one writer, a version at a time. */
static int write_versions(void *arg)
{
	u64 *versions = arg, i;
	struct rng r = { 7 };

	for (;;) {
		i = rng_below(&r, PAGES);
		ASSERT_PAGE(map + i * PAGE_SIZE, 5, i, versions[i]);
		page_fill(map + i * PAGE_SIZE, 5, i, versions[i] + 1);
		versions[i]++;
	}
	return 0;
}

/* One node after the other, under a load that writes and checks; some are cancelled. */
static void back_and_forth_under_load(void)
{
	const unsigned int times = test_param("times", 10);
	u64 *versions, i;
	pid_t pid;

	begin("nodes=16M:16M");
	pager_start(&pg, &pool);
	part_set_home(part, 0, 0);
	fill(1);
	versions = shared_alloc(PAGES * sizeof(*versions));
	for (i = 0; i < PAGES; i++)
		versions[i] = 1;
	pid = spawn(write_versions, versions);
	for (i = 0; i < times; i++) {
		u32 state;

		ASSERT_OK(start(i & 1, 0));
		if (i % 3 == 2)
			cancel();
		state = ended().state;
		ASSERT(state == TARN_RELOCATION_DONE ||
		       (i % 3 == 2 && state == TARN_RELOCATION_CANCELLED));
		ASSERT_OK(__pool_remount(&pool, "nodes=16M:16M"));
		is_as_before();
	}
	ASSERT_EQ(proc_state(pid) == 'Z', 0);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	ASSERT_EQ(pool_info(&pool).page_outs, 0);
	/* Homes are what they were, and have pages again. */
	WAIT_FOR(part_on_node(part, 0) == PAGES);
	pager_stop(&pg);
	end();
}

static void bad_requests_change_nothing(void)
{
	begin("nodes=16M:16M");
	ASSERT_ERR(start(1000, 0), EINVAL);
	ASSERT_ERR(start(0, 4), EINVAL);
	ASSERT_ERR(__pool_drain(&pool, 3, 0, 0), EINVAL);
	ASSERT_ERR(__pool_drain(&pool, TARN_RELOCATE_STATUS, 0, 1), EINVAL);
	ASSERT_EQ(pool_drain_status(&pool).state, TARN_RELOCATION_NONE);
	is_as_before();
	end();
}

static const struct tarn_test tests[] = {
	TEST(all_of_a_node),
	TEST(one_of_four),
	TEST(what_is_held_is_waited_for),
	TEST(or_refused),
	TEST(it_can_be_cancelled),
	TEST(it_outlives_its_caller),
	TEST(a_drain_is_told_of),
	TEST(blocks_are_told_of),
	TEST(a_shrink_is_told_of),
	TEST(a_shrink_that_fails_is_told_of),
	TEST(a_pool_that_may_shrink),
	TEST(back_and_forth_under_load),
	TEST(bad_requests_change_nothing),
};

TESTS_MAIN(tests)
