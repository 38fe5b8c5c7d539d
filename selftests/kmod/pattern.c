// SPDX-License-Identifier: GPL-2.0-only
/*
 * Patterns: pages of which all is one word give up their frames without I/O, are read from
 * frames that they share, and get one of their own when they are written to.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 256
#define WORDS (PAGE_SIZE / sizeof(u64))
#define FRAMES_MOST 64

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static void begin(const char *options, u64 pages)
{
	pool_mount(&pool, options);
	pager_start(&pg, &pool);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).pattern_pages, 0);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static u64 *words_of(u64 index)
{
	return (u64 *)(map + index * PAGE_SIZE);
}

/* Words that differ in both halves, and none of them 0. */
static u64 word_of(u64 index, u64 version)
{
	return (index * 2 + 1) * 0x9e3779b97f4a7c15ULL ^ version << 32 ^ version;
}

static void fill_words(u64 *to, u64 word)
{
	u64 i;

	for (i = 0; i < WORDS; i++)
		to[i] = word;
}

static bool all_words(const u64 *p, u64 word)
{
	u64 i;

	for (i = 0; i < WORDS; i++)
		if (p[i] != word)
			return false;
	return true;
}

static void fill(u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		fill_words(words_of(i), word_of(i, version));
}

static void check(u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		if (!all_words(words_of(i), word_of(i, version)))
			FAIL("page %llu is not that of version %llu",
			     (unsigned long long)i, (unsigned long long)version);
}

static u64 in_state(u64 first, u64 count, u8 state)
{
	return part_count(part, first, count, 0xff, state);
}

static u64 patterns(void)
{
	struct tarn_partition_info info = part_info(part);

	ASSERT_EQ(pool_info(&pool).pattern_pages, info.pattern_pages);
	ASSERT_EQ(in_state(0, info.logical_pages, TARN_PAGE_PATTERN),
		  info.pattern_pages);
	return info.pattern_pages;
}

/* Looked for where they are. */
static u64 find(u64 start, u64 count)
{
	u64 done;

	ASSERT_OK(__part_find_patterns(part, start, count, &done));
	return done;
}

/* At least so many, again while somebody has one in hand, or with the scanner's help. */
static void find_some(u64 start, u64 count, u64 least)
{
	WAIT_FOR(find(start, count) >= least ||
		 in_state(start, count, TARN_PAGE_PATTERN) >= least);
	ASSERT_GE(in_state(start, count, TARN_PAGE_PATTERN), least);
}

static void find_all(u64 start, u64 count)
{
	find_some(start, count, count);
}

/* ---- how they are found --------------------------------------------------- */

static void patterns_are_never_stored(void)
{
	struct stat st;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_EQ(in_state(0, PAGES, TARN_PAGE_RESIDENT), PAGES);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(patterns(), PAGES);
	ASSERT_EQ(pg.ctl->stores, 0);
	ASSERT_EQ(part_info(part).pattern_drops, PAGES);
	ASSERT_EQ(part_info(part).zero_drops, 0);
	ASSERT_EQ(part_info(part).resident_pages, 0);
	ASSERT_EQ(part_info(part).paged_pages, 0);
	ASSERT_EQ(pool_info(&pool).free_frames, pool_info(&pool).frames);
	ASSERT_OK(fstat(part, &st));
	ASSERT_EQ(st.st_blocks, 0);
	/* Each has another word: some get frames when they are read. */
	check(0, PAGES, 1);
	check(0, PAGES, 1);
	ASSERT_EQ(pg.ctl->loads, 0);
	end(PAGES);
}

/* One bit anywhere is enough of a difference: a page for each of the words. */
static void others_are_stored(void)
{
	u64 i;

	begin("size=8M", WORDS);
	fill(0, WORDS, 1);
	for (i = 0; i < WORDS; i++)
		words_of(i)[i] ^= 1ULL << (i % 64);
	ASSERT_EQ(part_page_out(part, 0, WORDS), WORDS);
	ASSERT_EQ(patterns(), 0);
	ASSERT_EQ(pg.ctl->stores, WORDS);
	for (i = 0; i < WORDS; i++)
		words_of(i)[i] ^= 1ULL << (i % 64);
	check(0, WORDS, 1);
	/* They are patterns now, and the copies are given back. */
	ASSERT_EQ(part_page_out(part, 0, WORDS), WORDS);
	ASSERT_EQ(patterns(), WORDS);
	ASSERT_EQ(pg.ctl->stores, WORDS);
	WAIT_FOR(!pg.ctl->used);
	check(0, WORDS, 1);
	end(WORDS);
}

/* No I/O: so no pager is needed for anything. */
static void no_pager_is_needed(void)
{
	u64 done;
	int ro;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	page_fill(map, 9, 0, 1);
	memset(map + PAGE_SIZE, 0, PAGE_SIZE);
	pager_lose(&pg, &pool);
	ASSERT_EQ(find(0, 2), 1);
	find_all(2, PAGES - 2);
	ASSERT_EQ(patterns(), PAGES - 2);
	ASSERT_EQ(in_state(0, 2, TARN_PAGE_RESIDENT), 1);
	ASSERT_EQ(in_state(0, 2, TARN_PAGE_EMPTY), 1);
	check(2, PAGES - 2, 1);
	fill(2, PAGES - 2, 2);
	check(2, PAGES - 2, 2);
	ASSERT_PAGE(map, 9, 0, 1);
	ASSERT(page_is_zero(map + PAGE_SIZE));
	/* A range is cut at the end of the file. */
	ASSERT_EQ(find(PAGES, 1), 0);
	ASSERT_EQ(find(PAGES - 1, ~0ULL), 1);
	ASSERT_EQ(find(0, 0), 0);
	/* For who may write to it. */
	ro = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(__part_find_patterns(ro, 0, 1, &done), -EPERM);
	close(ro);
	pager_launch(&pg);
	end(PAGES);

	pool_mount(&pool, "size=8M,paging=none");
	part = part_create(&pool, "a", 1);
	ASSERT_EQ(__part_find_patterns(part, 0, 1, &done), -ENODEV);
	close(part);
	part_unlink(&pool, "a");
	pool_umount(&pool);
}

/* What is cold the scanner finds by itself. */
static void the_scanner_finds_them(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set), .flags = TARN_POOL_SET_SCAN,
		.scan_permille = 1000,
	};
	u64 i;

	begin("size=8M", PAGES);
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	fill(0, PAGES, 1);
	for (i = 0; i < PAGES; i += 2)
		page_fill(map + i * PAGE_SIZE, 9, i, 1);
	WAIT_FOR(part_info(part).pattern_pages == PAGES / 2);
	/* They are added when the leaf is done. */
	WAIT_FOR(pool_info(&pool).searched_pages);
	WAIT_FOR(pool_info(&pool).search_ns);
	ASSERT_EQ(part_info(part).resident_pages, PAGES / 2);
	ASSERT_EQ(pg.ctl->stores, 0);
	for (i = 0; i < PAGES; i += 2)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
	for (i = 1; i < PAGES; i += 2)
		check(i, 1, 1);
	end(PAGES);
}

/*
 * A reserved page keeps its place, so it is stored whatever it holds. When the reservation
 * ends, as the call that made it is killed, its copy is read and turns out a pattern.
 */
static void a_stored_page_turns_out_one(void)
{
	pid_t pid;

	begin("size=8M", PAGES);
	page_fill(map + PAGE_SIZE, 9, 1, 1);
	ASSERT_EQ(part_page_out(part, 1, 1), 1);
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		fallocate(part, 0, 0, 2 * PAGE_SIZE);
		_exit(0);
	}
	WAIT_FOR(part_state(part, 1) == (TARN_PAGE_PAGED | TARN_PAGE_IN_FLIGHT));
	fill(0, 1, 1);
	ASSERT_EQ(find(0, 1), 0);
	ASSERT_EQ(part_page_out(part, 0, 1), 1);
	ASSERT_EQ(part_state(part, 0), TARN_PAGE_PAGED);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	pg.ctl->hold = 0;
	WAIT_FOR(part_state(part, 1) != (TARN_PAGE_PAGED | TARN_PAGE_IN_FLIGHT));
	check(0, 1, 1);
	ASSERT_EQ(part_state(part, 0), TARN_PAGE_PATTERN);
	ASSERT_EQ(patterns(), 1);
	ASSERT_PAGE(map + PAGE_SIZE, 9, 1, 1);
	ASSERT_EQ(part_info(part).paged_pages, 0);
	end(PAGES);
}

/* ---- reading and writing -------------------------------------------------- */

/* All of one pattern are read from one frame, which goes with the last mapping. */
static void readers_share_a_frame(void)
{
	u64 i;

	begin("size=8M", PAGES);
	for (i = 0; i < PAGES; i++)
		fill_words(words_of(i), word_of(i % 4, 1));
	find_all(0, PAGES);
	ASSERT_EQ(part_info(part).pattern_frames, 0);
	for (i = 0; i < PAGES; i++)
		ASSERT(all_words(words_of(i), word_of(i % 4, 1)));
	ASSERT_EQ(part_info(part).pattern_frames, 4);
	ASSERT_EQ(part_info(part).resident_pages, 0);
	ASSERT_EQ(patterns(), PAGES);
	munmap(map, PAGES * PAGE_SIZE);
	WAIT_FOR(!part_info(part).pattern_frames);
	map = part_map(part, PAGES);
	ASSERT(all_words(words_of(7), word_of(3, 1)));
	end(PAGES);
}

/* Nobody reads them any more, though they are mapped. */
static void idle_frames_go(void)
{
	begin("size=8M", PAGES);
	fill(0, 32, 1);
	find_all(0, 32);
	check(0, 32, 1);
	ASSERT_EQ(part_info(part).pattern_frames, 32);
	WAIT_FOR(!part_info(part).pattern_frames);
	ASSERT_EQ(patterns(), 32);
	check(0, 32, 1);
	end(PAGES);
}

/* Beyond a number of them a page that is read has a frame of its own. */
static void frames_are_bounded(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	find_all(0, PAGES);
	check(0, PAGES, 1);
	ASSERT_LE(part_info(part).pattern_frames, FRAMES_MOST);
	ASSERT_GE(part_info(part).resident_pages, 1);
	ASSERT_EQ(part_info(part).resident_pages + patterns(), PAGES);
	check(0, PAGES, 1);
	/* As if it had been written to: it is found again. */
	ASSERT_EQ(find(0, PAGES), part_info(part).pattern_drops - PAGES);
	find_all(0, PAGES);
	ASSERT_EQ(patterns(), PAGES);
	check(0, PAGES, 1);
	end(PAGES);
}

static void a_write_gives_a_frame(void)
{
	u64 i;

	begin("size=8M", PAGES);
	for (i = 0; i < PAGES; i++)
		fill_words(words_of(i), word_of(0, 1));
	find_all(0, PAGES);
	/* One that was read before, and one that was not. */
	ASSERT(all_words(words_of(3), word_of(0, 1)));
	words_of(3)[100] = 1;
	words_of(4)[0] = 2;
	ASSERT_EQ(patterns(), PAGES - 2);
	ASSERT_EQ(part_info(part).resident_pages, 2);
	ASSERT_EQ(words_of(3)[100], 1);
	ASSERT_EQ(words_of(3)[101], (s64)word_of(0, 1));
	ASSERT_EQ(words_of(4)[0], 2);
	ASSERT_EQ(words_of(4)[511], (s64)word_of(0, 1));
	for (i = 5; i < PAGES; i++)
		ASSERT(all_words(words_of(i), word_of(0, 1)));
	/* All of them, each read before. */
	fill(0, PAGES, 2);
	ASSERT_EQ(patterns(), 0);
	check(0, PAGES, 2);
	end(PAGES);
}

/* At any offset, and with no frame for it. */
static void read_and_write_calls(void)
{
	u8 want[PAGE_SIZE], got[PAGE_SIZE];
	u64 word = word_of(5, 1);
	size_t at, len;

	begin("size=8M", PAGES);
	fill(5, 1, 1);
	fill_words((u64 *)want, word);
	find_all(5, 1);
	for (at = 0; at < PAGE_SIZE; at += 501) {
		for (len = 1; at + len <= PAGE_SIZE; len = len * 3 + 1) {
			ASSERT_EQ(SYS(pread(part, got, len,
					    5 * PAGE_SIZE + at)), (long)len);
			ASSERT(!memcmp(got, want + at, len));
		}
	}
	ASSERT_EQ(part_info(part).pattern_frames, 0);
	ASSERT_EQ(patterns(), 1);
	ASSERT_EQ(SYS(pread(part, got, PAGE_SIZE, 5 * PAGE_SIZE)), PAGE_SIZE);
	ASSERT(!memcmp(got, want, PAGE_SIZE));
	/* A few bytes of it; then the rest is what it was. */
	ASSERT_EQ(SYS(pwrite(part, "abc", 3, 5 * PAGE_SIZE + 1001)), 3);
	memcpy(want + 1001, "abc", 3);
	ASSERT(!memcmp(words_of(5), want, PAGE_SIZE));
	ASSERT_EQ(patterns(), 0);
	end(PAGES);
}

static void what_is_looked_at_stays(void)
{
	static u64 data[4][WORDS];
	u8 states[4];
	struct tarn_partition_read r = {
		.size = sizeof(r), .start = 2, .count = 4,
		.data = (uintptr_t)data, .states = (uintptr_t)states,
	};

	begin("size=8M", PAGES);
	fill(2, 3, 1);
	find_all(2, 2);
	tarn_op(part, TARN_PARTITION_READ, &r);
	ASSERT_EQ(r.count, 4);
	ASSERT_EQ(states[0], TARN_PAGE_PATTERN);
	ASSERT_EQ(states[1], TARN_PAGE_PATTERN);
	ASSERT_EQ(states[2], TARN_PAGE_RESIDENT);
	ASSERT_EQ(states[3], TARN_PAGE_EMPTY);
	ASSERT(all_words(data[0], word_of(2, 1)));
	ASSERT(all_words(data[1], word_of(3, 1)));
	ASSERT(all_words(data[2], word_of(4, 1)));
	ASSERT_EQ(patterns(), 2);
	ASSERT_EQ(part_info(part).pattern_frames, 0);
	end(PAGES);
}

/* PAGE_IN asks for what is stored; a pattern is not. */
static void page_in_leaves_them(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES / 2, 1);
	page_fill(map + 200 * PAGE_SIZE, 9, 200, 1);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(part_page_in(part, 0, PAGES), 1);
	ASSERT_EQ(patterns(), PAGES / 2);
	end(PAGES);
}

/* Through another mapping, of another process, for reading only. */
static void other_mappings_see_the_write(void)
{
	u64 *other;
	pid_t pid;

	begin("size=8M", PAGES);
	fill(0, 4, 1);
	find_all(0, 4);
	other = (u64 *)part_map_prot(part, 4, PROT_READ);
	ASSERT_EQ(other[2 * WORDS + 5], (s64)word_of(2, 1));
	check(2, 1, 1);
	words_of(2)[5] = 77;
	ASSERT_EQ(other[2 * WORDS + 5], 77);
	ASSERT_EQ(other[3 * WORDS], (s64)word_of(3, 1));
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		words_of(3)[0] = 78;
		_exit(0);
	}
	ASSERT_EQ(reap(pid), 0);
	ASSERT_EQ(other[3 * WORDS], 78);
	ASSERT_EQ(other[3 * WORDS + 1], (s64)word_of(3, 1));
	munmap(other, 4 * PAGE_SIZE);
	end(PAGES);
}

/* What the frame held is known: it is replaced. */
static void a_memory_error_loses_nothing(void)
{
	long ret;
	u64 i;

	begin("size=8M", PAGES);
	for (i = 0; i < 4; i++)
		fill_words(words_of(i), word_of(0, 1));
	find_all(0, 4);
	ASSERT(all_words(words_of(0), word_of(0, 1)));
	ASSERT(all_words(words_of(1), word_of(0, 1)));
	/* The kernel finds that it can do nothing but remember. */
	ret = SYS(madvise(words_of(1), PAGE_SIZE, MADV_HWPOISON));
	TEST_REQUIRE(ret != -EINVAL, "the kernel has no MADV_HWPOISON");
	ASSERT(!ret || ret == -EBUSY);
	/* One that was not mapped yet has all of them mapped anew. */
	for (i = 4; i--;)
		ASSERT(all_words(words_of(i), word_of(0, 1)));
	ASSERT_EQ(patterns(), 4);
	ASSERT_EQ(part_info(part).pattern_frames, 1);
	ASSERT_EQ(pool_info(&pool).poisoned_frames, 0);
	words_of(0)[0] = 1;
	ASSERT_EQ(words_of(0)[1], (s64)word_of(0, 1));
	end(PAGES);
}

/* ---- what takes them away ------------------------------------------------- */

static void holes_and_the_end_of_the_file(void)
{
	u64 i;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	find_all(0, PAGES);
	/* Half of them mapped. */
	for (i = 0; i < 60; i++)
		check(i, 1, 1);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    10 * PAGE_SIZE, 100 * PAGE_SIZE));
	ASSERT_EQ(patterns(), PAGES - 100);
	for (i = 10; i < 110; i++)
		ASSERT(page_is_zero(words_of(i)));
	check(9, 1, 1);
	check(110, 1, 1);
	/* A part of one page. */
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    200 * PAGE_SIZE + 8, 8));
	ASSERT_EQ(words_of(200)[0], (s64)word_of(200, 1));
	ASSERT_EQ(words_of(200)[1], 0);
	ASSERT_EQ(words_of(200)[2], (s64)word_of(200, 1));
	ASSERT_OK(ftruncate(part, 5 * PAGE_SIZE + 16));
	ASSERT_EQ(patterns(), 5);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	ASSERT_EQ(words_of(5)[1], (s64)word_of(5, 1));
	ASSERT_EQ(words_of(5)[2], 0);
	ASSERT(page_is_zero(words_of(6)));
	ASSERT(page_is_zero(words_of(PAGES - 1)));
	check(0, 5, 1);
	end(PAGES);
}

/* ---- what must have a frame ----------------------------------------------- */

static void held_pages_stay(void)
{
	struct iovec v;
	int pipes[2];
	u64 *copy = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	begin("size=8M", PAGES);
	fill(0, 2, 1);
	v = (struct iovec){ words_of(0), PAGE_SIZE };
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_EQ(find(0, 2), 1);
	ASSERT_EQ(part_state(part, 0), TARN_PAGE_RESIDENT);
	/* What is written now is seen by who holds it. */
	words_of(0)[1] = 5;
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_EQ(copy[1], 5);
	words_of(0)[1] = word_of(0, 1);
	find_all(0, 2);
	check(0, 2, 1);
	/* A reader's frame is held: the page itself can be written to all the same. */
	v = (struct iovec){ words_of(1), PAGE_SIZE };
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	words_of(1)[1] = 6;
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT(all_words(copy, word_of(1, 1)));
	ASSERT_EQ(words_of(1)[1], 6);
	close(pipes[0]);
	close(pipes[1]);
	end(PAGES);
}

static void pinned_pages_get_frames(void)
{
	struct tarn_partition_register area = {
		.size = sizeof(area), .type = TARN_AREA_DMA,
		.offset = 2 * PAGE_SIZE, .bytes = 3 * PAGE_SIZE,
	};

	begin("size=8M", PAGES);
	fill(0, 8, 1);
	find_all(0, 8);
	check(2, 1, 1);
	tarn_op(part, TARN_PARTITION_REGISTER, &area);
	ASSERT_EQ(in_state(2, 3, TARN_PAGE_RESIDENT | TARN_PAGE_PINNED), 3);
	ASSERT_EQ(patterns(), 5);
	check(0, 8, 1);
	ASSERT_EQ(find(0, 8), 0);
	ASSERT_EQ(part_page_out(part, 0, 8), 5);
	area.type = 0;
	area.offset = 0;
	area.bytes = 0;
	tarn_op(part, TARN_PARTITION_UNREGISTER, &area);
	ASSERT_EQ(find(0, 8), 3);
	check(0, 8, 1);
	end(PAGES);
}

static void reserved_pages_keep_their_place(void)
{
	begin("size=8M", PAGES);
	ASSERT_OK(fallocate(part, 0, 0, 4 * PAGE_SIZE));
	fill(0, 4, 1);
	ASSERT_EQ(find(0, 4), 0);
	ASSERT_EQ(part_page_out(part, 0, 4), 4);
	ASSERT_EQ(in_state(0, 4, TARN_PAGE_PAGED), 4);
	check(0, 4, 1);
	ASSERT_EQ(in_state(0, 4, TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN), 4);
	/* A pattern gets a frame. */
	fill(8, 4, 1);
	find_all(8, 4);
	ASSERT_OK(fallocate(part, 0, 8 * PAGE_SIZE, 4 * PAGE_SIZE));
	ASSERT_EQ(in_state(8, 4, TARN_PAGE_RESIDENT), 4);
	check(8, 4, 1);
	end(PAGES);
}

/* ---- 2 MiB frames --------------------------------------------------------- */

#define BLOCK 512ULL

static void blocks(void)
{
	struct tarn_partition_info info;
	u64 i;

	begin("size=16M,huge=always", 2 * BLOCK);
	/* All of the first block; of the other one too little to be worth it. */
	fill(0, BLOCK + BLOCK / 2, 1);
	for (i = BLOCK + BLOCK / 2; i < 2 * BLOCK; i++)
		page_fill(words_of(i), 9, i, 1);
	ASSERT_EQ(part_info(part).block_pages, 2 * BLOCK);
	find_some(0, 2 * BLOCK, BLOCK);
	info = part_info(part);
	ASSERT_EQ(info.pattern_pages, BLOCK);
	ASSERT_EQ(info.block_pages, BLOCK);
	ASSERT_EQ(info.resident_pages, BLOCK);
	ASSERT_EQ(pool_info(&pool).free_frames, 7 * BLOCK);
	check(0, BLOCK + BLOCK / 2, 1);
	/* It goes as a whole, or when it has to for its other pages. */
	fill(BLOCK, BLOCK - 100, 1);
	find_some(BLOCK, BLOCK, BLOCK - 100);
	check(0, 2 * BLOCK - 100, 1);
	for (i = 2 * BLOCK - 100; i < 2 * BLOCK; i++)
		ASSERT_PAGE(words_of(i), 9, i, 1);
	end(2 * BLOCK);
}

static void blocks_that_are_paged_out(void)
{
	u64 i;

	begin("size=16M,huge=always", BLOCK);
	fill(0, BLOCK, 1);
	page_fill(words_of(9), 9, 9, 1);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	check(0, 9, 1);
	ASSERT_PAGE(words_of(9), 9, 9, 1);
	check(10, BLOCK - 10, 1);
	for (i = 0; i < BLOCK; i++)
		words_of(i)[0] = i;
	for (i = 0; i < BLOCK; i++)
		ASSERT_EQ(words_of(i)[0], (s64)i);
	end(BLOCK);
}

/* ---- all at once ---------------------------------------------------------- */

#define RACE_PAGES 64
#define RACE_ROUNDS 300

struct race {
	_Atomic u32 stop;
};

/* Takes whatever it can, by all ways. */
static int taker(void *arg)
{
	struct race *race = arg;
	struct rng rng = { .state = 77 };
	u64 done, n = 0;

	while (!race->stop) {
		u64 first = rng_below(&rng, RACE_PAGES);
		u64 count = 1 + rng_below(&rng, RACE_PAGES - first);

		if (n++ % 2)
			__part_page_out(part, first, count, &done);
		else
			__part_find_patterns(part, first, count, &done);
	}
	return 0;
}

/* A word of which each quarter is the same. */
static u64 quarters(u64 n)
{
	return (n & 0xffff) * 0x0001000100010001ULL;
}

/* Whatever it reads, each word is one that was written. */
static int reader(void *arg)
{
	struct race *race = arg;
	u64 i, at;

	while (!race->stop) {
		for (i = 0; i < RACE_PAGES; i++) {
			const volatile u64 *p = words_of(i);

			for (at = 0; at < WORDS; at += 7) {
				u64 word = p[at];

				if (word != quarters(word))
					FAIL("word %llu of page %llu is %llx",
					     (unsigned long long)at,
					     (unsigned long long)i,
					     (unsigned long long)word);
			}
		}
	}
	return 0;
}

static void races(void)
{
	struct race *race;
	struct rng rng = { .state = 5 };
	u64 want[RACE_PAGES] = {}, round, i;
	pid_t pid[3];

	begin("size=8M", RACE_PAGES);
	pg.ctl->truncates = 1;
	race = shared_alloc(sizeof(*race));
	pid[0] = spawn(taker, race);
	pid[1] = spawn(taker, race);
	pid[2] = spawn(reader, race);
	for (round = 1; round <= RACE_ROUNDS / test_slow(); round++) {
		for (i = 0; i < RACE_PAGES; i++) {
			if (!all_words(words_of(i), want[i]))
				FAIL("page %llu is not %llx",
				     (unsigned long long)i,
				     (unsigned long long)want[i]);
			switch (rng_below(&rng, 4)) {
			case 0:
				want[i] = quarters(round * 31 + i);
				fill_words(words_of(i), want[i]);
				break;
			case 1:
				ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE |
						    FALLOC_FL_KEEP_SIZE,
						    i * PAGE_SIZE, PAGE_SIZE));
				want[i] = 0;
				break;
			case 2:
				/* One word of it is another for a moment. */
				words_of(i)[round % WORDS] = quarters(i);
				words_of(i)[round % WORDS] = want[i];
				break;
			}
		}
	}
	race->stop = 1;
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		ASSERT_EQ(reap(pid[i]), 0);
	end(RACE_PAGES);
}

/* More than fits: reclaim finds patterns, and others need their frames. */
static void more_than_fits(void)
{
	const u64 pages = 8192;
	u64 i, round;

	begin("size=8M", pages);
	for (round = 1; round <= 2; round++) {
		for (i = 0; i < pages; i++) {
			if (i % 4)
				fill_words(words_of(i), word_of(i, round));
			else
				page_fill(words_of(i), 9, i, round);
		}
		for (i = 0; i < pages; i++) {
			if (!(i % 4))
				ASSERT_PAGE(words_of(i), 9, i, round);
			else if (!all_words(words_of(i), word_of(i, round)))
				FAIL("page %llu", (unsigned long long)i);
		}
	}
	ASSERT_LE(pg.ctl->stores, 2 * pages);
	ASSERT_GE(part_info(part).pattern_drops, pages / 2);
	end(pages);
}

static const struct tarn_test tests[] = {
	TEST(patterns_are_never_stored),
	TEST(others_are_stored),
	TEST(no_pager_is_needed),
	TEST(the_scanner_finds_them),
	TEST(a_stored_page_turns_out_one),
	TEST(readers_share_a_frame),
	TEST(idle_frames_go),
	TEST(frames_are_bounded),
	TEST(a_write_gives_a_frame),
	TEST(read_and_write_calls),
	TEST(what_is_looked_at_stays),
	TEST(page_in_leaves_them),
	TEST(other_mappings_see_the_write),
	TEST(a_memory_error_loses_nothing),
	TEST(holes_and_the_end_of_the_file),
	TEST(held_pages_stay),
	TEST(pinned_pages_get_frames),
	TEST(reserved_pages_keep_their_place),
	TEST(blocks),
	TEST(blocks_that_are_paged_out),
	TEST(races),
	TEST(more_than_fits),
};

TESTS_MAIN(tests)
