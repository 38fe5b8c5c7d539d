// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Bringing what is shared home
 *
 * A store has no homes: each canon is to lie where most of those who share it are at home
 * (pool/canon_home.c), and stays where it is if that is as good as any. The placer's thread
 * goes through the canons in turns as it does through the pages of a partition (place.c), but
 * in the order of their places, as what one node has too many of is not known. To look where a
 * canon is to be means a look at all who share it, so a turn ends after so many of these.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "page/move.h"
#include "policy/place_canon.h"
#include "policy/way.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/* Canons that are looked at in a turn, and those who share them: some 0.3 ms. */
#define TURN_LOOKS	8192
/* Of these with the pin, which the end of the store waits for. */
#define STEP		256

/**
 * struct trip - canons that go home in a turn
 * @store: their store
 * @way: where it goes on
 * @looks: canons and sharers that may be looked at
 * @most: pages that may go
 * @to: node that those in hand go to
 * @batch: in hand
 */
struct trip {
	struct tarn_partition *store;
	struct tarn_way *way;
	s64 looks;
	s64 most;
	int to;
	struct tarn_move_batch batch;
};

static void flush(struct trip *t)
{
	unsigned int before = t->batch.moved, moved, passes;

	passes = tarn_move_flush(&t->batch);
	moved = t->batch.moved - before;
	t->most -= max(moved, passes * TARN_WAY_PASS_PAGES);
	if (moved)
		atomic64_add(moved, &t->store->node[t->to].moved);
}

/* Where a canon should be and is not, or NUMA_NO_NODE. */
static int goes_to(struct trip *t, u64 canon, u64 e)
{
	int here, to;

	if (!tarn_entry_has_frame(e) || tarn_entry_mark(e))
		return NUMA_NO_NODE;
	here = tarn_frame_node(t->store->pool, tarn_entry_payload(e));
	if (here == NUMA_NO_NODE)
		return here;
	t->looks -= tarn_canon_weight(t->store, canon);
	to = tarn_canon_home(t->store, canon, here);
	return to == here ? NUMA_NO_NODE : to;
}

static void visit(struct trip *t, u64 canon)
{
	struct tarn_pool *pool = t->store->pool;
	atomic64_t *entry = tarn_partition_entry(t->store, canon);
	u64 e = entry ? atomic64_read(entry) : 0, frame;
	int nid = goes_to(t, canon, e);

	/* Without a frame that it would not need. */
	if (nid == NUMA_NO_NODE ||
	    tarn_frame_peek_held(pool, tarn_entry_payload(e)))
		return;
	t->way->tried = true;
	if (nid != t->to) {
		flush(t);
		t->to = nid;
	}
	frame = tarn_frame_spare(pool, nid);
	if (frame == TARN_FRAME_NONE)
		return;
	tarn_move_add(&t->batch, canon, entry, tarn_entry_payload(e), frame);
	if (tarn_move_is_full(&t->batch))
		flush(t);
}

/* Some canons from where it was. False: there are no more. */
static bool step(struct trip *t)
{
	unsigned long at = t->way->at;
	unsigned int n;
	bool more = true;

	down_read(&t->store->pin);
	for (n = 0; n < STEP; n++, at++) {
		if (t->looks-- <= 0 || t->most <= 0)
			break;
		more = xa_find(&t->store->domain->canons, &at, ULONG_MAX, XA_PRESENT);
		if (!more)
			break;
		visit(t, at);
	}
	flush(t);
	up_read(&t->store->pin);
	t->way->at = more ? at : 0;
	cond_resched();
	return more;
}

static bool may_go_on(const struct trip *t)
{
	return t->looks > 0 && t->most > 0 &&
	       !tarn_waiters_any(t->store->pool);
}

/* All were looked at. If none went it rests, and longer each time that none was to. */
static void come_to_end(struct tarn_way *way)
{
	way->is_vain = !way->moved;
	way->rest = way->is_vain && !way->tried ?
		    clamp(2 * way->rest, TARN_WAY_REST, TARN_WAY_REST_MOST) :
		    TARN_WAY_REST;
	way->rests = jiffies + way->rest;
	way->moved = 0;
	way->tried = false;
}

/**
 * tarn_place_canons() - go on with what is shared and not where it should be
 * @store: the store
 * @anew: somebody's homes were set
 *
 * Context: the placer.
 * Return: whether there are more, so that it is worth to come soon.
 */
bool tarn_place_canons(struct tarn_partition *store, bool anew)
{
	struct tarn_way *way = tarn_way_of(store);
	struct trip t = {
		.store = store,
		.way = way,
		.looks = TURN_LOOKS,
		.to = NUMA_NO_NODE,
	};
	bool more = true;

	if (!way)
		return false;
	if (anew) {
		way->at = 0;
		way->is_vain = false;
	}
	if (way->is_vain && time_before(jiffies, way->rests))
		return false;
	tarn_way_adapt(store, way);
	t.most = way->rate;
	tarn_move_begin(&t.batch, store);
	while (more && may_go_on(&t))
		more = step(&t);
	way->went = t.batch.moved;
	way->moved += t.batch.moved;
	if (!more)
		come_to_end(way);
	return more;
}
