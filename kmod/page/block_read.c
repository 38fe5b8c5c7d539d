// SPDX-License-Identifier: GPL-2.0-only
/* See block_read.h. */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/block.h"
#include "page/block_load.h"
#include "page/block_read.h"
#include "page/load.h"
#include "pager/drop.h"
#include "pager/import.h"
#include "pager/io.h"
#include "pager/pager.h"
#include "pager/window.h"
#include "pool/copy.h"
#include "pool/pins.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"

/* A page of the block as a load of its own would be. */
static struct tarn_io page_of(const struct tarn_block_load *load, u64 cookie,
			      unsigned int i)
{
	return (struct tarn_io) {
		.part = load->part,
		.index = load->first + i,
		.frame = tarn_chunk_first(load->chunk) + i,
		.cookie = cookie + i,
		.op = TARN_OP_LOAD,
		.asked = load->first + i == load->index,
	};
}

/* ---- the end ------------------------------------------------------------- */

static void set_asked(struct tarn_chunk *chunk, bool asked)
{
	lock_page(chunk->page);
	chunk->asked = asked;
	unlock_page(chunk->page);
}

/* Each page is as it was before, or was cut away. */
static void abort_all(const struct tarn_block_load *load, u64 cookie)
{
	unsigned int i;

	tarn_window_unmap(load->part->pool, tarn_chunk_first(load->chunk),
			  TARN_CHUNK_FRAMES);
	tarn_chunk_split_idle(load->chunk);
	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		struct tarn_io page = page_of(load, cookie, i);

		tarn_load_abort(&page);
	}
}

/*
 * Is all of it what was stored? What was cut away meanwhile does not matter, but its
 * checksum may be another page's by now.
 */
static bool is_right(const struct tarn_block_load *load, struct tarn_leaf *leaf,
		     u64 cookie)
{
	unsigned int i;
	u32 sum;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		struct tarn_io page = page_of(load, cookie, i);

		if (!tarn_poison_sum(load->chunk->page + i, &sum))
			return false;
		if (sum == READ_ONCE(leaf->sum[i]))
			continue;
		/* Pairs with the exchange that took the page away before it was stored anew. */
		smp_rmb();
		if (tarn_load_is_wanted(&page))
			return false;
	}
	return true;
}

/*
 * While its page is locked nobody maps the block. If a page of it was cut away it must not
 * be mapped as a whole.
 */
static void settle_all(struct tarn_block_load *load, u64 cookie)
{
	DECLARE_BITMAP(lost, TARN_BLOCK_PAGES);
	struct tarn_chunk *chunk = load->chunk;
	struct tarn_partition *part = load->part;
	unsigned int i;

	lock_page(chunk->page);
	chunk->whole = true;
	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		struct tarn_io page = page_of(load, cookie, i);

		__assign_bit(i, lost, !tarn_load_settle(&page));
	}
	if (bitmap_empty(lost, TARN_BLOCK_PAGES))
		tarn_stats_add(part, TARN_STAT_BLOCK_LOADS, 1);
	else
		tarn_chunk_break(chunk);
	unlock_page(chunk->page);
	/* What needs memory is done when it is unlocked. */
	for_each_set_bit(i, lost, TARN_BLOCK_PAGES) {
		struct tarn_io page = page_of(load, cookie, i);

		tarn_load_orphan(&page);
	}
	if (READ_ONCE(part->pins.pinned))
		for (i = 0; i < TARN_BLOCK_PAGES; i++)
			tarn_pin_update(part, load->first + i);
	tarn_block_load_part(load);
}

/* Something is wrong with it. False: its pages can't be asked for now. */
static bool read_singly(struct tarn_block_load *load, struct tarn_leaf *leaf,
			u64 cookie)
{
	tarn_window_unmap(load->part->pool, tarn_chunk_first(load->chunk),
			  TARN_CHUNK_FRAMES);
	return tarn_chunk_split_idle(load->chunk) &&
	       tarn_block_load_singly(load, leaf, cookie);
}

static void read_end(struct tarn_io *io, int result, u64 unused)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(io->part, io->index, false);
	struct tarn_block_load *load = io->block;
	u64 cookie = io->cookie;

	set_asked(load->chunk, false);
	tarn_io_destroy(io);
	if (!result && is_right(load, leaf, cookie)) {
		settle_all(load, cookie);
	} else {
		if (result != TARN_IO_ABORTED && read_singly(load, leaf, cookie))
			return;
		abort_all(load, cookie);
	}
	tarn_block_load_free(load);
}

/* ---- the beginning ------------------------------------------------------- */

/* The first one's cookie, if those of all pages follow it. */
static u64 copies_of(const struct tarn_leaf *leaf)
{
	u64 first = tarn_entry_payload(atomic64_read(&leaf->entry[0]));
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (!tarn_entry_is_stored(e) ||
		    tarn_entry_payload(e) != first + i)
			return TARN_COOKIE_NONE;
	}
	/* One file, or none. */
	if (tarn_cookie_where(first + TARN_LEAF_PAGES - 1) == TARN_COPY_IN_FILE &&
	    !tarn_import_same(first, first + TARN_LEAF_PAGES - 1))
		return TARN_COOKIE_NONE;
	return first;
}

/* Can what begins there be read at once? */
static bool takes_wide(struct tarn_pool *pool, u64 cookie)
{
	switch (tarn_cookie_where(cookie)) {
	case TARN_COPY_WITH_PAGER:
		return tarn_pager_takes_wide(pool);
	case TARN_COPY_IN_FILE:
		return true;
	default:
		return false;
	}
}

/* Mark all pages, or give the chunk back. A page may have got another copy meanwhile. */
static bool claim_all(const struct tarn_block_load *load, u64 cookie)
{
	struct tarn_pool *pool = load->part->pool;
	unsigned int i, n;

	for (n = 0; n < TARN_BLOCK_PAGES; n++) {
		struct tarn_io page = page_of(load, cookie, n);

		if (!tarn_load_claim(&page))
			break;
		if (page.cookie == cookie + n)
			continue;
		/* With the frame that is the request's, as with those before. */
		tarn_load_abort(&page);
		for (i = n + 1; i < TARN_BLOCK_PAGES; i++)
			tarn_frame_free(pool, tarn_chunk_first(load->chunk) + i);
		goto err_claimed;
	}
	if (n == TARN_BLOCK_PAGES)
		return true;
	if (!n) {
		tarn_block_give(pool, load->chunk);
		return false;
	}
	for (i = n; i < TARN_BLOCK_PAGES; i++)
		tarn_frame_free(pool, tarn_chunk_first(load->chunk) + i);
err_claimed:
	for (i = 0; i < n; i++) {
		struct tarn_io page = page_of(load, cookie, i);

		tarn_load_abort(&page);
	}
	return false;
}

/* Of a chunk that a pager had in hand its window may be all that keeps it small. */
static bool join(struct tarn_pool *pool, struct tarn_chunk *chunk)
{
	if (tarn_chunk_join(chunk))
		return true;
	tarn_window_unmap(pool, tarn_chunk_first(chunk), TARN_CHUNK_FRAMES);
	return tarn_chunk_join(chunk);
}

static struct tarn_io *read_create(struct tarn_block_load *load, u64 cookie)
{
	struct tarn_io *io = tarn_io_create(load->part, load->first,
					    tarn_chunk_first(load->chunk),
					    TARN_OP_LOAD, read_end);

	if (!io)
		return NULL;
	io->flags = TARN_REQ_WIDE;
	io->run = TARN_BLOCK_PAGES - 1;
	io->cookie = cookie;
	io->asked = true;
	io->block = load;
	return io;
}

/**
 * tarn_block_read() - have a block read by one request
 * @load: with a chunk that is split
 * @leaf: the block's; all of it is out
 *
 * Context: process. Does not wait for the load.
 * Return: see there.
 */
enum tarn_block_read tarn_block_read(struct tarn_block_load *load,
				     struct tarn_leaf *leaf)
{
	struct tarn_pool *pool = load->part->pool;
	u64 cookie = copies_of(leaf);
	struct tarn_io *io;
	int section;

	if (!takes_wide(pool, cookie))
		return TARN_BLOCK_READ_NOT;
	io = read_create(load, cookie);
	if (!io)
		return TARN_BLOCK_READ_NOT;
	section = tarn_cookie_begin();
	if (!claim_all(load, cookie)) {
		tarn_cookie_end(section);
		tarn_io_destroy(io);
		return TARN_BLOCK_READ_LATE;
	}
	if (join(pool, load->chunk)) {
		set_asked(load->chunk, true);
		tarn_load_submit(io);
	} else {
		tarn_io_destroy(io);
		if (!tarn_block_load_singly(load, leaf, cookie)) {
			abort_all(load, cookie);
			tarn_block_load_free(load);
		}
	}
	tarn_cookie_end(section);
	return TARN_BLOCK_READ_BEGUN;
}
