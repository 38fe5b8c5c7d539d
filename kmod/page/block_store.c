// SPDX-License-Identifier: GPL-2.0-only
/* See block_store.h. */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/batch.h"
#include "page/block.h"
#include "page/block_store.h"
#include "pager/drop.h"
#include "pager/io.h"
#include "pager/queue.h"
#include "pager/window.h"
#include "pool/copy.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/stores.h"
#include "pool/use.h"
#include "trace.h"

/* With more pages that need no copy (evict.c) it is worth more to store the others alone. */
#define KNOWN_MOST	(TARN_BLOCK_PAGES / 16)

/* ---- in hand ------------------------------------------------------------- */

static void unmark(struct tarn_partition *part, struct tarn_leaf *leaf,
		   u64 first, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		while (!tarn_entry_change(part, first + i, &leaf->entry[i], &e,
					  tarn_entry_with_mark(e,
							TARN_MARK_NONE)))
			;
		tarn_entry_wake(&leaf->entry[i]);
	}
}

/* False: one is pinned, or in somebody's hand. Uses may be noted meanwhile. */
static bool mark_page(struct tarn_partition *part, atomic64_t *entry, u64 index,
		      u64 frame)
{
	u64 e = atomic64_read(entry);

	do {
		if (!tarn_entry_is_frame(e, frame) || tarn_entry_mark(e) ||
		    tarn_entry_pinned(e))
			return false;
	} while (!tarn_entry_change(part, index, entry, &e,
				    tarn_entry_with_mark(e, TARN_MARK_OUT)));
	return true;
}

static bool mark_all(const struct tarn_block_out *out, struct tarn_partition *part)
{
	u64 frame = tarn_chunk_first(out->chunk);
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++)
		if (!mark_page(part, &out->leaf->entry[i], out->first + i,
			       frame + i))
			break;
	if (i == TARN_BLOCK_PAGES)
		return true;
	unmark(part, out->leaf, out->first, i);
	return false;
}

/* Of all of it there are valid copies, with the pager or in files. */
static bool is_clean(const struct tarn_chunk *chunk)
{
	unsigned int i;

	if (tarn_frame_dirty(chunk->page))
		return false;
	for (i = 0; i < TARN_CHUNK_FRAMES; i++)
		if (!tarn_copy_cookie(chunk->frames[i].copy))
			return false;
	return true;
}

/**
 * tarn_block_hold() - take a block in hand that is to be given up
 * @out: is that block then
 * @part: partition; the caller holds its pin, or has its inode
 * @leaf: the block's
 * @index: a page of it
 * @store: it may be stored
 *
 * Context: process; does not wait.
 * Return: false if it is not whole, a page of it is pinned, somebody else has it, or it
 * would have to be stored.
 */
bool tarn_block_hold(struct tarn_block_out *out, struct tarn_partition *part,
		     struct tarn_leaf *leaf, u64 index, bool store)
{
	atomic64_t *entry = tarn_leaf_entry(leaf, index);
	u64 frame = tarn_entry_payload(atomic64_read(entry));
	struct page *page = tarn_frame_get(part->pool, frame);
	struct tarn_chunk *chunk;
	bool held = false;

	if (!page)
		return false;
	if (!tarn_entry_is_frame(atomic64_read(entry), frame) ||
	    !trylock_page(page))
		goto out;
	chunk = tarn_chunk_of(part->pool, frame);
	if (chunk->whole && !tarn_chunk_spoilt(chunk) &&
	    (store || is_clean(chunk))) {
		out->leaf = leaf;
		out->first = ALIGN_DOWN(index, TARN_BLOCK_PAGES);
		out->chunk = chunk;
		held = mark_all(out, part);
	}
	if (!held) {
		out->leaf = NULL;
		unlock_page(page);
	}
	/* The marks keep the frame now. */
out:
	put_page(page);
	return held;
}

/* It stays. */
static void let_go(struct tarn_block_out *out, struct tarn_partition *part)
{
	unmark(part, out->leaf, out->first, TARN_BLOCK_PAGES);
	unlock_page(out->chunk->page);
}

/**
 * tarn_block_rescue() - a page of a block that is going out is wanted
 * @part: partition
 * @leaf: the block's
 * @index: a page of it, whose frame's page is locked
 *
 * As long as it is whole all of it is mapped, so all of it is rescued.
 *
 * Context: process.
 */
void tarn_block_rescue(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 index)
{
	u64 first = ALIGN_DOWN(index, TARN_BLOCK_PAGES);
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		while (tarn_entry_mark(e) == TARN_MARK_OUT &&
		       !tarn_entry_change(part, first + i, &leaf->entry[i], &e,
					  tarn_entry_with_mark(e,
							TARN_MARK_RESCUED)))
			;
	}
}

/* ---- without I/O --------------------------------------------------------- */

/* What was a block's is nobody's, and no entry leads there. No page is locked. */
static void give_chunk(struct tarn_partition *part, struct tarn_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < TARN_CHUNK_FRAMES; i++)
		chunk->frames[i].copy = TARN_COPY_NONE;
	tarn_stats_add(part, TARN_STAT_BLOCK_OUTS, 1);
	tarn_partition_left_all(part, chunk->node);
	tarn_window_unmap(part->pool, tarn_chunk_first(chunk),
			  TARN_CHUNK_FRAMES);
	tarn_block_give(part->pool, chunk);
}

static void drop_clean(struct tarn_block_out *out, struct tarn_partition *part)
{
	struct tarn_chunk *chunk = out->chunk;
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		u64 e = atomic64_read(&out->leaf->entry[i]);

		tarn_batch_settle(part, out->first + i,
				  tarn_entry_gone(part->pool, e,
						  tarn_copy_cookie(chunk->frames[i].copy)));
	}
	WRITE_ONCE(out->leaf->was_whole, true);
	chunk->whole = false;
	unlock_page(chunk->page);
	tarn_partition_add_paged(part, TARN_BLOCK_PAGES);
	tarn_stats_add(part, TARN_STAT_CLEAN_DROPS, TARN_BLOCK_PAGES);
	atomic64_add(TARN_BLOCK_PAGES, &part->pool->evictions);
	give_chunk(part, chunk);
}

/* It is zero, or is to be. */
static void empty(struct tarn_block_out *out, struct tarn_partition *part)
{
	struct tarn_chunk *chunk = out->chunk;
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++)
		tarn_batch_settle(part, out->first + i,
				  tarn_entry_make(TARN_PAGE_EMPTY, 0));
	chunk->whole = false;
	unlock_page(chunk->page);
	/* It needs memory, for which nobody shall wait with pages locked. */
	for (i = 0; i < TARN_BLOCK_PAGES; i++)
		tarn_copy_drop(part->pool, chunk->frames[i].copy);
	give_chunk(part, chunk);
}

static void drop_zeroes(struct tarn_block_out *out, struct tarn_partition *part)
{
	empty(out, part);
	tarn_stats_add(part, TARN_STAT_ZERO_DROPS, TARN_BLOCK_PAGES);
	atomic64_add(TARN_BLOCK_PAGES, &part->pool->evictions);
}

/* ---- stores -------------------------------------------------------------- */

/* The first one's cookie if the pager has a copy of all pages and those follow each other. */
static u64 outdated_copies(const struct tarn_chunk *chunk)
{
	u64 first = tarn_copy_cookie(chunk->frames[0].copy);
	unsigned int i;

	for (i = 1; first && i < TARN_CHUNK_FRAMES; i++)
		if (tarn_copy_cookie(chunk->frames[i].copy) != first + i)
			first = TARN_COOKIE_NONE;
	return first;
}

/**
 * struct ending - a store that ends
 * @io: the store
 * @leaf: its block's
 * @chunk: of its frames
 * @good: it went well
 * @cookie: then, of the first new copy
 * @stored: pages that are with the pager only
 * @cut: pages that were cut away
 * @spare: pages whose new copy is of no use
 */
struct ending {
	struct tarn_io *io;
	struct tarn_leaf *leaf;
	struct tarn_chunk *chunk;
	bool good;
	u64 cookie;
	DECLARE_BITMAP(stored, TARN_BLOCK_PAGES);
	DECLARE_BITMAP(cut, TARN_BLOCK_PAGES);
	DECLARE_BITMAP(spare, TARN_BLOCK_PAGES);
};

/* Which copy a page has that stays: an outdated one, for its next store to replace. */
static u64 copy_that_stays(const struct ending *end, unsigned int i, u64 old)
{
	if (end->good && (end->io->cookie || !old))
		return tarn_copy_make(end->cookie + i);
	return old;
}

/* False: it is in the frame no more. */
static bool settle_page(struct ending *end, unsigned int i, u64 old)
{
	struct tarn_partition *part = end->io->part;
	atomic64_t *entry = &end->leaf->entry[i];
	u64 e = atomic64_read(entry), to;
	enum tarn_mark mark;

	do {
		mark = tarn_entry_mark(e);
		if (!tarn_entry_is_frame(e, end->io->frame + i) ||
		    (mark != TARN_MARK_OUT && mark != TARN_MARK_RESCUED))
			return false;
		if (end->good && mark == TARN_MARK_OUT) {
			to = tarn_entry_gone(part->pool, e, end->cookie + i);
			continue;
		}
		/* Who finds it without a mark finds the copy as it is then. */
		end->chunk->frames[i].copy = copy_that_stays(end, i, old);
		to = tarn_entry_with_mark(e, TARN_MARK_NONE);
	} while (!tarn_entry_change(part, end->io->index + i, entry, &e, to));
	tarn_entry_wake(entry);
	__assign_bit(i, end->stored, tarn_entry_is_stored(to));
	return true;
}

/*
 * Of a frame that is the request's now the copy is what has still to be dropped; a
 * completion frees those that the request named.
 */
static void end_page(struct ending *end, unsigned int i)
{
	struct tarn_frame *f = &end->chunk->frames[i];
	u64 old = f->copy;
	bool settled = settle_page(end, i, old);

	__assign_bit(i, end->cut, !settled);
	if (!settled || test_bit(i, end->stored))
		f->copy = end->good && end->io->cookie ? TARN_COPY_NONE : old;
	__assign_bit(i, end->spare, end->good &&
		     (!settled || (!test_bit(i, end->stored) &&
				   copy_that_stays(end, i, old) == old)));
}

/*
 * With the page lock nobody faults on one of them, or takes it away: all of a whole block are
 * stored, or none is, unless one was pinned meanwhile. The pages of one that was parted are
 * settled one by one.
 *
 * Returns whether it was stored as a whole.
 */
static bool end_pages(struct ending *end)
{
	struct tarn_chunk *chunk = end->chunk;
	bool whole, all;
	unsigned int i;

	lock_page(chunk->page);
	chunk->asked = false;
	whole = chunk->whole;
	if (!whole)
		unlock_page(chunk->page);
	for (i = 0; i < TARN_BLOCK_PAGES; i++)
		end_page(end, i);
	all = whole && bitmap_full(end->stored, TARN_BLOCK_PAGES);
	if (all)
		chunk->whole = false;
	else if (whole && !bitmap_empty(end->stored, TARN_BLOCK_PAGES) &&
		 tarn_chunk_break(chunk))
		tarn_stats_add(end->io->part, TARN_STAT_BLOCK_SPLITS, 1);
	if (whole)
		unlock_page(chunk->page);
	return all;
}

/* Frames of pages that are stored, or were cut away, of a block that was parted. */
static void give_frames(const struct ending *end)
{
	struct tarn_partition *part = end->io->part;
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		u64 frame = end->io->frame + i;

		if (test_bit(i, end->stored)) {
			atomic64_inc(&part->pool->evictions);
			tarn_partition_left(part, frame);
		} else if (!test_bit(i, end->cut)) {
			continue;
		}
		end->chunk->frames[i].copy = TARN_COPY_NONE;
		tarn_frame_release(part->pool, frame);
	}
}

static void drop_copies(const struct ending *end)
{
	struct tarn_pool *pool = end->io->part->pool;
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		if (test_bit(i, end->stored) || test_bit(i, end->cut))
			tarn_copy_drop(pool, end->chunk->frames[i].copy);
		if (test_bit(i, end->spare))
			tarn_cookie_drop(pool, end->cookie + i);
	}
}

/* It could not be stored: its pages are tried one by one. */
static void part_block(const struct ending *end)
{
	struct tarn_partition *part = end->io->part;

	lock_page(end->chunk->page);
	end->chunk->asked = false;
	unlock_page(end->chunk->page);
	down_read(&part->pin);
	if (part->inode)
		tarn_block_part(part, end->leaf, end->io->index);
	up_read(&part->pin);
}

static void store_end(struct tarn_io *io, int result, u64 cookie)
{
	struct tarn_partition *part = io->part;
	struct tarn_pool *pool = part->pool;
	struct ending end = {
		.io = io,
		.leaf = tarn_partition_leaf(part, io->index, false),
		.chunk = tarn_chunk_of(pool, io->frame),
		.good = !result,
		.cookie = cookie,
	};
	unsigned int stored;
	bool all;

	/* While they are marked, so that each one that is not any more can go by itself. */
	if (result && result != TARN_IO_ABORTED)
		part_block(&end);
	all = end_pages(&end);
	stored = bitmap_weight(end.stored, TARN_BLOCK_PAGES);
	drop_copies(&end);
	tarn_partition_add_paged(part, stored);
	tarn_stats_add(part, TARN_STAT_PAGE_OUTS, stored);
	if (end.good)
		tarn_stores_went_well(&pool->stores);
	if (all) {
		atomic64_add(TARN_BLOCK_PAGES, &pool->evictions);
		give_chunk(part, end.chunk);
	} else {
		give_frames(&end);
	}
	atomic64_sub(TARN_BLOCK_PAGES, &part->leaving);
	tarn_stores_end(&pool->stores, TARN_BLOCK_PAGES);
	tarn_io_destroy(io);
}

/**
 * struct content - what the pages of a block are
 * @known: those of which all is one word
 * @zeroes: of these, zero
 */
struct content {
	unsigned int known;
	unsigned int zeroes;
};

/*
 * Make the checksums, and see what needs none. False: a page can't be read, or there is no
 * memory.
 */
static bool read_pages(const struct tarn_block_out *out,
		       struct tarn_partition *part, struct content *c)
{
	u32 *sums = tarn_leaf_sums(part, out->leaf);
	struct page *page = out->chunk->page;
	unsigned int i;
	u64 word;

	if (!sums)
		return false;
	for (i = 0; i < TARN_BLOCK_PAGES; i++, page++) {
		if (!tarn_poison_sum(page, &sums[i]))
			return false;
		if (unlikely(tarn_pattern_find(page, &word))) {
			c->known++;
			c->zeroes += !word;
		}
	}
	/* Those that are reserved are kept like others. */
	if (READ_ONCE(out->leaf->reserve))
		*c = (struct content) {};
	return true;
}

/* NULL: there is no memory. */
static struct tarn_io *store_create(const struct tarn_block_out *out,
				    struct tarn_partition *part)
{
	struct tarn_chunk *chunk = out->chunk;
	struct tarn_io *io;

	io = tarn_io_create(part, out->first, tarn_chunk_first(chunk),
			    TARN_OP_STORE, store_end);
	if (!io)
		return NULL;
	io->flags = TARN_REQ_WIDE;
	io->run = TARN_BLOCK_PAGES - 1;
	io->cookie = outdated_copies(chunk);
	return io;
}

static void send(struct tarn_block_out *out, struct tarn_partition *part,
		 struct tarn_io *io)
{
	struct tarn_pool *pool = part->pool;

	trace_tarn_store(io);
	WRITE_ONCE(out->leaf->was_whole, true);
	out->chunk->asked = true;
	tarn_stores_begin(&pool->stores, TARN_BLOCK_PAGES);
	unlock_page(out->chunk->page);
	tarn_queue_submit(pool, io);
}

/* ---- giving up ----------------------------------------------------------- */

/**
 * tarn_block_give_up() - give up a block that is in hand
 * @out: the block, which is not in hand afterwards
 * @part: its partition; the caller holds its pin
 *
 * Context: process, in a section of cookies; does not wait for the pager.
 * Return: see there.
 */
enum tarn_block_end tarn_block_give_up(struct tarn_block_out *out,
				       struct tarn_partition *part)
{
	struct content content = {};
	struct tarn_io *io = NULL;
	bool read;

	tarn_cookie_assert();
	lockdep_assert_held_read(&part->pin);
	tarn_partition_unmap(part, out->first, TARN_BLOCK_PAGES);
	if (tarn_frame_held(out->chunk->page)) {
		let_go(out, part);
		return TARN_BLOCK_KEPT;
	}
	/* It may have been written since it was taken in hand. */
	if (is_clean(out->chunk)) {
		drop_clean(out, part);
		return TARN_BLOCK_GONE;
	}
	read = read_pages(out, part, &content);
	if (content.zeroes == TARN_BLOCK_PAGES) {
		drop_zeroes(out, part);
		return TARN_BLOCK_GONE;
	}
	if (read && content.known <= KNOWN_MOST)
		io = store_create(out, part);
	if (io) {
		send(out, part, io);
		return TARN_BLOCK_SENT;
	}
	let_go(out, part);
	tarn_block_part(part, out->leaf, out->first);
	return TARN_BLOCK_PARTED;
}

/**
 * tarn_block_discard() - take away all of a block at once, whose content is worth nothing
 * @part: partition; the caller has its inode, or holds its pin, or that has ended
 * @leaf: its leaf
 * @first: its first page
 *
 * Its chunk is free in one piece then.
 *
 * Context: process; does not wait.
 * Return: false if it is as it was: not whole, pinned or held in part, or in somebody's hand.
 */
bool tarn_block_discard(struct tarn_partition *part, struct tarn_leaf *leaf, u64 first)
{
	struct tarn_block_out out = {};
	bool held;
	int section;

	if (!tarn_block_is_whole(part->pool, atomic64_read(&leaf->entry[0])))
		return false;
	section = tarn_cookie_begin();
	held = tarn_block_hold(&out, part, leaf, first, true);
	/* With its inode went all mappings. */
	if (held && part->inode)
		tarn_partition_unmap(part, first, TARN_BLOCK_PAGES);
	if (held && tarn_frame_held(out.chunk->page)) {
		let_go(&out, part);
		held = false;
	}
	if (held)
		empty(&out, part);
	tarn_cookie_end(section);
	return held;
}
