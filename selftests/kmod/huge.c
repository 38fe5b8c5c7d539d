// SPDX-License-Identifier: GPL-2.0-only
/*
 * 2 MiB frames: which blocks get one, that page tables have one entry for it, and what
 * becomes of it when one of its pages goes its own way.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

/* Of 6.18. */
#ifndef PR_THP_DISABLE_EXCEPT_ADVISED
#define PR_THP_DISABLE_EXCEPT_ADVISED (1 << 1)
#endif

#define BLOCK 512ULL
#define BLOCK_BYTES (BLOCK * PAGE_SIZE)

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static u8 *page_of(u64 index)
{
	return map + index * PAGE_SIZE;
}

static void begin(const char *options, u64 pages)
{
	pool_mount(&pool, options);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
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

/* Bytes of the mapping at @at for which page tables have entries of 2 MiB. */
static u64 huge_mapped(const void *at)
{
	unsigned long from, to, kib = 0;
	char line[256];
	bool here = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	ASSERT(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from <= (unsigned long)at &&
			       (unsigned long)at < to;
		else if (here && sscanf(line, "FilePmdMapped: %lu", &kib) == 1)
			break;
	}
	fclose(f);
	return kib << 10;
}

static u64 blocks(void)
{
	return part_info(part).block_pages / BLOCK;
}

static void set_huge(u32 huge)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_HUGE,
		.huge = huge,
	};

	tarn_op(part, TARN_PARTITION_SET, &set);
}

/* ---- which ---------------------------------------------------------------- */

static void a_first_touch_gets_a_block(void)
{
	begin("size=16M,huge=always", 2 * BLOCK);
	ASSERT_EQ((uintptr_t)map % BLOCK_BYTES, 0);
	*page_of(BLOCK + 7) = 1;
	ASSERT_EQ(blocks(), 1);
	ASSERT_EQ(part_info(part).resident_pages, BLOCK);
	ASSERT_EQ(huge_mapped(map), BLOCK_BYTES);
	ASSERT(page_is_zero(page_of(BLOCK + 8)));
	fill(0, 2 * BLOCK, 1);
	ASSERT_EQ(blocks(), 2);
	ASSERT_EQ(huge_mapped(map), 2 * BLOCK_BYTES);
	check(0, 2 * BLOCK, 1);
	ASSERT_EQ(pool_info(&pool).block_pages, 2 * BLOCK);
	end(2 * BLOCK);
}

/* The mapping, the partition and the mount say where; one page at a time otherwise. */
static void only_where_it_is_wanted(void)
{
	begin("size=32M", 6 * BLOCK);
	*page_of(0) = 1;
	ASSERT_EQ(blocks(), 0);
	ASSERT_OK(madvise(page_of(BLOCK), BLOCK_BYTES, MADV_HUGEPAGE));
	*page_of(BLOCK) = 1;
	ASSERT_EQ(blocks(), 1);
	set_huge(TARN_HUGE_NEVER);
	ASSERT_OK(madvise(page_of(2 * BLOCK), BLOCK_BYTES, MADV_HUGEPAGE));
	*page_of(2 * BLOCK) = 1;
	ASSERT_EQ(blocks(), 1);
	set_huge(TARN_HUGE_ALWAYS);
	*page_of(3 * BLOCK) = 1;
	ASSERT_EQ(blocks(), 2);
	ASSERT_OK(madvise(page_of(4 * BLOCK), BLOCK_BYTES, MADV_NOHUGEPAGE));
	*page_of(4 * BLOCK) = 1;
	ASSERT_EQ(blocks(), 2);
	set_huge(TARN_HUGE_ADVISE);
	*page_of(5 * BLOCK) = 1;
	ASSERT_EQ(blocks(), 2);
	ASSERT_EQ(part_info(part).resident_pages, 2 * BLOCK + 4);
	end(6 * BLOCK);
}

/* A process that wants none has none, whatever its mappings and the partition say. */
static void not_where_the_process_wants_none(void)
{
	begin("size=16M,huge=always", 3 * BLOCK);
	ASSERT_OK(madvise(page_of(BLOCK), BLOCK_BYTES, MADV_HUGEPAGE));
	ASSERT_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	*page_of(0) = 1;
	*page_of(BLOCK) = 1;
	ASSERT_EQ(blocks(), 0);
	ASSERT_EQ(part_info(part).resident_pages, 2);
	ASSERT_OK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	*page_of(2 * BLOCK) = 1;
	ASSERT_EQ(blocks(), 1);
	end(3 * BLOCK);
}

static void only_where_the_process_says_so(void)
{
	TEST_REQUIRE(!prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED,
			    0, 0), "a kernel before 6.18");
	begin("size=16M,huge=always", 2 * BLOCK);
	ASSERT_OK(madvise(page_of(BLOCK), BLOCK_BYTES, MADV_HUGEPAGE));
	*page_of(0) = 1;
	ASSERT_EQ(blocks(), 0);
	*page_of(BLOCK) = 1;
	ASSERT_EQ(blocks(), 1);
	ASSERT_OK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	end(2 * BLOCK);
}

/* Not past the end of the file, nor where something was touched before. */
static void only_whole_blocks(void)
{
	begin("size=16M,huge=always", 2 * BLOCK - 1);
	ASSERT_EQ(pwrite(part, "x", 1, 3 * PAGE_SIZE), 1);
	*page_of(0) = 1;
	*page_of(BLOCK) = 1;
	ASSERT_EQ(blocks(), 0);
	ASSERT_EQ(part_info(part).resident_pages, 3);
	end(2 * BLOCK - 1);
}

/* One that can't have entries of 2 MiB has small ones, of what a frame of 2 MiB has. */
static void a_mapping_may_lie_askew(void)
{
	u8 *room, *askew;

	begin("size=16M,huge=always", 2 * BLOCK);
	fill(0, 2 * BLOCK, 1);
	room = mmap(NULL, 4 * BLOCK_BYTES, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(room != MAP_FAILED);
	askew = (u8 *)(((uintptr_t)room | (BLOCK_BYTES - 1)) + 1 + 5 * PAGE_SIZE);
	ASSERT(mmap(askew, 2 * BLOCK_BYTES, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, part, 0) == askew);
	ASSERT_PAGE(askew + 9 * PAGE_SIZE, 11, 9, 1);
	page_fill(askew + 10 * PAGE_SIZE, 11, 10, 2);
	ASSERT_EQ(huge_mapped(askew), 0);
	ASSERT_PAGE(page_of(10), 11, 10, 2);
	ASSERT_EQ(blocks(), 2);
	munmap(room, 4 * BLOCK_BYTES);
	end(2 * BLOCK);
}

/* As many pages free as there are, in how many pieces. */
static void a_pool_tells_what_is_whole(void)
{
	struct tarn_pool_info info;

	begin("size=16M,huge=always", 4 * BLOCK);
	info = pool_info(&pool);
	ASSERT_EQ(info.free_block_frames, info.frames);
	*page_of(0) = 1;
	info = pool_info(&pool);
	ASSERT_EQ(info.free_block_frames, info.frames - BLOCK);
	set_huge(TARN_HUGE_NEVER);
	*page_of(BLOCK) = 1;
	info = pool_info(&pool);
	ASSERT_EQ(info.free_block_frames, info.frames - 2 * BLOCK);
	ASSERT_EQ(info.block_pages, BLOCK);
	end(4 * BLOCK);
}

/* Drop the tables, too: of what is mapped anew nothing was touched. */
static void map_anew(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	map = part_map(part, pages);
}

/* In no chunk is more than a third used, and none is free: some of it moves. */
static void free_memory_is_brought_together(void)
{
	const u64 pages = 9 * BLOCK;
	u64 i;

	begin("size=16M,huge=never", pages);
	fill(BLOCK, 8 * BLOCK - 64, 1);
	for (i = BLOCK; i < pages; i++)
		if (i % 4)
			ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE |
						  FALLOC_FL_KEEP_SIZE,
					    i * PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(pool_info(&pool).free_block_frames, 0);
	set_huge(TARN_HUGE_ALWAYS);
	WAIT_FOR((ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE |
					    FALLOC_FL_KEEP_SIZE, 0, BLOCK_BYTES)),
		  map_anew(pages), *page_of(3) = 1, blocks()));
	for (i = BLOCK; i < pages - 64; i += 4)
		ASSERT_PAGE(page_of(i), 11, i, 1);
	end(pages);
}

static void bad_settings(void)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_HUGE,
		.huge = TARN_HUGE_ALWAYS + 1,
	};

	begin("size=16M,huge=never", BLOCK);
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_SET, &set), -EINVAL);
	set.flags = 0;
	set.huge = TARN_HUGE_ALWAYS;
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_SET, &set), -EINVAL);
	ASSERT_EQ(part_info(part).huge, TARN_HUGE_NEVER);
	ASSERT_EQ(__pool_remount(&pool, "huge=sometimes"), -EINVAL);
	ASSERT_OK(__pool_remount(&pool, "huge=advise"));
	ASSERT_EQ(pool_info(&pool).huge, TARN_HUGE_ADVISE);
	end(BLOCK);
}

/* ---- pages that go their own ways ----------------------------------------- */

static void a_page_is_punched(void)
{
	begin("size=16M,huge=always", BLOCK);
	fill(0, BLOCK, 1);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    7 * PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(blocks(), 0);
	ASSERT_EQ(part_info(part).resident_pages, BLOCK - 1);
	ASSERT_EQ(pool_info(&pool).limbo_frames, 0);
	ASSERT(page_is_zero(page_of(7)));
	check(0, 7, 1);
	check(8, BLOCK - 8, 1);
	ASSERT_EQ(huge_mapped(map), 0);
	page_fill(page_of(7), 11, 7, 1);
	check(0, BLOCK, 1);
	end(BLOCK);
}

static void a_file_is_cut_in_a_block(void)
{
	begin("size=16M,huge=always", 2 * BLOCK);
	fill(0, 2 * BLOCK, 1);
	ASSERT_OK(ftruncate(part, (BLOCK + 100) * PAGE_SIZE + 5));
	ASSERT_EQ(blocks(), 1);
	ASSERT_EQ(part_info(part).resident_pages, BLOCK + 101);
	check(0, BLOCK + 100, 1);
	ASSERT_OK(ftruncate(part, 2 * BLOCK_BYTES));
	ASSERT(page_is_zero(page_of(BLOCK + 101)));
	end(2 * BLOCK);
}

/* All go out, and come back. */
static void a_block_is_paged_out(void)
{
	begin("size=16M,huge=always", 2 * BLOCK);
	pager_start(&pg, &pool);
	fill(0, 2 * BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, 2 * BLOCK), 2 * BLOCK);
	ASSERT_EQ(blocks(), 0);
	ASSERT_EQ(part_info(part).resident_pages, 0);
	check(0, 2 * BLOCK, 1);
	pager_stop(&pg);
	end(2 * BLOCK);
}

/* All of it, into one frame, by a touch of a page; it is clean until it is written to. */
static void a_block_comes_back_whole(void)
{
	begin("size=16M,huge=always", 2 * BLOCK);
	pager_start(&pg, &pool);
	fill(0, 2 * BLOCK, 1);
	ASSERT_EQ(part_page_out(part, BLOCK, BLOCK), BLOCK);
	ASSERT_EQ(blocks(), 1);
	ASSERT_PAGE(page_of(BLOCK + 77), 11, BLOCK + 77, 1);
	ASSERT_EQ(blocks(), 2);
	ASSERT_EQ(part_info(part).resident_pages, 2 * BLOCK);
	ASSERT_EQ(huge_mapped(map), 2 * BLOCK_BYTES);
	check(BLOCK, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, BLOCK, BLOCK), BLOCK);
	ASSERT_EQ(part_info(part).clean_drops, BLOCK);
	page_fill(page_of(BLOCK + 5), 11, BLOCK + 5, 2);
	ASSERT_EQ(blocks(), 2);
	ASSERT_EQ(huge_mapped(map), 2 * BLOCK_BYTES);
	ASSERT_EQ(part_page_out(part, BLOCK, BLOCK), BLOCK);
	ASSERT_EQ(part_info(part).clean_drops, BLOCK);
	ASSERT_PAGE(page_of(BLOCK + 5), 11, BLOCK + 5, 2);
	check(0, BLOCK + 5, 1);
	check(BLOCK + 6, BLOCK - 6, 1);
	pager_stop(&pg);
	end(2 * BLOCK);
}

/* Of a copy that is lost the page alone is; what was cut away meanwhile does not come. */
static void a_block_comes_back_in_part(void)
{
	u8 value;

	begin("size=16M,huge=always", BLOCK);
	pager_start(&pg, &pool);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	pg.ctl->match_index = 9;
	pg.ctl->load_error = EIO;
	ASSERT_PAGE(page_of(77), 11, 77, 1);
	WAIT_FOR(part_info(part).resident_pages == BLOCK - 1);
	ASSERT_EQ(blocks(), 0);
	ASSERT_EQ(huge_mapped(map), 0);
	ASSERT(try_read(page_of(9), &value));
	pg.ctl->load_error = 0;
	check(0, BLOCK, 1);
	pager_stop(&pg);
	end(BLOCK);
}

/* With a hole in it by the time that it is there. */
static void a_block_that_comes_is_punched(void)
{
	int status;
	pid_t pid;

	begin("size=16M,huge=always", BLOCK);
	pager_start(&pg, &pool);
	fill(0, BLOCK, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		check(77, 1, 1);
		_exit(0);
	}
	WAIT_FOR(pg.ctl->taken);
	WAIT_FOR(part_state(part, 0) & TARN_PAGE_IN_FLIGHT);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    9 * PAGE_SIZE, PAGE_SIZE));
	pg.ctl->hold = 0;
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	WAIT_FOR(part_info(part).resident_pages == BLOCK - 1);
	ASSERT(page_is_zero(page_of(9)));
	check(0, 9, 1);
	check(10, BLOCK - 10, 1);
	ASSERT_EQ(huge_mapped(map), 0);
	pager_stop(&pg);
	end(BLOCK);
}

/* What nobody wrote to becomes empty. */
static void zeroes_of_a_block_go(void)
{
	begin("size=16M,huge=always", BLOCK);
	pager_start(&pg, &pool);
	page_fill(page_of(300), 11, 300, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	ASSERT_EQ(part_info(part).paged_pages, 1);
	ASSERT_EQ(part_info(part).zero_drops, BLOCK - 1);
	check(300, 1, 1);
	ASSERT(page_is_zero(page_of(299)));
	pager_stop(&pg);
	end(BLOCK);
}

/* With more than fits all of it goes round. */
static void more_blocks_than_frames(void)
{
	const u64 pages = 12 * BLOCK;
	u64 round;

	begin("size=16M,huge=always", pages);
	pager_start(&pg, &pool);
	for (round = 1; round <= 3; round++) {
		fill(0, pages, round);
		check(0, pages, round);
	}
	pager_stop(&pg);
	end(pages);
}

/* ---- held pages ----------------------------------------------------------- */

static void hold(int pipes[2], u64 index)
{
	struct iovec v = { page_of(index), PAGE_SIZE };

	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
}

static void let_go(int pipes[2], u64 index, u64 version)
{
	static u8 copy[PAGE_SIZE];

	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(copy, 11, index, version);
	close(pipes[0]);
	close(pipes[1]);
}

/* Neither it nor its neighbours go out before; a hole is a hole at once. */
static void a_page_of_it_is_held(void)
{
	int pipes[2];
	u64 done = 0;

	begin("size=16M,huge=always", BLOCK);
	pager_start(&pg, &pool);
	fill(0, BLOCK, 1);
	hold(pipes, 9);
	__part_page_out(part, 0, BLOCK, &done);
	ASSERT_EQ(part_info(part).paged_pages, 0);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    9 * PAGE_SIZE, 2 * PAGE_SIZE));
	ASSERT(page_is_zero(page_of(9)));
	ASSERT(page_is_zero(page_of(10)));
	ASSERT_EQ(huge_mapped(map), 0);
	check(0, 9, 1);
	check(11, BLOCK - 11, 1);
	ASSERT_EQ(part_info(part).resident_pages, BLOCK - 2);
	ASSERT_EQ(pool_info(&pool).limbo_frames, 2);
	page_fill(page_of(9), 11, 9, 2);
	let_go(pipes, 9, 1);
	ASSERT_PAGE(page_of(9), 11, 9, 2);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	ASSERT_PAGE(page_of(9), 11, 9, 2);
	check(0, 9, 1);
	check(11, BLOCK - 11, 1);
	pager_stop(&pg);
	end(BLOCK);
}

/* Cut away all around it: what that had is free when the holder lets go. */
static void what_is_around_a_held_page_goes(void)
{
	int pipes[2];

	begin("size=16M,huge=always,paging=none", BLOCK);
	fill(0, BLOCK, 1);
	hold(pipes, 9);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    9 * PAGE_SIZE));
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    10 * PAGE_SIZE, (BLOCK - 10) * PAGE_SIZE));
	ASSERT_EQ(pool_info(&pool).limbo_frames, BLOCK - 1);
	check(9, 1, 1);
	let_go(pipes, 9, 1);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	check(9, 1, 1);
	end(BLOCK);
}

/* Its memory is the holder's then, and the kernel's when that lets go. */
static void a_pool_ends_with_a_page_held(void)
{
	int pipes[2];

	begin("size=16M,huge=always", BLOCK);
	fill(0, BLOCK, 1);
	hold(pipes, 9);
	munmap(map, BLOCK_BYTES);
	close(part);
	part_unlink(&pool, "a");
	WAIT_FOR(!pool_info(&pool).partitions);
	pool_umount(&pool);
	let_go(pipes, 9, 1);
}

/* With nowhere to go it is not split for nothing. */
static void a_full_pager_splits_none(void)
{
	u64 done;

	begin("size=16M,huge=never", 2 * BLOCK);
	pager_start(&pg, &pool);
	pg.ctl->capacity = 1;
	fill(0, 2, 1);
	set_huge(TARN_HUGE_ALWAYS);
	fill(BLOCK, BLOCK, 1);
	__part_page_out(part, 0, 2, &done);
	WAIT_FOR(pool_info(&pool).flags & TARN_POOL_FULL);
	__part_page_out(part, BLOCK, BLOCK, &done);
	ASSERT_EQ(blocks(), 1);
	check(BLOCK, BLOCK, 1);
	pager_stop(&pg);
	end(2 * BLOCK);
}

/* Others punch and write at once: what was written last is there, holes are empty. */
static int punches(void *arg)
{
	int i;

	for (i = 0; i < 300; i++)
		ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE |
					  FALLOC_FL_KEEP_SIZE,
				    100 * PAGE_SIZE, 50 * PAGE_SIZE));
	return 0;
}

static void a_hole_in_a_block_that_fills(void)
{
	static u8 copy[PAGE_SIZE];
	int status, i;
	pid_t pid;

	begin("size=16M,huge=always", BLOCK);
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid)
		_exit(punches(NULL));
	for (i = 0; i < 100; i++) {
		ASSERT_OK(ftruncate(part, 0));
		ASSERT_OK(ftruncate(part, BLOCK_BYTES));
		munmap(map, BLOCK_BYTES);
		map = part_map(part, BLOCK);
		page_fill(page_of(3), 11, 3, i);
		page_fill(page_of(120), 11, 120, i);
		ASSERT_PAGE(page_of(3), 11, 3, i);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	/* What the mapping has is what the file has. */
	page_fill(page_of(120), 11, 120, 7);
	ASSERT_EQ(pread(part, copy, PAGE_SIZE, 120 * PAGE_SIZE), PAGE_SIZE);
	ASSERT_PAGE(copy, 11, 120, 7);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	end(BLOCK);
}

/* Who touches a neighbour of a hole in what is held does not get the hole with it. */
static void a_hole_beside_a_held_page(void)
{
	int pipes[2];

	begin("size=16M,huge=always", BLOCK);
	fill(0, BLOCK, 1);
	hold(pipes, 9);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    20 * PAGE_SIZE, PAGE_SIZE));
	check(21, 1, 1);
	page_fill(page_of(22), 11, 22, 2);
	ASSERT(page_is_zero(page_of(20)));
	page_fill(page_of(20), 11, 20, 3);
	let_go(pipes, 9, 1);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	check(20, 1, 3);
	check(22, 1, 2);
	end(BLOCK);
}

/* The file goes, what holds it has the page even then. */
static void a_file_ends_with_a_page_held(void)
{
	int pipes[2];

	begin("size=16M,huge=always", BLOCK);
	fill(0, BLOCK, 1);
	hold(pipes, 9);
	munmap(map, BLOCK_BYTES);
	close(part);
	part_unlink(&pool, "a");
	WAIT_FOR(!pool_info(&pool).partitions);
	/* While they are looked at they count one by one. */
	WAIT_FOR(pool_info(&pool).limbo_frames == BLOCK);
	let_go(pipes, 9, 1);
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

/* ---- others --------------------------------------------------------------- */

/*
 * The kernel marks the page and can do nothing with it. The mapping stays as it is; who
 * maps the block anew gets all of it but that page.
 */
static void a_page_of_it_has_a_memory_error(void)
{
	u8 *other, value;
	long ret;
	u64 i;

	begin("size=16M,huge=always", BLOCK);
	fill(0, BLOCK, 1);
	ret = SYS(madvise(page_of(9), PAGE_SIZE, MADV_HWPOISON));
	TEST_REQUIRE(ret != -EINVAL, "the kernel has no MADV_HWPOISON");
	ASSERT(!ret || ret == -EBUSY || ret == -EHWPOISON);
	other = part_map(part, BLOCK);
	for (i = 0; i < BLOCK; i++)
		if (i != 9)
			ASSERT_PAGE(other + i * PAGE_SIZE, 11, i, 1);
	ASSERT(try_read(other + 9 * PAGE_SIZE, &value));
	ASSERT_EQ(huge_mapped(other), 0);
	ASSERT_EQ(blocks(), 0);
	ASSERT_EQ(pool_info(&pool).poisoned_frames, 1);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    9 * PAGE_SIZE, PAGE_SIZE));
	ASSERT(page_is_zero(other + 9 * PAGE_SIZE));
	ASSERT_PAGE(other + 10 * PAGE_SIZE, 11, 10, 1);
	munmap(other, BLOCK_BYTES);
	munmap(map, BLOCK_BYTES);
	close(part);
	part_unlink(&pool, "a");
	WAIT_FOR(pool_info(&pool).free_frames + 1 == pool_info(&pool).frames);
	pool_umount(&pool);
}

static void a_child_reads_and_writes(void)
{
	int status;
	pid_t pid;

	begin("size=16M,huge=always", BLOCK);
	fill(0, BLOCK, 1);
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		check(0, BLOCK, 1);
		fill(0, BLOCK, 2);
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	check(0, BLOCK, 2);
	ASSERT_EQ(blocks(), 1);
	end(BLOCK);
}

/* Frames that have to go are emptied. */
static void a_pool_shrinks(void)
{
	const u64 pages = 3 * BLOCK;

	begin("size=16M,huge=always", pages);
	fill(0, pages, 1);
	ASSERT_OK(__pool_remount(&pool, "size=8M"));
	ASSERT_EQ(pool_info(&pool).frames, 4 * BLOCK);
	check(0, pages, 1);
	diag("blocks %llu", (unsigned long long)blocks());
	end(pages);
}

static void relocate(u32 node, u32 granule)
{
	struct tarn_partition_relocate r = {
		.op = TARN_RELOCATE_START,
		.node = node,
		.count = UINT64_MAX,
		.granule = granule,
	};

	ASSERT_OK(__part_relocate(part, &r));
}

static void a_block_is_relocated(void)
{
	begin("nodes=16M:16M,huge=always", 2 * BLOCK);
	nodes_need(2);
	node_run_on(0);
	fill(0, 2 * BLOCK, 1);
	ASSERT_EQ(part_on_node(part, 0), 2 * BLOCK);
	part_relocate(part, 1, 0);
	WAIT_FOR(part_on_node(part, 1) == 2 * BLOCK);
	check(0, 2 * BLOCK, 1);
	ASSERT_EQ(blocks(), 2);
	ASSERT_EQ(huge_mapped(map), 2 * BLOCK_BYTES);
	/* By small granules it is split. */
	relocate(0, 64);
	WAIT_FOR(part_on_node(part, 0) == 2 * BLOCK);
	check(0, 2 * BLOCK, 1);
	ASSERT_EQ(blocks(), 0);
	end(2 * BLOCK);
}

/* One that is held waits, as a page that is. */
static void a_held_block_is_relocated_later(void)
{
	int pipes[2];

	begin("nodes=16M:16M,huge=always", 2 * BLOCK);
	nodes_need(2);
	node_run_on(0);
	fill(0, 2 * BLOCK, 1);
	hold(pipes, 9);
	relocate(1, 0);
	WAIT_FOR(part_on_node(part, 1) == BLOCK);
	ASSERT_EQ(part_on_node(part, 0), BLOCK);
	let_go(pipes, 9, 1);
	WAIT_FOR(part_on_node(part, 1) == 2 * BLOCK);
	check(0, 2 * BLOCK, 1);
	end(2 * BLOCK);
}

static void a_block_comes_home(void)
{
	begin("nodes=16M:16M,huge=always", 2 * BLOCK);
	nodes_need(2);
	node_run_on(0);
	fill(0, 2 * BLOCK, 1);
	part_set_home(part, 1, 0);
	WAIT_FOR(part_on_node(part, 1) == 2 * BLOCK);
	check(0, 2 * BLOCK, 1);
	ASSERT_EQ(blocks(), 2);
	end(2 * BLOCK);
}

static const struct tarn_test tests[] = {
	TEST(a_first_touch_gets_a_block),
	TEST(only_where_it_is_wanted),
	TEST(not_where_the_process_wants_none),
	TEST(only_where_the_process_says_so),
	TEST(only_whole_blocks),
	TEST(a_mapping_may_lie_askew),
	TEST(a_pool_tells_what_is_whole),
	TEST(free_memory_is_brought_together),
	TEST(bad_settings),
	TEST(a_page_is_punched),
	TEST(a_file_is_cut_in_a_block),
	TEST(a_block_is_paged_out),
	TEST(a_block_comes_back_whole),
	TEST(a_block_comes_back_in_part),
	TEST(a_block_that_comes_is_punched),
	TEST(zeroes_of_a_block_go),
	TEST(more_blocks_than_frames),
	TEST(a_page_of_it_is_held),
	TEST(a_file_ends_with_a_page_held),
	TEST(a_hole_beside_a_held_page),
	TEST(what_is_around_a_held_page_goes),
	TEST(a_pool_ends_with_a_page_held),
	TEST(a_full_pager_splits_none),
	TEST(a_hole_in_a_block_that_fills),
	TEST(a_page_of_it_has_a_memory_error),
	TEST(a_child_reads_and_writes),
	TEST(a_pool_shrinks),
	TEST(a_block_is_relocated),
	TEST(a_held_block_is_relocated_later),
	TEST(a_block_comes_home),
};

TESTS_MAIN(tests)
