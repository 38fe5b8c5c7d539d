// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event loop: one io_uring, polls, eventfds, timers and posted work.
 *
 * Only the loop's own thread touches the ring, because io_uring completes a
 * request in the context of the task that submitted it: a poll armed by a vCPU
 * thread would throw that vCPU out of the guest at every event. What other
 * threads ask for travels as posted work.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "loop.h"
#include "ring.h"

/*
 * A poll or an eventfd. @armed while the kernel has the request, @dead once the
 * owner has deleted it; freed when neither the kernel nor a callback nor a
 * posted work refers to it.
 */
struct source {
	struct loop *loop;
	struct loop_op op;
	struct loop_work work;
	TAILQ_ENTRY(source) link;
	int fd;
	bool armed;
	bool dead;
	bool running;
};

struct loop_poll {
	struct source src;
	unsigned int events;
	void (*fn)(void *arg, int revents);
	void *arg;
};

struct loop_event {
	struct source src;
	u64 count;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_timer {
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
	u64 deadline; /* 0: not armed */
	TAILQ_ENTRY(loop_timer) link;
};

struct loop {
	struct io_uring ring;
	pthread_t thread;
	pthread_mutex_t *lock;
	bool running;
	bool stop;
	bool idle; /* ended with nothing in flight */
	TAILQ_HEAD(, loop_timer) timers; /* armed ones, soonest first */
	struct loop_event *wake;
	int wake_fd;
	pthread_mutex_t post_lock; /* innermost; guards what is below */
	TAILQ_HEAD(, source) sources;
	TAILQ_HEAD(, loop_work) posted;
	unsigned int nr_posted; /* read without the lock by the loop's thread */
};

u64 loop_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

bool loop_in_thread(const struct loop *loop)
{
	return pthread_equal(loop->thread, pthread_self());
}

struct io_uring *loop_ring(struct loop *loop)
{
	return &loop->ring;
}

struct io_uring_sqe *loop_sqe(struct loop *loop)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&loop->ring))) {
		int ret = io_uring_submit(&loop->ring);

		/* The completion queue is full: its entries must go first. */
		if (ret == -EBUSY || ret == -EAGAIN)
			io_uring_get_events(&loop->ring);
	}
	return sqe;
}

void loop_submit(struct loop *loop, struct io_uring_sqe *sqe,
		 struct loop_op *op)
{
	io_uring_sqe_set_data(sqe, op);
}

void loop_cancel(struct loop *loop, struct loop_op *op)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data(sqe, NULL);
}

/* Posted work */

static void wake(struct loop *loop)
{
	eventfd_write(loop->wake_fd, 1);
}

/* post_lock held; @work is not queued. True if the loop may be asleep. */
static bool post_put(struct loop *loop, struct loop_work *work)
{
	bool first = TAILQ_EMPTY(&loop->posted);

	work->queued = true;
	TAILQ_INSERT_TAIL(&loop->posted, work, link);
	WRITE_ONCE(loop->nr_posted, loop->nr_posted + 1);
	return first;
}

void loop_post(struct loop *loop, struct loop_work *work)
{
	bool first;

	pthread_mutex_lock(&loop->post_lock);
	first = !work->queued && post_put(loop, work);
	pthread_mutex_unlock(&loop->post_lock);
	/* The loop's own thread looks at what was posted before it sleeps. */
	if (first && !(READ_ONCE(loop->running) && loop_in_thread(loop)))
		wake(loop);
}

/* post_lock held. */
static void post_take(struct loop *loop, struct loop_work *work)
{
	TAILQ_REMOVE(&loop->posted, work, link);
	WRITE_ONCE(loop->nr_posted, loop->nr_posted - 1);
	work->queued = false;
}

void loop_work_cancel(struct loop *loop, struct loop_work *work)
{
	pthread_mutex_lock(&loop->post_lock);
	if (work->queued)
		post_take(loop, work);
	pthread_mutex_unlock(&loop->post_lock);
}

static struct loop_work *post_pop(struct loop *loop)
{
	struct loop_work *work;

	pthread_mutex_lock(&loop->post_lock);
	work = TAILQ_FIRST(&loop->posted);
	if (work)
		post_take(loop, work);
	pthread_mutex_unlock(&loop->post_lock);
	return work;
}

/*
 * What is there now, and not what comes of it: the ring has its turn first.
 * Whoever posts to an empty list wakes the loop, so looking without the lock
 * misses nothing.
 */
static void run_posted(struct loop *loop)
{
	unsigned int n = READ_ONCE(loop->nr_posted);
	struct loop_work *work;

	while (n-- && (work = post_pop(loop)))
		work->fn(work);
}

struct call {
	struct loop_work work;
	void (*fn)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
};

static void run_call(struct loop_work *work)
{
	struct call *call = container_of(work, struct call, work);

	call->fn(call->arg);
	pthread_mutex_lock(&call->lock);
	call->done = true;
	pthread_cond_signal(&call->cond);
	pthread_mutex_unlock(&call->lock);
}

/* False if the loop has ended, and nobody would run it. */
static bool call_post(struct loop *loop, struct call *call)
{
	bool running;

	pthread_mutex_lock(&loop->post_lock);
	running = loop->running;
	if (running)
		post_put(loop, &call->work);
	pthread_mutex_unlock(&loop->post_lock);
	if (running)
		wake(loop);
	return running;
}

void loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct call call = {.work.fn = run_call, .fn = fn, .arg = arg};

	pthread_mutex_init(&call.lock, NULL);
	pthread_cond_init(&call.cond, NULL);
	if (loop_in_thread(loop) || !call_post(loop, &call)) {
		fn(arg);
		call.done = true;
	}
	pthread_mutex_lock(&call.lock);
	while (!call.done)
		pthread_cond_wait(&call.cond, &call.lock);
	pthread_mutex_unlock(&call.lock);
	pthread_cond_destroy(&call.cond);
	pthread_mutex_destroy(&call.lock);
}

/* Polls and eventfds */

static void source_arm(struct source *src, void (*prep)(struct source *src))
{
	src->armed = true;
	prep(src);
}

static void source_put(struct source *src)
{
	if (!src->dead || src->armed || src->running || src->work.queued)
		return;
	pthread_mutex_lock(&src->loop->post_lock);
	TAILQ_REMOVE(&src->loop->sources, src, link);
	pthread_mutex_unlock(&src->loop->post_lock);
	free(src);
}

static void source_cancel(struct loop_work *work)
{
	struct source *src = container_of(work, struct source, work);

	if (src->armed) {
		loop_cancel(src->loop, &src->op);
		/* A request names its file by number until it is submitted. */
		io_uring_submit(&src->loop->ring);
	}
	source_put(src);
}

static void source_del(struct source *src)
{
	src->dead = true;
	if (loop_in_thread(src->loop) && !src->work.queued) {
		source_cancel(&src->work);
		return;
	}
	/* Perhaps it was never armed yet: the same work then only frees it. */
	src->work.fn = source_cancel;
	loop_post(src->loop, &src->work);
}

static void source_add(struct loop *loop, struct source *src, int fd,
		       void (*arm)(struct loop_work *work))
{
	src->loop = loop;
	src->fd = fd;
	pthread_mutex_lock(&loop->post_lock);
	TAILQ_INSERT_TAIL(&loop->sources, src, link);
	pthread_mutex_unlock(&loop->post_lock);
	src->work.fn = arm;
	if (loop_in_thread(loop))
		arm(&src->work);
	else
		loop_post(loop, &src->work);
}

static void poll_prep(struct source *src)
{
	struct loop_poll *poll = container_of(src, struct loop_poll, src);
	struct io_uring_sqe *sqe = loop_sqe(src->loop);
	unsigned int events = poll->events & ~LOOP_POLL_LEVEL;

	if (poll->events & LOOP_POLL_LEVEL)
		io_uring_prep_poll_add(sqe, src->fd, events);
	else
		io_uring_prep_poll_multishot(sqe, src->fd, events);
	loop_submit(src->loop, sqe, &src->op);
}

static void poll_arm(struct loop_work *work)
{
	source_arm(container_of(work, struct source, work), poll_prep);
}

static void poll_done(struct loop_op *op, int res, unsigned int flags)
{
	struct source *src = container_of(op, struct source, op);
	struct loop_poll *poll = container_of(src, struct loop_poll, src);

	if (!(flags & IORING_CQE_F_MORE))
		src->armed = false;
	if (!src->dead) {
		src->running = true;
		poll->fn(poll->arg, res);
		src->running = false;
	}
	if (src->dead)
		source_put(src);
	else if (!src->armed && res >= 0)
		source_arm(src, poll_prep);
}

struct loop_poll *loop_poll_add(struct loop *loop, int fd, unsigned int events,
				void (*fn)(void *arg, int revents), void *arg)
{
	struct loop_poll *poll = calloc(1, sizeof(*poll));

	if (!poll)
		return NULL;
	poll->events = events;
	poll->fn = fn;
	poll->arg = arg;
	poll->src.op.done = poll_done;
	source_add(loop, &poll->src, fd, poll_arm);
	return poll;
}

void loop_poll_del(struct loop_poll *poll)
{
	if (poll)
		source_del(&poll->src);
}

static void event_prep(struct source *src)
{
	struct loop_event *event = container_of(src, struct loop_event, src);
	struct io_uring_sqe *sqe = loop_sqe(src->loop);

	io_uring_prep_read(sqe, src->fd, &event->count, sizeof(event->count),
			   0);
	loop_submit(src->loop, sqe, &src->op);
}

static void event_arm(struct loop_work *work)
{
	source_arm(container_of(work, struct source, work), event_prep);
}

static void event_done(struct loop_op *op, int res, unsigned int flags)
{
	struct source *src = container_of(op, struct source, op);
	struct loop_event *event = container_of(src, struct loop_event, src);

	src->armed = false;
	if (!src->dead && res == sizeof(event->count)) {
		src->running = true;
		event->fn(event->arg);
		src->running = false;
	}
	if (src->dead)
		source_put(src);
	else if (res >= 0 || res == -EINTR || res == -EAGAIN)
		source_arm(src, event_prep);
	else
		err_errno(res, "cannot read an eventfd");
}

struct loop_event *loop_event_add(struct loop *loop, int fd,
				  void (*fn)(void *arg), void *arg)
{
	struct loop_event *event;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 ||
	    (flags & O_NONBLOCK && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0))
		return NULL;
	event = calloc(1, sizeof(*event));
	if (!event)
		return NULL;
	event->fn = fn;
	event->arg = arg;
	event->src.op.done = event_done;
	source_add(loop, &event->src, fd, event_arm);
	return event;
}

void loop_event_del(struct loop_event *event)
{
	if (event)
		source_del(&event->src);
}

/* Timers */

struct loop_timer *loop_timer_add(struct loop *loop, void (*fn)(void *arg),
				  void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer) {
		timer->loop = loop;
		timer->fn = fn;
		timer->arg = arg;
	}
	return timer;
}

void loop_timer_set(struct loop_timer *timer, u64 ns)
{
	struct loop *loop = timer->loop;
	struct loop_timer *pos;

	if (timer->deadline)
		TAILQ_REMOVE(&loop->timers, timer, link);
	timer->deadline = ns;
	if (!ns)
		return;
	TAILQ_FOREACH(pos, &loop->timers, link)
	if (pos->deadline > ns)
		break;
	if (pos)
		TAILQ_INSERT_BEFORE(pos, timer, link);
	else
		TAILQ_INSERT_TAIL(&loop->timers, timer, link);
	if (!loop_in_thread(loop) && TAILQ_FIRST(&loop->timers) == timer)
		wake(loop);
}

void loop_timer_del(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_timer_set(timer, 0);
	free(timer);
}

static void run_timers(struct loop *loop)
{
	struct loop_timer *timer;
	u64 now = 0;

	while ((timer = TAILQ_FIRST(&loop->timers))) {
		if (!now)
			now = loop_now();
		if (timer->deadline > now)
			break;
		loop_timer_set(timer, 0);
		timer->fn(timer->arg);
	}
}

/* Running */

static void unlock(struct loop *loop)
{
	if (loop->lock)
		pthread_mutex_unlock(loop->lock);
}

static void relock(struct loop *loop)
{
	if (loop->lock)
		pthread_mutex_lock(loop->lock);
}

/*
 * Submit what was queued and sleep until something happens, unless there is
 * posted work left to do.
 */
static int loop_wait(struct loop *loop)
{
	struct loop_timer *timer = TAILQ_FIRST(&loop->timers);
	struct __kernel_timespec ts = {0}, *tsp = NULL;
	struct io_uring_cqe *cqe;
	int ret;

	if (READ_ONCE(loop->nr_posted)) {
		tsp = &ts;
	} else if (timer) {
		u64 now = loop_now();
		u64 ns = timer->deadline > now ? timer->deadline - now : 0;

		ts.tv_sec = ns / 1000000000;
		ts.tv_nsec = ns % 1000000000;
		tsp = &ts;
	}
	/* Without the lock others may close what a request names by number. */
	if (loop->lock)
		io_uring_submit(&loop->ring);
	unlock(loop);
	ret = io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, tsp, NULL);
	relock(loop);
	if (ret < 0 && ret != -ETIME && ret != -EINTR && ret != -EAGAIN &&
	    ret != -EBUSY)
		return err_errno(ret, "io_uring wait");
	return 0;
}

/* What has completed by now: more may come as fast as it is handled. */
static void reap(struct loop *loop)
{
	unsigned int n = io_uring_cq_ready(&loop->ring);
	struct io_uring_cqe *cqe;

	while (n-- && !io_uring_peek_cqe(&loop->ring, &cqe)) {
		struct loop_op *op = io_uring_cqe_get_data(cqe);
		unsigned int flags = cqe->flags;
		int res = cqe->res;

		io_uring_cqe_seen(&loop->ring, cqe);
		if (op)
			op->done(op, res, flags);
	}
}

static bool all_dead(struct loop *loop)
{
	struct source *src;

	TAILQ_FOREACH(src, &loop->sources, link)
		if (!src->dead)
			return false;
	return true;
}

/*
 * Take back what the kernel still has, so that another loop can have the ring.
 * In this thread, as requests belong to the one that submitted them.
 */
static bool quiesce(struct loop *loop)
{
	int ret = 0;

	loop_event_del(loop->wake);
	loop->wake = NULL;
	while (!ret && !TAILQ_EMPTY(&loop->sources) && all_dead(loop)) {
		ret = loop_wait(loop);
		reap(loop);
	}
	return !ret && TAILQ_EMPTY(&loop->sources);
}

static void set_running(struct loop *loop, bool running)
{
	pthread_mutex_lock(&loop->post_lock);
	WRITE_ONCE(loop->running, running);
	pthread_mutex_unlock(&loop->post_lock);
}

int loop_run(struct loop *loop)
{
	int ret = 0;

	relock(loop);
	loop->thread = pthread_self();
	set_running(loop, true);
	while (!READ_ONCE(loop->stop) && !ret) {
		run_timers(loop);
		run_posted(loop);
		if (READ_ONCE(loop->stop))
			break;
		ret = loop_wait(loop);
		reap(loop);
	}
	set_running(loop, false);
	/* With the last loop_call(). */
	run_posted(loop);
	if (!ret && !loop->lock && ring_sealed())
		loop->idle = quiesce(loop);
	unlock(loop);
	return ret;
}

void loop_stop(struct loop *loop)
{
	WRITE_ONCE(loop->stop, true);
	wake(loop);
}

void loop_set_lock(struct loop *loop, pthread_mutex_t *lock)
{
	loop->lock = lock;
}

static void woken(void *arg)
{
}

struct loop *loop_create(unsigned int entries)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int ret = -ENOMEM;

	if (!loop)
		goto err_report;
	TAILQ_INIT(&loop->sources);
	TAILQ_INIT(&loop->timers);
	pthread_mutex_init(&loop->post_lock, NULL);
	TAILQ_INIT(&loop->posted);
	loop->thread = pthread_self();
	ret = ring_get(&loop->ring, entries);
	if (ret)
		goto err_free;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (loop->wake_fd < 0) {
		ret = -errno;
		goto err_ring;
	}
	loop->wake = loop_event_add(loop, loop->wake_fd, woken, NULL);
	if (!loop->wake) {
		ret = -ENOMEM;
		goto err_wake;
	}
	return loop;

err_wake:
	close(loop->wake_fd);
err_ring:
	ring_put(&loop->ring, true);
err_free:
	pthread_mutex_destroy(&loop->post_lock);
	free(loop);
err_report:
	ring_report(ret);
	return NULL;
}

void loop_destroy(struct loop *loop)
{
	struct source *src;

	if (!loop)
		return;
	/* Closing takes back every request; their memory is ours again after it. */
	ring_put(&loop->ring, loop->idle);
	while ((src = TAILQ_FIRST(&loop->sources))) {
		TAILQ_REMOVE(&loop->sources, src, link);
		free(src);
	}
	close(loop->wake_fd);
	pthread_mutex_destroy(&loop->post_lock);
	free(loop);
}
