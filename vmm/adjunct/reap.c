// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for the device. Most requests are done while who has sent them still looks; then
 * the function's interrupt, an eventfd, is nobody's business, and the service thread is not
 * woken for it. Who leaves requests at the device has the service thread wait: it clears the
 * eventfd, looks what the device has done meanwhile, and only then, if there is more to come,
 * polls the eventfd. A timer looks for requests that take too long, or whose interrupt got lost.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "adjunct/internal.h"

#define TICK_NS 250000000ULL

static bool anything_pending(const struct adjunct *adj)
{
	u32 queues = adj->attached;
	u16 i;

	for (i = 0; queues; i++, queues >>= 1)
		if (queues & 1 && READ_ONCE(adjunct_log(adj, i)->busy))
			return true;
	return false;
}

static void arm(struct adjunct *adj)
{
	struct io_uring_sqe *sqe;

	if (adj->armed)
		return;
	WRITE_ONCE(adj->armed, true);
	sqe = loop_sqe(adj->loop);
	io_uring_prep_poll_add(sqe, adj->irq_fd, POLLIN);
	loop_submit(adj->loop, sqe, &adj->irq_op);
}

static void tick_later(struct adjunct *adj)
{
	WRITE_ONCE(adj->ticking, true);
	loop_timer_set(adj->tick, loop_now() + TICK_NS);
}

/* Two things to wait for; either may be waited for already. */
static void wait_for_device(struct adjunct *adj)
{
	arm(adj);
	if (!adj->ticking)
		tick_later(adj);
}

static void look(struct adjunct *adj, u32 command)
{
	eventfd_t count;

	eventfd_read(adj->irq_fd, &count);
	if (adj->attached && adjunct_enter(adjunct_service(adj), command, adj->attached) == -EAGAIN)
		return;
	if (anything_pending(adj))
		wait_for_device(adj);
}

static void interrupted(struct loop_op *op, int res, unsigned int flags)
{
	struct adjunct *adj = container_of(op, struct adjunct, irq_op);

	WRITE_ONCE(adj->armed, false);
	look(adj, ADJUNCT_REAP);
}

static void reap(struct loop_work *work)
{
	struct adjunct *adj = container_of(work, struct adjunct, reap_work);

	if (!adj->armed)
		look(adj, ADJUNCT_REAP);
	else if (!adj->ticking)
		tick_later(adj);
}

/*
 * The poll may stay armed, as its interrupt was eaten or lost. Who leaves a request at the
 * device notes it in the log and then looks at @ticking; here it is the other way round.
 */
static void stop_ticking(struct adjunct *adj)
{
	__atomic_store_n(&adj->ticking, false, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (anything_pending(adj))
		tick_later(adj);
}

static void ticked(void *arg)
{
	struct adjunct *adj = arg;

	if (!anything_pending(adj)) {
		stop_ticking(adj);
		return;
	}
	look(adj, ADJUNCT_TICK);
	tick_later(adj);
}

void adjunct_reap(struct adjunct *adj)
{
	/* Behind what the image has written; pairs with stop_ticking(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!READ_ONCE(adj->armed) || !READ_ONCE(adj->ticking))
		loop_post(adj->loop, &adj->reap_work);
}

int adjunct_reap_start(struct adjunct *adj)
{
	adj->irq_op.done = interrupted;
	adj->reap_work.fn = reap;
	adj->tick = loop_timer_add(adj->loop, ticked, adj);
	return adj->tick ? 0 : -ENOMEM;
}

void adjunct_reap_stop(struct adjunct *adj)
{
	if (!adj->tick)
		return;
	loop_work_cancel(adj->loop, &adj->reap_work);
	if (adj->armed)
		loop_cancel(adj->loop, &adj->irq_op);
	loop_timer_del(adj->tick);
	adj->tick = NULL;
}
