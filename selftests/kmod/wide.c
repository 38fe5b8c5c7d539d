// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wide requests: a block of 2 MiB goes out by one request and comes back by one, and what
 * becomes of that when a page of it goes wrong, is wanted or goes its own way meanwhile.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define BLOCK 512ULL
#define BLOCK_BYTES (BLOCK * PAGE_SIZE)
#define HOLD(op) (1U << TARN_OP_##op)

static struct pool pool;
static struct pager pg;
static int part;
static u64 pages;
static u8 *map;

static u8 *page_of(u64 index)
{
	return map + index * PAGE_SIZE;
}

/* Not launched: a test may have wishes. */
static void begin_without(u64 nr_blocks)
{
	pages = nr_blocks * BLOCK;
	pool_mount(&pool, "size=16M,huge=always");
	pager_init(&pg, &pool);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
}

static void begin(u64 nr_blocks)
{
	begin_without(nr_blocks);
	pager_launch(&pg);
}

static void end(void)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	if (pg.pid)
		WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void fill(u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		page_fill(page_of(i), 11, i, version);
}

static void check(u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		ASSERT_PAGE(page_of(i), 11, i, version);
}

static u64 blocks(void)
{
	return part_info(part).block_pages / BLOCK;
}

static void punch(u64 first, u64 count)
{
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    first * PAGE_SIZE, count * PAGE_SIZE));
}

/* A child that pages all of it out, and waits for that. */
static pid_t page_out_aside(void)
{
	pid_t pid = fork();
	u64 done;

	ASSERT(pid >= 0);
	if (pid)
		return pid;
	__part_page_out(part, 0, pages, &done);
	_exit(0);
}

static void wait_for(pid_t pid)
{
	int status;

	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
}

/* ---- the whole path -------------------------------------------------------- */

static void a_block_is_one_request(void)
{
	begin(2);
	fill(0, 2 * BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	ASSERT_EQ(pg.ctl->wide_stores, 1);
	ASSERT_EQ(pg.ctl->stores, BLOCK);
	ASSERT_EQ(pg.ctl->used, BLOCK);
	/* Who waits for the pages goes on before their frame is given back. */
	WAIT_FOR(blocks() == 1);
	ASSERT_EQ(part_info(part).page_outs, BLOCK);
	ASSERT_EQ(part_info(part).paged_pages, BLOCK);
	ASSERT_EQ(part_info(part).resident_pages, BLOCK);
	check(300, 1, 1);
	ASSERT_EQ(pg.ctl->wide_loads, 1);
	ASSERT_EQ(pg.ctl->loads, BLOCK);
	ASSERT_EQ(blocks(), 2);
	ASSERT_EQ(part_info(part).page_ins, BLOCK);
	check(0, 2 * BLOCK, 1);
	ASSERT_EQ(pg.ctl->loads, BLOCK);
	end();
}

/* The new copies take the place of the old ones, or these are free. */
static void written_again(bool in_place)
{
	u64 version;

	begin(1);
	pg.ctl->in_place = in_place;
	for (version = 1; version <= 4; version++) {
		fill(0, BLOCK, version);
		ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
		ASSERT_EQ(pg.ctl->used, BLOCK);
		ASSERT_EQ(pg.ctl->wide_stores, version);
		ASSERT_EQ(pg.ctl->restores, version - 1);
	}
	check(0, BLOCK, 4);
	ASSERT_EQ(pg.ctl->stores, 4 * BLOCK);
	ASSERT_EQ(pg.ctl->drops, 0);
	end();
}

static void a_block_is_stored_again(void)
{
	written_again(false);
}

static void a_block_is_stored_in_place(void)
{
	written_again(true);
}

/* Of copies that lie here and there the pager is told when the new ones are there. */
static void scattered_copies_are_dropped(void)
{
	static u8 copy[PAGE_SIZE];

	begin(1);
	fill(0, BLOCK, 1);
	pg.ctl->wide_error = ENOSPC;
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	ASSERT_EQ(pg.ctl->used, BLOCK);
	/* A page that is brought by a call comes alone, and goes to another place. */
	page_fill(copy, 11, 9, 2);
	ASSERT_EQ(pwrite(part, copy, PAGE_SIZE, 9 * PAGE_SIZE), PAGE_SIZE);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	munmap(map, BLOCK_BYTES);
	map = part_map(part, BLOCK);
	check(9, 1, 2);
	ASSERT_EQ(blocks(), 1);
	ASSERT_EQ(pg.ctl->wide_loads, 0);
	fill(0, BLOCK, 3);
	pg.ctl->wide_error = 0;
	pg.ctl->wide_stores = 0;
	pg.ctl->restores = 0;
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	ASSERT_EQ(pg.ctl->wide_stores, 1);
	ASSERT_EQ(pg.ctl->restores, 0);
	WAIT_FOR(pg.ctl->used == BLOCK);
	check(0, BLOCK, 3);
	end();
}

static void a_clean_block_is_dropped(void)
{
	begin(1);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	check(7, 1, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	ASSERT_EQ(pg.ctl->stores, BLOCK);
	ASSERT_EQ(part_info(part).clean_drops, BLOCK);
	check(0, BLOCK, 1);
	ASSERT_EQ(pg.ctl->wide_loads, 2);
	ASSERT_EQ(blocks(), 1);
	end();
}

/* A few zeroes go along; of many the others go by themselves; all are nothing. */
static void zeroes(void)
{
	begin(3);
	fill(0, 3 * BLOCK, 1);
	memset(page_of(5), 0, 10 * PAGE_SIZE);
	memset(page_of(BLOCK), 0, 100 * PAGE_SIZE);
	memset(page_of(2 * BLOCK), 0, BLOCK_BYTES);
	ASSERT_EQ(part_page_out(part, 0, 3 * BLOCK), 3 * BLOCK);
	ASSERT_EQ(pg.ctl->wide_stores, 1);
	ASSERT_EQ(pg.ctl->stores, 2 * BLOCK - 100);
	ASSERT_EQ(part_info(part).zero_drops, BLOCK + 100);
	ASSERT_EQ(blocks(), 0);
	check(0, 5, 1);
	ASSERT(page_is_zero(page_of(14)));
	check(15, BLOCK - 15, 1);
	ASSERT(page_is_zero(page_of(BLOCK + 99)));
	check(BLOCK + 100, BLOCK - 100, 1);
	ASSERT(page_is_zero(page_of(3 * BLOCK - 1)));
	end();
}

/* Other patterns count as zeroes do, and a block that goes as a whole is plain. */
static void patterns(void)
{
	u64 i;

	begin(3);
	fill(0, 3 * BLOCK, 1);
	memset(page_of(5), 7, 32 * PAGE_SIZE);
	memset(page_of(BLOCK), 0, 17 * PAGE_SIZE);
	memset(page_of(BLOCK + 17), 8, 16 * PAGE_SIZE);
	memset(page_of(2 * BLOCK), 9, BLOCK_BYTES);
	ASSERT_EQ(part_page_out(part, 0, 3 * BLOCK), 3 * BLOCK);
	ASSERT_EQ(pg.ctl->wide_stores, 1);
	ASSERT_EQ(pg.ctl->stores, 2 * BLOCK - 33);
	ASSERT_EQ(part_info(part).zero_drops, 17);
	ASSERT_EQ(part_info(part).pattern_drops, 16 + BLOCK);
	ASSERT_EQ(part_info(part).pattern_pages, 16 + BLOCK);
	ASSERT_EQ(blocks(), 0);
	check(0, 5, 1);
	ASSERT_EQ(pg.ctl->wide_loads, 1);
	ASSERT_EQ(blocks(), 1);
	for (i = 5; i < 37; i++)
		ASSERT(page_of(i)[0] == 7 && page_of(i)[PAGE_SIZE - 1] == 7);
	check(37, BLOCK - 37, 1);
	ASSERT(page_is_zero(page_of(BLOCK + 16)));
	ASSERT_EQ(page_of(BLOCK + 32)[77], 8);
	check(BLOCK + 33, BLOCK - 33, 1);
	ASSERT_EQ(page_of(3 * BLOCK - 1)[77], 9);
	end();
}

static void copies_of_a_hole_are_dropped_together(void)
{
	begin(1);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	punch(0, BLOCK);
	WAIT_FOR(!pg.ctl->used);
	ASSERT_EQ(pg.ctl->drops, BLOCK);
	ASSERT_GE(pg.ctl->wide_drops, 1);
	ASSERT(page_is_zero(page_of(3)));
	end();
}

/* With an older pager all is as it was. */
static void a_narrow_pager_is_asked_for_pages(void)
{
	begin_without(2);
	pg.ctl->narrow = 1;
	pager_launch(&pg);
	fill(0, 2 * BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, 2 * BLOCK), 2 * BLOCK);
	check(0, 2 * BLOCK, 1);
	ASSERT_EQ(blocks(), 2);
	punch(0, BLOCK);
	ASSERT_EQ(pg.ctl->wide_stores + pg.ctl->wide_loads, 0);
	end();
}

/* What one pager stored by one request another one gives page by page, and back. */
static void pagers_follow_each_other(void)
{
	begin(1);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	pager_lose(&pg, &pool);
	pg.ctl->narrow = 1;
	pager_launch(&pg);
	ASSERT_EQ(pg.ctl->listed, BLOCK);
	check(0, BLOCK, 1);
	fill(0, BLOCK, 2);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	ASSERT_EQ(pg.ctl->wide_loads, 0);
	pager_lose(&pg, &pool);
	pg.ctl->narrow = 0;
	pager_launch(&pg);
	ASSERT_EQ(pg.ctl->listed, BLOCK);
	check(0, BLOCK, 2);
	end();
}

/* Reclaim that begins has more to take than a block, whoever is faster. */
static void reclaim_much(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_WATERMARKS,
		.low_frames = 128,
		.high_frames = 128 + 2 * BLOCK,
	};

	tarn_op(pool.fd, TARN_POOL_SET, &set);
}

/* With more than fits blocks go round. */
static void more_blocks_than_frames(void)
{
	u64 round;

	begin(12);
	reclaim_much();
	for (round = 1; round <= 3; round++) {
		fill(0, pages, round);
		check(0, pages, round);
	}
	ASSERT_GT(pg.ctl->wide_stores, 0);
	end();
}

/* ---- what goes wrong ------------------------------------------------------- */

/* No run of slots: pages go one by one, and that is no error. */
static void a_pager_without_a_run(void)
{
	begin(2);
	pg.ctl->wide_error = ENOSPC;
	fill(0, 2 * BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, 2 * BLOCK), 2 * BLOCK);
	ASSERT_EQ(pg.ctl->wide_stores, 2);
	ASSERT_EQ(pool_info(&pool).store_errors, 0);
	ASSERT(!(pool_info(&pool).flags & TARN_POOL_FULL));
	ASSERT_EQ(pg.ctl->used, 2 * BLOCK);
	ASSERT_EQ(blocks(), 0);
	check(0, 2 * BLOCK, 1);
	end();
}

static void reclaim_without_a_run(void)
{
	begin(12);
	reclaim_much();
	pg.ctl->wide_error = ENOSPC;
	fill(0, pages, 1);
	check(0, pages, 1);
	ASSERT_GT(pg.ctl->wide_stores, 0);
	end();
}

/* The others are stored; that one stays. */
static void a_page_can_not_be_stored(void)
{
	u64 done;

	begin(1);
	fill(0, BLOCK, 1);
	pg.ctl->store_error = EIO;
	pg.ctl->match_index = 100;
	__part_page_out(part, 0, BLOCK, &done);
	ASSERT_EQ(done, BLOCK - 1);
	ASSERT_EQ(pool_info(&pool).store_errors, 1);
	ASSERT_EQ(part_state(part, 100) & 0x1f, TARN_PAGE_RESIDENT);
	pg.ctl->store_error = 0;
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	check(0, BLOCK, 1);
	end();
}

/* The others come, and that one when it can be read. */
static void a_page_can_not_be_read(void)
{
	u8 value;

	begin(1);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	pg.ctl->load_error = EIO;
	pg.ctl->match_index = 100;
	check(7, 1, 1);
	WAIT_FOR(part_info(part).resident_pages == BLOCK - 1);
	ASSERT_EQ(pg.ctl->wide_loads, 1);
	check(0, 100, 1);
	check(101, BLOCK - 101, 1);
	ASSERT(try_read(page_of(100), &value));
	pg.ctl->load_error = 0;
	check(0, BLOCK, 1);
	end();
}

/* It has another copy, and what is right then is whole. */
static void a_page_is_wrong_once(void)
{
	begin(1);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	pg.ctl->corrupt = PAGER_CORRUPT_FIRST;
	pg.ctl->match_index = 100;
	check(0, BLOCK, 1);
	ASSERT_EQ(pg.ctl->wide_loads, 1);
	ASSERT_EQ(pg.ctl->mismatches, 1);
	ASSERT_EQ(pool_info(&pool).checksum_errors, 0);
	ASSERT_EQ(blocks(), 1);
	end();
}

static void a_page_is_wrong_for_good(void)
{
	u8 value;

	begin(1);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	pg.ctl->corrupt = PAGER_CORRUPT_ALWAYS;
	pg.ctl->match_index = 100;
	check(99, 1, 1);
	WAIT_FOR(part_info(part).resident_pages == BLOCK - 1);
	ASSERT(try_read(page_of(100), &value));
	check(101, BLOCK - 101, 1);
	ASSERT_GT(pool_info(&pool).checksum_errors, 0);
	pg.ctl->corrupt = PAGER_CORRUPT_NONE;
	check(0, BLOCK, 1);
	end();
}

/* ---- meanwhile ------------------------------------------------------------- */

static pid_t begin_store(u64 nr_blocks)
{
	pid_t pid;

	begin(nr_blocks);
	fill(0, pages, 1);
	pg.ctl->hold = HOLD(STORE);
	pid = page_out_aside();
	WAIT_FOR(pg.ctl->taken);
	return pid;
}

/* Who touches a page gets it at once, and all of the block stays. */
static void a_page_is_wanted(void)
{
	pid_t pid = begin_store(1);

	fill(7, 1, 2);
	check(0, 7, 1);
	fill(8, 100, 2);
	ASSERT_EQ(blocks(), 1);
	pg.ctl->hold = 0;
	wait_for(pid);
	ASSERT_EQ(blocks(), 1);
	ASSERT_EQ(part_info(part).resident_pages, BLOCK);
	check(7, 101, 2);
	check(108, BLOCK - 108, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	WAIT_FOR(pg.ctl->used == BLOCK);
	check(0, 7, 1);
	check(7, 101, 2);
	check(108, BLOCK - 108, 1);
	end();
}

static void a_page_is_punched(void)
{
	pid_t pid = begin_store(1);

	punch(9, 2);
	ASSERT(page_is_zero(page_of(9)));
	page_fill(page_of(10), 11, 10, 3);
	pg.ctl->truncates = 1;
	pg.ctl->hold = 0;
	wait_for(pid);
	ASSERT(page_is_zero(page_of(9)));
	check(10, 1, 3);
	check(0, 9, 1);
	check(11, BLOCK - 11, 1);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	end();
}

static void the_file_is_cut(void)
{
	pid_t pid = begin_store(1);

	ASSERT_OK(ftruncate(part, 0));
	ASSERT_OK(ftruncate(part, BLOCK_BYTES));
	pg.ctl->truncates = 1;
	ASSERT(page_is_zero(page_of(3)));
	pg.ctl->hold = 0;
	wait_for(pid);
	WAIT_FOR(!pg.ctl->used);
	ASSERT(page_is_zero(page_of(511)));
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	end();
}

static void the_file_goes(void)
{
	pid_t pid = begin_store(1);

	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	munmap(map, BLOCK_BYTES);
	close(part);
	part_unlink(&pool, "a");
	pg.ctl->truncates = 1;
	pg.ctl->hold = 0;
	WAIT_FOR(!pool_info(&pool).partitions);
	pool_assert_idle(&pool);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* It is as it was, all of it. */
static void the_pager_dies_with_a_store(void)
{
	pid_t pid = begin_store(2);

	pager_lose(&pg, &pool);
	wait_for(pid);
	ASSERT_EQ(part_info(part).resident_pages, 2 * BLOCK);
	ASSERT_EQ(blocks(), 2);
	check(0, 2 * BLOCK, 1);
	pg.ctl->hold = 0;
	pager_launch(&pg);
	ASSERT_EQ(pg.ctl->listed, 0);
	ASSERT_EQ(part_page_out(part, 0, 2 * BLOCK), 2 * BLOCK);
	check(0, 2 * BLOCK, 1);
	end();
}

static pid_t begin_load(void)
{
	pid_t pid;

	begin(1);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	pg.ctl->hold = HOLD(LOAD);
	pg.ctl->taken = 0;
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		check(77, 1, 1);
		_exit(0);
	}
	WAIT_FOR(pg.ctl->taken);
	return pid;
}

/* Who waits is given the page by the next one. */
static void the_pager_dies_with_a_load(void)
{
	pid_t pid = begin_load();

	pager_lose(&pg, &pool);
	ASSERT_EQ(part_info(part).paged_pages, BLOCK);
	pg.ctl->hold = 0;
	pager_launch(&pg);
	ASSERT_EQ(pg.ctl->listed, BLOCK);
	wait_for(pid);
	check(0, BLOCK, 1);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	end();
}

/* What is cut away does not come, nor is it mapped with the others. */
static void what_comes_is_punched(void)
{
	pid_t pid = begin_load();

	punch(9, 1);
	pg.ctl->hold = 0;
	wait_for(pid);
	WAIT_FOR(part_info(part).resident_pages == BLOCK - 1);
	ASSERT_EQ(blocks(), 0);
	ASSERT(page_is_zero(page_of(9)));
	check(0, 9, 1);
	check(10, BLOCK - 10, 1);
	WAIT_FOR(pg.ctl->used == BLOCK - 1);
	end();
}

/* Two processes, a pager that takes its time, and holes: each page is one of its versions. */
static void stir(u64 seed)
{
	u64 state = seed, i;

	for (i = 0; i < 400; i++) {
		u64 at = (state = state * 6364136223846793005ULL + 1442695040888963407ULL) >> 33;
		u64 block = at % (pages / BLOCK) * BLOCK, done;

		switch (at >> 8 & 7) {
		case 0:
			punch(block + (at >> 12) % BLOCK, 1);
			break;
		case 1:
		case 2:
			__part_page_out(part, block, BLOCK, &done);
			break;
		default:
			at = block + (at >> 12) % BLOCK;
			if (seed == 1 || !(at & 1))
				page_fill(page_of(at), 11, at, 1);
			else
				ASSERT(page_version(page_of(at), 11, at) >= 0);
		}
	}
}

static void many_things_at_once(void)
{
	pid_t pid;
	u64 i;

	begin(12);
	pg.ctl->truncates = 1;
	pg.ctl->reorder = 1;
	pg.ctl->delay_ms = 2;
	fill(0, pages, 1);
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		stir(2);
		_exit(0);
	}
	stir(1);
	pg.ctl->wide_error = EIO;
	stir(3);
	wait_for(pid);
	pg.ctl->wide_error = 0;
	for (i = 0; i < pages; i++) {
		s64 version = page_version(page_of(i), 11, i);

		ASSERT(version == 0 || version == 1);
	}
	end();
}

static const struct tarn_test tests[] = {
	TEST(a_block_is_one_request),
	TEST(a_block_is_stored_again),
	TEST(a_block_is_stored_in_place),
	TEST(scattered_copies_are_dropped),
	TEST(a_clean_block_is_dropped),
	TEST(zeroes),
	TEST(patterns),
	TEST(copies_of_a_hole_are_dropped_together),
	TEST(a_narrow_pager_is_asked_for_pages),
	TEST(pagers_follow_each_other),
	TEST(more_blocks_than_frames),
	TEST(a_pager_without_a_run),
	TEST(reclaim_without_a_run),
	TEST(a_page_can_not_be_stored),
	TEST(a_page_can_not_be_read),
	TEST(a_page_is_wrong_once),
	TEST(a_page_is_wrong_for_good),
	TEST(a_page_is_wanted),
	TEST(a_page_is_punched),
	TEST(the_file_is_cut),
	TEST(the_file_goes),
	TEST(the_pager_dies_with_a_store),
	TEST(the_pager_dies_with_a_load),
	TEST(what_comes_is_punched),
	TEST(many_things_at_once),
};

TESTS_MAIN(tests)
