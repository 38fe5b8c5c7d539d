// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_CMD_SERVE in hostile hands: wrong commands, wrong completions, rings and
 * descriptors that go away while parked, completions that change while they
 * are read. Whatever the pager does, the pool's data and the kernel stay whole.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define PARK TARN_SERVE_PARK

static struct pool pool;
static struct pager_end e;
static int part;
static u8 *map;

static void begin(void)
{
	pool_mount(&pool, "size=8M");
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
}

static void attach(u32 queues)
{
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, queues, 16), 0);
	ASSERT_EQ(pager_end_map(&e), 0);
	ASSERT_EQ(pager_end_start(&e), 0);
}

/* Whatever happened: a good pager finds all pages as they were. */
static void end(void)
{
	struct pager pg;
	u64 i;

	if (e.fd >= 0)
		pager_end_close(&e);
	pager_start(&pg, &pool);
	part_page_out(part, 0, PAGES);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static int issue(struct tarn_serve s)
{
	u64 user;

	ASSERT_EQ(pager_end_submit(&e, &s, 1), 0);
	return pager_end_wait(&e, &user, -1);
}

static void answer(u32 i, u32 tag, int result, u64 cookie)
{
	pager_end_completions(&e, 0)[i] =
		(struct tarn_completion){ tag, result, cookie };
}

static void *page_out(void *arg)
{
	u64 done;

	__part_page_out(part, 0, PAGES, &done);
	return NULL;
}

static pthread_t start_page_out(void)
{
	pthread_t t;

	ASSERT_EQ(pthread_create(&t, NULL, page_out, NULL), 0);
	WAIT_FOR(pager_end_tail(&e, 0) > 0);
	return t;
}

static void bad_commands(void)
{
	begin();
	attach(2);
	ASSERT_EQ(issue((struct tarn_serve){ .queue = 2 }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .queue = 0xffff }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .flags = 2 }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .flags = 0x8000 }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .reserved = 1 }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .completions = 17 }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .completions = ~0U }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .completions = 1 }), -EINVAL);
	ASSERT_EQ(issue((struct tarn_serve){ .queue = 1 }), 0);
	end();
}

static void unknown_operations(void)
{
	struct io_uring_sqe *sqe;
	u32 ops[] = { 0, TARN_CMD_SERVE + 1, TARN_PAGER_ATTACH, ~0U };
	size_t i;

	begin();
	attach(1);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		sqe = io_uring_get_sqe(&e.ring);
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, e.fd, NULL, 0, 0);
		sqe->cmd_op = ops[i];
		memset(sqe->cmd, 0, 16);
		ASSERT_EQ(io_uring_submit(&e.ring), 1);
		ASSERT_LT(pager_end_wait(&e, NULL, -1), 0);
	}
	end();
}

static void not_attached_or_not_started(void)
{
	struct tarn_serve s = { .flags = PARK };
	struct pager_end f;
	u64 user;

	begin();
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(io_uring_queue_init(8, &e.ring, 0), 0);
	e.has_ring = true;
	ASSERT_EQ(issue(s), -ENOTCONN);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	ASSERT_EQ(issue(s), -ENOTCONN);
	/* not a file of ours */
	f = e;
	f.fd = pool.fd;
	ASSERT_EQ(pager_end_submit(&f, &s, 1), 0);
	e.ring = f.ring;
	ASSERT_EQ(pager_end_wait(&e, &user, -1), -EOPNOTSUPP);
	end();
}

static void park_twice(void)
{
	struct tarn_serve s = { .flags = PARK };
	u64 user;

	begin();
	attach(2);
	ASSERT_EQ(pager_end_submit(&e, &s, 1), 0);
	ASSERT_EQ(pager_end_submit(&e, &s, 2), 0);
	ASSERT_EQ(pager_end_wait(&e, &user, -1), -EBUSY);
	ASSERT_EQ(user, 2);
	/* other queues, and commands that only complete, are free */
	s.queue = 1;
	ASSERT_EQ(pager_end_submit(&e, &s, 3), 0);
	ASSERT_EQ(pager_end_serve(&e, 0, 0, 0, 0), 0);
	ASSERT_EQ(pager_end_wait(&e, &user, 0), -ETIME);
	end();
}

/* "seen" is a number: one that is not the tail returns at once. */
static void seen(void)
{
	begin();
	attach(1);
	ASSERT_EQ(pager_end_tail(&e, 0), 0);
	ASSERT_GT(pager_end_serve(&e, 0, PARK, 0, 5), 0);
	ASSERT_GT(pager_end_serve(&e, 0, PARK, 0, ~0U), 0);
	end();
}

static void bad_completions(void)
{
	struct tarn_request r;
	pthread_t t;

	begin();
	attach(1);
	t = start_page_out();
	r = *pager_end_request(&e, 0, 0);
	ASSERT_EQ(r.op, TARN_OP_STORE);
	answer(0, r.tag + 1000, 0, 1);
	ASSERT_EQ(pager_end_serve(&e, 0, 0, 1, 0), -EINVAL);
	answer(0, ~0U, 0, 1);
	ASSERT_EQ(pager_end_serve(&e, 0, 0, 1, 0), -EINVAL);
	/* a store without a cookie, or with one that is too wide */
	answer(0, r.tag, 0, 0);
	ASSERT_GE(pager_end_serve(&e, 0, 0, 1, 0), 0);
	ASSERT_EQ(pager_end_request(&e, 0, 1)->op, TARN_OP_STORE);
	answer(0, pager_end_request(&e, 0, 1)->tag, 0, 1ULL << 48);
	ASSERT_GE(pager_end_serve(&e, 0, 0, 1, 0), 0);
	/* results that are no errors */
	answer(0, pager_end_request(&e, 0, 2)->tag, 77, 1);
	answer(1, pager_end_request(&e, 0, 3)->tag, -100000, 1);
	ASSERT_GE(pager_end_serve(&e, 0, 0, 2, 0), 0);
	ASSERT_EQ(part_count(part, 0, 4, 0x0f, TARN_PAGE_RESIDENT), 4);
	/* the good one before a bad one is taken */
	r = *pager_end_request(&e, 0, 4);
	answer(0, r.tag, 0, 4711);
	answer(1, ~0U, 0, 1);
	ASSERT_EQ(pager_end_serve(&e, 0, 0, 2, 0), -EINVAL);
	WAIT_FOR(part_state(part, r.index) == TARN_PAGE_PAGED);
	pager_end_close(&e);
	pthread_join(t, NULL);
	e.fd = -1;
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void double_completion(void)
{
	pthread_t t;
	u32 tag;

	begin();
	attach(1);
	t = start_page_out();
	tag = pager_end_request(&e, 0, 0)->tag;
	answer(0, tag, -EIO, 0);
	answer(1, tag, -EIO, 0);
	/* the tag may be in flight again by then, but only as a new request */
	pager_end_serve(&e, 0, 0, 2, 0);
	answer(0, tag, -EIO, 0);
	answer(1, tag, -EIO, 0);
	answer(2, tag, -EIO, 0);
	pager_end_serve(&e, 0, 0, 3, 0);
	pager_end_close(&e);
	pthread_join(t, NULL);
	end();
}

enum way { RING_CLOSED, DEV_CLOSED, KILLED };

static int park_and_go(void *arg)
{
	enum way way = *(enum way *)arg;
	struct tarn_serve s = { .flags = PARK };

	attach(2);
	ASSERT_EQ(pager_end_submit(&e, &s, 1), 0);
	s.queue = 1;
	ASSERT_EQ(pager_end_submit(&e, &s, 2), 0);
	if (way == RING_CLOSED) {
		io_uring_queue_exit(&e.ring);
		e.has_ring = false;
		ASSERT_OK(pool_info(&pool).flags);
		pager_end_close(&e);
	} else if (way == DEV_CLOSED) {
		close(e.fd);
		ASSERT_EQ(pager_end_wait(&e, NULL, -1), -ENOTCONN);
		ASSERT_EQ(pager_end_wait(&e, NULL, -1), -ENOTCONN);
	} else {
		raise(SIGKILL);
	}
	return 0;
}

static void gone_while_parked(enum way way)
{
	int i;

	begin();
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(reap(spawn(park_and_go, &way)),
			  way == KILLED ? 256 + SIGKILL : 0);
		WAIT_FOR(pool_info(&pool).flags == TARN_POOL_PAGING);
	}
	e.fd = -1;
	end();
}

static void ring_closed_while_parked(void)
{
	gone_while_parked(RING_CLOSED);
}

static void device_closed_while_parked(void)
{
	gone_while_parked(DEV_CLOSED);
}

static void killed_while_parked(void)
{
	gone_while_parked(KILLED);
}

static const struct tarn_test tests[] = {
	TEST(bad_commands),
	TEST(unknown_operations),
	TEST(not_attached_or_not_started),
	TEST(park_twice),
	TEST(seen),
	TEST(bad_completions),
	TEST(double_completion),
	TEST(ring_closed_while_parked),
	TEST(device_closed_while_parked),
	TEST(killed_while_parked),
};

TESTS_MAIN(tests)
