// SPDX-License-Identifier: GPL-2.0-only
/* The event loop on a real ring: order of deletion, threads, timers. */
#include "../../vmm/loop.c"
#include "fake_error.h"
#include "tap.h"

static struct loop *loop;
static struct loop_poll *poll_src;
static struct loop_event *event_src;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fds[2];
static unsigned int hits;

static bool setup(void)
{
	hits = 0;
	loop = loop_create(8);
	if (!loop) {
		printf("# no io_uring here: %s\n", fake_error);
		return false;
	}
	if (pipe(fds))
		abort();
	return true;
}

static void teardown(void)
{
	loop_destroy(loop);
	close(fds[0]);
	close(fds[1]);
}

static void put(void)
{
	if (write(fds[1], "x", 1) != 1)
		abort();
}

static void on_level(void *arg, int revents)
{
	char c;

	CHECK(revents & POLLIN);
	/* One byte a call: level polling calls again for the rest. */
	CHECK_EQ(read(fds[0], &c, 1), 1);
	if (++hits == 3)
		loop_stop(loop);
}

static void test_level(void)
{
	if (!setup())
		return;
	put();
	put();
	put();
	loop_poll_add(loop, fds[0], POLLIN | LOOP_POLL_LEVEL, on_level, NULL);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(hits, 3);
	teardown();
}

static void stop(void *arg)
{
	loop_stop(loop);
}

static void on_multishot(void *arg, int revents)
{
	char c;

	CHECK_EQ(read(fds[0], &c, 1), 1);
	hits++;
	if (hits == 1)
		put();
	else
		loop_poll_del(poll_src);
}

static void test_del_in_callback(void)
{
	struct loop_timer *timer;

	if (!setup())
		return;
	put();
	poll_src = loop_poll_add(loop, fds[0], POLLIN, on_multishot, NULL);
	timer = loop_timer_add(loop, stop, NULL);
	loop_timer_set(timer, loop_now() + 50000000);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(hits, 2);
	/* Deleted: nobody listens any more. */
	put();
	loop->stop = false;
	loop_timer_set(timer, loop_now() + 20000000);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(hits, 2);
	CHECK(TAILQ_FIRST(&loop->sources) == &loop->wake->src &&
	      !TAILQ_NEXT(&loop->wake->src, link));
	loop_timer_del(timer);
	teardown();
}

static void on_event(void *arg)
{
	if (++hits == 1)
		eventfd_write(*(int *)arg, 5);
	else
		loop_stop(loop);
}

static void test_event(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t count;

	if (!setup())
		return;
	event_src = loop_event_add(loop, fd, on_event, &fd);
	eventfd_write(fd, 1);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(hits, 2);
	loop_event_del(event_src);
	loop->stop = false;
	loop_stop(loop);
	loop_run(loop);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	CHECK(eventfd_read(fd, &count) < 0);
	teardown();
	close(fd);
}

static u64 order[3];

static void on_timer(void *arg)
{
	order[hits++] = (uintptr_t)arg;
	if (hits == 2)
		loop_stop(loop);
}

static void test_timers(void)
{
	struct loop_timer *a, *b, *c;
	u64 now = loop_now();

	if (!setup())
		return;
	a = loop_timer_add(loop, on_timer, (void *)1);
	b = loop_timer_add(loop, on_timer, (void *)2);
	c = loop_timer_add(loop, on_timer, (void *)3);
	loop_timer_set(a, now + 30000000);
	loop_timer_set(b, now + 10000000);
	loop_timer_set(c, now + 20000000);
	loop_timer_set(c, 0);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(order[0] == 2 && order[1] == 1);
	loop_timer_del(a);
	loop_timer_del(b);
	loop_timer_del(c);
	teardown();
}

static void *loop_thread(void *arg)
{
	loop_run(loop);
	return NULL;
}

static void in_loop(void *arg)
{
	CHECK(loop_in_thread(loop));
	hits++;
}

static void posted(struct loop_work *work)
{
	hits++;
}

static void test_call(void)
{
	struct loop_work work = {.fn = posted};
	pthread_t thread;
	int i;

	if (!setup())
		return;
	/* Not running yet: at once. */
	loop_call(loop, in_loop, NULL);
	CHECK_EQ(hits, 1);
	pthread_create(&thread, NULL, loop_thread, NULL);
	while (!READ_ONCE(loop->running))
		sched_yield();
	for (i = 0; i < 200; i++)
		loop_call(loop, in_loop, NULL);
	CHECK_EQ(hits, 201);
	loop_post(loop, &work);
	loop_post(loop, &work);
	loop_call(loop, in_loop, NULL);
	CHECK(hits == 203 || hits == 204);
	loop_stop(loop);
	pthread_join(thread, NULL);
	teardown();
}

static void count_locked(void *arg)
{
	hits++;
}

/* What a vCPU does: add and delete sources of a running loop under its lock. */
static void test_foreign(void)
{
	int fd = eventfd(0, 0), i;
	pthread_t thread;

	if (!setup())
		return;
	loop_set_lock(loop, &lock);
	pthread_create(&thread, NULL, loop_thread, NULL);
	while (!READ_ONCE(loop->running))
		sched_yield();
	for (i = 0; i < 500; i++) {
		unsigned int before;

		pthread_mutex_lock(&lock);
		event_src = loop_event_add(loop, fd, count_locked, NULL);
		pthread_mutex_unlock(&lock);
		if (i % 2)
			eventfd_write(fd, 1);
		if (i % 3 == 0)
			sched_yield();
		pthread_mutex_lock(&lock);
		loop_event_del(event_src);
		before = hits;
		pthread_mutex_unlock(&lock);
		eventfd_write(fd, 1);
		sched_yield();
		pthread_mutex_lock(&lock);
		CHECK_EQ(hits, before);
		pthread_mutex_unlock(&lock);
	}
	loop_stop(loop);
	pthread_join(thread, NULL);
	teardown();
	close(fd);
}

static void on_nop(struct loop_op *op, int res, unsigned int flags)
{
	CHECK_EQ(res, -EACCES);
	loop_stop(loop);
}

static void test_restricted(void)
{
	struct loop_op op = {.done = on_nop};
	struct io_uring_sqe *sqe;

	if (!setup())
		return;
	sqe = loop_sqe(loop);
	io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
	loop_submit(loop, sqe, &op);
	CHECK_EQ(loop_run(loop), 0);
	teardown();
}

static const struct tap_test tests[] = {
	{"level polling", test_level},
	{"deleting within the callback", test_del_in_callback},
	{"eventfds", test_event},
	{"timers in order", test_timers},
	{"calls and posts from another thread", test_call},
	{"sources of a running loop", test_foreign},
	{"a ring that may not open files", test_restricted},
};

TAP_MAIN(tests)
