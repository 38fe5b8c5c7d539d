// SPDX-License-Identifier: GPL-2.0-only
/* See share.h. */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "page/batch.h"
#include "page/pagein.h"
#include "page/share.h"
#include "page/truncate.h"
#include "pager/drop.h"
#include "pool/canon.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"

/* ---- what is read ------------------------------------------------------- */

/* The entry of what a page shares, in the store that it is in. */
atomic64_t *tarn_share_entry(struct tarn_partition *store, u64 e)
{
	return tarn_partition_entry(store, tarn_canon_of(e));
}

/**
 * tarn_share_lock() - lock the frame of what a page shares
 * @part: partition
 * @entry: entry of the page
 * @e: what that was, shared
 * @flags: TARN_BRING_NOWAIT: do not sleep for the lock
 *
 * Whoever gets it looks at the page's entry once more, or marks it: if that is still @e it
 * is the frame of what the page holds. It is nobody's to write to.
 *
 * Context: process.
 * Return: see tarn_page_lock_at(); NULL: it has no frame, or the page is another one.
 */
struct page *tarn_share_lock(struct tarn_partition *part, atomic64_t *entry,
			     u64 e, unsigned int flags)
{
	struct tarn_partition *store = tarn_canon_store(part->pool, e);
	struct page *page = NULL;
	atomic64_t *canon;

	if (!store)
		return NULL;
	canon = tarn_share_entry(store, e);
	if (canon)
		page = tarn_page_lock_at(store, tarn_canon_of(e), canon,
					 flags & TARN_BRING_NOWAIT);
	if (!IS_ERR_OR_NULL(page) && atomic64_read(entry) != e) {
		tarn_batch_unlock(page);
		page = NULL;
	}
	tarn_partition_put(store);
	return page;
}

/**
 * tarn_share_grab() - a reference of the frame of what a page shares, to read it
 * @part: partition
 * @entry: entry of the page
 * @e: what that was, shared and without a mark
 *
 * Context: process.
 * Return: see tarn_share_lock(); the page is not locked.
 */
struct page *tarn_share_grab(struct tarn_partition *part, atomic64_t *entry,
			     u64 e)
{
	struct page *page = tarn_share_lock(part, entry, e, 0);

	if (!IS_ERR_OR_NULL(page))
		unlock_page(page);
	return page;
}

/* Is what a page shares, which had the entry @e, in a frame? */
bool tarn_share_is_there(struct tarn_partition *part, u64 e)
{
	struct tarn_partition *store = tarn_canon_store(part->pool, e);
	atomic64_t *canon = store ? tarn_share_entry(store, e) : NULL;
	u64 c = canon ? atomic64_read(canon) : 0;

	if (store)
		tarn_partition_put(store);
	return tarn_entry_has_frame(c) && !tarn_entry_is_brief(c);
}

/* Is a page, which had the entry @e, the only one that shares what it does? A hint. */
bool tarn_share_is_alone(struct tarn_partition *part, u64 e)
{
	struct tarn_partition *store = tarn_canon_store(part->pool, e);
	u32 sharers = 0;
	u64 one;

	if (store) {
		sharers = tarn_canon_sharers(store, tarn_canon_of(e), &one);
		tarn_partition_put(store);
	}
	return sharers <= 1;
}

/* ---- how much it is used ------------------------------------------------ */

/* What is used through one of those who share it is used. */
static void note_use(struct tarn_partition *store, u64 canon)
{
	atomic64_t *entry = tarn_partition_entry(store, canon);
	u64 e = entry ? atomic64_read(entry) : 0;
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	if (!tarn_entry_has_frame(e) || tarn_entry_mark(e) ||
	    tarn_entry_hint(e) & TARN_HINT_PROBATION)
		return;
	tarn_entry_change(store, canon, entry, &e,
			  tarn_entry_with_hint(e, tarn_use_seen(use, true)));
}

/* Its own use is in its entry. A page that somebody has in hand is not looked at. */
static void note_own_use(struct tarn_partition *part, u64 index, atomic64_t *entry,
			 u64 e, bool young)
{
	if (!tarn_entry_mark(e))
		tarn_entry_change(part, index, entry, &e, tarn_entry_with_hint(e,
				  tarn_use_seen(tarn_entry_use(e), young)));
}

/**
 * tarn_share_look() - note which of a leaf's shared pages are used
 * @part: partition; the caller holds its pin
 * @leaf: the leaf
 * @first: its first page
 * @young: a bit a page, set for those that were accessed since the last look
 * @shift: of the first page's bit
 * @decays: those that were not count as less used than before
 *
 * Context: process.
 */
void tarn_share_look(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first, const unsigned long *young, unsigned int shift,
		     bool decays)
{
	struct tarn_partition *store = tarn_store_get(part);
	unsigned int i;

	if (!store)
		return;
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		bool used = e & TARN_ENTRY_MAPPED && test_bit(shift + i, young);

		if (!tarn_canon_is_of(store, e))
			continue;
		if (used)
			note_use(store, tarn_canon_of(e));
		if (used || decays)
			note_own_use(part, first + i, &leaf->entry[i], e, used);
	}
	tarn_partition_put(store);
}

/* ---- what nobody shares any more ---------------------------------------- */

/**
 * tarn_share_reap() - take away what has no sharers any more
 * @store: the store; the caller has a reference
 *
 * Context: process, without page locks; waits for what is brief.
 */
void tarn_share_reap(struct tarn_partition *store)
{
	u64 canon;

	while ((canon = tarn_canon_next_dead(store->domain)) != TARN_CANON_NONE) {
		tarn_partition_remove(store, canon, canon + 1);
		tarn_canon_destroy(store, canon);
	}
}

/* The same of the domain that a partition is in, if it is in any. */
void tarn_share_reap_of(struct tarn_partition *part)
{
	struct tarn_partition *store;

	if (likely(!rcu_access_pointer(part->store)))
		return;
	store = tarn_store_get(part);
	if (!store)
		return;
	tarn_share_reap(store);
	tarn_partition_put(store);
}

/* ---- taking them away --------------------------------------------------- */

static bool mark(struct tarn_partition *part, u64 index, atomic64_t *entry, u64 *e)
{
	*e = atomic64_read(entry);
	do {
		if (!tarn_entry_is_shared(*e) || tarn_entry_mark(*e))
			return false;
	} while (!tarn_entry_change(part, index, entry, e,
				    tarn_entry_with_mark(*e, TARN_MARK_FILL)));
	return true;
}

/* Marked FILL, it leaves what it shares: its store is there until it has. */
static void leave(struct tarn_partition *part, u64 index, atomic64_t *entry)
{
	u64 e = atomic64_read(entry);
	struct tarn_partition *store = tarn_canon_store(part->pool, e);

	if (WARN_ON_ONCE(!store))
		return;
	tarn_canon_leave(store, tarn_canon_of(e), part, index);
	tarn_partition_put(store);
}

/**
 * tarn_share_remove() - empty those pages of a range that are shared
 * @part: partition; the caller has its inode, or that has ended
 * @leaf: of the range
 * @first: first page
 * @end: page after the last one, of the same leaf; all of the range is to go
 *
 * Pages that somebody has in hand stay. What they shared is to be reaped afterwards.
 *
 * Context: process.
 * Return: how many there were.
 */
unsigned int tarn_share_remove(struct tarn_partition *part,
			       struct tarn_leaf *leaf, u64 first, u64 end)
{
	DECLARE_BITMAP(marked, TARN_LEAF_PAGES) = {};
	unsigned int i, n = 0;
	bool mapped = false;
	u64 e;

	if (likely(!rcu_access_pointer(part->store)))
		return 0;
	for (i = 0; i < end - first; i++) {
		if (!mark(part, first + i, tarn_leaf_entry(leaf, first + i), &e))
			continue;
		__set_bit(i, marked);
		mapped |= e & TARN_ENTRY_MAPPED;
		n++;
	}
	/* With its inode went all mappings. */
	if (part->inode && mapped)
		tarn_partition_unmap(part, first, end - first);
	for_each_set_bit(i, marked, TARN_LEAF_PAGES) {
		atomic64_t *entry = tarn_leaf_entry(leaf, first + i);

		leave(part, first + i, entry);
		tarn_entry_settle(part, first + i, entry,
		       tarn_entry_make(TARN_PAGE_EMPTY, 0));
	}
	if (n)
		tarn_partition_add_shared(part, -(s64)n);
	return n;
}

/* ---- having none -------------------------------------------------------- */

static int break_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
		      u64 first)
{
	unsigned int i;
	int ret;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		atomic64_t *entry = &leaf->entry[i];

		while (tarn_entry_is_shared(atomic64_read(entry))) {
			ret = tarn_page_bring_at(part, first + i, entry,
						 TARN_BRING_WRITE |
						 TARN_BRING_BEYOND |
						 TARN_BRING_SIGNAL, NULL);
			if (ret)
				return ret;
			if (signal_pending(current))
				return -ERESTARTSYS;
		}
	}
	cond_resched();
	return 0;
}

/**
 * tarn_share_break_all() - give all pages of a partition that are shared frames
 * @part: partition; the caller has its inode. None becomes shared meanwhile
 *
 * Others may lose theirs for that, so there need not be frames for all at once.
 *
 * Context: process, may sleep for long; any signal ends it.
 * Return: 0; -ERESTARTSYS; see tarn_page_bring().
 */
int tarn_share_break_all(struct tarn_partition *part)
{
	struct tarn_leaf *leaf;
	unsigned long at;
	int ret;

	xa_for_each(&part->leaves, at, leaf) {
		ret = break_leaf(part, leaf, (u64)at << TARN_LEAF_SHIFT);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- turning back ------------------------------------------------------- */

/*
 * With the frame locked and the page marked: it was the only one that shared it, and has the
 * frame by itself again. Its mappings are of that frame, for reading, and may stay.
 */
static void take_back(struct tarn_partition *part, u64 index, atomic64_t *entry,
		      struct tarn_partition *store, u64 canon, u64 *copy)
{
	atomic64_t *from = tarn_partition_entry(store, canon);
	u64 e = atomic64_read(from), frame = tarn_entry_payload(e);
	struct tarn_frame *f = tarn_frame(part->pool, frame);
	int nid = tarn_frame_node(part->pool, frame);
	unsigned int use = tarn_entry_use(atomic64_read(entry));

	tarn_frame_set_dirty(tarn_frame_page(part->pool, frame));
	swap(*copy, f->copy);
	f->owner = tarn_owner_page(part->id, index);
	while (!tarn_entry_change(store, canon, from, &e,
				  tarn_entry_make(TARN_PAGE_EMPTY, 0)))
		;
	tarn_partition_left(store, frame);
	tarn_entry_wake(from);
	tarn_entry_settle(part, index, entry,
			  tarn_entry_with_hint(tarn_entry_make(
						TARN_PAGE_RESIDENT, frame), use));
	tarn_partition_came(part, entry, nid);
	tarn_partition_add_shared(part, -1);
}

/* One page that nobody has shared with for long. False: somebody does, or has it in hand. */
static bool turn_back(struct tarn_partition *part, u64 index, atomic64_t *entry,
		      u64 e, struct tarn_partition *store)
{
	u64 canon = tarn_canon_of(e), copy = TARN_COPY_NONE;
	atomic64_t *from = tarn_partition_entry(store, canon);
	bool alone = false;
	struct page *page;
	int section;

	/* To lock it would rescue one that is going out. */
	if (!from || tarn_entry_mark(atomic64_read(from)))
		return false;
	page = tarn_share_lock(part, entry, e, TARN_BRING_NOWAIT);
	if (IS_ERR_OR_NULL(page))
		return false;
	section = tarn_cookie_begin();
	if (!tarn_entry_mark(atomic64_read(from)) && mark(part, index, entry, &e)) {
		alone = tarn_canon_is_of(store, e) &&
			tarn_canon_of(e) == canon &&
			tarn_canon_leave_alone(store, canon, part, index, page);
		if (alone)
			take_back(part, index, entry, store, canon, &copy);
		else
			tarn_entry_settle(part, index, entry,
					  tarn_entry_with_mark(e, TARN_MARK_NONE));
	}
	tarn_batch_unlock(page);
	if (alone) {
		tarn_canon_destroy(store, canon);
		tarn_copy_drop(part->pool, copy);
		tarn_pin_recheck(part, index, 0);
	}
	tarn_cookie_end(section);
	return alone;
}

/*
 * What a canon's only sharer has of it, if it still is the only one. False: it is to be tried
 * again; what is with the pager only is left to the scanner.
 */
static bool give_back(struct tarn_partition *store, u64 canon)
{
	atomic64_t *from = tarn_partition_entry(store, canon), *entry;
	struct tarn_partition *part;
	bool done = false;
	u64 owner, e;

	if (!from || tarn_entry_is_stored(atomic64_read(from)) ||
	    tarn_canon_sharers(store, canon, &owner) != 1)
		return true;
	part = tarn_partition_find(store->pool, tarn_owner_id(owner));
	if (!part)
		return true;
	/* The end of the inode takes the page away anyway. */
	if (down_read_trylock(&part->pin)) {
		entry = tarn_partition_entry(part, tarn_owner_index(owner));
		e = entry ? atomic64_read(entry) : 0;
		done = !part->inode || !tarn_canon_is_of(store, e) ||
		       tarn_canon_of(e) != canon ||
		       (!tarn_entry_mark(e) &&
			turn_back(part, tarn_owner_index(owner), entry, e, store));
		up_read(&part->pin);
	}
	tarn_partition_put(part);
	return done;
}

/*
 * Whoever left it may have been the one for whom it was kept apart. Not in his fault: that holds
 * the frame, and has somebody waiting.
 */
static void give_back_all(struct work_struct *work)
{
	struct tarn_domain *d = container_of(to_delayed_work(work),
					     struct tarn_domain, lone_work);
	struct tarn_partition *store = d->store;
	unsigned long canon;

	for (canon = 0; tarn_canon_next_left(d, &canon); canon++) {
		/* Held, for I/O perhaps: once more after as long, which marks it behind us. */
		if (!give_back(store, canon))
			tarn_canon_was_left(store, canon);
		cond_resched();
	}
	/* May be the end of the domain, and of the work. */
	tarn_partition_put(store);
}

/* A store is made: what one sharer is left with becomes his. */
void tarn_share_begin(struct tarn_partition *store)
{
	INIT_DELAYED_WORK(&store->domain->lone_work, give_back_all);
}

/* Nobody shares anything in it any more. */
void tarn_share_end(struct tarn_partition *store)
{
	if (cancel_delayed_work_sync(&store->domain->lone_work))
		tarn_partition_put(store);
}

/**
 * tarn_share_turn_back() - pages that share with nobody have their frames by themselves again
 * @part: partition; the caller holds its pin
 * @leaf: the leaf to look at
 * @first: its first page
 *
 * Only those that already did not at the look before, as another page that was found equal
 * may not have been looked at since.
 *
 * Context: process.
 * Return: how many.
 */
unsigned int tarn_share_turn_back(struct tarn_partition *part,
				  struct tarn_leaf *leaf, u64 first)
{
	struct tarn_partition *store = tarn_store_get(part);
	unsigned int i, n = 0;

	if (!store)
		return 0;
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (tarn_canon_is_of(store, e) && !tarn_entry_mark(e) &&
		    tarn_canon_is_lone(store, tarn_canon_of(e)))
			n += turn_back(part, first + i, &leaf->entry[i], e, store);
	}
	tarn_partition_put(store);
	return n;
}
