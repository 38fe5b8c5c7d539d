// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools: their making, their end, and their size while they live. See
 * Documentation/design/pool.rst.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "fs/sysfs.h"
#include "page/pending.h"
#include "pager/window.h"
#include "policy/entitle.h"
#include "policy/reclaim.h"
#include "policy/scan.h"
#include "pool/event.h"
#include "pool/magazine.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* How long a shrinking pool tries to empty chunks without any progress. */
#define SHRINK_PATIENCE_MS	2000
#define SHRINK_PAUSE_MS		10

#define READAHEAD_DEFAULT	32

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

/* How often frames in limbo are looked at. */
#define LIMBO_LOOK	((unsigned long)HZ / 50)
#define LIMBO_LOOK_MAX	((unsigned long)HZ)

static u64 chunks_for(u64 frames)
{
	return DIV_ROUND_UP_ULL(frames, TARN_CHUNK_FRAMES);
}

static void limbo_work(struct work_struct *work)
{
	struct tarn_pool *pool = container_of(to_delayed_work(work),
					      struct tarn_pool, limbo_work);

	u64 kept = tarn_frame_limbo_scan(pool);

	spin_lock(&pool->limbo_lock);
	/* Who holds them may do so for long; who waits for a frame may not. */
	if (kept && !tarn_waiters_any(pool))
		pool->limbo_delay = min(2 * pool->limbo_delay, LIMBO_LOOK_MAX);
	else
		pool->limbo_delay = LIMBO_LOOK;
	/* What the scan, or somebody meanwhile, put there is due by the delay before. */
	if (pool->limbo_frames)
		mod_delayed_work(system_percpu_wq, &pool->limbo_work,
				 pool->limbo_delay);
	spin_unlock(&pool->limbo_lock);
}

/**
 * tarn_pool_limbo_soon() - have frames in limbo looked at soon
 * @pool: of this pool
 *
 * For who waits for a frame and can be seen to: what limbo_work() decides before it
 * saw that is changed here, and later it sees it.
 *
 * Context: any.
 */
void tarn_pool_limbo_soon(struct tarn_pool *pool)
{
	spin_lock(&pool->limbo_lock);
	pool->limbo_delay = LIMBO_LOOK;
	if (pool->limbo_frames)
		mod_delayed_work(system_percpu_wq, &pool->limbo_work,
				 LIMBO_LOOK);
	spin_unlock(&pool->limbo_lock);
}

/* ---- nodes -------------------------------------------------------------- */

/* Insertion; the node itself comes before others that are said to be as near. */
static void sort_by_distance(struct tarn_node *n)
{
	int nid, at;

	for (nid = 0; nid < nr_node_ids; nid++) {
		for (at = nid; at; at--) {
			int before = n->nearest[at - 1];

			if (nid != n->nid && node_distance(n->nid, before) <=
					     node_distance(n->nid, nid))
				break;
			n->nearest[at] = before;
		}
		n->nearest[at] = nid;
	}
}

static struct tarn_node *node_create(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = kzalloc(struct_size(n, nearest, nr_node_ids),
				      GFP_KERNEL);

	if (!n)
		return NULL;
	tarn_sysfs_init_node(n);
	n->pool = pool;
	n->nid = nid;
	spin_lock_init(&n->lock);
	INIT_LIST_HEAD(&n->chunks);
	tarn_reclaim_init(n);
	sort_by_distance(n);
	return n;
}

/* A node is made with its first frame, which may be long after the mount. */
static int node_add(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = pool->nodes[nid];
	int ret;

	lockdep_assert_held(&pool->resize_lock);
	if (n)
		return 0;
	n = node_create(pool, nid);
	if (!n)
		return -ENOMEM;
	ret = tarn_sysfs_add_node(n);
	if (ret) {
		kobject_put(&n->kobj);
		return ret;
	}
	/* Pairs with tarn_pool_node(). */
	smp_store_release(&pool->nodes[nid], n);
	return 0;
}

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
	WRITE_ONCE(pool->store_limit, clamp_t(u64, all, STORES_LEAST,
					      STORES_MOST));
	tarn_magazines_set(pool);
	tarn_waiters_serve(pool);
}

/* Is every node that has frames at the mark at which reclaim starts, or below? */
bool tarn_pool_is_low(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n)
		if (READ_ONCE(n->free) > READ_ONCE(n->low) &&
		    READ_ONCE(n->frames))
			return false;
	return true;
}

u64 tarn_pool_free_frames(struct tarn_pool *pool)
{
	struct tarn_node *n;
	u64 free = 0;
	int nid;

	tarn_for_each_node(pool, nid, n)
		free += tarn_node_free_frames(n);
	return free;
}

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

/* The pager has no room, or has some again. */
void tarn_pool_set_full(struct tarn_pool *pool, bool full)
{
	if (full && !READ_ONCE(pool->full))
		atomic_set(&pool->room, 0);
	if (xchg(&pool->full, full) == full)
		return;
	tarn_event(pool, TARN_EVENT_PAGING_FULL, TARN_PARTITION_NONE, 0, full);
	if (!full) {
		tarn_waiters_serve(pool);
		tarn_reclaim_kick(pool);
	}
}

/* The pager forgot a copy. If it was full, it can take another page now. */
void tarn_pool_room_made(struct tarn_pool *pool)
{
	if (!READ_ONCE(pool->full))
		return;
	atomic_inc(&pool->room);
	if (tarn_waiters_any(pool))
		tarn_reclaim_kick(pool);
}

/* May a page be sent that the pager has no copy of? */
bool tarn_pool_take_room(struct tarn_pool *pool)
{
	return !READ_ONCE(pool->full) ||
	       atomic_dec_if_positive(&pool->room) >= 0;
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
	int ret = node_add(pool, nid);
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

static void chunk_set_leaving(struct tarn_pool *pool, struct tarn_chunk *chunk,
			      bool leaving)
{
	struct tarn_node *n = pool->nodes[chunk->node];

	spin_lock(&n->lock);
	if (chunk->leaving != leaving) {
		WRITE_ONCE(chunk->leaving, leaving);
		if (leaving) {
			n->free -= chunk->nr_free;
			list_del_init(&chunk->link);
		} else if (chunk->nr_free) {
			n->free += chunk->nr_free;
			list_add_tail(&chunk->link, &n->chunks);
		}
	}
	spin_unlock(&n->lock);
}

/* One turn over the frames of a chunk. Returns how many are in use even now. */
static unsigned int evacuate_chunk(struct tarn_pool *pool,
				   struct tarn_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		u64 frame = (chunk->number << TARN_CHUNK_SHIFT) + i;

		if (READ_ONCE(chunk->frames[i].owner))
			tarn_reclaim_move(pool, frame);
	}
	return tarn_chunk_used(pool, chunk);
}

static int evacuate(struct tarn_pool *pool)
{
	u64 best = U64_MAX;
	unsigned int idle = 0;

	for (;;) {
		u64 number, left = 0;

		for (number = 0; number < pool->max_chunks; number++) {
			struct tarn_chunk *chunk = pool->chunks[number];

			if (chunk && chunk->leaving)
				left += evacuate_chunk(pool, chunk);
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		if (!left)
			return 0;
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
			chunk_set_leaving(pool, chunk, true);
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
			chunk_set_leaving(pool, pool->chunks[number], false);
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
static int shrink(struct tarn_pool *pool, const u64 *want)
{
	int ret;

	if (!mark_leaving(pool, want))
		return 0;
	ret = evacuate(pool);
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
	u64 *want, *had;
	u64 total = 0;
	int nid, ret = -EINVAL;

	want = kcalloc(2 * nr_node_ids, sizeof(*want), GFP_KERNEL);
	if (!want)
		return -ENOMEM;
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
		ret = shrink(pool, want);
	if (!ret)
		WRITE_ONCE(pool->per_node, size->per_node);
	if (ret && shrink(pool, had))
		pr_warn("pool %pU keeps %llu frames after a failed resize\n",
			&pool->uuid, pool->frames);
	stop_reclaim(pool);
	set_watermarks(pool);
	tarn_entitle_limit(pool, pool->frames);
	tarn_event(pool, TARN_EVENT_RESIZED, TARN_PARTITION_NONE, 0,
		   pool->frames);
out:
	mutex_unlock(&pool->resize_lock);
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
	if (set->flags & TARN_POOL_SET_WATERMARKS) {
		pool->low = set->low_frames;
		pool->high = set->high_frames;
		set_watermarks(pool);
	}
	if (set->flags & TARN_POOL_SET_READAHEAD)
		WRITE_ONCE(pool->readahead, set->readahead_pages);
	if (set->flags & TARN_POOL_SET_SCAN)
		tarn_scan_set(pool, set->scan_permille);
	ret = 0;
out:
	mutex_unlock(&pool->resize_lock);
	return ret;
}

/* ---- life --------------------------------------------------------------- */

static void stop_nodes(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n)
		tarn_reclaim_stop(n);
}

static void free_nodes(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n) {
		pool->nodes[nid] = NULL;
		kobject_put(&n->kobj);
	}
}

static void free_chunks(struct tarn_pool *pool)
{
	u64 number;

	mutex_lock(&pool->resize_lock);
	for (number = 0; number < pool->max_chunks; number++)
		if (pool->chunks[number])
			chunk_set_leaving(pool, pool->chunks[number], true);
	tarn_magazines_empty(pool);
	destroy_leaving(pool);
	mutex_unlock(&pool->resize_lock);
}

static struct tarn_pool *pool_alloc(bool paging)
{
	struct tarn_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	int i;

	if (!pool)
		return NULL;
	kref_init(&pool->ref);
	uuid_gen(&pool->uuid);
	pool->paging = paging;
	pool->readahead = READAHEAD_DEFAULT;
	pool->scan_permille = TARN_SCAN_PERMILLE_DEFAULT;
	init_waitqueue_head(&pool->scan_wait);
	spin_lock_init(&pool->entitle_lock);
	mutex_init(&pool->resize_lock);
	spin_lock_init(&pool->wait_lock);
	for (i = 0; i < TARN_WANT_COUNT; i++)
		INIT_LIST_HEAD(&pool->waiters[i]);
	spin_lock_init(&pool->limbo_lock);
	pool->limbo = TARN_FRAME_NONE;
	pool->limbo_delay = LIMBO_LOOK;
	INIT_DELAYED_WORK(&pool->limbo_work, limbo_work);
	mutex_init(&pool->part_lock);
	xa_init_flags(&pool->partitions, XA_FLAGS_ALLOC);
	pool->next_id = 1;
	mutex_init(&pool->pager_lock);
	init_waitqueue_head(&pool->store_wait);
	spin_lock_init(&pool->events_lock);
	INIT_LIST_HEAD(&pool->listeners);
	return pool;
}

/**
 * tarn_pool_create() - make a pool
 * @size: its size
 * @paging: whether a pager will come
 *
 * Context: process; takes the memory now.
 * Return: the pool or an ERR_PTR, see tarn_pool_resize().
 */
struct tarn_pool *tarn_pool_create(const struct tarn_pool_size *size,
				   bool paging)
{
	struct tarn_pool *pool = pool_alloc(paging);
	int ret = -ENOMEM;

	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->stats = alloc_percpu(struct tarn_cpu_stats);
	pool->max_chunks = totalram_pages() >> TARN_CHUNK_SHIFT;
	pool->chunks = kvcalloc(pool->max_chunks, sizeof(*pool->chunks),
				GFP_KERNEL);
	if (!pool->stats || !pool->chunks || tarn_magazines_create(pool) ||
	    tarn_pending_create(pool))
		goto err_pool;
	ret = tarn_pool_resize(pool, size);
	if (ret)
		goto err_nodes;
	ret = tarn_scan_start(pool);
	if (ret)
		goto err_nodes;
	ret = tarn_sysfs_add_pool(pool);
	if (ret)
		goto err_scan;
	return pool;

err_scan:
	tarn_scan_stop(pool);
err_nodes:
	stop_nodes(pool);
	free_chunks(pool);
	free_nodes(pool);
err_pool:
	tarn_pool_put(pool);
	return ERR_PTR(ret);
}

/**
 * tarn_pool_shutdown() - the mount is gone
 * @pool: without partitions and without a pager; the caller's reference goes
 *
 * Context: process.
 */
void tarn_pool_shutdown(struct tarn_pool *pool)
{
	tarn_sysfs_remove_pool(pool);
	cancel_delayed_work_sync(&pool->limbo_work);
	tarn_scan_stop(pool);
	stop_nodes(pool);
	free_chunks(pool);
	free_nodes(pool);
	tarn_event_hangup(pool);
	tarn_pool_put(pool);
}

/* Last reference: the frames went with the mount, what is left is tables. */
void tarn_pool_release(struct kref *ref)
{
	struct tarn_pool *pool = container_of(ref, struct tarn_pool, ref);

	xa_destroy(&pool->partitions);
	tarn_pending_destroy(pool);
	kvfree(pool->chunks);
	free_percpu(pool->magazines);
	free_percpu(pool->stats);
	kfree(pool);
}
