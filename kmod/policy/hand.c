// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: The hand
 *
 * A hand visits the leaves of a partition that have pages on its node and takes
 * pages whose use is not above the partition's coldness (age.c). Of a page that
 * it is about to take it sees whether it was used since the last look. Where
 * accessed bits say nothing (KVM, whose VM is not attached) a page is first
 * unmapped only, and goes when the hand comes by again and nobody missed it.
 *
 * Pages are selected under the partition's hand_lock, a batch at most and no more
 * leaves than WALK_LEAVES; they are unmapped and settled (evict.c) without it.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "page/block.h"
#include "page/evict.h"
#include "policy/age.h"
#include "policy/demote.h"
#include "policy/hand.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "trace.h"

/* Leaves that are visited, and of these looked at, before others get the lock. */
#define WALK_LEAVES	1024
#define WALK_LOOKS	64
/* Leaves that are looked at once there is something to take. */
#define TURN_LOOKS	16
/* After a way round in vain, pages that are this much hotter go as well. */
#define BOOST		8
/*
 * Pages that go are unmapped together if they are no further apart. Idle pages
 * between them lose their mappings as well: that costs less than a pass of its own
 * for each, which with a VM makes its processors stop besides.
 */
#define JOIN_MOST	3U
#define JOIN_MOST_VM	16U

/* Blocks that are parted, or tried, before others get the lock: each loses all of its mappings. */
#define PARTS_MOST	4U

#define NO_USE		UINT_MAX

/* ---- one look ----------------------------------------------------------- */

enum verdict { VERDICT_KEEP, VERDICT_PROBATION, VERDICT_GO };

/**
 * struct look - what is known when a page is looked at
 * @hand: whose it is
 * @node: frames of this node only
 * @pressure: see struct tarn_turn
 * @coldness: use up to which a page goes
 * @opaque: see tarn_young_collect()
 * @scarce: room with the pager is short: copies of pages that stay go
 * @full: there is none: so do valid ones
 * @most: pages that may go
 * @join: pages that go are unmapped together if they are no further apart
 * @sharers: of a store, pages that share those that go
 * @parts: blocks of which it was tried whether they can be parted
 * @chunk: number of the chunk that was asked about last
 * @chunk_node: its node
 * @looks: leaves that were looked at
 * @scanned: pages that were judged
 */
struct look {
	struct tarn_hand *hand;
	int node;
	unsigned int pressure;
	unsigned int coldness;
	bool opaque;
	bool scarce;
	bool full;
	unsigned int most;
	unsigned int join;
	u64 sharers;
	unsigned int parts;
	u64 chunk;
	int chunk_node;
	unsigned int looks;
	unsigned int scanned;
};

static enum verdict judge(const struct look *l, u64 e, bool young)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	if (young && l->pressure < TARN_PRESSURE_MAX)
		return VERDICT_KEEP;
	if (tarn_entry_hint(e) & TARN_HINT_PROBATION || l->pressure >= 2)
		return VERDICT_GO;
	if (e & TARN_ENTRY_NEW || use > l->coldness)
		return VERDICT_KEEP;
	return l->opaque ? VERDICT_PROBATION : VERDICT_GO;
}

/* A page stays: remember what a way round in vain has to know. */
static void note_kept(struct tarn_hand *hand, u64 e, bool young)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	if (young || e & TARN_ENTRY_NEW)
		hand->fresh = min(hand->fresh, use);
	else
		hand->least = min(hand->least, use);
}

/* Unmap pages that go on probation, in runs. */
static void unmap_bits(struct tarn_partition *part, u64 first,
		       const unsigned long *bits)
{
	unsigned int from, to;

	for_each_set_bitrange(from, to, bits, TARN_LEAF_PAGES)
		tarn_partition_unmap(part, first + from, to - from);
}

/* Neighbours mostly lie in the same chunk. */
static bool on_node(struct tarn_partition *part, struct look *l, u64 frame)
{
	if (frame >> TARN_CHUNK_SHIFT != l->chunk) {
		l->chunk = frame >> TARN_CHUNK_SHIFT;
		l->chunk_node = tarn_frame_node(part->pool, frame);
	}
	return l->chunk_node == l->node;
}

static bool may_look(struct tarn_partition *part, struct look *l, u64 e)
{
	return tarn_entry_has_frame(e) &&
	       !tarn_entry_mark(e) && !tarn_entry_pinned(e) &&
	       on_node(part, l, tarn_entry_payload(e));
}

/* Is the page not missed if it loses its mappings, as far as can be seen? */
static bool is_idle(const struct look *l, u64 e, bool young)
{
	return !tarn_entry_has_frame(e) ||
	       (!young && !l->opaque && !(e & TARN_ENTRY_NEW) &&
		!tarn_entry_pinned(e));
}

/*
 * From the hand on, the pages of a leaf that would go if they were not used just
 * now. False if there are none.
 */
static bool candidates(struct tarn_partition *part, struct tarn_leaf *leaf,
		       struct look *l, unsigned int *from, unsigned int *to)
{
	unsigned int i;
	bool any = false;

	for (i = *from; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (!may_look(part, l, e))
			continue;
		if (judge(l, e, false) == VERDICT_KEEP) {
			note_kept(l->hand, e, false);
			continue;
		}
		if (!any)
			*from = i;
		*to = i + 1;
		any = true;
	}
	return any;
}

/* Which pages of the leaf from @from on were used. False: none is to go. */
static bool look_at_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
			 struct look *l, u64 first, unsigned int *from,
			 unsigned int *to, unsigned long *young)
{
	unsigned int coldest;

	if (tarn_age_stale(part, leaf)) {
		l->opaque = tarn_age_look(part, leaf, first, young);
		l->looks++;
		*to = TARN_LEAF_PAGES;
		return true;
	}
	/* Copies of pages that stay are to be dropped where room is short. */
	coldest = READ_ONCE(leaf->coldest);
	if (l->pressure < 2 && !l->scarce && coldest > l->coldness) {
		if (coldest <= TARN_USE_MAX)
			l->hand->least = min(l->hand->least, coldest);
		return false;
	}
	*to = TARN_LEAF_PAGES;
	if (!candidates(part, leaf, l, from, to) && !l->scarce)
		return false;
	l->opaque = tarn_age_peek(part, leaf, first, *from, *to, young);
	return true;
}

static bool put_on_probation(struct tarn_partition *part, u64 index,
			     atomic64_t *entry, u64 e)
{
	/* One less than all is still most: with all it would look pinned. */
	unsigned int use = min_t(unsigned int, tarn_entry_hint(e),
				 TARN_USE_MAX - 1);

	return tarn_entry_change(part, index, entry, &e,
				 tarn_entry_with_hint(e, use |
						      TARN_HINT_PROBATION));
}

/* Does the leaf, at the hand, concern this node or the round of looks? */
static bool is_visited(struct tarn_partition *part, struct tarn_leaf *leaf,
		       const struct look *l)
{
	return tarn_leaf_on_node(leaf, l->node) ||
	       (l->hand->all_leaves && tarn_age_stale(part, leaf));
}

static void block_taken(struct tarn_partition *part, struct tarn_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++)
		tarn_age_taken(part, atomic64_read(&leaf->entry[i]));
}

/*
 * Part a block of which a page is to go, if that may help: not while somebody holds any of
 * it. How used the others are shows from then on.
 */
static bool part_block(struct tarn_partition *part, struct tarn_leaf *leaf,
		       struct look *l, u64 index, u64 e)
{
	bool used;

	if (l->parts == PARTS_MOST ||
	    tarn_frame_peek_held(part->pool, tarn_entry_payload(e)))
		return false;
	l->parts++;
	used = tarn_demote_wanted(part, leaf);
	if (!tarn_block_part(part, leaf, index))
		return false;
	if (used)
		tarn_demote_note(part, leaf, ALIGN_DOWN(index, TARN_LEAF_PAGES));
	return true;
}

/* A page of a block in use is to go: that is parted for it if it can go at all. */
static bool take_of_block(struct tarn_partition *part, struct tarn_leaf *leaf,
			  struct look *l, struct tarn_evict_batch *batch, u64 index,
			  u64 e)
{
	bool blocks = batch->blocks, taken;

	if (l->parts == PARTS_MOST)
		return false;
	l->parts++;
	batch->blocks = false;
	taken = tarn_evict_add(batch, index, tarn_leaf_entry(leaf, index), e, false);
	batch->blocks = blocks;
	if (!tarn_block_is_whole(part->pool, e))
		tarn_demote_note(part, leaf, ALIGN_DOWN(index, TARN_LEAF_PAGES));
	return taken;
}

/* A block that goes as a whole is more than enough. */
static bool is_full(const struct look *l, const struct tarn_evict_batch *batch)
{
	return batch->pages.count >= l->most || batch->block.leaf ||
	       l->sharers >= TARN_SHARERS_BATCH;
}

/**
 * struct visit - the leaf that the hand is at
 * @part: whose it is
 * @leaf: it
 * @look: what is known
 * @batch: of pages that go
 * @first: its first page
 * @gap: pages between the last one that goes and this one that may be unmapped as well
 * @asked: it is known whether it is a block in use
 * @block: it is
 * @probation: pages that are to be unmapped
 */
struct visit {
	struct tarn_partition *part;
	struct tarn_leaf *leaf;
	struct look *look;
	struct tarn_evict_batch *batch;
	u64 first;
	unsigned int gap;
	bool asked;
	bool block;
	DECLARE_BITMAP(probation, TARN_LEAF_PAGES);
};

/* Where it is pressed harder 2 MiB at once are worth more. */
static bool is_block_in_use(struct visit *v)
{
	if (!v->asked)
		v->block = !v->look->pressure &&
			   tarn_demote_wanted(v->part, v->leaf);
	v->asked = true;
	return v->block;
}

/* False: it stays as it is, as all of its leaf. */
static bool try_out(struct visit *v, unsigned int i, u64 e)
{
	atomic64_t *entry = &v->leaf->entry[i];
	u64 index = v->first + i;

	/* A fault on one page would map all of a whole block. */
	if (tarn_block_is_whole(v->part->pool, e) &&
	    !part_block(v->part, v->leaf, v->look, index, e))
		return false;
	e = atomic64_read(entry);
	if (may_look(v->part, v->look, e) &&
	    put_on_probation(v->part, index, entry, e)) {
		__set_bit(i, v->probation);
		v->look->hand->probed = true;
	}
	return true;
}

/* False: it stays, as all of its leaf. */
static bool take(struct visit *v, unsigned int i, u64 e)
{
	struct tarn_partition *part = v->part;
	u64 index = v->first + i;

	if (is_block_in_use(v)) {
		v->block = false;
		if (!take_of_block(part, v->leaf, v->look, v->batch, index, e))
			return false;
		tarn_age_taken(part, e);
		v->gap = 0;
	} else if (tarn_evict_add(v->batch, index, &v->leaf->entry[i], e,
				  v->gap <= v->look->join)) {
		tarn_age_taken(part, e);
		v->look->sharers += tarn_canon_weight(part, index);
		v->gap = 0;
	} else if (v->batch->block.leaf) {
		block_taken(part, v->leaf);
	}
	return true;
}

/* Look at the rest of a leaf from the hand on, until the batch is full. */
static void visit_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
		       struct look *l, struct tarn_evict_batch *batch)
{
	DECLARE_BITMAP(young, TARN_LEAF_PAGES) = {};
	struct tarn_hand *hand = l->hand;
	struct visit v = {
		.part = part,
		.leaf = leaf,
		.look = l,
		.batch = batch,
		.first = ALIGN_DOWN(hand->at, TARN_LEAF_PAGES),
		.gap = TARN_LEAF_PAGES,
	};
	unsigned int i = hand->at - v.first, to;

	hand->at = v.first + TARN_LEAF_PAGES;
	if (!is_visited(part, leaf, l) ||
	    !look_at_leaf(part, leaf, l, v.first, &i, &to, young))
		return;
	for (; i < to && !is_full(l, batch); i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		bool was_used = test_bit(i, young), goes_on = true;

		v.gap = is_idle(l, e, was_used) ? v.gap + 1 : TARN_LEAF_PAGES;
		if (!may_look(part, l, e))
			continue;
		l->scanned++;
		switch (judge(l, e, was_used)) {
		case VERDICT_PROBATION:
			goes_on = try_out(&v, i, e);
			break;
		case VERDICT_GO:
			goes_on = take(&v, i, e);
			break;
		case VERDICT_KEEP:
			note_kept(hand, e, was_used);
			if (l->scarce)
				tarn_evict_copy(part, v.first + i, e, !l->full);
		}
		if (!goes_on) {
			note_kept(hand, e, was_used);
			i = to;
		}
	}
	unmap_bits(part, v.first, v.probation);
	if (i < to)
		hand->at = v.first + i;
}

/* ---- the way round ------------------------------------------------------ */

/* It is to go everywhere from where it is. */
static void set_out(struct tarn_partition *part, struct tarn_hand *hand)
{
	/* One more, as it may stand in the middle of one. */
	hand->left = atomic64_read(&part->nr_leaves) + 1;
	hand->probed = false;
	hand->least = NO_USE;
	hand->fresh = NO_USE;
}

/* The next leaf at the hand; the hand goes back to the start past the last. */
static struct tarn_leaf *next_leaf(struct tarn_partition *part,
				   struct tarn_hand *hand)
{
	unsigned long at = hand->at >> TARN_LEAF_SHIFT;
	struct tarn_leaf *leaf = xa_find(&part->leaves, &at, ULONG_MAX,
					 XA_PRESENT);

	if (!leaf) {
		at = 0;
		hand->at = 0;
		leaf = xa_find(&part->leaves, &at, ULONG_MAX, XA_PRESENT);
	}
	if (leaf && at != hand->at >> TARN_LEAF_SHIFT)
		hand->at = (u64)at << TARN_LEAF_SHIFT;
	return leaf;
}

/*
 * Go on with the hand until the batch is full, or has something after so many
 * looks, or others may want the lock, or the hand has been everywhere.
 */
static void walk(struct tarn_partition *part, struct look *l,
		 struct tarn_evict_batch *batch)
{
	struct tarn_hand *hand = l->hand;
	unsigned int leaves;

	lockdep_assert_held(&part->hand_lock);
	for (leaves = 0; leaves < WALK_LEAVES && hand->left; leaves++) {
		u64 before = hand->at;
		struct tarn_leaf *leaf = next_leaf(part, hand);

		if (!leaf) {
			hand->left = 0;
			return;
		}
		/* A batch is in ascending order. */
		if (hand->at < before && batch->pages.count)
			return;
		visit_leaf(part, leaf, l, batch);
		if (is_full(l, batch))
			return;
		hand->left--;
		if (l->looks >= (batch->pages.count ? TURN_LOOKS : WALK_LOOKS))
			return;
		cond_resched();
	}
}

/*
 * The hand was everywhere in vain. If what is new or was just used is as cold as
 * the rest, see in another round whether it stays so, else take what is warmer.
 */
static void relax(struct tarn_partition *part, struct tarn_hand *hand)
{
	unsigned int coldness = part->ages->coldness;

	lockdep_assert_held(&part->hand_lock);
	if (hand->fresh <= hand->least && hand->fresh != NO_USE) {
		hand->all_leaves = !part->ages->whole;
		if (part->ages->whole)
			tarn_age_begin(part);
		return;
	}
	hand->boost += BOOST;
	if (hand->least != NO_USE && hand->least > coldness + hand->boost)
		hand->boost = hand->least - coldness;
	hand->boost = min_t(unsigned int, hand->boost, TARN_USE_MAX);
}

/* What became of a walk: how it goes on. */
static void conclude(struct tarn_partition *part, struct tarn_hand *hand,
		     const struct tarn_evict_batch *batch,
		     struct tarn_turn *turn)
{
	if (!tarn_evict_count(batch) && hand->left)
		return;
	if (tarn_evict_count(batch)) {
		hand->boost -= min(hand->boost, 1U);
		hand->all_leaves = false;
	} else {
		turn->vain = true;
		if (!hand->probed)
			relax(part, hand);
	}
	set_out(part, hand);
}

static void begin_run(struct tarn_partition *part, struct tarn_hand *hand,
		      u32 run)
{
	if (hand->run == run)
		return;
	WRITE_ONCE(hand->vain, 0);
	hand->boost = 0;
	hand->all_leaves = false;
	WRITE_ONCE(hand->run, run);
	set_out(part, hand);
}

/* Threads of all nodes take from it; who has the lock sees what the others took. */
static u64 may_take(struct tarn_partition *part, const struct tarn_turn *turn)
{
	u64 frames = tarn_partition_staying(part);

	lockdep_assert_held(&part->hand_lock);
	return frames - min(frames, turn->least);
}

/* Returns how many pages were judged. */
static unsigned int select_pages(struct tarn_partition *part,
				 struct tarn_turn *turn,
				 struct tarn_evict_batch *batch)
{
	struct tarn_hand *hand = &part->hands[turn->node];
	struct tarn_pool *pool = part->pool;
	struct look l = {
		.hand = hand,
		.node = turn->node,
		.pressure = turn->pressure,
		.full = READ_ONCE(pool->full),
		.scarce = tarn_pool_is_scarce(pool),
		.chunk = U64_MAX,
		.join = rcu_access_pointer(part->vm) ? JOIN_MOST_VM : JOIN_MOST,
	};
	u64 spare;

	mutex_lock(&part->hand_lock);
	spare = may_take(part, turn);
	l.most = min_t(u64, spare, TARN_BATCH_MOST);
	batch->blocks = spare >= TARN_BLOCK_PAGES;
	if (!l.most) {
		turn->vain = true;
		goto out;
	}
	begin_run(part, hand, turn->run);
	if (tarn_age_due(part))
		tarn_age_begin(part);
	l.coldness = min_t(unsigned int, tarn_age_coldness(part) + hand->boost,
			   TARN_USE_MAX);
	walk(part, &l, batch);
	turn->full = is_full(&l, batch);
	conclude(part, hand, batch, turn);
out:
	mutex_unlock(&part->hand_lock);
	return l.scanned;
}

/**
 * tarn_hand_turn() - take a batch of pages from a partition
 * @part: partition
 * @turn: what is wanted, and how it went
 *
 * Context: process; does not wait for the pager.
 */
void tarn_hand_turn(struct tarn_partition *part, struct tarn_turn *turn)
{
	struct tarn_hand *hand = &part->hands[turn->node];
	struct tarn_evict_batch batch;
	unsigned int scanned;

	turn->taken = 0;
	turn->full = false;
	turn->vain = false;
	tarn_evict_begin(&batch, part);
	if (tarn_stores_fail(&part->pool->stores)) {
		batch.can_store = false;
		batch.can_overwrite = false;
		batch.wide = false;
	}
	down_read(&part->pin);
	if (!tarn_partition_lives(part)) {
		turn->vain = true;
		goto out;
	}
	scanned = select_pages(part, turn, &batch);
	/* Held as they may be all of them, others come first next time. */
	turn->vain |= tarn_evict_count(&batch);
	tarn_evict_flush(&batch);
	turn->taken = batch.freed + batch.sent;
	if (turn->taken)
		turn->vain = false;
	trace_tarn_reclaim(part->id, READ_ONCE(hand->at), scanned,
			   turn->taken, batch.busy);
out:
	up_read(&part->pin);
	WRITE_ONCE(hand->vain, turn->vain ? hand->vain + 1 :
			       turn->taken ? 0 : hand->vain);
}

/* A partition is made; they go with it. */
int tarn_hands_create(struct tarn_partition *part)
{
	part->hands = kcalloc(nr_node_ids, sizeof(*part->hands),
			      GFP_KERNEL_ACCOUNT);
	return part->hands ? 0 : -ENOMEM;
}

/* How often it went round in vain in a run of reclaim; a hint without the lock. */
unsigned int tarn_hand_vain(const struct tarn_hand *hand, u32 run)
{
	return READ_ONCE(hand->run) == run ? READ_ONCE(hand->vain) : 0;
}
