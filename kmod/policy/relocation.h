/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What relocate.c and round.c share: a relocation of a partition (S05), from its start to
 * the next one.
 */
#ifndef TARN_RELOCATION_H
#define TARN_RELOCATION_H

#include <linux/align.h>
#include <linux/tarn.h>
#include <linux/workqueue.h>

#include "page/move.h"
#include "policy/tracker.h"

/**
 * struct round - what a way over the range found
 * @left: pages that are to be moved even now
 * @first_left: the first of them
 * @end_left: page after the last one
 * @held: of these, pages that somebody holds
 * @held_page: the first of them, or TARN_MOVE_NONE
 * @skipped: pages that need not be moved, or can't be as their frame is bad
 * @passed: pages of blocks that are left as they are, as what is missing of them can't be had
 * @paged: pages that the pager has
 * @shared: pages that share what they hold
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
	u64 passed;
	u64 paged;
	u64 shared;
	u64 moved;
	bool full;
};

/**
 * struct tarn_relocation - of a partition
 * @part: its partition, which has it
 * @work: goes on with it
 * @range: what was asked for, and what is told of it but for what @tracker counts; while it
 *	runs its work alone writes it
 * @cancel: it is to end
 * @at: first page of the next round
 * @end: page after its last one
 * @pause: before it, in jiffies
 * @held_before: page that the last round found held, or TARN_MOVE_NONE
 * @skipped: pages that the first round skipped
 * @passed: most pages that a round passed by
 * @full_since: since when the target has no frame, in jiffies; 0: it has
 * @round: the work's
 * @tracker: the work's, and the thread's that starts it, under the partition's relocate_lock
 * @fit: the work's: pages of small frames that go together, if nobody said how many
 * @short_ones: granules in a row that took half of what they may at most
 * @page_ns: what a page of the last granule took; 0: there was none
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
	u64 skipped;
	u64 passed;
	unsigned long full_since;
	struct round round;
	struct tarn_tracker tracker;
	u32 fit;
	u32 short_ones;
	u64 page_ns;
	struct tarn_move_batch batch[TARN_RELOCATE_GRANULE_MOST / TARN_BATCH_MOST];
};

/* Into 2 MiB frames, not to a node. */
static inline bool tarn_relocation_compacts(const struct tarn_relocation *r)
{
	return r->range.flags & TARN_RELOCATE_COMPACT;
}

/* Is it about to go over the range for the first time? */
static inline bool tarn_relocation_is_first(const struct tarn_relocation *r)
{
	return !r->pause;
}

/* It comes to a granule. */
static inline void tarn_relocation_page(struct tarn_relocation *r, u64 index)
{
	tarn_tracker_at(&r->tracker, tarn_owner_page(r->part->id, index));
}

/* Pages of small frames that go together. */
static inline u64 tarn_relocation_granule(const struct tarn_relocation *r)
{
	return r->range.granule ?: READ_ONCE(r->fit);
}

/* Would a block be blocked for no longer than it may, as far as is known? */
static inline bool tarn_relocation_block_fits(const struct tarn_relocation *r)
{
	return !r->range.blocked_most ||
	       READ_ONCE(r->page_ns) * TARN_BLOCK_PAGES <=
	       (u64)r->range.blocked_most * NSEC_PER_USEC;
}

/* May a block that begins here go as a granule of its own? */
static inline bool tarn_relocation_is_block(const struct tarn_relocation *r, u64 at, u64 end)
{
	return (!r->range.granule || r->range.granule == TARN_BLOCK_PAGES) &&
	       IS_ALIGNED(at, TARN_BLOCK_PAGES) &&
	       end - at >= TARN_BLOCK_PAGES && tarn_relocation_block_fits(r);
}

void tarn_relocation_round(struct tarn_relocation *r);

#endif
