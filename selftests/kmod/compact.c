// SPDX-License-Identifier: GPL-2.0-only
/* Relocation into 2 MiB frames (S06): blocks that lie scattered, and what keeps them so. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "relocation.h"

/* From the end: no page lies where it would in a 2 MiB frame. */
static void begin_scattered(void)
{
	u64 i;

	begin();
	for (i = PAGES; i--;)
		page_fill(map + i * PAGE_SIZE, 5, i, 1);
	ASSERT_EQ(part_info(part).block_pages, 0);
}

static void scattered_frames_become_blocks(void)
{
	struct tarn_partition_relocate r;

	begin_scattered();
	ASSERT_OK(start(0, TARN_RELOCATE_COMPACT, 100, PAGES, 0));
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	r = part_relocate_status(part);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.blocks, PAGES / BLOCK_PAGES - 1);
	ASSERT_EQ(r.skipped, BLOCK_PAGES - 100);
	ASSERT_EQ(part_info(part).block_pages, PAGES - BLOCK_PAGES);
	r = part_relocate(part, 0, TARN_RELOCATE_COMPACT);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.blocks, 1);
	ASSERT_EQ(r.moved, BLOCK_PAGES);
	ASSERT_EQ(r.skipped, PAGES - BLOCK_PAGES);
	ASSERT_GE(r.tried, 1);
	ASSERT_EQ(part_blocked(&r), r.tried);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	check(1);
	r = part_relocate(part, 0, TARN_RELOCATE_COMPACT);
	ASSERT_EQ(r.blocks, 0);
	ASSERT_EQ(r.skipped, PAGES);
	end();
}

/* They go to a home, and another node is none. */
static void blocks_are_made_at_home(void)
{
	begin_scattered();
	part_set_home(part, 1, 0);
	ASSERT_EQ(part_relocate(part, 0, TARN_RELOCATE_COMPACT).blocks,
		  PAGES / BLOCK_PAGES);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	check(1);
	end();
}

static void a_held_page_keeps_its_block(void)
{
	struct iovec v = { .iov_len = 3 * PAGE_SIZE };
	struct tarn_partition_relocate r;
	int pipes[2];

	begin_scattered();
	v.iov_base = map + 200 * PAGE_SIZE;
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), 3 * PAGE_SIZE);
	r = part_relocate(part, 0, TARN_RELOCATE_COMPACT | TARN_RELOCATE_REFUSE);
	ASSERT_EQ(r.state, TARN_RELOCATION_HELD);
	ASSERT_EQ(r.held, 3);
	ASSERT_EQ(r.held_page, 200);
	ASSERT_EQ(r.blocks, PAGES / BLOCK_PAGES - 1);
	ASSERT_OK(start(0, TARN_RELOCATE_COMPACT, 0, PAGES, 0));
	WAIT_FOR(part_relocate_status(part).held == 3);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_RUNNING);
	close(pipes[0]);
	close(pipes[1]);
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_DONE);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	check(1);
	end();
}

/* What little is stored of a block is read; where it is much the block stays as it is. */
static void most_of_a_block_is_there(void)
{
	struct tarn_partition_relocate r;

	begin_scattered();
	pager_start(&pg, &pool);
	ASSERT_EQ(part_page_out(part, 0, 32), 32);
	ASSERT_EQ(part_page_out(part, BLOCK_PAGES, 100), 100);
	r = part_relocate(part, 0, TARN_RELOCATE_COMPACT);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.blocks, PAGES / BLOCK_PAGES - 1);
	ASSERT_EQ(r.skipped, BLOCK_PAGES);
	ASSERT_EQ(part_info(part).block_pages, PAGES - BLOCK_PAGES);
	ASSERT_EQ(part_count(part, 0, PAGES, TARN_PAGE_STATE_MASK,
			     TARN_PAGE_PAGED), 100);
	check(1);
	pager_stop(&pg);
	end();
}

/* Nothing goes out to make room; with room it is done. */
static void no_more_than_room_allows(void)
{
	const u64 other = 11 * MIB_PAGES;
	struct tarn_partition_relocate r;
	u8 *first;
	int fd;

	begin_scattered();
	pager_start(&pg, &pool);
	fd = part_create(&pool, "other", other);
	part_set_home(fd, 0, 0);
	first = part_map_filled(fd, other);
	r = part_relocate(part, 0, TARN_RELOCATE_COMPACT);
	ASSERT_EQ(r.state, TARN_RELOCATION_NO_ROOM);
	ASSERT_EQ(r.blocks, 0);
	ASSERT_EQ(part_info(part).block_pages, 0);
	ASSERT_EQ(pool_info(&pool).page_outs, 0);
	munmap(first, other * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "other");
	ASSERT_EQ(part_relocate(part, 0, TARN_RELOCATE_COMPACT).state,
		  TARN_RELOCATION_DONE);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	check(1);
	pager_stop(&pg);
	end();
}

/* Of two homes that one which has less, but no 2 MiB to spare, is not the one to wait for. */
static void a_home_that_is_full_is_passed_over(void)
{
	const struct tarn_home homes[] = {
		{ .node = 0, .flags = TARN_NODE_IS_HOME },
		{ .node = 1, .flags = TARN_NODE_IS_HOME },
	};
	const u64 other = 16 * MIB_PAGES - 300;
	struct tarn_partition_relocate r;
	u8 *first;
	int fd;

	begin_scattered();
	fd = part_create(&pool, "other", other);
	part_set_home(fd, 1, 0);
	first = part_map_filled(fd, other);
	ASSERT_OK(__part_set_homes(part, homes, 2));
	r = part_relocate(part, 0, TARN_RELOCATE_COMPACT);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	ASSERT_EQ(part_on_node(part, 0), PAGES);
	check(1);
	munmap(first, other * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "other");
	end();
}

/* That it was read a moment ago, for a relocation that was cancelled, say, is no reason not to. */
static void what_went_out_again_is_read_again(void)
{
	begin_scattered();
	pager_start(&pg, &pool);
	ASSERT_EQ(part_page_out(part, 0, 32), 32);
	pg.ctl->hold = 1 << TARN_OP_LOAD;
	ASSERT_OK(start(0, TARN_RELOCATE_COMPACT, 0, PAGES, 0));
	WAIT_FOR(part_count(part, 0, 32, TARN_PAGE_IN_FLIGHT, TARN_PAGE_IN_FLIGHT));
	ASSERT_OK(cancel());
	pg.ctl->hold = 0;
	WAIT_FOR(part_count(part, 0, 32, 0xff, TARN_PAGE_PAGED) == 0);
	WAIT_FOR(!part_count(part, 0, 32, TARN_PAGE_IN_FLIGHT, TARN_PAGE_IN_FLIGHT));
	ASSERT_EQ(part_page_out(part, 0, 32), 32);
	ASSERT_EQ(part_relocate(part, 0, TARN_RELOCATE_COMPACT).state,
		  TARN_RELOCATION_DONE);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	check(1);
	pager_stop(&pg);
	end();
}

/* It needs as many frames as it gives back. */
static void blocks_move_when_the_pager_has_no_room(void)
{
	struct tarn_partition_relocate r;

	begin_with("nodes=16M:16M,huge=always");
	pager_start(&pg, &pool);
	fill(1);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	pager_status(&pg, TARN_PAGER_IS_FULL);
	r = part_relocate(part, 1, 0);
	ASSERT_EQ(r.state, TARN_RELOCATION_DONE);
	ASSERT_EQ(r.blocks, PAGES / BLOCK_PAGES);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	pager_status(&pg, 0);
	check(1);
	pager_stop(&pg);
	end();
}

/* Frames for what has none are growth. */
static void none_is_filled_when_the_pager_has_no_room(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set), .flags = TARN_POOL_SET_PROMOTE,
	};
	struct tarn_partition_relocate r;

	begin_scattered();
	/* Promotion would fill what is cut away before the pager has no room. */
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	pager_start(&pg, &pool);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    5 * PAGE_SIZE, PAGE_SIZE));
	pager_status(&pg, TARN_PAGER_IS_FULL);
	r = part_relocate(part, 0, TARN_RELOCATE_COMPACT);
	ASSERT_EQ(r.state, TARN_RELOCATION_NO_ROOM);
	ASSERT_EQ(r.blocks, PAGES / BLOCK_PAGES - 1);
	ASSERT_EQ(r.tried, r.blocks);
	pager_status(&pg, 0);
	ASSERT_EQ(part_relocate(part, 0, TARN_RELOCATE_COMPACT).state,
		  TARN_RELOCATION_DONE);
	ASSERT_EQ(part_info(part).block_pages, PAGES);
	page_fill(map + 5 * PAGE_SIZE, 5, 5, 1);
	check(1);
	pager_stop(&pg);
	end();
}

/* Nor made any more when that is said while it runs. */
static void none_where_they_are_not_wanted_any_more(void)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_HUGE,
		.huge = TARN_HUGE_NEVER,
	};
	int pipes[2];

	begin_scattered();
	hold(pipes, 200);
	ASSERT_OK(start(0, TARN_RELOCATE_COMPACT, 0, PAGES, 0));
	WAIT_FOR(part_info(part).block_pages == PAGES - BLOCK_PAGES);
	tarn_op(part, TARN_PARTITION_SET, &set);
	let_go(pipes);
	WAIT_FOR(part_relocate_status(part).state != TARN_RELOCATION_RUNNING);
	ASSERT_EQ(part_relocate_status(part).state, TARN_RELOCATION_DONE);
	ASSERT_EQ(part_info(part).block_pages, PAGES - BLOCK_PAGES);
	check(1);
	end();
}

static void none_where_blocks_are_not_wanted(void)
{
	begin_with("nodes=16M:16M,huge=never");
	fill(1);
	ASSERT_ERR(start(0, TARN_RELOCATE_COMPACT, 0, PAGES, 0), EINVAL);
	end();
}

static const struct tarn_test tests[] = {
	TEST(scattered_frames_become_blocks),
	TEST(blocks_are_made_at_home),
	TEST(a_held_page_keeps_its_block),
	TEST(most_of_a_block_is_there),
	TEST(no_more_than_room_allows),
	TEST(a_home_that_is_full_is_passed_over),
	TEST(what_went_out_again_is_read_again),
	TEST(blocks_move_when_the_pager_has_no_room),
	TEST(none_is_filled_when_the_pager_has_no_room),
	TEST(none_where_they_are_not_wanted_any_more),
	TEST(none_where_blocks_are_not_wanted),
};

TESTS_MAIN(tests)
