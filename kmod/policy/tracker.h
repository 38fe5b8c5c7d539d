/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tracker (S05): what is being moved just now, from where and to where, and for how long
 * that blocked who uses it. A relocation has one (relocation.h), and so have the frames that
 * leave a pool (leave.h).
 */
#ifndef TARN_TRACKER_H
#define TARN_TRACKER_H

#include <linux/ktime.h>
#include <linux/tarn.h>

#include "page/block.h"
#include "pool/partition.h"

/**
 * struct tarn_tracker - of what moves pages, granule by granule
 * @owner: partition and first page of the granule that is under way, or that comes next, as
 *	struct tarn_frame has it; TARN_OWNER_NOBODY: there was none yet
 * @try: where that page goes; of a block that goes as one frame also since when it is
 *	blocked
 * @moved: pages
 * @tried: granules whose translation was blocked, whatever came of it
 * @blocked: for how long they were, see struct tarn_partition_relocate
 *
 * Locking: one thread at a time writes it, under whatever it is of; it is read without. Page
 * and target change one after the other, with no target in between: who finds the target
 * unchanged after he read the page has a pair (tarn_tracker_look()). The counts begin anew
 * only while nobody reads.
 */
struct tarn_tracker {
	u64 owner;
	struct tarn_block_try try;
	u64 moved;
	u64 tried;
	u64 blocked[TARN_BLOCKED_BUCKETS];
};

/**
 * struct tarn_tracked - what a tracker was at
 * @owner: its page, likewise
 * @to: where that goes, or TARN_FRAME_NONE
 */
struct tarn_tracked {
	u64 owner;
	u64 to;
};

void tarn_tracker_begin(struct tarn_tracker *t);
void tarn_tracker_note_target(struct tarn_tracker *t,
			      const struct tarn_partition *part, u64 index,
			      u64 to);
u64 tarn_tracker_note_blocked(struct tarn_tracker *t, ktime_t since);
u64 tarn_tracker_note_try(struct tarn_tracker *t);

struct tarn_tracked tarn_tracker_look(const struct tarn_tracker *t);
void tarn_tracker_count(const struct tarn_tracker *t, u64 *moved, u64 *tried,
			u64 *blocked);
void tarn_tracker_tell(struct tarn_partition *part,
		       const struct tarn_tracked *at,
		       struct tarn_relocation_block *b);

/* It comes to another page. */
static inline void tarn_tracker_at(struct tarn_tracker *t, u64 owner)
{
	tarn_block_try_begin(&t->try);
	/* Pairs with tarn_tracker_look(). */
	smp_store_release(&t->owner, owner);
}

/* The translation of a granule is blocked now, whatever comes of it. */
static inline void tarn_tracker_note_tried(struct tarn_tracker *t)
{
	WRITE_ONCE(t->tried, t->tried + 1);
}

static inline void tarn_tracker_note_moved(struct tarn_tracker *t, u64 pages)
{
	WRITE_ONCE(t->moved, t->moved + pages);
}

#endif
