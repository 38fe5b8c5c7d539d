// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory errors in frames: who touches such a page is told, nobody else is; the
 * content comes from the pager where that has it; the frame is not used again.
 * Errors are made by madvise(MADV_HWPOISON) and the kernel's hwpoison-inject, so
 * the memory itself is good, and would show if it were read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "klog.h"
#include "pager.h"

#define PAGES 16
#define BAD 5
/* Frames of a pool of 2 MiB. */
#define FRAMES 512
#define INJECT "/sys/kernel/debug/hwpoison/corrupt-pfn"

static struct pool pool;
static struct pager pg;
static int part, events;
static u8 *map;

static u8 *page_of(u64 index)
{
	return map + index * PAGE_SIZE;
}

static void begin(const char *options)
{
	u64 i;

	pool_mount(&pool, options);
	events = tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
	ASSERT_OK(fcntl(events, F_SETFL, O_NONBLOCK));
	part = part_create(&pool, "a", PAGES);
	map = part_map(part, PAGES);
	for (i = 0; i < PAGES; i++)
		page_fill(page_of(i), 9, i, 1);
}

static void remove_file(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
}

/* All frames are free again but @retired. */
static void end(u64 retired)
{
	struct tarn_pool_info info;

	WAIT_FOR((info = pool_info(&pool), !info.partitions &&
		  !info.limbo_frames &&
		  info.free_frames + retired == info.frames));
	ASSERT_EQ(info.poisoned_frames, retired);
	ASSERT_EQ(info.resident_pages, 0);
	close(events);
	pool_umount(&pool);
}

/*
 * The kernel marks the page, finds that it can do nothing with it, and says EBUSY.
 * The mapping stays, so the test takes another one.
 */
static void poison(void *at)
{
	long ret = SYS(madvise(at, PAGE_SIZE, MADV_HWPOISON));

	TEST_REQUIRE(ret != -EINVAL, "the kernel has no MADV_HWPOISON");
	ASSERT(!ret || ret == -EBUSY);
}

static void map_anew(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	map = part_map(part, PAGES);
}

static sigjmp_buf caught;
static siginfo_t info;

static void on_sigbus(int sig, siginfo_t *si, void *context)
{
	info = *si;
	siglongjmp(caught, 1);
}

/* si_code of the SIGBUS that a touch gives, 0 if it gives none. */
static int touch(volatile u8 *p, bool write)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus,
				.sa_flags = SA_SIGINFO }, old;
	volatile int code = 0;

	ASSERT_OK(sigaction(SIGBUS, &sa, &old));
	if (sigsetjmp(caught, 1))
		code = info.si_code;
	else if (write)
		*p = 1;
	else
		(void)*p;
	ASSERT_OK(sigaction(SIGBUS, &old, NULL));
	if (code)
		ASSERT_EQ(((uintptr_t)info.si_addr & -PAGE_SIZE) -
			  ((uintptr_t)p & -PAGE_SIZE), 0);
	return code;
}

static struct tarn_event memory_error(void)
{
	struct tarn_event ev;

	do
		ASSERT_EQ(SYS(read(events, &ev, sizeof(ev))), sizeof(ev));
	while (ev.type != TARN_EVENT_MEMORY_ERROR);
	return ev;
}

static long peek(u64 index, u8 *to)
{
	u8 state;
	struct tarn_partition_read r = {
		.size = sizeof(r),
		.start = index,
		.count = 1,
		.data = (uintptr_t)to,
		.states = (uintptr_t)&state,
	};

	return __tarn_op(part, TARN_PARTITION_READ, &r);
}

static void check_others(u64 version)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		if (i != BAD)
			ASSERT_PAGE(page_of(i), 9, i, version);
}

static void who_touches_it_is_told(void)
{
	u8 buf[PAGE_SIZE];
	struct tarn_event ev;
	off_t at = BAD * PAGE_SIZE;
	int klog = klog_open();
	char line[64];

	begin("size=4M,paging=none");
	poison(page_of(BAD));
	map_anew();
	ASSERT_EQ(touch(page_of(BAD), false), BUS_MCEERR_AR);
	ASSERT_EQ(touch(page_of(BAD), true), BUS_MCEERR_AR);
	check_others(1);
	ASSERT_ERR(pread(part, buf, PAGE_SIZE, at), EIO);
	ASSERT_ERR(pwrite(part, buf, 1, at), EIO);
	ASSERT_EQ(peek(BAD, buf), -EIO);
	ASSERT_EQ(peek(BAD + 1, buf), 0);
	ASSERT_PAGE(buf, 9, BAD + 1, 1);
	/* what comes before it is read */
	ASSERT_EQ(SYS(pread(part, buf, PAGE_SIZE, at - 10)), 10);
	ASSERT_EQ(pool_info(&pool).poisoned_frames, 1);
	ev = memory_error();
	ASSERT_EQ(ev.partition, part_info(part).id);
	ASSERT_EQ(ev.index, BAD);
	snprintf(line, sizeof(line), "partition %u, page %d: its frame %lld ", ev.partition,
		 BAD, (long long)ev.value);
	ASSERT(klog_has(klog, line));
	close(klog);
	/* told once */
	ASSERT_ERR(read(events, &ev, sizeof(ev)), EAGAIN);
	remove_file();
	end(1);
}

/* A mapping that was there before: the page is taken from it once it is known. */
static void who_has_it_mapped_is_told(void)
{
	u8 buf[PAGE_SIZE];

	begin("size=4M,paging=none");
	poison(page_of(BAD));
	ASSERT_ERR(pread(part, buf, 1, BAD * PAGE_SIZE), EIO);
	ASSERT_EQ(touch(page_of(BAD), false), BUS_MCEERR_AR);
	check_others(1);
	remove_file();
	end(1);
}

/* All of a pool but the frame serves the next partition. */
static void nobody_gets_the_frame(void)
{
	struct tarn_pool_info i;
	u64 n;

	begin("size=2M,paging=none");
	poison(page_of(BAD));
	remove_file();
	i = pool_info(&pool);
	ASSERT_EQ(i.poisoned_frames, 1);
	ASSERT_EQ(i.free_frames, i.frames - 1);
	part = part_create(&pool, "a", i.frames);
	map = part_map(part, i.frames);
	for (n = 0; n < i.frames - 1; n++)
		page_fill(page_of(n), 9, n, 2);
	ASSERT_EQ(touch(page_of(n), true), BUS_ADRERR);
	for (n = 0; n < i.frames - 1; n++)
		ASSERT_PAGE(page_of(n), 9, n, 2);
	munmap(map, i.frames * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	end(1);
}

/* A hole makes the page anew. */
static void truncation_gives_another_frame(void)
{
	begin("size=4M,paging=none");
	poison(page_of(BAD));
	map_anew();
	ASSERT_EQ(touch(page_of(BAD), false), BUS_MCEERR_AR);
	/* not a part of it, which would be kept */
	ASSERT_ERR(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     BAD * PAGE_SIZE, 100), EIO);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    BAD * PAGE_SIZE, PAGE_SIZE));
	ASSERT(page_is_zero(page_of(BAD)));
	page_fill(page_of(BAD), 9, BAD, 1);
	ASSERT_PAGE(page_of(BAD), 9, BAD, 1);
	check_others(1);
	remove_file();
	end(1);
}

/* The pager has what a clean page holds: nobody notices. */
static void clean_pages_come_back(void)
{
	u8 buf[PAGE_SIZE];
	u64 i;

	begin("size=4M");
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	part_page_out(part, 0, PAGES);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(page_of(i), 9, i, 1);
	ASSERT_EQ(part_state(part, BAD), TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN);
	/* by a fault */
	poison(page_of(BAD));
	map_anew();
	ASSERT_PAGE(page_of(BAD), 9, BAD, 1);
	/* by a write */
	poison(page_of(BAD));
	map_anew();
	ASSERT_EQ(touch(page_of(BAD), true), 0);
	page_fill(page_of(BAD), 9, BAD, 1);
	/* by read(2), by a look at it, and by being given up */
	for (i = BAD + 1; i <= BAD + 3; i++)
		poison(page_of(i));
	ASSERT_EQ(SYS(pread(part, buf, PAGE_SIZE, (BAD + 1) * PAGE_SIZE)),
		  PAGE_SIZE);
	ASSERT_PAGE(buf, 9, BAD + 1, 1);
	ASSERT_EQ(peek(BAD + 2, buf), 0);
	ASSERT_PAGE(buf, 9, BAD + 2, 1);
	ASSERT_EQ(part_page_out(part, BAD + 3, 1), 1);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(page_of(i), 9, i, 1);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	remove_file();
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	end(5);
}

static int write_more_than_fits(void *arg)
{
	u8 *more = part_map(part, 2 * FRAMES);
	u64 i;

	for (i = PAGES; i < 2 * FRAMES; i++)
		page_fill(more + i * PAGE_SIZE, 9, i, 1);
	return 0;
}

/* Pages with a valid copy. They are used, be it by a mapping from before an error. */
static u64 use_and_count_clean(void)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		(void)*(volatile u8 *)page_of(i);
	return part_count(part, 0, PAGES,
			  TARN_PAGE_STATE_MASK | TARN_PAGE_CLEAN,
			  TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN);
}

/*
 * Pages that stay lose their copies when the pager has no room: not the one whose copy
 * is all that is left of it.
 */
static void clean_pages_keep_their_copy(void)
{
	pid_t writer;

	begin("size=2M");
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	check_others(1);
	ASSERT_PAGE(page_of(BAD), 9, BAD, 1);
	poison(page_of(BAD));
	ASSERT_OK(ftruncate(part, 2 * FRAMES * PAGE_SIZE));
	pager_status(&pg, TARN_PAGER_IS_FULL);
	writer = spawn(write_more_than_fits, NULL);
	/* as they are used they stay, dirty without their copies */
	WAIT_FOR(use_and_count_clean() <= 1 && pg.ctl->drops);
	ASSERT_OK(kill(writer, SIGKILL));
	ASSERT_EQ(reap(writer), 256 + SIGKILL);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	pager_status(&pg, 0);
	map_anew();
	ASSERT_PAGE(page_of(BAD), 9, BAD, 1);
	check_others(1);
	remove_file();
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	end(1);
}

/* It is neither looked at for zeroes nor stored, and does not go. */
static void dirty_pages_are_not_given_up(void)
{
	u64 i;

	begin("size=4M");
	pager_start(&pg, &pool);
	memset(page_of(BAD), 0, PAGE_SIZE);
	poison(page_of(BAD));
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES - 1);
	ASSERT_EQ(part_state(part, BAD), TARN_PAGE_RESIDENT);
	ASSERT_EQ(pg.ctl->stores, PAGES - 1);
	ASSERT_EQ(part_info(part).zero_drops, 0);
	ASSERT_EQ(touch(page_of(BAD), false), BUS_MCEERR_AR);
	check_others(1);
	for (i = 0; i < 3; i++)
		part_page_out(part, 0, PAGES);
	ASSERT_EQ(memory_error().index, BAD);
	remove_file();
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	end(1);
}

/* What is moved when a pool shrinks, and the chunk that a retired frame is in. */
static void shrinking(void)
{
	bool stuck;
	u64 i, n;

	/* frames of both chunks */
	begin("size=4M,paging=none");
	n = pool_info(&pool).frames - PAGES;
	ASSERT_OK(ftruncate(part, (PAGES + n) * PAGE_SIZE));
	ASSERT_OK(fallocate(part, 0, PAGES * PAGE_SIZE, n * PAGE_SIZE));
	for (i = 0; i < PAGES; i++)
		poison(page_of(i));
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	/* they can't be read, so they can't be moved */
	stuck = __pool_remount(&pool, "size=2M") == -EBUSY;
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_EQ(pool_info(&pool).poisoned_frames, PAGES);
	diag("%s", stuck ? "they were in the way" : "they were in what stays");
	ASSERT_EQ(__pool_remount(&pool, "size=2M"), 0);
	n = pool_info(&pool).poisoned_frames;
	ASSERT_LE(n, PAGES);
	remove_file();
	end(n);
}

static u64 pfn_of(void *at)
{
	int fd = ASSERT_OK(open("/proc/self/pagemap", O_RDONLY));
	u64 e = 0;

	ASSERT_EQ(SYS(pread(fd, &e, sizeof(e), (uintptr_t)at / PAGE_SIZE * 8)),
		  sizeof(e));
	close(fd);
	ASSERT(e >> 63);
	return e & ((1ULL << 55) - 1);
}

static void need_inject(void)
{
	if (system("modprobe hwpoison-inject") || access(INJECT, W_OK))
		test_skip("the kernel has no hwpoison-inject");
}

static void inject(u64 pfn)
{
	FILE *f = fopen(INJECT, "w");

	ASSERT(f);
	fprintf(f, "0x%llx", (unsigned long long)pfn);
	fclose(f);
}

/* Found by the memory controller, not by a touch, and while the frame is free. */
static void found_in_free_frames(void)
{
	struct tarn_pool_info i;
	u64 pfn[PAGES], n;

	need_inject();
	begin("size=2M,paging=none");
	for (n = 0; n < PAGES; n++)
		pfn[n] = pfn_of(page_of(n));
	remove_file();
	for (n = 0; n < PAGES; n++)
		inject(pfn[n]);
	i = pool_info(&pool);
	ASSERT_EQ(i.free_frames, i.frames);
	part = part_create(&pool, "a", i.frames);
	/* all that are good can be had, and no more */
	ASSERT_OK(fallocate(part, 0, 0, (i.frames - PAGES) * PAGE_SIZE));
	ASSERT_ERR(fallocate(part, 0, 0, i.frames * PAGE_SIZE), ENOSPC);
	ASSERT_EQ(pool_info(&pool).poisoned_frames, PAGES);
	ASSERT_EQ(memory_error().partition, TARN_PARTITION_NONE);
	close(part);
	part_unlink(&pool, "a");
	end(PAGES);
}

/* What empty pages are read from gives way to another page, and no frame has to. */
static void zeroes_are_read_from_another_page(void)
{
	u64 pfn;

	need_inject();
	begin("size=8M");
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    0, 4 * PAGE_SIZE));
	ASSERT_EQ(*page_of(0), 0);
	pfn = pfn_of(page_of(0));
	ASSERT_EQ(*page_of(1), 0);
	ASSERT_EQ(pfn_of(page_of(1)), pfn);
	inject(pfn);
	/* Who reads the next one finds that, and takes it from all. */
	ASSERT_EQ(*page_of(2), 0);
	ASSERT_NE(pfn_of(page_of(2)), pfn);
	ASSERT_EQ(*page_of(0), 0);
	ASSERT_EQ(pfn_of(page_of(0)), pfn_of(page_of(2)));
	ASSERT_EQ(pool_info(&pool).poisoned_frames, 0);
	*page_of(1) = 1;
	ASSERT_EQ(*page_of(0), 0);
	remove_file();
	end(0);
}

/* The frame that a page is being read into: it is read into another one. */
static void found_while_read_into(void)
{
	begin("size=4M");
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	part_page_out(part, 0, PAGES);
	pg.ctl->poison_index = BAD;
	ASSERT_PAGE(page_of(BAD), 9, BAD, 1);
	ASSERT_EQ(pg.ctl->loads, 2);
	ASSERT_EQ(pool_info(&pool).load_errors, 0);
	ASSERT_EQ(pool_info(&pool).checksum_errors, 0);
	check_others(1);
	remove_file();
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	end(1);
}

static const struct tarn_test tests[] = {
	TEST(who_touches_it_is_told),
	TEST(who_has_it_mapped_is_told),
	TEST(nobody_gets_the_frame),
	TEST(truncation_gives_another_frame),
	TEST(clean_pages_come_back),
	TEST(clean_pages_keep_their_copy),
	TEST(dirty_pages_are_not_given_up),
	TEST(shrinking),
	TEST(found_in_free_frames),
	TEST(zeroes_are_read_from_another_page),
	TEST(found_while_read_into),
};

TESTS_MAIN(tests)
