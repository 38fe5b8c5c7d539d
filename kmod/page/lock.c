// SPDX-License-Identifier: GPL-2.0-only
/*
 * See lock.h. A page is locked when it is empty, by one exchange, so that who brings it comes
 * before that or finds it locked. As with a page that is claimed (restore.c), who pins it does
 * that first and brings it then, with a full barrier in between that pairs with the one of the
 * exchange: one of the two sees what the other did.
 *
 * Only places that are on the list of the donor's children are locked, so who asks for locked
 * pages looks there and not at a whole page table.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "page/lock.h"
#include "page/truncate.h"
#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/poison.h"
#include "pool/pool.h"

/* Children of one partition at a time. */
#define CHILDREN_MOST	64
/* A page that is touched all the time is taken away so often. */
#define TRIES		64
/* Who looks at a frame for a moment has a reference: so many ticks it may be there. */
#define HELD_TICKS	3

/* ---- into it ------------------------------------------------------------ */

/* -ENOSPC: there are as many as there may be. */
static int link_child(struct tarn_partition *child)
{
	struct tarn_given *given = &child->donation.donor->given;
	int ret = 0;

	mutex_lock(&given->lock);
	if (given->count == CHILDREN_MOST) {
		ret = -ENOSPC;
	} else {
		list_add_tail(&child->donation.link, &given->children);
		given->count++;
	}
	mutex_unlock(&given->lock);
	return ret;
}

/* Before anything is lost. */
static int make_leaves(struct tarn_partition *part, u64 first, u64 end)
{
	for (; first < end; first = ALIGN(first + 1, TARN_LEAF_PAGES))
		if (!tarn_partition_leaf(part, first, true))
			return -ENOMEM;
	return 0;
}

/* True: it is locked for @key. */
static bool lock_now(struct tarn_partition *part, u64 index, atomic64_t *entry,
		     u32 key)
{
	u64 e = atomic64_read(entry);

	if (!tarn_entry_is_empty(e) || tarn_entry_mark(e))
		return false;
	atomic64_inc(&part->given.locked);
	if (tarn_entry_change(part, index, entry, &e,
			      tarn_entry_make(TARN_PAGE_LOCKED, key)))
		return true;
	atomic64_dec(&part->given.locked);
	return false;
}

/* -EBUSY: it was locked, is pinned, or touched over and over. It may be locked even so. */
static int lock_one(struct tarn_partition *part, u64 index, u32 key)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		if (lock_now(part, index, entry, key))
			return tarn_pin_wanted(part, index) ? -EBUSY : 0;
		if (tarn_entry_is_locked(atomic64_read(entry)))
			return -EBUSY;
		tarn_partition_remove(part, index, index + 1);
	}
	return -EBUSY;
}

/**
 * tarn_pages_lock() - lock what a child is made in place of
 * @child: the child, with an id
 *
 * What the donor has there is gone then, whether all could be locked or not. After an error
 * some may be locked, until tarn_pages_unlock().
 *
 * Context: process; the caller has the donor's inode, locked. Waits for what is brief.
 * Return: 0; -EBUSY a page is locked already, pinned, or in use all the time; -ENOMEM and
 * -ENOSPC: nothing has changed.
 */
int tarn_pages_lock(struct tarn_partition *child)
{
	const struct tarn_donation *d = &child->donation;
	struct tarn_partition *part = d->donor;
	u64 i, end = d->first + d->pages;
	int ret;

	lockdep_assert_held_write(&part->inode->i_rwsem);
	ret = make_leaves(part, d->first, end);
	if (!ret)
		ret = link_child(child);
	if (ret)
		return ret;
	tarn_partition_unmap(part, d->first, d->pages);
	tarn_partition_remove(part, d->first, end);
	for (i = d->first; i < end && !ret; i++) {
		ret = lock_one(part, i, child->id);
		cond_resched();
	}
	/* Zeroes may be mapped there, which nobody does any more. */
	tarn_partition_unmap(part, d->first, d->pages);
	return ret;
}

/* ---- out of it ---------------------------------------------------------- */

/* For @key, or for whomever it is: what it becomes is empty. */
static void unlock_one(struct tarn_partition *part, u64 index, bool any, u32 key)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;

	if (!tarn_entry_is_locked(e) ||
	    (!any && tarn_entry_payload(e) != key))
		return;
	/* Who else may do so has done it. */
	if (tarn_entry_change(part, index, entry, &e,
			      tarn_entry_make(TARN_PAGE_EMPTY, 0)))
		atomic64_dec(&part->given.locked);
}

/**
 * tarn_pages_unlock() - a child ends: what is locked for it is empty again
 * @child: nobody has its file or a mapping of it; its id is nobody else's yet
 *
 * Context: process. The donor may have ended.
 */
void tarn_pages_unlock(struct tarn_partition *child)
{
	struct tarn_donation *d = &child->donation;
	struct tarn_partition *part = d->donor;
	u64 i;

	if (list_empty(&d->link))
		return;
	for (i = d->first; i < d->first + d->pages; i++) {
		unlock_one(part, i, false, child->id);
		cond_resched();
	}
	mutex_lock(&part->given.lock);
	list_del_init(&d->link);
	part->given.count--;
	mutex_unlock(&part->given.lock);
}

/* The part of a range that was given to a child. False: there is none. */
static bool overlap(const struct tarn_donation *d, u64 *first, u64 *end)
{
	*first = max(*first, d->first);
	*end = min(*end, d->first + d->pages);
	return *first < *end;
}

/**
 * tarn_pages_cut() - the file becomes shorter, or ends: what is cut off is not locked any more
 * @part: the donor
 * @first: first page that is cut off
 * @end: page after the last one
 *
 * Context: process.
 */
void tarn_pages_cut(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_donation *d;

	if (!atomic64_read(&part->given.locked))
		return;
	mutex_lock(&part->given.lock);
	list_for_each_entry(d, &part->given.children, link) {
		u64 at = first, stop = end;

		if (!overlap(d, &at, &stop))
			continue;
		for (; at < stop; at++) {
			unlock_one(part, at, true, 0);
			cond_resched();
		}
	}
	mutex_unlock(&part->given.lock);
}

/* ---- looking ------------------------------------------------------------ */

static bool any_locked(struct tarn_partition *part, u64 first, u64 end)
{
	for (; first < end; first++) {
		atomic64_t *entry = tarn_partition_entry(part, first);

		if (entry && tarn_entry_is_locked(atomic64_read(entry)))
			return true;
		cond_resched();
	}
	return false;
}

/**
 * tarn_pages_locked() - is any page of a range locked?
 * @part: partition
 * @first: first page
 * @end: page after the last one
 *
 * Context: process; with the inode locked no page comes to be.
 */
bool tarn_pages_locked(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_donation *d;
	bool any = false;

	if (likely(!atomic64_read(&part->given.locked)))
		return false;
	mutex_lock(&part->given.lock);
	list_for_each_entry(d, &part->given.children, link) {
		u64 at = first, stop = end;

		any = overlap(d, &at, &stop) && any_locked(part, at, stop);
		if (any)
			break;
	}
	mutex_unlock(&part->given.lock);
	return any;
}

/* Of a page with a memory error the kernel may keep a reference for ever. */
static bool is_held(struct tarn_pool *pool, atomic64_t *entry)
{
	u64 e = atomic64_read(entry), frame = tarn_entry_payload(e);
	struct page *page;
	bool held;

	if (!tarn_entry_has_frame(e))
		return false;
	page = tarn_frame_get(pool, frame);
	if (!page)
		return false;
	held = tarn_entry_is_frame(atomic64_read(entry), frame) &&
	       !tarn_poisoned(page) && tarn_frame_held_by(page, 1);
	put_page(page);
	return held;
}

/**
 * tarn_pages_held() - does anybody outside hold a page of a range (DMA)?
 * @part: partition
 * @first: first page
 * @end: page after the last one
 *
 * Of a 2 MiB frame it does not show which page is held. Who comes to hold one after this has
 * it for himself when the page goes: its frame is free when it is let go.
 *
 * Context: process; sleeps for some ticks.
 */
bool tarn_pages_held(struct tarn_partition *part, u64 first, u64 end)
{
	unsigned int ticks = 0;

	while (first < end) {
		atomic64_t *entry = tarn_partition_entry(part, first);

		if (!entry || !is_held(part->pool, entry)) {
			first++;
			cond_resched();
			continue;
		}
		if (ticks++ == HELD_TICKS)
			return true;
		schedule_timeout_uninterruptible(1);
	}
	return false;
}
