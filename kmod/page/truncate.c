// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking pages away from a partition: truncation, holes, the end of the file.
 *
 * Nothing here waits for a pager: a page that is being read or written is taken
 * from its request, which finds out when it ends and cleans up (load.c, store.c).
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/balloon.h"
#include "page/batch.h"
#include "page/block.h"
#include "page/block_store.h"
#include "page/pattern.h"
#include "page/pending.h"
#include "page/reserve.h"
#include "page/share.h"
#include "page/truncate.h"
#include "pager/drop.h"
#include "pool/chunk.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"

/**
 * struct removal - a few pages on their way out
 * @pages: with their frames locked
 * @paged: stored pages removed so far, to be accounted
 * @ours: those of @pages whose frames are to be given back once none is locked
 * @copy: of these, the copies that are to be dropped
 */
struct removal {
	struct tarn_batch pages;
	unsigned int paged;
	DECLARE_BITMAP(ours, TARN_BATCH_MOST);
	u64 copy[TARN_BATCH_MOST];
};

/* A paged page, perhaps being read: then its request has the cookie, and a frame. */
static void remove_paged(struct removal *r, u64 index, atomic64_t *entry, u64 e)
{
	struct tarn_partition *part = r->pages.part;

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

/* Its frame is locked and it is unmapped, so nobody maps it any more. */
static bool remove_resident(struct removal *r, unsigned int i, u64 *old)
{
	struct tarn_partition *part = r->pages.part;
	u64 index = r->pages.page[i].index, frame = r->pages.page[i].frame;
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = atomic64_read(entry);

	do {
		if (!tarn_entry_is_frame(e, frame) ||
		    tarn_entry_mark(e) == TARN_MARK_MOVE)
			return false;
	} while (!tarn_entry_change(part, index, entry, &e,
				    tarn_entry_make(TARN_PAGE_EMPTY, 0)));
	tarn_partition_left(part, frame);
	tarn_entry_wake(entry);
	*old = e;
	return true;
}

static void settle(struct removal *r, unsigned int i)
{
	struct tarn_frame *f = tarn_frame(r->pages.part->pool,
					  r->pages.page[i].frame);
	u64 e;

	r->copy[i] = TARN_COPY_NONE;
	__clear_bit(i, r->ours);
	if (remove_resident(r, i, &e)) {
		f->owner = TARN_OWNER_NOBODY;
		/* While it is written, frame and copy are the request's. */
		if (!tarn_entry_mark(e)) {
			__set_bit(i, r->ours);
			swap(r->copy[i], f->copy);
		}
	}
	tarn_batch_unlock(tarn_batch_page(&r->pages, i));
}

/* Not under the locks of other frames: it may take memory. */
static void give_back(struct removal *r, unsigned int i)
{
	struct tarn_pool *pool = r->pages.part->pool;

	if (test_bit(i, r->ours))
		tarn_frame_release(pool, r->pages.page[i].frame);
	tarn_copy_drop(pool, r->copy[i]);
}

/* One pass over the mappings for all frames that are locked. */
static void settle_all(struct removal *r)
{
	unsigned int i, count = r->pages.count;

	/* With its inode went all mappings. */
	if (r->pages.part->inode)
		tarn_batch_unmap(&r->pages);
	for (i = 0; i < count; i++)
		settle(r, i);
	for (i = 0; i < count; i++)
		give_back(r, i);
	r->pages.count = 0;
}

/* Whether it was locked or not, somebody looks at it again. */
static void take_resident(struct removal *r, u64 index, atomic64_t *entry, u64 e,
			  bool wait)
{
	struct page *page = wait ? tarn_batch_lock_wait(&r->pages, entry, e) :
				   tarn_batch_lock(&r->pages, entry, e);

	/* All of what lies between them goes as well. */
	if (page && !tarn_batch_add(&r->pages, page, index, entry, e, true))
		tarn_batch_unlock(page);
}

/* A turn over at most TARN_BATCH_MOST pages, without waiting for anything. */
static void remove_some(struct removal *r, struct tarn_leaf *leaf, u64 first,
			u64 end)
{
	int section = tarn_cookie_begin();
	u64 i;

	for (i = first; i < end; i++) {
		atomic64_t *entry = tarn_leaf_entry(leaf, i);
		u64 e = atomic64_read(entry);

		if (tarn_entry_has_frame(e))
			take_resident(r, i, entry, e, false);
	}
	settle_all(r);
	tarn_pattern_remove(r->pages.part, leaf, first, end);
	tarn_share_remove(r->pages.part, leaf, first, end);
	for (i = first; i < end; i++) {
		atomic64_t *entry = tarn_leaf_entry(leaf, i);
		u64 e = atomic64_read(entry);

		if (tarn_entry_is_stored(e))
			remove_paged(r, i, entry, e);
	}
	tarn_cookie_end(section);
}

/*
 * Of a chunk that is held each page waits in limbo by itself: it is one no more, which is
 * tried once. A leaf has no more than one.
 */
static bool is_one(struct tarn_pool *pool, u64 e)
{
	return tarn_entry_has_frame(e) &&
	       tarn_chunk_is_one(pool, tarn_entry_payload(e));
}

/* Until it is gone. Of most pages nothing is left to do here. */
static void remove_one(struct removal *r, u64 index, atomic64_t *entry)
{
	for (;;) {
		int section;
		u64 e;

		wait_var_event(entry, !tarn_entry_is_brief(atomic64_read(entry)));
		/* While we waited all of its block may have got one frame. */
		if (is_one(r->pages.part->pool, atomic64_read(entry)))
			tarn_block_part(r->pages.part, tarn_leaf_of(entry),
					index);
		e = atomic64_read(entry);
		if ((tarn_entry_is_empty(e) || tarn_entry_is_locked(e)) &&
		    !tarn_entry_mark(e))
			return;
		section = tarn_cookie_begin();
		if (tarn_entry_has_frame(e))
			take_resident(r, index, entry, e, true);
		else if (tarn_entry_is_stored(e))
			remove_paged(r, index, entry, e);
		else if (tarn_entry_is_pattern(e))
			tarn_pattern_remove(r->pages.part, tarn_leaf_of(entry),
					    index, index + 1);
		else if (tarn_entry_is_shared(e))
			tarn_share_remove(r->pages.part, tarn_leaf_of(entry),
					  index, index + 1);
		else if (tarn_entry_is_ballooned(e))
			tarn_balloon_remove(r->pages.part, index, entry, e);
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
	tarn_partition_add_paged(r->pages.part, -(s64)r->paged);
	/* Without a pager, that is what bring_paged() waits for. */
	if (r->paged)
		wake_up_var(&r->pages.part->pool->pager);
	r->paged = 0;
	tarn_share_reap_of(r->pages.part);
}

static void part_blocks(struct tarn_partition *part, struct tarn_leaf *leaf,
			u64 first, u64 end)
{
	u64 i;

	for (i = first; i < end; i++) {
		if (!is_one(part->pool,
			    atomic64_read(tarn_leaf_entry(leaf, i))))
			continue;
		tarn_block_part(part, leaf, i);
		return;
	}
}

/**
 * tarn_partition_remove() - empty a range of pages
 * @part: partition
 * @first: first page
 * @end: page after the last one
 *
 * The caller has unmapped the range, and unmaps it again afterwards if pages
 * beyond the end of the file must not stay mapped. Pages that are locked stay so: see
 * tarn_pages_cut().
 *
 * Frames are locked a batch at a time, by trying, and unmapped together: each
 * unmapping costs a round of TLB flushes and MMU notifiers. What somebody else
 * has in hand is waited for by itself afterwards.
 *
 * Context: process; waits for what is brief, not for I/O.
 */
void tarn_partition_remove(struct tarn_partition *part, u64 first, u64 end)
{
	struct removal r;
	struct tarn_leaf *leaf;
	unsigned long at;

	if (first >= end)
		return;
	tarn_batch_begin(&r.pages, part, TARN_MARK_NONE);
	r.paged = 0;
	xa_for_each_range(&part->leaves, at, leaf, first >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 base = (u64)at << TARN_LEAF_SHIFT;
		u64 i = max(first, base), next;
		u64 stop = min(end, base + TARN_LEAF_PAGES);

		if (stop - i == TARN_LEAF_PAGES && !leaf->reserve)
			tarn_block_discard(part, leaf, base);
		for (; i < stop; i = next) {
			next = min(stop, i + TARN_BATCH_MOST);
			part_blocks(part, leaf, i, next);
			remove_batch(&r, leaf, i, next);
			cond_resched();
		}
	}
}

/* A page that is not given away with those around it: pinned, or not there, as it is locked. */
static bool stays(atomic64_t *entry)
{
	u64 e = entry ? atomic64_read(entry) : 0;

	return tarn_entry_pinned(e) || tarn_entry_is_locked(e);
}

/**
 * tarn_partition_discard() - empty a range of pages whose content is worth nothing
 * @part: partition; the caller has its inode, or holds its pin while it has one
 * @first: first page
 * @end: page after the last one
 *
 * But for pages that are pinned, or locked.
 *
 * Context: as tarn_partition_remove().
 * Return: how many pages the others are.
 */
u64 tarn_partition_discard(struct tarn_partition *part, u64 first, u64 end)
{
	u64 i, from = first, done = 0;

	for (i = first; i <= end; i++) {
		atomic64_t *entry = i < end ? tarn_partition_entry(part, i) :
					      NULL;

		if (i < end && !stays(entry))
			continue;
		if (from < i) {
			tarn_partition_unmap(part, from, i - from);
			tarn_partition_remove(part, from, i);
		}
		done += i - from;
		from = i + 1;
	}
	return done;
}
