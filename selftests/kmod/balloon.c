// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's balloon: its pages have no frame and read as zeroes; the first write to one of
 * them that nobody took back says that it is gone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 256ULL
#define BLOCK 512ULL

static struct pool pool;
static struct pager pg;
static int part, events, told;
static u8 *map;

static void begin(const char *options, u64 pages)
{
	struct tarn_partition_notify notify = {
		.size = sizeof(notify),
		.flags = TARN_NOTIFY_BALLOON,
	};

	pool_mount(&pool, options);
	pager_start(&pg, &pool);
	events = tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
	ASSERT_OK(fcntl(events, F_SETFL, O_NONBLOCK));
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
	told = ASSERT_OK(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	notify.eventfd = told;
	tarn_op(part, TARN_PARTITION_NOTIFY, &notify);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	close(events);
	close(told);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).balloon_pages, 0);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static u8 *page_of(u64 index)
{
	return map + index * PAGE_SIZE;
}

static void fill(u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		page_fill(page_of(i), 9, i, version);
}

static void check(u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		ASSERT_PAGE(page_of(i), 9, i, version);
}

static void check_zero(u64 first, u64 count)
{
	u64 i;

	for (i = first; i < first + count; i++)
		ASSERT(page_is_zero(page_of(i)));
}

static u64 in_state(u64 first, u64 count, u8 state)
{
	return part_count(part, first, count, 0xff, state);
}

static u64 ballooned(void)
{
	struct tarn_partition_info info = part_info(part);

	ASSERT_EQ(pool_info(&pool).balloon_pages, info.balloon_pages);
	ASSERT_EQ(in_state(0, info.logical_pages, TARN_PAGE_BALLOON),
		  info.balloon_pages);
	return info.balloon_pages;
}

static long __balloon(u32 op, u64 start, u64 count, u64 *done)
{
	struct tarn_partition_balloon b = {
		.size = sizeof(b),
		.op = op,
		.start = start,
		.count = count,
	};
	long ret = __tarn_op(part, TARN_PARTITION_BALLOON, &b);

	*done = b.done;
	return ret;
}

static u64 balloon(u32 op, u64 start, u64 count)
{
	u64 done;

	ASSERT_OK(__balloon(op, start, count, &done));
	return done;
}

static u64 inflate(u64 start, u64 count)
{
	return balloon(TARN_BALLOON_INFLATE, start, count);
}

/* 1: one was told, and is in *@ev. */
static bool gone(struct tarn_event *ev)
{
	u64 n;

	while (read(events, ev, sizeof(*ev)) == sizeof(*ev)) {
		if (ev->type != TARN_EVENT_BALLOON_GONE)
			continue;
		ASSERT_EQ(SYS(read(told, &n, sizeof(n))), sizeof(n));
		ASSERT_EQ(n, 1);
		ASSERT_EQ(ev->partition, part_info(part).id);
		return true;
	}
	ASSERT_ERR(read(told, &n, sizeof(n)), EAGAIN);
	return false;
}

static bool told_nothing(void)
{
	struct tarn_event ev;

	return !gone(&ev);
}

/* ---- into it -------------------------------------------------------------- */

static void pages_need_no_frame(void)
{
	u8 buf[PAGE_SIZE];
	u8 state;
	struct tarn_partition_read r = {
		.size = sizeof(r),
		.start = 64,
		.count = 1,
		.data = (uintptr_t)buf,
		.states = (uintptr_t)&state,
	};

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_EQ(inflate(64, 128), 128);
	ASSERT_EQ(ballooned(), 128);
	ASSERT_EQ(in_state(64, 128, TARN_PAGE_BALLOON), 128);
	ASSERT_EQ(part_info(part).resident_pages, PAGES - 128);
	check_zero(64, 128);
	ASSERT_EQ(SYS(pread(part, buf, PAGE_SIZE, 64 * PAGE_SIZE)), PAGE_SIZE);
	ASSERT(page_is_zero(buf));
	tarn_op(part, TARN_PARTITION_READ, &r);
	ASSERT_EQ(state, TARN_PAGE_BALLOON);
	ASSERT_EQ(ballooned(), 128);
	ASSERT_EQ(part_info(part).resident_pages, PAGES - 128);
	/* Twice, and with others. */
	ASSERT_EQ(inflate(64, 128), 128);
	ASSERT_EQ(inflate(60, 8), 8);
	ASSERT_EQ(ballooned(), 132);
	check(0, 60, 1);
	check(192, PAGES - 192, 1);
	ASSERT(told_nothing());
	end(PAGES);
}

static void from_any_state(void)
{
	struct tarn_partition_domain domain = {
		.size = sizeof(domain),
		.flags = TARN_DOMAIN_SET,
		.name = "x",
	};
	struct tarn_partition_range share = {
		.size = sizeof(share),
		.start = 80,
		.count = 16,
	};
	u64 i;

	begin("size=8M", PAGES);
	tarn_op(part, TARN_PARTITION_DOMAIN, &domain);
	/* Untouched, mapped to be read, dirty, clean, paged, pattern, shared: 16 of each. */
	check_zero(16, 16);
	fill(32, 32, 1);
	ASSERT_EQ(part_page_out(part, 32, 32), 32);
	check(32, 16, 1);
	fill(64, 16, 1);
	for (i = 80; i < 96; i++)
		page_fill(page_of(i), 9, 7, 1);
	WAIT_FOR(!__tarn_op(part, TARN_PARTITION_SHARE, &share) &&
		 in_state(80, 16, TARN_PAGE_SHARED) == 16);
	memset(page_of(96), 5, 16 * PAGE_SIZE);
	WAIT_FOR(!__part_find_patterns(part, 96, 16, &i) &&
		 in_state(96, 16, TARN_PAGE_PATTERN) == 16);
	ASSERT_EQ(inflate(0, 112), 112);
	ASSERT_EQ(ballooned(), 112);
	ASSERT_EQ(part_info(part).resident_pages, 0);
	ASSERT_EQ(part_info(part).paged_pages, 0);
	ASSERT_EQ(part_info(part).shared_pages, 0);
	ASSERT_EQ(part_info(part).pattern_pages, 0);
	WAIT_FOR(!pg.ctl->used);
	check_zero(0, 112);
	ASSERT(told_nothing());
	end(PAGES);
}

/* One that is read just then: what the pager gives is not wanted any more. */
static void while_it_is_read(void)
{
	begin("size=8M", PAGES);
	fill(0, 4, 1);
	ASSERT_EQ(part_page_out(part, 0, 4), 4);
	pg.ctl->hold = 1 << TARN_OP_LOAD;
	if (!fork())
		_exit(*(volatile u8 *)page_of(1));
	WAIT_FOR(in_state(1, 1, TARN_PAGE_PAGED | TARN_PAGE_IN_FLIGHT) == 1);
	ASSERT_EQ(inflate(0, 4), 4);
	/* It sees zeroes, before the pager has answered. */
	ASSERT_OK(wait(NULL));
	ASSERT_EQ(ballooned(), 4);
	pg.ctl->hold = 0;
	check_zero(0, 4);
	ASSERT(told_nothing());
	end(PAGES);
}

static void pinned_pages_stay(void)
{
	struct tarn_partition_register area = {
		.size = sizeof(area),
		.type = TARN_AREA_RING,
		.offset = 5 * PAGE_SIZE,
		.bytes = 2 * PAGE_SIZE,
	};

	begin("size=8M", PAGES);
	fill(0, 16, 1);
	tarn_op(part, TARN_PARTITION_REGISTER, &area);
	ASSERT_EQ(inflate(0, 16), 14);
	ASSERT_EQ(in_state(5, 2, TARN_PAGE_RESIDENT | TARN_PAGE_PINNED), 2);
	check(5, 2, 1);
	check_zero(0, 5);
	/* One that is pinned in the balloon comes back, which says nothing. */
	area.handle = 0;
	area.offset = 0;
	tarn_op(part, TARN_PARTITION_REGISTER, &area);
	ASSERT_EQ(ballooned(), 12);
	ASSERT_EQ(in_state(0, 2, TARN_PAGE_RESIDENT | TARN_PAGE_PINNED), 2);
	check_zero(0, 2);
	ASSERT(told_nothing());
	end(PAGES);
}

/* Somebody outside holds it: the frame is his until he lets go, the page is in the balloon. */
static void held_pages_are_in_limbo(void)
{
	struct iovec v;
	int pipes[2];

	begin("size=8M", PAGES);
	fill(0, 4, 1);
	ASSERT_OK(pipe(pipes));
	v = (struct iovec){ page_of(2), PAGE_SIZE };
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_EQ(inflate(0, 4), 4);
	ASSERT_EQ(ballooned(), 4);
	ASSERT_EQ(pool_info(&pool).limbo_frames, 1);
	check_zero(0, 4);
	close(pipes[0]);
	close(pipes[1]);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	end(PAGES);
}

/* ---- out of it ------------------------------------------------------------ */

static void what_is_taken_back_says_nothing(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_EQ(inflate(0, PAGES), PAGES);
	check_zero(0, PAGES);
	ASSERT_EQ(balloon(TARN_BALLOON_DEFLATE, 10, 20), 20);
	ASSERT_EQ(in_state(10, 20, TARN_PAGE_EMPTY), 20);
	fill(10, 20, 2);
	check(10, 20, 2);
	ASSERT_EQ(ballooned(), PAGES - 20);
	ASSERT(told_nothing());
	/* Of what is not in it nothing is changed. */
	ASSERT_EQ(balloon(TARN_BALLOON_DEFLATE, 0, PAGES), PAGES);
	check(10, 20, 2);
	ASSERT_EQ(ballooned(), 0);
	end(PAGES);
}

static void the_first_write_tells(void)
{
	u8 states[16];
	struct tarn_partition_read r = {
		.size = sizeof(r), .count = 16, .states = (uintptr_t)states,
		.data = (uintptr_t)aligned_alloc(PAGE_SIZE, 16 * PAGE_SIZE),
	};
	struct tarn_event ev;
	unsigned int i;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_EQ(inflate(0, 200), 200);
	ASSERT_EQ(balloon(TARN_BALLOON_DEFLATE, 50, 10), 10);
	fill(50, 10, 2);
	check_zero(0, 20);
	fill(7, 1, 3);
	ASSERT(gone(&ev));
	ASSERT_EQ(ev.index, 7);
	ASSERT_EQ(ev.value, 190);
	WAIT_FOR(!part_info(part).balloon_pages);
	ASSERT_EQ(in_state(0, 200, TARN_PAGE_EMPTY), 189);
	fill(0, 7, 3);
	ASSERT(told_nothing());
	/* What was taken back, and what never was in it, is as it was. */
	check(0, 8, 3);
	check_zero(8, 42);
	check(50, 10, 2);
	check(200, PAGES - 200, 1);
	ASSERT_EQ(part_info(part).balloons_gone, 1);
	ASSERT_EQ(pool_info(&pool).balloons_gone, 1);
	/* The next kernel has one of its own. */
	ASSERT_EQ(inflate(0, 16), 16);
	ASSERT_EQ(ballooned(), 16);
	fill(3, 1, 4);
	ASSERT(gone(&ev));
	ASSERT_EQ(ev.value, 16);
	/* They are empty at once, though who makes them so rests for a second. */
	ASSERT_EQ(in_state(0, 16, TARN_PAGE_EMPTY), 15);
	tarn_op(part, TARN_PARTITION_READ, &r);
	ASSERT_EQ(r.count, 16);
	for (i = 0; i < 16; i++)
		ASSERT_EQ(states[i], i == 3 ? TARN_PAGE_RESIDENT :
					      TARN_PAGE_EMPTY);
	WAIT_FOR(!part_info(part).balloon_pages);
	ASSERT_EQ(part_info(part).balloons_gone, 2);
	free((void *)(uintptr_t)r.data);
	end(PAGES);
}

/* Whoever has the file open is not the guest. */
static void write_calls_say_nothing(void)
{
	u8 buf[PAGE_SIZE];

	begin("size=8M", PAGES);
	ASSERT_EQ(inflate(0, PAGES), PAGES);
	page_fill(buf, 9, 3, 1);
	ASSERT_EQ(SYS(pwrite(part, buf, PAGE_SIZE, 3 * PAGE_SIZE)), PAGE_SIZE);
	check(3, 1, 1);
	ASSERT_EQ(ballooned(), PAGES - 1);
	ASSERT_OK(fallocate(part, 0, 0, 3 * PAGE_SIZE));
	check_zero(0, 3);
	ASSERT_EQ(ballooned(), PAGES - 4);
	ASSERT(told_nothing());
	end(PAGES);
}

static void a_reset_says_nothing(void)
{
	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_EQ(inflate(0, 100), 100);
	balloon(TARN_BALLOON_RESET, 0, 0);
	ASSERT_EQ(ballooned(), 0);
	fill(0, 100, 2);
	check(0, 100, 2);
	check(100, PAGES - 100, 1);
	ASSERT(told_nothing());
	ASSERT_EQ(part_info(part).balloons_gone, 0);
	end(PAGES);
}

/* Of whom only holes are known, a page leaves when it is written to. */
static void holes_may_be_it(void)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_OK(fallocate(part, mode, 0, 16 * PAGE_SIZE));
	ASSERT_EQ(ballooned(), 0);
	balloon(TARN_BALLOON_HOLES, 0, 1);
	ASSERT_OK(fallocate(part, mode, 16 * PAGE_SIZE, 16 * PAGE_SIZE));
	ASSERT_OK(madvise(page_of(32), 16 * PAGE_SIZE, MADV_REMOVE));
	ASSERT_EQ(ballooned(), 32);
	fill(20, 1, 2);
	ASSERT_EQ(ballooned(), 31);
	ASSERT(told_nothing());
	balloon(TARN_BALLOON_HOLES, 0, 0);
	ASSERT_OK(fallocate(part, mode, 48 * PAGE_SIZE, 16 * PAGE_SIZE));
	ASSERT_EQ(ballooned(), 31);
	balloon(TARN_BALLOON_RESET, 0, 0);
	ASSERT_EQ(ballooned(), 0);
	check(20, 1, 2);
	check_zero(21, 43);
	check(64, PAGES - 64, 1);
	end(PAGES);
}

static void the_end_of_the_file(void)
{
	begin("size=8M", PAGES);
	ASSERT_EQ(inflate(0, PAGES), PAGES);
	check_zero(0, PAGES);
	ASSERT_OK(ftruncate(part, 100 * PAGE_SIZE));
	ASSERT_EQ(part_info(part).balloon_pages, 100);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	ASSERT_EQ(ballooned(), 100);
	fill(100, PAGES - 100, 1);
	ASSERT(told_nothing());
	check(100, PAGES - 100, 1);
	/* All that lies beyond is cut. */
	ASSERT_EQ(inflate(PAGES - 6, 100), 6);
	ASSERT_EQ(inflate(PAGES, 100), 0);
	ASSERT_EQ(inflate(~0ULL, 2), 0);
	ASSERT_EQ(inflate(PAGES - 8, ~0ULL), 8);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    PAGE_SIZE));
	ASSERT_EQ(in_state(0, 1, TARN_PAGE_EMPTY), 1);
	ASSERT_EQ(ballooned(), 99 + 8);
	end(PAGES);
}

/* ---- blocks ---------------------------------------------------------------- */

static void blocks_go_and_come_back(void)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_HUGE,
		.huge = TARN_HUGE_ALWAYS,
	};
	u64 before;

	begin("size=32M", 4 * BLOCK);
	tarn_op(part, TARN_PARTITION_SET, &set);
	fill(0, 4 * BLOCK, 1);
	ASSERT_EQ(part_info(part).block_pages, 4 * BLOCK);
	before = pool_info(&pool).free_block_frames;
	ASSERT_EQ(inflate(0, BLOCK), BLOCK);
	WAIT_FOR(pool_info(&pool).free_block_frames == before + BLOCK);
	/* A part of one: the rest is as it was. */
	ASSERT_EQ(inflate(BLOCK + 100, 200), 200);
	check(BLOCK, 100, 1);
	check_zero(BLOCK + 100, 200);
	check(BLOCK + 300, BLOCK - 300, 1);
	ASSERT_EQ(part_info(part).block_pages, 2 * BLOCK);
	/* The guest's own pages of a block do not take others out of the balloon. */
	ASSERT_EQ(inflate(2 * BLOCK, BLOCK), BLOCK);
	ASSERT_EQ(balloon(TARN_BALLOON_DEFLATE, 2 * BLOCK, 8), 8);
	fill(2 * BLOCK, 8, 2);
	ASSERT_EQ(ballooned(), BLOCK + 200 + BLOCK - 8);
	ASSERT_EQ(part_info(part).block_pages, BLOCK);
	/* All that is taken back is one frame again. */
	check_zero(0, BLOCK);
	ASSERT_EQ(balloon(TARN_BALLOON_DEFLATE, 0, BLOCK), BLOCK);
	ASSERT_EQ(inflate(0, BLOCK), BLOCK);
	ASSERT_EQ(balloon(TARN_BALLOON_DEFLATE, 0, BLOCK), BLOCK);
	/* The zeroes had a table. */
	munmap(map, 4 * BLOCK * PAGE_SIZE);
	map = part_map(part, 4 * BLOCK);
	fill(17, 1, 3);
	ASSERT_EQ(in_state(0, BLOCK, TARN_PAGE_RESIDENT), BLOCK);
	ASSERT_EQ(part_info(part).block_pages, 2 * BLOCK);
	ASSERT(told_nothing());
	end(4 * BLOCK);
}

/* ---- who may, and what ------------------------------------------------------ */

static void arguments(void)
{
	struct tarn_partition_balloon b = { .size = sizeof(b), .op = TARN_BALLOON_INFLATE };
	struct tarn_partition_notify n = { .size = sizeof(n), .flags = 2, .eventfd = -1 };
	u64 done;
	int fd;

	begin("size=8M", PAGES);
	fill(0, PAGES, 1);
	ASSERT_EQ(__balloon(0, 0, 1, &done), -EINVAL);
	ASSERT_EQ(__balloon(5, 0, 1, &done), -EINVAL);
	ASSERT_EQ(__balloon(TARN_BALLOON_RESET, 1, 0, &done), -EINVAL);
	ASSERT_EQ(__balloon(TARN_BALLOON_RESET, 0, 1, &done), -EINVAL);
	ASSERT_EQ(__balloon(TARN_BALLOON_HOLES, 1, 1, &done), -EINVAL);
	ASSERT_EQ(__balloon(TARN_BALLOON_HOLES, 0, 2, &done), -EINVAL);
	b.flags = 1;
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_BALLOON, &b), -EINVAL);
	b.flags = 0;
	b.reserved = 1;
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_BALLOON, &b), -EINVAL);
	b.reserved = 0;
	b.count = 4;
	fd = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(__tarn_op(fd, TARN_PARTITION_BALLOON, &b), -EPERM);
	close(fd);
	ASSERT_EQ(__tarn_op(pool.fd, TARN_PARTITION_BALLOON, &b), -ENOTTY);
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_NOTIFY, &n), -EINVAL);
	ASSERT_EQ(ballooned(), 0);
	check(0, PAGES, 1);
	end(PAGES);
}

/* Pages that no frame is there for, and no pager: none is needed. */
static void without_a_pager(void)
{
	begin("size=2M", 1024);
	fill(0, 1024, 1);
	pager_lose(&pg, &pool);
	ASSERT_EQ(inflate(0, 1000), 1000);
	check_zero(0, 1000);
	pager_launch(&pg);
	check(1000, 24, 1);
	ASSERT(told_nothing());
	end(1024);
}

/* ---- at once ----------------------------------------------------------------- */

static _Atomic bool stop;

/* Pages [0, 64) go in and out; a page is written to only while it is out. */
static void *driver(void *arg)
{
	unsigned int seed = 1;

	while (!stop) {
		u64 first = rand_r(&seed) % 64, count = 1 + rand_r(&seed) % (64 - first);

		inflate(first, count);
		balloon(TARN_BALLOON_DEFLATE, first, count);
		fill(first, 1, 2);
		ASSERT_PAGE(page_of(first), 9, first, 2);
	}
	return arg;
}

/* Pages [64, 128) go in, and are written to while they are there. */
static void *stranger(void *arg)
{
	unsigned int seed = 2;

	while (!stop) {
		u64 at = 64 + rand_r(&seed) % 64;

		inflate(64, 64);
		fill(at, 1, 3);
		ASSERT_PAGE(page_of(at), 9, at, 3);
	}
	return arg;
}

static void *reader(void *arg)
{
	unsigned int seed = 3;

	while (!stop) {
		(void)*(volatile u8 *)page_of(rand_r(&seed) % 128);
		if (!(rand_r(&seed) % 64))
			balloon(TARN_BALLOON_RESET, 0, 0);
		if (!(rand_r(&seed) % 16))
			part_page_out(part, rand_r(&seed) % PAGES, 16);
	}
	return arg;
}

static void races(void)
{
	void *(*const threads[])(void *) = { driver, stranger, reader };
	pthread_t thread[ARRAY_SIZE(threads)];
	struct tarn_event ev;
	unsigned int i;

	begin("size=8M", PAGES);
	pg.ctl->truncates = 1;
	fill(128, 128, 1);
	stop = false;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, threads[i], NULL), 0);
	for (i = 0; i < 20; i++) {
		msleep(50);
		check(128, 128, 1);
	}
	stop = true;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_join(thread[i], NULL), 0);
	ASSERT_GT(part_info(part).balloons_gone, 0);
	balloon(TARN_BALLOON_RESET, 0, 0);
	ASSERT_EQ(ballooned(), 0);
	check(128, 128, 1);
	/* Of each somebody was told, be it of several at once. */
	while (read(events, &ev, sizeof(ev)) == sizeof(ev))
		;
	end(PAGES);
}

static const struct tarn_test tests[] = {
	TEST(pages_need_no_frame),
	TEST(from_any_state),
	TEST(while_it_is_read),
	TEST(pinned_pages_stay),
	TEST(held_pages_are_in_limbo),
	TEST(what_is_taken_back_says_nothing),
	TEST(the_first_write_tells),
	TEST(write_calls_say_nothing),
	TEST(a_reset_says_nothing),
	TEST(holes_may_be_it),
	TEST(the_end_of_the_file),
	TEST(blocks_go_and_come_back),
	TEST(arguments),
	TEST(without_a_pager),
	TEST(races),
};

TESTS_MAIN(tests)
