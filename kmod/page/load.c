// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads: how they begin and how they end. When one ends it looks at the entry and
 * learns whether the page still wants it. See
 * Documentation/design/state-machine.rst.
 */
#include "page/block_load.h"
#include "page/load.h"
#include "page/peek.h"
#include "page/pending.h"
#include "page/reserve.h"
#include "pager/drop.h"
#include "pager/grant.h"
#include "pager/import.h"
#include "pager/io.h"
#include "pager/queue.h"
#include "pool/copy.h"
#include "pool/event.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/pins.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"
#include "trace.h"

/* The entry of a page while @io reads its copy, but for the hint. */
static u64 entry_of_load(const struct tarn_io *io)
{
	return tarn_entry_with_mark(tarn_entry_make(TARN_PAGE_PAGED,
						    io->cookie), TARN_MARK_IN);
}

/* Does the page still wait for @io? If not, what is read is nobody's. */
bool tarn_load_is_wanted(const struct tarn_io *io)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);

	return (atomic64_read(entry) & ~TARN_ENTRY_HINT) == entry_of_load(io);
}

static bool is_of_file(const struct tarn_io *io)
{
	return tarn_cookie_where(io->cookie) == TARN_COPY_IN_FILE;
}

/* By whoever has it. */
static void read_copy(struct tarn_io *io)
{
	if (unlikely(is_of_file(io)))
		tarn_import_read(io);
	else
		tarn_queue_submit(io->part->pool, io);
}

/* ---- how they end -------------------------------------------------------- */

/* The page was truncated while it was read: what is left belongs to us. No page is locked. */
void tarn_load_orphan(struct tarn_io *io)
{
	struct tarn_pool *pool = io->part->pool;

	tarn_frame_release(pool, io->frame);
	tarn_cookie_drop(pool, io->cookie);
	atomic_dec_return(&io->part->orphans);
	wake_up_var(&io->part->orphans);
}

/* The hint of @old, which may be changed at any time, as it is to be in @to. */
static u64 with_hint_of(const struct tarn_io *io, u64 to, u64 old)
{
	unsigned int hint = tarn_entry_is_known(to) ? 0 : tarn_entry_hint(old);

	if (tarn_entry_has_frame(to))
		hint = tarn_pin_hint(io->part, io->index,
				     tarn_entry_hint_back(old, io->asked));
	return tarn_entry_with_hint(to, hint);
}

/* End the load's mark; @to gets its hint. False: the page is gone, there was none. */
static bool load_unmark(struct tarn_io *io, u64 *to)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);
	u64 old = atomic64_read(entry);

	do {
		if ((old & ~TARN_ENTRY_HINT) != entry_of_load(io))
			return false;
		*to = with_hint_of(io, *to, old);
	} while (!tarn_entry_change(io->part, io->index, entry, &old, *to));
	return true;
}

/* False: there is nothing to settle, the page is gone. */
static bool settle(struct tarn_io *io, u64 to)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);
	int nid = tarn_frame_node(io->part->pool, io->frame);

	if (!load_unmark(io, &to))
		return false;
	if (tarn_entry_has_frame(to)) {
		tarn_partition_came(io->part, entry, nid);
		tarn_partition_add_paged(io->part, -1);
		tarn_stats_add(io->part, TARN_STAT_PAGE_INS, 1);
		io->pinned = tarn_entry_hint(to) == TARN_HINT_PINNED;
		tarn_pending_loaded(io->part, io->index);
	} else {
		tarn_frame_release(io->part->pool, io->frame);
		if (to & TARN_ENTRY_FAILED)
			tarn_pending_settle(io->part, io->index);
		else
			tarn_pending_aborted(io->part, io->index);
	}
	tarn_entry_wake(entry);
	return true;
}

static bool load_settle(struct tarn_io *io, u64 to)
{
	bool settled = settle(io, to);

	if (!settled)
		tarn_load_orphan(io);
	return settled;
}

/* What was read needs no frame. False: the page is gone. */
static bool settle_known(struct tarn_io *io, u64 word)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);
	u64 to = word ? tarn_pattern_entry(word) :
			tarn_entry_make(TARN_PAGE_EMPTY, 0);
	u64 marked = word ? tarn_entry_with_mark(to, TARN_MARK_FILL) : to;

	if (!load_unmark(io, &marked))
		return false;
	if (word) {
		/*
		 * Only with a mark that nobody takes the page away from. The leaf of a page
		 * that was stored has sums: that can't fail.
		 */
		WARN_ON_ONCE(!tarn_pattern_keep(io->part, entry, word));
		tarn_entry_change(io->part, io->index, entry, &marked, to);
		tarn_partition_add_pattern(io->part, 1);
	}
	tarn_partition_add_paged(io->part, -1);
	tarn_stats_add(io->part, TARN_STAT_PAGE_INS, 1);
	tarn_stats_add(io->part, word ? TARN_STAT_PATTERN_DROPS :
					TARN_STAT_ZERO_DROPS, 1);
	tarn_pending_loaded(io->part, io->index);
	tarn_entry_wake(entry);
	tarn_frame_release(io->part->pool, io->frame);
	tarn_cookie_drop(io->part->pool, io->cookie);
	return true;
}

/*
 * Has what was read no use for a frame? Pages are looked at before they are stored, so it
 * was one that had to keep its place then, or went out with its block.
 */
static bool is_known(const struct tarn_io *io, u64 *word)
{
	return !tarn_partition_is_store(io->part) &&
	       tarn_pattern_find(tarn_frame_page(io->part->pool, io->frame),
				 word) &&
	       !tarn_page_needs_frame(io->part, io->index);
}

/* The page is as it was before; a fault that waits for it starts anew. */
static void peek_settle(struct tarn_io *io)
{
	struct tarn_pool *pool = io->part->pool;
	u64 to = tarn_entry_make(TARN_PAGE_PAGED, io->cookie);

	if (load_unmark(io, &to)) {
		tarn_pending_aborted(io->part, io->index);
		tarn_entry_wake(tarn_partition_entry(io->part, io->index));
		tarn_peek_end(io->peek, pool, io->frame, 0);
		return;
	}
	tarn_load_orphan(io);
	tarn_peek_end(io->peek, pool, TARN_FRAME_NONE, -EAGAIN);
}

static void tell_error(struct tarn_io *io, bool checksum, int error)
{
	enum tarn_event_type event = checksum ? TARN_EVENT_CHECKSUM :
						TARN_EVENT_LOAD_ERROR;
	enum tarn_stat stat = checksum ? TARN_STAT_CHECKSUM_ERRORS :
					 TARN_STAT_LOAD_ERRORS;

	/* Of a file that a guest was restored from no paging device is to blame. */
	if (is_of_file(io)) {
		event = TARN_EVENT_IMPORT_ERROR;
		stat = TARN_STAT_IMPORT_ERRORS;
	}
	tarn_stats_add(io->part, stat, 1);
	tarn_event(io->part->pool, event, io->part->id, io->index, error);
}

static void load_failed(struct tarn_io *io, int error)
{
	struct tarn_pool *pool = io->part->pool;
	bool checksum = io->flags & TARN_REQ_MISMATCH, settled;
	u64 to = tarn_entry_make(TARN_PAGE_PAGED, io->cookie);

	tell_error(io, checksum, error);
	/*
	 * Of a guess that failed nobody is told: who wants the page asks by himself. A
	 * look leaves the page as it was, and tells who looks.
	 */
	if (io->asked && !io->peek)
		to |= TARN_ENTRY_FAILED;
	settled = load_settle(io, to);
	if (io->peek)
		tarn_peek_end(io->peek, pool, TARN_FRAME_NONE,
			      settled ? -EIO : -EAGAIN);
}

/* The page is as it was before; who waits for it asks anew. */
void tarn_load_abort(struct tarn_io *io)
{
	load_settle(io, tarn_entry_make(TARN_PAGE_PAGED, io->cookie));
	if (io->peek)
		tarn_peek_end(io->peek, io->part->pool, TARN_FRAME_NONE,
			      -EAGAIN);
}

/**
 * tarn_load_settle() - what was read is the page's now
 * @io: a load that ended well
 *
 * Context: process; the page of its frame may be locked.
 * Return: false if it was cut away meanwhile: it is for tarn_load_orphan().
 */
bool tarn_load_settle(struct tarn_io *io)
{
	struct tarn_pool *pool = io->part->pool;
	struct tarn_frame *frame = tarn_frame(pool, io->frame);

	frame->owner = tarn_owner_page(io->part->id, io->index);
	frame->copy = tarn_copy_make(io->cookie);
	tarn_frame_clear_dirty(tarn_frame_page(pool, io->frame));
	if (settle(io, tarn_entry_make(TARN_PAGE_RESIDENT, io->frame) |
		       TARN_ENTRY_NEW))
		return true;
	/* The copy is the request's: who has others of its chunk locked must not take it. */
	frame->copy = TARN_COPY_NONE;
	frame->owner = TARN_OWNER_NOBODY;
	return false;
}

/* Then, without page locks: pins may have come or gone. */
void tarn_load_recheck(struct tarn_io *io)
{
	tarn_pin_recheck(io->part, io->index,
			 io->pinned ? TARN_HINT_PINNED : 0);
}

/* What has become of a load. */
enum end {
	END_GOOD,	/* the content is right, and its page has still to be settled */
	END_BAD,	/* nothing is left to be done */
	END_AGAIN,	/* it goes on, as it was submitted again */
};

/* A cookie of an import may have been used again while it was read. */
static bool is_outdated(const struct tarn_io *io)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(io->part, io->index, false);
	u32 *sums = leaf ? READ_ONCE(leaf->sum) : NULL;

	return sums && READ_ONCE(sums[io->index & (TARN_LEAF_PAGES - 1)]) != io->sum;
}

static enum end was_read(struct tarn_io *io)
{
	struct tarn_pool *pool = io->part->pool;
	struct page *page = tarn_frame_page(pool, io->frame);
	u32 sum;

	/* Read in vain: who waits for it has it read into another frame. */
	if (!tarn_poison_sum(page, &sum)) {
		tarn_load_abort(io);
		return END_BAD;
	}
	/* It was cut away, and imported anew with other content: what was read is of before. */
	if (unlikely(is_of_file(io)) && is_outdated(io)) {
		tarn_load_abort(io);
		return END_BAD;
	}
	if (sum == io->sum)
		return END_GOOD;
	if (io->flags & TARN_REQ_MISMATCH) {
		load_failed(io, -EILSEQ);
		return END_BAD;
	}
	io->flags |= TARN_REQ_MISMATCH;
	read_copy(io);
	return END_AGAIN;
}

static enum end judge(struct tarn_io *io, int result)
{
	struct tarn_pool *pool = io->part->pool;

	if (result == TARN_IO_ABORTED) {
		tarn_load_abort(io);
	} else if (!tarn_load_is_wanted(io)) {
		/* No page, no error: a guest must not make a good copy look bad. */
		tarn_load_orphan(io);
		if (io->peek)
			tarn_peek_end(io->peek, pool, TARN_FRAME_NONE, -EAGAIN);
	} else if (result && !tarn_poisoned(tarn_frame_page(pool, io->frame))) {
		load_failed(io, result);
	} else {
		return was_read(io);
	}
	return END_BAD;
}

/* Of a page by itself, what was read is right. */
static void was_good(struct tarn_io *io)
{
	u64 word;

	if (io->peek)
		peek_settle(io);
	else if (is_known(io, &word) ? settle_known(io, word) :
				       tarn_load_settle(io))
		tarn_load_recheck(io);
	else
		tarn_load_orphan(io);
}

static void load_end(struct tarn_io *io, int result, u64 cookie)
{
	struct tarn_block_load *block = io->block;
	enum end end = judge(io, result);

	if (end == END_AGAIN)
		return;
	if (end == END_GOOD) {
		if (block) {
			tarn_block_load_ended(block, io);
			return;
		}
		was_good(io);
	}
	tarn_io_destroy(io);
	if (block)
		tarn_block_load_ended(block, NULL);
}

/* ---- how they begin ------------------------------------------------------ */

/**
 * tarn_load_claim() - a page is being read from now on
 * @io: the load
 *
 * From the mark on the cookie is the request's: who takes the page away leaves it
 * to us. So until a queue has the request no pager may start for which that cookie
 * is free.
 *
 * Context: process, in a section of cookies that lasts until it is submitted.
 * Return: false if the page is not stored, or in somebody's hand.
 */
bool tarn_load_claim(struct tarn_io *io)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);
	u64 e = entry ? atomic64_read(entry) : 0;

	tarn_cookie_assert();

	do {
		if (!tarn_entry_is_stored(e) || tarn_entry_mark(e))
			return false;
	} while (!tarn_entry_change(io->part, io->index, entry, &e,
				    tarn_entry_with_mark(e & ~TARN_ENTRY_FAILED,
							 TARN_MARK_IN)));
	io->cookie = tarn_entry_payload(e);
	io->sum = tarn_leaf_of(entry)->sum[io->index & (TARN_LEAF_PAGES - 1)];
	if (io->flags & TARN_REQ_READAHEAD)
		tarn_stats_add(io->part, TARN_STAT_READAHEAD, 1);
	else if (io->asked && !io->peek && tarn_entry_refaults(io->part->pool, e))
		tarn_stats_add(io->part, TARN_STAT_REFAULTS, 1);
	return true;
}

/* Have a page read that is claimed, in the same section. */
void tarn_load_submit(struct tarn_io *io)
{
	struct tarn_read *read;

	trace_tarn_load(io);
	read = is_of_file(io) ? NULL : tarn_grant_take(io);
	if (read)
		tarn_grant_read(read);
	else
		read_copy(io);
}

/**
 * tarn_load_create() - prepare to have a page of a block read (block_load.h)
 * @part: partition
 * @index: page
 * @frame: to read it into
 * @asked: somebody wants this page
 * @block: the block's
 *
 * Context: process.
 * Return: the load, to be claimed and submitted; NULL without memory.
 */
struct tarn_io *tarn_load_create(struct tarn_partition *part, u64 index,
				 u64 frame, bool asked,
				 struct tarn_block_load *block)
{
	struct tarn_io *io = tarn_io_create(part, index, frame, TARN_OP_LOAD,
					    load_end);

	if (!io)
		return NULL;
	io->asked = asked;
	io->block = block;
	return io;
}

/* Mark the page and send the request. Returns see tarn_load_start(). */
static int load_begin(struct tarn_partition *part, u64 index, u64 frame,
		      u8 flags, struct tarn_peek *peek)
{
	struct tarn_io *io = tarn_load_create(part, index, frame,
					      !(flags & TARN_REQ_READAHEAD),
					      NULL);
	int ret = -EAGAIN;
	int section;

	if (!io)
		return -ENOMEM;
	io->flags = flags;
	io->peek = peek;
	section = tarn_cookie_begin();
	if (tarn_load_claim(io)) {
		tarn_load_submit(io);
		ret = 0;
	}
	tarn_cookie_end(section);
	if (ret)
		tarn_io_destroy(io);
	return ret;
}

/**
 * tarn_load_start() - have a paged page read
 * @part: partition
 * @index: page
 * @frame: to read it into; the request takes it if 0 is returned
 * @readahead: nobody waits for it
 *
 * Context: process. Does not wait for the load.
 * Return: 0; -EAGAIN the page is not paged, or in somebody's hand; -ENOMEM.
 */
int tarn_load_start(struct tarn_partition *part, u64 index, u64 frame,
		    bool readahead)
{
	return load_begin(part, index, frame,
			  readahead ? TARN_REQ_READAHEAD : 0, NULL);
}

/**
 * tarn_load_peek() - have a paged page read that stays paged
 * @part: partition
 * @index: page
 * @frame: to read it into; tarn_peek_end() hands it back if 0 is returned
 * @peek: who looks
 *
 * Context: process. Does not wait for the load.
 * Return: see tarn_load_start().
 */
int tarn_load_peek(struct tarn_partition *part, u64 index, u64 frame,
		   struct tarn_peek *peek)
{
	return load_begin(part, index, frame, 0, peek);
}
