// SPDX-License-Identifier: GPL-2.0-only
/* See ahead.h. */
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "page/ahead.h"
#include "page/block.h"
#include "page/load.h"
#include "page/outdate.h"
#include "page/pagein.h"
#include "pager/import.h"
#include "pool/copy.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Pages behind one that begins a sequence. */
#define AHEAD_FIRST	4
/* Pages of a range that are read before it is their turn. */
#define AHEAD_WINDOW	64

/* ---- guesses ------------------------------------------------------------ */

/**
 * tarn_page_ahead() - have a page read that nobody waits for, if it is stored
 * @part: partition
 * @index: page
 *
 * Context: process; does not wait for the load, nor for a frame.
 * Return: false: there is no frame or memory for it, nor for the next one.
 */
bool tarn_page_ahead(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;
	u64 frame;
	int ret;

	if (!tarn_entry_is_stored(e) || tarn_entry_mark(e) ||
	    e & TARN_ENTRY_FAILED || !tarn_copy_reachable(part->pool, e))
		return true;
	/* Guesses must not make others wait. */
	if (tarn_pool_is_low(part->pool) || atomic_read(&part->orphans))
		return false;
	frame = tarn_home_alloc(part, index, tarn_leaf_of(entry));
	if (frame == TARN_FRAME_NONE)
		return false;
	ret = tarn_load_start(part, index, frame, true);
	if (ret)
		tarn_frame_free(part->pool, frame);
	return ret != -ENOMEM;
}

/**
 * tarn_page_ahead_of() - have pages of a range read that are wanted next
 * @part: partition
 * @index: page that is brought now
 * @end: page after the last one
 * @ahead: how far that is done; 0 at first
 *
 * Context: process; as tarn_page_ahead().
 */
void tarn_page_ahead_of(struct tarn_partition *part, u64 index, u64 end, u64 *ahead)
{
	u64 to = min(end, index + 1 + AHEAD_WINDOW);

	for (*ahead = max(*ahead, index + 1); *ahead < to; ++*ahead)
		if (!tarn_page_ahead(part, *ahead))
			break;
}

/* One that may come back as a whole is not read page by page. */
static bool begins_block(struct tarn_partition *part, u64 index)
{
	struct tarn_leaf *leaf;

	if (!IS_ALIGNED(index, TARN_BLOCK_PAGES))
		return false;
	leaf = tarn_partition_leaf(part, index, false);
	return leaf && READ_ONCE(leaf->was_whole);
}

/**
 * tarn_page_read_ahead() - a page that is stored was touched: the next ones may be, too
 * @part: partition
 * @index: page
 *
 * Faults that follow each other closely widen the window up to the pool's
 * limit, any other one closes it. Two threads in the same partition spoil each
 * other's sequence at worst; nothing but guesses depends on these fields.
 *
 * Context: process; as tarn_page_ahead().
 */
void tarn_page_read_ahead(struct tarn_partition *part, u64 index)
{
	u64 expected = READ_ONCE(part->next_fault);
	u32 limit = READ_ONCE(part->pool->readahead);
	u32 ahead = READ_ONCE(part->ahead);
	u64 pages = atomic64_read(&part->pages);
	struct blk_plug plug;
	u64 i, end;

	if (index >= expected && index - expected <= 1)
		ahead = min(limit, ahead ? 2 * ahead : AHEAD_FIRST);
	else
		ahead = 0;
	end = min(index + 1 + ahead, pages);
	WRITE_ONCE(part->ahead, ahead);
	WRITE_ONCE(part->next_fault, max(end, index + 1));
	if (!ahead)
		return;
	/* Neighbours on a granted device are one request to it. */
	blk_start_plug(&plug);
	for (i = index + 1; i < end; i++)
		if (begins_block(part, i) || !tarn_page_ahead(part, i))
			break;
	blk_finish_plug(&plug);
}

/* ---- by request ---------------------------------------------------------- */

/* What is in a frame forgets its copy in a file, and is to be stored when it goes. */
static void own_one(struct tarn_partition *part, u64 index, atomic64_t *entry)
{
	u64 e = atomic64_read(entry), frame = tarn_entry_payload(e);
	struct page *page;

	if (!tarn_entry_has_frame(e) || tarn_entry_mark(e) ||
	    tarn_copy_where(tarn_frame_peek_copy(part->pool, frame)) != TARN_COPY_IN_FILE)
		return;
	page = tarn_page_lock_at(part, index, entry, TARN_BRING_NOWAIT);
	if (IS_ERR_OR_NULL(page))
		return;
	tarn_page_outdate(part, tarn_entry_payload(atomic64_read(entry)), page);
	unlock_page(page);
	put_page(page);
}

/* 1: it has a frame, or will, or needs none; 0: there is none for it, or no memory; or an errno. */
static int spare_one(struct tarn_partition *part, u64 index, bool own)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;
	int ret = 0;

	if (own && entry)
		own_one(part, index, entry);
	if (!tarn_entry_is_stored(e))
		return 1;
	if (!tarn_copy_reachable(part->pool, e))
		return -EAGAIN;
	if (tarn_copy_is_in_file(e))
		ret = tarn_import_wait(part, tarn_entry_payload(e));
	return ret ?: tarn_page_ahead(part, index);
}

/**
 * tarn_pagein_spare() - TARN_PARTITION_PAGE_IN with TARN_PAGE_IN_SPARE
 * @part: partition
 * @start: first page
 * @count: pages
 * @own: pages that are there forget copies in files
 * @done: how many were looked at before there was no frame
 *
 * Context: process; waits for reads of a file that nobody waits for, if there are many, but
 * not for long.
 * Return: 0; -EAGAIN the first page needs a pager, and none serves; -ETIME its file is slow;
 * -EINTR: killed; -ERESTARTSYS a signal.
 */
long tarn_pagein_spare(struct tarn_partition *part, u64 start, u64 count,
		       bool own, u64 *done)
{
	int ret = 1;

	while (*done < count && ret > 0) {
		ret = spare_one(part, start + *done, own);
		*done += ret > 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return *done ? 0 : min(ret, 0);
}
