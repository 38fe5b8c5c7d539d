// SPDX-License-Identifier: GPL-2.0-only
/* See batch.h. */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/batch.h"
#include "pool/chunk.h"
#include "pool/partition.h"
#include "pool/pool.h"

static struct page *lock_frame(struct tarn_batch *b, atomic64_t *entry, u64 e,
			       bool wait)
{
	u64 frame = tarn_entry_payload(e);
	struct page *page = tarn_frame_get(b->part->pool, frame);

	if (!page)
		return NULL;
	/* Only if the number still stands is it the pool's page. */
	if (!tarn_entry_is_frame(atomic64_read(entry), frame))
		goto err_put;
	if (wait)
		lock_page(page);
	else if (!trylock_page(page))
		goto err_put;
	/*
	 * It may have become whole since it was seen to: no page of that goes by itself. Nor
	 * is the lock of one that somebody holds, and that is one no more, for a batch: it is
	 * the lock of all its pages. Only who takes pages away takes these singly.
	 */
	if (!PageCompound(page) ||
	    (b->mark == TARN_MARK_NONE &&
	     !tarn_chunk_is_one(b->part->pool, frame)))
		return page;
	unlock_page(page);
err_put:
	put_page(page);
	return NULL;
}

/**
 * tarn_batch_lock() - lock the frame of a page that is to be taken in hand
 * @b: the batch
 * @entry: its entry
 * @e: what that was, with a frame
 *
 * Context: process; does not wait.
 * Return: the frame's page, locked and referenced, for tarn_batch_add() or
 * tarn_batch_unlock(); NULL if somebody else has it locked, it is elsewhere by now, or of a
 * block that is one frame (page/block.h).
 */
struct page *tarn_batch_lock(struct tarn_batch *b, atomic64_t *entry, u64 e)
{
	return lock_frame(b, entry, e, false);
}

/* The same, waiting for the lock; the batch is empty. */
struct page *tarn_batch_lock_wait(struct tarn_batch *b, atomic64_t *entry,
				  u64 e)
{
	WARN_ON_ONCE(b->count);
	return lock_frame(b, entry, e, true);
}

void tarn_batch_unlock(struct page *page)
{
	unlock_page(page);
	put_page(page);
}

/**
 * tarn_batch_add() - take a page in hand
 * @b: with room, and no page after @index
 * @page: from tarn_batch_lock(); it is the batch's if true is returned
 * @index: page
 * @entry: its entry
 * @e: what that was; if a mark is to be made, without one
 * @joined: pages between the one before in the batch and this one may be
 *	unmapped as well
 *
 * Context: process.
 * Return: false if the entry is another one by now.
 */
bool tarn_batch_add(struct tarn_batch *b, struct page *page, u64 index,
		    atomic64_t *entry, u64 e, bool joined)
{
	if (WARN_ON_ONCE(tarn_batch_is_full(b)))
		return false;
	VM_WARN_ON_ONCE(b->count && b->page[b->count - 1].index >= index);
	if (b->mark) {
		/* It would be taken from whoever has it in hand, in one go. */
		if (WARN_ON_ONCE(!tarn_entry_has_frame(e) || tarn_entry_mark(e)))
			return false;
		if (!tarn_entry_change(b->part, index, entry, &e,
				       tarn_entry_with_mark(e, b->mark)))
			return false;
		/* The mark keeps the frame now. */
		put_page(page);
	}
	b->page[b->count].index = index;
	b->page[b->count].frame = tarn_entry_payload(e);
	__assign_bit(b->count, b->joined, joined);
	b->count++;
	return true;
}

/* No page between @from and @to has a frame that would be unmapped for nothing. */
static bool gap_is_free(struct tarn_partition *part, u64 from, u64 to)
{
	u64 i;

	if (to - from > TARN_BATCH_MOST)
		return false;
	for (i = from; i < to; i++) {
		atomic64_t *entry = tarn_partition_entry(part, i);

		if (entry && tarn_entry_has_frame(atomic64_read(entry)))
			return false;
	}
	return true;
}

/* Each page of a store has mappings of its own, and only those in hand are locked. */
static unsigned int unmap_canons(struct tarn_batch *b)
{
	unsigned int i;

	for (i = 0; i < b->count; i++)
		tarn_partition_unmap(b->part, b->page[i].index, 1);
	return b->count;
}

/*
 * Unmap what is in hand. A run goes across pages that have no frame, and across those
 * that whoever took the pages says may lose their mappings: to map those again, if they
 * are used, costs less than a pass more. Returns how many passes it took.
 */
unsigned int tarn_batch_unmap(struct tarn_batch *b)
{
	unsigned int i, j, passes = 0;

	if (tarn_partition_is_store(b->part))
		return unmap_canons(b);
	for (i = 0; i < b->count; i = j) {
		u64 first = b->page[i].index;

		for (j = i + 1; j < b->count; j++)
			if (!test_bit(j, b->joined) &&
			    !gap_is_free(b->part, b->page[j - 1].index + 1,
					 b->page[j].index))
				break;
		tarn_partition_unmap(b->part, first,
				     b->page[j - 1].index - first + 1);
		passes++;
	}
	return passes;
}

struct page *tarn_batch_page(const struct tarn_batch *b, unsigned int i)
{
	return tarn_frame_page(b->part->pool, b->page[i].frame);
}

/*
 * Settle a page that we locked and marked: its entry becomes @to. Nobody takes a page from
 * under its lock, and who notes its use passes over marks: the entry can't have changed.
 */
void tarn_batch_settle(struct tarn_partition *part, u64 index, u64 to)
{
	tarn_entry_settle(part, index, tarn_partition_entry(part, index), to);
}

/* It stays where it is. */
void tarn_batch_let_go(const struct tarn_batch *b, unsigned int i)
{
	u64 index = b->page[i].index;
	u64 e = atomic64_read(tarn_partition_entry(b->part, index));

	tarn_batch_settle(b->part, index, tarn_entry_with_mark(e, TARN_MARK_NONE));
}
