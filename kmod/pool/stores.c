// SPDX-License-Identifier: GPL-2.0-only
/* See stores.h. */
#include <linux/jiffies.h>

#include "pool/event.h"
#include "pool/pool.h"
#include "pool/stores.h"
#include "pool/waiter.h"

/* Without any store that ends, those under way count as hung. */
#define PATIENCE	(2 * HZ)
/* So many failures in a row are the device's, and no page's: it gets a rest. */
#define FAILURES	64
#define REST		(HZ / 10)

void tarn_stores_init(struct tarn_stores *s)
{
	init_waitqueue_head(&s->wait);
}

/* So many are going to be sent. */
void tarn_stores_begin(struct tarn_stores *s, unsigned int n)
{
	/* With the stamp of those long before they would look as if they hung. */
	if (!atomic_read(&s->under_way))
		WRITE_ONCE(s->ended, jiffies);
	/* Pairs with tarn_stores_hang(). */
	smp_mb__before_atomic();
	atomic_add(n, &s->under_way);
}

/* So many ended, however it went. */
void tarn_stores_end(struct tarn_stores *s, unsigned int n)
{
	/* Written once a tick only: all stores share the line. */
	if (time_before(READ_ONCE(s->ended), jiffies))
		WRITE_ONCE(s->ended, jiffies);
	atomic_sub(n, &s->under_way);
	wake_up(&s->wait);
}

/* One failed. Several at a time may count as one: then some more are sent. */
void tarn_stores_failed(struct tarn_stores *s)
{
	unsigned int failures = READ_ONCE(s->failures);

	if (failures < FAILURES)
		WRITE_ONCE(s->failures, ++failures);
	if (failures == FAILURES)
		WRITE_ONCE(s->again, jiffies + REST);
}

void tarn_stores_went_well(struct tarn_stores *s)
{
	if (READ_ONCE(s->failures))
		WRITE_ONCE(s->failures, 0);
}

/* What failed is forgotten: there is another pager. */
void tarn_stores_try(struct tarn_stores *s)
{
	WRITE_ONCE(s->failures, 0);
}

/**
 * tarn_stores_hang() - is there no hope that pages under way will be stored soon?
 * @s: page-outs of a pool
 *
 * None was for a while, though some are under way: a device hangs, or the pager. Then
 * no more are sent, and nobody counts on the frames of those.
 *
 * Context: any.
 */
bool tarn_stores_hang(const struct tarn_stores *s)
{
	/* Who sees the stores sees the stamp that was made before them. */
	return atomic_read_acquire(&s->under_way) &&
	       time_after(jiffies, READ_ONCE(s->ended) + PATIENCE);
}

/**
 * tarn_stores_fail() - do page-outs fail, and is it too soon to try again?
 * @s: page-outs of a pool
 *
 * A page whose store fails stays where it is, and the next look finds it as cold as
 * before: reclaim would send it without end.
 *
 * Context: any.
 */
bool tarn_stores_fail(const struct tarn_stores *s)
{
	return READ_ONCE(s->failures) == FAILURES &&
	       time_before(jiffies, READ_ONCE(s->again));
}

/* ---- room --------------------------------------------------------------- */

/*
 * Is room with the pager so short that outdated copies should go? An eighth of it
 * is more than reclaim can fill in the second that a pager takes to report.
 */
bool tarn_pool_is_scarce(struct tarn_pool *pool)
{
	u64 capacity = READ_ONCE(pool->capacity);

	return READ_ONCE(pool->full) ||
	       (capacity && READ_ONCE(pool->used) >= capacity - capacity / 8);
}

/* Has the pager room for a page that it has no copy of? It may be gone at once. */
bool tarn_pool_has_room(struct tarn_pool *pool)
{
	return !READ_ONCE(pool->full) || atomic_read(&pool->stores.room) > 0;
}

/* May a page be sent that the pager has no copy of? */
bool tarn_pool_take_room(struct tarn_pool *pool)
{
	return !READ_ONCE(pool->full) ||
	       atomic_dec_if_positive(&pool->stores.room) >= 0;
}

/* The pager forgot copies. If it was full, it can take as many pages now. */
void tarn_pool_room_made(struct tarn_pool *pool, unsigned int n)
{
	if (!READ_ONCE(pool->full))
		return;
	atomic_add(n, &pool->stores.room);
	if (tarn_waiters_any(pool))
		tarn_pool_kick(pool);
}

/* The pager has no room, or has some again. */
void tarn_pool_set_full(struct tarn_pool *pool, bool full)
{
	if (full && !READ_ONCE(pool->full))
		atomic_set(&pool->stores.room, 0);
	if (xchg(&pool->full, full) == full)
		return;
	tarn_event(pool, TARN_EVENT_PAGING_FULL, TARN_PARTITION_NONE, 0, full);
	if (!full) {
		tarn_waiters_serve(pool);
		tarn_pool_kick(pool);
	}
}
