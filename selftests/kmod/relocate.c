// SPDX-License-Identifier: GPL-2.0-only
/*
 * Relocation (S05): a range goes to other frames while its owner runs, what is held is
 * waited for or refused, and it survives or ends with whoever comes between.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "relocation.h"

static void all_of_it(void)
{
	struct tarn_partition_relocate r;

	begin();
	fill(1);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.moved, PAGES);
	ASSERT_EQ(r.held, 0);
	ASSERT_EQ(r.tried, PAGES / 64);
	ASSERT_EQ(part_blocked(&r), r.tried);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	check(1);
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.moved, 0);
	ASSERT_EQ(r.skipped, PAGES);
	ASSERT_EQ(r.tried, 0);
	ASSERT_EQ(part_blocked(&r), 0);
	r = part_relocate(part, 1, TARN_RELOCATE_AWAY);
	ASSERT_EQ(r.moved, PAGES);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	check(1);
	end();
}

static void a_range_and_a_granule(void)
{
	struct tarn_partition_relocate r;

	begin();
	fill(1);
	ASSERT_OK(start(1, 0, 100, 50, 4));
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	r = part_relocate_status(part);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.moved, 50);
	ASSERT_EQ(r.start, 100);
	ASSERT_EQ(r.count, 50);
	ASSERT_EQ(r.tried, 13);
	ASSERT_EQ(part_blocked(&r), r.tried);
	ASSERT_EQ(part_on_node(part, 1), 50);
	check(1);
	end();
}

/* Of small frames as many go together as is said, up to 2 MiB. */
static void granules_of_all_sizes(void)
{
	struct tarn_partition_relocate r;
	u32 granule, node = 0;

	begin();
	fill(1);
	for (granule = 1; granule <= BLOCK_PAGES; granule *= 2) {
		node = !node;
		ASSERT_OK(start(node, 0, 0, PAGES, granule));
		WAIT_FOR(part_relocate_status(part).state !=
			 TARN_RELOCATION_RUNNING);
		r = part_relocate_status(part);
		ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
		ASSERT_EQ(r.granule, granule);
		ASSERT_EQ(r.moved, PAGES);
		ASSERT_GE(r.tried, PAGES / granule);
		/* But for what somebody had in hand at the first look. */
		ASSERT_LT(r.tried, 2 * PAGES / granule);
		ASSERT_EQ(part_blocked(&r), r.tried);
		ASSERT_EQ(part_on_node(part, node), PAGES);
	}
	ASSERT_EQ(part_info(part).block_pages, 0);
	check(1);
	end();
}

static struct tarn_partition_relocate relocate_within(u32 node, u32 blocked_most)
{
	struct tarn_partition_relocate r = {
		.op = TARN_RELOCATE_START,
		.node = node,
		.count = PAGES,
		.blocked_most = blocked_most,
	};

	ASSERT_OK(__part_relocate(part, &r));
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	r = part_relocate_status(part);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.moved, PAGES);
	ASSERT_EQ(r.blocked_most, blocked_most);
	ASSERT_EQ(part_blocked(&r), r.tried);
	ASSERT_EQ(part_on_node(part, node), PAGES);
	return r;
}

/* As large as is short enough: by halves from 64 pages, or twice as many every fourth time. */
static void granules_follow_the_limit(void)
{
	struct tarn_partition_relocate r;

	begin();
	fill(1);
	r = relocate_within(1, 1);
	ASSERT_GE(r.tried, PAGES - 127);
	ASSERT_EQ(r.fit, 1);
	r = relocate_within(0, 1000000);
	ASSERT_LT(r.tried, PAGES / 64);
	ASSERT_GE(r.fit, 128);
	/* It is forgotten by the next one. */
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.fit, 64);
	ASSERT_EQ(r.tried, PAGES / 64);
	check(1);
	end();
}

/* Of those that are one frame the first one says how long the next would be. */
static void blocks_follow_the_limit(void)
{
	struct tarn_partition_relocate r;

	begin_with("nodes=16M:16M,huge=always");
	fill(1);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	r = relocate_within(1, 1000000);
	ASSERT_EQ(r.blocks, PAGES / BLOCK_PAGES);
	ASSERT_EQ(r.tried, r.blocks);
	r = relocate_within(0, 1);
	ASSERT_EQ(r.blocks, 1);
	ASSERT_GE(r.tried, PAGES - BLOCK_PAGES - 127);
	check(1);
	end();
}

/* A page that is stored comes back on the target; one that is clean keeps its copy. */
static void other_states_go_along(void)
{
	struct tarn_partition_relocate r;
	u64 outs;

	begin();
	pager_start(&pg, &pool);
	fill(1);
	ASSERT_EQ(part_page_out(part, 0, PAGES / 2), PAGES / 2);
	ASSERT_EQ(part_page_in(part, 0, PAGES / 4), PAGES / 4);
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.moved, PAGES / 4 + PAGES / 2);
	ASSERT_EQ(r.paged, PAGES / 4);
	ASSERT_EQ(r.skipped, 0);
	ASSERT_EQ(part_count(part, 0, PAGES, TARN_PAGE_STATE_MASK,
			     TARN_PAGE_PAGED), PAGES / 4);
	outs = pool_info(&pool).page_outs;
	ASSERT_EQ(part_page_out(part, 0, PAGES / 4), PAGES / 4);
	ASSERT_EQ(pool_info(&pool).page_outs, outs);
	check(1);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	pager_stop(&pg);
	end();
}

/* What is said later counts: another relocation, or homes, be they gone again. */
static void stored_pages_are_not_drawn_for_ever(void)
{
	struct tarn_partition_relocate r;

	begin();
	pager_start(&pg, &pool);
	fill(1);
	ASSERT_EQ(part_page_out(part, 0, PAGES / 4), PAGES / 4);
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.paged, PAGES / 4);
	ASSERT_EQ(part_relocate(part, 1, TARN_RELOCATE_AWAY).moved,
		  PAGES - PAGES / 4);
	check(1);
	ASSERT_EQ(part_on_node(part, 0), PAGES);

	ASSERT_EQ(part_page_out(part, 0, PAGES / 4), PAGES / 4);
	ASSERT_EQ(part_relocate(part, 1, 0).paged, PAGES / 4);
	part_set_home(part, 1, 0);
	ASSERT_OK(__part_set_homes(part, NULL, 0));
	check(1);
	ASSERT_EQ(part_on_node(part, 0), PAGES / 4);

	/* Away from another node is none of it. */
	ASSERT_EQ(part_page_out(part, 0, PAGES / 4), PAGES / 4);
	ASSERT_EQ(part_relocate(part, 1, 0).paged, PAGES / 4);
	part_relocate(part, 0, TARN_RELOCATE_AWAY);
	check(1);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	pager_stop(&pg);
	end();
}

static void set_domain(int fd)
{
	struct tarn_partition_domain d = {
		.size = sizeof(d), .flags = TARN_DOMAIN_SET, .name = "d",
	};

	tarn_op(fd, TARN_PARTITION_DOMAIN, &d);
}

/* Pages of the first that share, after both were looked at; one that is held for a moment does not. */
static u64 shared_after_looks(int fd, int other, u64 count)
{
	struct tarn_partition_range a = { .size = sizeof(a), .count = count };
	struct tarn_partition_range b = a;

	tarn_op(fd, TARN_PARTITION_SHARE, &a);
	tarn_op(other, TARN_PARTITION_SHARE, &b);
	return part_info(fd).shared_pages;
}

/* What a page shares with others is not its to move. */
static void shared_pages_are_counted_apart(void)
{
	struct tarn_partition_relocate r;
	int other;
	u64 i;
	u8 *m;

	begin();
	pager_start(&pg, &pool);
	other = part_create(&pool, "other", 64);
	m = part_map(other, 64);
	set_domain(part);
	set_domain(other);
	fill(1);
	for (i = 0; i < 64; i++)
		page_fill(m + i * PAGE_SIZE, 5, i, 1);
	WAIT_FOR(shared_after_looks(part, other, 64) == 64);
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.shared, 64);
	ASSERT_EQ(r.skipped, 0);
	ASSERT_EQ(r.moved, PAGES - 64);
	ASSERT_EQ(part_on_node(part, 1), PAGES - 64);
	check(1);
	munmap(m, 64 * PAGE_SIZE);
	close(other);
	part_unlink(&pool, "other");
	pager_stop(&pg);
	end();
}

/* ---- four nodes --------------------------------------------------------- */

/* That which is the nearest to a node, but for itself and another one. */
static int nearest(int from, int but)
{
	int best = -1, least = 0, distance, nid;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/distance",
		 from);
	f = fopen(path, "r");
	ASSERT(f);
	for (nid = 0; fscanf(f, "%d", &distance) == 1; nid++) {
		if (nid == from || nid == but || (best >= 0 && distance >= least))
			continue;
		best = nid;
		least = distance;
	}
	fclose(f);
	return best;
}

static void away_goes_to_the_nearest(void)
{
	const u64 other = 7 * MIB_PAGES;
	struct tarn_partition_relocate r;
	int near, next, fd;
	u8 *m;

	nodes_need(4);
	begin_with("nodes=8M:8M:8M:8M");
	node_run_on(2);
	fill(1);
	ASSERT_EQ(part_on_node(part, 2), PAGES);
	near = nearest(2, -1);
	next = nearest(2, near);
	r = part_relocate(part, 2, TARN_RELOCATE_AWAY);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.moved, PAGES);
	ASSERT_EQ(part_on_node(part, near), PAGES);
	ASSERT_EQ(part_relocate(part, 2, 0).moved, PAGES);
	/* What that can't spare lies on the one after it. */
	fd = part_create(&pool, "other", other);
	part_set_home(fd, near, 0);
	m = part_map_filled(fd, other);
	r = part_relocate(part, 2, TARN_RELOCATE_AWAY);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.moved, PAGES);
	ASSERT_LT(0, part_on_node(part, near));
	ASSERT_LT(0, part_on_node(part, next));
	ASSERT_EQ(part_on_node(part, near) + part_on_node(part, next), PAGES);
	check(1);
	munmap(m, other * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "other");
	end();
}

/* Of the pages from @page on that are held, those in a granule of their block. */
static u32 held_in(u32 i, u32 granule, u64 page, u32 held)
{
	u64 p = page % BLOCK_PAGES, end = p + held;
	u32 n = 0;

	for (; p < end; p++)
		n += p / granule == i;
	return n;
}

/* What is told of the block where a few pages from @page on are held. */
static void check_block(u64 page, u32 held, u32 granule)
{
	struct tarn_relocation_block b;
	u32 i;

	/* Between two ways over what is left. */
	WAIT_FOR((b = part_relocate_status(part).block).page == page &&
		 !b.blocked[page % BLOCK_PAGES / granule / 64]);
	ASSERT_EQ(b.first, page / BLOCK_PAGES * BLOCK_PAGES);
	ASSERT_EQ(b.granule, granule);
	ASSERT_EQ(b.source_node, 0);
	ASSERT_EQ(b.target_node, 1);
	ASSERT(b.source && b.source % PAGE_SIZE == 0);
	ASSERT_EQ(b.held_pages, held);
	for (i = 0; i < BLOCK_PAGES / granule; i++) {
		ASSERT_EQ(b.pins[i], held_in(i, granule, page, held));
		ASSERT_EQ(b.held[i / 64] >> (i % 64) & 1, b.pins[i] > 0);
	}
	for (; i < BLOCK_PAGES; i++)
		ASSERT_EQ(b.pins[i], 0);
}

/* Pages of a pipe are held by references, as those of a device's DMA are. */
static void what_is_held_is_waited_for(void)
{
	struct iovec v = { .iov_len = 3 * PAGE_SIZE };
	struct tarn_partition_relocate r;
	u8 buf[PAGE_SIZE];
	int pipes[2], i;

	begin();
	fill(1);
	v.iov_base = map + 200 * PAGE_SIZE;
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), 3 * PAGE_SIZE);
	r = part_relocate(part, 1, TARN_RELOCATE_REFUSE);
	ASSERT_EQ(r.state, TARN_RELOCATION_HELD);
	ASSERT_EQ(r.held, 3);
	ASSERT_EQ(r.held_page, 200);
	ASSERT_OK(start(1, 0, 0, PAGES, 1));
	WAIT_FOR(part_relocate_status(part).held == 3);
	r = part_relocate_status(part);
	ASSERT_EQ(r.state, TARN_RELOCATION_RUNNING);
	ASSERT_EQ(r.held_page, 200);
	ASSERT_ERR(start(0, 0, 0, PAGES, 0), EBUSY);
	ASSERT_EQ(part_on_node(part, 0), 3);
	check_block(200, 3, 1);
	/* Of larger granules as many as are in each. */
	ASSERT_OK(cancel());
	ASSERT_OK(start(1, 0, 0, PAGES, 2));
	WAIT_FOR(part_relocate_status(part).held == 3);
	check_block(200, 3, 2);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(SYS(read(pipes[0], buf, PAGE_SIZE)), PAGE_SIZE);
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_DONE);
	ASSERT_EQ(part_relocate_status(part).block.granule, 0);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	check(1);
	close(pipes[0]);
	close(pipes[1]);
	end();
}

static void it_can_be_cancelled(void)
{
	struct iovec v = { .iov_len = PAGE_SIZE };
	int pipes[2];

	begin();
	fill(1);
	ASSERT_ERR(cancel(), ENOENT);
	v.iov_base = map;
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_OK(start(1, 0, 0, PAGES, 0));
	WAIT_FOR(part_relocate_status(part).held);
	ASSERT_OK(cancel());
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_CANCELLED);
	ASSERT_ERR(cancel(), ENOENT);
	close(pipes[0]);
	close(pipes[1]);
	check(1);
	ASSERT_OK(start(0, 0, 0, PAGES, 0));
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_DONE);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	end();
}

static int starts(void *arg)
{
	return start(1, 0, 0, PAGES, 0) ? 1 : 0;
}

/* Who started it may go; the file becomes shorter, and goes, in the middle of it. */
static void it_outlives_its_caller(void)
{
	struct iovec v = { .iov_len = PAGE_SIZE };
	int pipes[2];

	begin();
	fill(1);
	v.iov_base = map;
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_EQ(reap(spawn(starts, NULL)), 0);
	WAIT_FOR(part_relocate_status(part).moved == PAGES - 1);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_RUNNING);
	ASSERT_OK(ftruncate(part, PAGES / 2 * PAGE_SIZE));
	WAIT_FOR(part_info(part).resident_pages == PAGES / 2);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_RUNNING);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	/* Its frame alone is kept, by the pipe. */
	WAIT_FOR(!pool_info(&pool).partitions);
	close(pipes[0]);
	close(pipes[1]);
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

/* A file without any page, or none of the range, has nothing that is waited for. */
static void ends_with_its_range(u64 start_page, u64 cut)
{
	struct tarn_partition_relocate r;
	int pipes[2];

	begin();
	fill(1);
	hold(pipes, start_page + 5);
	ASSERT_OK(start(1, 0, start_page, UINT64_MAX, 1));
	WAIT_FOR(part_relocate_status(part).held == 1);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_RUNNING);
	ASSERT_OK(ftruncate(part, cut * PAGE_SIZE));
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	r = part_relocate_status(part);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.moved, PAGES - start_page - 1);
	ASSERT_EQ(part_info(part).resident_pages, cut);
	ASSERT_EQ(part_on_node(part, 1), 0);
	let_go(pipes);
	/* What comes anew is nobody's of before. */
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	ASSERT(page_is_zero(map + (start_page + 5) * PAGE_SIZE));
	fill(2);
	ASSERT_EQ(part_relocate(part, 1, 0).moved, PAGES);
	check(2);
	end();
}

static void it_ends_with_the_file(void)
{
	ends_with_its_range(0, 0);
}

static void it_ends_with_its_range(void)
{
	ends_with_its_range(BLOCK_PAGES, BLOCK_PAGES);
}

/* In the middle of a granule of any size, of small frames and of others. */
static void cut_while_it_moves(const char *options, u32 flags)
{
	const unsigned int times = test_param("cuts", 12);
	struct rng rng = { 3 };
	unsigned int i;
	u64 cut;

	begin_with(options);
	for (i = 0; i < times; i++) {
		fill(i + 1);
		ASSERT_OK(start(flags ? 0 : !(i & 1), flags, 0, PAGES,
				flags ? 0 : 1U << i % 10));
		cut = i % 3 ? rng_below(&rng, PAGES) : 0;
		ASSERT_OK(ftruncate(part, cut * PAGE_SIZE));
		WAIT_FOR(part_relocate_status(part).state !=
			 TARN_RELOCATION_RUNNING);
		ASSERT_EQ(part_relocate_status(part).state,
			  TARN_RELOCATION_DONE);
		ASSERT_EQ(part_info(part).resident_pages, cut);
		if (cut)
			ASSERT_PAGE(map + (cut - 1) * PAGE_SIZE, 5, cut - 1,
				    i + 1);
		ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
		ASSERT(page_is_zero(map + (PAGES - 1) * PAGE_SIZE));
	}
	end();
}

static void cut_in_small_frames(void)
{
	cut_while_it_moves("nodes=16M:16M", 0);
}

static void cut_in_blocks(void)
{
	cut_while_it_moves("nodes=16M:16M,huge=always", 0);
}

static void cut_while_it_compacts(void)
{
	cut_while_it_moves("nodes=16M:16M", TARN_RELOCATE_COMPACT);
}

/* The pool stays while somebody has its file, the module while there is a pool. */
static void it_ends_with_the_pool(void)
{
	int pipes[2];

	begin();
	fill(1);
	hold(pipes, 5);
	ASSERT_OK(start(1, 0, 0, PAGES, 0));
	WAIT_FOR(part_relocate_status(part).held == 1);
	ASSERT_ERR(__pool_umount(&pool), EBUSY);
	ASSERT_ERR(syscall(SYS_delete_module, "tarn", O_NONBLOCK), EAGAIN);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_RUNNING);
	ASSERT_EQ(part_on_node(part, 1), PAGES - 1);
	check(1);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	/* It waits for the page even now, of a file that still has its name. */
	pool_umount(&pool);
	let_go(pipes);
}

/* A target that has no frame to spare; nothing goes out to make room. */
static void a_full_target_ends_it(void)
{
	const u64 other = 15 * MIB_PAGES + MIB_PAGES / 2;
	struct tarn_partition_relocate r;
	u8 *first;
	int fd;

	begin();
	pager_start(&pg, &pool);
	fill(1);
	fd = part_create(&pool, "other", other);
	part_set_home(fd, 1, 0);
	first = part_map_filled(fd, other);
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.state, TARN_RELOCATION_NO_ROOM);
	ASSERT_LT(r.moved, PAGES);
	ASSERT_EQ(pool_info(&pool).page_outs, 0);
	check(1);
	munmap(first, other * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "other");
	ASSERT_EQ(part_relocate(part, 1, 0).state, TARN_RELOCATION_DONE);
	check(1);
	pager_stop(&pg);
	end();
}

/* Where it found no frame it comes back to: nothing of the granule is left behind. */
static void it_goes_on_where_room_was_made(void)
{
	const u64 other = 14 * MIB_PAGES + 13;
	struct tarn_partition_relocate r;
	u8 *first;
	int fd;

	begin();
	fill(1);
	fd = part_create(&pool, "other", other);
	part_set_home(fd, 1, 0);
	first = part_map_filled(fd, other);
	do {
		ASSERT_OK(start(1, 0, 0, PAGES, 0));
		WAIT_FOR(part_relocate_status(part).moved);
		/* It may have ended by now, or be at a granule, or wait for a frame. */
		ASSERT_OK(ftruncate(fd, 0));
		WAIT_FOR(part_relocate_status(part).state !=
			 TARN_RELOCATION_RUNNING);
		r = part_relocate_status(part);
		if (r.state == TARN_RELOCATION_NO_ROOM)
			ASSERT_OK(ftruncate(fd, other * PAGE_SIZE));
	} while (r.state == TARN_RELOCATION_NO_ROOM);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	check(1);
	munmap(first, other * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "other");
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

/*
 * Back and forth under a load that writes and checks; a page in the middle is held, of
 * a 2 MiB frame all of them.
 */
static void back_and_forth(const char *options, unsigned int held,
			   unsigned int granules)
{
	const unsigned int times = test_param("times", 20);
	struct iovec v = { .iov_len = PAGE_SIZE };
	u64 *versions, i;
	int pipes[2];
	pid_t pid;

	begin_with(options);
	fill(1);
	versions = shared_alloc(PAGES * sizeof(*versions));
	for (i = 0; i < PAGES; i++)
		versions[i] = 1;
	v.iov_base = map + PAGES / 2 * PAGE_SIZE;
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	pid = spawn(write_versions, versions);
	part_back_and_forth(part, times, granules, held);
	ASSERT_EQ(proc_state(pid) == 'Z', 0);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	close(pipes[0]);
	close(pipes[1]);
	end();
}

static void back_and_forth_under_load(void)
{
	back_and_forth("nodes=16M:16M", 1, 7);
}

static void blocks_back_and_forth_under_load(void)
{
	back_and_forth("nodes=16M:16M,huge=always", BLOCK_PAGES, 10);
}

static void bad_requests_change_nothing(void)
{
	struct tarn_partition_relocate both = {
		.op = TARN_RELOCATE_START,
		.node = 1,
		.count = PAGES,
		.granule = 64,
		.blocked_most = 1000,
	};

	begin();
	fill(1);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	ASSERT_ERR(start(1000, 0, 0, 1, 0), EINVAL);
	ASSERT_ERR(start(1, TARN_RELOCATE_ALL + 1, 0, 1, 0), EINVAL);
	ASSERT_ERR(start(1, 0, 0, 1, 65), EINVAL);
	ASSERT_ERR(start(1, 0, 0, 1, 3), EINVAL);
	ASSERT_ERR(start(1, TARN_RELOCATE_COMPACT, 0, PAGES, 0), EINVAL);
	ASSERT_ERR(start(0, TARN_RELOCATE_COMPACT, 0, PAGES, 64), EINVAL);
	ASSERT_ERR(start(0, TARN_RELOCATE_COMPACT | TARN_RELOCATE_AWAY, 0,
			 PAGES, 0), EINVAL);
	ASSERT_ERR(__part_relocate(part, &both), EINVAL);
	both.granule = 0;
	both.flags = TARN_RELOCATE_COMPACT;
	both.node = 0;
	ASSERT_ERR(__part_relocate(part, &both), EINVAL);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_NONE);
	ASSERT_OK(start(1, 0, PAGES + 5, 1, 0));
	WAIT_FOR(part_relocate_status(part).state == TARN_RELOCATION_DONE);
	ASSERT_EQ(part_relocate_status(part).count, 0);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	end();
}

static const struct tarn_test tests[] = {
	TEST(all_of_it),
	TEST(a_range_and_a_granule),
	TEST(granules_of_all_sizes),
	TEST(granules_follow_the_limit),
	TEST(blocks_follow_the_limit),
	TEST(other_states_go_along),
	TEST(stored_pages_are_not_drawn_for_ever),
	TEST(shared_pages_are_counted_apart),
	TEST(away_goes_to_the_nearest),
	TEST(what_is_held_is_waited_for),
	TEST(it_can_be_cancelled),
	TEST(it_outlives_its_caller),
	TEST(it_ends_with_the_file),
	TEST(it_ends_with_its_range),
	TEST(cut_in_small_frames),
	TEST(cut_in_blocks),
	TEST(cut_while_it_compacts),
	TEST(it_ends_with_the_pool),
	TEST(a_full_target_ends_it),
	TEST(it_goes_on_where_room_was_made),
	TEST(back_and_forth_under_load),
	TEST(blocks_back_and_forth_under_load),
	TEST(bad_requests_change_nothing),
};

TESTS_MAIN(tests)
