// SPDX-License-Identifier: GPL-2.0-only
/*
 * The size of a pool while it lives: it grows by chunks from the kernel, and shrinks by
 * emptying some (evacuate.c). With it go the marks between which reclaim keeps frames free. See
 * Documentation/design/pool.rst.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "policy/drain.h"
#include "policy/entitle.h"
#include "policy/evacuate.h"
#include "policy/leave.h"
#include "policy/promote.h"
#include "policy/reclaim.h"
#include "policy/scan.h"
#include "policy/size.h"
#include "pool/chunk.h"
#include "pool/event.h"
#include "pool/magazine.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/* How long a shrinking pool tries to empty chunks without any progress. */
#define SHRINK_PATIENCE_MS	2000
#define SHRINK_PAUSE_MS		10

/* A node's low mark, unless it was set by hand: 64 KiB to 256 MiB. */
#define LOW_LEAST	16
#define LOW_MOST	65536

/*
 * Page-outs under way: as many as reclaim is short of when it begins. A fast
 * device needs some thousand to be busy, a slow one has some tenths of a second of
 * work then, and each can be rescued until it is done.
 */
#define STORES_LEAST	256
#define STORES_MOST	4096

static u64 chunks_for(u64 frames)
{
	return DIV_ROUND_UP_ULL(frames, TARN_CHUNK_FRAMES);
}

/* ---- marks -------------------------------------------------------------- */

/* Nodes with frames have a reclaimer, others have nothing to keep free. */
int tarn_size_start(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid, ret = 0;

	lockdep_assert_held(&pool->resize_lock);
	tarn_for_each_node(pool, nid, n) {
		if (n->frames && !n->reclaimers[0].task)
			ret = tarn_reclaim_start(n);
		if (ret)
			break;
	}
	return ret;
}

static void stop_reclaim(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	lockdep_assert_held(&pool->resize_lock);
	tarn_for_each_node(pool, nid, n)
		if (!n->frames)
			tarn_reclaim_stop(n);
}

static u64 share_of(u64 total, u64 node, u64 frames)
{
	return frames ? mul_u64_u64_div_u64(total, node, frames) : 0;
}

/*
 * Reclaim begins with a sixty-fourth of a node free and stops with twice that,
 * unless the operator set other marks. Growth may have waited for lower ones.
 */
void tarn_size_set_marks(struct tarn_pool *pool)
{
	struct tarn_node *n;
	u64 all = 0;
	int nid;

	lockdep_assert_held(&pool->resize_lock);
	tarn_for_each_node(pool, nid, n) {
		u64 frames = n->frames - tarn_leaving_frames(pool, nid);
		u64 low = clamp_t(u64, frames / 64, LOW_LEAST, LOW_MOST);
		u64 high = 2 * low;

		if (!frames) {
			low = 0;
			high = 0;
		} else if (pool->high && pool->high <= pool->frames / 2) {
			/* Set by hand: they count while the pool is large enough. */
			low = max_t(u64, 1,
				    share_of(pool->low, frames, pool->frames));
			high = max_t(u64, low + 1,
				     share_of(pool->high, frames, pool->frames));
		}
		WRITE_ONCE(n->low, low);
		WRITE_ONCE(n->high, high);
		tarn_reclaim_wake(n);
		all += low;
	}
	WRITE_ONCE(pool->stores.limit,
		   clamp_t(u64, all, STORES_LEAST, STORES_MOST));
	tarn_magazines_set(pool);
	tarn_waiters_serve(pool);
}

/* The pool has the frames that it is to have: what depends on how many there are. */
void tarn_size_settle(struct tarn_pool *pool)
{
	stop_reclaim(pool);
	tarn_size_set_marks(pool);
	tarn_entitle_limit(pool, pool->frames);
}

/* ---- growing ------------------------------------------------------------ */

/* What each node shall have, in chunks; memory that is movable only can't be had. */
static void spread(const struct tarn_pool_size *size, u64 *want)
{
	u64 chunks = chunks_for(size->total);
	unsigned int nodes = num_node_state(N_NORMAL_MEMORY);
	int nid;

	memset(want, 0, nr_node_ids * sizeof(*want));
	if (size->per_node) {
		for (nid = 0; nid < nr_node_ids; nid++)
			want[nid] = chunks_for(size->node[nid]);
		return;
	}
	for_each_node_state(nid, N_NORMAL_MEMORY) {
		want[nid] = DIV_ROUND_UP_ULL(chunks, nodes);
		chunks -= want[nid];
		nodes--;
	}
}

/* A node gets as many chunks, if it has fewer. What came before an error stays. */
int tarn_size_grow(struct tarn_pool *pool, int nid, u64 chunks)
{
	int ret = tarn_node_create(pool, nid);
	struct tarn_node *n = pool->nodes[nid];
	u64 number = 0;

	if (ret)
		return ret;
	while (n->frames < chunks << TARN_CHUNK_SHIFT) {
		while (number < pool->max_chunks && pool->chunks[number])
			number++;
		if (number == pool->max_chunks)
			return -ENOMEM;
		ret = tarn_chunk_create(pool, number, nid);
		if (ret)
			return ret;
		tarn_waiters_serve(pool);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* ---- shrinking ---------------------------------------------------------- */

static int evacuate(struct tarn_evacuation *ev)
{
	struct tarn_pool *pool = ev->pool;
	unsigned int idle = 0;
	u64 best = U64_MAX;

	for (;;) {
		tarn_evacuation_begin(ev);
		if (!tarn_evacuate(ev, UINT_MAX))
			return -EINTR;
		tarn_leave_set_way(pool, ev);
		if (!ev->left)
			return 0;
		if (ev->left < best) {
			best = ev->left;
			idle = 0;
		}
		if (idle++ * SHRINK_PAUSE_MS > SHRINK_PATIENCE_MS)
			return -EBUSY;
		tarn_reclaim_kick(pool);
		tarn_frame_limbo_scan(pool);
		msleep(SHRINK_PAUSE_MS);
	}
}

/* Chunks are leaving; those that leave as it is undone are told of with the others. */
static void tell_begin(struct tarn_pool *pool)
{
	struct tarn_node *n;
	u64 frames = 0;
	int nid;

	if (tarn_leave_runs(pool))
		return;
	tarn_for_each_node(pool, nid, n)
		frames += tarn_leaving_frames(pool, nid);
	tarn_leave_begin(pool, TARN_DRAIN_WHY_SIZE, 0, TARN_NODE_NONE, frames);
}

static void tell_end(struct tarn_pool *pool, int ret,
		     const struct tarn_held *held)
{
	if (!tarn_leave_runs(pool))
		return;
	if (!ret)
		tarn_leave_end(pool, TARN_RELOCATION_DONE);
	else if (ret == -EINTR)
		tarn_leave_end(pool, TARN_RELOCATION_CANCELLED);
	else
		tarn_leave_end(pool, held->pages ? TARN_RELOCATION_HELD :
						   TARN_RELOCATION_NO_ROOM);
}

/* Empty the chunks that are too many and give them back, all or none. */
static int shrink(struct tarn_evacuation *ev, const u64 *want)
{
	int ret;

	if (!tarn_leaving_mark(ev->pool, want))
		return 0;
	tell_begin(ev->pool);
	ret = evacuate(ev);
	if (ret)
		tarn_leaving_unmark(ev->pool);
	else
		tarn_leaving_destroy(ev->pool);
	return ret;
}

/**
 * tarn_pool_resize() - give a live pool another size
 * @pool: the pool
 * @size: its new size, rounded up to 2 MiB a node
 * @held: with -EBUSY, pages that are held; if there are none it is for want of room
 *
 * Growing takes memory from the kernel, shrinking moves pages within the pool
 * and has others paged out. Whichever fails, the size stays what it was.
 *
 * Context: process; may take long, killable.
 * Return: 0; -EINVAL no frames would be left, or a node has no memory; -ENOMEM;
 * -EBUSY frames that had to go are held by somebody, or there is no room to
 * move their pages; -EALREADY a node is being drained; -ENOSPC partitions are guaranteed
 * more; -EINTR.
 */
int tarn_pool_resize(struct tarn_pool *pool, const struct tarn_pool_size *size,
		     struct tarn_held *held)
{
	struct tarn_evacuation *ev;
	u64 *want, *had;
	u64 total = 0;
	int nid, ret = -EINVAL;

	*held = (struct tarn_held) {};
	want = kcalloc(2 * nr_node_ids, sizeof(*want), GFP_KERNEL);
	/* To undo it must not need memory. */
	ev = tarn_evacuation_create(pool, &pool->leave->tracker);
	if (!want || !ev) {
		tarn_evacuation_destroy(ev);
		kfree(want);
		return -ENOMEM;
	}
	had = want + nr_node_ids;
	spread(size, want);

	mutex_lock(&pool->resize_lock);
	for (nid = 0; nid < nr_node_ids; nid++) {
		total += want[nid];
		if (want[nid] && !node_state(nid, N_NORMAL_MEMORY))
			goto out;
		had[nid] = pool->nodes[nid] ?
			   pool->nodes[nid]->frames >> TARN_CHUNK_SHIFT : 0;
	}
	if (!total)
		goto out;
	ret = -ENOMEM;
	if (total > pool->max_chunks)
		goto out;
	ret = -EALREADY;
	if (tarn_draining(pool))
		goto out;
	ret = tarn_entitle_limit(pool, min_t(u64, total << TARN_CHUNK_SHIFT,
					     pool->frames));
	if (ret)
		goto out;
	for (nid = 0; nid < nr_node_ids && !ret; nid++)
		if (want[nid])
			ret = tarn_size_grow(pool, nid, want[nid]);
	if (!ret)
		ret = tarn_size_start(pool);
	if (!ret)
		ret = shrink(ev, want);
	if (!ret)
		WRITE_ONCE(pool->per_node, size->per_node);
	*held = ev->held;
	if (ret && shrink(ev, had))
		pr_warn("pool %pU keeps %llu frames after a failed resize\n",
			&pool->uuid, pool->frames);
	tarn_size_settle(pool);
	tell_end(pool, ret, held);
	tarn_event(pool, TARN_EVENT_RESIZED, TARN_PARTITION_NONE, 0,
		   pool->frames);
out:
	mutex_unlock(&pool->resize_lock);
	tarn_evacuation_destroy(ev);
	kfree(want);
	return ret;
}

/**
 * tarn_pool_set() - TARN_POOL_SET
 * @pool: the pool
 * @set: checked for flags and reserved fields, not for values
 *
 * Return: 0 or -EINVAL.
 */
int tarn_pool_set(struct tarn_pool *pool, const struct tarn_pool_set *set)
{
	int ret = -EINVAL;

	mutex_lock(&pool->resize_lock);
	if (set->flags & TARN_POOL_SET_WATERMARKS &&
	    (!set->low_frames || set->low_frames >= set->high_frames ||
	     set->high_frames > pool->frames / 2))
		goto out;
	if (set->flags & TARN_POOL_SET_READAHEAD && set->readahead_pages > 256)
		goto out;
	if (set->flags & TARN_POOL_SET_SCAN &&
	    set->scan_permille > TARN_SCAN_PERMILLE_MAX)
		goto out;
	if (set->flags & TARN_POOL_SET_PROMOTE &&
	    set->promote_permille > TARN_PROMOTE_PERMILLE_MAX)
		goto out;
	if (set->flags & TARN_POOL_SET_PLACEMENT &&
	    set->placement >= TARN_PLACEMENTS)
		goto out;
	if (set->flags & TARN_POOL_SET_WATERMARKS) {
		pool->low = set->low_frames;
		pool->high = set->high_frames;
		tarn_size_set_marks(pool);
	}
	if (set->flags & TARN_POOL_SET_READAHEAD)
		WRITE_ONCE(pool->readahead, set->readahead_pages);
	if (set->flags & TARN_POOL_SET_SCAN)
		tarn_scan_set(pool, set->scan_permille);
	if (set->flags & TARN_POOL_SET_PROMOTE)
		tarn_promote_set(pool, set->promote_permille);
	if (set->flags & TARN_POOL_SET_PLACEMENT)
		WRITE_ONCE(pool->placement, set->placement);
	ret = 0;
out:
	mutex_unlock(&pool->resize_lock);
	return ret;
}

/**
 * tarn_pool_give_back() - the mount ends: all frames go back to the kernel
 * @pool: without partitions and without a pager
 *
 * Context: process.
 */
void tarn_pool_give_back(struct tarn_pool *pool)
{
	struct tarn_node *n;
	u64 number;
	int nid;

	tarn_for_each_node(pool, nid, n)
		tarn_reclaim_stop(n);
	mutex_lock(&pool->resize_lock);
	for (number = 0; number < pool->max_chunks; number++)
		if (pool->chunks[number])
			tarn_chunk_set_leaving(pool, pool->chunks[number], true);
	tarn_magazines_empty(pool);
	tarn_leaving_destroy(pool);
	mutex_unlock(&pool->resize_lock);
}
