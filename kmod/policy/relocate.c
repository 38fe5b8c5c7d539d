// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Relocation
 *
 * A tracker says what moves where and how far it has come; it is there from the start to
 * the next one, so that who asks sees it. A work item goes over the range, granule by
 * granule: the pages of one are marked MOVE, which is the mark of a blocked translation,
 * unmapped together, copied, and their entries switched. All others of the partition go on.
 * What a reference holds (DMA, GUP) is not moved. Or blocks of small frames are gathered
 * into one frame each, all pages of a block in that same way. Rounds go over what the one
 * before left, until nothing is left that is neither moved nor without a frame; when a
 * round moves nothing the next one comes later.
 *
 * The work holds the partition's pin for a granule only. The end of the partition cancels
 * it and waits for it.
 *
 * Here are its start and its end, round.c has what a round does, tracker.h what is told of
 * the granule that it is at.
 */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "policy/relocate.h"
#include "policy/relocation.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Between two rounds over what was held or in somebody's hand: doubled each time in vain. */
#define PAUSE_LEAST	((unsigned long)HZ / 50)
#define PAUSE_MOST	((unsigned long)HZ)
/* Behind one that found more held than it moved so many times as long as it took, at least. */
#define PAUSE_FACTOR	16
#define PAUSE_HELD	(60UL * HZ)
/* Without a frame to be had for so long it ends. */
#define PATIENCE	(2 * HZ)

static struct workqueue_struct *relocate_queue;

/* ---- the work ----------------------------------------------------------- */

static bool is_full_for_long(struct tarn_relocation *r)
{
	if (!r->round.full || r->round.moved) {
		r->full_since = 0;
		return false;
	}
	if (!r->full_since)
		r->full_since = jiffies ?: 1;
	return time_after(jiffies, r->full_since + PATIENCE);
}

/* Held at two looks, it is not just a fault that has it in hand. */
static bool is_held(struct tarn_relocation *r)
{
	bool held = r->round.held && r->round.held_page == r->held_before;

	r->held_before = r->round.held_page;
	return held && r->range.flags & TARN_RELOCATE_REFUSE;
}

static enum tarn_relocate_state state_after(struct tarn_relocation *r)
{
	if (READ_ONCE(r->cancel))
		return TARN_RELOCATION_CANCELLED;
	if (is_held(r))
		return TARN_RELOCATION_HELD;
	if (is_full_for_long(r))
		return TARN_RELOCATION_NO_ROOM;
	return r->round.left ? TARN_RELOCATION_RUNNING : TARN_RELOCATION_DONE;
}

static void tell_round(struct tarn_relocation *r, bool first)
{
	const struct round *round = &r->round;

	WRITE_ONCE(r->range.held, round->held);
	WRITE_ONCE(r->range.held_page, round->held ? round->held_page : 0);
	/* Later rounds see what the first one moved. */
	if (first) {
		r->skipped = round->skipped;
		r->passed = 0;
		WRITE_ONCE(r->range.paged, round->paged);
		WRITE_ONCE(r->range.shared, round->shared);
	}
	r->passed = max(r->passed, round->passed);
	WRITE_ONCE(r->range.skipped, r->skipped + r->passed);
}

/* What somebody holds for ever takes little of a processor for ever. */
static unsigned long pause_after(const struct tarn_relocation *r,
				 unsigned long took)
{
	unsigned long pause = tarn_relocation_is_first(r) || r->round.moved ?
			      PAUSE_LEAST : min(2 * r->pause, PAUSE_MOST);

	/* Two looks, or two seconds, are all that it takes to end then. */
	if (r->round.moved >= r->round.held || r->round.full ||
	    r->range.flags & TARN_RELOCATE_REFUSE)
		return pause;
	return clamp(PAUSE_FACTOR * took, pause, PAUSE_HELD);
}

static void relocate_work(struct work_struct *work)
{
	struct tarn_relocation *r = container_of(to_delayed_work(work),
						 struct tarn_relocation, work);
	enum tarn_relocate_state state;
	unsigned long since = jiffies;

	r->round = (struct round) { .held_page = TARN_MOVE_NONE };
	tarn_relocation_round(r);
	tell_round(r, tarn_relocation_is_first(r));
	r->pause = pause_after(r, jiffies - since);
	r->at = r->round.first_left;
	r->end = r->round.end_left;
	tarn_relocation_page(r, r->at);
	state = state_after(r);
	/* Pairs with is_running(): who sees that it ended sees how. */
	smp_store_release(&r->range.state, state);
	if (state == TARN_RELOCATION_RUNNING)
		queue_delayed_work(relocate_queue, &r->work, r->pause);
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
	/* Pairs with tarn_relocating(). */
	smp_store_release(&part->relocation, r);
	return r;
}

static bool is_running(const struct tarn_relocation *r)
{
	/* Pairs with the release of the work: with the end it sees how it ended. */
	return smp_load_acquire(&r->range.state) == TARN_RELOCATION_RUNNING;
}

/* Is one under way? A hint: it may begin or end at once. The partition is referenced. */
bool tarn_relocating(struct tarn_partition *part)
{
	/* Pairs with relocation_of(). */
	const struct tarn_relocation *r = smp_load_acquire(&part->relocation);

	return r && is_running(r);
}

static bool is_valid_compact(struct tarn_partition *part,
			     const struct tarn_partition_relocate *want)
{
	return !want->node && !(want->flags & TARN_RELOCATE_AWAY) &&
	       !want->blocked_most &&
	       (!want->granule || want->granule == TARN_BLOCK_PAGES) &&
	       READ_ONCE(part->huge) != TARN_HUGE_NEVER;
}

static bool is_valid(struct tarn_partition *part,
		     const struct tarn_partition_relocate *want)
{
	struct tarn_node *n = want->node < nr_node_ids ?
			      tarn_pool_node(part->pool, want->node) : NULL;

	if (want->flags & TARN_RELOCATE_COMPACT)
		return is_valid_compact(part, want);
	if (want->granule > TARN_RELOCATE_GRANULE_MOST ||
	    (want->granule && (!is_power_of_2(want->granule) ||
			       want->blocked_most)))
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
	memset(&r->range, 0, sizeof(r->range));
	r->range.flags = want->flags;
	r->range.node = want->node;
	r->range.start = want->start;
	r->range.granule = want->granule;
	r->range.state = TARN_RELOCATION_RUNNING;
	r->range.cursor = want->start;
	r->range.blocked_most = want->blocked_most;
	if (want->start < pages)
		r->range.count = min(want->count, pages - want->start);
	r->cancel = false;
	r->at = min(r->range.start, pages);
	r->end = r->at + r->range.count;
	r->pause = 0;
	r->held_before = TARN_MOVE_NONE;
	r->full_since = 0;
	r->fit = TARN_BATCH_MOST;
	r->short_ones = 0;
	r->page_ns = 0;
	tarn_tracker_begin(&r->tracker);
	tarn_relocation_page(r, r->at);
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

static u32 granule_at(const struct tarn_relocation *r, u64 page)
{
	const atomic64_t *entry = tarn_partition_entry(r->part, page);
	u64 end = r->range.start + r->range.count;

	if (tarn_relocation_compacts(r) ||
	    (tarn_relocation_is_block(r, page, end) && entry &&
	     tarn_block_is_whole(r->part->pool, atomic64_read(entry))))
		return TARN_BLOCK_PAGES;
	return tarn_relocation_granule(r);
}

static void tell_block(const struct tarn_relocation *r,
		       struct tarn_relocation_block *b)
{
	struct tarn_tracked at = tarn_tracker_look(&r->tracker);

	memset(b, 0, sizeof(*b));
	b->granule = granule_at(r, tarn_owner_index(at.owner));
	b->target_node = r->range.flags & (TARN_RELOCATE_AWAY |
					   TARN_RELOCATE_COMPACT) ?
			 TARN_NODE_NONE : (s32)r->range.node;
	tarn_tracker_tell(r->part, &at, b);
}

static void tell(struct tarn_partition *part, struct tarn_partition_relocate *to)
{
	const struct tarn_relocation *r = part->relocation;
	u32 size = to->size, state;

	lockdep_assert_held(&part->relocate_lock);
	if (r) {
		/* First: with an end everything that it ended with. */
		state = smp_load_acquire(&r->range.state);
		*to = r->range;
		to->state = state;
		tarn_tracker_count(&r->tracker, &to->moved, &to->tried,
				   to->blocked);
		to->fit = tarn_relocation_compacts(r) ? 0 : tarn_relocation_granule(r);
		if (state == TARN_RELOCATION_RUNNING)
			tell_block(r, &to->block);
	} else {
		memset(to, 0, sizeof(*to));
	}
	to->size = size;
}

/**
 * tarn_relocate() - TARN_PARTITION_RELOCATE
 * @part: partition; the caller has its inode
 * @r: the call; the caller checked that it may change anything
 *
 * Context: process; to cancel waits for the granule that is being moved.
 * Return: 0; -EINVAL; -EBUSY one runs; -ENOENT none runs; -ENOMEM; -ERESTARTSYS.
 */
long tarn_relocate(struct tarn_partition *part,
		   struct tarn_partition_relocate *r)
{
	long ret = 0;

	if (r->flags & ~TARN_RELOCATE_ALL)
		return -EINVAL;
	if (mutex_lock_interruptible(&part->relocate_lock))
		return -ERESTARTSYS;
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

/* The partition ends: nobody has its file. What is told of it goes with the partition. */
void tarn_relocate_end(struct tarn_partition *part)
{
	struct tarn_relocation *r = part->relocation;

	if (!r)
		return;
	WRITE_ONCE(r->cancel, true);
	cancel_delayed_work_sync(&r->work);
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
