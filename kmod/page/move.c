// SPDX-License-Identifier: GPL-2.0-only
/* See move.h. */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/block.h"
#include "page/move.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"

void tarn_move_begin(struct tarn_move_batch *batch, struct tarn_partition *part)
{
	tarn_batch_begin(&batch->pages, part, TARN_MARK_MOVE);
	batch->sharers = 0;
	batch->moved = 0;
	batch->held = 0;
	batch->held_page = TARN_MOVE_NONE;
}

static enum tarn_move take(struct tarn_move_batch *batch, u64 index,
			   atomic64_t *entry, u64 frame)
{
	struct page *page;
	bool added;
	u64 e;

	if (!tarn_block_part(batch->pages.part, tarn_leaf_of(entry), index))
		return TARN_MOVE_HELD;
	do {
		e = atomic64_read(entry);
		if (!tarn_entry_is_frame(e, frame))
			return TARN_MOVE_ELSEWHERE;
		if (tarn_entry_mark(e))
			return TARN_MOVE_BUSY;
		page = tarn_batch_lock(&batch->pages, entry, e);
		if (!page)
			return TARN_MOVE_BUSY;
		if (tarn_poisoned(page)) {
			tarn_batch_unlock(page);
			return TARN_MOVE_POISONED;
		}
		/* Its use may have been noted: that is no reason to leave it. */
		added = tarn_batch_add(&batch->pages, page, index, entry, e,
				       false);
		if (!added)
			tarn_batch_unlock(page);
	} while (!added);
	return TARN_MOVE_TAKEN;
}

/**
 * tarn_move_add() - take a page in hand
 * @batch: with room, and no page after @index
 * @index: page
 * @entry: its entry
 * @frame: where it is
 * @to: a frame, idle and nobody's: the batch's, and free again if the page is not taken
 *
 * Whether somebody holds it the caller has looked, before he took a frame for it: it would
 * only be unmapped for nothing. A page that a fault has in hand just now looks held: who
 * cares looks twice.
 *
 * Context: process; does not wait.
 * Return: see enum tarn_move.
 */
enum tarn_move tarn_move_add(struct tarn_move_batch *batch, u64 index,
			     atomic64_t *entry, u64 frame, u64 to)
{
	enum tarn_move ret = take(batch, index, entry, frame);

	if (ret == TARN_MOVE_TAKEN) {
		batch->to[batch->pages.count - 1] = to;
		batch->sharers += tarn_canon_weight(batch->pages.part, index);
	} else {
		tarn_frame_free(batch->pages.part->pool, to);
	}
	return ret;
}

/* Is it to be moved before more is taken in hand? */
bool tarn_move_is_full(const struct tarn_move_batch *batch)
{
	return tarn_batch_is_full(&batch->pages) ||
	       batch->sharers >= TARN_SHARERS_BATCH;
}

/* Copy a page that is unmapped, if nobody holds it. */
static bool copy(struct tarn_pool *pool, u64 from, u64 to)
{
	struct page *old = tarn_frame_page(pool, from);
	struct page *new = tarn_frame_page(pool, to);

	/* The new one was good when it was taken, some pages ago. */
	if (!tarn_frame_idle(old) || !tarn_poison_copy(new, old) ||
	    tarn_poisoned(new))
		return false;
	if (tarn_frame_dirty(old))
		tarn_frame_set_dirty(new);
	else
		tarn_frame_clear_dirty(new);
	*tarn_frame(pool, to) = *tarn_frame(pool, from);
	return true;
}

/* Returns the frame that is nobody's now. */
static u64 settle(struct tarn_move_batch *batch, unsigned int i)
{
	struct tarn_partition *part = batch->pages.part;
	u64 index = batch->pages.page[i].index;
	u64 from = batch->pages.page[i].frame, to = batch->to[i];
	atomic64_t *entry = tarn_partition_entry(part, index);
	int nid = tarn_frame_node(part->pool, to);
	int was = tarn_frame_node(part->pool, from);
	u64 e = atomic64_read(entry);

	if (!copy(part->pool, from, to)) {
		tarn_batch_let_go(&batch->pages, i);
		if (!batch->held++)
			batch->held_page = index;
		return to;
	}
	/* Who lists copies finds this one at the old frame until the entry changes. */
	tarn_batch_settle(part, index,
			  tarn_entry_make(TARN_PAGE_RESIDENT, to) |
			  (e & (TARN_ENTRY_HINT | TARN_ENTRY_FLAG)));
	tarn_partition_came(part, entry, nid);
	tarn_partition_left(part, from);
	tarn_stats_moved(part->pool, was, nid, 1);
	batch->moved++;
	return from;
}

/**
 * tarn_move_unmap() - unmap what is in hand
 * @batch: to be settled next
 *
 * Who moves more than a batch together unmaps all of them before he settles the first.
 *
 * Context: process; does not wait for I/O.
 * Return: passes over the mappings that it took.
 */
unsigned int tarn_move_unmap(struct tarn_move_batch *batch)
{
	struct tarn_batch *pages = &batch->pages;

	lockdep_assert_held_read(&pages->part->pin);
	return pages->count ? tarn_batch_unmap(pages) : 0;
}

/**
 * tarn_move_settle() - move what is in hand and unmapped
 * @batch: is empty afterwards, its counts added to
 *
 * Context: process; does not wait for I/O.
 */
void tarn_move_settle(struct tarn_move_batch *batch)
{
	struct tarn_batch *pages = &batch->pages;
	unsigned int i;

	for (i = 0; i < pages->count; i++) {
		struct page *page = tarn_batch_page(pages, i);
		u64 spare = settle(batch, i);

		unlock_page(page);
		/* Only now: from here on its chunk may go, and the page with it. */
		tarn_frame_release(pages->part->pool, spare);
	}
	pages->count = 0;
	batch->sharers = 0;
}

/* Both, of one batch. Returns the passes over the mappings that it took. */
unsigned int tarn_move_flush(struct tarn_move_batch *batch)
{
	unsigned int passes = tarn_move_unmap(batch);

	tarn_move_settle(batch);
	return passes;
}
