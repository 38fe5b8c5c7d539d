// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing logical pages into frames: giving an empty page, or a pattern, its frame,
 * having a paged one read, reading ahead of a sequence.
 *
 * A page that is resident is used under the lock of its frame's page, which
 * keeps it where it is; without the lock an entry says only what was.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/ahead.h"
#include "page/balloon.h"
#include "page/block.h"
#include "page/block_load.h"
#include "page/block_store.h"
#include "page/evict.h"
#include "page/load.h"
#include "page/outdate.h"
#include "page/pagein.h"
#include "page/pending.h"
#include "page/share.h"
#include "pager/import.h"
#include "pool/canon.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/pins.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"
#include "pool/wait.h"
#include "pool/waiter.h"

/* Loads of a partition's that nobody wants any more: behind so many it waits. */
#define ORPHANS_MOST	64

/* ---- resident pages ----------------------------------------------------- */

/*
 * With the page lock held: is the page still in @frame and nobody moving it?
 * One on its way out is rescued; one that was on probation has proved itself.
 */
static bool settle_in(struct tarn_partition *part, u64 index,
		      atomic64_t *entry, u64 frame)
{
	u64 e = atomic64_read(entry), to;
	bool going;

	do {
		if (!tarn_entry_is_frame(e, frame) ||
		    tarn_entry_mark(e) == TARN_MARK_MOVE)
			return false;
		to = e;
		going = tarn_entry_mark(e);
		if (tarn_entry_mark(e) == TARN_MARK_OUT)
			to = tarn_entry_with_mark(to, TARN_MARK_RESCUED);
		to = tarn_entry_touched(to);
	} while (to != e && !tarn_entry_change(part, index, entry, &e, to));
	if (going && tarn_chunk_is_one(part->pool, frame))
		tarn_block_rescue(part, tarn_leaf_of(entry), index);
	return true;
}

/*
 * With the page locked: its frame has a memory error. 0: it is paged now, as its copy has
 * the same content.
 */
static int spoilt(struct tarn_partition *part, u64 index, atomic64_t *entry,
		  u64 frame, struct page *page)
{
	tarn_poison_page(part, index, frame);
	return tarn_evict_poisoned(part, index, entry, frame, page) ?
	       0 : -EHWPOISON;
}

/**
 * tarn_page_lock_at() - lock a logical page that is resident
 * @part: partition
 * @index: page
 * @entry: its entry
 * @flags: TARN_BRING_WRITE: it will be written; TARN_BRING_NOWAIT: do not
 *	sleep for the lock
 *
 * Context: process.
 * Return: the page, locked and referenced; NULL if it is not resident; ERR_PTR:
 * -EAGAIN locked by somebody else, -EINTR killed, -EHWPOISON lost with its frame.
 */
struct page *tarn_page_lock_at(struct tarn_partition *part, u64 index,
			       atomic64_t *entry, unsigned int flags)
{
	int ret;

	for (;;) {
		u64 e = atomic64_read(entry);
		u64 frame = tarn_entry_payload(e);
		struct page *page;

		if (!tarn_entry_has_frame(e) ||
		    tarn_entry_mark(e) == TARN_MARK_MOVE)
			return NULL;
		page = tarn_frame_get(part->pool, frame);
		if (!page)
			continue;
		/* Only if the number still stands is it the pool's page. */
		if (!tarn_entry_is_frame(atomic64_read(entry), frame)) {
			put_page(page);
			continue;
		}
		ret = 0;
		if (!trylock_page(page))
			ret = flags & TARN_BRING_NOWAIT ? -EAGAIN :
			      folio_lock_killable(page_folio(page));
		if (ret) {
			put_page(page);
			return ERR_PTR(ret);
		}
		if (settle_in(part, index, entry, frame)) {
			if (!tarn_poisoned(page)) {
				if (flags & TARN_BRING_WRITE &&
				    !tarn_frame_dirty(page))
					tarn_page_outdate(part, frame, page);
				return page;
			}
			ret = spoilt(part, index, entry, frame, page);
		}
		unlock_page(page);
		put_page(page);
		if (ret)
			return ERR_PTR(ret);
	}
}

/* The same where the entry is not at hand. */
struct page *tarn_page_lock(struct tarn_partition *part, u64 index,
			    unsigned int flags)
{
	atomic64_t *entry = tarn_partition_entry(part, index);

	return entry ? tarn_page_lock_at(part, index, entry, flags) : NULL;
}

/* ---- pages without a frame of their own: known ones, and shared ones ------ */

/* -EHWPOISON: what it shares can't be read. */
static int fill_frame(struct page *page, atomic64_t *entry, u64 e,
		      struct page *shared)
{
	if (shared)
		return tarn_poison_copy(page, shared) ? 0 : -EHWPOISON;
	if (tarn_entry_is_pattern(e))
		tarn_pattern_fill(page, tarn_pattern_word(entry, e));
	else
		clear_highpage(page);
	return 0;
}

static int not_filled(struct tarn_partition *part, u64 index, atomic64_t *entry,
		      u64 marked, int error)
{
	tarn_entry_change(part, index, entry, &marked,
			  tarn_entry_with_mark(marked, TARN_MARK_NONE));
	tarn_entry_wake(entry);
	return error;
}

/**
 * struct filling - a page that gets a frame of its own
 * @part: partition
 * @index: page
 * @entry: its entry
 * @e: what that was, known or shared
 * @frame: for it
 * @beyond: it may lie behind the end of the file
 * @guest: it is touched through a mapping
 * @store: that it shares something in, or NULL
 * @shared: of what it shares, referenced, or NULL; its page is locked until the page is
 *	marked
 */
struct filling {
	struct tarn_partition *part;
	u64 index;
	atomic64_t *entry;
	u64 e;
	u64 frame;
	bool beyond;
	bool guest;
	struct tarn_partition *store;
	struct page *shared;
};

/*
 * For who looks what may be shared (policy/match.c): that page was written to. Two at once may
 * count as one. Of a partition that leaves its domain it says nothing.
 */
static void note_break(struct tarn_partition *part, struct tarn_leaf *leaf)
{
	u8 breaks = READ_ONCE(leaf->breaks);

	if (breaks < U8_MAX && !READ_ONCE(part->leaves_domain))
		WRITE_ONCE(leaf->breaks, breaks + 1);
}

/* It is what it was no more; of a shared page with the mark that keeps it from changing. */
static void leave_state(const struct filling *f, u64 marked)
{
	struct tarn_partition *part = f->part;

	if (tarn_entry_is_pattern(marked))
		tarn_partition_add_pattern(part, -1);
	if (tarn_entry_is_ballooned(marked))
		tarn_balloon_left(part, f->index, marked, f->guest);
	if (!tarn_entry_is_shared(marked))
		return;
	tarn_canon_leave(f->store, tarn_canon_of(marked), part, f->index);
	tarn_partition_add_shared(part, -1);
	tarn_stats_add(part, TARN_STAT_BREAKS, 1);
	note_break(part, tarn_leaf_of(f->entry));
}

/*
 * The frame is taken on success. -EAGAIN: the page is another one by now; -ENXIO: it
 * lies behind the end of the file, and not beyond that by intent. Who cuts the file
 * changes @pages first and then waits for the mark, with a full barrier in between
 * that pairs with the exchange here: one of the two sees what the other did.
 */
static int fill(const struct filling *f)
{
	struct tarn_partition *part = f->part;
	struct page *page = tarn_frame_page(part->pool, f->frame);
	u64 marked = tarn_entry_with_mark(f->e, TARN_MARK_FILL);
	int nid = tarn_frame_node(part->pool, f->frame);
	u64 index = f->index, e = f->e;
	atomic64_t *entry = f->entry;
	unsigned int hint = TARN_USE_FIRST;
	int ret;

	ret = tarn_entry_change(part, index, entry, &e, marked) ? 0 : -EAGAIN;
	if (f->shared)
		unlock_page(f->shared);
	if (ret)
		return ret;
	if (!f->beyond && index >= atomic64_read(&part->pages))
		return not_filled(part, index, entry, marked, -ENXIO);
	ret = fill_frame(page, entry, marked, f->shared);
	if (ret)
		return not_filled(part, index, entry, marked, ret);
	tarn_frame_set_dirty(page);
	tarn_frame(part->pool, f->frame)->owner =
		tarn_owner_page(part->id, index);
	if (marked & TARN_ENTRY_MAPPED)
		tarn_partition_unmap(part, index, 1);
	leave_state(f, marked);
	e = tarn_entry_make(TARN_PAGE_RESIDENT, f->frame) | TARN_ENTRY_NEW;
	if (tarn_entry_is_shared(marked))
		hint = max(hint, tarn_entry_use(marked));
	hint = tarn_pin_hint(part, index, hint);
	tarn_entry_change(part, index, entry, &marked,
			  tarn_entry_with_hint(e, hint));
	tarn_partition_came(part, entry, nid);
	tarn_pin_recheck(part, index, hint);
	tarn_pending_settle(part, index);
	tarn_entry_wake(entry);
	return 0;
}

/* ---- paged pages -------------------------------------------------------- */

static bool loading(atomic64_t *entry)
{
	return tarn_entry_mark(atomic64_read(entry)) == TARN_MARK_IN;
}

static bool is_brief(atomic64_t *entry)
{
	return tarn_entry_is_brief(atomic64_read(entry));
}

/* ---- any page ----------------------------------------------------------- */

/**
 * struct bring - a page that this thread brings
 * @part: partition
 * @index: page
 * @entry: its entry
 * @flags: TARN_BRING_*
 * @wait: how it waits
 * @number: of the page-in, once there is something to wait for
 */
struct bring {
	struct tarn_partition *part;
	u64 index;
	atomic64_t *entry;
	unsigned int flags;
	struct tarn_wait wait;
	u64 number;
};

static void bring_waits(struct bring *b, enum tarn_fault_state state)
{
	if (b->flags & TARN_BRING_UNNUMBERED)
		return;
	b->number = tarn_pending_hold(b->part, b->index, b->entry, state,
				      b->number,
				      !(b->flags & TARN_BRING_NOWAIT));
}

static int take_frame(struct bring *b, enum tarn_want want, u64 *frame)
{
	const struct tarn_leaf *back =
		tarn_entry_is_stored(atomic64_read(b->entry)) ?
		tarn_leaf_of(b->entry) : NULL;
	struct tarn_pool *pool = b->part->pool;

	*frame = tarn_frame_try(b->part, b->index, back, want);
	if (*frame != TARN_FRAME_NONE)
		return 0;
	if (!pool->paging)
		return -ENOSPC;
	bring_waits(b, TARN_FAULT_FRAME);
	if (b->flags & TARN_BRING_NOWAIT)
		return -EAGAIN;
	*frame = tarn_frame_wait(b->part, b->index, back, want, &b->wait);
	return *frame == TARN_FRAME_NONE ? -ERESTARTSYS : 0;
}

static int bring_known(struct bring *b, u64 e)
{
	u64 frame;
	int ret;

	if (b->flags & TARN_BRING_BLOCK && !tarn_entry_is_pattern(e) &&
	    !tarn_entry_is_withheld(e) &&
	    tarn_block_fill(b->part, tarn_leaf_of(b->entry), b->index))
		return 0;
	ret = take_frame(b, TARN_WANT_GROWTH, &frame);
	if (ret)
		return ret;
	ret = fill(&(struct filling) {
		.part = b->part,
		.index = b->index,
		.entry = b->entry,
		.e = e,
		.frame = frame,
		.beyond = b->flags & TARN_BRING_BEYOND,
		.guest = b->wait.mm && !(b->flags & TARN_BRING_WORKER),
	});
	if (ret)
		tarn_frame_free(b->part->pool, frame);
	return ret == -EAGAIN ? -ERESTART : ret;
}

/*
 * A guest could ask for one page after the other and take back that it wants it. What is
 * read then has frames, all of the pool at last, that count as nobody's.
 */
static int bring_behind_orphans(struct bring *b)
{
	atomic_t *orphans = &b->part->orphans;
	int ret;

	bring_waits(b, TARN_FAULT_FRAME);
	if (b->flags & TARN_BRING_NOWAIT)
		return -EAGAIN;
	ret = tarn_wait_var(orphans, atomic_read(orphans) < ORPHANS_MOST,
			    &b->wait);
	return ret ? ret : -ERESTART;
}

/* False: page by page. */
static bool bring_block(struct bring *b)
{
	struct tarn_leaf *leaf = tarn_leaf_of(b->entry);

	if (!READ_ONCE(leaf->was_whole) || tarn_pool_is_low(b->part->pool))
		return false;
	bring_waits(b, TARN_FAULT_READ);
	return tarn_block_load(b->part, leaf, b->index);
}

static int bring_paged(struct bring *b, u64 e)
{
	struct tarn_pool *pool = b->part->pool;
	u64 frame;
	int ret;

	if (e & TARN_ENTRY_FAILED &&
	    b->flags & (TARN_BRING_TRIED | TARN_BRING_NOWAIT)) {
		/* Said once; who asks after that has it tried again. */
		if (!(b->flags & TARN_BRING_UNTOLD))
			tarn_entry_change(b->part, b->index, b->entry, &e,
					  e & ~TARN_ENTRY_FAILED);
		return -EIO;
	}
	if (!tarn_copy_reachable(pool, e)) {
		bring_waits(b, TARN_FAULT_NO_PAGER);
		/* Without a frame, which others may need meanwhile. */
		if (b->flags & TARN_BRING_NOWAIT)
			return -EAGAIN;
		ret = tarn_wait_var(&pool->pager, tarn_pool_served(pool) ||
				    atomic64_read(b->entry) != e, &b->wait);
		return ret ? ret : -ERESTART;
	}
	if (atomic_read(&b->part->orphans) >= ORPHANS_MOST)
		return bring_behind_orphans(b);
	if (b->flags & TARN_BRING_BLOCK && bring_block(b))
		return 0;
	/* What comes from a file may have no place to go back to. */
	ret = take_frame(b, tarn_copy_is_in_file(e) ? TARN_WANT_GROWTH :
						      TARN_WANT_RETURN, &frame);
	if (ret)
		return ret;
	bring_waits(b, TARN_FAULT_READ);
	ret = tarn_load_start(b->part, b->index, frame, false);
	if (ret)
		tarn_frame_free(pool, frame);
	else
		tarn_page_read_ahead(b->part, b->index);
	return ret == -EAGAIN ? -ERESTART : ret;
}

/* What a page shares is to be in a frame. */
static int bring_canon(struct bring *b, struct tarn_partition *store, u64 e)
{
	unsigned int flags = b->flags & ~(TARN_BRING_WRITE | TARN_BRING_OWN |
					  TARN_BRING_BLOCK | TARN_BRING_BEYOND);
	atomic64_t *canon = tarn_share_entry(store, e);
	u64 c = canon ? atomic64_read(canon) : 0;

	if (tarn_entry_has_frame(c) && !tarn_entry_is_brief(c))
		return 0;
	/* Nothing is there: the page is another one. */
	if (tarn_entry_is_empty(c))
		return -ERESTART;
	bring_waits(b, tarn_entry_is_brief(c) ? TARN_FAULT_MOVE :
		       tarn_pool_served(store->pool) ? TARN_FAULT_READ :
						       TARN_FAULT_NO_PAGER);
	return tarn_page_bring_at(store, tarn_canon_of(e), canon,
				  flags | TARN_BRING_UNNUMBERED, b->wait.mm);
}

/* A shared page gets a frame of its own, with what it shares in one. */
static int break_shared(struct bring *b, struct tarn_partition *store, u64 e)
{
	struct filling f = {
		.part = b->part,
		.index = b->index,
		.entry = b->entry,
		.e = e,
		.beyond = b->flags & TARN_BRING_BEYOND,
		.store = store,
	};
	int ret = take_frame(b, TARN_WANT_GROWTH, &f.frame);

	if (ret)
		return ret;
	f.shared = tarn_share_lock(b->part, b->entry, e, b->flags);
	if (IS_ERR_OR_NULL(f.shared)) {
		ret = f.shared ? PTR_ERR(f.shared) : -ERESTART;
	} else {
		ret = fill(&f);
		put_page(f.shared);
		if (ret == -EAGAIN)
			ret = -ERESTART;
	}
	if (ret)
		tarn_frame_free(b->part->pool, f.frame);
	/* It may have been the last one. */
	tarn_share_reap(store);
	/* A fault is told of the memory error, a call that it failed. */
	return ret == -EHWPOISON && !b->wait.mm ? -EIO : ret;
}

static int bring_shared(struct bring *b, u64 e)
{
	struct tarn_partition *store = tarn_canon_store(b->part->pool, e);
	int ret;

	if (!store)
		return -ERESTART;
	ret = bring_canon(b, store, e);
	if (!ret && b->flags & (TARN_BRING_WRITE | TARN_BRING_OWN))
		ret = break_shared(b, store, e);
	tarn_partition_put(store);
	return ret;
}

/* Somebody has the page in hand for a moment. */
static int bring_brief(struct bring *b)
{
	bool moves = tarn_entry_mark(atomic64_read(b->entry)) == TARN_MARK_MOVE;
	struct tarn_wait wait = b->wait;
	int ret;

	/* KVM's first try does not wait, and the page is there when it comes again. */
	if (moves)
		tarn_stats_add(b->part, TARN_STAT_MOVE_WAITS, 1);
	if (b->flags & TARN_BRING_NOWAIT)
		return -EAGAIN;
	if (moves)
		bring_waits(b, TARN_FAULT_MOVE);
	/* No pager has a part in it. */
	wait.locked = NULL;
	ret = tarn_wait_var(b->entry, !is_brief(b->entry), &wait);
	return ret ? ret : -ERESTART;
}

/* For the load of a page that the caller saw with the entry @e. */
static int wait_for_load(struct bring *b, u64 e)
{
	struct tarn_wait wait = b->wait;
	int ret;

	if (tarn_copy_is_in_file(e)) {
		/* No pager has a part in it. */
		wait.locked = NULL;
		tarn_import_want(b->part, b->index, tarn_entry_payload(e));
	}
	ret = tarn_wait_var(b->entry, !loading(b->entry), &wait);
	b->wait.late = wait.late;
	return ret ? ret : -ERESTART;
}

/* One step towards a resident page; -ERESTART: look again. */
static int bring_step(struct bring *b)
{
	u64 e = atomic64_read(b->entry);
	int ret;

	if (is_brief(b->entry))
		return bring_brief(b);
	if (tarn_entry_is_known(e)) {
		if (!(b->flags & TARN_BRING_WRITE))
			return 0;
		return bring_known(b, e);
	}
	if (tarn_entry_is_shared(e))
		return bring_shared(b, e);
	if (tarn_entry_is_locked(e))
		return -EACCES;
	if (!tarn_entry_is_stored(e))
		return 0;
	if (!tarn_entry_mark(e)) {
		ret = bring_paged(b, e);
		if (ret)
			return ret;
		/* A granted device may have read it already. */
		if (!loading(b->entry))
			return -ERESTART;
	} else {
		bring_waits(b, TARN_FAULT_READ);
	}
	if (b->flags & TARN_BRING_NOWAIT)
		return -EAGAIN;
	tarn_stats_add(b->part, TARN_STAT_PAGE_WAITS, 1);
	ret = wait_for_load(b, e);
	b->flags |= TARN_BRING_TRIED;
	return ret;
}

static enum tarn_wait_end wait_end(unsigned int flags)
{
	if (flags & TARN_BRING_SIGNAL)
		return TARN_WAIT_SIGNAL;
	return flags & TARN_BRING_LATE ? TARN_WAIT_LATE : TARN_WAIT_KILL;
}

/**
 * tarn_page_bring_at() - see that a logical page has its content at hand
 * @part: partition; the caller has its file, or holds its pin while it has an inode,
 *	and then does not wait
 * @index: page, within the file (the caller checks again with the page lock)
 * @entry: its entry
 * @flags: TARN_BRING_*
 * @mm: address space that a fault is about, or NULL
 *
 * When it returns 0 the page was resident a moment ago, or, without
 * TARN_BRING_WRITE, may be empty or a pattern: what reading it gives is known; or shared,
 * with what it shares in a frame a moment ago.
 *
 * Context: process; without NOWAIT may sleep for long, ended by signals as @flags
 * say.
 * Return: 0; -EAGAIN with NOWAIT, what is needed has begun or has to be waited
 * for; -ERESTARTSYS a signal, or nobody serves and LOCKED was said; -ENOSPC no
 * frame in a pool without paging; -EIO the pager could not read the page; -ENXIO it
 * lies behind the end of the file; -EACCES it is locked; -ENOMEM.
 */
int tarn_page_bring_at(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, unsigned int flags,
		       struct mm_struct *mm)
{
	struct bring b = {
		.part = part,
		.index = index,
		.entry = entry,
		.flags = flags,
		.wait = {
			.mm = mm,
			.end = wait_end(flags),
			.locked = flags & TARN_BRING_LOCKED ? part->pool : NULL,
		},
	};
	int ret;

	do {
		ret = bring_step(&b);
	} while (ret == -ERESTART);
	if (b.number && !(flags & TARN_BRING_NOWAIT))
		tarn_pending_release(part, index, b.number);
	else if (b.number && ret != -EAGAIN)
		tarn_pending_settle(part, index);
	return ret;
}

/* The same where the entry is not at hand. -ENOMEM: there can be none. */
int tarn_page_bring(struct tarn_partition *part, u64 index, unsigned int flags,
		    struct mm_struct *mm)
{
	bool write = flags & TARN_BRING_WRITE;
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, write);

	if (!leaf)
		return write ? -ENOMEM : 0;
	return tarn_page_bring_at(part, index, tarn_leaf_entry(leaf, index),
				  flags, mm);
}

/* The same for a page that shares what it holds. */
static int wait_for_canon(struct tarn_partition *part, u64 e)
{
	struct tarn_partition *store = tarn_canon_store(part->pool, e);
	int ret;

	if (!store)
		return 0;
	ret = tarn_page_wait(store, tarn_canon_of(e));
	tarn_partition_put(store);
	return ret;
}

/**
 * tarn_page_wait() - wait for what a page that could not be brought at once needs
 * @part: partition, referenced; its file may end meanwhile
 * @index: page that TARN_BRING_NOWAIT was tried on
 *
 * Context: process, may sleep for long; any signal ends it.
 * Return: 0, try again; -ERESTARTSYS a signal.
 */
int tarn_page_wait(struct tarn_partition *part, u64 index)
{
	struct tarn_wait wait = { .end = TARN_WAIT_SIGNAL };
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;
	struct tarn_pool *pool = part->pool;

	if (tarn_entry_is_shared(e) && !tarn_entry_mark(e))
		return wait_for_canon(part, e);
	if (entry && (loading(entry) || is_brief(entry))) {
		if (loading(entry) && tarn_copy_is_in_file(e))
			tarn_import_want(part, index, tarn_entry_payload(e));
		tarn_stats_add(part, TARN_STAT_PAGE_WAITS, loading(entry));
		return tarn_wait_var(entry, !loading(entry) &&
				     !is_brief(entry), &wait);
	}
	if (tarn_entry_is_stored(e) && !tarn_copy_reachable(pool, e))
		return tarn_wait_var(&pool->pager, tarn_pool_served(pool) ||
				     atomic64_read(entry) != e, &wait);
	/*
	 * There is no frame. Who waits in line for one keeps the pool, by its file;
	 * who has no file looks now and then.
	 */
	schedule_timeout_interruptible(TARN_WAIT_LOOK / 10);
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

/**
 * tarn_page_grab_now() - a reference of a logical page's frame, if it has one
 * @part: partition; the caller has its inode
 * @index: page
 * @flags: TARN_BRING_WRITE: to write to it
 * @word: if NULL is returned, what all of it is
 *
 * While the reference is held the page stays in this frame, unless it is
 * truncated. The page is not locked, so user memory may be touched meanwhile,
 * be it this very page.
 *
 * Context: process; waits for what is brief, not for a pager; killable.
 * Return: the page; NULL, without TARN_BRING_WRITE, if it is empty or a pattern; ERR_PTR:
 * -EAGAIN it has to be brought first, -EINTR killed, -EIO it is lost, -EACCES it is locked. Of
 * a shared page it is what that shares, without TARN_BRING_WRITE and TARN_BRING_OWN.
 */
struct page *tarn_page_grab_now(struct tarn_partition *part, u64 index,
				unsigned int flags, u64 *word)
{
	struct page *page = tarn_page_lock(part, index, flags);
	atomic64_t *entry;
	u64 e;

	if (page == ERR_PTR(-EHWPOISON))
		return ERR_PTR(-EIO);
	if (page) {
		if (!IS_ERR(page))
			unlock_page(page);
		return page;
	}
	entry = tarn_partition_entry(part, index);
	e = entry ? atomic64_read(entry) : tarn_entry_make(TARN_PAGE_EMPTY, 0);
	*word = 0;
	if (tarn_entry_is_locked(e))
		return ERR_PTR(-EACCES);
	if (!(flags & (TARN_BRING_WRITE | TARN_BRING_OWN)) &&
	    tarn_entry_is_shared(e) && !tarn_entry_mark(e)) {
		page = tarn_share_grab(part, entry, e);
		if (page == ERR_PTR(-EHWPOISON))
			return ERR_PTR(-EIO);
		return page ?: ERR_PTR(-EAGAIN);
	}
	if (!(flags & TARN_BRING_WRITE) &&
	    tarn_entry_is_known(e) && !tarn_entry_mark(e) &&
	    (!entry || tarn_pattern_see(entry, e, word)))
		return NULL;
	return ERR_PTR(-EAGAIN);
}

/**
 * tarn_page_grab() - the same, with the page brought first
 * @part: partition; the caller has its inode, but not its lock
 * @index: page
 * @flags: see tarn_page_grab_now()
 * @word: see there
 *
 * Context: process, may sleep for long; any signal ends it.
 * Return: see tarn_page_grab_now(); ERR_PTR, see tarn_page_bring().
 */
struct page *tarn_page_grab(struct tarn_partition *part, u64 index,
			    unsigned int flags, u64 *word)
{
	for (;;) {
		struct page *page = tarn_page_grab_now(part, index, flags, word);
		int ret;

		if (page != ERR_PTR(-EAGAIN))
			return page;
		ret = tarn_page_bring(part, index, flags | TARN_BRING_SIGNAL,
				      NULL);
		if (ret)
			return ERR_PTR(ret);
	}
}

/**
 * tarn_pagein_range() - TARN_PARTITION_PAGE_IN
 * @part: partition
 * @start: first page
 * @count: pages
 * @done: how many of them are resident when it returns
 *
 * Starts as many loads as there are free frames, then waits for the first of
 * them, and so on.
 *
 * Context: process; any signal ends a wait.
 * Return: 0 or a negative errno, see tarn_page_bring().
 */
long tarn_pagein_range(struct tarn_partition *part, u64 start, u64 count,
		       u64 *done)
{
	u64 i, ahead = 0;
	int ret;

	for (i = start; i < start + count; i++) {
		atomic64_t *entry;

		tarn_page_ahead_of(part, i, start + count, &ahead);
		ret = tarn_page_bring(part, i, TARN_BRING_SIGNAL, NULL);
		/* Nobody can have what is locked: there is nothing to be brought. */
		if (ret && ret != -EACCES)
			return ret;
		entry = tarn_partition_entry(part, i);
		if (entry && tarn_entry_has_frame(atomic64_read(entry)))
			++*done;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}
