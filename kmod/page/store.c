// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores: how they begin and how they end. As with loads, one that ends looks at the
 * entry: the page may have been rescued meanwhile, or taken away.
 */
#include "page/store.h"
#include "pager/drop.h"
#include "pager/io.h"
#include "pager/queue.h"
#include "pool/copy.h"
#include "pool/event.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/stores.h"
#include "pool/use.h"
#include "trace.h"

static void store_failed(struct tarn_io *io, int error)
{
	/* The page waits in memory for the next pager. */
	if (error == TARN_IO_ABORTED)
		return;
	if (error == -ENOSPC) {
		tarn_pool_set_full(io->part->pool, true);
		return;
	}
	/* No copy came of it, so the next page can have its place. */
	if (!io->cookie)
		tarn_pool_room_made(io->part->pool, 1);
	tarn_stores_failed(&io->part->pool->stores);
	tarn_stats_add(io->part, TARN_STAT_STORE_ERRORS, 1);
	tarn_event(io->part->pool, TARN_EVENT_STORE_ERROR, io->part->id,
		   io->index, error);
}

/* The page was truncated while it was written. */
static void store_orphaned(struct tarn_io *io, u64 copy)
{
	struct tarn_pool *pool = io->part->pool;

	tarn_frame(pool, io->frame)->copy = TARN_COPY_NONE;
	tarn_frame_release(pool, io->frame);
	if (copy)
		tarn_cookie_drop(pool, copy);
}

static void store_end(struct tarn_io *io, int result, u64 cookie)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);
	struct tarn_pool *pool = io->part->pool;
	struct tarn_frame *frame = tarn_frame(pool, io->frame);
	u64 e = atomic64_read(entry), to;
	u64 copy = result ? io->cookie : cookie;
	u64 outdated = TARN_COOKIE_NONE;
	enum tarn_mark mark;

	if (result)
		store_failed(io, result);
	else
		tarn_stores_went_well(&pool->stores);
	/* It does not write in place: what it has then only takes up room. */
	if (result == -ENOSPC)
		swap(copy, outdated);
	do {
		mark = tarn_entry_mark(e);
		if (!tarn_entry_is_frame(e, io->frame) ||
		    (mark != TARN_MARK_OUT && mark != TARN_MARK_RESCUED)) {
			store_orphaned(io, copy ?: outdated);
			goto out;
		}
		if (result || mark == TARN_MARK_RESCUED) {
			/* Dirty as it was, with a copy to be overwritten. */
			frame->copy = tarn_copy_make(copy);
			to = tarn_entry_with_mark(e, TARN_MARK_NONE);
		} else {
			to = tarn_entry_gone(pool, e, cookie);
		}
	} while (!tarn_entry_change(io->part, io->index, entry, &e, to));

	if (tarn_entry_is_stored(to)) {
		atomic64_inc(&pool->evictions);
		tarn_partition_left(io->part, io->frame);
		tarn_partition_add_paged(io->part, 1);
		tarn_stats_add(io->part, TARN_STAT_PAGE_OUTS, 1);
		frame->copy = TARN_COPY_NONE;
		tarn_frame_release(pool, io->frame);
	}
	tarn_entry_wake(entry);
	if (outdated)
		tarn_cookie_drop(pool, outdated);
out:
	atomic64_dec(&io->part->leaving);
	tarn_stores_end(&pool->stores, 1);
	tarn_io_destroy(io);
}

/**
 * tarn_store_add() - prepare to have a page written
 * @batch: where to add the request
 * @part: partition
 * @index: page, marked OUT by the caller
 * @frame: where it is
 *
 * Makes the checksum. Context: process.
 * Return: 0; -ENOMEM; -EHWPOISON its frame has a memory error.
 */
int tarn_store_add(struct list_head *batch, struct tarn_partition *part,
		   u64 index, u64 frame)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, false);
	u32 *sums = tarn_leaf_sums(part, leaf);
	struct tarn_io *io;

	if (!sums)
		return -ENOMEM;
	io = tarn_io_create(part, index, frame, TARN_OP_STORE, store_end);
	if (!io)
		return -ENOMEM;
	if (!tarn_poison_sum(tarn_frame_page(part->pool, frame),
			     &sums[index & (TARN_LEAF_PAGES - 1)])) {
		tarn_io_destroy(io);
		return -EHWPOISON;
	}
	io->cookie = tarn_copy_cookie(tarn_frame(part->pool, frame)->copy);
	list_add_tail(&io->link, batch);
	return 0;
}

/*
 * Send a batch of stores, of one partition and in ascending order. In the section
 * of cookies in which they were added: those that they replace are the requests'
 * from the moment that somebody takes their pages away.
 */
void tarn_store_submit(struct tarn_pool *pool, struct list_head *batch)
{
	struct tarn_io *io;
	u16 left = 0;

	list_for_each_entry_reverse(io, batch, link) {
		io->run = left++;
		trace_tarn_store(io);
	}
	tarn_stores_begin(&pool->stores, left);
	tarn_queue_submit_batch(pool, batch);
}
