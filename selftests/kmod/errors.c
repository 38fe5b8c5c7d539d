// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors of the pager's devices: each has a defined answer, concerns only the
 * pages it is about, is told, and loses nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64

static struct pool pool;
static struct pager pg;
static int part, events;
static u8 *map;

static void begin(const char *options, u64 pages)
{
	pool_mount(&pool, options);
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	events = tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
	ASSERT_OK(fcntl(events, F_SETFL, O_NONBLOCK));
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	close(events);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void fill(u64 pages, u64 version)
{
	u64 i;

	for (i = 0; i < pages; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, version);
}

static void check(u64 pages, u64 version)
{
	u64 i;

	for (i = 0; i < pages; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, version);
}

/*
 * Read events until one of @type comes. It may come a moment after the pool's flags
 * have changed.
 */
static struct tarn_event event_of(u32 type)
{
	struct pollfd p = { .fd = events, .events = POLLIN };
	struct tarn_event ev;

	do {
		WAIT_FOR(poll(&p, 1, 100));
		ASSERT_EQ(SYS(read(events, &ev, sizeof(ev))), sizeof(ev));
	} while (ev.type != type);
	return ev;
}

static void load_error(void)
{
	struct tarn_event ev;
	u8 buf[PAGE_SIZE];
	u64 i, done;

	begin("size=8M", PAGES);
	fill(PAGES, 1);
	part_page_out(part, 0, PAGES);
	pg.ctl->match_index = 5;
	pg.ctl->load_error = EIO;
	for (i = 0; i < PAGES; i++) {
		if (i == 5)
			ASSERT_EQ(try_read(map + i * PAGE_SIZE, NULL), SIGBUS);
		else
			ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
	}
	ev = event_of(TARN_EVENT_LOAD_ERROR);
	ASSERT_EQ(ev.partition, part_info(part).id);
	ASSERT_EQ(ev.index, 5);
	ASSERT_EQ(llabs(ev.value), EIO);
	ASSERT_EQ(pool_info(&pool).load_errors, 1);
	ASSERT_EQ(part_info(part).errors, 1);
	ASSERT_EQ(part_state(part, 5), TARN_PAGE_PAGED);
	/* the same by system calls */
	ASSERT_ERR(pread(part, buf, PAGE_SIZE, 5 * PAGE_SIZE), EIO);
	ASSERT_ERR(pwrite(part, buf, 100, 5 * PAGE_SIZE), EIO);
	ASSERT_EQ(__part_page_in(part, 4, 3, &done), -EIO);
	/* a write, too, must not invent the rest of the page */
	ASSERT_EQ(try_write(map + 5 * PAGE_SIZE, 1), SIGBUS);
	/* nothing was lost: when the device is well again, so is the page */
	pg.ctl->load_error = 0;
	ASSERT_PAGE(map + 5 * PAGE_SIZE, 9, 5, 1);
	check(PAGES, 1);
	end(PAGES);
}

static void checksums(void)
{
	struct tarn_event ev;

	begin("size=8M", PAGES);
	fill(PAGES, 1);
	part_page_out(part, 0, PAGES);
	pg.ctl->match_index = 7;
	/* one bad copy, one good one: nobody notices */
	pg.ctl->corrupt = PAGER_CORRUPT_FIRST;
	check(PAGES, 1);
	ASSERT_EQ(pg.ctl->mismatches, 1);
	ASSERT_EQ(pool_info(&pool).checksum_errors, 0);
	/* no other copy */
	part_page_out(part, 0, PAGES);
	pg.ctl->corrupt = PAGER_CORRUPT_EILSEQ;
	ASSERT_EQ(try_read(map + 7 * PAGE_SIZE, NULL), SIGBUS);
	ASSERT_EQ(pg.ctl->mismatches, 2);
	ev = event_of(TARN_EVENT_CHECKSUM);
	ASSERT_EQ(ev.partition, part_info(part).id);
	ASSERT_EQ(ev.index, 7);
	ASSERT_EQ(pool_info(&pool).checksum_errors, 1);
	ASSERT_EQ(pool_info(&pool).load_errors, 0);
	ASSERT_EQ(part_info(part).errors, 1);
	/* a liar of a pager: asked once more, not for ever */
	pg.ctl->corrupt = PAGER_CORRUPT_ALWAYS;
	ASSERT_EQ(try_read(map + 7 * PAGE_SIZE, NULL), SIGBUS);
	ASSERT_EQ(pg.ctl->mismatches, 3);
	ASSERT_EQ(pool_info(&pool).checksum_errors, 2);
	pg.ctl->corrupt = PAGER_CORRUPT_NONE;
	check(PAGES, 1);
	end(PAGES);
}

static void store_error(void)
{
	struct tarn_event ev;
	u64 done;

	begin("size=8M", PAGES);
	fill(PAGES, 1);
	pg.ctl->match_index = 9;
	pg.ctl->store_error = EIO;
	ASSERT_EQ(__part_page_out(part, 0, PAGES, &done), 0);
	ASSERT_EQ(done, PAGES - 1);
	ASSERT_EQ(part_state(part, 9), TARN_PAGE_RESIDENT);
	ev = event_of(TARN_EVENT_STORE_ERROR);
	ASSERT_EQ(ev.partition, part_info(part).id);
	ASSERT_EQ(ev.index, 9);
	ASSERT_EQ(llabs(ev.value), EIO);
	ASSERT_EQ(pool_info(&pool).store_errors, 1);
	check(PAGES, 1);
	pg.ctl->store_error = 0;
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	check(PAGES, 1);
	end(PAGES);
}

/* An outdated copy stays allocated when its replacement can't be stored. */
static void store_error_of_a_page_with_a_copy(void)
{
	u64 done;

	begin("size=8M", PAGES);
	fill(PAGES, 1);
	part_page_out(part, 0, PAGES);
	fill(PAGES, 2);
	pg.ctl->store_error = EIO;
	ASSERT_EQ(__part_page_out(part, 0, PAGES, &done), 0);
	ASSERT_EQ(done, 0);
	ASSERT_EQ(pg.ctl->used, PAGES);
	check(PAGES, 2);
	pg.ctl->store_error = 0;
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->used, PAGES);
	check(PAGES, 2);
	end(PAGES);
}

/* A reservation that fails leaves what was in frames there. */
static void load_error_of_a_reservation(void)
{
	const u64 bad = PAGES / 2;

	begin("size=8M", PAGES);
	fill(PAGES, 1);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	check(PAGES, 1);
	ASSERT_EQ(part_page_out(part, bad, 1), 1);
	pg.ctl->match_index = bad;
	pg.ctl->load_error = EIO;
	ASSERT_ERR(fallocate(part, 0, 0, PAGES * PAGE_SIZE), EIO);
	ASSERT_EQ(part_count(part, 0, bad,
			     TARN_PAGE_STATE_MASK | TARN_PAGE_CLEAN,
			     TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN), bad);
	pg.ctl->load_error = 0;
	check(PAGES, 1);
	end(PAGES);
}

/* While the pager is full, growth leaves what is below the low marks of all nodes. */
static bool growth_waits(void)
{
	struct tarn_pool_info info = pool_info(&pool);

	return info.free_frames <= info.low_frames && info.frame_waits;
}

static int fill_more_than_fits(void *arg)
{
	fill(1500, 3);
	check(1500, 3);
	return 0;
}

static void no_room(void)
{
	struct tarn_event ev;
	pid_t writer;
	int i;

	begin("size=4M", 1500);
	pg.ctl->capacity = 100;
	writer = spawn(fill_more_than_fits, NULL);
	WAIT_FOR(pool_info(&pool).flags & TARN_POOL_FULL);
	WAIT_FOR(growth_waits());
	ev = event_of(TARN_EVENT_PAGING_FULL);
	ASSERT_EQ(ev.value, 1);
	ASSERT_LE(pg.ctl->used, 100);
	ASSERT_EQ(pool_info(&pool).store_errors, 0);
	/* what is resident can be used meanwhile */
	for (i = 0; i < 1500; i++) {
		if ((part_state(part, i) & 0x1f) == TARN_PAGE_RESIDENT)
			ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 3);
	}
	ASSERT_EQ(SYS(kill(writer, 0)), 0);
	/* room again: it goes on by itself */
	pg.ctl->capacity = 2000;
	pager_status(&pg, 0);
	ASSERT_EQ(reap(writer), 0);
	ev = event_of(TARN_EVENT_PAGING_FULL);
	ASSERT_EQ(ev.value, 0);
	check(1500, 3);
	end(1500);
}

/*
 * As many pages as fit in frames and with the pager are there. All of them can be
 * used: one comes back and another one goes.
 */
static void exchange(bool in_place)
{
	const u64 room = 200, spare = 100;
	struct tarn_pool_info info;
	u64 i, ins, there;
	pid_t writer;
	int round;

	begin("size=4M", 1500);
	info = pool_info(&pool);
	there = info.frames - info.low_frames + room - spare;
	pg.ctl->capacity = room;
	pg.ctl->in_place = in_place;
	writer = spawn(fill_more_than_fits, NULL);
	WAIT_FOR((part_state(part, there) & 0x1f) != TARN_PAGE_EMPTY);
	WAIT_FOR(pool_info(&pool).flags & TARN_POOL_FULL);
	ins = pool_info(&pool).page_ins;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < there; i++) {
			ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 3);
			/* read it, write it, or both */
			if ((i + round) % 3)
				page_fill(map + i * PAGE_SIZE, 9, i, 3);
		}
	}
	ASSERT_GE(pool_info(&pool).page_ins, ins + 100);
	ASSERT_LE(pg.ctl->used, room);
	ASSERT_EQ(SYS(kill(writer, 0)), 0);
	pg.ctl->capacity = 2000;
	pager_status(&pg, 0);
	ASSERT_EQ(reap(writer), 0);
	check(1500, 3);
	end(1500);
}

static void no_room_exchange(void)
{
	exchange(false);
}

static void no_room_exchange_in_place(void)
{
	exchange(true);
}

/* Truncation, too, makes room: of frames if not of paging space. */
static void no_room_then_a_punch(void)
{
	pid_t writer;

	begin("size=4M", 1500);
	pg.ctl->capacity = 0;
	writer = spawn(fill_more_than_fits, NULL);
	WAIT_FOR(pool_info(&pool).flags & TARN_POOL_FULL);
	WAIT_FOR(growth_waits());
	ASSERT_OK(kill(writer, SIGKILL));
	ASSERT_EQ(reap(writer), 256 + SIGKILL);
	ASSERT_OK(madvise(map, 800 * PAGE_SIZE, MADV_REMOVE));
	/* growth may have begun before it had to leave so much */
	fill(800 - pool_info(&pool).low_frames, 4);
	check(800 - pool_info(&pool).low_frames, 4);
	end(1500);
}

/* A full pager forgets pages, others take their room: not those whose store fails. */
static void no_room_then_errors(void)
{
	const u32 room = 32, forgotten = 8;
	int tries;

	begin("size=4M", PAGES);
	pg.ctl->capacity = room;
	fill(PAGES, 1);
	ASSERT_EQ(part_page_out(part, 0, PAGES), room);
	ASSERT(pool_info(&pool).flags & TARN_POOL_FULL);
	pg.ctl->store_error = EIO;
	ASSERT_OK(madvise(map, forgotten * PAGE_SIZE, MADV_REMOVE));
	WAIT_FOR((part_page_out(part, room, PAGES - room),
		  pool_info(&pool).store_errors >= forgotten));
	ASSERT_EQ(pg.ctl->used, room - forgotten);
	pg.ctl->store_error = 0;
	for (tries = 0; tries < 5000 && pg.ctl->used < room; tries++) {
		part_page_out(part, room, PAGES - room);
		msleep(2);
	}
	ASSERT_EQ(pg.ctl->used, room);
	end(PAGES);
}

static int fill_twice_the_pool(void *arg)
{
	fill(2048, 1);
	check(2048, 1);
	return 0;
}

/*
 * A device that stores nothing any more, and memory that is needed: who needs it waits,
 * but nobody sends the same pages again and again, and all goes on once it does.
 */
static void store_errors_without_end(void)
{
	/* Ten rests a second, and some: what may be under way at a time after each. */
	const u64 most = 12 * (256 + 4 * 64);
	u64 before;
	pid_t writer;

	begin("size=4M", 2048);
	pg.ctl->store_error = EIO;
	writer = spawn(fill_twice_the_pool, NULL);
	WAIT_FOR(pool_info(&pool).store_errors >= 64);
	before = pool_info(&pool).store_errors;
	msleep(1000);
	ASSERT_LE(pool_info(&pool).store_errors - before, most);
	pg.ctl->store_error = 0;
	ASSERT_EQ(reap(writer), 0);
	end(2048);
}

static const struct tarn_test tests[] = {
	TEST(load_error),
	TEST(checksums),
	TEST(store_error),
	TEST(store_error_of_a_page_with_a_copy),
	TEST(load_error_of_a_reservation),
	TEST(no_room),
	TEST(no_room_exchange),
	TEST(no_room_exchange_in_place),
	TEST(no_room_then_a_punch),
	TEST(no_room_then_errors),
	TEST(store_errors_without_end),
};

TESTS_MAIN(tests)
