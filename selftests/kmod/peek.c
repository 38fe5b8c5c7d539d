// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PARTITION_READ: the content is right wherever the page is, and the page
 * stays there, whatever else happens to it meanwhile.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 256

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map, *data;
static u8 states[PAGES];

static void begin(const char *options, u64 pages)
{
	u64 i;

	pool_mount(&pool, options);
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
	data = malloc(PAGES * PAGE_SIZE);
	ASSERT(data);
	for (i = 0; i < pages; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, 1);
}

static void end(u64 pages)
{
	free(data);
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static long look(u64 start, u64 count, u64 *done)
{
	struct tarn_partition_read r = {
		.size = sizeof(r),
		.start = start,
		.count = count,
		.data = (uintptr_t)data,
		.states = (uintptr_t)states,
	};
	long ret = __tarn_op(part, TARN_PARTITION_READ, &r);

	*done = r.count;
	return ret;
}

static void look_at(u64 start, u64 count)
{
	u64 done, i;

	memset(data, 0xee, PAGES * PAGE_SIZE);
	memset(states, 0xee, sizeof(states));
	ASSERT_OK(look(start, count, &done));
	ASSERT_EQ(done, count);
	for (i = 0; i < count; i++)
		if (states[i] != TARN_PAGE_EMPTY)
			ASSERT_PAGE(data + i * PAGE_SIZE, 9, start + i, 1);
}

static u64 in_state(u8 value)
{
	return part_count(part, 0, PAGES, 0xff, value);
}

static void paged_pages_stay_paged(void)
{
	struct tarn_pool_info info;
	u64 i;

	begin("size=8M", PAGES);
	part_page_out(part, 0, PAGES);
	look_at(0, PAGES);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(states[i], TARN_PAGE_PAGED);
	ASSERT_EQ(in_state(TARN_PAGE_PAGED), PAGES);
	ASSERT_EQ(pg.ctl->loads, PAGES);
	info = pool_info(&pool);
	ASSERT_EQ(info.page_ins, 0);
	ASSERT_EQ(info.refaults, 0);
	ASSERT_EQ(info.faults_pending, 0);
	ASSERT_EQ(info.resident_pages, 0);
	ASSERT_EQ(info.paged_pages, PAGES);
	ASSERT_EQ(info.free_frames, info.frames);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
	end(PAGES);
}

/* Also of what is resident nothing changes: the age neither. */
static void each_state(void)
{
	u8 heat[PAGES], after[PAGES];
	struct tarn_partition_heat h = {
		.size = sizeof(h),
		.count = PAGES,
		.heat = (uintptr_t)heat,
	};
	u64 i;

	begin("size=8M", PAGES);
	part_page_out(part, 64, 64);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    128 * PAGE_SIZE, 64 * PAGE_SIZE));
	tarn_op(part, TARN_PARTITION_HEAT, &h);
	look_at(0, PAGES);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(states[i], i / 64 == 1   ? TARN_PAGE_PAGED
				     : i / 64 == 2 ? TARN_PAGE_EMPTY
						   : TARN_PAGE_RESIDENT);
	/* nothing is written of what is empty */
	for (i = 128 * PAGE_SIZE; i < 192 * PAGE_SIZE; i++)
		ASSERT_EQ(data[i], 0xee);
	h.heat = (uintptr_t)after;
	h.count = PAGES;
	tarn_op(part, TARN_PARTITION_HEAT, &h);
	ASSERT(!memcmp(heat, after, PAGES));
	ASSERT_EQ(in_state(TARN_PAGE_EMPTY), 64);
	end(PAGES);
}

static void ranges(void)
{
	u64 done;

	begin("size=8M", PAGES);
	ASSERT_OK(look(PAGES, 1, &done));
	ASSERT_EQ(done, 0);
	ASSERT_OK(look(UINT64_MAX, 1, &done));
	ASSERT_EQ(done, 0);
	ASSERT_OK(look(PAGES - 3, PAGES, &done));
	ASSERT_EQ(done, 3);
	ASSERT_EQ(look(0, (1U << 20) + 1, &done), -EINVAL);
	ASSERT_OK(look(0, 0, &done));
	end(PAGES);
}

/* The pool has room for a quarter of it: what is read never needs more. */
static void larger_than_the_pool(void)
{
	const u64 pages = 4096;
	u64 i;

	begin("size=4M", pages);
	for (i = 0; i < pages; i += 128)
		look_at(i, 128);
	end(pages);
}

static void bad_copies(void)
{
	u64 done;

	begin("size=8M", PAGES);
	part_page_out(part, 0, PAGES);
	pg.ctl->match_partition = part_info(part).id;
	pg.ctl->match_index = 5;
	pg.ctl->load_error = EIO;
	ASSERT_OK(look(0, PAGES, &done));
	ASSERT_EQ(done, 5);
	ASSERT_EQ(look(5, 1, &done), -EIO);
	ASSERT_EQ(in_state(TARN_PAGE_PAGED), PAGES);
	pg.ctl->load_error = 0;
	pg.ctl->corrupt = PAGER_CORRUPT_ALWAYS;
	ASSERT_EQ(look(5, 1, &done), -EIO);
	pg.ctl->corrupt = PAGER_CORRUPT_FIRST;
	look_at(0, PAGES);
	pg.ctl->corrupt = PAGER_CORRUPT_NONE;
	ASSERT_EQ(in_state(TARN_PAGE_PAGED), PAGES);
	/* who touches the page later is told nothing of a look that failed */
	pg.ctl->load_error = EIO;
	ASSERT_EQ(look(5, 1, &done), -EIO);
	pg.ctl->load_error = 0;
	ASSERT_PAGE(map + 5 * PAGE_SIZE, 9, 5, 1);
	end(PAGES);
}

static void *look_at_first(void *arg)
{
	u64 done;

	ASSERT_OK(look(0, 1, &done));
	ASSERT_EQ(done, 1);
	return NULL;
}

/* A copy that cannot be read is of no interest once the page is gone. */
static void truncated_under_a_bad_load(void)
{
	pthread_t thread;

	begin("size=8M", PAGES);
	part_page_out(part, 0, 1);
	pg.ctl->truncates = true;
	pg.ctl->load_error = EIO;
	pg.ctl->hold = 1 << TARN_OP_LOAD;
	ASSERT(!pthread_create(&thread, NULL, look_at_first, NULL));
	WAIT_FOR(pg.ctl->taken > pg.ctl->completed);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    0, PAGE_SIZE));
	pg.ctl->hold = 0;
	pthread_join(thread, NULL);
	ASSERT_EQ(states[0], TARN_PAGE_EMPTY);
	pg.ctl->load_error = 0;
	end(PAGES);
}

static void no_pager(void)
{
	u64 done;

	begin("size=8M", PAGES);
	part_page_out(part, 3, 1);
	pager_kill(&pg);
	ASSERT_OK(look(0, PAGES, &done));
	ASSERT_EQ(done, 3);
	ASSERT_EQ(look(3, 1, &done), -EAGAIN);
	pager_launch(&pg);
	look_at(0, PAGES);
	end(PAGES);
}

static _Atomic bool stop;

static void *touch(void *arg)
{
	unsigned int seed = 1;

	while (!stop) {
		u64 i = rand_r(&seed) % PAGES;

		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
		if (i % 16 == 0)
			part_page_out(part, i, 16);
	}
	return NULL;
}

static void *punch(void *arg)
{
	unsigned int seed = 2;

	while (!stop) {
		u64 i = PAGES + rand_r(&seed) % 16;

		page_fill(map + i * PAGE_SIZE, 9, i, 1);
		part_page_out(part, PAGES, 16);
		ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE |
				    FALLOC_FL_KEEP_SIZE, i * PAGE_SIZE,
				    PAGE_SIZE));
	}
	return NULL;
}

/* Faults, page-outs and truncations of the very pages that are read. */
static void races(void)
{
	u64 rounds = test_param("rounds", 60), done;
	pthread_t threads[2];

	begin("size=8M", PAGES + 16);
	pg.ctl->truncates = true;
	ASSERT(!pthread_create(&threads[0], NULL, touch, NULL));
	ASSERT(!pthread_create(&threads[1], NULL, punch, NULL));
	while (rounds--) {
		look_at(0, PAGES);
		/* may be empty or half written: only that it ends */
		ASSERT_OK(look(PAGES, 16, &done));
		ASSERT_EQ(done, 16);
	}
	stop = true;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	end(PAGES + 16);
}

static const struct tarn_test tests[] = {
	TEST(paged_pages_stay_paged),
	TEST(each_state),
	TEST(ranges),
	TEST(larger_than_the_pool),
	TEST(bad_copies),
	TEST(truncated_under_a_bad_load),
	TEST(no_pager),
	TEST(races),
};

TESTS_MAIN(tests)
