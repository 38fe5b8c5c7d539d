// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving pages up: of a batch that is unmapped (batch.h), each page is dropped, found to
 * be a pattern, or sent to the pager.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/block.h"
#include "page/evict.h"
#include "page/outdate.h"
#include "page/reserve.h"
#include "page/store.h"
#include "pager/drop.h"
#include "pager/pager.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"

/*
 * Worth no frame and no I/O: all of it is one word. Not where a frame was asked for, nor
 * where a write that needs one again would not find it.
 */
static bool is_known(struct tarn_partition *part, u64 index, struct page *page,
		     u64 *word)
{
	/* A canon is one until nobody shares it. */
	return !tarn_partition_is_store(part) &&
	       tarn_pattern_find(page, word) && (!*word || part->pool->paging) &&
	       !tarn_reserved(part, index);
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
	bool served = tarn_pool_served(pool) && !tarn_stores_hang(&pool->stores);

	tarn_batch_begin(&batch->pages, part, TARN_MARK_OUT);
	batch->can_store = served && tarn_pool_has_room(pool);
	batch->can_overwrite = served;
	batch->known_only = false;
	batch->blocks = false;
	batch->wide = batch->can_store && !READ_ONCE(pool->full) &&
		      tarn_pager_takes_wide(pool);
	batch->block.leaf = NULL;
	batch->freed = 0;
	batch->sent = 0;
	batch->busy = 0;
	batch->dropped = 0;
}

/* There is a valid copy of the page, with the pager or in a file. */
static bool may_drop(const struct tarn_evict_batch *batch, struct page *page,
		     u64 copy)
{
	return copy && !tarn_frame_dirty(page) && !batch->known_only;
}

static bool may_store(const struct tarn_evict_batch *batch, u64 copy)
{
	if (batch->known_only)
		return false;
	return copy ? batch->can_overwrite : batch->can_store;
}

/* Unmapping a page that has nowhere to go would only cost its guest a fault. */
static bool has_a_way(struct tarn_evict_batch *batch, u64 index,
		      struct page *page, u64 copy)
{
	u64 word;

	if (may_drop(batch, page, copy))
		return true;
	if (tarn_poisoned(page))
		return false;
	return may_store(batch, copy) ||
	       is_known(batch->pages.part, index, page, &word);
}

/* It goes as a whole, now or, if there is one in hand already, next time. */
static bool takes_block(struct tarn_evict_batch *batch, atomic64_t *entry,
			u64 index)
{
	struct tarn_partition *part = batch->pages.part;

	if (!batch->blocks)
		return false;
	if (batch->block.leaf)
		return true;
	if (!tarn_block_hold(&batch->block, part, tarn_leaf_of(entry), index,
			     batch->wide))
		return false;
	atomic64_add(TARN_BLOCK_PAGES, &part->leaving);
	return true;
}

/*
 * One page of a whole block is to go: so may the others. While it is held none can, and for
 * a page that has nowhere to go no block is given up.
 */
static bool may_part(struct tarn_evict_batch *batch, atomic64_t *entry, u64 index,
		     u64 e)
{
	struct tarn_partition *part = batch->pages.part;
	u64 frame = tarn_entry_payload(e);
	struct page *page;
	bool may;

	if (likely(!tarn_block_is_whole(part->pool, e)))
		return true;
	if (tarn_frame_peek_held(part->pool, frame))
		return false;
	page = tarn_frame_get(part->pool, frame);
	if (!page)
		return false;
	may = has_a_way(batch, index, page,
			tarn_frame_peek_copy(part->pool, frame));
	put_page(page);
	if (!may || takes_block(batch, entry, index))
		return false;
	return tarn_block_part(part, tarn_leaf_of(entry), index);
}

/**
 * tarn_evict_add() - take a page in hand
 * @batch: with room, and no page after @index
 * @index: page
 * @entry: its entry
 * @e: what that was, resident and without a mark
 * @joined: pages between the one before in the batch and this one may be
 *	unmapped as well
 *
 * Return: false if it is pinned, somebody else has it, or it has nowhere to go; or all
 * of its block is in hand now.
 */
bool tarn_evict_add(struct tarn_evict_batch *batch, u64 index,
		    atomic64_t *entry, u64 e, bool joined)
{
	struct tarn_partition *part = batch->pages.part;
	u64 frame = tarn_entry_payload(e);
	struct page *page;

	if (tarn_entry_pinned(e) || !may_part(batch, entry, index, e))
		return false;
	page = tarn_batch_lock(&batch->pages, entry, e);
	if (!page)
		return false;
	if (tarn_poisoned(page))
		tarn_poison_page(part, index, frame);
	if (!has_a_way(batch, index, page,
		       READ_ONCE(tarn_frame(part->pool, frame)->copy)) ||
	    !tarn_batch_add(&batch->pages, page, index, entry, e, joined)) {
		tarn_batch_unlock(page);
		return false;
	}
	atomic64_inc(&part->leaving);
	return true;
}

static void keep(struct tarn_evict_batch *batch, unsigned int i)
{
	tarn_batch_let_go(&batch->pages, i);
	batch->busy++;
}

/* A clean page that was marked OUT and unmapped is where its copy is only. */
static void drop_clean(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, u64 frame)
{
	struct tarn_frame *f = tarn_frame(part->pool, frame);

	tarn_batch_settle(part, index,
			  tarn_entry_gone(part->pool, atomic64_read(entry),
					  tarn_copy_cookie(f->copy)));
	f->copy = TARN_COPY_NONE;
	atomic64_inc(&part->pool->evictions);
	tarn_partition_left(part, frame);
	tarn_partition_add_paged(part, 1);
	tarn_stats_add(part, TARN_STAT_CLEAN_DROPS, 1);
}

/*
 * A page that was marked OUT and unmapped needs no frame if all of it is one word. False:
 * it is none such, or there is no memory to say so.
 */
static bool become_known(struct tarn_partition *part, u64 index,
			 struct page *page)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 word;

	if (!is_known(part, index, page, &word))
		return false;
	if (!word) {
		tarn_batch_settle(part, index,
				  tarn_entry_make(TARN_PAGE_EMPTY, 0));
		tarn_stats_add(part, TARN_STAT_ZERO_DROPS, 1);
		return true;
	}
	if (!tarn_pattern_keep(part, entry, word))
		return false;
	tarn_batch_settle(part, index, tarn_pattern_entry(word));
	tarn_partition_add_pattern(part, 1);
	tarn_stats_add(part, TARN_STAT_PATTERN_DROPS, 1);
	return true;
}

/* What becomes of a page that is unmapped. */
enum outcome {
	OUTCOME_KEPT,	/* it stays where it is */
	OUTCOME_GONE,	/* its frame is nobody's any more */
	OUTCOME_STORE,	/* it is to be stored */
};

static enum outcome settle(struct tarn_evict_batch *batch, unsigned int i)
{
	struct tarn_partition *part = batch->pages.part;
	struct tarn_pool *pool = part->pool;
	u64 index = batch->pages.page[i].index;
	u64 frame = batch->pages.page[i].frame;
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
	if (become_known(part, index, page)) {
		if (copy)
			batch->copies[batch->dropped++] = copy;
	} else {
		/* It may have been written since it was taken in hand. */
		if (!may_store(batch, copy) ||
		    (!copy && !tarn_pool_take_room(pool)))
			goto keep;
		return OUTCOME_STORE;
	}
	f->copy = TARN_COPY_NONE;
	/* Nobody was short of frames. */
	if (!batch->known_only)
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
	struct tarn_partition *part = batch->pages.part;
	u64 frame = batch->pages.page[i].frame;

	if (!tarn_store_add(stores, part, batch->pages.page[i].index, frame)) {
		batch->sent++;
		return true;
	}
	/* Nothing was written: what it would have taken up is there again. */
	if (!tarn_frame(part->pool, frame)->copy)
		tarn_pool_room_made(part->pool, 1);
	keep(batch, i);
	return false;
}

/* What is sent leaves until it is stored. */
static void flush_block(struct tarn_evict_batch *batch)
{
	struct tarn_partition *part = batch->pages.part;
	int section = tarn_cookie_begin();

	switch (tarn_block_give_up(&batch->block, part)) {
	case TARN_BLOCK_SENT:
		batch->sent += TARN_BLOCK_PAGES;
		break;
	case TARN_BLOCK_GONE:
		batch->freed += TARN_BLOCK_PAGES;
		atomic64_sub(TARN_BLOCK_PAGES, &part->leaving);
		break;
	default:
		batch->busy += TARN_BLOCK_PAGES;
		atomic64_sub(TARN_BLOCK_PAGES, &part->leaving);
	}
	batch->block.leaf = NULL;
	tarn_cookie_end(section);
}

static void flush_pages(struct tarn_evict_batch *batch)
{
	struct tarn_batch *pages = &batch->pages;
	struct tarn_partition *part = pages->part;
	LIST_HEAD(stores);
	unsigned int i;
	int section;

	tarn_batch_unmap(pages);
	section = tarn_cookie_begin();
	for (i = 0; i < pages->count; i++) {
		u64 frame = pages->page[i].frame;
		struct page *page = tarn_batch_page(pages, i);
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
		tarn_copy_drop(part->pool, batch->copies[i]);
	tarn_cookie_end(section);
	pages->count = 0;
	batch->dropped = 0;
}

/**
 * tarn_evict_flush() - give up what is in hand
 * @batch: is empty afterwards, its counts added to
 *
 * Context: process; does not wait for the pager.
 */
void tarn_evict_flush(struct tarn_evict_batch *batch)
{
	lockdep_assert_held_read(&batch->pages.part->pin);
	if (batch->pages.count)
		flush_pages(batch);
	if (batch->block.leaf)
		flush_block(batch);
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
	if (tarn_frame_dirty(page))
		return true;
	/*
	 * Of a clean page whose frame has a memory error it is all that is left; one in a file
	 * takes no room.
	 */
	return !outdated_only && !tarn_poisoned(page) &&
	       tarn_copy_where(tarn_frame(part->pool, frame)->copy) == TARN_COPY_WITH_PAGER;
}

/* In one section, as whoever names a cookie no more has to tell so. */
static void drop_copy(struct tarn_partition *part, u64 frame, struct page *page,
		      struct drop_batch *room)
{
	int section = tarn_cookie_begin();
	u64 copy = TARN_COPY_NONE;

	swap(copy, tarn_frame(part->pool, frame)->copy);
	tarn_page_outdate(part, frame, page);
	tarn_cookie_drop_into(part->pool, tarn_copy_cookie(copy), room);
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
			drop_copy(part, frame, page, room);
	}
	unlock_page(page);
out:
	put_page(page);
}
