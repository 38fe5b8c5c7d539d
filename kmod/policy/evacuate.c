// SPDX-License-Identifier: GPL-2.0-only
/* See evacuate.h. */
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "page/block.h"
#include "pager/window.h"
#include "policy/evacuate.h"
#include "policy/tracker.h"
#include "pool/chunk.h"
#include "pool/home.h"
#include "pool/magazine.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/**
 * struct tarn_evacuee - a page that is in a frame that has to become free
 * @owner: its partition and index, as a frame has it: in that order they are moved
 * @frame: where it is
 */
struct tarn_evacuee {
	u64 owner;
	u64 frame;
};

/**
 * tarn_evacuation_create() - all the memory that emptying takes
 * @pool: the pool
 * @tracker: told of each granule
 *
 * Context: process.
 * Return: it, or NULL without memory.
 */
struct tarn_evacuation *tarn_evacuation_create(struct tarn_pool *pool,
					       struct tarn_tracker *tracker)
{
	struct tarn_evacuation *ev = kzalloc(sizeof(*ev), GFP_KERNEL);

	if (!ev)
		return NULL;
	ev->pool = pool;
	ev->tracker = tracker;
	ev->list = kvmalloc_array(TARN_CHUNK_FRAMES, sizeof(*ev->list),
				  GFP_KERNEL);
	if (ev->list)
		return ev;
	kfree(ev);
	return NULL;
}

void tarn_evacuation_destroy(struct tarn_evacuation *ev)
{
	if (!ev)
		return;
	kvfree(ev->list);
	kfree(ev);
}

/* A way begins. */
void tarn_evacuation_begin(struct tarn_evacuation *ev)
{
	ev->at = 0;
	ev->left = 0;
	ev->full = false;
	ev->held = (struct tarn_held) {};
}

/* ---- one chunk ---------------------------------------------------------- */

static int by_owner(const void *a, const void *b)
{
	const struct tarn_evacuee *x = a, *y = b;

	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

/* All that seem to be in a chunk. A frame may change hands while we look. */
static unsigned int list_evacuees(struct tarn_chunk *chunk,
				  struct tarn_evacuee *list)
{
	unsigned int i, n = 0;

	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		u64 owner = READ_ONCE(chunk->frames[i].owner);

		if (!tarn_owner_id(owner))
			continue;
		list[n].owner = owner;
		list[n++].frame = (chunk->number << TARN_CHUNK_SHIFT) + i;
	}
	sort(list, n, sizeof(*list), by_owner, NULL);
	return n;
}

static void note_held(struct tarn_evacuation *ev, u64 owner, u64 pages)
{
	if (!ev->held.pages)
		ev->held.owner = owner;
	ev->held.pages += pages;
}

/* The first page of a granule is about to be taken. */
static void begin_granule(struct tarn_evacuation *ev, u64 owner)
{
	tarn_tracker_at(ev->tracker, owner);
	ev->since = ktime_get();
}

static void flush(struct tarn_evacuation *ev)
{
	struct tarn_move_batch *batch = &ev->batch;

	if (!batch->pages.count)
		return;
	tarn_tracker_note_tried(ev->tracker);
	tarn_move_flush(batch);
	tarn_tracker_note_blocked(ev->tracker, ev->since);
	tarn_tracker_note_moved(ev->tracker, batch->moved);
	if (batch->held)
		note_held(ev, tarn_owner_page(batch->pages.part->id,
					      batch->held_page), batch->held);
	tarn_move_begin(batch, batch->pages.part);
}

static bool move_block_to(struct tarn_evacuation *ev, struct tarn_partition *part,
			  struct tarn_leaf *leaf, u64 index, int nid)
{
	bool moved = tarn_block_try_move(part, leaf, index, nid,
					 &ev->tracker->try);

	tarn_tracker_note_try(ev->tracker);
	return moved;
}

/* To a node, or the nearest that has 2 MiB to spare. */
static bool move_near(struct tarn_evacuation *ev, struct tarn_partition *part,
		      struct tarn_leaf *leaf, u64 index, int nid)
{
	struct tarn_node *near = tarn_pool_node(part->pool, nid);
	int i;

	for (i = 0; near && i < nr_node_ids; i++)
		if (move_block_to(ev, part, leaf, index, near->nearest[i]))
			return true;
	return false;
}

/* All of the chunk may be one block: it goes as such, if there is a chunk to go to. */
static bool move_block(struct tarn_evacuation *ev, struct tarn_partition *part,
		       const struct tarn_evacuee *list, int node)
{
	u64 index = tarn_owner_index(list->owner), e;
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, false);

	e = leaf ? atomic64_read(tarn_leaf_entry(leaf, index)) : 0;
	if (!tarn_entry_is_frame(e, list->frame) ||
	    !tarn_block_is_whole(part->pool, e))
		return false;
	tarn_tracker_at(ev->tracker, list->owner);
	if (!move_near(ev, part, leaf, index, tarn_home_near(part, node)))
		return false;
	tarn_tracker_note_moved(ev->tracker, TARN_BLOCK_PAGES);
	return true;
}

/* What has a memory error stays as if somebody held it. */
static bool stays(enum tarn_move what)
{
	return what == TARN_MOVE_HELD || what == TARN_MOVE_POISONED;
}

/* With a frame to go to. */
static void take(struct tarn_evacuation *ev, const struct tarn_evacuee *who,
		 atomic64_t *entry, u64 to)
{
	struct tarn_partition *part = ev->batch.pages.part;
	u64 index = tarn_owner_index(who->owner);
	enum tarn_move what;

	if (!ev->batch.pages.count)
		begin_granule(ev, who->owner);
	what = tarn_move_add(&ev->batch, index, entry, who->frame, to);
	if (what == TARN_MOVE_TAKEN)
		tarn_tracker_note_target(ev->tracker, part, index, to);
	else if (stays(what))
		note_held(ev, who->owner, 1);
	if (tarn_move_is_full(&ev->batch))
		flush(ev);
}

/* Of the batch's partition. */
static void move_one(struct tarn_evacuation *ev, const struct tarn_evacuee *who,
		     int node)
{
	struct tarn_partition *part = ev->batch.pages.part;
	atomic64_t *entry = tarn_partition_entry(part,
						 tarn_owner_index(who->owner));
	u64 e = entry ? atomic64_read(entry) : 0, to;

	if (!tarn_entry_is_frame(e, who->frame) || tarn_entry_mark(e))
		return;
	/* Without a frame that it would not need. */
	if (tarn_frame_peek_held(part->pool, who->frame)) {
		note_held(ev, who->owner, 1);
		return;
	}
	/* Who empties chunks is nobody's processor. */
	to = tarn_frame_alloc(part->pool, tarn_home_near(part, node));
	if (to != TARN_FRAME_NONE) {
		take(ev, who, entry, to);
		return;
	}
	ev->full = true;
	flush(ev);
	/* It comes first, whenever there is one. */
	tarn_tracker_at(ev->tracker, who->owner);
}

/* Move those of one partition from a node, while there are frames to move to. */
static void move_out(struct tarn_evacuation *ev, struct tarn_partition *part,
		     const struct tarn_evacuee *list, unsigned int n, int node)
{
	unsigned int i;

	lockdep_assert_held_read(&part->pin);
	if (move_block(ev, part, list, node))
		return;
	tarn_move_begin(&ev->batch, part);
	for (i = 0; i < n && !ev->full; i++)
		move_one(ev, &list[i], node);
	flush(ev);
}

/* How many at the head of a list are of the same partition. */
static unsigned int of_one(const struct tarn_evacuee *list, unsigned int n)
{
	unsigned int i;

	for (i = 1; i < n; i++)
		if (tarn_owner_id(list[i].owner) != tarn_owner_id(list->owner))
			break;
	return i;
}

/**
 * tarn_evacuate_one() - move what is in a chunk
 * @ev: after tarn_evacuation_begin()
 * @chunk: leaving
 *
 * Context: process, pool->resize_lock; does not wait for I/O.
 */
void tarn_evacuate_one(struct tarn_evacuation *ev, struct tarn_chunk *chunk)
{
	struct tarn_evacuee *list = ev->list;
	unsigned int n = list_evacuees(chunk, list), some;
	bool was_full = ev->full;

	lockdep_assert_held(&ev->pool->resize_lock);
	/* By the next chunk reclaim may have made room. */
	ev->full = false;
	for (; n && !ev->full; list += some, n -= some) {
		struct tarn_partition *part =
			tarn_partition_find(ev->pool,
					    tarn_owner_id(list->owner));

		some = of_one(list, n);
		if (!part)
			continue;
		down_read(&part->pin);
		if (tarn_partition_lives(part))
			move_out(ev, part, list, some, chunk->node);
		up_read(&part->pin);
		tarn_partition_put(part);
	}
	ev->full |= was_full;
	ev->left += tarn_chunk_used(ev->pool, chunk);
}

/**
 * tarn_evacuate() - go on with a way over the chunks that are leaving
 * @ev: after tarn_evacuation_begin()
 * @chunks: at most so many of them
 *
 * Context: process, pool->resize_lock; does not wait for I/O. A signal that kills ends it.
 * Return: true if the way is whole, and with it what the fields of @ev tell.
 */
bool tarn_evacuate(struct tarn_evacuation *ev, unsigned int chunks)
{
	struct tarn_pool *pool = ev->pool;

	lockdep_assert_held(&pool->resize_lock);
	for (; ev->at < pool->max_chunks && chunks; ev->at++) {
		struct tarn_chunk *chunk = pool->chunks[ev->at];

		if (!chunk || !chunk->leaving)
			continue;
		tarn_evacuate_one(ev, chunk);
		chunks--;
		if (fatal_signal_pending(current))
			return false;
		cond_resched();
	}
	return ev->at == pool->max_chunks;
}

/* ---- which chunks ------------------------------------------------------- */

/**
 * tarn_leaving_mark() - the last chunks of each node that has too many are to go
 * @pool: the pool
 * @want: chunks that a node is to have, by its number
 *
 * Context: process, pool->resize_lock.
 * Return: whether there are any.
 */
bool tarn_leaving_mark(struct tarn_pool *pool, const u64 *want)
{
	bool any = false;
	u64 number;
	int nid;

	lockdep_assert_held(&pool->resize_lock);
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct tarn_node *n = pool->nodes[nid];
		s64 surplus = n ? (s64)(n->frames >> TARN_CHUNK_SHIFT) -
				  (s64)want[nid] : 0;

		for (number = pool->max_chunks; number-- && surplus > 0;) {
			struct tarn_chunk *chunk = pool->chunks[number];

			if (!chunk || chunk->node != nid)
				continue;
			tarn_chunk_set_leaving(pool, chunk, true);
			surplus--;
			any = true;
		}
	}
	/* Those that CPUs have at hand leave, too; no more of them get there. */
	if (any)
		tarn_magazines_empty(pool);
	return any;
}

/* They stay after all. */
void tarn_leaving_unmark(struct tarn_pool *pool)
{
	u64 number;

	lockdep_assert_held(&pool->resize_lock);
	for (number = 0; number < pool->max_chunks; number++)
		if (pool->chunks[number])
			tarn_chunk_set_leaving(pool, pool->chunks[number], false);
	tarn_waiters_serve(pool);
}

/* None of their frames is used: they go back to the kernel. */
void tarn_leaving_destroy(struct tarn_pool *pool)
{
	struct tarn_chunk *chunk, *next;
	LIST_HEAD(gone);
	u64 number;

	lockdep_assert_held(&pool->resize_lock);
	mutex_lock(&pool->pager_lock);
	for (number = 0; number < pool->max_chunks; number++)
		if (pool->chunks[number] && pool->chunks[number]->leaving)
			tarn_chunk_detach(pool, number, &gone);
	synchronize_rcu();
	list_for_each_entry(chunk, &gone, link) {
		tarn_window_forget_chunk(pool, chunk);
		cond_resched();
	}
	mutex_unlock(&pool->pager_lock);
	list_for_each_entry_safe(chunk, next, &gone, link) {
		tarn_chunk_destroy(pool, chunk);
		cond_resched();
	}
}

/* Frames of a node that are in chunks that are leaving. */
u64 tarn_leaving_frames(struct tarn_pool *pool, int nid)
{
	u64 number, chunks = 0;

	lockdep_assert_held(&pool->resize_lock);
	for (number = 0; number < pool->max_chunks; number++) {
		struct tarn_chunk *chunk = pool->chunks[number];

		chunks += chunk && chunk->leaving && chunk->node == nid;
	}
	return chunks << TARN_CHUNK_SHIFT;
}
