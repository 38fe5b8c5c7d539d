// SPDX-License-Identifier: GPL-2.0-only
/* TARN_PARTITION_PAGE_OUT: giving up what somebody asks for. */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "page/evict.h"
#include "page/pageout.h"
#include "page/share.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/wait.h"

static bool going_out(atomic64_t *entry)
{
	enum tarn_mark mark = tarn_entry_mark(atomic64_read(entry));

	return mark == TARN_MARK_OUT;
}

/* The next leaf of a range, and where that goes on in it. NULL: no page is left. */
static struct tarn_leaf *next_leaf(struct tarn_partition *part, u64 *i, u64 end)
{
	unsigned long at = *i >> TARN_LEAF_SHIFT;
	struct tarn_leaf *leaf;

	if (*i == end)
		return NULL;
	leaf = xa_find(&part->leaves, &at, (end - 1) >> TARN_LEAF_SHIFT,
		       XA_PRESENT);
	if (leaf)
		*i = max(*i, (u64)at << TARN_LEAF_SHIFT);
	return leaf;
}

/* Where a range ends within the block of so many pages that a page is in. */
static u64 end_within(u64 i, u64 end, u64 pages)
{
	return min(end, ALIGN_DOWN(i, pages) + pages);
}

/* Pages that have no frame are counted, those of leaves that are not there, too. */
static long wait_for_stores(struct tarn_partition *part, u64 start, u64 count,
			    u64 *done)
{
	struct tarn_wait wait = { .end = TARN_WAIT_SIGNAL };
	u64 i = start, end = start + count, resident = 0;
	struct tarn_leaf *leaf;
	int ret;

	while ((leaf = next_leaf(part, &i, end))) {
		u64 next = end_within(i, end, TARN_LEAF_PAGES);

		for (; i < next; i++) {
			atomic64_t *entry = tarn_leaf_entry(leaf, i);

			ret = tarn_wait_var(entry, !going_out(entry), &wait);
			if (ret)
				return ret;
			if (tarn_entry_has_frame(atomic64_read(entry)))
				resident++;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	*done = count - resident;
	return 0;
}

/* A page whose use was noted in between goes all the same: it was asked for. */
static void take_page(struct tarn_evict_batch *batch, u64 index,
		      atomic64_t *entry)
{
	u64 e = atomic64_read(entry), was;

	do {
		if (!tarn_entry_has_frame(e) ||
		    tarn_entry_mark(e) ||
		    tarn_evict_add(batch, index, entry, e, false))
			return;
		was = e;
		e = atomic64_read(entry);
	} while (e != was);
}

/* Take what can go of so few pages of a leaf that all of them fit. */
static void take_range(struct tarn_evict_batch *batch, struct tarn_leaf *leaf,
		       u64 i, u64 end)
{
	for (; i < end; i++)
		take_page(batch, i, tarn_leaf_entry(leaf, i));
}

/* Not more than are allowed, but one block may wait for the one before. */
static bool may_go_on(const struct tarn_stores *stores,
		      const struct tarn_evict_batch *batch)
{
	return tarn_stores_allowed(stores) ||
	       (batch->wide && atomic_read(&stores->under_way) <
			       READ_ONCE(stores->limit) + TARN_LEAF_PAGES);
}

/* Send what is in hand, and wait until there may be more. */
static int flush(struct tarn_evict_batch *batch)
{
	struct tarn_partition *part = batch->pages.part;
	struct tarn_stores *stores = &part->pool->stores;
	int ret;

	if (tarn_evict_count(batch)) {
		down_read(&part->pin);
		tarn_evict_flush(batch);
		up_read(&part->pin);
	}
	ret = wait_event_interruptible(stores->wait, may_go_on(stores, batch));
	cond_resched();
	return signal_pending(current) ? -ERESTARTSYS : ret;
}

/* A block as a whole, if all of it is in the range. */
static bool take_block(struct tarn_evict_batch *batch, struct tarn_leaf *leaf,
		       u64 i, u64 end)
{
	if (!IS_ALIGNED(i, TARN_LEAF_PAGES) || end - i < TARN_LEAF_PAGES)
		return false;
	batch->blocks = true;
	take_page(batch, i, tarn_leaf_entry(leaf, i));
	batch->blocks = false;
	return batch->block.leaf;
}

/*
 * Have all pages of a range given up that can be. What is left of a block that could not go
 * goes page by page, if it does.
 */
static int page_out(struct tarn_partition *part, u64 i, u64 end)
{
	struct tarn_evict_batch batch;
	struct tarn_leaf *leaf;
	int ret = 0;

	tarn_evict_begin(&batch, part);
	while (!ret && (leaf = next_leaf(part, &i, end))) {
		u64 next = end_within(i, end, TARN_BATCH_MOST);
		unsigned int stayed = batch.busy;

		if (take_block(&batch, leaf, i, end)) {
			ret = flush(&batch);
			if (batch.busy == stayed) {
				i += TARN_LEAF_PAGES;
				continue;
			}
		}
		take_range(&batch, leaf, i, next);
		i = next;
		if (!ret)
			ret = flush(&batch);
	}
	return ret;
}

/* What pages of a leaf share, one after the other: it lies anywhere in its store. */
static int page_out_shared(struct tarn_partition *store, struct tarn_leaf *leaf,
			   u64 i, u64 end)
{
	int ret = 0;
	u64 done;

	for (; i < end && !ret; i++) {
		u64 e = atomic64_read(tarn_leaf_entry(leaf, i)), canon;

		if (!tarn_canon_is_of(store, e))
			continue;
		canon = tarn_canon_of(e);
		ret = page_out(store, canon, canon + 1);
		if (!ret)
			ret = wait_for_stores(store, canon, 1, &done);
	}
	return ret;
}

/* What is shared is others' as well: only for who may give up what is theirs. */
static int give_up_shared(struct tarn_partition *part, u64 i, u64 end)
{
	struct tarn_partition *store;
	struct tarn_leaf *leaf;
	int ret = 0;

	if (!atomic64_read(&part->shared) || !capable(CAP_SYS_ADMIN))
		return 0;
	store = tarn_store_get(part);
	if (!store)
		return 0;
	while (!ret && (leaf = next_leaf(part, &i, end))) {
		u64 next = end_within(i, end, TARN_LEAF_PAGES);

		ret = page_out_shared(store, leaf, i, next);
		i = next;
	}
	tarn_partition_put(store);
	return ret;
}

static u64 count_splits(struct tarn_partition *part)
{
	return atomic64_read(&part->stats.count[TARN_STAT_BLOCK_SPLITS]);
}

/**
 * tarn_pageout_range() - TARN_PARTITION_PAGE_OUT
 * @part: partition; the caller has its inode
 * @start: first page
 * @count: pages
 * @done: how many of them have no frame when it returns
 *
 * Context: process; any signal ends it.
 * Return: 0 or -ERESTARTSYS.
 */
long tarn_pageout_range(struct tarn_partition *part, u64 start, u64 count,
			u64 *done)
{
	u64 splits = count_splits(part);
	int ret;

	BUILD_BUG_ON(TARN_LEAF_PAGES % TARN_BATCH_MOST);
	ret = page_out(part, start, start + count);
	if (!ret)
		ret = give_up_shared(part, start, start + count);
	if (!ret)
		ret = wait_for_stores(part, start, count, done);
	/* What could not be stored as a whole may go page by page. */
	if (ret || *done == count || splits == count_splits(part))
		return ret;
	ret = page_out(part, start, start + count);
	return ret ? ret : wait_for_stores(part, start, count, done);
}
