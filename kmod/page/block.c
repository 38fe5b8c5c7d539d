// SPDX-License-Identifier: GPL-2.0-only
/* See block.h. */
#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "page/balloon.h"
#include "page/block.h"
#include "page/pending.h"
#include "pager/window.h"
#include "pool/copy.h"
#include "pool/home.h"
#include "pool/pins.h"
#include "pool/pool.h"
#include "pool/use.h"
#include "pool/waiter.h"

/* Who looks at a frame for a moment has a reference: try so often whether it is gone. */
#define SPLIT_TRIES	3

static u64 first_of(u64 index)
{
	return ALIGN_DOWN(index, TARN_BLOCK_PAGES);
}

/* ---- the first frame ---------------------------------------------------- */

/* A bad frame of it is retired. */
static void give_singly(struct tarn_node *n, struct tarn_chunk *chunk)
{
	u64 frame = tarn_chunk_first(chunk);
	unsigned int i;

	if (tarn_chunk_spoilt(chunk)) {
		for (i = 0; i < TARN_CHUNK_FRAMES; i++)
			tarn_frame_free(n->pool, frame + i);
		return;
	}
	tarn_chunk_give(n, chunk);
	tarn_waiters_serve(n->pool);
}

/* A chunk of a node, whole and nobody's; NULL: there is none that nobody needs. */
struct tarn_chunk *tarn_block_take(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);
	struct tarn_chunk *chunk;

	if (!n || tarn_waiters_any(pool))
		return NULL;
	chunk = tarn_chunk_take(n, 0);
	if (!chunk) {
		pool->ops->compact(n);
		return NULL;
	}
	if (tarn_chunk_join(chunk))
		return chunk;
	/* A pager had it in hand, whose window is no reason to pass over it. */
	tarn_window_unmap(pool, tarn_chunk_first(chunk), TARN_CHUNK_FRAMES);
	if (tarn_chunk_join(chunk))
		return chunk;
	WRITE_ONCE(chunk->awkward, true);
	give_singly(n, chunk);
	return NULL;
}

/* It is not used after all, or no more. */
void tarn_block_give(struct tarn_pool *pool, struct tarn_chunk *chunk)
{
	u64 frame = tarn_chunk_first(chunk);
	unsigned int i;

	/* Before each of its pages has that from it. */
	tarn_frame_clear_dirty(chunk->page);
	if (tarn_chunk_split_idle(chunk)) {
		give_singly(pool->nodes[chunk->node], chunk);
		return;
	}
	/* Somebody looks at it just now. */
	for (i = 0; i < TARN_CHUNK_FRAMES; i++)
		tarn_frame_release(pool, frame + i);
}

/* Nothing of it is there, nor mapped: zeroes would have a table of their own. */
static bool is_untouched(const struct tarn_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++)
		if (atomic64_read(&leaf->entry[i]) !=
		    tarn_entry_make(TARN_PAGE_EMPTY, 0))
			return false;
	return true;
}

static void unmark_first(struct tarn_partition *part, struct tarn_leaf *leaf,
			 u64 first, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		u64 e = tarn_entry_with_mark(tarn_entry_make(TARN_PAGE_EMPTY, 0),
					     TARN_MARK_FILL);

		tarn_entry_change(part, first + i, &leaf->entry[i], &e,
				  tarn_entry_make(TARN_PAGE_EMPTY, 0));
		tarn_entry_wake(&leaf->entry[i]);
	}
}

/* All or none: with all of them marked, and within the file. */
static bool mark_all(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = tarn_entry_make(TARN_PAGE_EMPTY, 0);

		if (!tarn_entry_change(part, first + i, &leaf->entry[i], &e,
				       tarn_entry_with_mark(e, TARN_MARK_FILL)))
			break;
	}
	/* As with one page: who cuts the file changes this first, then waits for the mark. */
	if (i == TARN_LEAF_PAGES &&
	    first + TARN_BLOCK_PAGES <= atomic64_read(&part->pages))
		return true;
	unmark_first(part, leaf, first, i);
	return false;
}

/* The page that is touched last, so that it is at hand. */
static void clear_block(struct page *page, unsigned int touched)
{
	unsigned int i;

	for (i = 1; i <= TARN_CHUNK_FRAMES; i++) {
		clear_highpage(page + ((touched + i) & (TARN_CHUNK_FRAMES - 1)));
		if (!(i & 63))
			cond_resched();
	}
}

static void settle_first(struct tarn_partition *part, struct tarn_leaf *leaf,
			 u64 first, struct tarn_chunk *chunk)
{
	u64 frame = tarn_chunk_first(chunk);
	int nid = chunk->node;
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		unsigned int hint = tarn_pin_hint(part, first + i,
						  TARN_USE_FIRST);
		u64 e = tarn_entry_with_mark(tarn_entry_make(TARN_PAGE_EMPTY, 0),
					     TARN_MARK_FILL);

		tarn_entry_change(part, first + i, &leaf->entry[i], &e,
				  tarn_entry_with_hint(tarn_entry_make(
						TARN_PAGE_RESIDENT, frame + i) |
						TARN_ENTRY_NEW, hint));
		tarn_pin_recheck(part, first + i, hint);
		tarn_pending_settle(part, first + i);
		tarn_entry_wake(&leaf->entry[i]);
	}
	tarn_partition_came_all(part, leaf, nid);
}

/**
 * tarn_block_fill() - give all pages of a block their first frame, a 2 MiB one
 * @part: partition; the caller has its inode
 * @leaf: the block's
 * @index: page of it that is touched
 *
 * Only where nothing of the block was touched before, no page of it is to be pinned, and
 * the home has a chunk that is free as a whole and nobody else needs.
 *
 * Context: process.
 * Return: false if it is as it was.
 */
bool tarn_block_fill(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 index)
{
	struct tarn_pool *pool = part->pool;
	u64 first = first_of(index);
	struct tarn_chunk *chunk;
	unsigned int i;
	u64 frame;
	int nid;

	/* Of a pool without room, growth leaves alone what is left. */
	if (READ_ONCE(pool->full))
		return false;
	tarn_balloon_forget(part, leaf, first);
	if (first + TARN_BLOCK_PAGES > atomic64_read(&part->pages) ||
	    !is_untouched(leaf) || tarn_pin_any(part, first, TARN_BLOCK_PAGES))
		return false;
	nid = tarn_home_pick(part);
	chunk = tarn_block_take(pool, nid);
	if (!chunk)
		return false;
	frame = tarn_chunk_first(chunk);
	if (!mark_all(part, leaf, first)) {
		tarn_block_give(pool, chunk);
		return false;
	}
	clear_block(chunk->page, index - first);
	chunk->whole = true;
	tarn_frame_set_dirty(chunk->page);
	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		chunk->frames[i].owner = tarn_owner_page(part->id, first + i);
		chunk->frames[i].copy = TARN_COPY_NONE;
	}
	settle_first(part, leaf, first, chunk);
	tarn_stats_taken(pool, nid, frame, TARN_BLOCK_PAGES);
	tarn_stats_add(part, TARN_STAT_BLOCK_FILLS, 1);
	/* An area may have come meanwhile. */
	if (tarn_pin_any(part, first, TARN_BLOCK_PAGES))
		tarn_block_part(part, leaf, index);
	return true;
}

/* ---- parting ------------------------------------------------------------ */

/**
 * tarn_block_look() - may a block have one entry of a page table?
 * @part: partition; the caller has its inode
 * @index: a page of it, whose frame's page is locked, and a compound page
 *
 * Of a memory error that the hardware reports the kernel marks just the page. Who uses that
 * shall come to the module, so each page gets an entry of its own.
 *
 * Context: process.
 */
bool tarn_block_look(struct tarn_partition *part, u64 index)
{
	u64 e = atomic64_read(tarn_partition_entry(part, index));
	struct tarn_chunk *chunk = tarn_chunk_of(part->pool,
						 tarn_entry_payload(e));

	if (chunk->whole && tarn_chunk_spoilt(chunk)) {
		tarn_chunk_break(chunk);
		tarn_partition_unmap(part, first_of(index), TARN_BLOCK_PAGES);
		tarn_stats_add(part, TARN_STAT_BLOCK_SPLITS, 1);
	}
	return chunk->whole;
}

/**
 * tarn_block_is_whole() - is a page part of a 2 MiB frame?
 * @pool: its pool
 * @e: its entry
 *
 * Context: any; a hint without the page lock.
 */
bool tarn_block_is_whole(struct tarn_pool *pool, u64 e)
{
	struct tarn_chunk *chunk;
	bool whole = false;

	if (!tarn_entry_has_frame(e))
		return false;
	rcu_read_lock();
	chunk = tarn_chunk_of(pool, tarn_entry_payload(e));
	if (chunk)
		whole = PageHead(chunk->page);
	rcu_read_unlock();
	return whole;
}

/* The page of a whole block, locked and referenced; NULL: it is none. */
struct page *tarn_block_lock(struct tarn_pool *pool, atomic64_t *entry)
{
	for (;;) {
		u64 e = atomic64_read(entry);
		struct page *page;

		if (!tarn_block_is_whole(pool, e))
			return NULL;
		/* Somebody else parts it. */
		if (tarn_entry_is_brief(e)) {
			wait_var_event(entry, !tarn_entry_is_brief(
						atomic64_read(entry)));
			continue;
		}
		page = tarn_frame_get(pool, tarn_entry_payload(e));
		if (!page) {
			cpu_relax();
			continue;
		}
		lock_page(page);
		if (tarn_entry_is_frame(atomic64_read(entry),
					tarn_entry_payload(e)) &&
		    PageCompound(page))
			return compound_head(page);
		unlock_page(page);
		put_page(page);
	}
}

/* Is a page, with this entry, in a frame of the chunk? */
static bool lies_in(const struct tarn_chunk *chunk, u64 e)
{
	return tarn_entry_has_frame(e) &&
	       tarn_entry_payload(e) >> TARN_CHUNK_SHIFT == chunk->number;
}

/* Those pages of a leaf that lie in the chunk, and that nobody has in hand. */
void tarn_block_mark(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first, const struct tarn_chunk *chunk,
		     unsigned long *marked)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		bool done = false;

		while (!done && lies_in(chunk, e) && !tarn_entry_mark(e))
			done = tarn_entry_change(part, first + i,
						 &leaf->entry[i], &e,
						 tarn_entry_with_mark(e,
							TARN_MARK_MOVE));
		__assign_bit(i, marked, done);
	}
}

/* Their hints may have been changed meanwhile. */
void tarn_block_unmark(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 first, const unsigned long *marked)
{
	unsigned int i;

	for_each_set_bit(i, marked, TARN_LEAF_PAGES) {
		u64 e = atomic64_read(&leaf->entry[i]);

		while (!tarn_entry_change(part, first + i, &leaf->entry[i], &e,
					  tarn_entry_with_mark(e,
							TARN_MARK_NONE)))
			;
		tarn_entry_wake(&leaf->entry[i]);
	}
}

/* Without the page lock, for whose holders to let go. */
void tarn_block_unmap(struct tarn_partition *part, u64 first,
		      const struct tarn_chunk *chunk)
{
	/* With its inode went all mappings. */
	if (part->inode)
		tarn_partition_unmap(part, first, TARN_BLOCK_PAGES);
	tarn_window_unmap(part->pool, tarn_chunk_first(chunk),
			  TARN_CHUNK_FRAMES);
}

/*
 * With the page lock, which is dropped meanwhile: whoever waits for it has a reference.
 * When he gets it he finds the mark, and waits for that, without one.
 */
static bool split(struct tarn_partition *part, u64 first,
		  struct tarn_chunk *chunk)
{
	struct page *head = chunk->page;
	unsigned int i;

	for (i = 0; i < SPLIT_TRIES; i++) {
		unlock_page(head);
		tarn_block_unmap(part, first, chunk);
		lock_page(head);
		if (!PageHead(head) || tarn_chunk_split(chunk, 1))
			return true;
		cond_resched();
	}
	return false;
}

/**
 * tarn_block_part() - have the pages of a block go their own ways
 * @part: partition; the caller holds its pin or has its inode, or that has ended
 * @leaf: the block's
 * @index: a page of it
 *
 * Where it is whole it is unmapped. Page locks that the caller has are of no whole block.
 *
 * Context: process; waits for what is brief.
 * Return: false if the chunk can't be split, as somebody holds it: its pages have one lock
 * and one reference count even then.
 */
bool tarn_block_part(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 index)
{
	DECLARE_BITMAP(marked, TARN_LEAF_PAGES);
	atomic64_t *entry = tarn_leaf_entry(leaf, index);
	struct page *head = tarn_block_lock(part->pool, entry);
	u64 first = first_of(index);
	struct tarn_chunk *chunk;
	bool done;

	if (!head)
		return true;
	chunk = tarn_chunk_of(part->pool,
			      tarn_entry_payload(atomic64_read(entry)));
	if (tarn_chunk_break(chunk)) {
		WRITE_ONCE(leaf->was_whole, true);
		tarn_stats_add(part, TARN_STAT_BLOCK_SPLITS, 1);
	}
	tarn_block_mark(part, leaf, first, chunk, marked);
	done = split(part, first, chunk);
	tarn_block_unmark(part, leaf, first, marked);
	unlock_page(head);
	put_page(head);
	return done;
}

/* A page that lies in the chunk; NULL: there is none. */
static struct tarn_partition *find_owner(struct tarn_pool *pool,
					 const struct tarn_chunk *chunk,
					 u64 *index)
{
	unsigned int i;

	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		u64 owner = READ_ONCE(chunk->frames[i].owner);

		if (!tarn_owner_id(owner))
			continue;
		*index = tarn_owner_index(owner);
		return tarn_partition_find(pool, tarn_owner_id(owner));
	}
	return NULL;
}

/**
 * tarn_block_part_chunk() - split a chunk that is whole though its block is not
 * @pool: the pool
 * @chunk: of which some frames are used
 *
 * Context: process.
 */
void tarn_block_part_chunk(struct tarn_pool *pool, struct tarn_chunk *chunk)
{
	struct tarn_partition *part;
	struct tarn_leaf *leaf;
	u64 index;

	part = find_owner(pool, chunk, &index);
	if (!part) {
		tarn_window_unmap(pool, tarn_chunk_first(chunk),
				  TARN_CHUNK_FRAMES);
		tarn_chunk_split_idle(chunk);
		return;
	}
	down_read(&part->pin);
	leaf = part->inode ? tarn_partition_leaf(part, index, false) : NULL;
	if (leaf && lies_in(chunk, atomic64_read(tarn_leaf_entry(leaf, index))))
		tarn_block_part(part, leaf, index);
	up_read(&part->pin);
	tarn_partition_put(part);
}
