// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: The search for patterns, and for pages that hold the same
 *
 * The scanner goes round the leaves of a partition and looks at what pages hold that are
 * in frames and cold. Of most the first words tell. What looks like a pattern is unmapped
 * and looked at once more (page/evict.c). A leaf at a time is looked at, in between the
 * looks of age.c, and counts for the scanner's share of a processor.
 *
 * In a domain the leaf is looked at for what holds the same as others, too (match.c).
 *
 * A way round begins WAIT after the one before began; where the scanner has a greater share of
 * a processor than at first, sooner in the same measure, down to WAIT_LEAST. If the way found
 * next to nothing the wait is twice as long each time: memory that was looked at may have become a pattern
 * only by being written, and then it was hot for a while. It is short again when the
 * partition grows, as when a guest boots: what is new was not looked at. While a way round
 * finds much the scanner takes a greater share of a processor (scan.c).
 *
 * A block that is one 2 MiB frame is split only if no page of it is in use and most of
 * them are patterns.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "page/block.h"
#include "page/evict.h"
#include "policy/cold.h"
#include "policy/match.h"
#include "policy/scan.h"
#include "policy/search.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"
#include "trace.h"

#define WAIT		(10UL * HZ)
#define WAIT_LEAST	(1UL * HZ)
/* It is so often twice as long: some ten minutes. */
#define BACK_MOST	6
/* One in so many is next to nothing. */
#define FEW_PART	256
/* One in so many is much. */
#define MUCH_PART	16
/* Of its pages so many are new when it has grown. */
#define GROWN_PART	16
/* Pages of a block that may be no patterns if it is split. */
#define BLOCK_OTHERS	(TARN_BLOCK_PAGES / 4)

/* A partition is made; it goes with it. */
int tarn_search_create(struct tarn_partition *part)
{
	struct tarn_search *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return -ENOMEM;
	s->whole = true;
	s->began = jiffies;
	part->search = s;
	return 0;
}

/* ---- pages -------------------------------------------------------------- */

/**
 * struct look - a look at some pages of a leaf
 * @part: the partition; the caller holds its pin
 * @leaf: the leaf
 * @first: its first page
 * @even_used: pages that are not cold are looked at as well
 * @block: what becomes of its block, if that is one frame
 * @looked: pages that were looked at
 * @batch: what goes
 */
struct look {
	struct tarn_partition *part;
	struct tarn_leaf *leaf;
	u64 first;
	bool even_used;
	enum { BLOCK_UNSEEN, BLOCK_STAYS, BLOCK_PARTED } block;
	unsigned int looked;
	struct tarn_evict_batch batch;
};

static bool may_go(const struct look *l, u64 e)
{
	return tarn_cold_may_take(l->part, e, l->even_used);
}

static bool looks_known(struct tarn_pool *pool, u64 e)
{
	struct page *page = tarn_frame_get(pool, tarn_entry_payload(e));
	bool known;
	u64 word;

	if (!page)
		return false;
	known = !tarn_poisoned(page) && tarn_pattern_find(page, &word);
	put_page(page);
	return known;
}

/* Are all of its pages cold, and most of them patterns? */
static bool pays_to_part(struct look *l)
{
	unsigned int i, others = 0;

	for (i = 0; i < TARN_BLOCK_PAGES && others <= BLOCK_OTHERS; i++) {
		u64 e = atomic64_read(&l->leaf->entry[i]);

		if (!may_go(l, e))
			return false;
		l->looked++;
		others += !looks_known(l->part->pool, e);
	}
	return others <= BLOCK_OTHERS;
}

/* False: the page is part of a 2 MiB frame, which stays. */
static bool is_parted(struct look *l, u64 index, u64 e)
{
	if (!tarn_block_is_whole(l->part->pool, e))
		return true;
	if (l->block == BLOCK_UNSEEN) {
		l->block = BLOCK_STAYS;
		if (pays_to_part(l) && tarn_block_part(l->part, l->leaf, index))
			l->block = BLOCK_PARTED;
	}
	return l->block == BLOCK_PARTED;
}

static void look_at(struct look *l, u64 index)
{
	atomic64_t *entry = tarn_leaf_entry(l->leaf, index);
	u64 e = atomic64_read(entry);

	if (!may_go(l, e) || !is_parted(l, index, e))
		return;
	l->looked++;
	/* Another one, if its block was parted just now. */
	e = atomic64_read(entry);
	if (!may_go(l, e))
		return;
	tarn_evict_add(&l->batch, index, entry, e, false);
	if (tarn_batch_is_full(&l->batch.pages))
		tarn_evict_flush(&l->batch);
}

/* Look at pages of a leaf. Returns how many went. */
static unsigned int look_at_leaf(struct look *l, u64 from, u64 to)
{
	u64 i;

	lockdep_assert_held_read(&l->part->pin);
	l->first = ALIGN_DOWN(from, TARN_LEAF_PAGES);
	l->block = BLOCK_UNSEEN;
	l->looked = 0;
	tarn_evict_begin(&l->batch, l->part);
	l->batch.known_only = true;
	for (i = from; i < to; i++)
		look_at(l, i);
	tarn_evict_flush(&l->batch);
	if (l->looked)
		trace_tarn_search(l->part->id, from, l->looked, l->batch.freed);
	return l->batch.freed;
}

/* ---- the scanner -------------------------------------------------------- */

/* There is reason to think that there is something to find. */
void tarn_search_soon(struct tarn_partition *part)
{
	WRITE_ONCE(part->search->back, 0);
}

/* How long after the last way round began the next one does. */
static unsigned long wait_of(struct tarn_partition *part)
{
	unsigned long share = max(READ_ONCE(part->pool->scan_permille),
				  TARN_SCAN_PERMILLE_DEFAULT);

	return max(WAIT * TARN_SCAN_PERMILLE_DEFAULT / share, WAIT_LEAST)
	       << READ_ONCE(part->search->back);
}

static u64 held(struct tarn_partition *part)
{
	return tarn_partition_resident(part) +
	       max_t(s64, 0, atomic64_read(&part->paged));
}

static bool has_grown(struct tarn_partition *part)
{
	u64 before = part->search->held;

	return held(part) > before + before / GROWN_PART + TARN_LEAF_PAGES;
}

/* Is it on its way, or about to begin? */
bool tarn_search_due(struct tarn_partition *part)
{
	struct tarn_search *s = part->search;

	/* What is in a store was looked at. A child's pages stay as they are. */
	if (!part->pool->paging || !atomic64_read(&part->nr_leaves) ||
	    tarn_partition_is_store(part) || tarn_partition_is_child(part))
		return false;
	if (s->whole && READ_ONCE(s->back) && has_grown(part))
		tarn_search_soon(part);
	return !s->whole || time_after_eq(jiffies, s->began + wait_of(part));
}

/* Does it find much on its way? */
bool tarn_search_pays(struct tarn_partition *part)
{
	const struct tarn_search *s = part->search;

	return !s->whole && s->looked >= TARN_LEAF_PAGES &&
	       s->found * MUCH_PART >= s->looked;
}

static void begin(struct tarn_partition *part)
{
	struct tarn_search *s = part->search;

	s->held = held(part);
	s->whole = false;
	s->began = jiffies;
	s->at = 0;
	s->looked = 0;
	s->found = 0;
}

static void end(struct tarn_partition *part)
{
	struct tarn_search *s = part->search;

	s->whole = true;
	WRITE_ONCE(s->back, s->found * FEW_PART < s->looked ?
			    min(s->back + 1, BACK_MOST) : 0);
}

/**
 * tarn_search_step() - look at the next leaf
 * @part: partition, of which the search is due; the caller holds its pin
 *
 * Context: process; the scanner.
 * Return: false if there was none.
 */
bool tarn_search_step(struct tarn_partition *part)
{
	struct tarn_search *s = part->search;
	struct tarn_match_seen seen = {};
	struct look l = { .part = part };
	u64 first;

	if (s->whole)
		begin(part);
	l.leaf = xa_find(&part->leaves, &s->at, ULONG_MAX, XA_PRESENT);
	if (!l.leaf) {
		end(part);
		return false;
	}
	first = (u64)s->at++ << TARN_LEAF_SHIFT;
	s->found += look_at_leaf(&l, first, first + TARN_LEAF_PAGES);
	s->looked += l.looked;
	tarn_match_leaf(part, l.leaf, first, first + TARN_LEAF_PAGES, false,
			&seen);
	s->found += seen.merged;
	atomic64_add(l.looked, &s->pages);
	atomic64_add(l.looked, &part->pool->searched);
	return true;
}

/* ---- where somebody says ------------------------------------------------ */

/**
 * tarn_search_pages() - give up what is a pattern of a few pages that are said to be cold
 * @part: partition; the caller holds its pin, with an inode
 * @first: first page
 * @end: page after the last one
 *
 * Context: process.
 */
void tarn_search_pages(struct tarn_partition *part, u64 first, u64 end)
{
	struct look l = { .part = part };

	if (!part->pool->paging)
		return;
	while (first < end) {
		u64 next = min(end, ALIGN(first + 1, TARN_LEAF_PAGES));

		l.leaf = tarn_partition_leaf(part, first, false);
		if (l.leaf)
			look_at_leaf(&l, first, next);
		first = next;
	}
}

/**
 * tarn_search_range() - TARN_PARTITION_PATTERNS
 * @part: partition; the caller has its inode
 * @start: first page
 * @count: pages, within the file
 * @done: how many of them gave up a frame
 *
 * Context: process; any signal ends it.
 * Return: 0 or -ERESTARTSYS.
 */
long tarn_search_range(struct tarn_partition *part, u64 start, u64 count,
		       u64 *done)
{
	struct look l = { .part = part, .even_used = true };
	unsigned long at;
	u64 end = start + count;

	if (!count)
		return 0;
	xa_for_each_range(&part->leaves, at, l.leaf, start >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 first = (u64)at << TARN_LEAF_SHIFT;

		down_read(&part->pin);
		*done += look_at_leaf(&l, max(start, first),
				      min(end, first + TARN_LEAF_PAGES));
		up_read(&part->pin);
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
	return 0;
}
