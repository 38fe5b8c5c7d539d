// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores: how they begin and how they end. A request is found by the
 * pager's completion, never by its page; when it ends it looks at the entry and
 * learns whether the page still wants it. See
 * Documentation/design/state-machine.rst.
 */
#include <linux/slab.h>

#include "page/peek.h"
#include "page/pending.h"
#include "pager/drop.h"
#include "pager/grant.h"
#include "pager/io.h"
#include "pager/pager.h"
#include "pager/queue.h"
#include "policy/age.h"
#include "pool/event.h"
#include "pool/partition.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "trace.h"

/* Without any store that ends, those under way count as hung. */
#define STORE_PATIENCE	(2 * HZ)
/* So many failures in a row are the device's, and no page's: it gets a rest. */
#define STORE_FAILURES	64
#define STORE_REST	(HZ / 10)

static struct kmem_cache *io_cache;

static struct tarn_io *io_create(struct tarn_partition *part, u64 index,
				 u64 frame, u8 op)
{
	struct tarn_io *io = kmem_cache_zalloc(io_cache, GFP_KERNEL);

	if (!io)
		return NULL;
	INIT_LIST_HEAD(&io->link);
	io->part = tarn_partition_get(part);
	io->index = index;
	io->frame = frame;
	io->op = op;
	return io;
}

static void io_destroy(struct tarn_io *io)
{
	tarn_partition_put(io->part);
	kmem_cache_free(io_cache, io);
}

/* False: a memory error, it can't be read. */
static bool page_sum(struct page *page, u32 *sum)
{
	const void *p = tarn_poison_look(page, PAGE_SIZE);

	if (!p)
		return false;
	*sum = tarn_page_sum(p);
	tarn_poison_looked();
	return true;
}

/*
 * When a page goes out its entry keeps the time in eighths of a pool's worth of
 * evictions, modulo 16. A page that comes back within one pool's worth was given
 * up too early: a refault.
 */
static unsigned int eviction_time(struct tarn_pool *pool)
{
	return div64_u64(atomic64_read(&pool->evictions),
			 READ_ONCE(pool->frames) / 8 + 1) & 15;
}

static bool is_refault(struct tarn_pool *pool, u64 e)
{
	unsigned int then = tarn_entry_hint(e) >> TARN_PAGED_TIME_SHIFT;

	return ((eviction_time(pool) - then) & 15) <= 8;
}

/* The entry of resident page @e once it is paged as @cookie. */
u64 tarn_entry_gone(struct tarn_pool *pool, u64 e, u64 cookie)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	return tarn_entry_with_hint(tarn_entry_make(TARN_PAGE_PAGED, cookie),
				    eviction_time(pool) << TARN_PAGED_TIME_SHIFT |
				    use >> TARN_PAGED_USE_SHIFT);
}

/* The hint of a page that comes back: remembered, and used now. */
static unsigned int hint_of_loaded(u64 e, bool readahead)
{
	unsigned int use = (tarn_entry_hint(e) & TARN_PAGED_USE_MASK) <<
			   TARN_PAGED_USE_SHIFT;

	return readahead ? use : tarn_use_seen(use, true);
}

/* ---- loads -------------------------------------------------------------- */

/* The entry of a page while @io reads its copy, but for the hint. */
static u64 entry_of_load(const struct tarn_io *io)
{
	return tarn_entry_with_mark(tarn_entry_make(TARN_PAGE_PAGED,
						    io->cookie), TARN_MARK_IN);
}

/* Does the page still wait for @io? If not, what is read is nobody's. */
static bool load_is_wanted(const struct tarn_io *io)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);

	return (atomic64_read(entry) & ~TARN_ENTRY_HINT) == entry_of_load(io);
}

/*
 * From the mark on the cookie is the request's: who takes the page away leaves it
 * to us. So until a queue has the request no pager may start for which that cookie
 * is free.
 */
static bool load_send(struct tarn_io *io, atomic64_t *entry, u64 e)
{
	struct tarn_partition *part = io->part;
	int section = tarn_cookie_begin();
	struct tarn_read *read;

	if (!tarn_entry_change(part, io->index, entry, &e,
			       tarn_entry_with_mark(e & ~TARN_ENTRY_FAILED,
						    TARN_MARK_IN))) {
		tarn_cookie_end(section);
		return false;
	}
	io->sum = tarn_partition_leaf(part, io->index, false)
			->sum[io->index & (TARN_LEAF_PAGES - 1)];
	if (io->flags & TARN_REQ_READAHEAD)
		tarn_stats_add(part, TARN_STAT_READAHEAD, 1);
	else if (!io->peek && is_refault(part->pool, e))
		tarn_stats_add(part, TARN_STAT_REFAULTS, 1);
	trace_tarn_load(io);
	read = tarn_grant_take(io);
	if (!read)
		tarn_queue_submit(part->pool, io);
	tarn_cookie_end(section);
	if (read)
		tarn_grant_read(read);
	return true;
}

/* Mark the page and send the request. Returns see tarn_load_start(). */
static int load_begin(struct tarn_partition *part, u64 index, u64 frame,
		      u8 flags, struct tarn_peek *peek)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;
	struct tarn_io *io;

	if (tarn_entry_state(e) != TARN_PAGE_PAGED || tarn_entry_mark(e))
		return -EAGAIN;
	io = io_create(part, index, frame, TARN_OP_LOAD);
	if (!io)
		return -ENOMEM;
	io->cookie = tarn_entry_payload(e);
	io->flags = flags;
	io->peek = peek;
	if (load_send(io, entry, e))
		return 0;
	io_destroy(io);
	return -EAGAIN;
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
 * tarn_peek_start() - have a paged page read that stays paged
 * @part: partition
 * @index: page
 * @frame: to read it into; tarn_peek_end() hands it back if 0 is returned
 * @peek: who looks
 *
 * Context: process. Does not wait for the load.
 * Return: see tarn_load_start().
 */
int tarn_peek_start(struct tarn_partition *part, u64 index, u64 frame,
		    struct tarn_peek *peek)
{
	return load_begin(part, index, frame, 0, peek);
}

/* The page was truncated while it was read: what is left belongs to us. */
static void load_orphaned(struct tarn_io *io)
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
	unsigned int hint = tarn_entry_hint(old);

	if (tarn_entry_state(to) == TARN_PAGE_RESIDENT)
		hint = tarn_pin_hint(io->part, io->index,
				     hint_of_loaded(old, io->flags &
						    TARN_REQ_READAHEAD));
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

/* False: there was nothing to settle, the page is gone. */
static bool load_settle(struct tarn_io *io, u64 to)
{
	atomic64_t *entry = tarn_partition_entry(io->part, io->index);
	int nid = tarn_frame_node(io->part->pool, io->frame);

	if (!load_unmark(io, &to)) {
		load_orphaned(io);
		return false;
	}
	if (tarn_entry_state(to) == TARN_PAGE_RESIDENT) {
		tarn_partition_came(io->part, entry, nid);
		tarn_partition_add_paged(io->part, -1);
		tarn_stats_add(io->part, TARN_STAT_PAGE_INS, 1);
		tarn_pin_recheck(io->part, io->index, tarn_entry_hint(to));
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
	load_orphaned(io);
	tarn_peek_end(io->peek, pool, TARN_FRAME_NONE, -EAGAIN);
}

static void load_failed(struct tarn_io *io, int error)
{
	struct tarn_pool *pool = io->part->pool;
	bool checksum = io->flags & TARN_REQ_MISMATCH, settled;
	u64 to = tarn_entry_make(TARN_PAGE_PAGED, io->cookie);

	tarn_stats_add(io->part, checksum ? TARN_STAT_CHECKSUM_ERRORS :
		       TARN_STAT_LOAD_ERRORS, 1);
	tarn_event(pool, checksum ? TARN_EVENT_CHECKSUM : TARN_EVENT_LOAD_ERROR,
		   io->part->id, io->index, error);
	/*
	 * Of a guess that failed nobody is told: who wants the page asks by himself. A
	 * look leaves the page as it was, and tells who looks.
	 */
	if (!(io->flags & TARN_REQ_READAHEAD) && !io->peek)
		to |= TARN_ENTRY_FAILED;
	settled = load_settle(io, to);
	if (io->peek)
		tarn_peek_end(io->peek, pool, TARN_FRAME_NONE,
			      settled ? -EIO : -EAGAIN);
}

/* The page is as it was before; who waits for it asks anew. */
static void load_aborted(struct tarn_io *io)
{
	load_settle(io, tarn_entry_make(TARN_PAGE_PAGED, io->cookie));
	if (io->peek)
		tarn_peek_end(io->peek, io->part->pool, TARN_FRAME_NONE,
			      -EAGAIN);
}

/* Returns false if the request goes on and is not to be destroyed. */
static bool load_complete(struct tarn_io *io, int result)
{
	struct tarn_pool *pool = io->part->pool;
	struct page *page = tarn_frame_page(pool, io->frame);
	struct tarn_frame *frame = tarn_frame(pool, io->frame);
	u32 sum;

	/* No page, no error: a guest must not make a good copy look bad. */
	if (!load_is_wanted(io)) {
		load_orphaned(io);
		if (io->peek)
			tarn_peek_end(io->peek, pool, TARN_FRAME_NONE, -EAGAIN);
		return true;
	}
	if (result && !tarn_poisoned(page)) {
		load_failed(io, result);
		return true;
	}
	/* Read in vain: who waits for it has it read into another frame. */
	if (!page_sum(page, &sum)) {
		load_aborted(io);
		return true;
	}
	if (sum != io->sum) {
		if (io->flags & TARN_REQ_MISMATCH) {
			load_failed(io, -EILSEQ);
			return true;
		}
		io->flags |= TARN_REQ_MISMATCH;
		tarn_queue_submit(pool, io);
		return false;
	}
	if (io->peek) {
		peek_settle(io);
		return true;
	}
	tarn_frame_set_owner(frame, io->part->id, io->index);
	frame->copy = io->cookie;
	tarn_frame_clear_dirty(page);
	load_settle(io, tarn_entry_make(TARN_PAGE_RESIDENT, io->frame) |
			TARN_ENTRY_NEW);
	return true;
}

/* ---- stores ------------------------------------------------------------- */

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
	io = io_create(part, index, frame, TARN_OP_STORE);
	if (!io)
		return -ENOMEM;
	if (!page_sum(tarn_frame_page(part->pool, frame),
		      &sums[index & (TARN_LEAF_PAGES - 1)])) {
		io_destroy(io);
		return -EHWPOISON;
	}
	io->cookie = tarn_frame(part->pool, frame)->copy;
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
	/* With the stamp of those long before they would look as if they hung. */
	if (!atomic_read(&pool->stores))
		WRITE_ONCE(pool->stored_at, jiffies);
	/* Pairs with tarn_stores_hang(). */
	smp_mb__before_atomic();
	atomic_add(left, &pool->stores);
	tarn_queue_submit_batch(pool, batch);
}

/**
 * tarn_stores_hang() - is there no hope that pages under way will be stored soon?
 * @pool: of this pool
 *
 * None was for a while, though some are under way: a device hangs, or the pager. Then
 * no more are sent, and nobody counts on the frames of those.
 *
 * Context: any.
 */
bool tarn_stores_hang(struct tarn_pool *pool)
{
	/* Who sees the stores sees the stamp that was made before them. */
	return atomic_read_acquire(&pool->stores) &&
	       time_after(jiffies, READ_ONCE(pool->stored_at) + STORE_PATIENCE);
}

/**
 * tarn_stores_fail() - do page-outs fail, and is it too soon to try again?
 * @pool: of this pool
 *
 * A page whose store fails stays where it is, and the next look finds it as cold as
 * before: reclaim would send it without end.
 *
 * Context: any.
 */
bool tarn_stores_fail(struct tarn_pool *pool)
{
	return READ_ONCE(pool->store_failures) == STORE_FAILURES &&
	       time_before(jiffies, READ_ONCE(pool->store_again));
}

/* What failed is forgotten: there is another pager. */
void tarn_stores_try(struct tarn_pool *pool)
{
	WRITE_ONCE(pool->store_failures, 0);
}

/* Several at a time may count as one: then some more are sent. */
static void count_failure(struct tarn_pool *pool)
{
	unsigned int failures = READ_ONCE(pool->store_failures);

	if (failures < STORE_FAILURES)
		WRITE_ONCE(pool->store_failures, ++failures);
	if (failures == STORE_FAILURES)
		WRITE_ONCE(pool->store_again, jiffies + STORE_REST);
}

static void store_failed(struct tarn_io *io, int error)
{
	/* No pager: the page waits in memory for the next one. */
	if (error == -ENOTCONN)
		return;
	if (error == -ENOSPC) {
		tarn_pool_set_full(io->part->pool, true);
		return;
	}
	/* No copy came of it, so the next page can have its place. */
	if (!io->cookie)
		tarn_pool_room_made(io->part->pool);
	count_failure(io->part->pool);
	tarn_stats_add(io->part, TARN_STAT_STORE_ERRORS, 1);
	tarn_event(io->part->pool, TARN_EVENT_STORE_ERROR, io->part->id,
		   io->index, error);
}

/* The page was truncated while it was written. */
static void store_orphaned(struct tarn_io *io, u64 copy)
{
	struct tarn_pool *pool = io->part->pool;

	tarn_frame(pool, io->frame)->copy = TARN_COOKIE_NONE;
	tarn_frame_release(pool, io->frame);
	if (copy)
		tarn_cookie_drop(pool, copy);
}

static void store_complete(struct tarn_io *io, int result, u64 cookie)
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
	else if (READ_ONCE(pool->store_failures))
		WRITE_ONCE(pool->store_failures, 0);
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
			frame->copy = copy;
			to = tarn_entry_with_mark(e, TARN_MARK_NONE);
		} else {
			to = tarn_entry_gone(pool, e, cookie);
		}
	} while (!tarn_entry_change(io->part, io->index, entry, &e, to));

	if (tarn_entry_state(to) == TARN_PAGE_PAGED) {
		atomic64_inc(&pool->evictions);
		tarn_partition_left(io->part, io->frame);
		tarn_partition_add_paged(io->part, 1);
		tarn_stats_add(io->part, TARN_STAT_PAGE_OUTS, 1);
		frame->copy = TARN_COOKIE_NONE;
		tarn_frame_release(pool, io->frame);
	}
	tarn_entry_wake(entry);
	if (outdated)
		tarn_cookie_drop(pool, outdated);
out:
	/* Written once a tick only: all stores share the line. */
	if (time_before(READ_ONCE(pool->stored_at), jiffies))
		WRITE_ONCE(pool->stored_at, jiffies);
	atomic64_dec(&io->part->leaving);
	atomic_dec(&pool->stores);
	wake_up(&pool->store_wait);
}

/* ---- ends --------------------------------------------------------------- */

/**
 * tarn_io_complete() - the pager answered
 * @io: a request that no queue has any more; it goes
 * @result: 0 or what went wrong
 * @cookie: of a store that went well, checked
 *
 * Context: process.
 */
void tarn_io_complete(struct tarn_io *io, int result, u64 cookie)
{
	trace_tarn_io_done(io, result);
	if (io->op == TARN_OP_STORE)
		store_complete(io, result, cookie);
	else if (!load_complete(io, result))
		return;
	io_destroy(io);
}

/**
 * tarn_io_read_done() - a granted device was read
 * @io: a load; it goes
 * @result: 0 or what went wrong: then the pager is asked, who may have another
 *	copy
 *
 * Context: process.
 */
void tarn_io_read_done(struct tarn_io *io, int result)
{
	if (result)
		tarn_queue_submit(io->part->pool, io);
	else
		tarn_io_complete(io, 0, TARN_COOKIE_NONE);
}

/**
 * tarn_io_abort() - the pager died on a request
 * @io: a request that no queue has any more; it goes
 *
 * A load is asked for anew by whoever waits for it, into another frame: a read
 * that the pager left behind may still write to this one.
 *
 * Context: process.
 */
void tarn_io_abort(struct tarn_io *io)
{
	if (io->op == TARN_OP_STORE)
		store_complete(io, -ENOTCONN, TARN_COOKIE_NONE);
	else
		load_aborted(io);
	io_destroy(io);
}

int tarn_io_init(void)
{
	io_cache = kmem_cache_create("tarn_io", sizeof(struct tarn_io), 0,
				     SLAB_HWCACHE_ALIGN, NULL);
	return io_cache ? 0 : -ENOMEM;
}

void tarn_io_exit(void)
{
	kmem_cache_destroy(io_cache);
}
