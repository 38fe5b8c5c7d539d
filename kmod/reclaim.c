// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Reclaim
 *
 * A thread a node keeps frames free between two watermarks. It takes from the
 * partition that is furthest above its fair share, going round its page table
 * with a hand that stops where it was. At each resident page:
 *
 *  - one that was mapped since the last look is left alone once: that mapping's
 *    accessed bit says nothing but that it was faulted in;
 *  - for any other one, whether it was accessed goes into the mean that says how
 *    often it is used, over some eight rounds. The mean is remembered while the
 *    page is out, so a page that is used now and then outlives many that were
 *    used once, however lately.
 *
 * A page goes if it is used no more than the partition's threshold, which finds
 * its place by itself: where one page in TAKE_MAX to TAKE_MIN goes. Where
 * accessed bits say nothing (KVM) it is first unmapped only, and goes when the
 * hand comes by again and nobody missed it.
 *
 * When a whole round yields nothing the thread presses harder: on probation and
 * use first, then on anything that is not held by somebody.
 */
#include <linux/bitmap.h>
#include <linux/kthread.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "evict.h"
#include "partition.h"
#include "pool.h"
#include "reclaim.h"
#include "trace.h"
#include "wait.h"
#include "young.h"

#define STORES_MAX	256
#define PRESSURE_MAX	3
#define REST		(HZ / 10)

/* Of so many pages looked at one should go: at least, at most. */
#define TAKE_MIN		12
#define TAKE_MAX		6
#define STEP_MAX		8u

/* Leaves that one turn looks at before it chooses a partition anew. */
#define TURN_LEAVES	16

/* ---- one look ----------------------------------------------------------- */

enum verdict { VERDICT_KEEP, VERDICT_PROBATION, VERDICT_GO };

/**
 * struct look - what a turn knows when it looks at a page
 * @node: frames of this node only
 * @pressure: 0 to PRESSURE_MAX
 * @threshold: use up to which a page goes
 * @opaque: see tarn_young_collect()
 * @scarce: room with the pager is short: copies of pages that stay go
 * @full: there is none: so do valid ones
 */
struct look {
	int node;
	unsigned int pressure;
	unsigned int threshold;
	bool opaque;
	bool scarce;
	bool full;
};

static enum verdict judge(const struct look *l, u64 e, bool young, u64 *to)
{
	bool probation = tarn_entry_hint(e) & TARN_HINT_PROBATION;
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	*to = e & ~TARN_ENTRY_NEW;
	if (e & TARN_ENTRY_NEW)
		return l->pressure < 2 ? VERDICT_KEEP : VERDICT_GO;
	if (probation)
		return VERDICT_GO;
	use = tarn_use_seen(use, young);
	*to = tarn_entry_with_hint(*to, use);
	if (young)
		return l->pressure < PRESSURE_MAX ? VERDICT_KEEP : VERDICT_GO;
	if (use > l->threshold && l->pressure < 2)
		return VERDICT_KEEP;
	if (l->opaque && l->pressure < 2) {
		*to = tarn_entry_with_hint(*to, use | TARN_HINT_PROBATION);
		return VERDICT_PROBATION;
	}
	return VERDICT_GO;
}

static bool on_node(struct tarn_pool *pool, u64 frame, int node)
{
	struct tarn_chunk *chunk;
	bool on;

	/* The entry may be old news and its chunk about to go. */
	rcu_read_lock();
	chunk = READ_ONCE(pool->chunks[frame >> TARN_CHUNK_SHIFT]);
	on = chunk && chunk->node == node;
	rcu_read_unlock();
	return on;
}

/* Unmap pages that go on probation, in runs. */
static void unmap_bits(struct tarn_partition *part, u64 first,
		       const unsigned long *bits)
{
	unsigned int from, to;

	for_each_set_bitrange(from, to, bits, TARN_LEAF_PAGES)
		unmap_mapping_pages(part->inode->i_mapping, first + from,
				    to - from, false);
}

/* Look at the rest of a leaf from the hand on, until the batch is full. */
static unsigned int scan_leaf(struct tarn_partition *part,
			      struct tarn_leaf *leaf, struct look *l,
			      struct tarn_evict_batch *batch)
{
	DECLARE_BITMAP(young, TARN_LEAF_PAGES) = {};
	DECLARE_BITMAP(probation, TARN_LEAF_PAGES) = {};
	u64 first = ALIGN_DOWN(part->hand, TARN_LEAF_PAGES);
	unsigned int i = part->hand - first, scanned = 0;

	l->opaque = tarn_young_collect(part, first + i, TARN_LEAF_PAGES - i,
				       young);
	bitmap_shift_left(young, young, i, TARN_LEAF_PAGES);
	for (; i < TARN_LEAF_PAGES && batch->count < TARN_EVICT_BATCH; i++) {
		atomic64_t *entry = &leaf->entry[i];
		u64 e = atomic64_read(entry), to;
		enum verdict verdict;

		if (tarn_entry_state(e) != TARN_PAGE_RESIDENT ||
		    tarn_entry_mark(e) || tarn_entry_pinned(e) ||
		    !on_node(part->pool, tarn_entry_payload(e), l->node))
			continue;
		scanned++;
		verdict = judge(l, e, test_bit(i, young), &to);
		if (to != e && !tarn_entry_change(part, first + i, entry, &e,
						  to))
			continue;
		if (verdict == VERDICT_PROBATION)
			__set_bit(i, probation);
		else if (verdict == VERDICT_GO)
			tarn_evict_add(batch, first + i, to);
		else if (l->scarce)
			tarn_evict_copy(part, first + i, to, !l->full);
	}
	if (l->opaque)
		unmap_bits(part, first, probation);
	part->hand = first + i;
	return scanned;
}

/* ---- one turn ----------------------------------------------------------- */

static struct tarn_leaf *next_leaf(struct tarn_partition *part)
{
	unsigned long at = part->hand >> TARN_LEAF_SHIFT;
	struct tarn_leaf *leaf = xa_find(&part->leaves, &at, ULONG_MAX,
					 XA_PRESENT);

	if (!leaf) {
		at = 0;
		part->hand = 0;
		leaf = xa_find(&part->leaves, &at, ULONG_MAX, XA_PRESENT);
	}
	if (leaf && at != part->hand >> TARN_LEAF_SHIFT)
		part->hand = (u64)at << TARN_LEAF_SHIFT;
	return leaf;
}

static void adjust_threshold(struct tarn_partition *part, unsigned int scanned,
			     unsigned int taken)
{
	/* Far off it moves in larger steps: looks too close say nothing new. */
	unsigned int step = min(scanned / (taken * TAKE_MIN + 1), STEP_MAX);

	lockdep_assert_held(&part->hand_lock);
	if (taken * TAKE_MIN < scanned)
		part->threshold = min(part->threshold + max(step, 1u),
				      (unsigned int)TARN_USE_MAX);
	else if (taken * TAKE_MAX > scanned && part->threshold)
		part->threshold--;
}

/* Take a batch from a partition. Returns pages freed or sent. */
static unsigned int turn(struct tarn_partition *part, struct look *l)
{
	struct tarn_evict_batch batch;
	unsigned int leaves, scanned = 0;

	tarn_evict_begin(&batch, part);
	down_read(&part->pin);
	if (!part->inode)
		goto out;
	mutex_lock(&part->hand_lock);
	l->threshold = part->threshold;
	l->full = READ_ONCE(part->pool->full);
	l->scarce = tarn_pool_is_scarce(part->pool);
	for (leaves = 0; leaves < TURN_LEAVES &&
	     batch.count < TARN_EVICT_BATCH; leaves++) {
		u64 before = part->hand;
		struct tarn_leaf *leaf = next_leaf(part);

		if (!leaf)
			break;
		/* A batch is in ascending order. */
		if (part->hand < before && batch.count)
			break;
		scanned += scan_leaf(part, leaf, l, &batch);
	}
	adjust_threshold(part, scanned, batch.count);
	mutex_unlock(&part->hand_lock);
	tarn_evict_flush(&batch);
	trace_tarn_reclaim(part->id, part->hand, scanned,
			   batch.freed + batch.sent, batch.busy);
out:
	up_read(&part->pin);
	return batch.freed + batch.sent;
}

/*
 * The partition that is furthest above its fair share, in proportion; not the
 * one with id @except, if there is another. Referenced.
 */
static struct tarn_partition *pick(struct tarn_pool *pool, u32 except)
{
	struct tarn_partition *part;
	unsigned long id;
	u32 best = 0;
	u64 most = 0;

	tarn_pool_weigh(pool);
	rcu_read_lock();
	xa_for_each(&pool->partitions, id, part) {
		u64 resident = max_t(s64, 0, atomic64_read(&part->resident));
		u64 over = resident * TARN_WEIGHT_MAX /
			   max_t(u64, 1, READ_ONCE(part->weight));

		if (id == except || over <= most)
			continue;
		best = id;
		most = over;
	}
	rcu_read_unlock();
	return best ? tarn_partition_find(pool, best) : NULL;
}

/* With pressure fairness comes second: whoever has frames, in turn. */
static struct tarn_partition *pick_next(struct tarn_pool *pool, u32 after)
{
	struct tarn_partition *part;
	unsigned long id = after;

	rcu_read_lock();
	part = xa_find_after(&pool->partitions, &id, ULONG_MAX, XA_PRESENT);
	if (!part) {
		id = 0;
		part = xa_find(&pool->partitions, &id, ULONG_MAX, XA_PRESENT);
	}
	if (part && !kref_get_unless_zero(&part->ref))
		part = NULL;
	rcu_read_unlock();
	return part;
}

/* ---- the thread --------------------------------------------------------- */

static bool stop_now(void)
{
	return kthread_should_stop();
}

static bool needs_frames(struct tarn_node *n)
{
	u64 coming = READ_ONCE(n->free) + atomic_read(&n->pool->stores);

	return coming < READ_ONCE(n->high) ||
	       (tarn_waiters_any(n->pool) && !atomic_read(&n->pool->stores));
}

/* Turns that yielded nothing before a whole round was surely made. */
static unsigned int fruitless_round(struct tarn_pool *pool)
{
	u64 leaves = (u64)atomic64_read(&pool->metadata) / PAGE_SIZE;

	return min_t(u64, leaves / TURN_LEAVES + READ_ONCE(pool->nr_partitions),
		     64) + 2;
}

static void run_until_high(struct tarn_node *n)
{
	struct tarn_pool *pool = n->pool;
	struct look l = { .node = n->nid };
	unsigned int fruitless = 0;
	u32 last = 0;

	while (!stop_now() && needs_frames(n)) {
		struct tarn_partition *part;
		unsigned int got = 0;

		wait_event_timeout(pool->store_wait,
				   atomic_read(&pool->stores) < STORES_MAX ||
				   stop_now(), REST);
		if (atomic_read(&pool->stores) >= STORES_MAX)
			continue;
		part = l.pressure ? pick_next(pool, last) :
		       pick(pool, fruitless ? last : 0);
		if (!part && last && !l.pressure)
			part = pick(pool, 0);
		if (part) {
			last = part->id;
			got = turn(part, &l);
			tarn_partition_put(part);
		}
		if (got) {
			fruitless = 0;
			cond_resched();
			continue;
		}
		/* Looks that follow at once see nobody use what was unmapped. */
		schedule_timeout_interruptible(1);
		if (++fruitless < fruitless_round(pool))
			continue;
		if (l.pressure == PRESSURE_MAX)
			return;
		l.pressure++;
		fruitless = 0;
	}
}

/* Growth may wait with more frames free than the low mark (waiter.c). */
static bool has_work(struct tarn_node *n)
{
	return READ_ONCE(n->free) < READ_ONCE(n->low) ||
	       tarn_waiters_any(n->pool);
}

static int reclaimer(void *arg)
{
	struct tarn_node *n = arg;

	while (!stop_now()) {
		wait_event_interruptible(n->wait, stop_now() ||
					 READ_ONCE(n->kick) || has_work(n));
		WRITE_ONCE(n->kick, false);
		run_until_high(n);
		/*
		 * Nothing can be had now, or what was on its way did not arrive:
		 * look again in a while.
		 */
		if (!stop_now() && has_work(n))
			wait_event_interruptible_timeout(n->wait, stop_now() ||
							 READ_ONCE(n->kick),
							 REST);
	}
	return 0;
}

int tarn_reclaim_start(struct tarn_node *node)
{
	struct task_struct *task;

	task = kthread_create_on_node(reclaimer, node, node->nid,
				      "tarn_reclaim/%d", node->nid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	node->reclaimer = task;
	wake_up_process(task);
	return 0;
}

void tarn_reclaim_stop(struct tarn_node *node)
{
	if (node->reclaimer)
		kthread_stop(node->reclaimer);
	node->reclaimer = NULL;
}

/* Have all nodes look, whatever their watermarks say. */
void tarn_reclaim_kick(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n) {
		WRITE_ONCE(n->kick, true);
		wake_up(&n->wait);
	}
}

/* ---- by request --------------------------------------------------------- */

static bool going_out(atomic64_t *entry)
{
	enum tarn_mark mark = tarn_entry_mark(atomic64_read(entry));

	return mark == TARN_MARK_OUT;
}

static long wait_for_stores(struct tarn_partition *part, u64 start, u64 count,
			    u64 *done)
{
	u64 i;
	int ret;

	for (i = start; i < start + count; i++) {
		atomic64_t *entry = tarn_partition_entry(part, i);

		if (!entry) {
			++*done;
			continue;
		}
		ret = tarn_wait_var(entry, !going_out(entry), NULL);
		if (ret)
			return ret;
		if (tarn_entry_state(atomic64_read(entry)) !=
		    TARN_PAGE_RESIDENT)
			++*done;
		cond_resched();
	}
	return 0;
}

/**
 * tarn_reclaim_range() - TARN_PARTITION_PAGE_OUT
 * @part: partition; the caller has its inode
 * @start: first page
 * @count: pages
 * @done: how many of them have no frame when it returns
 *
 * Context: process, killable.
 * Return: 0 or -EINTR.
 */
long tarn_reclaim_range(struct tarn_partition *part, u64 start, u64 count,
			u64 *done)
{
	struct tarn_evict_batch batch;
	struct tarn_pool *pool = part->pool;
	u64 i;
	int ret = 0;

	tarn_evict_begin(&batch, part);
	for (i = start; i < start + count && !ret; i++) {
		atomic64_t *entry = tarn_partition_entry(part, i);
		u64 e;

		if (!entry) {
			/* No page of this leaf was ever touched. */
			i |= TARN_LEAF_PAGES - 1;
			continue;
		}
		e = atomic64_read(entry);
		if (tarn_entry_state(e) != TARN_PAGE_RESIDENT ||
		    tarn_entry_mark(e) || !tarn_evict_add(&batch, i, e))
			continue;
		if (batch.count < TARN_EVICT_BATCH)
			continue;
		down_read(&part->pin);
		tarn_evict_flush(&batch);
		up_read(&part->pin);
		ret = wait_event_killable(pool->store_wait,
					  atomic_read(&pool->stores) <
					  STORES_MAX);
	}
	down_read(&part->pin);
	tarn_evict_flush(&batch);
	up_read(&part->pin);
	return ret ? ret : wait_for_stores(part, start, count, done);
}

/* With the page marked MOVE and locked: copy it if nobody holds it. */
static bool move_marked(struct tarn_partition *part, u64 index,
			struct page *page, u64 from, u64 to)
{
	struct tarn_pool *pool = part->pool;
	struct page *new = tarn_frame_page(pool, to);

	unmap_mapping_pages(part->inode->i_mapping, index, 1, false);
	if (!tarn_frame_idle(page))
		return false;
	copy_highpage(new, page);
	if (PageDirty(page))
		SetPageDirty(new);
	*tarn_frame(pool, to) = *tarn_frame(pool, from);
	return true;
}

static void move_page(struct tarn_partition *part, u64 index, u64 from, u64 to)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	struct tarn_pool *pool = part->pool;
	struct page *page = tarn_frame_get(pool, from);
	u64 e = entry ? atomic64_read(entry) : 0;
	u64 spare = to, marked;

	if (!page)
		goto out_frame;
	if (!tarn_entry_is_frame(e, from) || tarn_entry_mark(e) ||
	    !trylock_page(page))
		goto out_page;
	marked = tarn_entry_with_mark(e, TARN_MARK_MOVE);
	if (!tarn_entry_change(part, index, entry, &e, marked)) {
		unlock_page(page);
		goto out_page;
	}
	/* The mark keeps the frame; our reference would make it busy. */
	put_page(page);
	if (move_marked(part, index, page, from, to)) {
		e = tarn_entry_make(TARN_PAGE_RESIDENT, to) |
		    (e & (TARN_ENTRY_HINT | TARN_ENTRY_FLAG));
		tarn_frame(pool, from)->copy = TARN_COOKIE_NONE;
		spare = from;
	}
	tarn_entry_change(part, index, entry, &marked, e);
	unlock_page(page);
	tarn_entry_wake(entry);
	tarn_frame_release(pool, spare);
	return;
out_page:
	put_page(page);
out_frame:
	tarn_frame_free(pool, spare);
}

/**
 * tarn_reclaim_move() - move what is in a frame to another one
 * @pool: the pool
 * @frame: a frame that has to become free
 *
 * Does what can be done now; the caller looks whether the frame is free.
 *
 * Context: process.
 */
void tarn_reclaim_move(struct tarn_pool *pool, u64 frame)
{
	u64 owner = READ_ONCE(tarn_frame(pool, frame)->owner);
	const struct tarn_frame was = { .owner = owner };
	struct tarn_partition *part;
	u64 to;

	part = tarn_partition_find(pool, tarn_frame_owner_id(&was));
	if (!part)
		return;
	to = tarn_frame_alloc(pool, numa_node_id());
	if (to != TARN_FRAME_NONE) {
		down_read(&part->pin);
		if (part->inode)
			move_page(part, tarn_frame_owner_index(&was), frame,
				  to);
		else
			tarn_frame_free(pool, to);
		up_read(&part->pin);
	}
	tarn_partition_put(part);
}
