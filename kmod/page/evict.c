// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving pages up: pages are taken in hand one by one, unmapped together and
 * settled one by one. They are unmapped in runs, as each run costs one pass over
 * the mappings with one round of TLB flushes and MMU notifiers; only then it
 * shows whether somebody holds a page by other means. A run goes across pages that
 * have no frame, and across idle ones, as whoever takes the pages says: to map
 * those again, if they are used, costs less than a pass more.
 */
#include <linux/cache.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/string.h>

#include "page/evict.h"
#include "pager/drop.h"
#include "pager/io.h"
#include "policy/age.h"
#include "policy/reclaim.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"

/* Most pages show at once that they are not. */
#define FIRST_LOOK	SMP_CACHE_BYTES

static bool begins_with_zeroes(struct page *page, size_t bytes)
{
	const void *p = tarn_poison_look(page, bytes);
	bool zeroes;

	if (!p)
		return false;
	zeroes = !memchr_inv(p, 0, bytes);
	tarn_poison_looked();
	return zeroes;
}

static bool page_is_zero(struct page *page)
{
	return begins_with_zeroes(page, FIRST_LOOK) &&
	       begins_with_zeroes(page, PAGE_SIZE);
}

/* Worth no frame and no I/O. */
static bool is_empty(struct tarn_partition *part, u64 index, struct page *page)
{
	return page_is_zero(page) && !tarn_reserved(part, index);
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
	bool served = tarn_pool_served(pool) && !tarn_stores_hang(pool);

	*batch = (struct tarn_evict_batch) {
		.part = part,
		.can_store = served && (!READ_ONCE(pool->full) ||
					atomic_read(&pool->room) > 0),
		.can_overwrite = served,
	};
}

/* The pager has the page already. */
static bool may_drop(const struct tarn_evict_batch *batch, struct page *page,
		     u64 copy)
{
	return copy && !tarn_frame_dirty(page) && !batch->zero_only;
}

static bool may_store(const struct tarn_evict_batch *batch, u64 copy)
{
	if (batch->zero_only)
		return false;
	return copy ? batch->can_overwrite : batch->can_store;
}

/* Unmapping a page that has nowhere to go would only cost its guest a fault. */
static bool has_a_way(struct tarn_evict_batch *batch, u64 index,
		      struct page *page, u64 copy)
{
	if (may_drop(batch, page, copy))
		return true;
	if (tarn_poisoned(page))
		return false;
	return may_store(batch, copy) || is_empty(batch->part, index, page);
}

/**
 * tarn_evict_add() - take a page in hand
 * @batch: with room, and no page after @index
 * @index: page
 * @e: its entry, resident and without a mark
 * @joined: pages between the one before in the batch and this one may be
 *	unmapped as well
 *
 * Return: false if it is pinned, somebody else has it, or it has nowhere to go.
 */
bool tarn_evict_add(struct tarn_evict_batch *batch, u64 index, u64 e,
		    bool joined)
{
	struct tarn_partition *part = batch->part;
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 frame = tarn_entry_payload(e);
	struct page *page;

	if (tarn_entry_pinned(e) ||
	    WARN_ON_ONCE(batch->count == TARN_EVICT_BATCH))
		return false;
	page = tarn_frame_get(part->pool, frame);
	if (!page)
		return false;
	if (!tarn_entry_is_frame(atomic64_read(entry), frame) ||
	    !trylock_page(page))
		goto err_put;
	if (tarn_poisoned(page))
		tarn_poison_page(part, index, frame);
	if (!has_a_way(batch, index, page,
		       READ_ONCE(tarn_frame(part->pool, frame)->copy)))
		goto err_lock;
	if (!tarn_entry_change(part, index, entry, &e,
			       tarn_entry_with_mark(e, TARN_MARK_OUT)))
		goto err_lock;
	/* The mark keeps the frame now. */
	put_page(page);
	atomic64_inc(&part->leaving);
	batch->page[batch->count].index = index;
	batch->page[batch->count].frame = frame;
	__assign_bit(batch->count, batch->joined, joined);
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
	unsigned int i, j;

	for (i = 0; i < batch->count; i = j) {
		u64 first = batch->page[i].index;

		for (j = i + 1; j < batch->count; j++)
			if (!test_bit(j, batch->joined) &&
			    !gap_is_free(batch->part,
					 batch->page[j - 1].index + 1,
					 batch->page[j].index))
				break;
		tarn_partition_unmap(batch->part, first,
				     batch->page[j - 1].index - first + 1);
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

/* A clean page that was marked OUT and unmapped is with the pager only. */
static void drop_clean(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, u64 frame)
{
	struct tarn_frame *f = tarn_frame(part->pool, frame);

	change_locked(part, index, tarn_entry_gone(part->pool,
						   atomic64_read(entry),
						   f->copy));
	f->copy = TARN_COOKIE_NONE;
	atomic64_inc(&part->pool->evictions);
	tarn_partition_left(part, frame);
	tarn_partition_add_paged(part, 1);
	tarn_stats_add(part, TARN_STAT_CLEAN_DROPS, 1);
}

/* What becomes of a page that is unmapped. */
enum outcome {
	OUTCOME_KEPT,	/* it stays where it is */
	OUTCOME_GONE,	/* its frame is nobody's any more */
	OUTCOME_STORE,	/* it is to be stored */
};

static enum outcome settle(struct tarn_evict_batch *batch, unsigned int i)
{
	struct tarn_partition *part = batch->part;
	struct tarn_pool *pool = part->pool;
	u64 index = batch->page[i].index, frame = batch->page[i].frame;
	struct page *page = tarn_frame_page(pool, frame);
	struct tarn_frame *f = tarn_frame(pool, frame);
	u64 copy = f->copy;

	/* Who holds a clean page only reads, and may go on where it can't be read. */
	if (!tarn_frame_idle(page) && !tarn_poisoned(page))
		goto keep;
	if (may_drop(batch, page, copy)) {
		drop_clean(part, index, tarn_partition_entry(part, index),
			   frame);
		return OUTCOME_GONE;
	}
	if (tarn_poisoned(page))
		goto keep;
	if (is_empty(part, index, page)) {
		change_locked(part, index, tarn_entry_make(TARN_PAGE_EMPTY, 0));
		tarn_stats_add(part, TARN_STAT_ZERO_DROPS, 1);
		if (copy)
			batch->copies[batch->dropped++] = copy;
	} else {
		/* It may have been written since it was taken in hand. */
		if (may_store(batch, copy) &&
		    (copy || tarn_pool_take_room(pool)))
			return OUTCOME_STORE;
		goto keep;
	}
	f->copy = TARN_COOKIE_NONE;
	atomic64_inc(&pool->evictions);
	tarn_partition_left(part, frame);
	return OUTCOME_GONE;
keep:
	keep(batch, i);
	return OUTCOME_KEPT;
}

/* Add a page that is to be stored to those that are sent together. False: it stays. */
static bool send(struct tarn_evict_batch *batch, unsigned int i,
		 struct list_head *stores)
{
	struct tarn_partition *part = batch->part;
	u64 frame = batch->page[i].frame;

	if (!tarn_store_add(stores, part, batch->page[i].index, frame)) {
		batch->sent++;
		return true;
	}
	/* Nothing was written: what it would have taken up is there again. */
	if (!tarn_frame(part->pool, frame)->copy)
		tarn_pool_room_made(part->pool);
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
		u64 frame = batch->page[i].frame;
		struct page *page = tarn_frame_page(part->pool, frame);
		enum outcome outcome = settle(batch, i);

		/* Those that are stored leave until they are. */
		if (outcome != OUTCOME_STORE || !send(batch, i, &stores))
			atomic64_dec(&part->leaving);
		unlock_page(page);
		if (outcome != OUTCOME_GONE)
			continue;
		/* Only now: from here on its chunk may go, and the page with it. */
		tarn_frame_release(part->pool, frame);
		batch->freed++;
	}
	if (!list_empty(&stores))
		tarn_store_submit(part->pool, &stores);
	/* It needs memory, for which nobody shall wait with pages locked. */
	for (i = 0; i < batch->dropped; i++)
		tarn_cookie_drop(part->pool, batch->copies[i]);
	tarn_cookie_end(section);
	batch->count = 0;
	batch->dropped = 0;
}

/**
 * tarn_evict_poisoned() - give up a page whose frame has a memory error
 * @part: partition; the caller has its inode
 * @index: page
 * @entry: its entry
 * @frame: where it is
 * @page: of the frame, locked
 *
 * Only what has a valid copy and is not on its way out already can be: for its
 * content nothing has to be read.
 *
 * Context: process.
 * Return: true if it is paged now and the frame retired.
 */
bool tarn_evict_poisoned(struct tarn_partition *part, u64 index,
			 atomic64_t *entry, u64 frame, struct page *page)
{
	struct tarn_frame *f = tarn_frame(part->pool, frame);
	u64 e = atomic64_read(entry);

	if (!f->copy || tarn_frame_dirty(page))
		return false;
	do {
		if (!tarn_entry_is_frame(e, frame) || tarn_entry_mark(e))
			return false;
	} while (!tarn_entry_change(part, index, entry, &e,
				    tarn_entry_with_mark(e, TARN_MARK_OUT)));
	tarn_partition_unmap(part, index, 1);
	drop_clean(part, index, entry, frame);
	tarn_frame_release(part->pool, frame);
	return true;
}

/*
 * Is there a copy of a page, and is it of no use, or, without room for it, of none but
 * to save I/O?
 */
static bool has_spare(struct tarn_partition *part, u64 index, u64 frame,
		      struct page *page, bool outdated_only)
{
	u64 e = atomic64_read(tarn_partition_entry(part, index));

	if (!tarn_entry_is_frame(e, frame) || tarn_entry_mark(e) ||
	    !tarn_frame(part->pool, frame)->copy)
		return false;
	/* Of a clean page whose frame has a memory error it is all that is left. */
	return tarn_frame_dirty(page) ||
	       (!outdated_only && !tarn_poisoned(page));
}

/* In one section, as whoever names a cookie no more has to tell so. */
static void drop_copy(struct tarn_partition *part, u64 frame,
		      struct drop_batch *room)
{
	int section = tarn_cookie_begin();
	u64 copy = TARN_COOKIE_NONE;

	swap(copy, tarn_frame(part->pool, frame)->copy);
	tarn_frame_set_dirty(tarn_frame_page(part->pool, frame));
	tarn_cookie_drop_into(part->pool, copy, room);
	tarn_cookie_end(section);
}

/**
 * tarn_evict_copy() - have the pager forget the copy of a page that stays
 * @part: partition; the caller holds its pin
 * @index: page
 * @e: its entry, resident and without a mark
 * @outdated_only: if the copy is valid it is kept
 *
 * Without its copy the page is dirty. A valid copy is kept, too, where the page can't
 * be read any more, and any where there is no memory for its drop at hand: pages that
 * the caller has locked wait for none.
 *
 * Context: process; does not wait for the pager.
 */
void tarn_evict_copy(struct tarn_partition *part, u64 index, u64 e,
		     bool outdated_only)
{
	u64 frame = tarn_entry_payload(e);
	struct page *page = tarn_frame_get(part->pool, frame);
	struct drop_batch *room;

	lockdep_assert_held_read(&part->pin);
	if (!page)
		return;
	if (!trylock_page(page))
		goto out;
	if (has_spare(part, index, frame, page, outdated_only)) {
		room = tarn_drop_room();
		if (room)
			drop_copy(part, frame, room);
	}
	unlock_page(page);
out:
	put_page(page);
}
