// SPDX-License-Identifier: GPL-2.0-only
/* See balloon.h. */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/wait_bit.h>

#include "page/balloon.h"
#include "page/notify.h"
#include "pool/event.h"
#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/pool.h"

static struct workqueue_struct *balloon_queue;

/* ---- into it ------------------------------------------------------------ */

/*
 * Into the balloon @number, or marked, if a mapping may show its zeroes: that goes, so
 * that a block which leaves the balloon is as one that nobody touched.
 */
static bool enter(struct tarn_partition *part, u64 index, atomic64_t *entry,
		  u64 number, bool *marked)
{
	u64 e = atomic64_read(entry), to;

	do {
		/* Who touches it now has it in use. */
		if (!tarn_entry_is_empty(e) || tarn_entry_mark(e))
			return false;
		*marked = e & TARN_ENTRY_MAPPED;
		to = *marked ? tarn_entry_with_mark(e, TARN_MARK_FILL) :
			       tarn_entry_make(TARN_PAGE_BALLOON, number);
	} while (!tarn_entry_change(part, index, entry, &e, to));
	return true;
}

/* Of one leaf. Returns how many there were. */
static unsigned int take_some(struct tarn_partition *part, struct tarn_leaf *leaf,
			      u64 first, u64 end, u64 number)
{
	bool pins = tarn_pin_any(part, first, end - first), is_marked;
	DECLARE_BITMAP(marked, TARN_LEAF_PAGES) = {};
	unsigned int i, n = 0;

	/* Before and after: the worker may clear it in between (sweep()). */
	WRITE_ONCE(leaf->ballooned, true);
	for (i = 0; i < end - first; i++) {
		/* The hypervisor itself may write there. */
		if (pins && tarn_pin_wanted(part, first + i))
			continue;
		if (!enter(part, first + i, tarn_leaf_entry(leaf, first + i),
			   number, &is_marked))
			continue;
		__assign_bit(i, marked, is_marked);
		n++;
	}
	if (!bitmap_empty(marked, TARN_LEAF_PAGES))
		tarn_partition_unmap(part, first, end - first);
	for_each_set_bit(i, marked, TARN_LEAF_PAGES)
		tarn_entry_settle(part, first + i, tarn_leaf_entry(leaf, first + i),
				  tarn_entry_make(TARN_PAGE_BALLOON, number));
	WRITE_ONCE(leaf->ballooned, true);
	tarn_partition_add_balloon(part, n);
	return n;
}

/**
 * tarn_balloon_take() - have those pages of a leaf's range that are empty be the balloon's
 * @part: partition; the caller has its inode
 * @leaf: of the range
 * @first: first page
 * @end: page after the last one, within the file
 *
 * Pages that are pinned stay what they are.
 *
 * Context: process.
 * Return: how many there were; none if the balloon was found gone meanwhile.
 */
u64 tarn_balloon_take(struct tarn_partition *part, struct tarn_leaf *leaf,
		      u64 first, u64 end)
{
	struct tarn_balloon *b = &part->balloon;
	u64 number = READ_ONCE(b->holes) ? TARN_BALLOON_UNTOLD :
					   atomic64_read(&b->number);
	u64 n = take_some(part, leaf, first, end, number);

	if (number == TARN_BALLOON_UNTOLD)
		return n;
	/*
	 * The worker may have passed here before they came, or not come at all, as none were
	 * counted. Who changed the number has a full barrier behind it, too: either he sees
	 * them, or this sees that.
	 */
	smp_mb();
	if (number == atomic64_read(&b->number))
		return n;
	tarn_balloon_leave(part, first, end, atomic64_read(&b->number));
	return 0;
}

/* ---- out of it ---------------------------------------------------------- */

/**
 * tarn_balloon_remove() - make a page of the balloon an empty one
 * @part: partition
 * @index: page
 * @entry: its entry
 * @e: what that was, of a page in the balloon
 *
 * What is mapped of it shows zeroes, as of an empty one.
 *
 * Context: any.
 * Return: false if somebody has it in hand, or it is another one by now.
 */
bool tarn_balloon_remove(struct tarn_partition *part, u64 index,
			 atomic64_t *entry, u64 e)
{
	if (tarn_entry_mark(e) ||
	    !tarn_entry_change(part, index, entry, &e,
			       tarn_entry_make(TARN_PAGE_EMPTY, 0) |
			       (e & TARN_ENTRY_MAPPED)))
		return false;
	tarn_partition_add_balloon(part, -1);
	return true;
}

/* True: it is in the balloon that keeps its pages, or in one that came since. */
static bool leave(struct tarn_partition *part, u64 index, atomic64_t *entry,
		  u64 keep)
{
	for (;;) {
		u64 e = atomic64_read(entry);

		if (!tarn_entry_is_ballooned(e))
			return false;
		if (tarn_entry_payload(e) >= keep)
			return true;
		if (tarn_entry_mark(e))
			wait_var_event(entry,
				       !tarn_entry_is_brief(atomic64_read(entry)));
		else if (tarn_balloon_remove(part, index, entry, e))
			return false;
	}
}

/* True: there are such. Looks at each page, whatever the worker has made of @ballooned. */
static bool leave_some(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 first, u64 end, u64 keep)
{
	bool some = false;
	u64 i;

	for (i = first; i < end; i++)
		some |= leave(part, i, tarn_leaf_entry(leaf, i), keep);
	return some;
}

/**
 * tarn_balloon_leave() - make pages of a range that are in a balloon empty
 * @part: partition, referenced
 * @first: first page
 * @end: page after the last one
 * @keep: number of the balloon that keeps its pages, or TARN_BALLOON_NONE
 *
 * Context: process; waits for what is brief.
 */
void tarn_balloon_leave(struct tarn_partition *part, u64 first, u64 end, u64 keep)
{
	struct tarn_leaf *leaf;
	unsigned long at;

	if (first >= end)
		return;
	xa_for_each_range(&part->leaves, at, leaf, first >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 base = (u64)at << TARN_LEAF_SHIFT;

		leave_some(part, leaf, max(first, base),
			   min(end, base + TARN_LEAF_PAGES), keep);
		cond_resched();
	}
}

/* Of a leaf, pages of which nobody says when they are used again: they are as empty. */
void tarn_balloon_forget(struct tarn_partition *part, struct tarn_leaf *leaf, u64 first)
{
	unsigned int i;

	if (!READ_ONCE(leaf->ballooned))
		return;
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (tarn_entry_is_ballooned(e) && !tarn_entry_is_withheld(e))
			tarn_balloon_remove(part, first + i, &leaf->entry[i], e);
	}
}

/* ---- all of it ---------------------------------------------------------- */

/*
 * Those of a balloon that is gone become empty. Only this clears @ballooned, one at a time:
 * who finds it false knows no more than that somebody is looking.
 */
static void sweep(struct tarn_partition *part)
{
	struct tarn_leaf *leaf;
	unsigned long at;
	u64 keep;

	mutex_lock(&part->balloon.sweeping);
	keep = atomic64_read(&part->balloon.number);
	xa_for_each(&part->leaves, at, leaf) {
		u64 base = (u64)at << TARN_LEAF_SHIFT;

		cond_resched();
		if (!READ_ONCE(leaf->ballooned))
			continue;
		WRITE_ONCE(leaf->ballooned, false);
		/* Who marks pages from now on sets it again (take_some()). */
		smp_mb();
		if (leave_some(part, leaf, base, base + TARN_LEAF_PAGES, keep))
			WRITE_ONCE(leaf->ballooned, true);
	}
	mutex_unlock(&part->balloon.sweeping);
}

static void sweep_work(struct work_struct *work)
{
	struct tarn_partition *part = container_of(to_delayed_work(work),
						   struct tarn_partition,
						   balloon.sweep);
	unsigned long since = jiffies;

	/* Of one that is found gone meanwhile it is queued anew. */
	WRITE_ONCE(part->balloon.rested, jiffies + HZ);
	sweep(part);
	WRITE_ONCE(part->balloon.rested, jiffies + HZ + (jiffies - since));
	tarn_partition_put(part);
}

static void queue_sweep(struct tarn_partition *part)
{
	long rest = READ_ONCE(part->balloon.rested) - jiffies;

	tarn_partition_get(part);
	if (!queue_delayed_work(balloon_queue, &part->balloon.sweep, max(rest, 0L)))
		tarn_partition_put(part);
}

/**
 * tarn_balloon_left() - a page of a balloon gets a frame, as somebody writes to it
 * @part: partition
 * @index: page
 * @e: its entry as it was
 * @guest: it is touched through a mapping, by the guest or on its behalf
 *
 * A page leaves its balloon before the guest uses it. So the guest has forgotten that it
 * has one, and with the first such page go all.
 *
 * Context: process, without page locks.
 */
void tarn_balloon_left(struct tarn_partition *part, u64 index, u64 e, bool guest)
{
	struct tarn_balloon *b = &part->balloon;
	u64 number = tarn_entry_payload(e);

	tarn_partition_add_balloon(part, -1);
	if (number == TARN_BALLOON_UNTOLD || !guest)
		return;
	if (atomic64_cmpxchg(&b->number, number, number + 1) != number)
		return;
	tarn_stats_add(part, TARN_STAT_BALLOONS_GONE, 1);
	tarn_event(part->pool, TARN_EVENT_BALLOON_GONE, part->id, index,
		   max_t(s64, 0, atomic64_read(&b->pages)) + 1);
	tarn_notify_gone(part);
	queue_sweep(part);
}

/**
 * tarn_balloon_reset() - the guest was reset, or its driver ended: there is no balloon
 * @part: partition; the caller has its file open
 *
 * Context: process; returns when its pages are empty.
 */
void tarn_balloon_reset(struct tarn_partition *part)
{
	atomic64_inc(&part->balloon.number);
	/* With that in tarn_balloon_take(). */
	smp_mb__after_atomic();
	if (atomic64_read(&part->balloon.pages) <= 0)
		return;
	/* Not by the worker: this may be asked for again and again, and who asks pays. */
	sweep(part);
}

/* The partition begins. */
void tarn_balloon_begin(struct tarn_partition *part)
{
	BUILD_BUG_ON(TARN_BALLOON_UNTOLD);
	atomic64_set(&part->balloon.number, TARN_BALLOON_UNTOLD + 1);
	mutex_init(&part->balloon.sweeping);
	INIT_DELAYED_WORK(&part->balloon.sweep, sweep_work);
	part->balloon.rested = jiffies;
}

/* It ends: nothing is on its way that holds it. */
void tarn_balloon_end(struct tarn_partition *part)
{
	if (cancel_delayed_work_sync(&part->balloon.sweep))
		tarn_partition_put(part);
	mutex_destroy(&part->balloon.sweeping);
}

int tarn_balloon_init(void)
{
	balloon_queue = alloc_workqueue("tarn_balloon", WQ_UNBOUND, 0);
	return balloon_queue ? 0 : -ENOMEM;
}

void tarn_balloon_exit(void)
{
	destroy_workqueue(balloon_queue);
}
