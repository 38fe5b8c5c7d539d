// SPDX-License-Identifier: GPL-2.0-only
/* See chunk.h. */
#include <linux/compound.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/pagemap.h>
#include <linux/page_ref.h>
#include <linux/poison.h>
#include <linux/slab.h>

#include "pool/chunk.h"
#include "pool/copy.h"
#include "pool/frame.h"
#include "pool/pool.h"

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

/*
 * Of a whole chunk with a memory error the kernel would make small pages, for which it
 * needs the file that they are of. It asks first whether what is private can go.
 */
static bool frame_release(struct folio *folio, gfp_t gfp)
{
	return false;
}

static const struct address_space_operations frame_aops = {
	.dirty_folio = frame_dirty,
	.release_folio = frame_release,
};

static struct address_space frame_mapping;

void tarn_chunk_init(void)
{
	address_space_init_once(&frame_mapping);
	frame_mapping.a_ops = &frame_aops;
}

/* A frame is free. */
void tarn_chunk_push(struct tarn_node *node, struct tarn_chunk *chunk,
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
	if (chunk->nr_free == TARN_CHUNK_FRAMES) {
		list_move_tail(&chunk->link, &node->chunks);
		node->free_chunks++;
	} else if (chunk->nr_free == 1) {
		list_add(&chunk->link, &node->chunks);
	}
}

/* Take a free frame of a chunk that has one. */
unsigned int tarn_chunk_pop(struct tarn_node *node, struct tarn_chunk *chunk)
{
	unsigned int i = chunk->free;

	lockdep_assert_held(&node->lock);
	chunk->free = chunk->frames[i].next;
	chunk->frames[i].copy = TARN_COPY_NONE;
	if (chunk->nr_free == TARN_CHUNK_FRAMES)
		node->free_chunks--;
	chunk->awkward = false;
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
		tarn_chunk_push(n, chunk, i);
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

static void give_page(struct page *page)
{
	tarn_frame_clear_dirty(page);
	page->mapping = NULL;
	ClearPageDirty(page);
	put_page(page);
}

/*
 * Give a detached chunk back to the kernel. Who holds a reference of a page even
 * now frees it with that; of a chunk that is whole, all of it.
 */
void tarn_chunk_destroy(struct tarn_pool *pool, struct tarn_chunk *chunk)
{
	unsigned int i;

	atomic64_sub(bitmap_weight(chunk->poisoned, TARN_CHUNK_FRAMES),
		     &pool->poisoned);
	if (tarn_chunk_split_idle(chunk)) {
		for (i = 0; i < TARN_CHUNK_FRAMES; i++)
			give_page(chunk->page + i);
	} else if (tarn_chunk_spoilt(chunk)) {
		/* The kernel keeps bad pages away from others only of small ones. */
		pr_warn("2 MiB with a memory error that somebody holds are lost\n");
	} else {
		ClearPagePrivate(chunk->page);
		give_page(chunk->page);
	}
	kvfree(chunk->frames);
	kfree(chunk);
}

/* A chunk is to go, or stays after all. Who waits is not served. */
void tarn_chunk_set_leaving(struct tarn_pool *pool, struct tarn_chunk *chunk,
			    bool leaving)
{
	struct tarn_node *n = pool->nodes[chunk->node];

	lockdep_assert_held(&pool->resize_lock);
	spin_lock(&n->lock);
	if (chunk->leaving != leaving) {
		WRITE_ONCE(chunk->leaving, leaving);
		if (leaving) {
			n->free -= chunk->nr_free;
			n->free_chunks -= chunk->nr_free == TARN_CHUNK_FRAMES;
			list_del_init(&chunk->link);
		} else if (chunk->nr_free) {
			n->free += chunk->nr_free;
			if (chunk->nr_free == TARN_CHUNK_FRAMES) {
				n->free_chunks++;
				list_add_tail(&chunk->link, &n->chunks);
			} else {
				list_add(&chunk->link, &n->chunks);
			}
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

/* ---- whole chunks ------------------------------------------------------- */

/* Those that are free as a whole come last on the list. */
static struct tarn_chunk *last_free(struct tarn_node *node)
{
	struct tarn_chunk *chunk;

	lockdep_assert_held(&node->lock);
	list_for_each_entry_reverse(chunk, &node->chunks, link) {
		if (chunk->nr_free < TARN_CHUNK_FRAMES)
			break;
		if (!chunk->awkward)
			return chunk;
	}
	return NULL;
}

/* Is there one? */
bool tarn_chunk_any(struct tarn_node *node)
{
	bool any;

	spin_lock(&node->lock);
	any = last_free(node);
	spin_unlock(&node->lock);
	return any;
}

/* Has a node as many frames free that there may be a chunk to take? A hint without the lock. */
bool tarn_chunk_room(struct tarn_node *node, u64 spare)
{
	return READ_ONCE(node->free) >=
	       READ_ONCE(node->high) + spare + TARN_CHUNK_FRAMES;
}

/**
 * tarn_chunk_take() - take all frames of a chunk
 * @node: of this node
 * @spare: frames that stay free besides the node's high mark
 *
 * Context: any.
 * Return: the chunk, split, its frames nobody's; NULL: none is free as a whole.
 */
struct tarn_chunk *tarn_chunk_take(struct tarn_node *node, u64 spare)
{
	struct tarn_chunk *chunk = NULL;

	spin_lock(&node->lock);
	if (tarn_chunk_room(node, spare))
		chunk = last_free(node);
	if (chunk) {
		list_del_init(&chunk->link);
		node->free_chunks--;
		chunk->nr_free = 0;
		chunk->free = TARN_CHUNK_FRAMES;
		node->free -= TARN_CHUNK_FRAMES;
	}
	spin_unlock(&node->lock);
	return chunk;
}

/**
 * tarn_chunk_give() - all frames of a chunk are free
 * @node: its node
 * @chunk: split, its frames nobody's
 *
 * Context: any; the caller serves who waits.
 */
void tarn_chunk_give(struct tarn_node *node, struct tarn_chunk *chunk)
{
	unsigned int i;

	spin_lock(&node->lock);
	for (i = TARN_CHUNK_FRAMES; i-- > 0;)
		tarn_chunk_push(node, chunk, i);
	spin_unlock(&node->lock);
}

/* With nobody's reference but the pool's there is none, and nobody gets one. */
static bool freeze_all(struct page *head)
{
	unsigned int i, n;

	for (n = 0; n < TARN_CHUNK_FRAMES; n++)
		if (PageHWPoison(head + n) || !page_ref_freeze(head + n, 1))
			break;
	if (n == TARN_CHUNK_FRAMES)
		return true;
	for (i = 0; i < n; i++)
		page_ref_unfreeze(head + i, 1);
	return false;
}

/**
 * tarn_chunk_join() - make a chunk whole
 * @chunk: split, its frames the caller's
 *
 * Context: any; does not sleep.
 * Return: false if somebody has a reference of one of its pages, a mapping among them, or
 * one has a memory error.
 */
bool tarn_chunk_join(struct tarn_chunk *chunk)
{
	struct page *head = chunk->page;
	unsigned int i;

	/* Who looks for a reference meanwhile tries again and again. */
	preempt_disable();
	if (!freeze_all(head)) {
		preempt_enable();
		return false;
	}
	for (i = 0; i < TARN_CHUNK_FRAMES; i++)
		page_flags_clear(head + i, PAGE_FLAGS_CHECK_AT_PREP);
	for (i = 1; i < TARN_CHUNK_FRAMES; i++) {
		head[i].mapping = TAIL_MAPPING;
		set_page_private(head + i, 0);
		compound_set_tail(head + i, head, TARN_CHUNK_SHIFT);
	}
	compound_set_head(head, TARN_CHUNK_SHIFT);
	/* It lies across the end of no file that maps it. */
	page_folio(head)->index = 0;
	SetPageDirty(head);
	/* See frame_release(). */
	SetPagePrivate(head);
	page_ref_unfreeze(head, 1);
	preempt_enable();
	return true;
}

static void make_frame(struct page *page, bool dirty)
{
	page->mapping = &frame_mapping;
	set_page_private(page, 0);
	page_flags_clear(page, PAGE_FLAGS_CHECK_AT_PREP);
	SetPageDirty(page);
	if (dirty)
		tarn_frame_set_dirty(page);
}

/**
 * tarn_chunk_split() - make a whole chunk frames that are used one by one
 * @chunk: whole, with its page locked; of the frames only the first is locked afterwards
 * @held: references that the caller has; they are of the first frame afterwards
 *
 * Context: any; does not sleep.
 * Return: false if anybody else has a reference, a mapping among them.
 */
bool tarn_chunk_split(struct tarn_chunk *chunk, unsigned int held)
{
	struct page *head = chunk->page;
	bool dirty = tarn_frame_dirty(head);
	unsigned int i;

	VM_WARN_ON_ONCE(!PageLocked(head) || !PageHead(head));
	preempt_disable();
	if (!page_ref_freeze(head, 1 + held)) {
		preempt_enable();
		return false;
	}
	ClearPagePrivate(head);
	compound_clear_head(head);
	for (i = 1; i < TARN_CHUNK_FRAMES; i++) {
		/* It has no head yet, for whom flags are that of the first page. */
		clear_compound_head(head + i);
		make_frame(head + i, dirty);
	}
	for (i = 1; i < TARN_CHUNK_FRAMES; i++)
		page_ref_unfreeze(head + i, 1);
	page_ref_unfreeze(head, 1 + held);
	preempt_enable();
	return true;
}

/**
 * tarn_chunk_split_idle() - split a chunk if nobody holds or maps any of it
 * @chunk: whole or split
 *
 * Context: any; does not sleep.
 * Return: whether it is split.
 */
bool tarn_chunk_split_idle(struct tarn_chunk *chunk)
{
	struct page *head = chunk->page;
	bool split = false;

	if (!PageHead(head))
		return true;
	if (!trylock_page(head))
		return false;
	split = !PageHead(head) || tarn_chunk_split(chunk, 0);
	unlock_page(head);
	return split;
}

/**
 * tarn_chunk_break() - one page of a whole chunk goes its own way
 * @chunk: whole, with its page locked
 *
 * From here on no entry of a page table may be for all of it. That is what the kernel
 * takes the mark for which it makes where a page of a compound page has a memory error.
 *
 * Context: any.
 * Return: whether it is the first one.
 */
bool tarn_chunk_break(struct tarn_chunk *chunk)
{
	bool was = chunk->whole;

	VM_WARN_ON_ONCE(!PageLocked(chunk->page));
	chunk->whole = false;
	folio_set_has_hwpoisoned(page_folio(chunk->page));
	return was;
}

/* Has any page of it a memory error? The kernel does not always mark the whole. */
bool tarn_chunk_spoilt(const struct tarn_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < TARN_CHUNK_FRAMES; i++)
		if (PageHWPoison(chunk->page + i))
			return true;
	return false;
}
