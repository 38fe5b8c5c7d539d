// SPDX-License-Identifier: GPL-2.0-only
/*
 * The size of a pool while it lives: it grows by chunks from the kernel, and shrinks by
 * emptying some. With it go the marks between which reclaim keeps frames free. See
 * Documentation/design/pool.rst.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "page/move.h"
#include "pager/window.h"
#include "policy/entitle.h"
#include "policy/reclaim.h"
#include "policy/scan.h"
#include "policy/size.h"
#include "pool/event.h"
#include "pool/home.h"
#include "pool/magazine.h"
#include "pool/partition.h"
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
static int start_reclaim(struct tarn_pool *pool)
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

static u64 share_of(u64 total, struct tarn_node *n, u64 frames)
{
	return frames ? mul_u64_u64_div_u64(total, n->frames, frames) : 0;
}

/*
 * Reclaim begins with a sixty-fourth of a node free and stops with twice that,
 * unless the operator set other marks. Growth may have waited for lower ones.
 */
static void set_watermarks(struct tarn_pool *pool)
{
	struct tarn_node *n;
	u64 all = 0;
	int nid;

	lockdep_assert_held(&pool->resize_lock);
	tarn_for_each_node(pool, nid, n) {
		u64 low = clamp_t(u64, n->frames / 64, LOW_LEAST, LOW_MOST);
		u64 high = 2 * low;

		if (!n->frames) {
			low = 0;
			high = 0;
		} else if (pool->high && pool->high <= pool->frames / 2) {
			/* Set by hand: they count while the pool is large enough. */
			low = max_t(u64, 1, share_of(pool->low, n, pool->frames));
			high = max_t(u64, low + 1,
				     share_of(pool->high, n, pool->frames));
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

static int grow_node(struct tarn_pool *pool, int nid, u64 chunks)
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

/**
 * struct evacuee - a page that is in a frame that has to become free
 * @owner: its partition and index, as a frame has it: in that order they are moved
 * @frame: where it is
 */
struct evacuee {
	u64 owner;
	u64 frame;
};

static int by_owner(const void *a, const void *b)
{
	const struct evacuee *x = a, *y = b;

	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

/* All that seem to be in a chunk. A frame may change hands while we look. */
static unsigned int list_evacuees(struct tarn_chunk *chunk,
				  struct evacuee *list)
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

/* Move those of one partition from a node. False: there is no frame to move to. */
static bool move_out(struct tarn_partition *part, const struct evacuee *list,
		     unsigned int n, int node)
{
	struct tarn_move_batch batch;
	u64 to = TARN_FRAME_NONE;
	unsigned int i;

	lockdep_assert_held_read(&part->pin);
	tarn_move_begin(&batch, part);
	for (i = 0; i < n; i++) {
		u64 index = tarn_owner_index(list[i].owner);
		atomic64_t *entry = tarn_partition_entry(part, index);
		u64 e = entry ? atomic64_read(entry) : 0;

		if (!tarn_entry_is_frame(e, list[i].frame) || tarn_entry_mark(e))
			continue;
		/* Who has the pool shrink is nobody's processor. */
		if (to == TARN_FRAME_NONE)
			to = tarn_frame_alloc(part->pool,
					      tarn_home_near(part, node));
		if (to == TARN_FRAME_NONE)
			break;
		if (tarn_move_add(&batch, index, entry, list[i].frame, to) ==
		    TARN_MOVE_TAKEN)
			to = TARN_FRAME_NONE;
		if (tarn_batch_is_full(&batch.pages))
			tarn_move_flush(&batch);
	}
	tarn_move_flush(&batch);
	if (to != TARN_FRAME_NONE)
		tarn_frame_free(part->pool, to);
	return i == n;
}

/* How many at the head of a list are of the same partition. */
static unsigned int of_one(const struct evacuee *list, unsigned int n)
{
	unsigned int i;

	for (i = 1; i < n; i++)
		if (tarn_owner_id(list[i].owner) != tarn_owner_id(list->owner))
			break;
	return i;
}

/* One turn over the frames of a chunk. Returns how many are in use even now. */
static unsigned int evacuate_chunk(struct tarn_pool *pool,
				   struct tarn_chunk *chunk,
				   struct evacuee *list)
{
	unsigned int n = list_evacuees(chunk, list), some;
	bool goes_on = true;

	for (; n && goes_on; list += some, n -= some) {
		struct tarn_partition *part =
			tarn_partition_find(pool, tarn_owner_id(list->owner));

		some = of_one(list, n);
		if (!part)
			continue;
		down_read(&part->pin);
		if (part->inode)
			goes_on = move_out(part, list, some, chunk->node);
		up_read(&part->pin);
		tarn_partition_put(part);
	}
	return tarn_chunk_used(pool, chunk);
}

/* Returns how many frames of chunks that are leaving are in use even now. */
static s64 evacuate_some(struct tarn_pool *pool, struct evacuee *list)
{
	u64 number, left = 0;

	for (number = 0; number < pool->max_chunks; number++) {
		struct tarn_chunk *chunk = pool->chunks[number];

		if (chunk && chunk->leaving)
			left += evacuate_chunk(pool, chunk, list);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return left;
}

static int evacuate(struct tarn_pool *pool, struct evacuee *list)
{
	s64 best = S64_MAX, left;
	unsigned int idle = 0;

	while ((left = evacuate_some(pool, list)) > 0) {
		if (left < best) {
			best = left;
			idle = 0;
		}
		if (idle++ * SHRINK_PAUSE_MS > SHRINK_PATIENCE_MS)
			return -EBUSY;
		tarn_reclaim_kick(pool);
		tarn_frame_limbo_scan(pool);
		msleep(SHRINK_PAUSE_MS);
	}
	return left;
}

/* Mark the last chunks of each node that has too many. */
static bool mark_leaving(struct tarn_pool *pool, const u64 *want)
{
	bool any = false;
	u64 number;
	int nid;

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

static void unmark_leaving(struct tarn_pool *pool)
{
	u64 number;

	for (number = 0; number < pool->max_chunks; number++)
		if (pool->chunks[number])
			tarn_chunk_set_leaving(pool, pool->chunks[number], false);
	tarn_waiters_serve(pool);
}

static void destroy_leaving(struct tarn_pool *pool)
{
	struct tarn_chunk *chunk, *next;
	LIST_HEAD(gone);
	u64 number;

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

/* Empty the chunks that are too many and give them back, all or none. */
static int shrink(struct tarn_pool *pool, const u64 *want,
		  struct evacuee *list)
{
	int ret;

	if (!mark_leaving(pool, want))
		return 0;
	ret = evacuate(pool, list);
	if (ret)
		unmark_leaving(pool);
	else
		destroy_leaving(pool);
	return ret;
}

/**
 * tarn_pool_resize() - give a live pool another size
 * @pool: the pool
 * @size: its new size, rounded up to 2 MiB a node
 *
 * Growing takes memory from the kernel, shrinking moves pages within the pool
 * and has others paged out. Whichever fails, the size stays what it was.
 *
 * Context: process; may take long, killable.
 * Return: 0; -EINVAL no frames would be left, or a node has no memory; -ENOMEM;
 * -EBUSY frames that had to go are held by somebody, or there is no room to
 * move their pages; -ENOSPC partitions are guaranteed more; -EINTR.
 */
int tarn_pool_resize(struct tarn_pool *pool, const struct tarn_pool_size *size)
{
	struct evacuee *list;
	u64 *want, *had;
	u64 total = 0;
	int nid, ret = -EINVAL;

	want = kcalloc(2 * nr_node_ids, sizeof(*want), GFP_KERNEL);
	/* To undo it must not need memory. */
	list = kvmalloc_array(TARN_CHUNK_FRAMES, sizeof(*list), GFP_KERNEL);
	if (!want || !list) {
		kvfree(list);
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
	ret = tarn_entitle_limit(pool, min_t(u64, total << TARN_CHUNK_SHIFT,
					     pool->frames));
	if (ret)
		goto out;
	for (nid = 0; nid < nr_node_ids && !ret; nid++)
		if (want[nid])
			ret = grow_node(pool, nid, want[nid]);
	if (!ret)
		ret = start_reclaim(pool);
	if (!ret)
		ret = shrink(pool, want, list);
	if (!ret)
		WRITE_ONCE(pool->per_node, size->per_node);
	if (ret && shrink(pool, had, list))
		pr_warn("pool %pU keeps %llu frames after a failed resize\n",
			&pool->uuid, pool->frames);
	stop_reclaim(pool);
	set_watermarks(pool);
	tarn_entitle_limit(pool, pool->frames);
	tarn_event(pool, TARN_EVENT_RESIZED, TARN_PARTITION_NONE, 0,
		   pool->frames);
out:
	mutex_unlock(&pool->resize_lock);
	kvfree(list);
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
	if (set->flags & TARN_POOL_SET_PLACEMENT &&
	    set->placement >= TARN_PLACEMENTS)
		goto out;
	if (set->flags & TARN_POOL_SET_WATERMARKS) {
		pool->low = set->low_frames;
		pool->high = set->high_frames;
		set_watermarks(pool);
	}
	if (set->flags & TARN_POOL_SET_READAHEAD)
		WRITE_ONCE(pool->readahead, set->readahead_pages);
	if (set->flags & TARN_POOL_SET_SCAN)
		tarn_scan_set(pool, set->scan_permille);
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
	destroy_leaving(pool);
	mutex_unlock(&pool->resize_lock);
}
