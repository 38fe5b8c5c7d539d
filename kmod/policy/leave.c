// SPDX-License-Identifier: GPL-2.0-only
/* See leave.h. */
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "page/block.h"
#include "policy/evacuate.h"
#include "policy/leave.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* ---- while it goes on --------------------------------------------------- */

/* None is told of so far. It goes with the pool. */
int tarn_leave_create(struct tarn_pool *pool)
{
	struct tarn_leave *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return -ENOMEM;
	spin_lock_init(&l->lock);
	tarn_tracker_begin(&l->tracker);
	pool->leave = l;
	return 0;
}

/**
 * tarn_leave_begin() - frames are to leave
 * @pool: the pool
 * @why: what for
 * @flags: TARN_DRAIN_*
 * @node: of this node, or (u32)TARN_NODE_NONE
 * @frames: how many
 *
 * Context: process, pool->resize_lock.
 */
void tarn_leave_begin(struct tarn_pool *pool, enum tarn_drain_why why,
		      u32 flags, u32 node, u64 frames)
{
	struct tarn_leave *l = pool->leave;

	lockdep_assert_held(&pool->resize_lock);
	spin_lock(&l->lock);
	memset(&l->told, 0, sizeof(l->told));
	l->told.why = why;
	l->told.flags = flags;
	l->told.node = node;
	l->told.state = TARN_RELOCATION_RUNNING;
	l->told.frames = frames;
	l->told.left = frames;
	tarn_tracker_begin(&l->tracker);
	spin_unlock(&l->lock);
}

/* That has an end. */
void tarn_leave_end(struct tarn_pool *pool, u32 state)
{
	struct tarn_leave *l = pool->leave;

	lockdep_assert_held(&pool->resize_lock);
	spin_lock(&l->lock);
	l->told.state = state;
	spin_unlock(&l->lock);
}

bool tarn_leave_runs(struct tarn_pool *pool)
{
	lockdep_assert_held(&pool->resize_lock);
	return pool->leave->told.state == TARN_RELOCATION_RUNNING;
}

/* So many are there for them on other nodes. */
void tarn_leave_set_grown(struct tarn_pool *pool, u64 frames)
{
	struct tarn_leave *l = pool->leave;

	lockdep_assert_held(&pool->resize_lock);
	spin_lock(&l->lock);
	l->told.grown = frames;
	spin_unlock(&l->lock);
}

/* A way over them is whole. */
void tarn_leave_set_way(struct tarn_pool *pool,
			const struct tarn_evacuation *ev)
{
	struct tarn_leave *l = pool->leave;
	const struct tarn_held *held = &ev->held;

	lockdep_assert_held(&pool->resize_lock);
	spin_lock(&l->lock);
	l->told.left = ev->left;
	l->told.held = held->pages;
	l->told.held_partition = tarn_owner_id(held->owner);
	l->told.held_page = tarn_owner_index(held->owner);
	spin_unlock(&l->lock);
	/* What comes first in the next one. */
	if (held->pages)
		tarn_tracker_at(&l->tracker, held->owner);
}

/* ---- who asks ----------------------------------------------------------- */

/* Where a page of a node would get its frame just now, as far as can be seen. */
static s32 node_ahead(struct tarn_partition *part, int nid)
{
	struct tarn_pool *pool = part->pool;
	struct tarn_node *near = tarn_pool_node(pool, tarn_home_near(part, nid));
	int i;

	for (i = 0; near && i < nr_node_ids; i++) {
		struct tarn_node *n = tarn_pool_node(pool, near->nearest[i]);

		if (n && READ_ONCE(n->free) > READ_ONCE(n->low))
			return n->nid;
	}
	return TARN_NODE_NONE;
}

/* Pages of a chunk need not lie together in their partition: all are told of one by one. */
static u32 granule_at(struct tarn_partition *part, u64 page)
{
	const atomic64_t *entry = tarn_partition_entry(part, page);

	return entry && tarn_block_is_whole(part->pool, atomic64_read(entry)) ?
	       TARN_BLOCK_PAGES : 1;
}

static void tell_block(struct tarn_pool *pool, struct tarn_pool_drain *to)
{
	struct tarn_tracked at = tarn_tracker_look(&pool->leave->tracker);
	struct tarn_partition *part =
		tarn_partition_find(pool, tarn_owner_id(at.owner));
	struct tarn_relocation_block *b = &to->block;

	/* It may have come to none yet, or be gone. */
	if (!part)
		return;
	to->partition = part->id;
	b->granule = granule_at(part, tarn_owner_index(at.owner));
	b->target_node = TARN_NODE_NONE;
	tarn_tracker_tell(part, &at, b);
	if (b->target_node == TARN_NODE_NONE && b->source_node != TARN_NODE_NONE)
		b->target_node = node_ahead(part, b->source_node);
	tarn_partition_put(part);
}

/**
 * tarn_leave_tell() - how it is, or was the last time
 * @pool: the pool
 * @to: is filled, but for its size
 *
 * Context: process; waits for nobody.
 */
void tarn_leave_tell(struct tarn_pool *pool, struct tarn_pool_drain *to)
{
	struct tarn_leave *l = pool->leave;
	u32 size = to->size;

	spin_lock(&l->lock);
	*to = l->told;
	tarn_tracker_count(&l->tracker, &to->moved, &to->tried, to->blocked);
	spin_unlock(&l->lock);
	to->size = size;
	if (to->state == TARN_RELOCATION_RUNNING)
		tell_block(pool, to);
}
