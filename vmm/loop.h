/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop on io_uring. One runs in the main thread, one in each
 * iothread. A loop and everything attached to it is used from its own thread.
 * On the main loop, loop_*_add(), _del() and _set() may also be called by any
 * thread that holds the VM's lock (a vCPU that resets a device); loop_sqe() and
 * loop_submit() may not. What says "any thread" needs no lock at all.
 *
 * The main loop runs its callbacks under the VM's lock (vm.h) and drops it
 * while it sleeps. Callbacks of an iothread run without it and must never take
 * it, so that others may wait for an iothread (loop_call()) while they hold it. That
 * can take long: see wait.h.
 *
 * Objects that loop_*_add() returns belong to the loop: after loop_*_del() no
 * callback comes any more and the loop frees the object when the kernel has let
 * go of it. The file descriptor stays the caller's and may be closed then.
 */
#ifndef TARN_LOOP_H
#define TARN_LOOP_H

#include <liburing.h>
#include <pthread.h>
#include <sys/queue.h>

#include "lib/types.h"

struct loop;
struct loop_event;
struct loop_poll;
struct loop_timer;

/**
 * struct loop_op - an io_uring request in flight, embedded in the caller's own
 * request structure.
 * @done: called with the CQE's result and flags. With IORING_CQE_F_MORE in
 *	  @flags more calls follow; otherwise the loop has forgotten @op before
 *	  the call, so @done may free or reuse it.
 */
struct loop_op {
	void (*done)(struct loop_op *op, int res, unsigned int flags);
};

/**
 * struct loop_work - something to be run once in a loop's thread.
 * @fn: what to run; @work may be posted again or freed from within
 */
struct loop_work {
	void (*fn)(struct loop_work *work);
	/* private: */
	TAILQ_ENTRY(loop_work) link;
	bool queued;
};

/** loop_create() - a loop with a ring of @entries, or NULL, reported. */
struct loop *loop_create(unsigned int entries);
void loop_destroy(struct loop *loop);

/** loop_set_lock() - hold @lock whenever a callback runs. Before loop_run(). */
void loop_set_lock(struct loop *loop, pthread_mutex_t *lock);

/** loop_run() - serve events in this thread until loop_stop(). */
int loop_run(struct loop *loop);

/** loop_stop() - make loop_run() return. Any thread. */
void loop_stop(struct loop *loop);

/** loop_in_thread() - whether the calling thread runs @loop. */
bool loop_in_thread(const struct loop *loop);

/**
 * loop_sqe() - an empty submission entry.
 *
 * Fill it with io_uring_prep_*(), then call loop_submit() before the next
 * loop_sqe(). Never NULL: a full queue is submitted first.
 */
struct io_uring_sqe *loop_sqe(struct loop *loop);

/**
 * loop_submit() - hand over an entry; it goes to the kernel together with all
 * others when the loop is about to sleep.
 * @sqe: from loop_sqe()
 * @op: gets the completion
 */
void loop_submit(struct loop *loop, struct io_uring_sqe *sqe,
		 struct loop_op *op);

/** loop_cancel() - ask the kernel to cancel @op; its @done still comes. */
void loop_cancel(struct loop *loop, struct loop_op *op);

/** loop_ring() - the ring, to register buffers or files with. */
struct io_uring *loop_ring(struct loop *loop);

/**
 * loop_poll_add() - call @fn whenever @fd gets ready.
 * @loop: the loop
 * @fd: not owned
 * @events: POLLIN, POLLOUT, ... or-ed with LOOP_POLL_LEVEL
 * @fn: gets the events seen; negative errno when polling failed
 * @arg: passed to @fn
 *
 * A multishot poll: @fn hears of changes only, so it drains @fd until EAGAIN.
 * With LOOP_POLL_LEVEL it is called again as long as @fd is ready.
 *
 * Return: a handle, or NULL without memory.
 */
struct loop_poll *loop_poll_add(struct loop *loop, int fd, unsigned int events,
				void (*fn)(void *arg, int revents), void *arg);
void loop_poll_del(struct loop_poll *poll);
#define LOOP_POLL_LEVEL 0x80000000U

/**
 * loop_event_add() - call @fn whenever eventfd @fd was written.
 *
 * The loop itself reads the counter, through the ring; this is what a queue
 * kick (ioeventfd) is received with. EFD_NONBLOCK is cleared on @fd, because
 * the ring would not wait otherwise.
 */
struct loop_event *loop_event_add(struct loop *loop, int fd,
				  void (*fn)(void *arg), void *arg);
void loop_event_del(struct loop_event *event);

/** loop_timer_add() - a timer, not armed. */
struct loop_timer *loop_timer_add(struct loop *loop, void (*fn)(void *arg),
				  void *arg);
void loop_timer_del(struct loop_timer *timer);

/** loop_timer_set() - fire once at CLOCK_MONOTONIC @ns; 0 disarms. */
void loop_timer_set(struct loop_timer *timer, u64 ns);

/** loop_now() - CLOCK_MONOTONIC in ns. */
u64 loop_now(void);

/**
 * loop_post() - run @work in the loop's thread, soon. Any thread.
 *
 * Posting what is already queued does nothing. What work posts runs after
 * everything else that the loop has to do by then: work may post itself again
 * and again.
 */
void loop_post(struct loop *loop, struct loop_work *work);

/**
 * loop_work_cancel() - take @work back if it has not run yet.
 *
 * In the loop's thread, or on the main loop under the VM's lock: it does not
 * run afterwards, so that whoever owns it may be freed.
 */
void loop_work_cancel(struct loop *loop, struct loop_work *work);

/**
 * loop_call() - run @fn(@arg) in the loop's thread and wait for it. Any
 * thread, with or without the VM's lock when @loop is an iothread's; never on
 * the main loop from a thread that holds the VM's lock. Runs @fn at once when
 * the caller is that thread or the loop does not run.
 */
void loop_call(struct loop *loop, void (*fn)(void *arg), void *arg);

#endif
