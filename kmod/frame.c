// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames: taking chunks from the kernel, giving frames out, and keeping what is
 * given up but still held by somebody until it is idle.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "frame.h"
#include "pager.h"
#include "partition.h"
#include "pool.h"
#include "reclaim.h"
#include "waiter.h"

#define LIMBO_LOOK	(HZ / 50)

static struct tarn_chunk *chunk_of(struct tarn_pool *pool, u64 frame)
{
	return READ_ONCE(pool->chunks[frame >> TARN_CHUNK_SHIFT]);
}

bool tarn_chunk_exists(struct tarn_pool *pool, u64 number)
{
	return READ_ONCE(pool->chunks[number]);
}

struct page *tarn_frame_page(struct tarn_pool *pool, u64 frame)
{
	return chunk_of(pool, frame)->page + (frame & (TARN_CHUNK_FRAMES - 1));
}

struct tarn_frame *tarn_frame(struct tarn_pool *pool, u64 frame)
{
	return &chunk_of(pool, frame)->frames[frame & (TARN_CHUNK_FRAMES - 1)];
}

/**
 * tarn_frame_get() - take a reference of a frame that may be going away
 * @pool: the pool
 * @frame: any number
 *
 * The caller has the number from somewhere that may have changed meanwhile,
 * and looks there again when it has the page: if the number still stands there,
 * the reference keeps the frame from being reused.
 *
 * Context: any.
 * Return: the page, or NULL if the pool has no such frame.
 */
struct page *tarn_frame_get(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = NULL;
	struct page *page = NULL;

	rcu_read_lock();
	if (frame >> TARN_CHUNK_SHIFT < pool->max_chunks)
		chunk = chunk_of(pool, frame);
	if (chunk) {
		page = chunk->page + (frame & (TARN_CHUNK_FRAMES - 1));
		if (!get_page_unless_zero(page))
			page = NULL;
	}
	rcu_read_unlock();
	return page;
}

/*
 * Is the pool the only one that holds @page, apart from a pager's window?
 *
 * The caller has unmapped the page from its partition and keeps it so, so what
 * is mapped is a window, and each mapping holds one reference. A mapping goes
 * before its reference and comes after it: when the count of mappings is the
 * same before and after, a reference beyond it is somebody else's.
 */
bool tarn_frame_idle(struct page *page)
{
	return !tarn_frame_held(page, 0);
}

/* Does anybody hold @page besides its mappings, the pool, and @ours? */
bool tarn_frame_held(struct page *page, int ours)
{
	int mapped = atomic_read(&page->_mapcount) + 1;
	int refs;

	/* In this order, as unmapping changes them in that order. */
	smp_rmb();
	refs = page_ref_count(page);
	/* Again: a mapping that went meanwhile shows. */
	smp_rmb();
	return refs != 1 + mapped + ours ||
	       mapped != atomic_read(&page->_mapcount) + 1;
}

/* ---- chunks ------------------------------------------------------------- */

static void chunk_push(struct tarn_node *node, struct tarn_chunk *chunk,
		       unsigned int i)
{
	lockdep_assert_held(&node->lock);
	chunk->frames[i].owner = 0;
	chunk->frames[i].copy = chunk->free;
	chunk->free = i;
	chunk->nr_free++;
	if (chunk->leaving)
		return;
	node->free++;
	/* A chunk that is free as a whole is used last: 2 MiB stay together. */
	if (chunk->nr_free == TARN_CHUNK_FRAMES)
		list_move_tail(&chunk->link, &node->chunks);
	else if (chunk->nr_free == 1)
		list_add(&chunk->link, &node->chunks);
}

static unsigned int chunk_pop(struct tarn_node *node, struct tarn_chunk *chunk)
{
	unsigned int i = chunk->free;

	lockdep_assert_held(&node->lock);
	chunk->free = chunk->frames[i].copy;
	chunk->frames[i].copy = TARN_COOKIE_NONE;
	chunk->nr_free--;
	node->free--;
	if (!chunk->nr_free)
		list_del_init(&chunk->link);
	return i;
}

/**
 * tarn_chunk_create() - take 2 MiB from the kernel
 * @pool: for this pool
 * @number: free place in its table
 * @node: NUMA node, no other will do
 *
 * The memory is zeroed, as a pager can see it before any partition used it.
 *
 * Context: process, pool->resize_lock.
 * Return: 0 or -ENOMEM.
 */
int tarn_chunk_create(struct tarn_pool *pool, u64 number, int node)
{
	struct tarn_node *n = pool->nodes[node];
	struct tarn_chunk *chunk;
	unsigned int i;

	lockdep_assert_held(&pool->resize_lock);
	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	chunk->frames = kvcalloc(TARN_CHUNK_FRAMES, sizeof(*chunk->frames),
				 GFP_KERNEL);
	if (!chunk->frames)
		goto err_chunk;
	chunk->page = alloc_pages_node(node, GFP_KERNEL | __GFP_THISNODE |
				       __GFP_ZERO | __GFP_NOWARN |
				       __GFP_RETRY_MAYFAIL, TARN_CHUNK_SHIFT);
	if (!chunk->page)
		goto err_frames;
	split_page(chunk->page, TARN_CHUNK_SHIFT);
	INIT_LIST_HEAD(&chunk->link);
	chunk->number = number;
	chunk->node = node;
	chunk->free = TARN_CHUNK_FRAMES;
	WRITE_ONCE(pool->chunks[number], chunk);
	spin_lock(&n->lock);
	for (i = TARN_CHUNK_FRAMES; i-- > 0;)
		chunk_push(n, chunk, i);
	n->frames += TARN_CHUNK_FRAMES;
	spin_unlock(&n->lock);
	pool->frames += TARN_CHUNK_FRAMES;
	return 0;

err_frames:
	kvfree(chunk->frames);
err_chunk:
	kfree(chunk);
	return -ENOMEM;
}

/**
 * tarn_chunk_detach() - take a chunk out of its pool
 * @pool: the pool
 * @number: of a chunk that is leaving and of which no frame is used
 * @gone: where it goes; after a grace period it is for tarn_chunk_destroy()
 *
 * Context: process, pool->resize_lock.
 */
void tarn_chunk_detach(struct tarn_pool *pool, u64 number,
		       struct list_head *gone)
{
	struct tarn_chunk *chunk = pool->chunks[number];
	struct tarn_node *n = pool->nodes[chunk->node];

	lockdep_assert_held(&pool->resize_lock);
	spin_lock(&n->lock);
	n->frames -= TARN_CHUNK_FRAMES;
	spin_unlock(&n->lock);
	pool->frames -= TARN_CHUNK_FRAMES;
	/* Pairs with tarn_frame_get(). */
	WRITE_ONCE(pool->chunks[number], NULL);
	list_add_tail(&chunk->link, gone);
}

/*
 * Give a detached chunk back to the kernel. Who holds a reference of a page even
 * now frees it with that.
 */
void tarn_chunk_destroy(struct tarn_pool *pool, struct tarn_chunk *chunk)
{
	unsigned int i;

	tarn_pager_forget_chunk(pool, chunk->number, chunk->page);
	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		ClearPageDirty(chunk->page + i);
		put_page(chunk->page + i);
	}
	kvfree(chunk->frames);
	kfree(chunk);
}

/* ---- giving out --------------------------------------------------------- */

static u64 node_alloc(struct tarn_node *n)
{
	struct tarn_chunk *chunk;
	u64 frame = TARN_FRAME_NONE;
	bool low;

	spin_lock(&n->lock);
	chunk = list_first_entry_or_null(&n->chunks, struct tarn_chunk, link);
	if (chunk) {
		unsigned int i = chunk_pop(n, chunk);

		frame = (chunk->number << TARN_CHUNK_SHIFT) + i;
	}
	low = n->free < n->low;
	spin_unlock(&n->lock);
	if (low)
		tarn_reclaim_wake(n);
	return frame;
}

/**
 * tarn_frame_alloc() - take a free frame, if there is one
 * @pool: from this pool
 * @node: where it should lie
 *
 * Content is whatever the last owner left.
 *
 * Context: any; wakes the reclaimer.
 * Return: the frame or TARN_FRAME_NONE.
 */
u64 tarn_frame_alloc(struct tarn_pool *pool, int node)
{
	struct tarn_node *n = node >= 0 ? pool->nodes[node] : NULL;
	u64 frame = n ? node_alloc(n) : TARN_FRAME_NONE;
	int nid;

	if (frame != TARN_FRAME_NONE)
		return frame;
	tarn_for_each_node(pool, nid, n) {
		if (nid == node)
			continue;
		frame = node_alloc(n);
		if (frame != TARN_FRAME_NONE)
			break;
	}
	return frame;
}

/**
 * tarn_frame_free() - a frame is free again
 * @pool: of this pool
 * @frame: idle and nobody's
 *
 * Context: process.
 */
void tarn_frame_free(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = chunk_of(pool, frame);
	struct tarn_node *n = pool->nodes[chunk->node];

	ClearPageDirty(tarn_frame_page(pool, frame));
	if (!READ_ONCE(chunk->leaving) && tarn_waiters_give(pool, frame))
		return;
	spin_lock(&n->lock);
	chunk_push(n, chunk, frame & (TARN_CHUNK_FRAMES - 1));
	spin_unlock(&n->lock);
	tarn_waiters_serve(pool);
}

/**
 * tarn_frame_release() - give up a frame that somebody may still hold
 * @pool: of this pool
 * @frame: nobody's any more, and no mapping of a partition has it
 *
 * Context: process.
 */
void tarn_frame_release(struct tarn_pool *pool, u64 frame)
{
	if (likely(tarn_frame_idle(tarn_frame_page(pool, frame)))) {
		tarn_frame_free(pool, frame);
		return;
	}
	spin_lock(&pool->limbo_lock);
	tarn_frame(pool, frame)->owner = 0;
	tarn_frame(pool, frame)->copy = pool->limbo;
	pool->limbo = frame;
	pool->limbo_frames++;
	spin_unlock(&pool->limbo_lock);
	schedule_delayed_work(&pool->limbo_work, LIMBO_LOOK);
}

/*
 * Free what is idle by now. Returns how many frames stay in limbo; the caller
 * looks again later.
 */
u64 tarn_frame_limbo_scan(struct tarn_pool *pool)
{
	u64 frame, kept = 0;

	spin_lock(&pool->limbo_lock);
	frame = pool->limbo;
	pool->limbo = TARN_FRAME_NONE;
	pool->limbo_frames = 0;
	spin_unlock(&pool->limbo_lock);
	while (frame != TARN_FRAME_NONE) {
		u64 next = tarn_frame(pool, frame)->copy;

		if (!tarn_frame_idle(tarn_frame_page(pool, frame)))
			kept++;
		tarn_frame_release(pool, frame);
		frame = next;
	}
	return kept;
}
