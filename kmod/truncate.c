// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking pages away from a partition: truncation, holes, the end of the file.
 *
 * Nothing here waits for a pager: a page that is being read or written is taken
 * from its request, which finds out when it ends and cleans up (io.c).
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "io.h"
#include "pager.h"
#include "partition.h"
#include "pending.h"
#include "pool.h"

static bool brief_mark(atomic64_t *entry)
{
	enum tarn_mark mark = tarn_entry_mark(atomic64_read(entry));

	return mark == TARN_MARK_FILL || mark == TARN_MARK_MOVE;
}

/* A paged page, perhaps being read: then its request has the cookie. */
static bool remove_paged(struct tarn_partition *part, u64 index,
			 atomic64_t *entry, u64 e)
{
	if (!tarn_entry_change(part, index, entry, &e,
			       tarn_entry_make(TARN_PAGE_EMPTY, 0)))
		return false;
	tarn_partition_add_paged(part, -1);
	if (tarn_entry_mark(e) == TARN_MARK_NONE)
		tarn_cookie_drop(part->pool, tarn_entry_payload(e));
	tarn_pending_settle(part, index);
	tarn_entry_wake(entry);
	/* Without a pager, that is what bring_paged() waits for. */
	wake_up_var(&part->pool->pager);
	return true;
}

/* With its lock held a page can't be mapped; what is mapped is unmapped. */
static bool remove_locked(struct tarn_partition *part, u64 index,
			  atomic64_t *entry, u64 frame, bool *ours, u64 *copy)
{
	struct tarn_frame *f = tarn_frame(part->pool, frame);
	u64 e = atomic64_read(entry);

	if (part->inode)
		unmap_mapping_pages(part->inode->i_mapping, index, 1, false);
	do {
		if (!tarn_entry_is_frame(e, frame) ||
		    tarn_entry_mark(e) == TARN_MARK_MOVE)
			return false;
	} while (!tarn_entry_change(part, index, entry, &e,
				    tarn_entry_make(TARN_PAGE_EMPTY, 0)));
	tarn_partition_add_resident(part, -1);
	/* While it is written, frame and copy are the request's. */
	*ours = tarn_entry_mark(e) == TARN_MARK_NONE;
	f->owner = 0;
	if (*ours) {
		*copy = f->copy;
		f->copy = TARN_COOKIE_NONE;
	}
	tarn_entry_wake(entry);
	return true;
}

static bool remove_resident(struct tarn_partition *part, u64 index,
			    atomic64_t *entry, u64 e)
{
	u64 frame = tarn_entry_payload(e);
	struct page *page = tarn_frame_get(part->pool, frame);
	bool removed = false, ours = false;
	u64 copy = TARN_COOKIE_NONE;

	if (!page)
		return false;
	if (tarn_entry_is_frame(atomic64_read(entry), frame)) {
		lock_page(page);
		removed = remove_locked(part, index, entry, frame, &ours,
					&copy);
		unlock_page(page);
	}
	put_page(page);
	if (ours)
		tarn_frame_release(part->pool, frame);
	if (copy)
		tarn_cookie_drop(part->pool, copy);
	return removed;
}

static void remove_page(struct tarn_partition *part, u64 index,
			atomic64_t *entry)
{
	bool removed = false;
	int section;

	while (!removed) {
		u64 e = atomic64_read(entry);

		wait_var_event(entry, !brief_mark(entry));
		section = tarn_cookie_begin();
		switch (tarn_entry_state(e)) {
		case TARN_PAGE_RESIDENT:
			removed = remove_resident(part, index, entry, e);
			break;
		case TARN_PAGE_PAGED:
			removed = remove_paged(part, index, entry, e);
			break;
		default:
			removed = !brief_mark(entry) &&
				  atomic64_read(entry) == e;
		}
		tarn_cookie_end(section);
	}
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
 * Context: process; waits for what is brief, not for I/O.
 */
void tarn_partition_remove(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_leaf *leaf;
	unsigned long at;

	if (first >= end)
		return;
	xa_for_each_range(&part->leaves, at, leaf, first >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 base = (u64)at << TARN_LEAF_SHIFT;
		u64 i = max(first, base);
		u64 stop = min(end, base + TARN_LEAF_PAGES);

		for (; i < stop; i++)
			remove_page(part, i, tarn_leaf_entry(leaf, i));
		cond_resched();
	}
}
