// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools as objects: their tables, nodes and accounts. How they are made and end is
 * fs/life.c's, their size policy/size.c's. See Documentation/design/pool.rst.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "pool/magazine.h"
#include "pool/pool.h"
#include "pool/waiter.h"

#define READAHEAD_DEFAULT	32

/* How often frames in limbo are looked at. */
#define LIMBO_LOOK	((unsigned long)HZ / 50)
#define LIMBO_LOOK_MAX	((unsigned long)HZ)

/* ---- limbo -------------------------------------------------------------- */

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

/**
 * tarn_node_create() - what a pool has of a node that is to give it frames
 * @pool: the pool
 * @nid: the kernel's number
 *
 * Context: process, pool->resize_lock.
 * Return: 0, also if it is there; -ENOMEM, or what ->make_node() says.
 */
int tarn_node_create(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n;
	int ret;

	lockdep_assert_held(&pool->resize_lock);
	if (pool->nodes[nid])
		return 0;
	n = kzalloc(struct_size(n, nearest, nr_node_ids), GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	n->stats = alloc_percpu(struct tarn_node_stats);
	if (!n->stats) {
		kfree(n);
		return -ENOMEM;
	}
	n->pool = pool;
	n->nid = nid;
	spin_lock_init(&n->lock);
	INIT_LIST_HEAD(&n->chunks);
	sort_by_distance(n);
	ret = pool->ops->make_node(n);
	if (ret)
		return ret;
	/* Pairs with tarn_pool_node(). */
	smp_store_release(&pool->nodes[nid], n);
	return 0;
}

/* The mount ends. */
void tarn_nodes_free(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n) {
		pool->nodes[nid] = NULL;
		kobject_put(&n->kobj);
	}
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

/* ---- life --------------------------------------------------------------- */

static int tables_create(struct tarn_pool *pool)
{
	pool->max_chunks = totalram_pages() >> TARN_CHUNK_SHIFT;
	pool->stats = alloc_percpu(struct tarn_cpu_stats);
	pool->chunks = kvcalloc(pool->max_chunks, sizeof(*pool->chunks),
				GFP_KERNEL);
	return pool->stats && pool->chunks ? tarn_magazines_create(pool) : -ENOMEM;
}

/**
 * tarn_pool_alloc() - the tables of a pool, without a frame
 * @ops: calls of what lies above
 * @paging: whether a pager will come
 *
 * Context: process.
 * Return: the pool, or NULL without memory.
 */
struct tarn_pool *tarn_pool_alloc(const struct tarn_pool_ops *ops, bool paging)
{
	struct tarn_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	int i;

	if (!pool)
		return NULL;
	kref_init(&pool->ref);
	uuid_gen(&pool->uuid);
	pool->ops = ops;
	pool->paging = paging;
	pool->readahead = READAHEAD_DEFAULT;
	init_waitqueue_head(&pool->scan_wait);
	spin_lock_init(&pool->entitle_lock);
	mutex_init(&pool->resize_lock);
	mutex_init(&pool->demoter.lock);
	spin_lock_init(&pool->wait_lock);
	for (i = 0; i < TARN_WANT_COUNT; i++)
		INIT_LIST_HEAD(&pool->waiters[i]);
	spin_lock_init(&pool->limbo_lock);
	pool->limbo = TARN_FRAME_NONE;
	pool->limbo_delay = LIMBO_LOOK;
	INIT_DELAYED_WORK(&pool->limbo_work, limbo_work);
	mutex_init(&pool->part_lock);
	mutex_init(&pool->domains_lock);
	INIT_LIST_HEAD(&pool->domains);
	xa_init_flags(&pool->partitions, XA_FLAGS_ALLOC);
	xa_init_flags(&pool->imports, XA_FLAGS_ALLOC);
	pool->next_id = 1;
	mutex_init(&pool->pager_lock);
	tarn_stores_init(&pool->stores);
	spin_lock_init(&pool->events_lock);
	INIT_LIST_HEAD(&pool->listeners);
	if (!tables_create(pool))
		return pool;
	tarn_pool_put(pool);
	return NULL;
}

/* Last reference: the frames went with the mount, what is left is tables. */
void tarn_pool_release(struct kref *ref)
{
	struct tarn_pool *pool = container_of(ref, struct tarn_pool, ref);

	xa_destroy(&pool->partitions);
	kvfree(pool->pending);
	kvfree(pool->chunks);
	free_percpu(pool->magazines);
	free_percpu(pool->stats);
	kfree(pool->leave);
	kfree(pool);
}
