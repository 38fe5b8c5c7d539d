// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Demotion
 *
 * A block that is one 2 MiB frame has one accessed bit: a few pages of it that are used
 * keep all others, which are cold, perhaps. So it goes as a whole only if it is cold by any
 * measure; one that is merely colder than others is parted (hand.c).
 *
 * While pages come back that were given up just before, other blocks in use are parted,
 * too. Which of their pages are used shows then, and the cold ones go instead. It is one
 * block for as many refaults as take longer to read than it takes to map all pages of the
 * block again one by one. Whose pages come back does not matter: each partition that
 * has more than its minimum has its turn.
 *
 * What is parted is promoted again when there is room (promote.c).
 */
#include <linux/mm.h>

#include "page/block.h"
#include "policy/age.h"
#include "policy/demote.h"
#include "policy/entitle.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"

/* Refaults for which a block is parted. */
#define REFAULTS	16
/* Blocks at a time, and for how many it is remembered that they are due. */
#define BLOCKS_MOST	4
/* Evictions after which one looks whether any is due. */
#define LOOK_EVICTIONS	64
/* Leaves of a partition that are looked at in one go. */
#define LEAVES_MOST	4096U

/**
 * tarn_demote_wanted() - is a leaf a block that is one frame, and in use?
 * @part: partition; the caller holds its pin
 * @leaf: the leaf
 *
 * Context: any; a hint. One that was just made counts as cold.
 */
bool tarn_demote_wanted(struct tarn_partition *part, const struct tarn_leaf *leaf)
{
	u64 e = atomic64_read(&leaf->entry[0]);

	return tarn_entry_has_frame(e) && tarn_entry_use(e) >= TARN_USE_COOL &&
	       tarn_block_is_whole(part->pool, e);
}

/**
 * tarn_demote_block() - have it seen which pages of a block are used
 * @part: partition; the caller holds its pin and hand_lock
 * @leaf: the block's
 * @first: its first page
 *
 * Context: process; waits for what is brief.
 * Return: false if somebody holds it: it stays.
 */
bool tarn_demote_block(struct tarn_partition *part, struct tarn_leaf *leaf, u64 first)
{
	lockdep_assert_held(&part->hand_lock);
	if (!tarn_block_part(part, leaf, first))
		return false;
	tarn_age_parted(part, leaf, first);
	return true;
}

/* Part the next one of a partition. False: none was found. */
static bool demote_of(struct tarn_partition *part, int nid)
{
	unsigned int left = LEAVES_MOST;
	struct tarn_leaf *leaf;
	unsigned long at;
	bool done = false;

	down_read(&part->pin);
	mutex_lock(&part->hand_lock);
	if (!tarn_partition_lives(part))
		goto out;
	xa_for_each_start(&part->leaves, at, leaf, part->demote_at) {
		part->demote_at = at;
		if (!left-- || done)
			goto out;
		if (tarn_leaf_on_node(leaf, nid) && tarn_demote_wanted(part, leaf))
			done = tarn_demote_block(part, leaf,
						 (u64)at << TARN_LEAF_SHIFT);
	}
	part->demote_at = 0;
out:
	mutex_unlock(&part->hand_lock);
	up_read(&part->pin);
	return done;
}

static bool may_demote(struct tarn_partition *part)
{
	return tarn_stats_blocks(part) &&
	       tarn_entitle_claim(part) != TARN_CLAIM_MINIMUM;
}

/* Of the partition whose turn it is. False: none has any. */
static bool demote_next(struct tarn_node *n)
{
	struct tarn_pool *pool = n->pool;
	u32 tries = READ_ONCE(pool->nr_partitions);
	bool done = false;

	while (!done && tries--) {
		struct tarn_partition *part = tarn_partition_next(pool,
								  n->demoter.id);

		if (!part)
			return false;
		n->demoter.id = part->id;
		done = may_demote(part) && demote_of(part, n->nid);
		tarn_partition_put(part);
	}
	return done;
}

/* What could not be parted does not add up. */
static unsigned int blocks_due(struct tarn_node *n)
{
	u64 refaults = tarn_stats_pool(n->pool, TARN_STAT_REFAULTS);
	struct tarn_demoter *d = &n->demoter;

	if (refaults - d->refaults > BLOCKS_MOST * REFAULTS)
		d->refaults = refaults - BLOCKS_MOST * REFAULTS;
	return (refaults - d->refaults) / REFAULTS;
}

/**
 * tarn_demote() - part blocks of a node for the pages that came back
 * @node: the node; reclaim took pages there
 *
 * Context: process; a thread of reclaim.
 */
void tarn_demote(struct tarn_node *node)
{
	u64 evictions = atomic64_read(&node->pool->evictions);
	struct tarn_demoter *d = &node->demoter;
	unsigned int due;

	if (evictions - READ_ONCE(d->evictions) < LOOK_EVICTIONS ||
	    !mutex_trylock(&d->lock))
		return;
	WRITE_ONCE(d->evictions, evictions);
	for (due = blocks_due(node); due && demote_next(node); due--)
		d->refaults += REFAULTS;
	mutex_unlock(&d->lock);
}
