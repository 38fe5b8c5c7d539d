// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a block of small frames one 2 MiB frame, while it is used. All of its pages are
 * marked and unmapped together; then they are copied into a chunk, or, where each lies at
 * its place in the same chunk already, that is made whole. Pages that are empty come as
 * zeroes, patterns as what they are. All or none: if somebody holds one of them, the block
 * is as it was.
 *
 * A page is locked, by trying, only while it is marked. Who is about to map it has the lock
 * until he has, so nobody maps it behind the unmapping; and who waits for the lock has a
 * reference, of which he lets go when he gets it and finds the mark.
 */
#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "page/block.h"
#include "page/outdate.h"
#include "page/pending.h"
#include "pager/window.h"
#include "pool/copy.h"
#include "pool/pattern.h"
#include "pool/pins.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"

/* Who looks at a frame for a moment has a reference: try so often whether it is gone. */
#define TRIES	3

/**
 * struct gather - a block that becomes one frame
 * @part: its partition
 * @leaf: its leaf
 * @first: its first page
 * @to: the chunk that it becomes
 * @dirty: one of its pages is
 * @moves: pages with a frame that we marked
 * @fills: known ones, empty or patterns
 */
struct gather {
	struct tarn_partition *part;
	struct tarn_leaf *leaf;
	u64 first;
	struct tarn_chunk *to;
	bool dirty;
	DECLARE_BITMAP(moves, TARN_LEAF_PAGES);
	DECLARE_BITMAP(fills, TARN_LEAF_PAGES);
};

static u64 entry_of(const struct gather *g, unsigned int i)
{
	return atomic64_read(&g->leaf->entry[i]);
}

static struct page *page_of(const struct gather *g, unsigned int i)
{
	return tarn_frame_page(g->part->pool, tarn_entry_payload(entry_of(g, i)));
}

/*
 * The chunk in which each page lies at its place, and that stays; NULL: there is none. A
 * hint, until all are marked.
 */
static struct tarn_chunk *common_chunk(const struct gather *g)
{
	struct tarn_chunk *chunk = NULL;
	u64 frame = tarn_entry_payload(entry_of(g, 0));
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++)
		if (!tarn_entry_is_frame(entry_of(g, i), frame + i))
			return NULL;
	rcu_read_lock();
	if (IS_ALIGNED(frame, TARN_CHUNK_FRAMES))
		chunk = tarn_chunk_of(g->part->pool, frame);
	if (chunk && READ_ONCE(chunk->leaving))
		chunk = NULL;
	rcu_read_unlock();
	return chunk;
}

/* ---- marking ------------------------------------------------------------ */

/* With the page lock: its use may be noted meanwhile. */
static bool mark_locked(struct gather *g, unsigned int i, u64 frame)
{
	atomic64_t *entry = &g->leaf->entry[i];
	u64 e = atomic64_read(entry);

	while (tarn_entry_is_frame(e, frame) && !tarn_entry_mark(e) &&
	       !tarn_entry_pinned(e))
		if (tarn_entry_change(g->part, g->first + i, entry, &e,
				      tarn_entry_with_mark(e, TARN_MARK_MOVE)))
			return true;
	return false;
}

static bool mark_resident(struct gather *g, unsigned int i, u64 frame)
{
	struct page *page = tarn_frame_get(g->part->pool, frame);
	bool done = false;

	if (!page)
		return false;
	/* Only if the number still stands is it the pool's page. */
	if (tarn_entry_is_frame(entry_of(g, i), frame) && trylock_page(page)) {
		if (!PageCompound(page) && !tarn_poisoned(page))
			done = mark_locked(g, i, frame);
		if (done)
			g->dirty |= tarn_frame_dirty(page);
		unlock_page(page);
	}
	put_page(page);
	__assign_bit(i, g->moves, done);
	return done;
}

static bool mark_known(struct gather *g, unsigned int i, u64 e)
{
	if (!tarn_entry_change(g->part, g->first + i, &g->leaf->entry[i], &e,
			       tarn_entry_with_mark(e, TARN_MARK_FILL)))
		return false;
	/* No copy has what it is. */
	g->dirty = true;
	__set_bit(i, g->fills);
	return true;
}

/* False: some may be marked. */
static bool mark_all(struct gather *g)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = entry_of(g, i);
		bool done = false;

		if (tarn_entry_mark(e))
			return false;
		if (tarn_entry_has_frame(e))
			done = mark_resident(g, i, tarn_entry_payload(e));
		else if (tarn_entry_is_known(e) && !tarn_entry_is_withheld(e))
			done = mark_known(g, i, e);
		if (!done)
			return false;
	}
	/* As with one page: who cuts the file changes this first, then waits for the mark. */
	return g->first + TARN_BLOCK_PAGES <= atomic64_read(&g->part->pages);
}

static void unmark_all(struct gather *g)
{
	unsigned int i;

	tarn_block_unmark(g->part, g->leaf, g->first, g->moves);
	for_each_set_bit(i, g->fills, TARN_LEAF_PAGES) {
		atomic64_t *entry = &g->leaf->entry[i];
		u64 e = atomic64_read(entry);

		tarn_entry_change(g->part, g->first + i, entry, &e,
				  tarn_entry_with_mark(e, TARN_MARK_NONE));
		tarn_entry_wake(entry);
	}
}

/* ---- becoming one ------------------------------------------------------- */

/* Marked and unmapped, nobody's but the pool's. */
static bool is_alone(const struct gather *g)
{
	unsigned int i, try = 0;

	for_each_set_bit(i, g->moves, TARN_LEAF_PAGES)
		while (!tarn_frame_idle(page_of(g, i))) {
			if (++try > TRIES)
				return false;
			cond_resched();
		}
	return true;
}

/* With its pages marked and unmapped; they have one lock afterwards. */
static bool join(const struct gather *g)
{
	unsigned int i;

	tarn_window_unmap(g->part->pool, tarn_chunk_first(g->to),
			  TARN_CHUNK_FRAMES);
	for (i = 0; i < TRIES; i++) {
		if (tarn_chunk_join(g->to))
			return true;
		cond_resched();
	}
	return false;
}

/* Nobody maps the block before it is all there. */
static void begin_whole(const struct gather *g)
{
	lock_page(g->to->page);
	g->to->whole = true;
	if (g->dirty)
		tarn_frame_set_dirty(g->to->page);
}

/* Its entries name the frames of the block: of a dirty one no page has a copy in a file. */
static void end_whole(const struct gather *g)
{
	if (g->dirty)
		tarn_page_outdate(g->part, tarn_chunk_first(g->to), g->to->page);
	unlock_page(g->to->page);
}

static bool gather_in_place(struct gather *g)
{
	if (!join(g))
		return false;
	begin_whole(g);
	tarn_block_unmark(g->part, g->leaf, g->first, g->moves);
	end_whole(g);
	return true;
}

static void fill(const struct gather *g, unsigned int i)
{
	struct tarn_frame *to = &g->to->frames[i];
	u64 word = tarn_pattern_word(&g->leaf->entry[i], entry_of(g, i));

	if (word)
		tarn_pattern_fill(g->to->page + i, word);
	else
		clear_highpage(g->to->page + i);
	to->owner = tarn_owner_page(g->part->id, g->first + i);
	to->copy = TARN_COPY_NONE;
}

static bool copy(const struct gather *g)
{
	struct tarn_pool *pool = g->part->pool;
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		if (test_bit(i, g->fills)) {
			fill(g, i);
			continue;
		}
		if (!tarn_poison_copy(g->to->page + i, page_of(g, i)))
			return false;
		g->to->frames[i] = *tarn_frame(pool,
					       tarn_entry_payload(entry_of(g, i)));
	}
	return true;
}

/* What it was is nobody's as soon as the entry has changed. */
static void switch_one(const struct gather *g, unsigned int i)
{
	struct tarn_partition *part = g->part;
	u64 frame = tarn_chunk_first(g->to) + i;
	atomic64_t *entry = &g->leaf->entry[i];
	u64 e = atomic64_read(entry), was, to;

	/* The mapping that comes next says nothing of how much it is used. */
	do {
		VM_WARN_ON_ONCE(!tarn_entry_is_brief(e));
		was = tarn_entry_payload(e);
		to = tarn_entry_make(TARN_PAGE_RESIDENT, frame) | TARN_ENTRY_NEW;
		to |= test_bit(i, g->fills) ?
		      tarn_entry_with_hint(0, TARN_USE_FIRST) :
		      e & TARN_ENTRY_HINT;
	} while (!tarn_entry_change(part, g->first + i, entry, &e, to));
	tarn_entry_wake(entry);
	if (tarn_entry_is_pattern(e))
		tarn_partition_add_pattern(part, -1);
	if (tarn_entry_is_ballooned(e))
		tarn_partition_add_balloon(part, -1);
	if (test_bit(i, g->fills))
		return;
	tarn_stats_moved(part->pool, tarn_frame_node(part->pool, was),
			 g->to->node, 1);
	tarn_partition_left(part, was);
	tarn_frame_release(part->pool, was);
}

/* What needs no page lock, or must not have one. */
static void settle_fills(const struct gather *g)
{
	unsigned int i;

	for_each_set_bit(i, g->fills, TARN_LEAF_PAGES) {
		tarn_pin_recheck(g->part, g->first + i, TARN_USE_FIRST);
		tarn_pending_settle(g->part, g->first + i);
	}
	tarn_stats_taken(g->part->pool, g->to->node, tarn_chunk_first(g->to),
			 bitmap_weight(g->fills, TARN_LEAF_PAGES));
}

static bool gather_by_copy(struct gather *g)
{
	unsigned int i;

	if (!copy(g) || tarn_chunk_spoilt(g->to))
		return false;
	begin_whole(g);
	for (i = 0; i < TARN_LEAF_PAGES; i++)
		switch_one(g, i);
	tarn_partition_came_all(g->part, g->leaf, g->to->node);
	end_whole(g);
	settle_fills(g);
	return true;
}

/* With all entries marked. */
static bool gather_marked(struct gather *g, bool in_place)
{
	tarn_partition_unmap(g->part, g->first, TARN_BLOCK_PAGES);
	if (!is_alone(g))
		return false;
	if (!in_place)
		return gather_by_copy(g);
	return common_chunk(g) == g->to && gather_in_place(g);
}

/* Does it take frames for pages that have none? */
static bool grows(const struct gather *g)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++)
		if (!tarn_entry_has_frame(atomic64_read(&g->leaf->entry[i])))
			return true;
	return false;
}

/* False: it is as it was, but for its mappings. */
static bool gather(struct gather *g, int nid, struct tarn_block_try *try)
{
	bool in_place, done;

	/* Of a pool without room, growth leaves alone what is left. */
	if (READ_ONCE(g->part->pool->full) && grows(g))
		return false;
	g->to = common_chunk(g);
	in_place = g->to;
	if (!in_place)
		g->to = tarn_block_take(g->part->pool, nid);
	if (!g->to)
		return false;
	tarn_block_try_to(try, g->to);
	tarn_block_try_mark(try);
	done = mark_all(g) && gather_marked(g, in_place);
	if (done)
		return true;
	unmark_all(g);
	if (!in_place)
		tarn_block_give(g->part->pool, g->to);
	return false;
}

/**
 * tarn_block_try_gather() - make a block of small frames one 2 MiB frame
 * @part: partition; the caller holds its pin, and no page lock
 * @leaf: the block's
 * @first: its first page; each page of it has a frame, or is known
 * @nid: the node that it is to be on, if it has to move, which has 2 MiB in one piece that
 *	nobody else needs
 * @try: how far it came
 *
 * Not if a page of it is pinned, or somebody holds one.
 *
 * Context: process; waits for what is brief.
 * Return: whether it was done. If not it is as it was, but for its mappings.
 */
bool tarn_block_try_gather(struct tarn_partition *part, struct tarn_leaf *leaf,
			   u64 first, int nid, struct tarn_block_try *try)
{
	struct gather g = { .part = part, .leaf = leaf, .first = first };

	lockdep_assert_held_read(&part->pin);
	tarn_block_try_begin(try);
	if (tarn_pin_any(part, first, TARN_BLOCK_PAGES) ||
	    !gather(&g, nid, try))
		return false;
	tarn_stats_add(part, TARN_STAT_BLOCK_PROMOTIONS, 1);
	/* An area may have come meanwhile. */
	if (tarn_pin_any(part, first, TARN_BLOCK_PAGES))
		tarn_block_part(part, leaf, first);
	return true;
}
