// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-out and page-in of one partition: content, states, counters, and that
 * no I/O happens which need not.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 256

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
	/* nothing is left stored once nobody needs it */
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void fill(u64 start, u64 count, u64 version)
{
	u64 i;

	for (i = start; i < start + count; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, version);
}

static void check(u64 start, u64 count, u64 version)
{
	u64 i;

	for (i = start; i < start + count; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, version);
}

static u64 in_state(u8 mask, u8 value)
{
	return part_count(part, 0, PAGES, mask, value);
}

static void out_and_in(void)
{
	struct tarn_pool_info info;
	struct stat st;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_EQ(in_state(0xff, TARN_PAGE_RESIDENT), PAGES);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(in_state(0xff, TARN_PAGE_PAGED), PAGES);
	info = pool_info(&pool);
	ASSERT_EQ(info.page_outs, PAGES);
	ASSERT_EQ(info.paged_pages, PAGES);
	ASSERT_EQ(info.resident_pages, 0);
	ASSERT_EQ(info.free_frames, info.frames);
	ASSERT_OK(fstat(part, &st));
	ASSERT_EQ(st.st_blocks, 0);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	ASSERT_EQ(pg.ctl->used, PAGES);
	check(0, PAGES, 1);
	info = pool_info(&pool);
	ASSERT_EQ(info.page_ins, PAGES);
	ASSERT_EQ(info.paged_pages, 0);
	ASSERT_EQ(info.resident_pages, PAGES);
	ASSERT_EQ(pg.ctl->loads, PAGES);
	end(PAGES);
}

static void clean_pages_go_without_a_write(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	check(0, PAGES, 1);
	ASSERT_EQ(in_state(0xff, TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN), PAGES);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	ASSERT_EQ(part_info(part).clean_drops, PAGES);
	ASSERT_EQ(part_info(part).page_outs, PAGES);
	check(0, PAGES, 1);
	end(PAGES);
}

/* The window goes with its pager, which wrote to frames through it, not to pages. */
static void clean_pages_outlive_their_pager(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	check(0, PAGES, 1);
	pager_kill(&pg);
	ASSERT_EQ(in_state(0xff, TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN), PAGES);
	pager_launch(&pg);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(part_info(part).clean_drops, PAGES);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	check(0, PAGES, 1);
	end(PAGES);
}

/* A write to a clean page must make it dirty, whichever way it comes. */
static void written_pages_are_stored_again(void)
{
	u8 page[PAGE_SIZE];
	u64 i;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	check(0, PAGES, 1);
	for (i = 0; i < PAGES; i += 2) {
		page_fill(page, 9, i, 2);
		if (i % 4)
			memcpy(map + i * PAGE_SIZE, page, PAGE_SIZE);
		else
			ASSERT_EQ(SYS(pwrite(part, page, PAGE_SIZE,
					     i * PAGE_SIZE)), PAGE_SIZE);
	}
	ASSERT_EQ(in_state(TARN_PAGE_CLEAN, TARN_PAGE_CLEAN), PAGES / 2);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, PAGES + PAGES / 2);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, i % 2 ? 1 : 2);
	ASSERT_EQ(pg.ctl->used, PAGES);
	end(PAGES);
}

/* The first touch of a paged page is a write: it may not count as clean. */
static void write_fault_on_a_paged_page(void)
{
	u64 i;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	fill(0, PAGES, 2);
	ASSERT_EQ(in_state(TARN_PAGE_CLEAN, TARN_PAGE_CLEAN), 0);
	part_page_out(part, 0, PAGES);
	check(0, PAGES, 2);
	/* one byte only */
	part_page_out(part, 0, PAGES);
	for (i = 0; i < PAGES; i++)
		map[i * PAGE_SIZE + 4095] ^= 0xff;
	part_page_out(part, 0, PAGES);
	for (i = 0; i < PAGES; i++)
		map[i * PAGE_SIZE + 4095] ^= 0xff;
	part_page_out(part, 0, PAGES);
	check(0, PAGES, 2);
	end(PAGES);
}

static void zero_pages_are_never_stored(void)
{
	u64 i;

	begin("size=8M", PAGES);
	memset(map, 0, PAGES * PAGE_SIZE);
	ASSERT_EQ(in_state(0x0f, TARN_PAGE_RESIDENT), PAGES);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(in_state(0xff, TARN_PAGE_EMPTY), PAGES);
	ASSERT_EQ(pg.ctl->stores, 0);
	ASSERT_EQ(part_info(part).zero_drops, PAGES);
	/* one byte anywhere is not zero */
	for (i = 0; i < PAGES; i++)
		map[i * PAGE_SIZE + i * 16] = 1;
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(map[i * PAGE_SIZE + i * 16], 1);
		map[i * PAGE_SIZE + i * 16] = 0;
	}
	/* zero again: the copies are given back */
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	WAIT_FOR(!pg.ctl->used);
	for (i = 0; i < PAGES; i++)
		ASSERT(page_is_zero(map + i * PAGE_SIZE));
	end(PAGES);
}

static void pressure(void)
{
	const u64 pages = 2000;
	struct tarn_pool_info info;
	u64 round, i;

	begin("size=4M", pages);
	for (round = 1; round <= 3; round++) {
		fill(0, pages, round);
		check(0, pages, round);
	}
	info = pool_info(&pool);
	ASSERT_GE(info.page_outs, pages - 1024);
	ASSERT_GE(info.paged_pages, pages - 1024);
	ASSERT_EQ(info.load_errors + info.checksum_errors + info.store_errors,
		  0);
	for (i = pages; i--;)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 3);
	end(pages);
}

static void page_in_call(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	ASSERT_EQ(part_page_in(part, 10, 20), 20);
	ASSERT_EQ(in_state(0xff, TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN), 20);
	ASSERT_EQ(pg.ctl->loads, 20);
	ASSERT_EQ(part_page_in(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->loads, PAGES);
	check(0, PAGES, 1);
	ASSERT_EQ(pg.ctl->loads, PAGES);
	end(PAGES);
}

static void reads_ahead_in_sequence(void)
{
	u64 i, ahead;

	begin("size=8M", PAGES);
	pool_readahead(&pool, 32);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	check(0, PAGES, 1);
	ahead = part_info(part).readahead;
	ASSERT_GE(ahead, PAGES / 2);
	ASSERT_EQ(ahead, pg.ctl->readaheads);
	ASSERT_EQ(part_info(part).page_ins, PAGES);
	/* backwards, far apart: nothing to guess */
	part_page_out(part, 0, PAGES);
	for (i = PAGES; i >= 37; i -= 37)
		check(i - 1, 1, 1);
	ASSERT_LE(part_info(part).readahead - ahead, PAGES / 4);
	/* and off */
	pool_readahead(&pool, 0);
	part_page_out(part, 0, PAGES);
	ahead = part_info(part).readahead;
	check(0, PAGES, 1);
	ASSERT_EQ(part_info(part).readahead, ahead);
	end(PAGES);
}

static void stores_come_in_runs(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	ASSERT_GE(pg.ctl->in_runs, PAGES / 2);
	end(PAGES);
}

static void read_and_write_calls(void)
{
	u8 buf[3 * PAGE_SIZE];
	u64 i;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(SYS(pread(part, buf, PAGE_SIZE, i * PAGE_SIZE)),
			  PAGE_SIZE);
		ASSERT_PAGE(buf, 9, i, 1);
	}
	part_page_out(part, 0, PAGES);
	/* a part of a paged page: the rest is kept */
	memset(buf, 0x3c, sizeof(buf));
	ASSERT_EQ(SYS(pwrite(part, buf, 5000, PAGE_SIZE - 100)), 5000);
	part_page_out(part, 0, PAGES);
	ASSERT_EQ(SYS(pread(part, buf, 3 * PAGE_SIZE, 0)), 3 * PAGE_SIZE);
	for (i = 4096 - 100; i < 4096 + 4900; i++)
		ASSERT_EQ(buf[i], 0x3c);
	page_fill(buf + 4096 - 100 - 3996, 9, 0, 1);
	ASSERT(!memcmp(buf, map, 4096 - 100));
	page_fill(buf, 9, 2, 1);
	ASSERT(!memcmp(buf + 804, map + 2 * PAGE_SIZE + 804, 4096 - 804));
	check(3, PAGES - 3, 1);
	end(PAGES);
}

static pid_t page_out_pid;

static int page_out_child(void *arg)
{
	u64 *range = arg, done;

	return __part_page_out(part, range[0], range[1], &done) ? 1 : 0;
}

static void start_page_out(u64 start, u64 count)
{
	u64 range[2] = { start, count };

	page_out_pid = spawn(page_out_child, range);
}

/* Pages in frames, clean and dirty, held, paged, and being written, in one hole. */
static void holes_in_all_states(void)
{
	struct iovec v;
	int pipes[2];

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	part_page_out(part, 0, PAGES);
	check(0, 128, 1);
	fill(64, 32, 2);
	pg.ctl->truncates = 1;
	pg.ctl->hold = 1U << TARN_OP_STORE;
	start_page_out(64, 16);
	WAIT_FOR(part_count(part, 64, 16, TARN_PAGE_IN_FLIGHT,
			    TARN_PAGE_IN_FLIGHT) == 16);
	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	v = (struct iovec){ map + 90 * PAGE_SIZE, PAGE_SIZE };
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    PAGE_SIZE, (PAGES - 2) * PAGE_SIZE));
	ASSERT_EQ(part_count(part, 1, PAGES - 2, 0x0f, TARN_PAGE_EMPTY),
		  PAGES - 2);
	ASSERT_EQ(part_info(part).resident_pages, 1);
	ASSERT_EQ(part_info(part).paged_pages, 1);
	pg.ctl->hold = 0;
	WAIT_FOR(pg.ctl->used == 2);
	close(pipes[0]);
	close(pipes[1]);
	ASSERT_EQ(reap(page_out_pid), 0);
	check(0, 1, 1);
	check(PAGES - 1, 1, 1);
	ASSERT(page_is_zero(map + 90 * PAGE_SIZE));
	fill(1, PAGES - 2, 3);
	check(1, PAGES - 2, 3);
	end(PAGES);
}

/* Tables: 12 bytes a page once it was stored and 16 a frame, and a little for each 2 MiB. */
static void what_tables_take(void)
{
	const u64 pages = 8 * 512, each = 256;
	struct tarn_pool_info info;
	u64 empty;

	begin("size=8M", pages);
	info = pool_info(&pool);
	empty = info.metadata_bytes;
	ASSERT_GE(empty, 16 * info.frames);
	ASSERT_LE(empty, 16 * info.frames + info.frames / 512 * each);
	fill(0, pages, 1);
	ASSERT_EQ(part_page_out(part, 0, pages), pages);
	info = pool_info(&pool);
	ASSERT_GE(info.metadata_bytes - empty, 12 * pages);
	ASSERT_LE(info.metadata_bytes - empty, 12 * pages + pages / 512 * each);
	check(0, 8, 1);
	end(pages);
	pool_mount(&pool, "size=8M");
	ASSERT_EQ(pool_info(&pool).metadata_bytes, empty);
	pool_umount(&pool);
}

static const struct tarn_test tests[] = {
	TEST(what_tables_take),
	TEST(out_and_in),
	TEST(clean_pages_go_without_a_write),
	TEST(clean_pages_outlive_their_pager),
	TEST(written_pages_are_stored_again),
	TEST(write_fault_on_a_paged_page),
	TEST(zero_pages_are_never_stored),
	TEST(pressure),
	TEST(page_in_call),
	TEST(reads_ahead_in_sequence),
	TEST(stores_come_in_runs),
	TEST(read_and_write_calls),
	TEST(holes_in_all_states),
};

TESTS_MAIN(tests)
