// SPDX-License-Identifier: GPL-2.0-only
/* One round of a relocation: see relocate.c. */
#include <linux/mm.h>
#include <linux/nodemask.h>

#include "policy/gather.h"
#include "policy/relocation.h"
#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/pool.h"

/* So many granules in a row that are short enough, and larger ones are tried. */
#define FIT_SHORT	4

/* ---- one granule -------------------------------------------------------- */

/* Does what lies on this node have to go? If it is none, it has gone elsewhere just now. */
static bool is_astray(const struct tarn_relocation *r, int nid)
{
	return r->range.flags & TARN_RELOCATE_AWAY ?
	       nid == (int)r->range.node : nid != (int)r->range.node;
}

/* For a page that leaves: the nearest node that can spare one. */
static u64 frame_away(const struct tarn_relocation *r)
{
	struct tarn_pool *pool = r->part->pool;
	struct tarn_node *from = tarn_pool_node(pool, r->range.node);
	int i;

	for (i = 0; from && i < nr_node_ids; i++) {
		u64 frame = TARN_FRAME_NONE;

		if (from->nearest[i] != (int)r->range.node)
			frame = tarn_frame_spare(pool, from->nearest[i]);
		if (frame != TARN_FRAME_NONE)
			return frame;
	}
	return TARN_FRAME_NONE;
}

static u64 take_frame(const struct tarn_relocation *r)
{
	return r->range.flags & TARN_RELOCATE_AWAY ?
	       frame_away(r) :
	       tarn_frame_spare(r->part->pool, r->range.node);
}

static void note_left(struct round *round, u64 index, u64 end)
{
	/* What turns out to be held when it is unmapped comes after what was seen to be. */
	if (!round->left || index < round->first_left)
		round->first_left = index;
	round->end_left = max(round->end_left, end);
	round->left++;
}

/* What the pager has moves by that it comes back elsewhere, unless that is said by homes. */
static void note_stored(struct tarn_relocation *r, struct tarn_leaf *leaf)
{
	int node = r->range.node;

	r->round.paged++;
	if (!(r->range.flags & TARN_RELOCATE_AWAY))
		WRITE_ONCE(leaf->want, node);
	else if (READ_ONCE(leaf->want) == node)
		WRITE_ONCE(leaf->want, NUMA_NO_NODE);
}

/* There is nothing to move, but it may be told why. */
static void note_passed(struct tarn_relocation *r, atomic64_t *entry, u64 e)
{
	if (tarn_entry_is_stored(e))
		note_stored(r, tarn_leaf_of(entry));
	else if (tarn_entry_is_shared(e))
		r->round.shared++;
	else
		r->round.skipped++;
}

static void note_held(struct round *round, u64 index)
{
	if (!round->held++ || index < round->held_page)
		round->held_page = index;
}

/* False: there is no frame to move to. */
static bool take_page(struct tarn_relocation *r, struct tarn_move_batch *batch,
		      u64 index, atomic64_t *entry)
{
	u64 e = atomic64_read(entry), frame = tarn_entry_payload(e), to;
	struct tarn_pool *pool = r->part->pool;
	struct round *round = &r->round;

	if (!tarn_entry_has_frame(e) ||
	    !is_astray(r, tarn_frame_node(pool, frame))) {
		note_passed(r, entry, e);
		return true;
	}
	/* Without a frame that it would not need. */
	if (tarn_frame_peek_held(pool, frame)) {
		note_held(round, index);
		note_left(round, index, index + 1);
		return true;
	}
	to = take_frame(r);
	if (to == TARN_FRAME_NONE)
		return false;
	switch (tarn_move_add(batch, index, entry, frame, to)) {
	case TARN_MOVE_TAKEN:
		tarn_tracker_note_target(&r->tracker, r->part, index, to);
		return true;
	case TARN_MOVE_POISONED:
		round->skipped++;
		break;
	case TARN_MOVE_HELD:
		note_held(round, index);
		fallthrough;
	default:
		note_left(round, index, index + 1);
	}
	return true;
}

/* The pages lie in one leaf. Returns how many batches they take. */
static unsigned int take_granule(struct tarn_relocation *r,
				 struct tarn_leaf *leaf, u64 first, u64 end)
{
	struct tarn_move_batch *batch = r->batch;
	struct round *round = &r->round;
	u64 i;

	tarn_move_begin(batch, r->part);
	for (i = first; i < end && !round->full; i++) {
		if (tarn_batch_is_full(&batch->pages))
			tarn_move_begin(++batch, r->part);
		round->full = !take_page(r, batch, i, tarn_leaf_entry(leaf, i));
		if (round->full)
			note_left(round, i, end);
	}
	return batch - r->batch + 1;
}

/* Not longer than was said: a granule of so many pages was blocked for so long. */
static void note_length(struct tarn_relocation *r, u64 ns, u64 pages)
{
	u64 most = (u64)r->range.blocked_most * NSEC_PER_USEC;

	if (!most)
		return;
	WRITE_ONCE(r->page_ns, ns / pages);
	/* What a block takes says nothing of how many small frames may go together. */
	if (pages > r->fit)
		return;
	if (ns > most) {
		WRITE_ONCE(r->fit, max(r->fit / 2, 1U));
		r->short_ones = 0;
	} else if (ns > most / 2) {
		r->short_ones = 0;
	} else if (pages == r->fit && ++r->short_ones == FIT_SHORT) {
		WRITE_ONCE(r->fit, min_t(u32, 2 * r->fit, TARN_BLOCK_PAGES));
		r->short_ones = 0;
	}
}

static void note_moved(struct tarn_relocation *r,
		       const struct tarn_move_batch *batch, u64 end)
{
	unsigned int i;

	r->round.moved += batch->moved;
	tarn_tracker_note_moved(&r->tracker, batch->moved);
	for (i = 0; i < batch->held; i++) {
		note_held(&r->round, batch->held_page);
		note_left(&r->round, batch->held_page, end);
	}
}

/* All of it is blocked before the first page moves, and most of it until the last has. */
static void move_granule(struct tarn_relocation *r, struct tarn_leaf *leaf,
			 u64 first, u64 end)
{
	ktime_t since = ktime_get();
	unsigned int i, nr = take_granule(r, leaf, first, end);
	u64 pages = 0, ns;

	if (!r->batch[0].pages.count)
		return;
	for (i = 0; i < nr; i++)
		pages += r->batch[i].pages.count;
	tarn_tracker_note_tried(&r->tracker);
	for (i = 0; i < nr; i++)
		tarn_move_unmap(&r->batch[i]);
	for (i = 0; i < nr; i++)
		tarn_move_settle(&r->batch[i]);
	ns = tarn_tracker_note_blocked(&r->tracker, since);
	note_length(r, ns, pages);
	for (i = 0; i < nr; i++)
		note_moved(r, &r->batch[i], end);
}

static void note_block(struct tarn_relocation *r)
{
	r->round.moved += TARN_BLOCK_PAGES;
	tarn_tracker_note_moved(&r->tracker, TARN_BLOCK_PAGES);
	WRITE_ONCE(r->range.blocks, r->range.blocks + 1);
}

/* All of it looks held when a page is. */
static void note_block_held(struct tarn_relocation *r, u64 first)
{
	u64 i;

	for (i = first; i < first + TARN_BLOCK_PAGES; i++) {
		note_held(&r->round, i);
		note_left(&r->round, i, i + 1);
	}
}

static bool move_block_to(struct tarn_relocation *r, struct tarn_leaf *leaf,
			  u64 first, int nid)
{
	bool moved = tarn_block_try_move(r->part, leaf, first, nid,
					 &r->tracker.try);
	u64 ns = tarn_tracker_note_try(&r->tracker);

	if (moved)
		note_length(r, ns, TARN_BLOCK_PAGES);
	return moved;
}

static bool move_block_from(struct tarn_relocation *r, struct tarn_leaf *leaf,
			    u64 first, int from)
{
	struct tarn_node *n = tarn_pool_node(r->part->pool, from);
	int i;

	if (!(r->range.flags & TARN_RELOCATE_AWAY))
		return move_block_to(r, leaf, first, r->range.node);
	for (i = 0; n && i < nr_node_ids; i++)
		if (n->nearest[i] != from &&
		    move_block_to(r, leaf, first, n->nearest[i]))
			return true;
	return false;
}

/* One that is one frame, to another one. False: page by page. */
static bool move_block(struct tarn_relocation *r, struct tarn_leaf *leaf,
		       u64 first, u64 *next)
{
	u64 e = atomic64_read(tarn_leaf_entry(leaf, first));
	int nid;

	if (!tarn_block_is_whole(r->part->pool, e))
		return false;
	nid = tarn_frame_node(r->part->pool, tarn_entry_payload(e));
	if (nid == NUMA_NO_NODE || !is_astray(r, nid))
		return false;
	/* For a moment, perhaps: then it goes as a whole in the next round. */
	if (tarn_frame_peek_held(r->part->pool, tarn_entry_payload(e)))
		note_block_held(r, first);
	else if (move_block_from(r, leaf, first, nid))
		note_block(r);
	else
		return false;
	*next = first + TARN_BLOCK_PAGES;
	return true;
}

/* ---- one block that becomes one frame ----------------------------------- */

/* What somebody held when it was split is one page for the kernel still, perhaps. */
static bool part_rest(struct tarn_partition *part, struct tarn_leaf *leaf,
		      u64 first)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++)
		if (tarn_block_is_whole(part->pool,
					atomic64_read(&leaf->entry[i])) &&
		    !tarn_block_part(part, leaf, first + i))
			return false;
	return true;
}

/* Whatever keeps it from being done, it is to be looked at again. */
static void gather(struct tarn_relocation *r, struct tarn_leaf *leaf, u64 first,
		   int nid)
{
	struct tarn_partition *part = r->part;
	bool done;

	if (!part_rest(part, leaf, first)) {
		note_held(&r->round, first);
		note_left(&r->round, first, first + TARN_BLOCK_PAGES);
		return;
	}
	done = tarn_block_try_gather(part, leaf, first, nid, &r->tracker.try);
	tarn_tracker_note_try(&r->tracker);
	if (done) {
		note_block(r);
		/* Who has it in small entries is to have one for it: promotion sees to that. */
		WRITE_ONCE(leaf->anew, false);
		WRITE_ONCE(leaf->fetched, 0);
		return;
	}
	r->round.full |= r->tracker.try.to == TARN_FRAME_NONE;
	note_left(&r->round, first, first + TARN_BLOCK_PAGES);
}

/* Pages of it that somebody holds are named. */
static bool is_block_held(struct tarn_relocation *r, struct tarn_leaf *leaf,
			  u64 first)
{
	struct tarn_pool *pool = r->part->pool;
	unsigned int i = tarn_gather_held(pool, leaf, 0);
	bool held = i < TARN_LEAF_PAGES;

	for (; i < TARN_LEAF_PAGES; i = tarn_gather_held(pool, leaf, i + 1))
		note_held(&r->round, first + i);
	return held;
}

/* The pager has some of it. False: it can't be had. */
static bool fetch(struct tarn_relocation *r, struct tarn_leaf *leaf, u64 first,
		  int nid)
{
	if (!tarn_gather_room(r->part->pool, nid)) {
		r->round.full = true;
		return true;
	}
	return tarn_gather_fetch(r->part, leaf, first);
}

/* False: it is one frame, or can be none. */
static bool is_scattered(struct tarn_relocation *r, struct tarn_leaf *leaf,
			 u64 first, struct tarn_gather_view *v)
{
	u64 e = atomic64_read(tarn_leaf_entry(leaf, first));

	*v = (struct tarn_gather_view) { .nid = NUMA_NO_NODE };
	if (tarn_entry_has_frame(e) &&
	    tarn_chunk_is_one(r->part->pool, tarn_entry_payload(e)))
		return false;
	return !tarn_pin_any(r->part, first, TARN_BLOCK_PAGES) &&
	       tarn_gather_look(r->part->pool, leaf, v) &&
	       v->frames >= TARN_GATHER_LEAST;
}

/* The pages lie in one leaf. */
static void compact(struct tarn_relocation *r, struct tarn_leaf *leaf, u64 first,
		    u64 end)
{
	struct tarn_gather_view v;
	bool scattered;
	int nid;

	if (end - first < TARN_BLOCK_PAGES) {
		r->round.skipped += end - first;
		return;
	}
	/* That may be said while this runs. */
	if (READ_ONCE(r->part->huge) == TARN_HUGE_NEVER) {
		r->round.passed += TARN_BLOCK_PAGES;
		return;
	}
	scattered = is_scattered(r, leaf, first, &v);
	if (!scattered && !v.busy) {
		r->round.skipped += TARN_BLOCK_PAGES;
		return;
	}
	if (!scattered || is_block_held(r, leaf, first)) {
		note_left(&r->round, first, end);
		return;
	}
	nid = tarn_gather_target(r->part, &v);
	/* What others had read, who wanted it for something else, is no reason not to. */
	if (tarn_relocation_is_first(r))
		WRITE_ONCE(leaf->fetched, 0);
	if (!v.stored)
		gather(r, leaf, first, nid);
	else if (fetch(r, leaf, first, nid))
		note_left(&r->round, first, end);
	else
		r->round.passed += TARN_BLOCK_PAGES;
}

/* ---- a round ------------------------------------------------------------ */

/* For another block there may be room elsewhere, or where it lies. */
static bool goes_on(const struct tarn_relocation *r)
{
	return !READ_ONCE(r->cancel) && (!r->round.full || tarn_relocation_compacts(r));
}

/* Returns the page after the granule. */
static u64 do_granule(struct tarn_relocation *r, struct tarn_leaf *leaf, u64 at,
		      u64 end)
{
	u64 granule = tarn_relocation_granule(r), next;

	tarn_relocation_page(r, at);
	if (tarn_relocation_compacts(r)) {
		next = min(end, ALIGN_DOWN(at, TARN_BLOCK_PAGES) +
				TARN_BLOCK_PAGES);
		compact(r, leaf, at, next);
		return next;
	}
	next = min(end, ALIGN_DOWN(at, granule) + granule);
	if (!tarn_relocation_is_block(r, at, end) || !move_block(r, leaf, at, &next)) {
		tarn_relocation_page(r, at);
		move_granule(r, leaf, at, next);
	}
	return next;
}

/* Granules of a leaf from *@at to @end. */
static void move_of_leaf(struct tarn_relocation *r, struct tarn_leaf *leaf,
			 u64 *at, u64 end)
{
	struct tarn_partition *part = r->part;

	while (*at < end && goes_on(r)) {
		down_read(&part->pin);
		/* The partition ends only when the work has ended. */
		*at = WARN_ON_ONCE(!part->inode) ? end :
						   do_granule(r, leaf, *at, end);
		up_read(&part->pin);
		WRITE_ONCE(r->range.cursor, *at);
		cond_resched();
	}
}

/**
 * tarn_relocation_round() - one way over what is left of the range
 * @r: the relocation; @round is what was found
 *
 * Context: process, the relocation's work; the partition does not end meanwhile.
 */
void tarn_relocation_round(struct tarn_relocation *r)
{
	struct tarn_leaf *leaf;
	unsigned long number;
	u64 at = r->at, end;

	end = min_t(u64, r->end, atomic64_read(&r->part->pages));
	if (at >= end)
		return;
	xa_for_each_range(&r->part->leaves, number, leaf, at >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 first = (u64)number << TARN_LEAF_SHIFT;

		if (!goes_on(r))
			break;
		/* What no leaf was made for has no frame. */
		if (first > at) {
			r->round.skipped += first - at;
			at = first;
		}
		move_of_leaf(r, leaf, &at, min(end, first + TARN_LEAF_PAGES));
	}
	if (at >= end)
		return;
	/* Where it ended for want of frames the next one goes on. */
	if (!goes_on(r))
		note_left(&r->round, at, end);
	else
		r->round.skipped += end - at;
}
