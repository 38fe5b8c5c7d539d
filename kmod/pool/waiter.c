// SPDX-License-Identifier: GPL-2.0-only
/* See waiter.h. */
#include <linux/sched.h>
#include <linux/topology.h>

#include "pool/copy.h"
#include "pool/home.h"
#include "pool/magazine.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/wait.h"
#include "pool/waiter.h"

/* Growth leaves this part of the frames alone, at most RESERVE_MAX. */
#define RESERVE_PART	64
#define RESERVE_MAX	32

/**
 * struct waiter - a thread that waits for a frame
 * @link: on pool->waiters until it has one
 * @task: to wake
 * @ticket: its place in line, among all wants
 * @node: where it would like its frame
 * @frame: what it was given
 */
struct waiter {
	struct list_head link;
	struct task_struct *task;
	u64 ticket;
	int node;
	u64 frame;
};

/* Does growth leave enough, with @more frames free than are on lists? */
static bool growth_fits(struct tarn_pool *pool, u64 more)
{
	u64 free = more, low = 0;
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n) {
		free += READ_ONCE(n->free);
		low += READ_ONCE(n->low);
	}
	if (READ_ONCE(pool->full))
		return free > low;
	return free > min_t(u64, READ_ONCE(pool->frames) / RESERVE_PART,
			    RESERVE_MAX);
}

/* The same, with the frames that CPUs have at hand. */
static bool growth_allowed(struct tarn_pool *pool, u64 more)
{
	return !pool->paging || growth_fits(pool, more) ||
	       (tarn_magazines_empty(pool) && growth_fits(pool, more));
}

/* Who is served next, NULL if nobody can be. */
static struct waiter *next_waiter(struct tarn_pool *pool, u64 more)
{
	struct waiter *w, *grower = NULL;

	lockdep_assert_held(&pool->wait_lock);
	w = list_first_entry_or_null(&pool->waiters[TARN_WANT_RETURN],
				     struct waiter, link);
	if (growth_allowed(pool, more))
		grower = list_first_entry_or_null(
				&pool->waiters[TARN_WANT_GROWTH],
				struct waiter, link);
	if (!w || (grower && grower->ticket < w->ticket))
		return grower;
	return w;
}

/* The waiter leaves through wait_lock, so @w stays till that is dropped. */
static void give(struct tarn_pool *pool, struct waiter *w, u64 frame)
{
	lockdep_assert_held(&pool->wait_lock);
	list_del_init(&w->link);
	tarn_frame(pool, frame)->owner = TARN_OWNER_NOBODY;
	tarn_frame(pool, frame)->copy = TARN_COPY_NONE;
	WRITE_ONCE(w->frame, frame);
	wake_up_process(w->task);
}

static void enter(struct tarn_pool *pool, struct waiter *w, enum tarn_want want)
{
	spin_lock(&pool->wait_lock);
	w->ticket = ++pool->last_ticket;
	list_add_tail(&w->link, &pool->waiters[want]);
	spin_unlock(&pool->wait_lock);
}

static bool leave(struct tarn_pool *pool, struct waiter *w)
{
	bool waiting;

	spin_lock(&pool->wait_lock);
	waiting = !list_empty(&w->link);
	list_del_init(&w->link);
	spin_unlock(&pool->wait_lock);
	return waiting;
}

/**
 * tarn_waiters_any() - does anybody wait for a frame?
 * @pool: the pool
 *
 * Context: any; a hint unless the caller has ordered it.
 */
bool tarn_waiters_any(struct tarn_pool *pool)
{
	return !list_empty_careful(&pool->waiters[TARN_WANT_RETURN]) ||
	       !list_empty_careful(&pool->waiters[TARN_WANT_GROWTH]);
}

/**
 * tarn_waiters_first() - who waits longest?
 * @pool: the pool
 *
 * Context: any.
 * Return: its ticket, which no other has; 0 if nobody waits.
 */
u64 tarn_waiters_first(struct tarn_pool *pool)
{
	u64 first = 0;
	int want;

	if (likely(!tarn_waiters_any(pool)))
		return 0;
	spin_lock(&pool->wait_lock);
	for (want = 0; want < TARN_WANT_COUNT; want++) {
		struct waiter *w = list_first_entry_or_null(&pool->waiters[want],
							    struct waiter, link);

		if (w && (!first || w->ticket < first))
			first = w->ticket;
	}
	spin_unlock(&pool->wait_lock);
	return first;
}

/**
 * tarn_waiters_give() - hand on a frame that becomes free
 * @pool: of this pool
 * @frame: on no list
 *
 * Context: any.
 * Return: somebody has it.
 */
bool tarn_waiters_give(struct tarn_pool *pool, u64 frame)
{
	struct waiter *w;

	if (likely(!tarn_waiters_any(pool)))
		return false;
	spin_lock(&pool->wait_lock);
	w = next_waiter(pool, 1);
	if (w)
		give(pool, w, frame);
	spin_unlock(&pool->wait_lock);
	return w;
}

/**
 * tarn_waiters_serve() - hand out free frames to those who wait
 * @pool: the pool
 *
 * To be called when a frame was put on a free list, and when what growth has to
 * leave alone becomes less.
 *
 * Context: any.
 */
void tarn_waiters_serve(struct tarn_pool *pool)
{
	/* Pairs with the barrier in tarn_frame_wait(). */
	smp_mb();
	while (unlikely(tarn_waiters_any(pool))) {
		u64 frame = TARN_FRAME_NONE;
		struct waiter *w;

		spin_lock(&pool->wait_lock);
		w = next_waiter(pool, 0);
		if (w)
			frame = tarn_frame_alloc(pool, w->node);
		if (frame != TARN_FRAME_NONE)
			give(pool, w, frame);
		spin_unlock(&pool->wait_lock);
		if (frame == TARN_FRAME_NONE)
			break;
	}
}

/**
 * tarn_frame_try() - take a free frame, if there is one for this
 * @part: for this partition
 * @index: and this page of it
 * @back: its leaf, if it is stored and comes back
 * @want: what for
 *
 * Context: any; wakes the reclaimer.
 * Return: the frame or TARN_FRAME_NONE.
 */
u64 tarn_frame_try(struct tarn_partition *part, u64 index,
		   const struct tarn_leaf *back, enum tarn_want want)
{
	struct tarn_pool *pool = part->pool;

	if (want == TARN_WANT_GROWTH && !growth_allowed(pool, 0)) {
		tarn_pool_kick(pool);
		return TARN_FRAME_NONE;
	}
	return tarn_home_alloc(part, index, back);
}

/* Until somebody makes room there is no frame, and with a lock nobody waits so long. */
static bool never_grows(struct tarn_pool *pool, enum tarn_want want,
			const struct tarn_wait *wait)
{
	return wait->locked && want == TARN_WANT_GROWTH &&
	       READ_ONCE(pool->full);
}

/**
 * tarn_frame_wait() - take a free frame, wait for one if need be
 * @part: for this partition
 * @index: and this page of it
 * @back: its leaf, if it is stored and comes back
 * @want: what for
 * @wait: how
 *
 * Frames that become free go to those who wait, in their order, as soon as growth may
 * have them; what it has to leave alone goes to whoever needs it for a page that returns.
 *
 * Context: process, may sleep for long, ended by signals as @wait says.
 * Return: the frame, or TARN_FRAME_NONE if waiting became vain or, in a pool
 * without paging, there is none.
 */
u64 tarn_frame_wait(struct tarn_partition *part, u64 index,
		    const struct tarn_leaf *back, enum tarn_want want,
		    struct tarn_wait *wait)
{
	struct tarn_pool *pool = part->pool;
	struct waiter w = {
		.task = current,
		.node = tarn_home_pick_page(part, index, back),
		.frame = TARN_FRAME_NONE,
	};
	u64 frame = tarn_frame_try(part, index, back, want);

	if (frame != TARN_FRAME_NONE || !pool->paging)
		return frame;
	tarn_stats_add(part, TARN_STAT_FRAME_WAITS, 1);
	enter(pool, &w, want);
	/* One may have become free before the waiter could be seen. */
	smp_mb();
	tarn_magazines_empty(pool);
	frame = tarn_frame_try(part, index, back, want);
	if (frame == TARN_FRAME_NONE) {
		tarn_pool_limbo_soon(pool);
		tarn_pool_kick(pool);
	}
	while (frame == TARN_FRAME_NONE) {
		set_current_state(tarn_wait_state(wait));
		if (READ_ONCE(w.frame) != TARN_FRAME_NONE ||
		    tarn_wait_in_vain(wait) || never_grows(pool, want, wait))
			break;
		tarn_wait_sleep(wait);
	}
	__set_current_state(TASK_RUNNING);
	if (!leave(pool, &w)) {
		/* It was given one, perhaps besides what it found itself. */
		if (frame != TARN_FRAME_NONE)
			tarn_frame_free(pool, frame);
		else
			tarn_stats_taken(pool, w.node, w.frame, 1);
		frame = w.frame;
	}
	return frame;
}
