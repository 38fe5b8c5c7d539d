// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings of /dev/tarn: which there are, which are refused, what lies in
 * them, and what happens to them when the pager is gone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

static struct pool pool;
static struct pager_end e;

static void begin(void)
{
	pool_mount(&pool, "size=8M");
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 2, 32), 0);
}

static void end(void)
{
	pager_end_close(&e);
	pool_umount(&pool);
}

static int try_map(u64 bytes, int prot, int flags, u64 offset)
{
	void *m = mmap(NULL, bytes, prot, flags, e.fd, offset);

	if (m == MAP_FAILED)
		return -errno;
	munmap(m, bytes);
	return 0;
}

static void good_and_bad(void)
{
	const int rw = PROT_READ | PROT_WRITE;

	begin();
	ASSERT_EQ(try_map(e.window_bytes, rw, MAP_SHARED, 0), 0);
	ASSERT_EQ(try_map(e.window_bytes, PROT_READ, MAP_SHARED, 0), 0);
	ASSERT_EQ(try_map(e.window_bytes, rw, MAP_PRIVATE, 0), -EINVAL);
	ASSERT_EQ(try_map(e.window_bytes + PAGE_SIZE, rw, MAP_SHARED, 0),
		  -EINVAL);
	ASSERT_EQ(try_map(PAGE_SIZE, rw, MAP_SHARED, 1ULL << 55), -EINVAL);
	ASSERT_EQ(try_map(e.queue_bytes, rw, MAP_SHARED, TARN_MMAP_QUEUE(0)),
		  0);
	ASSERT_EQ(try_map(e.queue_bytes, rw, MAP_SHARED, TARN_MMAP_QUEUE(1)),
		  0);
	ASSERT_EQ(try_map(e.queue_bytes, rw, MAP_SHARED, TARN_MMAP_QUEUE(2)),
		  -EINVAL);
	ASSERT_EQ(try_map(e.queue_bytes, rw, MAP_SHARED,
			  TARN_MMAP_QUEUE(0xffff)), -EINVAL);
	ASSERT_EQ(try_map(e.queue_bytes, rw, MAP_PRIVATE, TARN_MMAP_QUEUE(0)),
		  -EINVAL);
	ASSERT_EQ(try_map(e.queue_bytes + PAGE_SIZE, rw, MAP_SHARED,
			  TARN_MMAP_QUEUE(0)), -EINVAL);
	ASSERT_EQ(try_map(PAGE_SIZE, rw, MAP_SHARED,
			  TARN_MMAP_QUEUE(0) + e.queue_bytes), -EINVAL);
	ASSERT_EQ(try_map(PAGE_SIZE, rw, MAP_SHARED, 1ULL << 57), -EINVAL);
	ASSERT_EQ(try_map(PAGE_SIZE, rw, MAP_SHARED,
			  (1ULL << 62) | TARN_MMAP_QUEUE(0)), -EINVAL);
	end();
}

static void before_attach(void)
{
	pool_mount(&pool, "size=8M");
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_LT(try_map(PAGE_SIZE, PROT_READ, MAP_SHARED, 0), 0);
	ASSERT_LT(try_map(PAGE_SIZE, PROT_READ, MAP_SHARED, TARN_MMAP_QUEUE(0)),
		  0);
	end();
}

static void layout(void)
{
	u32 q;

	begin();
	ASSERT_EQ(pager_end_map(&e), 0);
	for (q = 0; q < 2; q++) {
		ASSERT_EQ(e.area[q]->request_tail, 0);
		ASSERT_EQ(e.area[q]->depth, 32);
		ASSERT_GE(e.area[q]->requests_offset,
			  sizeof(struct tarn_queue_area));
		ASSERT_GE(e.area[q]->completions_offset,
			  e.area[q]->requests_offset +
				  32 * sizeof(struct tarn_request));
		ASSERT_LE(e.area[q]->completions_offset +
				  32 * sizeof(struct tarn_completion),
			  e.queue_bytes);
		ASSERT_EQ(e.area[q]->requests_offset % 8, 0);
		ASSERT_EQ(e.area[q]->completions_offset % 8, 0);
		/* all of the area can be read and holds nothing foreign */
		ASSERT_EQ(((u8 *)e.area[q])[e.queue_bytes - 1], 0);
	}
	end();
}

/* Frames that are there, by three of each 2 MiB: all or none of them. */
static u64 window_frames(void)
{
	static const u64 at[] = { 0, 200, 511 };
	u64 n = e.window_bytes >> TARN_PAGE_SHIFT, f, frames = 0;
	u32 i, there;

	for (f = 0; f < n; f += 512) {
		for (i = there = 0; i < ARRAY_SIZE(at); i++)
			there += !try_read(e.window + ((f + at[i]) <<
						       TARN_PAGE_SHIFT), NULL);
		ASSERT(!there || there == ARRAY_SIZE(at));
		frames += there ? 512 : 0;
	}
	return frames;
}

/* Every frame of the pool is in the window; what is not of it gives SIGBUS. */
static void window(void)
{
	begin();
	ASSERT_EQ(pager_end_map(&e), 0);
	ASSERT_EQ(window_frames(), pool_info(&pool).frames);
	end();
}

/* Frames given back by a shrink must leave the window at once. */
static void window_after_a_shrink(void)
{
	begin();
	ASSERT_EQ(pager_end_map(&e), 0);
	ASSERT_EQ(window_frames(), 2048);
	ASSERT_EQ(__pool_remount(&pool, "size=4M"), 0);
	ASSERT_EQ(window_frames(), 1024);
	ASSERT_EQ(__pool_remount(&pool, "size=16M"), 0);
	ASSERT_EQ(window_frames(), 4096);
	end();
}

/* A mapping outlives its descriptor; what it may not do is outlive the pool. */
static void mappings_after_close(void)
{
	int r;

	begin();
	ASSERT_EQ(pager_end_map(&e), 0);
	ASSERT_EQ(try_read(e.window, NULL), 0);
	close(e.fd);
	e.fd = -1;
	r = try_read(e.window + PAGE_SIZE, NULL);
	ASSERT(!r || r == SIGBUS);
	r = try_read((u8 *)e.area[0], NULL);
	ASSERT(!r || r == SIGBUS);
	end();
}

static const struct tarn_test tests[] = {
	TEST(good_and_bad),
	TEST(before_attach),
	TEST(layout),
	TEST(window),
	TEST(window_after_a_shrink),
	TEST(mappings_after_close),
};

TESTS_MAIN(tests)
