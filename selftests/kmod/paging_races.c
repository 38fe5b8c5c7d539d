// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-out and page-in that meet something else: pages that somebody holds,
 * other processes, faults that may not wait, truncate and punch in flight.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define HOLD(op) (1U << TARN_OP_##op)

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static void begin(void)
{
	pool_mount(&pool, "size=8M");
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
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

static u8 *page(u64 i)
{
	return map + i * PAGE_SIZE;
}

/* Pages in a pipe can't go: their content may change through the pipe's page. */
static void held_pages_are_passed_over(void)
{
	struct iovec v;
	u8 copy[PAGE_SIZE];
	int pipes[2];

	begin();
	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	v = (struct iovec){ page(5), 3 * PAGE_SIZE };
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), 3 * PAGE_SIZE);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES - 3);
	ASSERT_EQ(part_count(part, 5, 3, 0x1f, TARN_PAGE_RESIDENT), 3);
	page_fill(page(6), 9, 6, 2);
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(copy, 9, 5, 1);
	/* the pipe's page is the partition's, so it shows what was written */
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(copy, 9, 6, 2);
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	close(pipes[0]);
	close(pipes[1]);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_PAGE(page(6), 9, 6, 2);
	end();
}

/* io_uring's registered buffer holds and may write at any time. */
static void registered_buffers_are_passed_over(void)
{
	struct io_uring ring;
	struct iovec v;
	int ret;

	begin();
	ASSERT_EQ(io_uring_queue_init(4, &ring, 0), 0);
	v = (struct iovec){ page(10), 4 * PAGE_SIZE };
	ret = io_uring_register_buffers(&ring, &v, 1);
	if (ret == -EOPNOTSUPP || ret == -EFAULT) {
		io_uring_queue_exit(&ring);
		end();
		test_skip("this kernel pins no file mapping for long: %s",
			  strerror(-ret));
	}
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES - 4);
	ASSERT_EQ(part_count(part, 10, 4, 0x0f, TARN_PAGE_RESIDENT), 4);
	io_uring_unregister_buffers(&ring);
	io_uring_queue_exit(&ring);
	end();
}

static void two_mappings(void)
{
	u8 *other;
	int fd;

	begin();
	fd = part_open(&pool, "a", O_RDWR);
	other = part_map(fd, PAGES);
	ASSERT_PAGE(other + 3 * PAGE_SIZE, 9, 3, 1);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_PAGE(other + 3 * PAGE_SIZE, 9, 3, 1);
	page_fill(page(3), 9, 3, 2);
	ASSERT_PAGE(other + 3 * PAGE_SIZE, 9, 3, 2);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	page_fill(other + 3 * PAGE_SIZE, 9, 3, 3);
	ASSERT_PAGE(page(3), 9, 3, 3);
	munmap(other, PAGES * PAGE_SIZE);
	close(fd);
	end();
}

static int write_and_wait(void *arg)
{
	_Atomic int *step = arg;

	while (*step < 1)
		msleep(1);
	page_fill(page(7), 9, 7, 4);
	*step = 2;
	while (*step < 3)
		msleep(1);
	ASSERT_PAGE(page(7), 9, 7, 4);
	return 0;
}

/* What reads as the zero page shows a later write of another process. */
static void zero_page_then_a_write_elsewhere(void)
{
	_Atomic int *step = shared_alloc(PAGE_SIZE);
	pid_t child;

	begin();
	child = spawn(write_and_wait, step);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    7 * PAGE_SIZE, PAGE_SIZE));
	ASSERT(page_is_zero(page(7)));
	ASSERT_EQ(part_state(part, 7), TARN_PAGE_EMPTY);
	*step = 1;
	WAIT_FOR(*step == 2);
	ASSERT_PAGE(page(7), 9, 7, 4);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	*step = 3;
	ASSERT_EQ(reap(child), 0);
	end();
}

static void fork_while_paged(void)
{
	_Atomic int *step = shared_alloc(PAGE_SIZE);
	pid_t child;
	u8 *m;

	begin();
	part_page_out(part, 0, PAGES);
	*step = 1;
	child = spawn(write_and_wait, step);
	WAIT_FOR(*step == 2);
	part_page_out(part, 0, PAGES);
	ASSERT_PAGE(page(7), 9, 7, 4);
	*step = 3;
	ASSERT_EQ(reap(child), 0);
	part_page_out(part, 0, PAGES);
	m = mmap(NULL, PAGES * PAGE_SIZE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(mremap(map, PAGES * PAGE_SIZE, PAGES * PAGE_SIZE,
		      MREMAP_MAYMOVE | MREMAP_FIXED, m) == m);
	map = m;
	ASSERT_PAGE(page(7), 9, 7, 4);
	part_page_out(part, 0, PAGES);
	ASSERT_PAGE(page(8), 9, 8, 1);
	end();
}

static void *read_page(void *arg)
{
	u64 i = (uintptr_t)arg;

	return (void *)(intptr_t)(try_read(page(i), NULL) ?
					  -1 : page_version(page(i), 9, i));
}

static intptr_t join(pthread_t t)
{
	void *ret;

	ASSERT_EQ(pthread_join(t, &ret), 0);
	return (intptr_t)ret;
}

/*
 * MADV_POPULATE and io_uring fault with the means to retry; a fault that waits
 * must not stop another thread's mmap, fork or faults of other pages.
 */
static void a_waiting_fault_blocks_nobody(void)
{
	pthread_t t;
	void *m;
	pid_t child;

	begin();
	part_page_out(part, 0, PAGES);
	ASSERT_PAGE(page(1), 9, 1, 1);
	pg.ctl->hold = HOLD(LOAD);
	ASSERT_EQ(pthread_create(&t, NULL, read_page, (void *)5UL), 0);
	WAIT_FOR(part_state(part, 5) == (TARN_PAGE_PAGED | TARN_PAGE_IN_FLIGHT));
	m = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(m != MAP_FAILED);
	munmap(m, PAGE_SIZE);
	child = fork();
	if (!child)
		_exit(try_read(page(1), NULL));
	ASSERT_EQ(reap(child), 0);
	ASSERT_PAGE(page(1), 9, 1, 1);
	ASSERT_EQ(part_info(part).page_waits > 0, 1);
	pg.ctl->hold = 0;
	ASSERT_EQ(join(t), 1);
	end();
}

static void many_wait_for_one_page(void)
{
	pthread_t t[8];
	u64 loads;
	int i;

	begin();
	part_page_out(part, 0, PAGES);
	loads = pg.ctl->loads;
	pg.ctl->hold = HOLD(LOAD);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, read_page, (void *)5UL),
			  0);
	WAIT_FOR(part_state(part, 5) & TARN_PAGE_IN_FLIGHT);
	pg.ctl->hold = 0;
	for (i = 0; i < 8; i++)
		ASSERT_EQ(join(t[i]), 1);
	ASSERT_EQ(pg.ctl->loads, loads + 1);
	end();
}

/* Of pages that there never were nothing has to be looked at, however many. */
static void page_out_of_a_sparse_file(void)
{
	const u64 pages = 1ULL << 34;

	begin();
	ASSERT_OK(ftruncate(part, pages * PAGE_SIZE));
	ASSERT_EQ(part_page_out(part, 0, pages), pages);
	ASSERT_EQ(part_count(part, 0, PAGES, 0x0f, TARN_PAGE_PAGED), PAGES);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	end();
}

#define BLOCK		512ULL
#define BLOCKS		10ULL
#define WRITERS		4

static _Atomic u64 block;
static u8 *blocks;

/* A part of each block, once it is its turn. */
static void *write_blocks(void *arg)
{
	u64 first = (uintptr_t)arg, b, i;

	for (b = 0; b < BLOCKS; b++) {
		while (block <= b)
			sched_yield();
		for (i = first; i < BLOCK; i += WRITERS)
			blocks[(b * BLOCK + i) * PAGE_SIZE] = b + 1;
	}
	return NULL;
}

/* Where there was no page yet all come at once: no more go than can at a time. */
static void page_out_of_pages_that_come(void)
{
	pthread_t writer[WRITERS];
	u64 i;
	int fd;

	begin();
	fd = part_create(&pool, "b", BLOCKS * BLOCK);
	blocks = part_map(fd, BLOCKS * BLOCK);
	block = 0;
	for (i = 0; i < WRITERS; i++)
		ASSERT(!pthread_create(&writer[i], NULL, write_blocks,
				       (void *)(uintptr_t)i));
	for (i = 0; i < BLOCKS; i++) {
		block = i + 1;
		part_page_out(fd, i * BLOCK, BLOCK);
	}
	for (i = 0; i < WRITERS; i++)
		ASSERT(!pthread_join(writer[i], NULL));
	for (i = 0; i < BLOCKS * BLOCK; i++)
		ASSERT_EQ(blocks[i * PAGE_SIZE], i / BLOCK + 1);
	munmap(blocks, BLOCKS * BLOCK * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "b");
	end();
}

static void *punch_all(void *arg)
{
	return (void *)SYS(fallocate(part,
				     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     0, PAGES * PAGE_SIZE));
}

static void *shrink_and_grow(void *arg)
{
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	return NULL;
}

static void *out_all(void *arg)
{
	part_page_out(part, 0, PAGES);
	return NULL;
}

/* @drop runs while loads or stores are held; then all must read as zero. */
static void drop_in_flight(void *(*drop)(void *), u32 hold)
{
	pthread_t reader, dropper;
	u64 i;

	begin();
	if (hold == HOLD(LOAD))
		part_page_out(part, 0, PAGES);
	pg.ctl->hold = hold;
	ASSERT_EQ(pthread_create(&reader, NULL,
				 hold == HOLD(LOAD) ? read_page : out_all,
				 (void *)5UL), 0);
	WAIT_FOR(part_state(part, 5) & TARN_PAGE_IN_FLIGHT);
	WAIT_FOR(pg.ctl->taken > pg.ctl->completed);
	ASSERT_EQ(pthread_create(&dropper, NULL, drop, NULL), 0);
	msleep(50);
	pg.ctl->hold = 0;
	ASSERT_EQ(join(dropper), 0);
	pthread_join(reader, NULL);
	for (i = 0; i < PAGES; i++)
		ASSERT(page_is_zero(page(i)));
	end();
}

static void punch_during_a_load(void)
{
	drop_in_flight(punch_all, HOLD(LOAD));
}

static void punch_during_a_store(void)
{
	drop_in_flight(punch_all, HOLD(STORE));
}

static void truncate_during_a_load(void)
{
	drop_in_flight(shrink_and_grow, HOLD(LOAD));
}

static void truncate_during_a_store(void)
{
	drop_in_flight(shrink_and_grow, HOLD(STORE));
}

/*
 * A page is cut away while its copy is read, filled anew and stored. What was read
 * then is nobody's: the new copy's checksum says nothing about it.
 */
static void refill_during_a_load(void)
{
	pthread_t reader;

	begin();
	part_page_out(part, 0, PAGES);
	pg.ctl->truncates = 1;
	pg.ctl->hold = HOLD(LOAD);
	ASSERT_EQ(pthread_create(&reader, NULL, read_page, (void *)5UL), 0);
	WAIT_FOR(pg.ctl->taken > pg.ctl->completed);
	ASSERT_EQ((intptr_t)punch_all(NULL), 0);
	/* it finds a hole, and holds nothing any more */
	pthread_join(reader, NULL);
	page_fill(page(5), 9, 5, 2);
	ASSERT_EQ(part_page_out(part, 5, 1), 1);
	pg.ctl->hold = 0;
	/* the copy that was read is dropped behind it, and then asked for no more */
	WAIT_FOR(pg.ctl->used == 1);
	ASSERT_EQ(pg.ctl->mismatches, 0);
	ASSERT_EQ(pool_info(&pool).checksum_errors, 0);
	ASSERT_PAGE(page(5), 9, 5, 2);
	end();
}

/* A write during a store must not be lost: the frame is written or kept. */
static void write_during_a_store(void)
{
	pthread_t t;
	u8 *m = shared_alloc(PAGE_SIZE);
	pid_t writer;
	u64 i;

	begin();
	pg.ctl->hold = HOLD(STORE);
	ASSERT_EQ(pthread_create(&t, NULL, out_all, NULL), 0);
	WAIT_FOR(pg.ctl->taken > 0);
	writer = fork();
	if (!writer) {
		for (i = 0; i < PAGES; i++)
			page_fill(page(i), 9, i, 2);
		_exit(0);
	}
	msleep(50);
	pg.ctl->hold = 0;
	ASSERT_EQ(reap(writer), 0);
	pthread_join(t, NULL);
	part_page_out(part, 0, PAGES);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(page(i), 9, i, 2);
	munmap(m, PAGE_SIZE);
	end();
}

static const struct tarn_test tests[] = {
	TEST(page_out_of_a_sparse_file),
	TEST(page_out_of_pages_that_come),
	TEST(held_pages_are_passed_over),
	TEST(registered_buffers_are_passed_over),
	TEST(two_mappings),
	TEST(zero_page_then_a_write_elsewhere),
	TEST(fork_while_paged),
	TEST(a_waiting_fault_blocks_nobody),
	TEST(many_wait_for_one_page),
	TEST(punch_during_a_load),
	TEST(punch_during_a_store),
	TEST(truncate_during_a_load),
	TEST(truncate_during_a_store),
	TEST(refill_during_a_load),
	TEST(write_during_a_store),
};

TESTS_MAIN(tests)
