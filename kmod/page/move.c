// SPDX-License-Identifier: GPL-2.0-only
/* See move.h. */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/move.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"

void tarn_move_begin(struct tarn_move_batch *batch, struct tarn_partition *part)
{
	tarn_batch_begin(&batch->pages, part, TARN_MARK_MOVE);
	batch->moved = 0;
	batch->held = 0;
}

/**
 * tarn_move_add() - take a page in hand
 * @batch: with room, and no page after @index
 * @index: page
 * @entry: its entry
 * @e: what that was, with a frame and without a mark
 * @to: a frame, idle and nobody's; the batch's if true is returned
 *
 * Context: process; does not wait.
 * Return: false if somebody else has the page.
 */
bool tarn_move_add(struct tarn_move_batch *batch, u64 index, atomic64_t *entry,
		   u64 e, u64 to)
{
	struct page *page = tarn_batch_lock(&batch->pages, entry, e);

	if (!page)
		return false;
	batch->to[batch->pages.count] = to;
	if (tarn_batch_add(&batch->pages, page, index, entry, e, false))
		return true;
	tarn_batch_unlock(page);
	return false;
}

/* Copy a page that is unmapped, if nobody holds it. */
static bool copy(struct tarn_pool *pool, u64 from, u64 to)
{
	struct page *old = tarn_frame_page(pool, from);
	struct page *new = tarn_frame_page(pool, to);

	if (!tarn_frame_idle(old) || !tarn_poison_copy(new, old))
		return false;
	if (tarn_frame_dirty(old))
		tarn_frame_set_dirty(new);
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
	u64 e = atomic64_read(entry);

	if (!copy(part->pool, from, to)) {
		tarn_batch_let_go(&batch->pages, i);
		batch->held++;
		return to;
	}
	/* Who lists copies finds this one at the old frame until the entry changes. */
	tarn_batch_settle(part, index,
			  tarn_entry_make(TARN_PAGE_RESIDENT, to) |
			  (e & (TARN_ENTRY_HINT | TARN_ENTRY_FLAG)));
	tarn_partition_came(part, entry, nid);
	tarn_partition_left(part, from);
	batch->moved++;
	return from;
}

/**
 * tarn_move_flush() - move what is in hand
 * @batch: is empty afterwards, its counts added to
 *
 * Context: process; does not wait for I/O.
 */
void tarn_move_flush(struct tarn_move_batch *batch)
{
	struct tarn_batch *pages = &batch->pages;
	unsigned int i;

	lockdep_assert_held_read(&pages->part->pin);
	tarn_batch_unmap(pages);
	for (i = 0; i < pages->count; i++) {
		struct page *page = tarn_batch_page(pages, i);
		u64 spare = settle(batch, i);

		unlock_page(page);
		/* Only now: from here on its chunk may go, and the page with it. */
		tarn_frame_release(pages->part->pool, spare);
	}
	pages->count = 0;
}
