// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pager whose memory changes under the kernel's eyes: a second thread
 * scribbles over completions, requests and tail, another process uses the
 * descriptor. The kernel reads what it reads once, and never what it wrote.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 512

static struct pool pool;
static struct pager_end e;
static int part;
static u8 *map;
static _Atomic bool stop;

static void *scribble(void *arg)
{
	struct tarn_completion *c = pager_end_completions(&e, 0);
	u64 *area = (u64 *)e.area[0];
	struct rng r = { 7 };

	while (!stop) {
		/* mostly plausible, so that most of it is taken */
		c[rng_below(&r, 64)] = (struct tarn_completion){
			.tag = rng_below(&r, 70),
			.result = rng_below(&r, 4) ? 0 : -(int)rng_below(&r, 99),
			.cookie = 1 + rng_below(&r, 1000),
		};
		area[rng_below(&r, e.queue_bytes / 8)] = rng_next(&r);
	}
	return NULL;
}

static int use_pages(void *arg)
{
	struct rng r = { getpid() };
	u64 i, done;
	int n;

	for (n = 0; n < 3000 && !stop; n++) {
		i = rng_below(&r, PAGES);
		if (rng_below(&r, 2))
			try_write(map + i * PAGE_SIZE, n);
		else
			try_read(map + i * PAGE_SIZE, NULL);
		if (!rng_below(&r, 16))
			__part_page_out(part, i, 16, &done);
		if (!rng_below(&r, 64))
			madvise(map + i * PAGE_SIZE, PAGE_SIZE, MADV_REMOVE);
	}
	return 0;
}

static void begin(void)
{
	pool_mount(&pool, "size=2M");
	part = part_create(&pool, "a", PAGES);
	map = part_map(part, PAGES);
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 64), 0);
	ASSERT_EQ(pager_end_map(&e), 0);
	ASSERT_EQ(pager_end_start(&e), 0);
}

static void end(void)
{
	pager_end_close(&e);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void completions_change_underneath(void)
{
	struct tarn_serve s = {};
	pthread_t scribbler;
	pid_t users[4];
	u64 i;
	int n;

	begin();
	for (n = 0; n < 4; n++)
		users[n] = spawn(use_pages, NULL);
	ASSERT_EQ(pthread_create(&scribbler, NULL, scribble, NULL), 0);
	for (i = 0; i < test_param("rounds", 20000); i++) {
		s.completions = i % 65;
		s.seen = i;
		s.flags = i % 7 ? 0 : TARN_SERVE_PARK;
		if (pager_end_submit(&e, &s, 1))
			break;
		while (pager_end_wait(&e, NULL, 0) != -ETIME)
			;
	}
	stop = true;
	pthread_join(scribbler, NULL);
	/* what still waits for a page waits for a pager: it can be killed */
	for (n = 0; n < 4; n++) {
		kill(users[n], SIGKILL);
		reap(users[n]);
	}
	end();
}

static int other_process(void *arg)
{
	struct io_uring ring;
	struct pager_end f = e;

	if (io_uring_queue_init(8, &ring, 0))
		return 1;
	f.ring = ring;
	return pager_end_serve(&f, 0, 0, 0, 0) < 0 ? 0 : 2;
}

/* A child that inherited the descriptor is not the pager. */
static void another_process_may_not_serve(void)
{
	begin();
	ASSERT_EQ(reap(spawn(other_process, NULL)), 0);
	/* nor does its exit end the attachment */
	ASSERT(pool_info(&pool).flags & TARN_POOL_SERVED);
	end();
}

/* Completing everything with garbage, for ever: loads of any content. */
static void wrong_content_is_never_seen(void)
{
	struct tarn_request r;
	u64 done;
	u32 n, i;

	begin();
	for (i = 0; i < 16; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, 1);
	pid_t child = fork();

	if (!child) {
		__part_page_out(part, 0, 16, &done);
		for (i = 0; i < 16; i++) {
			u8 byte;

			if (try_read(map + i * PAGE_SIZE, &byte) != SIGBUS)
				_exit(1);
		}
		_exit(0);
	}
	for (n = 0; proc_state(child) != 'Z';) {
		struct tarn_completion *c = pager_end_completions(&e, 0);

		if (pager_end_tail(&e, 0) == n) {
			msleep(1);
			continue;
		}
		r = *pager_end_request(&e, 0, n++);
		c[0] = (struct tarn_completion){ r.tag, 0, n };
		if (r.op == TARN_OP_LOAD)
			memset(e.window + (r.frame << TARN_PAGE_SHIFT), n,
			       PAGE_SIZE);
		pager_end_serve(&e, 0, 0, 1, n);
	}
	ASSERT_EQ(reap(child), 0);
	ASSERT_GE(pool_info(&pool).checksum_errors, 16);
	end();
}

static const struct tarn_test tests[] = {
	TEST(completions_change_underneath),
	TEST(another_process_may_not_serve),
	TEST(wrong_content_is_never_seen),
};

TESTS_MAIN(tests)
