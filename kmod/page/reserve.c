// SPDX-License-Identifier: GPL-2.0-only
/* See reserve.h. */
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "page/evict.h"
#include "page/reserve.h"
#include "pool/partition.h"
#include "pool/pool.h"

static unsigned int bit_of(u64 index)
{
	return index & (TARN_LEAF_PAGES - 1);
}

static struct tarn_reserve *reserve_of(struct tarn_partition *part,
				       struct tarn_leaf *leaf)
{
	struct tarn_reserve *r = READ_ONCE(leaf->reserve), *other;

	if (r)
		return r;
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return NULL;
	other = cmpxchg(&leaf->reserve, NULL, r);
	if (other) {
		kfree(r);
		return other;
	}
	atomic64_add(sizeof(*r), &part->pool->metadata);
	return r;
}

/**
 * tarn_reserve_add() - a page keeps its place from now on
 * @part: partition, with its reserve_lock
 * @index: page; the caller holds a reference of its frame
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int tarn_reserve_add(struct tarn_partition *part, u64 index)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, true);
	struct tarn_reserve *r = leaf ? reserve_of(part, leaf) : NULL;

	lockdep_assert_held(&part->reserve_lock);
	if (!r)
		return -ENOMEM;
	if (test_bit(bit_of(index), r->page))
		return 0;
	/* In this order: a hint of the guest's may cut the page away at the same time. */
	set_bit(bit_of(index), r->fresh);
	set_bit(bit_of(index), r->page);
	return 0;
}

/* Does a page keep its place though it is zero? */
bool tarn_reserved(struct tarn_partition *part, u64 index)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, false);
	struct tarn_reserve *r = leaf ? READ_ONCE(leaf->reserve) : NULL;

	return r && test_bit(bit_of(index), r->page);
}

/* The page is cut away. */
void tarn_reserve_clear(struct tarn_leaf *leaf, u64 index)
{
	struct tarn_reserve *r = READ_ONCE(leaf->reserve);

	if (!r || !test_bit(bit_of(index), r->page))
		return;
	clear_bit(bit_of(index), r->page);
	clear_bit(bit_of(index), r->fresh);
}

/* The next page in [@index, @end) that the call reserved, or @end. */
static u64 next_fresh(struct tarn_partition *part, u64 index, u64 end)
{
	while (index < end) {
		unsigned long at = index >> TARN_LEAF_SHIFT;
		struct tarn_leaf *leaf = xa_find(&part->leaves, &at, ULONG_MAX,
						 XA_PRESENT);
		u64 base = (u64)at << TARN_LEAF_SHIFT;
		unsigned int i = 0;

		if (!leaf)
			return end;
		if (base < index)
			i = bit_of(index);
		if (leaf->reserve)
			i = find_next_bit(leaf->reserve->fresh, TARN_LEAF_PAGES,
					  i);
		else
			i = TARN_LEAF_PAGES;
		if (i < TARN_LEAF_PAGES)
			return min(base + i, end);
		index = base + TARN_LEAF_PAGES;
		cond_resched();
	}
	return end;
}

/* By who reserved it; whoever cuts the page away meanwhile may have done so before. */
static void clear_fresh(struct tarn_partition *part, u64 index)
{
	clear_bit(bit_of(index),
		  tarn_partition_leaf(part, index, false)->reserve->fresh);
}

/**
 * tarn_reserve_commit() - all of a range is reserved
 * @part: partition, with its reserve_lock
 * @first: first page
 * @end: page after the last one
 *
 * Context: process.
 */
void tarn_reserve_commit(struct tarn_partition *part, u64 first, u64 end)
{
	lockdep_assert_held(&part->reserve_lock);
	for (; (first = next_fresh(part, first, end)) < end; first++)
		clear_fresh(part, first);
}

/* Until who has the page in hand is done with it. */
static void wait_for_page(struct tarn_partition *part, u64 e)
{
	struct page *page = tarn_frame_get(part->pool, tarn_entry_payload(e));

	if (!page)
		return;
	lock_page(page);
	unlock_page(page);
	put_page(page);
}

static bool give_up_now(struct tarn_evict_batch *batch, u64 index,
			atomic64_t *entry, u64 e)
{
	return !tarn_entry_mark(e) &&
	       tarn_evict_add(batch, index, entry, e, false);
}

/*
 * Reclaim may have taken the page in hand just now, and leaves it where it is because it
 * was reserved: nobody would look at it again before the pool is short.
 */
static void give_up(struct tarn_evict_batch *batch, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(batch->pages.part, index);
	u64 e = atomic64_read(entry);

	if (!tarn_entry_has_frame(e))
		return;
	if (!give_up_now(batch, index, entry, e)) {
		tarn_evict_flush(batch);
		wait_for_page(batch->pages.part, e);
		e = atomic64_read(entry);
		if (tarn_entry_has_frame(e))
			give_up_now(batch, index, entry, e);
	}
	if (tarn_batch_is_full(&batch->pages))
		tarn_evict_flush(batch);
}

/**
 * tarn_reserve_abort() - a range could not be reserved
 * @part: partition, with its reserve_lock
 * @first: first page
 * @end: page after the last one
 *
 * What the call did reserve is as before. Pages that are patterns give up their frames,
 * which they have from this call, or could spare.
 *
 * Context: process; does not wait for I/O.
 */
void tarn_reserve_abort(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_evict_batch batch;

	lockdep_assert_held(&part->reserve_lock);
	down_read(&part->pin);
	/* Nobody else selects pages meanwhile. */
	mutex_lock(&part->hand_lock);
	tarn_evict_begin(&batch, part);
	batch.known_only = true;
	for (; (first = next_fresh(part, first, end)) < end; first++) {
		clear_fresh(part, first);
		tarn_reserve_clear(tarn_partition_leaf(part, first, false),
				   first);
		give_up(&batch, first);
	}
	tarn_evict_flush(&batch);
	mutex_unlock(&part->hand_lock);
	up_read(&part->pin);
}
