// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames: giving them out, and keeping what is given up but still held by somebody
 * until it is idle.
 */
#include <linux/compound.h>
#include <linux/fs.h>
#include <linux/pagemap.h>

#include "pool/chunk.h"
#include "pool/copy.h"
#include "pool/frame.h"
#include "pool/magazine.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/waiter.h"

struct page *tarn_frame_page(struct tarn_pool *pool, u64 frame)
{
	return tarn_chunk_of(pool, frame)->page + (frame & (TARN_CHUNK_FRAMES - 1));
}

struct tarn_frame *tarn_frame(struct tarn_pool *pool, u64 frame)
{
	return &tarn_chunk_of(pool, frame)->frames[frame & (TARN_CHUNK_FRAMES - 1)];
}

/* The NUMA node of a frame; -1 if the number is old news and it is gone. */
int tarn_frame_node(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	int nid;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	nid = chunk ? chunk->node : NUMA_NO_NODE;
	rcu_read_unlock();
	return nid;
}

/*
 * A reference of a frame's page; NULL if it has none to give just now. The chunk may be
 * split, or become whole, while we look whose reference it is.
 */
struct page *tarn_page_get(struct page *page)
{
	for (;;) {
		struct folio *folio = page_folio(page);

		if (!folio_try_get(folio))
			return NULL;
		if (likely(page_folio(page) == folio))
			return page;
		folio_put(folio);
	}
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
 * Return: the page, or NULL if the pool has no such frame, or its chunk is being split or
 * made whole just then.
 */
struct page *tarn_frame_get(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = NULL;
	struct page *page = NULL;

	rcu_read_lock();
	if (frame >> TARN_CHUNK_SHIFT < pool->max_chunks)
		chunk = tarn_chunk_of(pool, frame);
	if (chunk)
		page = tarn_page_get(chunk->page + (frame & (TARN_CHUNK_FRAMES - 1)));
	rcu_read_unlock();
	return page;
}

/* References of a page besides its mappings' and the pool's, or more than that. */
static unsigned int holders(struct page *page)
{
	struct folio *folio = page_folio(page);
	unsigned int mapped = folio_mappings(folio);
	unsigned int refs;

	/* In this order, as unmapping changes them in that order. */
	smp_rmb();
	refs = folio_ref_count(folio);
	/* Again: a mapping that went meanwhile shows. */
	smp_rmb();
	if (mapped != folio_mappings(folio))
		return UINT_MAX;
	return refs - 1 - mapped;
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
	return !tarn_frame_held(page);
}

/* Does anybody hold @page besides those, and as many as are known? */
bool tarn_frame_held_by(struct page *page, unsigned int known)
{
	return holders(page) > known;
}

/* Does anybody hold @page besides its mappings and the pool? */
bool tarn_frame_held(struct page *page)
{
	return holders(page);
}

/*
 * Of a frame that may be going away, whoever's it is; the caller looks whether it
 * is still whose it was. No reference is taken: that would make the frame look held.
 */
bool tarn_frame_peek_held(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	bool held;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	held = chunk && tarn_frame_held(chunk->page +
					(frame & (TARN_CHUNK_FRAMES - 1)));
	rcu_read_unlock();
	return held;
}

/*
 * The same: is it pinned for DMA, by who may write to it at any time (pin_user_pages())? As
 * many references as such a one has look the same.
 */
bool tarn_frame_peek_dma(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	bool dma;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	dma = chunk && folio_maybe_dma_pinned(page_folio(
			chunk->page + (frame & (TARN_CHUNK_FRAMES - 1))));
	rcu_read_unlock();
	return dma;
}

/* The same: was it written to since its page was stored? */
bool tarn_frame_peek_dirty(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	bool dirty;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	/* The kernel's tests of flags want a reference. */
	dirty = chunk && test_bit(PG_checked, page_flags(compound_head(
			chunk->page + (frame & (TARN_CHUNK_FRAMES - 1)))));
	rcu_read_unlock();
	return dirty;
}

/* The same: the copy that its page has. */
u64 tarn_frame_peek_copy(struct tarn_pool *pool, u64 frame)
{
	u64 copy = TARN_COPY_NONE;
	struct tarn_chunk *chunk;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	if (chunk)
		copy = READ_ONCE(chunk->frames[frame &
					       (TARN_CHUNK_FRAMES - 1)].copy);
	rcu_read_unlock();
	return copy;
}

/* ---- memory errors ------------------------------------------------------ */

/* False if that is known already. */
bool tarn_frame_mark_poisoned(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = tarn_chunk_of(pool, frame);

	if (test_and_set_bit(frame & (TARN_CHUNK_FRAMES - 1), chunk->poisoned))
		return false;
	atomic64_inc(&pool->poisoned);
	return true;
}

/* A frame that would become free, or was: nobody has it any more. */
static void retire(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = tarn_chunk_of(pool, frame);
	struct tarn_node *n = pool->nodes[chunk->node];

	/* Once it is retired its chunk may go. */
	tarn_poison_frame(pool, frame);
	spin_lock(&n->lock);
	tarn_frame(pool, frame)->owner = TARN_OWNER_NOBODY;
	chunk->nr_retired++;
	spin_unlock(&n->lock);
}

/* ---- giving out --------------------------------------------------------- */

/**
 * tarn_node_take() - take frames off a node's lists
 * @n: the node
 * @keep: how many have to stay free
 * @frames: where to put them
 * @want: how many
 *
 * Context: any.
 * Return: how many there were.
 */
unsigned int tarn_node_take(struct tarn_node *n, u64 keep, u64 *frames,
			    unsigned int want)
{
	unsigned int got = 0;

	if (READ_ONCE(n->free) <= keep)
		return 0;
	spin_lock(&n->lock);
	for (; got < want && n->free > keep; got++) {
		struct tarn_chunk *chunk = list_first_entry(&n->chunks,
							    struct tarn_chunk,
							    link);

		frames[got] = (chunk->number << TARN_CHUNK_SHIFT) +
			      tarn_chunk_pop(n, chunk);
	}
	spin_unlock(&n->lock);
	return got;
}

/* Put frames that are nobody's on their node's lists. */
void tarn_node_give(struct tarn_node *n, const u64 *frames, unsigned int count)
{
	spin_lock(&n->lock);
	while (count--)
		tarn_chunk_push(n, tarn_chunk_of(n->pool, frames[count]),
			   frames[count] & (TARN_CHUNK_FRAMES - 1));
	spin_unlock(&n->lock);
}

/* Free frames of a node, wherever they are. */
u64 tarn_node_free_frames(struct tarn_node *n)
{
	return READ_ONCE(n->free) + tarn_magazines_count(n->pool, n->nid);
}

/* A frame of a node that keeps its low mark free, or of any if @low. */
static u64 alloc_near(struct tarn_pool *pool, const struct tarn_node *near,
		      bool low)
{
	u64 frame;
	int i;

	for (i = 0; i < nr_node_ids; i++) {
		struct tarn_node *n = tarn_pool_node(pool, near->nearest[i]);

		if (n && tarn_node_take(n, low ? 0 : READ_ONCE(n->low), &frame,
					1))
			return frame;
	}
	return TARN_FRAME_NONE;
}

/* Of the nodes that the pool has the one that is nearest to @nid. */
static struct tarn_node *nearest_node(struct tarn_pool *pool, int nid)
{
	struct tarn_node *best = tarn_pool_node(pool, nid), *n;
	int other;

	if (likely(best))
		return best;
	tarn_for_each_node(pool, other, n)
		if (!best || node_distance(nid, other) <
			     node_distance(nid, best->nid))
			best = n;
	return best;
}

/* From a magazine or the nearest node that can, see tarn_frame_alloc(). */
static u64 any_alloc(struct tarn_pool *pool, int node)
{
	struct tarn_node *near;
	int first = 0;
	u64 frame;

	if (node != NUMA_NO_NODE)
		near = nearest_node(pool, node);
	else
		near = tarn_node_from(pool, &first);
	frame = tarn_magazine_take(near);
	if (frame == TARN_FRAME_NONE)
		frame = alloc_near(pool, near, false);
	if (likely(frame != TARN_FRAME_NONE))
		return frame;
	frame = alloc_near(pool, near, true);
	if (frame == TARN_FRAME_NONE && tarn_magazines_empty(pool))
		frame = alloc_near(pool, near, true);
	tarn_pool_wake(pool);
	return frame;
}

/**
 * tarn_frame_alloc() - take a free frame, if there is one
 * @pool: from this pool
 * @node: where it should lie, or NUMA_NO_NODE
 *
 * This CPU's magazine gives it, or the nearest node that has more than its low
 * mark free. If none has, the reclaimers are woken, and the nearest one that has
 * any gives it: for as long as another node has room, nothing has to go out.
 *
 * Content is whatever the last owner left.
 *
 * Context: any.
 * Return: the frame or TARN_FRAME_NONE.
 */
u64 tarn_frame_alloc(struct tarn_pool *pool, int node)
{
	u64 frame;

	/* A memory error may be found in a frame while it is free. */
	while ((frame = any_alloc(pool, node)) != TARN_FRAME_NONE &&
	       tarn_poisoned(tarn_frame_page(pool, frame)))
		retire(pool, frame);
	return frame;
}

/**
 * tarn_frame_spare() - take a frame of a node that nobody else needs
 * @pool: from this pool
 * @nid: of this node, no other will do
 *
 * For pages that have a frame already, and only should lie elsewhere: nothing goes out for
 * that, nobody waits, and new pages find room there as well.
 *
 * Context: any.
 * Return: the frame; TARN_FRAME_NONE: the node has no more free than its high mark.
 */
u64 tarn_frame_spare(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);
	u64 frame;

	if (!n || tarn_waiters_any(pool))
		return TARN_FRAME_NONE;
	while (tarn_node_take(n, READ_ONCE(n->high), &frame, 1)) {
		if (!tarn_poisoned(tarn_frame_page(pool, frame)))
			return frame;
		retire(pool, frame);
	}
	return TARN_FRAME_NONE;
}

/**
 * tarn_frame_free() - a frame is free again
 * @pool: of this pool
 * @frame: idle and nobody's; or with a memory error and nobody's: retired
 *
 * Context: process.
 */
void tarn_frame_free(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = tarn_chunk_of(pool, frame);
	struct tarn_node *n = pool->nodes[chunk->node];

	if (tarn_poisoned(tarn_frame_page(pool, frame))) {
		retire(pool, frame);
		return;
	}
	tarn_frame_clear_dirty(tarn_frame_page(pool, frame));
	tarn_frame(pool, frame)->owner = TARN_OWNER_NOBODY;
	tarn_frame(pool, frame)->copy = TARN_COPY_NONE;
	if (tarn_magazine_put(n, chunk, frame))
		return;
	if (!READ_ONCE(chunk->leaving) && tarn_waiters_give(pool, frame))
		return;
	spin_lock(&n->lock);
	tarn_chunk_push(n, chunk, frame & (TARN_CHUNK_FRAMES - 1));
	spin_unlock(&n->lock);
	tarn_waiters_serve(pool);
}

/* @more: as many more are there; of one that was taken out to be looked at it is 0. */
static void limbo_put(struct tarn_pool *pool, u64 frame, unsigned int more)
{
	spin_lock(&pool->limbo_lock);
	tarn_frame(pool, frame)->owner = TARN_OWNER_NOBODY;
	tarn_frame(pool, frame)->next = pool->limbo;
	pool->limbo = frame;
	pool->limbo_frames += more;
	schedule_delayed_work(&pool->limbo_work, pool->limbo_delay);
	spin_unlock(&pool->limbo_lock);
}

static void limbo_add(struct tarn_pool *pool, u64 frame)
{
	limbo_put(pool, frame, 1);
}

/* One that was taken out is free. */
static void limbo_gone(struct tarn_pool *pool)
{
	spin_lock(&pool->limbo_lock);
	pool->limbo_frames--;
	spin_unlock(&pool->limbo_lock);
}

/**
 * tarn_frame_release() - give up a frame that somebody may still hold
 * @pool: of this pool
 * @frame: nobody's any more, and no mapping of a partition has it
 *
 * One of a chunk that is whole even now waits until that is split.
 *
 * Context: process.
 */
void tarn_frame_release(struct tarn_pool *pool, u64 frame)
{
	struct page *page = tarn_frame_page(pool, frame);

	if (likely(tarn_frame_idle(page) && !PageCompound(page))) {
		tarn_frame_free(pool, frame);
		return;
	}
	if (tarn_poisoned(page))
		tarn_poison_frame(pool, frame);
	limbo_add(pool, frame);
}

/*
 * Of a page with a memory error the kernel may keep a reference for ever. Who had one
 * for a moment, and trusts that the chunk stays meanwhile, is through by now, or has
 * the page locked.
 */
static bool is_let_go(struct page *page)
{
	unsigned int most = tarn_poisoned(page) && !PageLocked(page);

	return holders(page) <= most;
}

/*
 * Frames of a whole chunk become free when that is split, which who wanted it could not do
 * as long as somebody held it. @whole: the one that was looked at last.
 */
static bool is_split(struct tarn_pool *pool, u64 frame, struct tarn_chunk **whole)
{
	struct tarn_chunk *chunk = tarn_chunk_of(pool, frame);

	if (!PageHead(chunk->page))
		return true;
	if (chunk == *whole)
		return false;
	*whole = chunk;
	if (!is_let_go(chunk->page))
		return false;
	if (!tarn_chunk_split_idle(chunk))
		pool->ops->part(pool, chunk);
	return !PageHead(chunk->page);
}

/*
 * Free what is idle by now. Returns how many frames stay in limbo, which are looked
 * at again later.
 */
u64 tarn_frame_limbo_scan(struct tarn_pool *pool)
{
	struct tarn_chunk *whole = NULL;
	u64 frame, kept = 0;

	spin_lock(&pool->limbo_lock);
	frame = pool->limbo;
	pool->limbo = TARN_FRAME_NONE;
	spin_unlock(&pool->limbo_lock);
	while (frame != TARN_FRAME_NONE) {
		u64 next = tarn_frame(pool, frame)->next;

		if (is_split(pool, frame, &whole) &&
		    is_let_go(tarn_frame_page(pool, frame))) {
			tarn_frame_free(pool, frame);
			limbo_gone(pool);
		} else {
			limbo_put(pool, frame, 0);
			kept++;
		}
		frame = next;
		cond_resched();
	}
	return kept;
}
