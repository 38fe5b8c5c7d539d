// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Compaction
 *
 * Who wanted a chunk that is free as a whole, and found a node with room for two but none
 * in one piece, says so. A while later the chunk of that node of which least is used is
 * emptied, as those of a pool that shrinks are: what is in it moves to frames of chunks
 * that are in use anyway. So it costs as much as blocks are wanted in vain, a chunk a node
 * and PAUSE at most, and no more than USED_MOST moved pages for each 2 MiB.
 *
 * A chunk that is being emptied is leaving, so pool->resize_lock is held, and nothing is
 * done while a pool gets another size.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "policy/compact.h"
#include "policy/drain.h"
#include "policy/evacuate.h"
#include "policy/tracker.h"
#include "pool/chunk.h"
#include "pool/magazine.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/* Between two chunks of a node. */
#define PAUSE		(HZ / 10)
/* To empty one of which more is used is not worth it. */
#define USED_MOST	(TARN_CHUNK_FRAMES / 2)
/* Looked at before others have the processor. */
#define CHUNKS_AT_ONCE	1024

/**
 * struct tarn_compact - of a pool
 * @pool: the pool
 * @work: goes over its nodes
 * @ev: emptying, a chunk at a time
 * @tracker: its; nobody asks
 * @behind: number of the last one that could not be emptied: it may be held for long
 */
struct tarn_compact {
	struct tarn_pool *pool;
	struct delayed_work work;
	struct tarn_evacuation *ev;
	struct tarn_tracker tracker;
	u64 behind;
};

/* Of the chunks of a node from one on, that of which least is used; NULL: there is none worth it. */
static struct tarn_chunk *sparsest(struct tarn_pool *pool, struct tarn_node *n,
				   u64 number)
{
	struct tarn_chunk *best = NULL;
	unsigned int least = USED_MOST + 1;

	lockdep_assert_held(&pool->resize_lock);
	for (; number < pool->max_chunks; number++) {
		struct tarn_chunk *chunk = pool->chunks[number];
		unsigned int used;

		if (!(number % CHUNKS_AT_ONCE))
			cond_resched();
		if (!chunk || chunk->node != n->nid || chunk->whole ||
		    chunk->nr_retired)
			continue;
		used = TARN_CHUNK_FRAMES - READ_ONCE(chunk->nr_free);
		if (!used || used >= least)
			continue;
		least = used;
		best = chunk;
	}
	return best;
}

/* Its pages have to fit into other chunks, and the node keeps its high mark free. */
static bool has_room(struct tarn_node *n)
{
	return READ_ONCE(n->free) >= READ_ONCE(n->high) + 2 * TARN_CHUNK_FRAMES;
}

static void empty_one(struct tarn_compact *c, struct tarn_node *n)
{
	struct tarn_pool *pool = c->pool;
	struct tarn_chunk *chunk;

	/* What processors have at hand looks used. */
	tarn_magazines_empty(pool);
	if (tarn_chunk_any(n) || !has_room(n))
		return;
	chunk = sparsest(pool, n, c->behind) ?: sparsest(pool, n, 0);
	if (!chunk)
		return;
	tarn_chunk_set_leaving(pool, chunk, true);
	tarn_magazines_empty(pool);
	tarn_evacuation_begin(c->ev);
	tarn_evacuate_one(c->ev, chunk);
	c->behind = c->ev->left ? chunk->number + 1 : 0;
	tarn_chunk_set_leaving(pool, chunk, false);
	tarn_waiters_serve(pool);
}

static void compact_work(struct work_struct *work)
{
	struct tarn_compact *c = container_of(to_delayed_work(work),
					      struct tarn_compact, work);
	struct tarn_pool *pool = c->pool;
	struct tarn_node *n;
	int nid;

	mutex_lock(&pool->resize_lock);
	tarn_for_each_node(pool, nid, n) {
		if (!READ_ONCE(n->chunk_wanted))
			continue;
		WRITE_ONCE(n->chunk_wanted, false);
		if (!tarn_draining(pool) && !tarn_waiters_any(pool))
			empty_one(c, n);
		cond_resched();
	}
	mutex_unlock(&pool->resize_lock);
}

/**
 * tarn_compact_soon() - a block found no chunk
 * @node: of this node, which has room for some
 *
 * Context: any.
 */
void tarn_compact_soon(struct tarn_node *node)
{
	if (READ_ONCE(node->chunk_wanted) || !has_room(node))
		return;
	WRITE_ONCE(node->chunk_wanted, true);
	queue_delayed_work(system_dfl_wq, &node->pool->compact->work, PAUSE);
}

int tarn_compact_start(struct tarn_pool *pool)
{
	struct tarn_compact *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	c->pool = pool;
	c->ev = tarn_evacuation_create(pool, &c->tracker);
	if (!c->ev) {
		kfree(c);
		return -ENOMEM;
	}
	INIT_DELAYED_WORK(&c->work, compact_work);
	pool->compact = c;
	return 0;
}

/* The mount ends: no page is touched any more. */
void tarn_compact_stop(struct tarn_pool *pool)
{
	struct tarn_compact *c = pool->compact;

	if (!c)
		return;
	cancel_delayed_work_sync(&c->work);
	tarn_evacuation_destroy(c->ev);
	kfree(c);
	pool->compact = NULL;
}
