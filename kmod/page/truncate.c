// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking pages away from a partition: truncation, holes, the end of the file.
 *
 * Nothing here waits for a pager: a page that is being read or written is taken
 * from its request, which finds out when it ends and cleans up (io.c).
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/pending.h"
#include "pager/drop.h"
#include "pager/io.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Pages whose frames are locked at a time. */
#define REMOVE_BATCH	64

/**
 * struct removal - a few pages on their way out
 * @part: their partition
 * @first: the first of them
 * @count: how many of them are in frames that are locked
 * @paged: paged pages removed so far, to be accounted
 * @page: see @count; each referenced, by its distance from @first
 * @page.ours: the frame is to be freed, and @page.copy dropped
 */
struct removal {
	struct tarn_partition *part;
	u64 first;
	unsigned int count;
	unsigned int paged;
	struct {
		u64 frame;
		u64 copy;
		u16 distance;
		bool ours;
	} page[REMOVE_BATCH];
};

static bool brief_mark(atomic64_t *entry)
{
	enum tarn_mark mark = tarn_entry_mark(atomic64_read(entry));

	return mark == TARN_MARK_FILL || mark == TARN_MARK_MOVE;
}

/* A paged page, perhaps being read: then its request has the cookie, and a frame. */
static void remove_paged(struct removal *r, u64 index, atomic64_t *entry, u64 e)
{
	struct tarn_partition *part = r->part;

	if (!tarn_entry_change(part, index, entry, &e,
			       tarn_entry_make(TARN_PAGE_EMPTY, 0)))
		return;
	r->paged++;
	if (tarn_entry_mark(e) == TARN_MARK_NONE)
		tarn_cookie_drop(part->pool, tarn_entry_payload(e));
	else
		atomic_inc(&part->orphans);
	tarn_pending_settle(part, index);
	tarn_entry_wake(entry);
}

/* Lock the frame of a resident page: if it was there, or with @wait in any case. */
static void take_resident(struct removal *r, u64 index, atomic64_t *entry,
			  u64 e, bool wait)
{
	u64 frame = tarn_entry_payload(e);
	struct page *page = tarn_frame_get(r->part->pool, frame);

	if (!page)
		return;
	if (!tarn_entry_is_frame(atomic64_read(entry), frame))
		goto out;
	if (wait)
		lock_page(page);
	else if (!trylock_page(page))
		goto out;
	r->page[r->count].distance = index - r->first;
	r->page[r->count].frame = frame;
	r->count++;
	return;
out:
	put_page(page);
}

/* Its frame is locked and it is unmapped, so nobody maps it any more. */
static bool remove_resident(struct removal *r, u64 index, u64 frame, u64 *old)
{
	atomic64_t *entry = tarn_partition_entry(r->part, index);
	u64 e = atomic64_read(entry);

	do {
		if (!tarn_entry_is_frame(e, frame) ||
		    tarn_entry_mark(e) == TARN_MARK_MOVE)
			return false;
	} while (!tarn_entry_change(r->part, index, entry, &e,
				    tarn_entry_make(TARN_PAGE_EMPTY, 0)));
	tarn_partition_left(r->part, frame);
	tarn_entry_wake(entry);
	*old = e;
	return true;
}

static void settle(struct removal *r, unsigned int i)
{
	u64 index = r->first + r->page[i].distance, frame = r->page[i].frame, e;
	struct page *page = tarn_frame_page(r->part->pool, frame);
	struct tarn_frame *f = tarn_frame(r->part->pool, frame);

	r->page[i].copy = TARN_COOKIE_NONE;
	r->page[i].ours = false;
	if (remove_resident(r, index, frame, &e)) {
		/* While it is written, frame and copy are the request's. */
		r->page[i].ours = tarn_entry_mark(e) == TARN_MARK_NONE;
		f->owner = 0;
		if (r->page[i].ours)
			swap(r->page[i].copy, f->copy);
	}
	unlock_page(page);
	put_page(page);
}

/* Not under the locks of other frames: it may take memory. */
static void give_back(struct removal *r, unsigned int i)
{
	struct tarn_pool *pool = r->part->pool;

	if (r->page[i].ours)
		tarn_frame_release(pool, r->page[i].frame);
	if (r->page[i].copy)
		tarn_cookie_drop(pool, r->page[i].copy);
}

/* One pass over the mappings for all frames that are locked. */
static void settle_all(struct removal *r)
{
	struct inode *inode = r->part->inode;
	unsigned int i, count = r->count;

	if (!count)
		return;
	if (inode)
		unmap_mapping_pages(inode->i_mapping,
				    r->first + r->page[0].distance,
				    r->page[count - 1].distance -
				    r->page[0].distance + 1, false);
	for (i = 0; i < count; i++)
		settle(r, i);
	for (i = 0; i < count; i++)
		give_back(r, i);
	r->count = 0;
}

/* A turn over at most REMOVE_BATCH pages, without waiting for anything. */
static void remove_some(struct removal *r, struct tarn_leaf *leaf, u64 first,
			u64 end)
{
	int section = tarn_cookie_begin();
	u64 i;

	r->first = first;
	for (i = first; i < end; i++) {
		atomic64_t *entry = tarn_leaf_entry(leaf, i);
		u64 e = atomic64_read(entry);

		if (tarn_entry_state(e) == TARN_PAGE_RESIDENT)
			take_resident(r, i, entry, e, false);
	}
	settle_all(r);
	for (i = first; i < end; i++) {
		atomic64_t *entry = tarn_leaf_entry(leaf, i);
		u64 e = atomic64_read(entry);

		if (tarn_entry_state(e) == TARN_PAGE_PAGED)
			remove_paged(r, i, entry, e);
	}
	tarn_cookie_end(section);
}

/* Until it is gone. Of most pages nothing is left to do here. */
static void remove_one(struct removal *r, u64 index, atomic64_t *entry)
{
	r->first = index;
	for (;;) {
		int section;
		u64 e;

		wait_var_event(entry, !brief_mark(entry));
		e = atomic64_read(entry);
		if (tarn_entry_state(e) == TARN_PAGE_EMPTY &&
		    !tarn_entry_mark(e))
			return;
		section = tarn_cookie_begin();
		if (tarn_entry_state(e) == TARN_PAGE_RESIDENT)
			take_resident(r, index, entry, e, true);
		else if (tarn_entry_state(e) == TARN_PAGE_PAGED)
			remove_paged(r, index, entry, e);
		settle_all(r);
		tarn_cookie_end(section);
	}
}

static void remove_batch(struct removal *r, struct tarn_leaf *leaf, u64 first,
			 u64 end)
{
	u64 i;

	if (leaf->reserve)
		for (i = first; i < end; i++)
			tarn_reserve_clear(leaf, i);
	remove_some(r, leaf, first, end);
	for (i = first; i < end; i++)
		remove_one(r, i, tarn_leaf_entry(leaf, i));
	tarn_partition_add_paged(r->part, -(s64)r->paged);
	/* Without a pager, that is what bring_paged() waits for. */
	if (r->paged)
		wake_up_var(&r->part->pool->pager);
	r->paged = 0;
}

/**
 * tarn_partition_remove() - empty a range of pages
 * @part: partition
 * @first: first page
 * @end: page after the last one
 *
 * The caller has unmapped the range, and unmaps it again afterwards if pages
 * beyond the end of the file must not stay mapped.
 *
 * Frames are locked a batch at a time, by trying, and unmapped together: each
 * unmapping costs a round of TLB flushes and MMU notifiers. What somebody else
 * has in hand is waited for by itself afterwards.
 *
 * Context: process; waits for what is brief, not for I/O.
 */
void tarn_partition_remove(struct tarn_partition *part, u64 first, u64 end)
{
	struct removal r = { .part = part };
	struct tarn_leaf *leaf;
	unsigned long at;

	if (first >= end)
		return;
	xa_for_each_range(&part->leaves, at, leaf, first >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 base = (u64)at << TARN_LEAF_SHIFT;
		u64 i = max(first, base), next;
		u64 stop = min(end, base + TARN_LEAF_PAGES);

		for (; i < stop; i = next) {
			next = min(stop, i + REMOVE_BATCH);
			remove_batch(&r, leaf, i, next);
			cond_resched();
		}
	}
}
