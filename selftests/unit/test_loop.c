// SPDX-License-Identifier: GPL-2.0-only
/* The event loop on a real ring: order of deletion, threads, timers. */
#include "../../vmm/loop.c"
#include "../../vmm/ring.c"
#include "fake_error.h"
#include "tap.h"

#include <sys/resource.h>

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
		TAP_SKIP("no io_uring here");
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

static bool enough;

static void count(void *arg)
{
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
}

static void *call_on(void *arg)
{
	unsigned int *calls = arg;

	for (*calls = 0; !READ_ONCE(enough); ++*calls)
		loop_call(loop, count, NULL);
	return NULL;
}

/* Each call is made, before the end or after it. */
static void test_call_at_end(void)
{
	pthread_t looper, caller;
	unsigned int calls;
	int i;

	if (!setup())
		return;
	for (i = 0; i < 500; i++) {
		hits = 0;
		loop->stop = enough = false;
		pthread_create(&looper, NULL, loop_thread, NULL);
		pthread_create(&caller, NULL, call_on, &calls);
		usleep(200);
		loop_stop(loop);
		pthread_join(looper, NULL);
		WRITE_ONCE(enough, true);
		pthread_join(caller, NULL);
		CHECK_EQ(hits, calls);
	}
	teardown();
}

static unsigned int turns, turns_seen;
#define TURNS 100000

static void post_again(struct loop_work *work)
{
	if (++turns < TURNS)
		loop_post(loop, work);
}

static void after_turns(void *arg)
{
	turns_seen = turns;
	loop_stop(loop);
}

/* Neither events nor timers nor the end wait for work that posts itself. */
static void test_endless_work(void)
{
	struct loop_work work = {.fn = post_again};
	int fd = eventfd(0, 0);
	struct loop_timer *timer;

	if (!setup())
		return;
	turns = 0;
	loop_event_add(loop, fd, after_turns, NULL);
	eventfd_write(fd, 1);
	loop_post(loop, &work);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(turns_seen > 0 && turns_seen < 100);

	loop->stop = false;
	loop_post(loop, &work);
	turns = 0;
	timer = loop_timer_add(loop, after_turns, NULL);
	loop_timer_set(timer, 1);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(turns_seen < 100);
	loop_timer_del(timer);
	teardown();
	close(fd);
}

static void test_cancel(void)
{
	struct loop_work works[3] = {
		{.fn = posted}, {.fn = posted}, {.fn = posted}};
	int i;

	if (!setup())
		return;
	for (i = 0; i < 3; i++)
		loop_post(loop, &works[i]);
	loop_work_cancel(loop, &works[2]);
	loop_work_cancel(loop, &works[0]);
	loop_work_cancel(loop, &works[0]);
	loop_stop(loop);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(hits, 1);
	/* The list is whole: its end was taken out. */
	loop_post(loop, &works[0]);
	loop_post(loop, &works[2]);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(hits, 3);
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

/* Of a loop that cannot be made the ring is not lost. */
static void fail_to_create(void)
{
	struct rlimit was, none;
	int fd = dup(0);

	close(fd);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = fd;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK(!loop_create(8));
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
	CHECK(!strstr(fake_error, "no ring is left"));
	CHECK_EQ(reserve.nr, 1);
}

/* A loop that ends gives its ring to the next one, clean; last, as it stays so. */
static void test_sealed(void)
{
	pthread_t thread;
	int i, fd = eventfd(0, 0);

	CHECK_EQ(ring_seal(1), 0);
	fail_to_create();
	for (i = 0; i < 20; i++) {
		loop = loop_create(8);
		CHECK(loop);
		if (!loop)
			break;
		CHECK(!loop_create(8));
		CHECK(strstr(fake_error, "no ring is left"));
		hits = 0;
		event_src = loop_event_add(loop, fd, count_locked, NULL);
		pthread_create(&thread, NULL, loop_thread, NULL);
		eventfd_write(fd, 1);
		while (!READ_ONCE(hits))
			sched_yield();
		loop_call(loop, (void (*)(void *))loop_event_del, event_src);
		loop_stop(loop);
		pthread_join(thread, NULL);
		CHECK(loop->idle);
		loop_destroy(loop);
	}
	CHECK_EQ(reserve.nr, 1);
	io_uring_queue_exit(&reserve.rings[0]);
	close(fd);
}

static const struct tap_test tests[] = {
	{"level polling", test_level},
	{"deleting within the callback", test_del_in_callback},
	{"eventfds", test_event},
	{"timers in order", test_timers},
	{"calls and posts from another thread", test_call},
	{"calls while a loop ends", test_call_at_end},
	{"work that posts itself", test_endless_work},
	{"work that is taken back", test_cancel},
	{"sources of a running loop", test_foreign},
	{"a ring that may not open files", test_restricted},
	{"rings of a reserve", test_sealed},
};

TAP_MAIN(tests)
