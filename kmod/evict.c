// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving pages up. Pages are unmapped in runs, as each run costs one pass over
 * the mappings with one round of TLB flushes and MMU notifiers; only then it
 * shows whether somebody holds a page by other means.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/string.h>

#include "age.h"
#include "evict.h"
#include "io.h"
#include "pager.h"
#include "partition.h"
#include "pool.h"
#include "reclaim.h"

static bool page_is_zero(struct page *page)
{
	void *p = kmap_local_page(page);
	bool zero = !memchr_inv(p, 0, PAGE_SIZE);

	kunmap_local(p);
	return zero;
}

/**
 * tarn_evict_begin() - an empty batch
 * @batch: to begin
 * @part: partition that the pages will be of
 */
void tarn_evict_begin(struct tarn_evict_batch *batch,
		      struct tarn_partition *part)
{
	struct tarn_pool *pool = part->pool;
	bool served = tarn_pool_served(pool);

	*batch = (struct tarn_evict_batch) {
		.part = part,
		.can_store = served && (!READ_ONCE(pool->full) ||
					atomic_read(&pool->room) > 0),
		.can_overwrite = served,
	};
}

/* Unmapping a page that has nowhere to go would only cost its guest a fault. */
static bool has_a_way(struct tarn_evict_batch *batch, struct page *page,
		      u64 copy)
{
	if (batch->can_store || (copy && !PageDirty(page)))
		return true;
	return (copy && batch->can_overwrite) || page_is_zero(page);
}

/**
 * tarn_evict_add() - take a page in hand
 * @batch: with room, and no page after @index
 * @index: page
 * @e: its entry, resident and without a mark
 *
 * Return: false if it is pinned, somebody else has it, or it has nowhere to go.
 */
bool tarn_evict_add(struct tarn_evict_batch *batch, u64 index, u64 e)
{
	struct tarn_partition *part = batch->part;
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 frame = tarn_entry_payload(e);
	struct page *page;

	if (tarn_entry_pinned(e))
		return false;
	page = tarn_frame_get(part->pool, frame);
	if (!page)
		return false;
	if (tarn_entry_pinned(e) ||
	    !tarn_entry_is_frame(atomic64_read(entry), frame) ||
	    !trylock_page(page))
		goto err_put;
	if (!has_a_way(batch, page, READ_ONCE(tarn_frame(part->pool,
							 frame)->copy)))
		goto err_lock;
	if (!tarn_entry_change(part, index, entry, &e,
			       tarn_entry_with_mark(e, TARN_MARK_OUT)))
		goto err_lock;
	/* The mark keeps the frame now. */
	put_page(page);
	batch->page[batch->count].index = index;
	batch->page[batch->count].frame = frame;
	batch->page[batch->count].page = page;
	batch->count++;
	return true;

err_lock:
	unlock_page(page);
err_put:
	put_page(page);
	return false;
}

/* No page between @from and @to has a frame that would be unmapped for nothing. */
static bool gap_is_free(struct tarn_partition *part, u64 from, u64 to)
{
	u64 i;

	if (to - from > TARN_EVICT_BATCH)
		return false;
	for (i = from; i < to; i++) {
		atomic64_t *entry = tarn_partition_entry(part, i);

		if (entry && tarn_entry_state(atomic64_read(entry)) ==
			     TARN_PAGE_RESIDENT)
			return false;
	}
	return true;
}

static void unmap(struct tarn_evict_batch *batch)
{
	struct address_space *mapping = batch->part->inode->i_mapping;
	unsigned int i, j;

	for (i = 0; i < batch->count; i = j) {
		u64 first = batch->page[i].index;

		for (j = i + 1; j < batch->count; j++)
			if (!gap_is_free(batch->part,
					 batch->page[j - 1].index + 1,
					 batch->page[j].index))
				break;
		unmap_mapping_pages(mapping, first,
				    batch->page[j - 1].index - first + 1,
				    false);
	}
}

/* Nobody takes a page from under its lock, so the entry can't have changed. */
static void change_locked(struct tarn_partition *part, u64 index, u64 to)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = atomic64_read(entry);

	while (!tarn_entry_change(part, index, entry, &e, to))
		cpu_relax();
	tarn_entry_wake(entry);
}

static void keep(struct tarn_evict_batch *batch, unsigned int i)
{
	atomic64_t *entry = tarn_partition_entry(batch->part,
						 batch->page[i].index);
	u64 e = atomic64_read(entry);

	change_locked(batch->part, batch->page[i].index,
		      tarn_entry_with_mark(e, TARN_MARK_NONE));
	batch->busy++;
}

/* What becomes of an unmapped page. True: it is to be stored. */
static bool settle(struct tarn_evict_batch *batch, unsigned int i)
{
	struct tarn_partition *part = batch->part;
	struct tarn_pool *pool = part->pool;
	u64 index = batch->page[i].index, frame = batch->page[i].frame;
	struct page *page = batch->page[i].page;
	struct tarn_frame *f = tarn_frame(pool, frame);
	u64 copy = f->copy;

	if (!tarn_frame_idle(page))
		goto keep;
	if (copy && !PageDirty(page)) {
		atomic64_t *entry = tarn_partition_entry(part, index);

		change_locked(part, index,
			      tarn_entry_gone(pool, atomic64_read(entry),
					      copy));
		tarn_partition_add_paged(part, 1);
		tarn_stats_add(part, TARN_STAT_CLEAN_DROPS, 1);
	} else if (page_is_zero(page)) {
		change_locked(part, index, tarn_entry_make(TARN_PAGE_EMPTY, 0));
		tarn_stats_add(part, TARN_STAT_ZERO_DROPS, 1);
		if (copy)
			tarn_cookie_drop(pool, copy);
	} else {
		if (copy || tarn_pool_take_room(pool))
			return true;
		goto keep;
	}
	f->copy = TARN_COOKIE_NONE;
	atomic64_inc(&pool->evictions);
	tarn_partition_add_resident(part, -1);
	tarn_frame_release(pool, frame);
	batch->freed++;
	return false;
keep:
	keep(batch, i);
	return false;
}

/**
 * tarn_evict_flush() - give up what is in hand
 * @batch: is empty afterwards, its counts added to
 *
 * Context: process; does not wait for the pager.
 */
void tarn_evict_flush(struct tarn_evict_batch *batch)
{
	struct tarn_partition *part = batch->part;
	LIST_HEAD(stores);
	unsigned int i;
	int section;

	lockdep_assert_held_read(&part->pin);
	if (!batch->count)
		return;
	unmap(batch);
	section = tarn_cookie_begin();
	for (i = 0; i < batch->count; i++) {
		if (settle(batch, i)) {
			if (tarn_store_add(&stores, part, batch->page[i].index,
					   batch->page[i].frame))
				keep(batch, i);
			else
				batch->sent++;
		}
		unlock_page(batch->page[i].page);
	}
	tarn_cookie_end(section);
	batch->count = 0;
	if (!list_empty(&stores))
		tarn_store_submit(part->pool, &stores);
}

/**
 * tarn_evict_copy() - have the pager forget the copy of a page that stays
 * @part: partition; the caller holds its pin
 * @index: page
 * @e: its entry, resident and without a mark
 * @outdated_only: if the copy is valid it is kept
 *
 * Without its copy the page is dirty.
 *
 * Context: process; does not wait for the pager.
 */
void tarn_evict_copy(struct tarn_partition *part, u64 index, u64 e,
		     bool outdated_only)
{
	u64 frame = tarn_entry_payload(e), now, copy = TARN_COOKIE_NONE;
	struct page *page = tarn_frame_get(part->pool, frame);
	int section;

	if (!page)
		return;
	if (!trylock_page(page))
		goto out;
	section = tarn_cookie_begin();
	now = atomic64_read(tarn_partition_entry(part, index));
	if (tarn_entry_is_frame(now, frame) && !tarn_entry_mark(now) &&
	    (PageDirty(page) || !outdated_only))
		swap(copy, tarn_frame(part->pool, frame)->copy);
	if (copy) {
		SetPageDirty(page);
		tarn_cookie_drop(part->pool, copy);
	}
	tarn_cookie_end(section);
	unlock_page(page);
out:
	put_page(page);
}
