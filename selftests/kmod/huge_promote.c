// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of small frames that are in use become 2 MiB frames, and page tables have one
 * entry for them: which do, with what content, and what of a mapping stays as it was.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

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

static void pool_shares(u32 scan, u32 promote)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN | TARN_POOL_SET_PROMOTE,
		.scan_permille = scan,
		.promote_permille = promote,
	};

	tarn_op(pool.fd, TARN_POOL_SET, &set);
}

static void begin(const char *options, u64 pages)
{
	pool_mount(&pool, options);
	pool_shares(1000, 1000);
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

static void set_huge(u32 huge)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_HUGE,
		.huge = huge,
	};

	tarn_op(part, TARN_PARTITION_SET, &set);
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

static void punch(u64 first, u64 count)
{
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    first * PAGE_SIZE, count * PAGE_SIZE));
}

/* Small frames, no two of which lie beside each other. */
static void fill_small(u64 first, u64 count)
{
	u64 i;

	set_huge(TARN_HUGE_NEVER);
	for (i = first + count; i-- > first;)
		page_fill(page_of(i), 11, i, 1);
	set_huge(TARN_HUGE_ALWAYS);
}

static u64 blocks(void)
{
	return part_info(part).block_pages / BLOCK;
}

static u64 promotions(void)
{
	return part_info(part).block_promotions;
}

/* Use pages; true, for conditions. */
static bool touch(u64 first, u64 count)
{
	u64 i;

	flush_tlb();
	for (i = first; i < first + count; i++)
		(void)*(volatile u8 *)page_of(i);
	return true;
}

/* A line of smaps of the mapping at @at that begins with @key; where that begins. */
static unsigned long smaps_line(const void *at, const char *key, char *line,
				int room)
{
	unsigned long from = 0, to;
	bool here = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	ASSERT(f);
	while (fgets(line, room, f)) {
		if (here && !strncmp(line, key, strlen(key)))
			break;
		if (!here && sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from <= (unsigned long)at &&
			       (unsigned long)at < to;
	}
	fclose(f);
	ASSERT(here);
	return from;
}

/* Bytes of the mapping at @at for which page tables have entries of 2 MiB. */
static u64 huge_mapped(const void *at, unsigned long *from)
{
	unsigned long kib = 0;
	char line[256];

	*from = smaps_line(at, "FilePmdMapped:", line, sizeof(line));
	ASSERT(sscanf(line, "FilePmdMapped: %lu", &kib) == 1);
	return kib << 10;
}

/* Has a block a mapping of its own, as one that was made anew, and one entry? */
static bool is_anew(u64 index)
{
	unsigned long from;

	return huge_mapped(page_of(index), &from) == BLOCK_BYTES &&
	       from == (unsigned long)page_of(index);
}

static bool has_flag(const void *at, const char *flag)
{
	char line[256];

	smaps_line(at, "VmFlags:", line, sizeof(line));
	return strstr(line, flag);
}

/* Until a block has become a frame and is mapped by one entry, by being used. */
static void await_block(u64 index)
{
	WAIT_FOR(touch(index, BLOCK) && is_anew(index));
}

/* ---- which ---------------------------------------------------------------- */

/* The others keep theirs meanwhile. */
static void a_split_block_becomes_one_again(void)
{
	begin("size=48M,huge=always", 3 * BLOCK);
	fill(0, 3 * BLOCK, 1);
	punch(BLOCK + 7, 1);
	ASSERT_EQ(blocks(), 2);
	page_fill(page_of(BLOCK + 7), 11, BLOCK + 7, 1);
	await_block(BLOCK);
	ASSERT_EQ(blocks(), 3);
	ASSERT_EQ(promotions(), 1);
	ASSERT_EQ(pool_info(&pool).block_promotions, 1);
	check(0, 3 * BLOCK, 1);
	fill(0, 3 * BLOCK, 2);
	ASSERT_EQ(blocks(), 3);
	check(0, 3 * BLOCK, 2);
	end(3 * BLOCK);
}

/* What was never touched is zeroes then; what is not used stays as it is. */
static void what_is_used_becomes_one(void)
{
	begin("size=48M,huge=always", 3 * BLOCK);
	fill_small(0, 480);
	fill_small(BLOCK, BLOCK);
	fill_small(2 * BLOCK, 100);
	ASSERT(page_is_zero(page_of(500)));
	WAIT_FOR(touch(0, BLOCK) && touch(2 * BLOCK, 100) && promotions());
	await_block(0);
	ASSERT_EQ(blocks(), 1);
	ASSERT_EQ(part_info(part).resident_pages, 2 * BLOCK + 100);
	check(0, 480, 1);
	ASSERT(page_is_zero(page_of(480)));
	ASSERT(page_is_zero(page_of(500)));
	fill(480, 32, 1);
	check(0, 2 * BLOCK + 100, 1);
	ASSERT_EQ(blocks(), 1);
	/* Nothing of what they had before is left anywhere. */
	ASSERT_EQ(pool_info(&pool).limbo_frames, 0);
	end(3 * BLOCK);
}

static void pattern(u64 index, u64 word)
{
	u64 *p = (u64 *)page_of(index), i;

	for (i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		p[i] = word;
}

static void check_pattern(u64 index, u64 word)
{
	const u64 *p = (const u64 *)page_of(index);
	u64 i;

	for (i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		ASSERT_EQ(p[i], word);
}

/* What needs no frame gets one with the others: one that is read, one that nobody reads. */
static void patterns_are_filled(void)
{
	struct tarn_partition_range r = {
		.size = sizeof(struct tarn_partition_range),
		.start = 500,
		.count = 2,
	};

	begin("size=48M,huge=always", BLOCK);
	fill_small(0, 480);
	set_huge(TARN_HUGE_NEVER);
	pattern(500, 0x1234567890abcdef);
	pattern(501, 77);
	tarn_op(part, TARN_PARTITION_PATTERNS, &r);
	ASSERT_EQ(part_info(part).pattern_pages, 2);
	check_pattern(500, 0x1234567890abcdef);
	set_huge(TARN_HUGE_ALWAYS);
	await_block(0);
	ASSERT_EQ(part_info(part).pattern_pages, 0);
	ASSERT_EQ(part_info(part).resident_pages, BLOCK);
	check(0, 480, 1);
	check_pattern(500, 0x1234567890abcdef);
	check_pattern(501, 77);
	ASSERT(page_is_zero(page_of(502)));
	pattern(501, 78);
	check_pattern(501, 78);
	ASSERT_EQ(blocks(), 1);
	end(BLOCK);
}

/* What the pager has of it is read first. */
static void what_went_out_comes_back(void)
{
	begin("size=48M,huge=always", BLOCK);
	pager_start(&pg, &pool);
	fill_small(0, BLOCK);
	ASSERT_EQ(part_page_out(part, 100, 30), 30);
	WAIT_FOR(touch(0, 100) && touch(130, BLOCK - 130) && promotions());
	ASSERT_EQ(part_info(part).paged_pages, 0);
	await_block(0);
	check(0, BLOCK, 1);
	fill(0, BLOCK, 2);
	ASSERT_EQ(part_page_out(part, 0, BLOCK), BLOCK);
	check(0, BLOCK, 2);
	pager_stop(&pg);
	end(BLOCK);
}

/* Where the mapping says no, with the one behind it promoted; without a share of a CPU. */
static void none_where_none_is_wanted(void)
{
	u64 ns, looked;

	begin("size=48M,huge=always", 3 * BLOCK);
	fill_small(0, 3 * BLOCK);
	ASSERT_OK(madvise(page_of(BLOCK), BLOCK_BYTES, MADV_NOHUGEPAGE));
	pool_shares(1000, 0);
	/* So many looks make others warm enough. */
	looked = pool_info(&pool).scanned_pages;
	WAIT_FOR(touch(0, 3 * BLOCK) &&
		 pool_info(&pool).scanned_pages - looked >= 10 * 3 * BLOCK);
	ns = pool_info(&pool).promote_ns;
	ASSERT_EQ(pool_info(&pool).promote_permille, 0);
	ASSERT_EQ(promotions(), 0);
	pool_shares(1000, 1000);
	await_block(0);
	await_block(2 * BLOCK);
	ASSERT_EQ(promotions(), 2);
	ASSERT_EQ(blocks(), 2);
	ASSERT_GT(pool_info(&pool).promote_ns, ns);
	check(0, 3 * BLOCK, 1);
	end(3 * BLOCK);
}

/* ---- held pages ----------------------------------------------------------- */

static void none_while_a_page_is_held(void)
{
	static u8 copy[PAGE_SIZE];
	struct iovec v;
	int pipes[2];

	begin("size=48M,huge=always", 2 * BLOCK);
	fill_small(0, 2 * BLOCK);
	v = (struct iovec){ page_of(9), PAGE_SIZE };
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	WAIT_FOR(touch(0, 2 * BLOCK) && promotions());
	await_block(BLOCK);
	ASSERT_EQ(promotions(), 1);
	page_fill(page_of(9), 11, 9, 2);
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(copy, 11, 9, 2);
	await_block(0);
	ASSERT_PAGE(page_of(9), 11, 9, 2);
	close(pipes[0]);
	close(pipes[1]);
	end(2 * BLOCK);
}

/* ---- mappings ------------------------------------------------------------- */

static void a_mapping_keeps_what_was_said_of_it(void)
{
	unsigned long nodes = 1;

	begin("size=48M,huge=always", 3 * BLOCK);
	fill_small(0, 3 * BLOCK);
	ASSERT_OK(madvise(map, 3 * BLOCK_BYTES, MADV_DONTFORK));
	ASSERT_OK(madvise(map, 3 * BLOCK_BYTES, MADV_RANDOM));
	ASSERT_OK(madvise(map, 3 * BLOCK_BYTES, MADV_HUGEPAGE));
	ASSERT_OK(syscall(SYS_mbind, map, 3 * BLOCK_BYTES, MPOL_BIND, &nodes,
			  2, 0));
	ASSERT_OK(mprotect(page_of(2 * BLOCK), BLOCK_BYTES, PROT_READ));
	WAIT_FOR(touch(0, 3 * BLOCK) && promotions() == 3);
	await_block(BLOCK);
	await_block(2 * BLOCK);
	ASSERT(has_flag(page_of(BLOCK), " dc"));
	ASSERT(has_flag(page_of(BLOCK), " rr"));
	ASSERT(has_flag(page_of(BLOCK), " hg"));
	ASSERT(has_flag(page_of(BLOCK), " wr"));
	ASSERT(!has_flag(page_of(2 * BLOCK), " wr"));
	check(0, 3 * BLOCK, 1);
	fill(0, 2 * BLOCK, 2);
	check(0, 2 * BLOCK, 2);
	ASSERT_EQ(try_write(page_of(2 * BLOCK), 1), 11);
	ASSERT_OK(munmap(page_of(BLOCK), BLOCK_BYTES));
	end(3 * BLOCK);
}

/*
 * The process puts something else there, again and again, as the thread that maps blocks
 * anew comes by: that is never replaced, and what was there is never lost.
 */
static void what_else_is_mapped_there_stays(void)
{
	u64 round, done = 0;
	u8 *at;

	begin("size=48M,huge=always", 2 * BLOCK);
	fill_small(0, 2 * BLOCK);
	WAIT_FOR(touch(0, 2 * BLOCK) && promotions() == 2);
	for (round = 0; done < 5; round++) {
		u64 before = promotions();

		/* Its frames stay hot, and where they are. */
		punch(7, 1);
		page_fill(page_of(7), 11, 7, 1);
		WAIT_FOR(promotions() > before || round % 16);
		at = mmap(page_of(0), BLOCK_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		ASSERT_EQ((uintptr_t)at, (uintptr_t)map);
		page_fill(at, 13, 0, round + 1);
		page_fill(at + 300 * PAGE_SIZE, 13, 300, round + 1);
		ASSERT_PAGE(at, 13, 0, round + 1);
		msleep(rng_below(&(struct rng){ round + 1 }, 3));
		ASSERT_PAGE(at, 13, 0, round + 1);
		ASSERT_PAGE(at + 300 * PAGE_SIZE, 13, 300, round + 1);
		ASSERT(mmap(at, BLOCK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, part, 0) == at);
		check(0, BLOCK, 1);
		done += promotions() > before;
	}
	diag("%llu rounds, %llu promotions", (unsigned long long)round,
	     (unsigned long long)promotions());
	check(0, 2 * BLOCK, 1);
	end(2 * BLOCK);
}

static const struct tarn_test tests[] = {
	TEST(a_split_block_becomes_one_again),
	TEST(what_is_used_becomes_one),
	TEST(patterns_are_filled),
	TEST(what_went_out_comes_back),
	TEST(none_where_none_is_wanted),
	TEST(none_while_a_page_is_held),
	TEST(a_mapping_keeps_what_was_said_of_it),
	TEST(what_else_is_mapped_there_stays),
};

TESTS_MAIN(tests)
