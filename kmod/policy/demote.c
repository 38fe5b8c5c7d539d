// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Demotion
 *
 * A block that is one 2 MiB frame has one accessed bit: a few pages of it that are used
 * keep all others, which are cold, perhaps. So it goes as a whole only if it is cold by any
 * measure; one that is merely colder than others is parted, and a page of it goes (hand.c).
 *
 * While pages come back that were given up just before, other blocks in use of the
 * partition that is taken from are parted, too. Which of their pages are used shows then,
 * and the cold ones go instead. It is one block for as many refaults as take longer to read
 * than it takes to map all pages of the block again one by one. Who has no more than its
 * part of the pool is not taken from as long as others have more, and keeps its blocks.
 *
 * What was parted is promoted again when there is room, and not before a while has passed
 * (promote.c).
 */
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "page/block.h"
#include "policy/age.h"
#include "policy/demote.h"
#include "pool/chunk.h"
#include "pool/frame.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"

/* Refaults for which a block is parted. */
#define REFAULTS	16
/* Blocks at a time, and for how many it is remembered that they are due. */
#define BLOCKS_MOST	4
/* Evictions after which one looks whether any is due. */
#define LOOK_EVICTIONS	64
/* Leaves of a partition that are looked at in one go, and blocks that can't be parted. */
#define LEAVES_MOST	4096U
#define HELD_MOST	4U
/* So long one stays parted. */
#define REST		(60 * HZ)

static bool any_used(const struct tarn_leaf *leaf)
{
	unsigned int i;

	/* As a rule the first one tells, as all have been used at once. */
	for (i = 0; i < TARN_LEAF_PAGES; i++)
		if (tarn_entry_use(atomic64_read(&leaf->entry[i])) >= TARN_USE_COOL)
			return true;
	return false;
}

/**
 * tarn_demote_wanted() - is a leaf a block that is one frame, and in use?
 * @part: partition; the caller holds its pin
 * @leaf: the leaf
 *
 * Not if somebody holds a page of it. One that was just made counts as cold.
 *
 * Context: any; a hint.
 */
bool tarn_demote_wanted(struct tarn_partition *part, const struct tarn_leaf *leaf)
{
	u64 e = atomic64_read(&leaf->entry[0]);

	return tarn_entry_has_frame(e) &&
	       tarn_chunk_is_one(part->pool, tarn_entry_payload(e)) &&
	       !tarn_frame_peek_held(part->pool, tarn_entry_payload(e)) &&
	       any_used(leaf);
}

/**
 * tarn_demote_note() - a block in use was parted
 * @part: partition; the caller holds its pin and hand_lock
 * @leaf: the block's
 * @first: its first page
 *
 * Context: process.
 */
void tarn_demote_note(struct tarn_partition *part, struct tarn_leaf *leaf, u64 first)
{
	lockdep_assert_held(&part->hand_lock);
	WRITE_ONCE(leaf->parted, jiffies | 1);
	tarn_age_parted(part, leaf, first);
}

/* Was it parted not long ago? */
bool tarn_demoted(const struct tarn_leaf *leaf)
{
	unsigned long parted = READ_ONCE(leaf->parted);

	return parted && time_before(jiffies, parted + REST);
}

/* Part the next block of a partition. False: none was found. */
static bool demote_next(struct tarn_partition *part, int nid)
{
	unsigned int left = LEAVES_MOST, held = 0;
	struct tarn_leaf *leaf;
	unsigned long at;

	lockdep_assert_held(&part->hand_lock);
	xa_for_each_start(&part->leaves, at, leaf, part->demote_at) {
		u64 first = (u64)at << TARN_LEAF_SHIFT;

		part->demote_at = at;
		if (!left-- || held == HELD_MOST)
			return false;
		part->demote_at++;
		if (!tarn_leaf_on_node(leaf, nid) || !tarn_demote_wanted(part, leaf))
			continue;
		if (tarn_block_part(part, leaf, first)) {
			tarn_demote_note(part, leaf, first);
			return true;
		}
		held++;
	}
	part->demote_at = 0;
	return false;
}

/* How many are due? What could not be parted does not add up. */
static unsigned int blocks_due(struct tarn_pool *pool)
{
	u64 refaults = tarn_stats_pool(pool, TARN_STAT_REFAULTS);
	struct tarn_demoter *d = &pool->demoter;

	lockdep_assert_held(&d->lock);
	if (refaults - d->refaults > BLOCKS_MOST * REFAULTS)
		d->refaults = refaults - BLOCKS_MOST * REFAULTS;
	return (refaults - d->refaults) / REFAULTS;
}

/**
 * tarn_demote() - part blocks for pages that came back
 * @part: partition from which pages were taken just now, and more may be
 * @nid: of this node
 *
 * Context: process; a thread of reclaim.
 */
void tarn_demote(struct tarn_partition *part, int nid)
{
	struct tarn_demoter *d = &part->pool->demoter;
	u64 evictions = atomic64_read(&part->pool->evictions);
	unsigned int due;

	if (evictions - READ_ONCE(d->evictions) < LOOK_EVICTIONS ||
	    !tarn_stats_blocks(part) || !mutex_trylock(&d->lock))
		return;
	WRITE_ONCE(d->evictions, evictions);
	due = blocks_due(part->pool);
	down_read(&part->pin);
	mutex_lock(&part->hand_lock);
	if (tarn_partition_lives(part))
		for (; due && demote_next(part, nid); due--)
			d->refaults += REFAULTS;
	mutex_unlock(&part->hand_lock);
	up_read(&part->pin);
	mutex_unlock(&d->lock);
}
