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
 * part of the pool, and not a block more, has blocks parted for its own pages alone.
 *
 * What was parted is promoted again when there is room, and not before a while has passed
 * (promote.c).
 */
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "page/block.h"
#include "policy/age.h"
#include "policy/demote.h"
#include "policy/entitle.h"
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
#define LEAVES_MOST	256U
#define HELD_MOST	4U
/* When all were looked at in vain, so long none is. */
#define VAIN		(5 * HZ)
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

	/* Marked, it goes as a whole just now, or is parted. */
	return tarn_entry_has_frame(e) && !tarn_entry_mark(e) &&
	       tarn_chunk_is_one(part->pool, tarn_entry_payload(e)) &&
	       any_used(leaf) &&
	       !tarn_frame_peek_held(part->pool, tarn_entry_payload(e));
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

/* Leaf after leaf; all of them were looked at in vain. */
static void pass(struct tarn_partition *part, unsigned long at)
{
	part->demote_at = at;
	if (++part->demote_vain < atomic64_read(&part->nr_leaves))
		return;
	part->demote_vain = 0;
	part->demote_rest = jiffies + VAIN;
	part->demote_rests = true;
}

static bool rests(struct tarn_partition *part)
{
	part->demote_rests = part->demote_rests &&
			     time_before(jiffies, part->demote_rest);
	return part->demote_rests;
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

		if (!left-- || held == HELD_MOST || rests(part))
			return false;
		pass(part, at + 1);
		cond_resched();
		if (!tarn_leaf_on_node(leaf, nid) || !tarn_demote_wanted(part, leaf))
			continue;
		if (tarn_block_part(part, leaf, first)) {
			part->demote_vain = 0;
			part->demote_rests = false;
			tarn_demote_note(part, leaf, first);
			return true;
		}
		held++;
	}
	part->demote_at = 0;
	return false;
}

/**
 * credit() - pages that came back, for which blocks are due
 * @part: from which one takes
 * @since: out: up to where blocks were parted for them
 *
 * Who has more than its part pays for any page of the pool.
 */
static u64 credit(struct tarn_partition *part, u64 **since)
{
	struct tarn_demoter *d = &part->pool->demoter;

	if (tarn_entitle_over(part) >= TARN_BLOCK_PAGES) {
		*since = &d->refaults;
		return tarn_stats_pool(part->pool, TARN_STAT_REFAULTS);
	}
	*since = &part->demote_refaults;
	return atomic64_read(&part->stats.count[TARN_STAT_REFAULTS]);
}

/* How many are due? What could not be parted does not add up. */
static unsigned int blocks_due(struct tarn_partition *part, u64 **since)
{
	u64 refaults = credit(part, since);

	lockdep_assert_held(&part->pool->demoter.lock);
	if (refaults - **since > BLOCKS_MOST * REFAULTS)
		**since = refaults - BLOCKS_MOST * REFAULTS;
	return (refaults - **since) / REFAULTS;
}

static void demote(struct tarn_partition *part, int nid)
{
	unsigned int due;
	u64 *since;

	due = blocks_due(part, &since);
	if (!due)
		return;
	down_read(&part->pin);
	mutex_lock(&part->hand_lock);
	if (tarn_partition_lives(part) && !rests(part))
		for (; due && demote_next(part, nid); due--)
			*since += REFAULTS;
	mutex_unlock(&part->hand_lock);
	up_read(&part->pin);
}

/* Can pages go that have no copy? For those that have one no block is parted. */
static bool can_store(struct tarn_pool *pool)
{
	return tarn_pool_served(pool) && tarn_pool_has_room(pool) &&
	       !tarn_stores_hang(&pool->stores) && !tarn_stores_fail(&pool->stores);
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

	if (evictions - READ_ONCE(d->evictions) < LOOK_EVICTIONS ||
	    !tarn_stats_blocks(part) || !can_store(part->pool) ||
	    !mutex_trylock(&d->lock))
		return;
	WRITE_ONCE(d->evictions, evictions);
	demote(part, nid);
	mutex_unlock(&d->lock);
}
