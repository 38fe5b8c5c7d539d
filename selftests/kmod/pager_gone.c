// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pagers that go in other ways than by closing /dev/tarn: with others that have their
 * descriptors, with a command parked by a thread of io_uring's, by becoming another
 * program, or not at all, until an operator takes the pool from them. Each time the next
 * one gets it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define PARKED 0x9a

static struct pool pool;
static struct pager pg;
static struct pager_end e;
static int part;
static u8 *map;
static _Atomic int *step;

static void begin(void)
{
	pool_mount(&pool, "size=8M");
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
	step = shared_alloc(PAGE_SIZE);
	pager_init(&pg, &pool);
}

/* Another pager gets the pool, and all is there. */
static void end(void)
{
	u64 i;

	WAIT_FOR(!(pool_info(&pool).flags & TARN_POOL_SERVED));
	if (!pg.pid)
		pager_launch(&pg);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void attach(void)
{
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	ASSERT_EQ(pager_end_map(&e), 0);
}

/* Park on queue 0; 0 or what the command ended with at once. */
static int park(void)
{
	const struct tarn_serve serve = { .flags = TARN_SERVE_PARK };
	u64 user;
	int ret;

	ASSERT_EQ(pager_end_submit(&e, &serve, PARKED), 0);
	ret = pager_end_wait(&e, &user, 200);
	return ret == -ETIME ? 0 : ret;
}

static int serve_with_sqpoll(void *arg)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL };
	int ret;

	attach();
	ASSERT_EQ(io_uring_queue_init_params(16, &e.ring, &params), 0);
	e.has_ring = true;
	ASSERT_EQ(pager_end_start(&e), 0);
	ret = park();
	/* a kernel that cannot cancel it does not take it */
	ASSERT(!ret || ret == -EOPNOTSUPP);
	*step = 1;
	for (;;)
		pause();
	return 0;
}

static void killed_with_a_polled_ring(void)
{
	pid_t pid;

	begin();
	pid = spawn(serve_with_sqpoll, NULL);
	WAIT_FOR(*step == 1);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	end();
}

static int idle(void *arg)
{
	for (;;)
		pause();
	return 0;
}

/* Who has the descriptors in common keeps them open. */
static int serve_with_a_sibling(void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));

	attach();
	ASSERT_EQ(pager_end_start(&e), 0);
	ASSERT_EQ(park(), 0);
	step[1] = ASSERT_OK(clone(idle, stack + sizeof(stack), CLONE_FILES, NULL));
	*step = 1;
	for (;;)
		pause();
	return 0;
}

static void killed_with_a_sibling(void)
{
	pid_t pid;

	begin();
	pid = spawn(serve_with_a_sibling, NULL);
	WAIT_FOR(*step == 1);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	WAIT_FOR(!(pool_info(&pool).flags & TARN_POOL_SERVED));
	ASSERT_OK(kill(step[1], SIGKILL));
	end();
}

/* What goes on in its place has its descriptors, or others have them, or nobody. */
#define INHERITED 1
#define WITH_SIBLING 2

/* With a request in hand, and waiting for the next one. */
static int serve_then_exec(void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));
	const struct tarn_serve serve = { .flags = TARN_SERVE_PARK, .seen = 1 };
	unsigned long how = (uintptr_t)arg;

	attach();
	ASSERT_EQ(pager_end_start(&e), 0);
	ASSERT_EQ(park(), 0);
	*step = 1;
	ASSERT_EQ(pager_end_wait(&e, NULL, -1), 1);
	ASSERT_EQ(pager_end_submit(&e, &serve, PARKED), 0);
	if (how & INHERITED)
		ASSERT_OK(fcntl(e.fd, F_SETFD, 0));
	if (how & WITH_SIBLING)
		step[1] = ASSERT_OK(clone(idle, stack + sizeof(stack), CLONE_FILES, NULL));
	*step = 2;
	ASSERT_OK(execlp("sleep", "sleep", "1000", NULL));
	return 0;
}

static int touch(void *arg)
{
	return page_version(map + (uintptr_t)arg * PAGE_SIZE, 9, (uintptr_t)arg);
}

static void await_lost(int events)
{
	struct tarn_event ev;

	do
		ASSERT_EQ(SYS(read(events, &ev, sizeof(ev))), sizeof(ev));
	while (ev.type != TARN_EVENT_PAGER_LOST);
}

static bool is_at(pid_t pid, const char *program)
{
	char path[64], comm[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = ASSERT_OK(open(path, O_RDONLY | O_CLOEXEC));
	ASSERT_OK(read(fd, comm, sizeof(comm) - 1));
	close(fd);
	return !strncmp(comm, program, strlen(program));
}

static void check_exec(unsigned long how)
{
	pid_t server, reader;
	int events;

	begin();
	events = tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
	pager_launch(&pg);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	pager_lose(&pg, &pool);
	await_lost(events);
	server = spawn(serve_then_exec, (void *)how);
	WAIT_FOR(*step == 1);
	reader = spawn(touch, (void *)7UL);
	WAIT_FOR(*step == 2);
	await_lost(events);
	ASSERT(!(pool_info(&pool).flags & TARN_POOL_SERVED));
	WAIT_FOR(is_at(server, "sleep"));
	pager_launch(&pg);
	ASSERT_EQ(reap(reader), 1);
	pager_lose(&pg, &pool);
	ASSERT_OK(kill(server, SIGKILL));
	ASSERT_EQ(reap(server), 256 + SIGKILL);
	if (how & WITH_SIBLING)
		ASSERT_OK(kill(step[1], SIGKILL));
	close(events);
	end();
}

static void becomes_another_program(void)
{
	check_exec(0);
}

static void another_program_has_its_descriptor(void)
{
	check_exec(INHERITED);
}

static void another_program_and_a_sibling(void)
{
	check_exec(WITH_SIBLING);
}

static long detach(u32 size, u32 flags)
{
	struct tarn_pool_detach d = { .size = size, .flags = flags };

	return __tarn_op(pool.fd, TARN_POOL_DETACH, &d);
}

/* It stands still with a read in hand, and goes on when another has its place. */
static void detached_by_force(void)
{
	struct pager stuck;
	pid_t reader;

	begin();
	ASSERT_EQ(detach(sizeof(struct tarn_pool_detach), 0), -ENOTCONN);
	ASSERT_EQ(detach(sizeof(struct tarn_pool_detach), 1), -EINVAL);
	ASSERT_EQ(detach(4, 0), -EINVAL);
	pager_launch(&pg);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	reader = spawn(touch, (void *)7UL);
	WAIT_FOR(pg.ctl->taken > pg.ctl->completed);
	ASSERT_OK(kill(pg.pid, SIGSTOP));
	ASSERT_EQ(detach(sizeof(struct tarn_pool_detach), 0), 0);
	ASSERT(!(pool_info(&pool).flags & TARN_POOL_SERVED));
	ASSERT_EQ(detach(sizeof(struct tarn_pool_detach), 0), -ENOTCONN);
	stuck = pg;
	pg.ctl->hold = 0;
	pager_launch(&pg);
	ASSERT_EQ(reap(reader), 1);
	/* what it has in hand it cannot read any more: its window is closed */
	ASSERT_OK(kill(stuck.pid, SIGCONT));
	ASSERT_NE(reap(stuck.pid), 0);
	pager_assert_protocol(&pg);
	ASSERT(pool_info(&pool).flags & TARN_POOL_SERVED);
	pager_kill(&pg);
	end();
}

#define WINDOW_BYTES (8UL << 20)
#define WINDOW_PAGES (WINDOW_BYTES / PAGE_SIZE)
#define SWEEPERS 3
#define ROUNDS 40

/* Have all of its window mapped, over and over, until it leads nowhere. */
static void *sweep(void *arg)
{
	do
		ASSERT_OK(madvise(e.window, WINDOW_BYTES, MADV_DONTNEED));
	while (!madvise(e.window, WINDOW_BYTES, MADV_POPULATE_READ));
	return NULL;
}

/* Returns how many frames are mapped once the pool was taken from it, at most 255. */
static int sweep_the_window(void *arg)
{
	u8 mapped[WINDOW_PAGES];
	pthread_t t[SWEEPERS];
	int i, left = 0;

	attach();
	*step = 1;
	for (i = 0; i < SWEEPERS; i++)
		pthread_create(&t[i], NULL, sweep, NULL);
	for (i = 0; i < SWEEPERS; i++)
		pthread_join(t[i], NULL);
	/* It leads nowhere as soon as the pager counts as gone, and is closed then. */
	WAIT_FOR(*step == 2);
	ASSERT_OK(mincore(e.window, WINDOW_BYTES, mapped));
	for (i = 0; i < (int)WINDOW_PAGES; i++)
		left += mapped[i] & 1;
	return left < 255 ? left : 255;
}

/* Whatever it is at when the pool is taken from it, nothing of that stays mapped. */
static void window_of_one_that_lives_on(void)
{
	pid_t pid;
	int round;

	begin();
	for (round = 0; round < ROUNDS; round++) {
		*step = 0;
		pid = spawn(sweep_the_window, NULL);
		WAIT_FOR(*step == 1);
		msleep(round % 8);
		ASSERT_EQ(detach(sizeof(struct tarn_pool_detach), 0), 0);
		*step = 2;
		ASSERT_EQ(reap(pid), 0);
	}
	end();
}

/*
 * MADV_DOFORK gives a child the mapping, but nothing in it. Newer kernels refuse it for
 * mappings that cannot grow, and a child does without.
 */
static void window_of_a_child(void)
{
	u8 byte;
	pid_t child;
	int refused;

	begin();
	attach();
	ASSERT_EQ(try_read(e.window, &byte), 0);
	refused = madvise(e.window, e.window_bytes, MADV_DOFORK);
	if (refused)
		ASSERT_EQ(errno, EINVAL);
	child = fork();
	if (!child)
		_exit(try_read(e.window, &byte));
	ASSERT_EQ(reap(child), refused ? SIGSEGV : SIGBUS);
	ASSERT_EQ(try_read(e.window, &byte), 0);
	pager_end_close(&e);
	end();
}

static const struct tarn_test tests[] = {
	TEST(killed_with_a_polled_ring),
	TEST(killed_with_a_sibling),
	TEST(becomes_another_program),
	TEST(another_program_has_its_descriptor),
	TEST(another_program_and_a_sibling),
	TEST(detached_by_force),
	TEST(window_of_one_that_lives_on),
	TEST(window_of_a_child),
};

TESTS_MAIN(tests)
