// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PAGER_START while guests give up pages that are stored: no guest keeps a pager
 * from starting, and the pager learns of each copy that went since it began to list.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

/* Four leaves, so that a list of them has a beginning and an end. */
#define PAGES 2048

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;
static _Atomic u64 punched;
static _Atomic bool stop;

static void begin(void)
{
	pool_mount(&pool, "size=12M");
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
	pager_start(&pg, &pool);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	pager_lose(&pg, &pool);
	punched = 0;
	stop = false;
}

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void punch(u64 index)
{
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    index * PAGE_SIZE, PAGE_SIZE));
	punched++;
}

/* From when the pager has begun to list, and without a pause. */
static void *punch_all(void *arg)
{
	u64 i;

	while (!pg.ctl->listed)
		sched_yield();
	for (i = 0; i < PAGES && !stop; i++)
		punch(i);
	return NULL;
}

/* Whatever a guest gives up while the pager lists and starts. */
static void a_guest_gives_up_pages(void)
{
	pthread_t t;
	u64 i;

	begin();
	pg.ctl->listed = 0;
	ASSERT_EQ(pthread_create(&t, NULL, punch_all, NULL), 0);
	pager_launch(&pg);
	/* On a busy machine the thread may begin only now. */
	WAIT_FOR(punched);
	stop = true;
	pthread_join(t, NULL);
	diag("%llu punched, listed anew %llu times", (unsigned long long)punched,
	     (unsigned long long)pg.ctl->relisted);
	ASSERT_EQ(pg.ctl->relisted, 0);
	/* each of them is free with the pager, and no other */
	WAIT_FOR(pg.ctl->used == PAGES - punched);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, i >= punched);
	end();
}

static struct tarn_stored_page listed[512];
static struct pager_end e;

static void attach(void)
{
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	ASSERT_EQ(pager_end_map(&e), 0);
}

/* Go on with a list; how many pages there were. */
static u32 list_some(u64 *cursor)
{
	struct tarn_pager_stored stored = {
		.size = sizeof(stored),
		.cursor = *cursor,
		.pages = (uintptr_t)listed,
		.count = ARRAY_SIZE(listed),
	};

	tarn_op(e.fd, TARN_PAGER_STORED, &stored);
	*cursor = stored.cursor;
	return stored.count;
}

static u32 list_all(u64 *cursor)
{
	u32 n, all = 0;

	while ((n = list_some(cursor)))
		all += n;
	return all;
}

/* The good pager comes back: it finds what is left, and nothing else. */
static void serve_again(void)
{
	u64 i;

	pager_end_close(&e);
	pager_launch(&pg);
	ASSERT_EQ(pg.ctl->used, PAGES - punched);
	for (i = 0; i < PAGES; i++) {
		s64 version = page_version(map + i * PAGE_SIZE, 9, i);

		punched -= !version;
		ASSERT_GE(version, 0);
	}
	ASSERT_EQ(punched, 0);
}

/* One page that the list has passed, one that it has not, and one after all of it. */
static void start_tells_what_was_dropped(void)
{
	u64 cursor = 0, dropped[8], cookie;
	u32 count = ARRAY_SIZE(dropped), i;
	bool found = false;

	begin();
	attach();
	punch(0);
	ASSERT_EQ(list_some(&cursor), 511);
	cookie = listed[9].cookie;
	ASSERT_EQ(listed[9].index, 10);
	punch(10);
	punch(PAGES - 1);
	ASSERT_EQ(list_all(&cursor), PAGES - 513);
	punch(600);
	ASSERT_EQ(pager_end_start_with(&e, dropped, &count), 0);
	ASSERT_EQ(count, 3);
	for (i = 0; i < count; i++)
		found |= dropped[i] == cookie;
	ASSERT(found);
	ASSERT_EQ(pager_end_tail(&e, 0), 0);
	/* from here on it is asked */
	punch(601);
	WAIT_FOR(pager_end_tail(&e, 0) == 1);
	ASSERT_EQ(pager_end_request(&e, 0, 0)->op, TARN_OP_DROP);
	ASSERT_EQ(pager_end_start(&e), -EBUSY);
	serve_again();
	end();
}

static void start_without_room(void)
{
	u64 cursor = 0, dropped[2];
	u32 count = 1;

	begin();
	attach();
	ASSERT_EQ(list_all(&cursor), PAGES);
	punch(3);
	punch(4);
	ASSERT_EQ(pager_end_start(&e), -EAGAIN);
	ASSERT_EQ(pager_end_start_with(&e, dropped, &count), -EAGAIN);
	/* with room it is told, and who can't be told lists anew */
	count = 2;
	ASSERT_EQ(pager_end_start_with(&e, (u64 *)8, &count), -EFAULT);
	ASSERT_EQ(pager_end_start_with(&e, dropped, &count), -EAGAIN);
	cursor = 0;
	ASSERT_EQ(list_all(&cursor), PAGES - 2);
	ASSERT_EQ(pager_end_start(&e), 0);
	serve_again();
	end();
}

static const struct tarn_test tests[] = {
	TEST(a_guest_gives_up_pages),
	TEST(start_tells_what_was_dropped),
	TEST(start_without_room),
};

TESTS_MAIN(tests)
