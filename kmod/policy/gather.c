// SPDX-License-Identifier: GPL-2.0-only
/* See gather.h. */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>

#include "page/load.h"
#include "policy/gather.h"
#include "pool/copy.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"
#include "pool/waiter.h"

/* Before what is stored of a block is read once more: a page of it can't be, perhaps. */
#define FETCH_AGAIN	(60 * HZ)

/* The node of more than half of them stays when all others cancel each other out. */
static void see_node(struct tarn_gather_view *v, unsigned int *votes, int nid)
{
	if (!*votes)
		v->nid = nid;
	*votes += v->nid == nid ? 1 : -1;
}

/* Such a page can't be copied: to try would cost its users all of the block's mappings. */
static bool is_spoilt(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	bool spoilt;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	spoilt = chunk && tarn_poisoned(chunk->page +
					(frame & (TARN_CHUNK_FRAMES - 1)));
	rcu_read_unlock();
	return spoilt;
}

/* False: as long as it has this page it can be no frame. */
static bool look_at(struct tarn_pool *pool, u64 e, struct tarn_gather_view *v,
		    unsigned int *votes)
{
	u64 frame = tarn_entry_payload(e);

	v->busy = tarn_entry_mark(e);
	if (v->busy || tarn_entry_pinned(e))
		return false;
	if (tarn_entry_has_frame(e)) {
		if (is_spoilt(pool, frame))
			return false;
		v->frames++;
		v->warm += tarn_entry_use(e) >= TARN_USE_WARM;
		see_node(v, votes, tarn_frame_node(pool, frame));
		return true;
	}
	if (tarn_entry_is_stored(e) && !(e & TARN_ENTRY_FAILED)) {
		v->stored++;
		return true;
	}
	/* The guest uses no page of its balloon. */
	return tarn_entry_is_known(e) && !tarn_entry_is_withheld(e);
}

/**
 * tarn_gather_look() - look at a block of small frames
 * @pool: its pool
 * @leaf: its leaf
 * @v: what it looks like; of no use but for @busy if false is returned
 *
 * Context: process; the partition's pin is held.
 * Return: false if it can be no frame as it is.
 */
bool tarn_gather_look(struct tarn_pool *pool, const struct tarn_leaf *leaf,
		      struct tarn_gather_view *v)
{
	unsigned int i, votes = 0;

	*v = (struct tarn_gather_view) { .nid = NUMA_NO_NODE };
	for (i = 0; i < TARN_LEAF_PAGES; i++)
		if (!look_at(pool, atomic64_read(&leaf->entry[i]), v, &votes))
			return false;
	return v->nid != NUMA_NO_NODE;
}

/*
 * The next page from @from on that somebody holds, TARN_LEAF_PAGES if there is none. To
 * find that out when it is unmapped would cost its users all of its mappings.
 */
unsigned int tarn_gather_held(struct tarn_pool *pool,
			      const struct tarn_leaf *leaf, unsigned int from)
{
	unsigned int i;

	for (i = from; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (tarn_entry_has_frame(e) &&
		    tarn_frame_peek_held(pool, tarn_entry_payload(e)))
			break;
	}
	return i;
}

/* The node that its frame is to be on, if it has to move. */
int tarn_gather_target(struct tarn_partition *part,
		       const struct tarn_gather_view *v)
{
	return tarn_home_pick_block(part, v->nid);
}

/* Are 2 MiB free that nobody will need soon? */
bool tarn_gather_roomy(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);

	return n && !tarn_waiters_any(pool) && tarn_chunk_room(n, 0);
}

/* And in one piece? If not, some is made of pieces. */
bool tarn_gather_room(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);

	if (!tarn_gather_roomy(pool, nid))
		return false;
	if (tarn_chunk_any(n))
		return true;
	pool->ops->compact(n);
	return false;
}

/* Can all that is stored of it be read now? If not there is no block to be made. */
static bool can_fetch(struct tarn_pool *pool, const struct tarn_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES && !tarn_pool_served(pool); i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (tarn_entry_is_stored(e) && !tarn_copy_reachable(pool, e))
			return false;
	}
	return true;
}

/**
 * tarn_gather_fetch() - have what is stored of a block read, with the pager or in a file
 * @part: partition; its pin is held
 * @leaf: the block's
 * @first: its first page
 *
 * It is to be looked at again when that is there.
 *
 * Context: process; does not wait for I/O. One at a time for a leaf: who calls has
 * part->relocate_lock, or is the relocation's work.
 * Return: whether a read was begun.
 */
bool tarn_gather_fetch(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 first)
{
	struct tarn_pool *pool = part->pool;
	unsigned int i, begun = 0;
	bool all = true;
	u64 frame, e;

	if (!can_fetch(pool, leaf) ||
	    (leaf->fetched && time_before(jiffies, leaf->fetched + FETCH_AGAIN)))
		return false;
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		if (!tarn_entry_is_stored(atomic64_read(&leaf->entry[i])))
			continue;
		all = !tarn_pool_is_low(pool) && !tarn_waiters_any(pool) &&
		      !atomic_read(&part->orphans);
		frame = all ? tarn_home_alloc(part, first + i, leaf) : TARN_FRAME_NONE;
		all = frame != TARN_FRAME_NONE;
		if (!all)
			break;
		if (tarn_load_start(part, first + i, frame, true)) {
			tarn_frame_free(pool, frame);
			continue;
		}
		begun++;
		/* Of a file there may be too many guesses: then it is as if it had not begun. */
		e = atomic64_read(&leaf->entry[i]);
		all = !tarn_entry_is_stored(e) || tarn_entry_mark(e);
		if (!all)
			break;
	}
	/* Where memory was short the others are read next time. */
	WRITE_ONCE(leaf->fetched, all ? jiffies | 1 : 0);
	return begun;
}
