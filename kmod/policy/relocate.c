// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Relocation
 *
 * A tracker says what moves where and how far it has come; it is there from the start to
 * the next one, so that who asks sees it. A work item goes over the range, granule by
 * granule: the pages of one are marked MOVE, which is the mark of a blocked translation,
 * unmapped together, copied, and their entries switched. All others of the partition go on.
 * What a reference holds (DMA, GUP) is not moved: its count of holders is looked at with
 * the page unmapped. Rounds go over the range until nothing is left that is neither moved
 * nor without a frame.
 *
 * The work holds the partition's pin for a granule only, so the file can end meanwhile;
 * the end of the partition cancels it.
 */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "page/move.h"
#include "policy/relocate.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Between two rounds over what was held or in somebody's hand. */
#define PAUSE		(HZ / 20)
/* Without a frame to be had for so long it ends. */
#define PATIENCE	(2 * HZ)

/**
 * struct tarn_relocation - the tracker
 * @part: its partition, which has it
 * @work: goes on with it
 * @range: what was asked for, and what is told of it; each field is written by the
 *	work alone while it runs, and read without a lock
 * @cancel: it is to end
 * @full_since: since when the target has no frame, in jiffies; 0: it has
 */
struct tarn_relocation {
	struct tarn_partition *part;
	struct delayed_work work;
	struct tarn_partition_relocate range;
	bool cancel;
	unsigned long full_since;
};

static struct workqueue_struct *relocate_queue;

/* ---- one granule -------------------------------------------------------- */

/* Does a page in this frame have to go? */
static bool is_astray(const struct tarn_relocation *r, u64 frame)
{
	int nid = tarn_frame_node(r->part->pool, frame);

	return r->range.flags & TARN_RELOCATE_AWAY ?
	       nid == (int)r->range.node : nid != (int)r->range.node;
}

/* For a page that leaves: the nearest node that can spare one. */
static u64 frame_away(const struct tarn_relocation *r)
{
	struct tarn_pool *pool = r->part->pool;
	struct tarn_node *from = tarn_pool_node(pool, r->range.node);
	int i;

	for (i = 0; from && i < nr_node_ids; i++) {
		u64 frame = TARN_FRAME_NONE;

		if (from->nearest[i] != (int)r->range.node)
			frame = tarn_frame_spare(pool, from->nearest[i]);
		if (frame != TARN_FRAME_NONE)
			return frame;
	}
	return TARN_FRAME_NONE;
}

static u64 take_frame(const struct tarn_relocation *r)
{
	return r->range.flags & TARN_RELOCATE_AWAY ?
	       frame_away(r) :
	       tarn_frame_spare(r->part->pool, r->range.node);
}

/**
 * struct granule - pages whose translation is blocked together
 * @batch: them
 * @left: pages that are to be moved and could not be taken in hand now
 * @skipped: pages that need not be moved
 * @full: there is no frame to move to
 */
struct granule {
	struct tarn_move_batch batch;
	unsigned int left;
	unsigned int skipped;
	bool full;
};

static void take_page(struct tarn_relocation *r, struct granule *g, u64 index,
		      atomic64_t *entry)
{
	u64 e = atomic64_read(entry), to;

	if (!tarn_entry_has_frame(e) || !is_astray(r, tarn_entry_payload(e))) {
		g->skipped++;
		return;
	}
	if (tarn_entry_mark(e)) {
		g->left++;
		return;
	}
	to = take_frame(r);
	if (to == TARN_FRAME_NONE) {
		g->full = true;
		g->left++;
	} else if (!tarn_move_add(&g->batch, index, entry, e, to)) {
		tarn_frame_free(r->part->pool, to);
		g->left++;
	}
}

static void note_blocked(struct tarn_relocation *r, ktime_t since)
{
	u64 us = max_t(s64, 1, ktime_us_delta(ktime_get(), since));
	unsigned int bucket = min(ilog2(us), TARN_BLOCKED_BUCKETS - 1);

	r->range.blocked[bucket]++;
}

/* With the pin held. The pages lie in one leaf. */
static void move_granule(struct tarn_relocation *r, struct granule *g,
			 struct tarn_leaf *leaf, u64 first, u64 end)
{
	ktime_t since;
	u64 i;

	g->left = 0;
	g->skipped = 0;
	g->full = false;
	tarn_move_begin(&g->batch, r->part);
	since = ktime_get();
	for (i = first; i < end && !g->full; i++)
		take_page(r, g, i, tarn_leaf_entry(leaf, i));
	if (!g->batch.pages.count)
		return;
	tarn_move_flush(&g->batch);
	note_blocked(r, since);
}

/* ---- a round ------------------------------------------------------------ */

/**
 * struct round - what a way over the range found
 * @left: pages that are to be moved even now
 * @held: of these, pages that somebody holds
 * @held_page: the first of them
 * @skipped: pages that need not be moved
 * @full: it ended as there is no frame to move to
 */
struct round {
	u64 left;
	u64 held;
	u64 held_page;
	u64 skipped;
	bool full;
};

static bool goes_on(const struct tarn_relocation *r, const struct round *round)
{
	return !READ_ONCE(r->cancel) && !round->full &&
	       !(r->range.flags & TARN_RELOCATE_REFUSE && round->held);
}

static void add_granule(struct tarn_relocation *r, struct round *round,
			const struct granule *g, u64 first)
{
	if (g->batch.held && !round->held)
		round->held_page = first;
	round->held += g->batch.held;
	round->left += g->left + g->batch.held;
	round->skipped += g->skipped;
	round->full = g->full;
	r->range.moved += g->batch.moved;
}

/* False: the file is gone. */
static bool move_from(struct tarn_relocation *r, struct round *round,
		      struct granule *g, u64 *at, u64 end)
{
	struct tarn_partition *part = r->part;
	u64 next = min(end, ALIGN_DOWN(*at, r->range.granule) + r->range.granule);
	struct tarn_leaf *leaf;
	bool there;

	down_read(&part->pin);
	there = part->inode;
	leaf = tarn_partition_leaf(part, *at, false);
	if (there && leaf) {
		move_granule(r, g, leaf, *at, next);
		add_granule(r, round, g, *at);
	} else {
		next = min(end, ALIGN_DOWN(*at, TARN_LEAF_PAGES) +
				TARN_LEAF_PAGES);
		round->skipped += next - *at;
	}
	up_read(&part->pin);
	*at = next;
	return there;
}

static void go_round(struct tarn_relocation *r, struct round *round,
		     struct granule *g)
{
	u64 at = r->range.start;
	u64 end = min_t(u64, at + r->range.count,
			atomic64_read(&r->part->pages));

	while (at < end && goes_on(r, round)) {
		if (!move_from(r, round, g, &at, end))
			break;
		WRITE_ONCE(r->range.cursor, at);
		cond_resched();
	}
}

/* ---- the work ----------------------------------------------------------- */

static bool is_full_for_long(struct tarn_relocation *r, bool full)
{
	if (!full) {
		r->full_since = 0;
		return false;
	}
	if (!r->full_since)
		r->full_since = jiffies ?: 1;
	return time_after(jiffies, r->full_since + PATIENCE);
}

/* How it is after a round. */
static enum tarn_relocate_state state_after(struct tarn_relocation *r,
					    const struct round *round)
{
	if (READ_ONCE(r->cancel))
		return TARN_RELOCATION_CANCELLED;
	if (round->held && r->range.flags & TARN_RELOCATE_REFUSE)
		return TARN_RELOCATION_HELD;
	if (is_full_for_long(r, round->full))
		return TARN_RELOCATION_NO_ROOM;
	return round->left ? TARN_RELOCATION_RUNNING : TARN_RELOCATION_DONE;
}

static void relocate_work(struct work_struct *work)
{
	struct tarn_relocation *r = container_of(to_delayed_work(work),
						 struct tarn_relocation, work);
	struct granule *g = kmalloc(sizeof(*g), GFP_KERNEL);
	struct round round = { .left = 1 };
	enum tarn_relocate_state state;

	if (g) {
		round.left = 0;
		go_round(r, &round, g);
		kfree(g);
		WRITE_ONCE(r->range.held, round.held);
		WRITE_ONCE(r->range.held_page, round.held_page);
		WRITE_ONCE(r->range.skipped, round.skipped);
	}
	state = state_after(r, &round);
	/* Pairs with the look of who wants to start another one. */
	smp_store_release(&r->range.state, state);
	if (state == TARN_RELOCATION_RUNNING)
		queue_delayed_work(relocate_queue, &r->work, PAUSE);
}

/* ---- calls -------------------------------------------------------------- */

static struct tarn_relocation *relocation_of(struct tarn_partition *part)
{
	struct tarn_relocation *r = part->relocation;

	lockdep_assert_held(&part->relocate_lock);
	if (r)
		return r;
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return NULL;
	r->part = part;
	INIT_DELAYED_WORK(&r->work, relocate_work);
	part->relocation = r;
	return r;
}

static bool is_running(struct tarn_relocation *r)
{
	return smp_load_acquire(&r->range.state) == TARN_RELOCATION_RUNNING;
}

static bool is_valid(struct tarn_partition *part,
		     const struct tarn_partition_relocate *want)
{
	struct tarn_node *n = want->node < nr_node_ids ?
			      tarn_pool_node(part->pool, want->node) : NULL;

	if (want->flags & ~TARN_RELOCATE_ALL || want->granule > TARN_BATCH_MOST ||
	    (want->granule && !is_power_of_2(want->granule)))
		return false;
	return n && (READ_ONCE(n->frames) || want->flags & TARN_RELOCATE_AWAY);
}

static long start(struct tarn_partition *part,
		  const struct tarn_partition_relocate *want)
{
	u64 pages = atomic64_read(&part->pages);
	struct tarn_relocation *r;

	lockdep_assert_held(&part->relocate_lock);
	if (!is_valid(part, want))
		return -EINVAL;
	r = relocation_of(part);
	if (!r)
		return -ENOMEM;
	if (is_running(r))
		return -EBUSY;
	/* The work may be on its way out. */
	cancel_delayed_work_sync(&r->work);
	r->range = (struct tarn_partition_relocate) {
		.size = sizeof(r->range),
		.flags = want->flags,
		.node = want->node,
		.start = want->start,
		.granule = want->granule ?: TARN_BATCH_MOST,
		.state = TARN_RELOCATION_RUNNING,
		.cursor = want->start,
	};
	if (want->start < pages)
		r->range.count = min(want->count, pages - want->start);
	r->cancel = false;
	r->full_since = 0;
	queue_delayed_work(relocate_queue, &r->work, 0);
	return 0;
}

static long cancel(struct tarn_partition *part)
{
	struct tarn_relocation *r = part->relocation;

	lockdep_assert_held(&part->relocate_lock);
	if (!r || !is_running(r))
		return -ENOENT;
	WRITE_ONCE(r->cancel, true);
	cancel_delayed_work_sync(&r->work);
	/* It may have waited for its next round, or come to another end. */
	if (is_running(r))
		r->range.state = TARN_RELOCATION_CANCELLED;
	return 0;
}

static void tell(struct tarn_partition *part, struct tarn_partition_relocate *to)
{
	u32 size = to->size;

	lockdep_assert_held(&part->relocate_lock);
	if (part->relocation)
		*to = part->relocation->range;
	else
		memset(to, 0, sizeof(*to));
	to->size = size;
}

/**
 * tarn_relocate() - TARN_PARTITION_RELOCATE
 * @part: partition; the caller has its inode
 * @r: the call; the caller checked that it may change anything
 *
 * Context: process; to cancel waits for the granule that is being moved.
 * Return: 0; -EINVAL; -EBUSY one runs; -ENOENT none runs; -ENOMEM.
 */
long tarn_relocate(struct tarn_partition *part,
		   struct tarn_partition_relocate *r)
{
	long ret = 0;

	mutex_lock(&part->relocate_lock);
	switch (r->op) {
	case TARN_RELOCATE_STATUS:
		break;
	case TARN_RELOCATE_START:
		ret = start(part, r);
		break;
	case TARN_RELOCATE_CANCEL:
		ret = cancel(part);
		break;
	default:
		ret = -EINVAL;
	}
	if (!ret)
		tell(part, r);
	mutex_unlock(&part->relocate_lock);
	return ret;
}

/* The partition ends: nobody has its file. */
void tarn_relocate_end(struct tarn_partition *part)
{
	struct tarn_relocation *r = part->relocation;

	if (!r)
		return;
	WRITE_ONCE(r->cancel, true);
	cancel_delayed_work_sync(&r->work);
	part->relocation = NULL;
	kfree(r);
}

int tarn_relocate_init(void)
{
	relocate_queue = alloc_workqueue("tarn_relocate", WQ_UNBOUND, 0);
	return relocate_queue ? 0 : -ENOMEM;
}

void tarn_relocate_exit(void)
{
	destroy_workqueue(relocate_queue);
}
