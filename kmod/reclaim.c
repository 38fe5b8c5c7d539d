// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Reclaim
 *
 * A thread a node keeps frames free between two watermarks. It takes from
 * partitions that have more than they are entitled to (entitle.c), from those
 * with the coldest pages first, and there the coldest ones: it goes round the
 * page table with a hand that stops where it was, and takes pages whose use is
 * not above the partition's coldness (age.c).
 *
 * Of a page that it is about to take the hand sees whether it was used since the
 * last look. Where accessed bits say nothing (KVM, whose VM is not attached) a
 * page is first unmapped only, and goes when the hand comes by again and nobody
 * missed it.
 *
 * When whole rounds yield nothing the thread presses harder: on probation and
 * use first, then on anything that is not held by somebody.
 */
#include <linux/bitmap.h>
#include <linux/kthread.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "age.h"
#include "entitle.h"
#include "evict.h"
#include "partition.h"
#include "pool.h"
#include "reclaim.h"
#include "scan.h"
#include "trace.h"
#include "wait.h"

#define STORES_MAX	256
#define PRESSURE_MAX	3
#define REST		(HZ / 10)

/* Leaves that one turn looks at, once it has something to take. */
#define TURN_LOOKS	16
/* After a round in vain, pages that are this much hotter go as well. */
#define BOOST		8
/* Rounds in vain before the thread presses harder: each partition's, and some. */
#define VAIN_LEAST	6
#define VAIN_MOST	64

/* ---- one look ----------------------------------------------------------- */

enum verdict { VERDICT_KEEP, VERDICT_PROBATION, VERDICT_GO };

/**
 * struct look - what a turn knows when it looks at a page
 * @node: frames of this node only
 * @pressure: 0 to PRESSURE_MAX
 * @evictions: pool->evictions when the pressure rose last
 * @boost: added to the coldness of partitions
 * @coldness: use up to which a page goes
 * @opaque: see tarn_young_collect()
 * @scarce: room with the pager is short: copies of pages that stay go
 * @full: there is none: so do valid ones
 * @looks: leaves that were looked at
 * @probed: pages that went on probation
 * @least: least use of pages that stayed though they were not used just now
 * @fresh: least use of those that stayed as they were, or are new
 */
struct look {
	int node;
	unsigned int pressure;
	u64 evictions;
	unsigned int boost;
	unsigned int coldness;
	bool opaque;
	bool scarce;
	bool full;
	unsigned int looks;
	unsigned int probed;
	unsigned int least;
	unsigned int fresh;
};

#define NO_USE	UINT_MAX

static enum verdict judge(const struct look *l, u64 e, bool young)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	if (young && l->pressure < PRESSURE_MAX)
		return VERDICT_KEEP;
	if (tarn_entry_hint(e) & TARN_HINT_PROBATION || l->pressure >= 2)
		return VERDICT_GO;
	if (e & TARN_ENTRY_NEW || use > l->coldness)
		return VERDICT_KEEP;
	return l->opaque ? VERDICT_PROBATION : VERDICT_GO;
}

/* A page stays: remember what a round that takes nothing has to know. */
static void note_kept(struct look *l, u64 e, bool young)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	if (young || e & TARN_ENTRY_NEW)
		l->fresh = min(l->fresh, use);
	else
		l->least = min(l->least, use);
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

static bool may_look(struct tarn_partition *part, const struct look *l, u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_RESIDENT &&
	       !tarn_entry_mark(e) && !tarn_entry_pinned(e) &&
	       on_node(part->pool, tarn_entry_payload(e), l->node);
}

/*
 * From the hand on, the pages of a leaf that would go if they were not used just
 * now. False if there are none.
 */
static bool candidates(struct tarn_partition *part, struct tarn_leaf *leaf,
		       struct look *l, unsigned int *from, unsigned int *to)
{
	unsigned int i;
	bool any = false;

	for (i = *from; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (!may_look(part, l, e))
			continue;
		if (judge(l, e, false) == VERDICT_KEEP) {
			note_kept(l, e, false);
			continue;
		}
		if (!any)
			*from = i;
		*to = i + 1;
		any = true;
	}
	return any;
}

/* Which pages of the leaf from @from on were used. False: none is to go. */
static bool look_at_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
			 struct look *l, u64 first, unsigned int *from,
			 unsigned int *to, unsigned long *young)
{
	unsigned int coldest;

	if (tarn_age_stale(part, leaf)) {
		l->opaque = tarn_age_look(part, leaf, first, young);
		l->looks++;
		*to = TARN_LEAF_PAGES;
		return true;
	}
	/* Copies of pages that stay are to be dropped where room is short. */
	coldest = READ_ONCE(leaf->coldest);
	if (l->pressure < 2 && !l->scarce && coldest > l->coldness) {
		if (coldest <= TARN_USE_MAX)
			l->least = min(l->least, coldest);
		return false;
	}
	*to = TARN_LEAF_PAGES;
	if (!candidates(part, leaf, l, from, to) && !l->scarce)
		return false;
	l->opaque = tarn_age_peek(part, leaf, first, *from, *to, young);
	return true;
}

static bool put_on_probation(struct tarn_partition *part, u64 index,
			     atomic64_t *entry, u64 e)
{
	/* One less than all is still most: with all it would look pinned. */
	unsigned int use = min_t(unsigned int, tarn_entry_hint(e),
				 TARN_USE_MAX - 1);

	return tarn_entry_change(part, index, entry, &e,
				 tarn_entry_with_hint(e, use |
						      TARN_HINT_PROBATION));
}

/* Look at the rest of a leaf from the hand on, until the batch is full. */
static unsigned int visit_leaf(struct tarn_partition *part,
			       struct tarn_leaf *leaf, struct look *l,
			       struct tarn_evict_batch *batch)
{
	DECLARE_BITMAP(young, TARN_LEAF_PAGES) = {};
	DECLARE_BITMAP(probation, TARN_LEAF_PAGES) = {};
	u64 first = ALIGN_DOWN(part->hand, TARN_LEAF_PAGES);
	unsigned int i = part->hand - first, to, scanned = 0;

	if (!look_at_leaf(part, leaf, l, first, &i, &to, young)) {
		part->hand = first + TARN_LEAF_PAGES;
		return 0;
	}
	for (; i < to && batch->count < TARN_EVICT_BATCH; i++) {
		atomic64_t *entry = &leaf->entry[i];
		u64 e = atomic64_read(entry);

		if (!may_look(part, l, e))
			continue;
		scanned++;
		switch (judge(l, e, test_bit(i, young))) {
		case VERDICT_PROBATION:
			if (put_on_probation(part, first + i, entry, e)) {
				__set_bit(i, probation);
				l->probed++;
			}
			break;
		case VERDICT_GO:
			if (tarn_evict_add(batch, first + i, e))
				tarn_age_taken(part, e);
			break;
		case VERDICT_KEEP:
			note_kept(l, e, test_bit(i, young));
			if (l->scarce)
				tarn_evict_copy(part, first + i, e, !l->full);
		}
	}
	unmap_bits(part, first, probation);
	part->hand = first + (i < to ? i : TARN_LEAF_PAGES);
	return scanned;
}

/* ---- one turn ----------------------------------------------------------- */

/* The next leaf at the hand; the hand goes back to the start past the last. */
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

/*
 * Go on with the hand until the batch is full, or has something after so many
 * looks, or the hand has been everywhere. False in the last case.
 */
static bool walk(struct tarn_partition *part, struct look *l,
		 struct tarn_evict_batch *batch, unsigned int *scanned)
{
	u64 leaves = atomic64_read(&part->nr_leaves) + 1;

	l->looks = 0;
	l->probed = 0;
	l->least = NO_USE;
	l->fresh = NO_USE;
	for (; leaves; leaves--) {
		u64 before = part->hand;
		struct tarn_leaf *leaf = next_leaf(part);

		lockdep_assert_held(&part->hand_lock);
		if (!leaf)
			return false;
		/* A batch is in ascending order. */
		if (part->hand < before && batch->count)
			return true;
		*scanned += visit_leaf(part, leaf, l, batch);
		if (batch->count == TARN_EVICT_BATCH ||
		    (batch->count && l->looks >= TURN_LOOKS))
			return true;
		cond_resched();
	}
	return false;
}

/*
 * The hand was everywhere in vain. If what is new or was just used is as cold as
 * the rest, see in another round whether it stays so, else take what is warmer.
 */
static void relax(struct tarn_partition *part, struct look *l)
{
	lockdep_assert_held(&part->hand_lock);
	if (l->fresh <= l->least && l->fresh != NO_USE) {
		if (part->ages.whole)
			tarn_age_begin(part);
		return;
	}
	l->boost += BOOST;
	if (l->least != NO_USE && l->least > part->ages.coldness + l->boost)
		l->boost = l->least - part->ages.coldness;
	l->boost = min_t(unsigned int, l->boost, TARN_USE_MAX);
}

/* Take a batch from a partition. Returns pages freed or sent. */
static unsigned int turn(struct tarn_partition *part, struct look *l)
{
	struct tarn_evict_batch batch;
	unsigned int scanned = 0;

	tarn_evict_begin(&batch, part);
	down_read(&part->pin);
	if (!part->inode)
		goto out;
	mutex_lock(&part->hand_lock);
	if (tarn_age_due(part))
		tarn_age_begin(part);
	l->coldness = min_t(unsigned int, tarn_age_coldness(part) + l->boost,
			    TARN_USE_MAX);
	l->full = READ_ONCE(part->pool->full);
	l->scarce = tarn_pool_is_scarce(part->pool);
	if (!walk(part, l, &batch, &scanned) && !batch.count && !l->probed)
		relax(part, l);
	mutex_unlock(&part->hand_lock);
	tarn_evict_flush(&batch);
	trace_tarn_reclaim(part->id, part->hand, scanned,
			   batch.freed + batch.sent, batch.busy);
out:
	up_read(&part->pin);
	return batch.freed + batch.sent;
}

/* ---- from whom ---------------------------------------------------------- */

/**
 * struct rank - how eagerly a partition is taken from
 * @claim: who claims least goes first
 * @excepted: after the others of its kind
 * @coldness: then the coldest
 * @over: then the one that has most in proportion to its weight
 */
struct rank {
	enum tarn_claim claim;
	bool excepted;
	unsigned int coldness;
	u64 over;
};

static struct rank rank_of(struct tarn_partition *part, u32 except)
{
	u64 resident = max_t(s64, 0, atomic64_read(&part->resident));

	return (struct rank) {
		.claim = tarn_entitle_claim(part),
		.excepted = part->id == except,
		.coldness = READ_ONCE(part->ages.coldness),
		.over = resident * TARN_WEIGHT_MAX /
			max_t(u64, 1, READ_ONCE(part->weight)),
	};
}

static bool goes_before(const struct rank *a, const struct rank *b)
{
	if (a->claim != b->claim)
		return a->claim < b->claim;
	if (a->excepted != b->excepted)
		return b->excepted;
	/* Who has no more than is guaranteed gives up in proportion. */
	if (a->claim != TARN_CLAIM_MINIMUM && a->coldness != b->coldness)
		return a->coldness < b->coldness;
	return a->over > b->over;
}

/* Is it more than a node that lacks frames? */
static bool is_short(struct tarn_pool *pool)
{
	return tarn_waiters_any(pool) || tarn_pool_is_low(pool);
}

/*
 * The partition to take from, referenced; not @except, if one is as good. NULL
 * if all have their minimum and no more, and frames are free on another node.
 */
static struct tarn_partition *pick(struct tarn_pool *pool, u32 except)
{
	struct tarn_partition *part;
	struct rank best = {}, rank;
	unsigned long id;
	u32 found = 0;

	tarn_entitle(pool);
	rcu_read_lock();
	xa_for_each(&pool->partitions, id, part) {
		if (!atomic64_read(&part->resident))
			continue;
		rank = rank_of(part, except);
		if (found && !goes_before(&rank, &best))
			continue;
		best = rank;
		found = id;
	}
	rcu_read_unlock();
	if (!found || (best.claim == TARN_CLAIM_MINIMUM && !is_short(pool)))
		return NULL;
	return tarn_partition_find(pool, found);
}

/*
 * With pressure it is the turn of whoever has frames; minimums stand until
 * nothing else helps, here or on another node.
 */
static struct tarn_partition *pick_next(struct tarn_pool *pool, u32 after,
					const struct look *l)
{
	bool anybody = l->pressure == PRESSURE_MAX && is_short(pool) &&
		       atomic64_read(&pool->evictions) == l->evictions;
	u32 tries = READ_ONCE(pool->nr_partitions) + 1;
	struct tarn_partition *part;

	while (tries--) {
		part = tarn_partition_next(pool, after);
		if (!part)
			return NULL;
		if (anybody || tarn_entitle_claim(part) != TARN_CLAIM_MINIMUM)
			return part;
		after = part->id;
		tarn_partition_put(part);
	}
	/* All have their minimum and no more. */
	return pick(pool, 0);
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

/* Rounds in vain after which all that can be had like this was had. */
static unsigned int vain_limit(struct tarn_pool *pool)
{
	return min_t(unsigned int, 2 * READ_ONCE(pool->nr_partitions) +
		     VAIN_LEAST, VAIN_MOST);
}

static void run_until_high(struct tarn_node *n)
{
	struct tarn_pool *pool = n->pool;
	struct look l = { .node = n->nid };
	unsigned int vain = 0;
	u32 last = 0;

	while (!stop_now() && needs_frames(n)) {
		struct tarn_partition *part;
		unsigned int got;

		wait_event_timeout(pool->store_wait,
				   atomic_read(&pool->stores) < STORES_MAX ||
				   stop_now(), REST);
		if (atomic_read(&pool->stores) >= STORES_MAX)
			continue;
		part = l.pressure ? pick_next(pool, last, &l) :
				    pick(pool, vain ? last : 0);
		if (!part)
			return;
		last = part->id;
		got = turn(part, &l);
		tarn_partition_put(part);
		if (got) {
			vain = 0;
			if (l.boost)
				l.boost--;
			cond_resched();
			continue;
		}
		/* Looks that follow at once see nobody use what was unmapped. */
		schedule_timeout_interruptible(1);
		if (++vain < vain_limit(pool))
			continue;
		if (l.pressure == PRESSURE_MAX)
			return;
		l.pressure++;
		l.evictions = atomic64_read(&pool->evictions);
		vain = 0;
	}
}

/* Growth may wait with more frames free than the low mark (waiter.c). */
static bool has_work(struct tarn_node *n)
{
	return READ_ONCE(n->free) < READ_ONCE(n->low) ||
	       tarn_waiters_any(n->pool);
}

/* A node whose frames all belong to others than who has too much may stay low. */
static unsigned long rest_time(struct tarn_pool *pool)
{
	return is_short(pool) || tarn_waiters_any(pool) ? REST : 10 * REST;
}

static int reclaimer(void *arg)
{
	struct tarn_node *n = arg;

	while (!stop_now()) {
		wait_event_interruptible(n->wait, stop_now() ||
					 READ_ONCE(n->kick) || has_work(n));
		WRITE_ONCE(n->kick, false);
		tarn_scan_wake(n->pool);
		run_until_high(n);
		/*
		 * Nothing can be had now, or what was on its way did not arrive:
		 * look again in a while.
		 */
		if (!stop_now() && has_work(n))
			wait_event_interruptible_timeout(n->wait, stop_now() ||
							 READ_ONCE(n->kick),
							 rest_time(n->pool));
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
