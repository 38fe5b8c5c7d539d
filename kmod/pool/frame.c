// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames: taking chunks from the kernel, giving frames out, and keeping what is
 * given up but still held by somebody until it is idle.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pool/frame.h"
#include "pool/magazine.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/*
 * What frames' pages are of, for the kernel: the fast path of
 * get_user_pages() leaves pages without a mapping to the slow one, as they might
 * be secret memory's. No inode is behind it, and nothing is in it.
 *
 * The pages are dirty as long as they are frames: a clean page with a memory
 * error is taken for one of the page cache that can be read again.
 */
static bool frame_dirty(struct address_space *mapping, struct folio *folio)
{
	return false;
}

static const struct address_space_operations frame_aops = {
	.dirty_folio = frame_dirty,
};

static struct address_space frame_mapping;

void tarn_frame_init(void)
{
	address_space_init_once(&frame_mapping);
	frame_mapping.a_ops = &frame_aops;
}

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

/* The NUMA node of a frame; -1 if the number is old news and it is gone. */
int tarn_frame_node(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	int nid;

	rcu_read_lock();
	chunk = chunk_of(pool, frame);
	nid = chunk ? chunk->node : NUMA_NO_NODE;
	rcu_read_unlock();
	return nid;
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

/* References of a page besides its mappings' and the pool's, or more than that. */
static unsigned int holders(struct page *page)
{
	int mapped = atomic_read(&page->_mapcount) + 1;
	int refs;

	/* In this order, as unmapping changes them in that order. */
	smp_rmb();
	refs = page_ref_count(page);
	/* Again: a mapping that went meanwhile shows. */
	smp_rmb();
	if (mapped != atomic_read(&page->_mapcount) + 1)
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
	chunk = chunk_of(pool, frame);
	held = chunk && tarn_frame_held(chunk->page +
					(frame & (TARN_CHUNK_FRAMES - 1)));
	rcu_read_unlock();
	return held;
}

/* The same: the copy that its page has. */
u64 tarn_frame_peek_copy(struct tarn_pool *pool, u64 frame)
{
	u64 copy = TARN_COPY_NONE;
	struct tarn_chunk *chunk;

	rcu_read_lock();
	chunk = chunk_of(pool, frame);
	if (chunk)
		copy = READ_ONCE(chunk->frames[frame &
					       (TARN_CHUNK_FRAMES - 1)].copy);
	rcu_read_unlock();
	return copy;
}

/* ---- chunks ------------------------------------------------------------- */

static void chunk_push(struct tarn_node *node, struct tarn_chunk *chunk,
		       unsigned int i)
{
	lockdep_assert_held(&node->lock);
	chunk->frames[i].owner = TARN_OWNER_NOBODY;
	chunk->frames[i].next = chunk->free;
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
	chunk->free = chunk->frames[i].next;
	chunk->frames[i].copy = TARN_COPY_NONE;
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
	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		chunk->page[i].mapping = &frame_mapping;
		SetPageDirty(chunk->page + i);
	}
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
 * Context: process, pool->resize_lock and pager_lock.
 */
void tarn_chunk_detach(struct tarn_pool *pool, u64 number,
		       struct list_head *gone)
{
	struct tarn_chunk *chunk = pool->chunks[number];
	struct tarn_node *n = pool->nodes[chunk->node];

	lockdep_assert_held(&pool->resize_lock);
	lockdep_assert_held(&pool->pager_lock);
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

	atomic64_sub(bitmap_weight(chunk->poisoned, TARN_CHUNK_FRAMES),
		     &pool->poisoned);
	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		tarn_frame_clear_dirty(chunk->page + i);
		chunk->page[i].mapping = NULL;
		ClearPageDirty(chunk->page + i);
		put_page(chunk->page + i);
	}
	kvfree(chunk->frames);
	kfree(chunk);
}

/* A chunk is to go, or stays after all. Who waits is not served. */
void tarn_chunk_set_leaving(struct tarn_pool *pool, struct tarn_chunk *chunk,
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

/* Frames of a chunk that are in use. */
unsigned int tarn_chunk_used(struct tarn_pool *pool, struct tarn_chunk *chunk)
{
	struct tarn_node *n = pool->nodes[chunk->node];
	unsigned int used;

	spin_lock(&n->lock);
	used = TARN_CHUNK_FRAMES - chunk->nr_free - chunk->nr_retired;
	spin_unlock(&n->lock);
	return used;
}

/* ---- memory errors ------------------------------------------------------ */

/* False if that is known already. */
bool tarn_frame_mark_poisoned(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = chunk_of(pool, frame);

	if (test_and_set_bit(frame & (TARN_CHUNK_FRAMES - 1), chunk->poisoned))
		return false;
	atomic64_inc(&pool->poisoned);
	return true;
}

/* A frame that would become free, or was: nobody has it any more. */
static void retire(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk = chunk_of(pool, frame);
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
			      chunk_pop(n, chunk);
	}
	spin_unlock(&n->lock);
	return got;
}

/* Put frames that are nobody's on their node's lists. */
void tarn_node_give(struct tarn_node *n, const u64 *frames, unsigned int count)
{
	spin_lock(&n->lock);
	while (count--)
		chunk_push(n, chunk_of(n->pool, frames[count]),
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
	struct tarn_chunk *chunk = chunk_of(pool, frame);
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
	chunk_push(n, chunk, frame & (TARN_CHUNK_FRAMES - 1));
	spin_unlock(&n->lock);
	tarn_waiters_serve(pool);
}

static void limbo_add(struct tarn_pool *pool, u64 frame)
{
	spin_lock(&pool->limbo_lock);
	tarn_frame(pool, frame)->owner = TARN_OWNER_NOBODY;
	tarn_frame(pool, frame)->next = pool->limbo;
	pool->limbo = frame;
	pool->limbo_frames++;
	schedule_delayed_work(&pool->limbo_work, pool->limbo_delay);
	spin_unlock(&pool->limbo_lock);
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
	struct page *page = tarn_frame_page(pool, frame);

	if (likely(tarn_frame_idle(page))) {
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
 * Free what is idle by now. Returns how many frames stay in limbo, which are looked
 * at again later.
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
		u64 next = tarn_frame(pool, frame)->next;

		if (is_let_go(tarn_frame_page(pool, frame))) {
			tarn_frame_free(pool, frame);
		} else {
			limbo_add(pool, frame);
			kept++;
		}
		frame = next;
		cond_resched();
	}
	return kept;
}
