// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Ages
 *
 * The use of a page says how often it is used. A look that finds it used takes
 * it up by an eighth of what is missing to TARN_USE_MAX. Looks that do not find
 * it used take nothing by themselves: time is measured in pages that went out,
 * as only then does it matter which ones are cold. Each time that half a pool's
 * worth went, or DECAY_TIME passed, the next look takes an eighth away from those
 * that were not used. So looks may be frequent, which tells frequently used
 * pages from each other, and memory is long, which tells the rest.
 *
 * Looks come in rounds over all leaves of a partition, each leaf once a round. A
 * round begins when the one before is whole and an eighth of a pool's worth went
 * out since it began, or ROUND_TIME passed. It does not matter who looks at a
 * leaf: the scanner as it goes round, or the reclaimer that comes to a leaf which
 * the scanner has not reached yet.
 *
 * Between two rounds the reclaimer peeks at pages that it would take. One that
 * was used counts as seen used for this round, and is marked NEW, so that the
 * next look leaves it alone: nothing is aged twice for the same time.
 *
 * What is found used is counted by the node of its frame: that tells which part of the
 * accesses is local. It takes nothing of who accesses, and of a look one addition for each
 * run of pages that lie on one node.
 *
 * See Documentation/design/activity.rst.
 */
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "page/pattern.h"
#include "page/share.h"
#include "policy/age.h"
#include "policy/entitle.h"
#include "policy/young.h"
#include "pool/partition.h"
#include "pool/pool.h"

#define ROUND_TIME	(2 * HZ)
#define DECAY_TIME	(20 * HZ)
/* Parts of a pool's worth of evictions. */
#define ROUND_PART	8
#define DECAY_PART	2

/* Leaves whose accessed bits are read at once. */
#define RUN_LEAVES	4U

/* Coldness allows this part of the resident pages to be taken. */
#define COLD_PART	32
#define COLD_LEAST	64

/* A partition is made; they go with it. */
int tarn_ages_create(struct tarn_partition *part)
{
	struct tarn_ages *a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);

	if (!a)
		return -ENOMEM;
	/* The first round is due at once, but no page loses in it. */
	a->whole = true;
	a->began = jiffies - ROUND_TIME;
	a->decayed = jiffies;
	a->decayed_evictions = atomic64_read(&part->pool->evictions);
	a->coldness = TARN_USE_FIRST;
	part->ages = a;
	return 0;
}

/* ---- classes ------------------------------------------------------------ */

static enum tarn_activity class_of_use(unsigned int use)
{
	if (use >= TARN_USE_HOT)
		return TARN_ACTIVITY_HOT;
	if (use >= TARN_USE_WARM)
		return TARN_ACTIVITY_WARM;
	return use >= TARN_USE_COOL ? TARN_ACTIVITY_COOL : TARN_ACTIVITY_COLD;
}

/* The class of a page by its entry. */
enum tarn_activity tarn_age_class(u64 e)
{
	return tarn_entry_has_frame(e) || tarn_entry_is_shared(e) ||
	       tarn_entry_is_stored(e) ?
	       class_of_use(tarn_entry_use(e)) : TARN_ACTIVITY_NONE;
}

/* The byte that TARN_PARTITION_HEAT tells of a page. */
u8 tarn_age_heat(struct tarn_partition *part, u64 e)
{
	u8 heat = tarn_age_class(e);

	if (tarn_entry_is_shared(e))
		heat |= TARN_HEAT_SHARED;
	if (tarn_entry_has_frame(e) ||
	    (tarn_entry_is_shared(e) && tarn_share_is_there(part, e)))
		heat |= TARN_HEAT_RESIDENT;
	if (tarn_entry_pinned(e))
		heat |= TARN_HEAT_PINNED;
	return heat;
}

/*
 * What a partition is thought to use: the pages that are used time and again,
 * whether they have a frame or lost it. Of those that are shared it is what frames
 * they are charged: all partitions together use no more than there is.
 */
u64 tarn_age_working_set(struct tarn_partition *part)
{
	u64 pages = READ_ONCE(part->ages->by_class[TARN_ACTIVITY_WARM]) +
		    READ_ONCE(part->ages->by_class[TARN_ACTIVITY_HOT]);
	u64 used = min(pages, READ_ONCE(part->ages->used_shared));
	u64 shared = max_t(s64, 1, atomic64_read(&part->shared));

	if (likely(!used))
		return pages;
	return pages - used +
	       mul_u64_u64_div_u64(tarn_entitle_charge(part),
				   min(used, shared), shared);
}

void tarn_age_heat_fill(struct tarn_partition *part,
			struct tarn_partition_heat *heat)
{
	u64 pages = atomic64_read(&part->pages), some = 0;
	unsigned int i;

	memset(heat->by_class, 0, sizeof(heat->by_class));
	for (i = TARN_ACTIVITY_COLD; i < TARN_ACTIVITY_CLASSES; i++) {
		heat->by_class[i] = READ_ONCE(part->ages->by_class[i]);
		some += heat->by_class[i];
	}
	heat->by_class[TARN_ACTIVITY_NONE] = pages > some ? pages - some : 0;
	heat->working_set = tarn_age_working_set(part);
	heat->rounds = READ_ONCE(part->ages->rounds);
}

/* ---- rounds ------------------------------------------------------------- */

static u64 evictions_for(struct tarn_pool *pool, unsigned int part)
{
	return READ_ONCE(pool->frames) / part + 1;
}

/* Is the last round whole and long enough ago? A hint without the lock. */
bool tarn_age_due(struct tarn_partition *part)
{
	struct tarn_ages *a = part->ages;
	u64 now = atomic64_read(&part->pool->evictions);

	return READ_ONCE(a->whole) && atomic64_read(&part->nr_leaves) &&
	       (time_after_eq(jiffies, READ_ONCE(a->began) + ROUND_TIME) ||
		now - READ_ONCE(a->began_evictions) >=
		evictions_for(part->pool, ROUND_PART));
}

/**
 * tarn_age_begin() - begin a round
 * @part: partition whose last round is whole; the caller holds its hand_lock
 *
 * Context: process.
 */
void tarn_age_begin(struct tarn_partition *part)
{
	struct tarn_ages *a = part->ages;
	u64 now = atomic64_read(&part->pool->evictions);

	lockdep_assert_held(&part->hand_lock);
	a->round++;
	a->looked = 0;
	WRITE_ONCE(a->whole, false);
	WRITE_ONCE(a->began, jiffies);
	WRITE_ONCE(a->began_evictions, now);
	memset(a->next, 0, sizeof(a->next));
	memset(a->next_class, 0, sizeof(a->next_class));
	a->next_used_shared = 0;
	a->decays = time_after_eq(jiffies, a->decayed + DECAY_TIME) ||
		    now - a->decayed_evictions >=
		    evictions_for(part->pool, DECAY_PART);
	if (a->decays) {
		a->decayed = jiffies;
		a->decayed_evictions = now;
	}
}

/* What was accessed where, as of some rounds. */
static void sum_up_nodes(struct tarn_partition *part)
{
	int nid;

	lockdep_assert_held(&part->hand_lock);
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct tarn_part_node *n = &part->node[nid];

		WRITE_ONCE(n->accessed_lately, n->accessed_lately / 2 +
			   n->accessed - n->accessed_before);
		n->accessed_before = n->accessed;
	}
}

static void end_round(struct tarn_partition *part)
{
	struct tarn_ages *a = part->ages;
	unsigned int i;

	lockdep_assert_held(&part->hand_lock);
	memcpy(a->count, a->next, sizeof(a->count));
	for (i = 0; i < TARN_ACTIVITY_CLASSES; i++)
		WRITE_ONCE(a->by_class[i], a->next_class[i]);
	WRITE_ONCE(a->used_shared, a->next_used_shared);
	WRITE_ONCE(a->rounds, a->rounds + 1);
	WRITE_ONCE(a->whole, true);
	tarn_age_coldness(part);
	sum_up_nodes(part);
}

/* Has a leaf still to be looked at in this round? */
bool tarn_age_stale(struct tarn_partition *part, const struct tarn_leaf *leaf)
{
	lockdep_assert_held(&part->hand_lock);
	return leaf->round != part->ages->round;
}

/*
 * The use up to which pages go: where enough of them are for what reclaim is
 * going to take before the next round.
 */
unsigned int tarn_age_coldness(struct tarn_partition *part)
{
	struct tarn_ages *a = part->ages;
	u64 want = max_t(u64, tarn_partition_resident(part) / COLD_PART,
			 COLD_LEAST);
	unsigned int use = 0;
	u64 sum = 0;

	lockdep_assert_held(&part->hand_lock);
	if (!a->rounds)
		return a->coldness;
	while (use < TARN_USE_MAX) {
		sum += a->count[use];
		if (sum >= want)
			break;
		use++;
	}
	WRITE_ONCE(a->coldness, use);
	return use;
}

static void sink(u64 *count)
{
	if (*count)
		--*count;
}

/* Reclaim took a page, with this entry, from a leaf that is not stale. */
void tarn_age_taken(struct tarn_partition *part, u64 e)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	lockdep_assert_held(&part->hand_lock);
	sink(&part->ages->count[use]);
	if (!part->ages->whole)
		sink(&part->ages->next[use]);
}

/* Count a page that was counted as used so much as less used. */
static void recount(u64 *count, unsigned int use)
{
	if (!count[use])
		return;
	count[use]--;
	count[TARN_USE_COOL]++;
}

/**
 * tarn_age_parted() - a block that was in use is no one frame any more
 * @part: partition; the caller holds its pin and hand_lock
 * @leaf: the block's
 * @first: its first page
 *
 * As long as it was, a use of one of its pages was one of all: which ones are used shows
 * only from now on. They count as little used as pages can that are not cold, so that the
 * next looks tell those that are used from those that are not. Until the first one they
 * stay, unless all is taken that nobody holds.
 *
 * Context: process.
 */
void tarn_age_parted(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first)
{
	struct tarn_ages *a = part->ages;
	bool counted = !a->whole && !tarn_age_stale(part, leaf);
	u8 coldest = READ_ONCE(leaf->coldest);
	unsigned int i;

	lockdep_assert_held(&part->hand_lock);
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

		if (!tarn_entry_has_frame(e) || tarn_entry_mark(e) ||
		    tarn_entry_pinned(e) ||
		    tarn_entry_hint(e) & TARN_HINT_PROBATION ||
		    use < TARN_USE_COOL ||
		    !tarn_entry_change(part, first + i, &leaf->entry[i], &e,
				       tarn_entry_with_hint(e, TARN_USE_COOL) |
				       TARN_ENTRY_NEW))
			continue;
		recount(a->count, use);
		if (counted)
			recount(a->next, use);
		coldest = min_t(u8, coldest, TARN_USE_COOL);
	}
	WRITE_ONCE(leaf->coldest, coldest);
}

/* ---- looks -------------------------------------------------------------- */

/* What a look makes of a resident page that nobody has in hand. */
static u64 aged(const struct tarn_ages *a, u64 e, bool young)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	/* That it was mapped, or peeked at, is all that the bit says. */
	if (e & TARN_ENTRY_NEW)
		return e & ~TARN_ENTRY_NEW;
	if (tarn_entry_hint(e) & TARN_HINT_PROBATION || (!young && !a->decays))
		return e;
	return tarn_entry_with_hint(e, tarn_use_seen(use, young));
}

/* Look at one resident page. Its entry afterwards. */
static u64 look_page(struct tarn_partition *part, u64 index, atomic64_t *entry,
		     u64 e, bool young)
{
	u64 to = aged(part->ages, e, young);

	if (to == e || !tarn_entry_change(part, index, entry, &e, to))
		return e;
	return to;
}

/**
 * struct nodes_seen - on which nodes frames lie
 * @chunk: number of the last one's chunk: the next one's is often the same
 * @nid: its node
 * @used: pages that were found used there, and are not counted yet
 * @nodes: see struct tarn_leaf
 */
struct nodes_seen {
	u64 chunk;
	int nid;
	unsigned int used;
	unsigned long nodes;
};

#define NODES_SEEN_INIT	{ .chunk = U64_MAX, .nid = NUMA_NO_NODE }

static void count_used(struct tarn_partition *part, struct nodes_seen *seen)
{
	lockdep_assert_held(&part->hand_lock);
	if (seen->used && seen->nid != NUMA_NO_NODE)
		WRITE_ONCE(part->node[seen->nid].accessed,
			   part->node[seen->nid].accessed + seen->used);
	seen->used = 0;
}

static void see_node(struct tarn_partition *part, struct nodes_seen *seen,
		     u64 frame)
{
	int nid;

	if (frame >> TARN_CHUNK_SHIFT == seen->chunk)
		return;
	seen->chunk = frame >> TARN_CHUNK_SHIFT;
	nid = tarn_frame_node(part->pool, frame);
	if (nid != seen->nid)
		count_used(part, seen);
	seen->nid = nid;
	if (nid != NUMA_NO_NODE)
		seen->nodes |= tarn_leaf_node_bit(nid);
}

/*
 * Is it an access if the bit of this page says so? Of a new one it only says that it was
 * mapped, or it was counted already; but of one that is pinned nobody takes note of looks.
 */
static bool bit_tells(u64 e)
{
	return !(e & TARN_ENTRY_NEW) || tarn_entry_pinned(e);
}

/*
 * Age the pages of a leaf. Returns how many had a frame. A leaf that was made
 * when the round was whole already counts for that round, too.
 */
static unsigned int look_leaf(struct tarn_partition *part,
			      struct tarn_leaf *leaf, u64 first,
			      unsigned long *young, unsigned int shift)
{
	struct tarn_ages *a = part->ages;
	u64 *by_class = a->whole ? a->by_class : a->next_class;
	u64 *count = a->whole ? a->count : a->next;
	u64 *used_shared = a->whole ? &a->used_shared : &a->next_used_shared;
	struct nodes_seen seen = NODES_SEEN_INIT;
	unsigned int i, resident = 0;
	bool patterns = false, shared = false;
	u8 coldest = U8_MAX;

	lockdep_assert_held(&part->hand_lock);
	atomic_long_set(&leaf->nodes, 0);
	/* Who comes after it is cleared is seen here, or sees it cleared. */
	smp_mb();
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		unsigned int use;

		if (tarn_entry_has_frame(e)) {
			resident++;
			see_node(part, &seen, tarn_entry_payload(e));
			seen.used += test_bit(shift + i, young) && bit_tells(e);
			/* Read ahead, perhaps: leave it alone as well. */
			if (e & TARN_ENTRY_NEW)
				__set_bit(shift + i, young);
			if (!tarn_entry_mark(e) && !tarn_entry_pinned(e))
				e = look_page(part, first + i, &leaf->entry[i],
					      e, test_bit(shift + i, young));
		}
		patterns |= tarn_entry_is_pattern(e);
		if (tarn_entry_is_shared(e)) {
			shared = true;
			*used_shared += tarn_entry_use(e) >= TARN_USE_WARM;
		}
		by_class[tarn_age_class(e)]++;
		if (!tarn_entry_has_frame(e) ||
		    tarn_entry_pinned(e))
			continue;
		use = tarn_entry_hint(e) & TARN_USE_MASK;
		count[use]++;
		coldest = min_t(u8, coldest, use);
	}
	if (patterns)
		tarn_pattern_look(part, leaf, first, young, shift);
	if (shared)
		tarn_share_look(part, leaf, first, young, shift, a->decays);
	count_used(part, &seen);
	atomic_long_or(seen.nodes, &leaf->nodes);
	WRITE_ONCE(leaf->coldest, coldest);
	leaf->round = a->round;
	if (++a->looked >= atomic64_read(&part->nr_leaves) && !a->whole)
		end_round(part);
	return resident;
}

/**
 * tarn_age_look() - look at a leaf that is stale
 * @part: partition; the caller holds its pin and hand_lock
 * @leaf: the leaf
 * @first: its first page
 * @young: a bit a page, all clear: set for those that were accessed or are new
 *
 * Context: process.
 * Return: see tarn_young_collect().
 */
bool tarn_age_look(struct tarn_partition *part, struct tarn_leaf *leaf,
		   u64 first, unsigned long *young)
{
	bool opaque = tarn_young_collect(part, first, TARN_LEAF_PAGES, young);

	look_leaf(part, leaf, first, young, 0);
	return opaque;
}

/**
 * tarn_age_peek() - see whether pages were used since the last look
 * @part: partition; the caller holds its pin and hand_lock
 * @leaf: the leaf, not stale
 * @first: its first page
 * @from: first page of it to peek at
 * @to: page after the last one
 * @young: a bit a page of the leaf, all clear: set for those that were accessed
 *
 * Context: process.
 * Return: see tarn_young_collect().
 */
bool tarn_age_peek(struct tarn_partition *part, struct tarn_leaf *leaf,
		   u64 first, unsigned int from, unsigned int to,
		   unsigned long *young)
{
	bool opaque = tarn_young_collect(part, first + from, to - from, young);
	struct nodes_seen seen = NODES_SEEN_INIT;
	unsigned int i;

	lockdep_assert_held(&part->hand_lock);
	bitmap_shift_left(young, young, from, TARN_LEAF_PAGES);
	for_each_set_bit(i, young, TARN_LEAF_PAGES) {
		u64 e = atomic64_read(&leaf->entry[i]);
		unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

		if (!tarn_entry_has_frame(e))
			continue;
		see_node(part, &seen, tarn_entry_payload(e));
		seen.used += bit_tells(e);
		if (tarn_entry_mark(e) || e & TARN_ENTRY_NEW ||
		    tarn_entry_hint(e) & TARN_HINT_PROBATION)
			continue;
		use = tarn_use_seen(use, true);
		tarn_entry_change(part, first + i, &leaf->entry[i], &e,
				  tarn_entry_with_hint(e, use) |
				  TARN_ENTRY_NEW);
	}
	count_used(part, &seen);
	return opaque;
}

/**
 * tarn_age_advise() - somebody knows better how much a page is used
 * @part: partition
 * @index: page
 * @use: 0 to TARN_USE_MAX, from which looks go on
 *
 * A pinned page stays as it is, and one that somebody has in hand.
 *
 * Context: any.
 */
void tarn_age_advise(struct tarn_partition *part, u64 index, unsigned int use)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, false);
	atomic64_t *entry;
	u64 e, to;

	if (!leaf)
		return;
	entry = tarn_leaf_entry(leaf, index);
	e = atomic64_read(entry);
	if (tarn_entry_mark(e) || tarn_entry_pinned(e))
		return;
	if (tarn_entry_has_frame(e))
		to = tarn_entry_with_hint(e & ~TARN_ENTRY_NEW, use);
	else if (tarn_entry_is_shared(e))
		to = tarn_entry_with_hint(e, use);
	else if (tarn_entry_is_stored(e))
		to = tarn_entry_with_hint(e, (tarn_entry_hint(e) &
					      ~TARN_PAGED_USE_MASK) |
					     use >> TARN_PAGED_USE_SHIFT);
	else
		return;
	tarn_entry_change(part, index, entry, &e, to);
	/* So that the hand does not pass it; a look that misses this is no harm. */
	if (use < READ_ONCE(leaf->coldest))
		WRITE_ONCE(leaf->coldest, use);
}

/* Stale leaves from the scanner's place on that follow each other directly. */
static unsigned int next_run(struct tarn_partition *part, unsigned int max,
			     struct tarn_leaf **run, unsigned long *number)
{
	struct tarn_leaf *leaf;
	unsigned long at = part->ages->at;
	unsigned int n = 0;

	xa_for_each_start(&part->leaves, at, leaf, part->ages->at) {
		if (n && at != *number + n)
			break;
		if (!tarn_age_stale(part, leaf)) {
			if (n)
				break;
			continue;
		}
		if (!n)
			*number = at;
		run[n++] = leaf;
		if (n == max)
			break;
	}
	part->ages->at = n ? *number + n : 0;
	return n;
}

/**
 * tarn_age_scan() - go on with the round of a partition
 * @part: partition; the caller holds its pin
 * @leaves: about how many to look at
 * @pages: counts resident pages that were looked at
 *
 * Context: process.
 * Return: leaves looked at, less than @leaves only if the round is whole.
 */
unsigned int tarn_age_scan(struct tarn_partition *part, unsigned int leaves,
			   u64 *pages)
{
	DECLARE_BITMAP(young, RUN_LEAVES * TARN_LEAF_PAGES);
	struct tarn_leaf *run[RUN_LEAVES];
	unsigned int done = 0, n, i;
	unsigned long number;

	while (done < leaves) {
		mutex_lock(&part->hand_lock);
		if (tarn_age_due(part))
			tarn_age_begin(part);
		n = part->ages->whole ? 0 :
		    next_run(part, RUN_LEAVES, run, &number);
		/* Leaves that were made behind it. */
		if (!n && !part->ages->whole)
			n = next_run(part, RUN_LEAVES, run, &number);
		if (!n && !part->ages->whole)
			end_round(part);
		if (n) {
			u64 first = (u64)number << TARN_LEAF_SHIFT;

			bitmap_zero(young, RUN_LEAVES * TARN_LEAF_PAGES);
			tarn_young_collect(part, first, n * TARN_LEAF_PAGES,
					   young);
			for (i = 0; i < n; i++)
				*pages += look_leaf(part, run[i],
						    first + i * TARN_LEAF_PAGES,
						    young, i * TARN_LEAF_PAGES);
		}
		mutex_unlock(&part->hand_lock);
		if (!n)
			break;
		done += n;
		cond_resched();
	}
	return done;
}
