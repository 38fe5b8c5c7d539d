// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Relocation
 *
 * A tracker says what moves where and how far it has come; it is there from the start to
 * the next one, so that who asks sees it. A work item goes over the range, granule by
 * granule: the pages of one are marked MOVE, which is the mark of a blocked translation,
 * unmapped together, copied, and their entries switched. All others of the partition go on.
 * What a reference holds (DMA, GUP) is not moved. Or blocks of small frames are gathered
 * into one frame each, all pages of a block in that same way. Rounds go over what the one
 * before left, until nothing is left that is neither moved nor without a frame; when a
 * round moves nothing the next one comes later.
 *
 * The work holds the partition's pin for a granule only. The end of the partition cancels
 * it and waits for it.
 */
#include <linux/capability.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "page/block.h"
#include "page/move.h"
#include "policy/gather.h"
#include "policy/relocate.h"
#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/pool.h"

/* Between two rounds over what was held or in somebody's hand: doubled each time in vain. */
#define PAUSE_LEAST	((unsigned long)HZ / 50)
#define PAUSE_MOST	((unsigned long)HZ)
/* Behind one that found more held than it moved so many times as long as it took, at least. */
#define PAUSE_FACTOR	16
#define PAUSE_HELD	(60UL * HZ)
/* Without a frame to be had for so long it ends. */
#define PATIENCE	(2 * HZ)

/**
 * struct round - what a way over the range found
 * @left: pages that are to be moved even now
 * @first_left: the first of them
 * @end_left: page after the last one
 * @held: of these, pages that somebody holds
 * @held_page: the first of them, or TARN_MOVE_NONE
 * @skipped: pages that need not be moved, or can't be as their frame is bad
 * @paged: pages that the pager has
 * @moved: pages that were
 * @full: there is no frame to move to, at which it ended unless it compacts
 */
struct round {
	u64 left;
	u64 first_left;
	u64 end_left;
	u64 held;
	u64 held_page;
	u64 skipped;
	u64 paged;
	u64 moved;
	bool full;
};

/**
 * struct tarn_relocation - the tracker
 * @part: its partition, which has it
 * @work: goes on with it
 * @range: what was asked for, and what is told of it; while it runs its work alone
 *	writes it
 * @cancel: it is to end
 * @at: first page of the next round
 * @end: page after its last one
 * @pause: before it, in jiffies
 * @held_before: page that the last round found held, or TARN_MOVE_NONE
 * @full_since: since when the target has no frame, in jiffies; 0: it has
 * @round: the work's
 * @page: first one of the granule that the work is at, or that comes next
 * @try: the work's: where @page goes; of a block that goes as one frame also since when it
 *	is blocked
 * @batch: the work's: pages whose translation is blocked together, those of a granule
 */
struct tarn_relocation {
	struct tarn_partition *part;
	struct delayed_work work;
	struct tarn_partition_relocate range;
	bool cancel;
	u64 at;
	u64 end;
	unsigned long pause;
	u64 held_before;
	unsigned long full_since;
	struct round round;
	u64 page;
	struct tarn_block_try try;
	struct tarn_move_batch batch[TARN_RELOCATE_GRANULE_MOST / TARN_BATCH_MOST];
};

static struct workqueue_struct *relocate_queue;

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

static void note_held(struct round *round, u64 index)
{
	if (!round->held++ || index < round->held_page)
		round->held_page = index;
}

/*
 * Page and target change one after the other, with no target in between: who finds the
 * target unchanged after he read the page has a pair (page_under_way()).
 */
static void begin_page(struct tarn_relocation *r, u64 index)
{
	tarn_block_try_begin(&r->try);
	/* Pairs with page_under_way(). */
	smp_store_release(&r->page, index);
}

/* The first page of a granule that goes. */
static void note_target(struct tarn_relocation *r, u64 index, u64 to)
{
	if (r->try.to != TARN_FRAME_NONE)
		return;
	begin_page(r, index);
	/* Pairs with page_under_way(). */
	smp_store_release(&r->try.to, to);
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
		if (tarn_entry_is_stored(e))
			round->paged++;
		else
			round->skipped++;
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
		note_target(r, index, to);
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

/* The translation of a granule is blocked now, whatever comes of it. */
static void note_tried(struct tarn_relocation *r)
{
	WRITE_ONCE(r->range.tried, r->range.tried + 1);
}

/* And is no more. */
static void note_blocked(struct tarn_relocation *r, ktime_t since)
{
	u64 us = max_t(s64, 1, ktime_us_delta(ktime_get(), since));
	unsigned int bucket = min(ilog2(us), TARN_BLOCKED_BUCKETS - 1);

	WRITE_ONCE(r->range.blocked[bucket], r->range.blocked[bucket] + 1);
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

static void note_moved(struct tarn_relocation *r,
		       const struct tarn_move_batch *batch, u64 end)
{
	unsigned int i;

	r->round.moved += batch->moved;
	WRITE_ONCE(r->range.moved, r->range.moved + batch->moved);
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

	if (!r->batch[0].pages.count)
		return;
	note_tried(r);
	for (i = 0; i < nr; i++)
		tarn_move_unmap(&r->batch[i]);
	for (i = 0; i < nr; i++)
		tarn_move_settle(&r->batch[i]);
	note_blocked(r, since);
	for (i = 0; i < nr; i++)
		note_moved(r, &r->batch[i], end);
}

/* Pages of small frames that go together. */
static u64 granule_of(const struct tarn_relocation *r)
{
	return r->range.granule ?: TARN_BATCH_MOST;
}

/* May a block that begins here go as a granule of its own? */
static bool is_block(const struct tarn_relocation *r, u64 at, u64 end)
{
	return (!r->range.granule || r->range.granule == TARN_BLOCK_PAGES) &&
	       IS_ALIGNED(at, TARN_BLOCK_PAGES) &&
	       end - at >= TARN_BLOCK_PAGES;
}

/* A block may have been blocked for nothing. */
static void note_try(struct tarn_relocation *r)
{
	if (!r->try.since)
		return;
	note_tried(r);
	note_blocked(r, r->try.since);
}

static void note_block(struct tarn_relocation *r)
{
	r->round.moved += TARN_BLOCK_PAGES;
	WRITE_ONCE(r->range.moved, r->range.moved + TARN_BLOCK_PAGES);
	WRITE_ONCE(r->range.blocks, r->range.blocks + 1);
}

static bool move_block_to(struct tarn_relocation *r, struct tarn_leaf *leaf,
			  u64 first, int nid)
{
	bool moved = tarn_block_try_move(r->part, leaf, first, nid, &r->try);

	note_try(r);
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
	if (nid == NUMA_NO_NODE || !is_astray(r, nid) ||
	    !move_block_from(r, leaf, first, nid))
		return false;
	note_block(r);
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
	done = tarn_block_try_gather(part, leaf, first, nid, &r->try);
	note_try(r);
	if (done) {
		note_block(r);
		/* Who has it in small entries is to have one for it: promotion sees to that. */
		WRITE_ONCE(leaf->anew, false);
		WRITE_ONCE(leaf->fetched, 0);
		return;
	}
	r->round.full |= r->try.to == TARN_FRAME_NONE;
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

static bool is_first(const struct tarn_relocation *r)
{
	return !r->pause;
}

/* A block, in whichever round: what the first one finds is told at its end (tell_round()). */
static void note_skipped(struct tarn_relocation *r)
{
	if (is_first(r))
		r->round.skipped += TARN_BLOCK_PAGES;
	else
		WRITE_ONCE(r->range.skipped, r->range.skipped + TARN_BLOCK_PAGES);
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

	/* That may be said while this runs. */
	if (end - first < TARN_BLOCK_PAGES ||
	    READ_ONCE(r->part->huge) == TARN_HUGE_NEVER) {
		r->round.skipped += end - first;
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
	if (is_first(r))
		WRITE_ONCE(leaf->fetched, 0);
	if (!v.stored)
		gather(r, leaf, first, nid);
	else if (fetch(r, leaf, first, nid))
		note_left(&r->round, first, end);
	else
		note_skipped(r);
}

/* ---- a round ------------------------------------------------------------ */

static bool compacts(const struct tarn_relocation *r)
{
	return r->range.flags & TARN_RELOCATE_COMPACT;
}

/* For another block there may be room elsewhere, or where it lies. */
static bool goes_on(const struct tarn_relocation *r)
{
	return !READ_ONCE(r->cancel) && (!r->round.full || compacts(r));
}

/* Returns the page after the granule. */
static u64 do_granule(struct tarn_relocation *r, struct tarn_leaf *leaf, u64 at,
		      u64 end)
{
	u64 granule = granule_of(r), next;

	begin_page(r, at);
	if (compacts(r)) {
		next = min(end, ALIGN_DOWN(at, TARN_BLOCK_PAGES) +
				TARN_BLOCK_PAGES);
		compact(r, leaf, at, next);
		return next;
	}
	next = min(end, ALIGN_DOWN(at, granule) + granule);
	if (!is_block(r, at, end) || !move_block(r, leaf, at, &next)) {
		begin_page(r, at);
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

static void go_round(struct tarn_relocation *r)
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

/* ---- the work ----------------------------------------------------------- */

static bool is_full_for_long(struct tarn_relocation *r)
{
	if (!r->round.full || r->round.moved) {
		r->full_since = 0;
		return false;
	}
	if (!r->full_since)
		r->full_since = jiffies ?: 1;
	return time_after(jiffies, r->full_since + PATIENCE);
}

/* Held at two looks, it is not just a fault that has it in hand. */
static bool is_held(struct tarn_relocation *r)
{
	bool held = r->round.held && r->round.held_page == r->held_before;

	r->held_before = r->round.held_page;
	return held && r->range.flags & TARN_RELOCATE_REFUSE;
}

static enum tarn_relocate_state state_after(struct tarn_relocation *r)
{
	if (READ_ONCE(r->cancel))
		return TARN_RELOCATION_CANCELLED;
	if (is_held(r))
		return TARN_RELOCATION_HELD;
	if (is_full_for_long(r))
		return TARN_RELOCATION_NO_ROOM;
	return r->round.left ? TARN_RELOCATION_RUNNING : TARN_RELOCATION_DONE;
}

static void tell_round(struct tarn_relocation *r, bool first)
{
	const struct round *round = &r->round;

	WRITE_ONCE(r->range.held, round->held);
	WRITE_ONCE(r->range.held_page, round->held ? round->held_page : 0);
	/* Later rounds see what the first one moved. */
	if (!first)
		return;
	WRITE_ONCE(r->range.skipped, round->skipped);
	WRITE_ONCE(r->range.paged, round->paged);
}

/* What somebody holds for ever takes little of a processor for ever. */
static unsigned long pause_after(const struct tarn_relocation *r,
				 unsigned long took)
{
	unsigned long pause = is_first(r) || r->round.moved ?
			      PAUSE_LEAST : min(2 * r->pause, PAUSE_MOST);

	if (r->round.moved >= r->round.held)
		return pause;
	return clamp(PAUSE_FACTOR * took, pause, PAUSE_HELD);
}

static void relocate_work(struct work_struct *work)
{
	struct tarn_relocation *r = container_of(to_delayed_work(work),
						 struct tarn_relocation, work);
	enum tarn_relocate_state state;
	unsigned long since = jiffies;

	r->round = (struct round) { .held_page = TARN_MOVE_NONE };
	go_round(r);
	tell_round(r, is_first(r));
	r->pause = pause_after(r, jiffies - since);
	r->at = r->round.first_left;
	r->end = r->round.end_left;
	begin_page(r, r->at);
	state = state_after(r);
	/* Pairs with is_running(): who sees that it ended sees how. */
	smp_store_release(&r->range.state, state);
	if (state == TARN_RELOCATION_RUNNING)
		queue_delayed_work(relocate_queue, &r->work, r->pause);
}

/* ---- calls -------------------------------------------------------------- */

static struct tarn_relocation *relocation_of(struct tarn_partition *part)
{
	struct tarn_relocation *r = part->relocation;

	lockdep_assert_held(&part->relocate_lock);
	if (r)
		return r;
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return NULL;
	r->part = part;
	INIT_DELAYED_WORK(&r->work, relocate_work);
	/* Pairs with tarn_relocating(). */
	smp_store_release(&part->relocation, r);
	return r;
}

static bool is_running(const struct tarn_relocation *r)
{
	/* Pairs with the release of the work: with the end it sees how it ended. */
	return smp_load_acquire(&r->range.state) == TARN_RELOCATION_RUNNING;
}

/* Is one under way? A hint: it may begin or end at once. The partition is referenced. */
bool tarn_relocating(struct tarn_partition *part)
{
	/* Pairs with relocation_of(). */
	const struct tarn_relocation *r = smp_load_acquire(&part->relocation);

	return r && is_running(r);
}

static bool is_valid_compact(struct tarn_partition *part,
			     const struct tarn_partition_relocate *want)
{
	return !want->node && !(want->flags & TARN_RELOCATE_AWAY) &&
	       (!want->granule || want->granule == TARN_BLOCK_PAGES) &&
	       READ_ONCE(part->huge) != TARN_HUGE_NEVER;
}

static bool is_valid(struct tarn_partition *part,
		     const struct tarn_partition_relocate *want)
{
	struct tarn_node *n = want->node < nr_node_ids ?
			      tarn_pool_node(part->pool, want->node) : NULL;

	if (want->flags & TARN_RELOCATE_COMPACT)
		return is_valid_compact(part, want);
	if (want->granule > TARN_RELOCATE_GRANULE_MOST ||
	    (want->granule && !is_power_of_2(want->granule)))
		return false;
	return n && (READ_ONCE(n->frames) || want->flags & TARN_RELOCATE_AWAY);
}

static long start(struct tarn_partition *part,
		  const struct tarn_partition_relocate *want)
{
	u64 pages = atomic64_read(&part->pages);
	struct tarn_relocation *r;

	lockdep_assert_held(&part->relocate_lock);
	if (!is_valid(part, want))
		return -EINVAL;
	r = relocation_of(part);
	if (!r)
		return -ENOMEM;
	if (is_running(r))
		return -EBUSY;
	/* The work may be on its way out. */
	cancel_delayed_work_sync(&r->work);
	r->range = (struct tarn_partition_relocate) {
		.size = sizeof(r->range),
		.flags = want->flags,
		.node = want->node,
		.start = want->start,
		.granule = want->granule,
		.state = TARN_RELOCATION_RUNNING,
		.cursor = want->start,
	};
	if (want->start < pages)
		r->range.count = min(want->count, pages - want->start);
	r->cancel = false;
	r->at = r->range.start;
	r->end = r->range.start + r->range.count;
	r->pause = 0;
	r->held_before = TARN_MOVE_NONE;
	r->full_since = 0;
	begin_page(r, r->at);
	queue_delayed_work(relocate_queue, &r->work, 0);
	return 0;
}

static long cancel(struct tarn_partition *part)
{
	struct tarn_relocation *r = part->relocation;

	lockdep_assert_held(&part->relocate_lock);
	if (!r || !is_running(r))
		return -ENOENT;
	WRITE_ONCE(r->cancel, true);
	cancel_delayed_work_sync(&r->work);
	/* It may have waited for its next round, or come to another end. */
	if (is_running(r))
		r->range.state = TARN_RELOCATION_CANCELLED;
	return 0;
}

/* ---- the block under way ------------------------------------------------ */

static u64 page_under_way(const struct tarn_relocation *r, u64 *to)
{
	u64 page;

	do {
		/* Pairs with begin_page(), and with who sets a target. */
		*to = smp_load_acquire(&r->try.to);
		/* Pairs with begin_page(). */
		page = smp_load_acquire(&r->page);
	} while (READ_ONCE(r->try.to) != *to);
	return page;
}

/* Of a frame that may be going away; no reference is taken, that would hold it. */
static void tell_place(struct tarn_pool *pool, u64 frame, u64 *address, s32 *node)
{
	struct tarn_chunk *chunk;

	if (frame == TARN_FRAME_NONE)
		return;
	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	if (chunk) {
		*address = page_to_phys(chunk->page +
					(frame & (TARN_CHUNK_FRAMES - 1)));
		*node = chunk->node;
	}
	rcu_read_unlock();
}

static u32 granule_at(const struct tarn_relocation *r, u64 page, u64 e)
{
	u64 end = r->range.start + r->range.count;

	if (compacts(r) || (is_block(r, page, end) &&
			    tarn_block_is_whole(r->part->pool, e)))
		return TARN_BLOCK_PAGES;
	return granule_of(r);
}

static void look_at_pages(struct tarn_pool *pool, struct tarn_leaf *leaf,
			  struct tarn_relocation_block *b)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		unsigned int granule = i / b->granule;
		u64 bit = BIT_ULL(granule % 64);

		if (tarn_entry_is_brief(e))
			b->blocked[granule / 64] |= bit;
		if (!tarn_entry_has_frame(e) ||
		    !tarn_frame_peek_held(pool, tarn_entry_payload(e)))
			continue;
		b->held[granule / 64] |= bit;
		b->held_pages++;
	}
}

static void tell_block(const struct tarn_relocation *r,
		       struct tarn_relocation_block *b)
{
	struct tarn_pool *pool = r->part->pool;
	u64 to, page = page_under_way(r, &to), e = 0;
	struct tarn_leaf *leaf = tarn_partition_leaf(r->part, page, false);

	if (leaf)
		e = atomic64_read(tarn_leaf_entry(leaf, page));
	*b = (struct tarn_relocation_block) {
		.first = ALIGN_DOWN(page, TARN_BLOCK_PAGES),
		.page = page,
		.source_node = TARN_NODE_NONE,
		.target_node = r->range.flags & (TARN_RELOCATE_AWAY |
						 TARN_RELOCATE_COMPACT) ?
			       TARN_NODE_NONE : (s32)r->range.node,
		.granule = granule_at(r, page, e),
	};
	tell_place(pool, to, &b->target, &b->target_node);
	if (tarn_entry_has_frame(e))
		tell_place(pool, tarn_entry_payload(e), &b->source,
			   &b->source_node);
	if (leaf)
		look_at_pages(pool, leaf, b);
	/* Where memory is helps who attacks it. */
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return;
	b->source = 0;
	b->target = 0;
}

static void tell(struct tarn_partition *part, struct tarn_partition_relocate *to)
{
	const struct tarn_relocation *r = part->relocation;
	u32 size = to->size, state;

	lockdep_assert_held(&part->relocate_lock);
	if (r) {
		/* First: with an end everything that it ended with. */
		state = smp_load_acquire(&r->range.state);
		*to = r->range;
		to->state = state;
		if (state == TARN_RELOCATION_RUNNING)
			tell_block(r, &to->block);
	} else {
		memset(to, 0, sizeof(*to));
	}
	to->size = size;
}

/**
 * tarn_relocate() - TARN_PARTITION_RELOCATE
 * @part: partition; the caller has its inode
 * @r: the call; the caller checked that it may change anything
 *
 * Context: process; to cancel waits for the granule that is being moved.
 * Return: 0; -EINVAL; -EBUSY one runs; -ENOENT none runs; -ENOMEM; -ERESTARTSYS.
 */
long tarn_relocate(struct tarn_partition *part,
		   struct tarn_partition_relocate *r)
{
	long ret = 0;

	if (r->flags & ~TARN_RELOCATE_ALL)
		return -EINVAL;
	if (mutex_lock_interruptible(&part->relocate_lock))
		return -ERESTARTSYS;
	switch (r->op) {
	case TARN_RELOCATE_STATUS:
		break;
	case TARN_RELOCATE_START:
		ret = start(part, r);
		break;
	case TARN_RELOCATE_CANCEL:
		ret = cancel(part);
		break;
	default:
		ret = -EINVAL;
	}
	if (!ret)
		tell(part, r);
	mutex_unlock(&part->relocate_lock);
	return ret;
}

/* The partition ends: nobody has its file. What is told of it goes with the partition. */
void tarn_relocate_end(struct tarn_partition *part)
{
	struct tarn_relocation *r = part->relocation;

	if (!r)
		return;
	WRITE_ONCE(r->cancel, true);
	cancel_delayed_work_sync(&r->work);
}

int tarn_relocate_init(void)
{
	relocate_queue = alloc_workqueue("tarn_relocate", WQ_UNBOUND, 0);
	return relocate_queue ? 0 : -ENOMEM;
}

void tarn_relocate_exit(void)
{
	destroy_workqueue(relocate_queue);
}
