// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Reclaim
 *
 * Threads of each node keep frames free between two watermarks. They begin when
 * all nodes are low: until then those that have room give frames. They take from
 * partitions that have more than they are entitled to (entitle.c), from those
 * with the coldest pages first, and there the coldest ones (hand.c).
 *
 * The first thread of a node begins at the low mark. Each other one begins when
 * so much more is missing, and prefers partitions that nobody is at.
 *
 * When whole rounds yield nothing a thread presses harder: on probation and use
 * first, then on anything that is not held by somebody. So it does when what it takes
 * does not reach who waits longest: growth leaves some frames alone (waiter.h), and a
 * partition that thrashes with fewer than those takes back each one that it gives.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>

#include "page/block.h"
#include "policy/age.h"
#include "policy/area.h"
#include "policy/demote.h"
#include "policy/entitle.h"
#include "policy/hand.h"
#include "policy/reclaim.h"
#include "policy/scan.h"
#include "pool/home.h"
#include "pool/magazine.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/waiter.h"

#define REST		(HZ / 10)

/* Batches that one takes from a partition before it chooses anew. */
#define STAY		4
/* Rounds in vain before a thread presses harder: each partition's, and some. */
#define VAIN_LEAST	6
#define VAIN_MOST	64
/* One who waits longer while frames are taken gets none of those. */
#define STARVES		(HZ / 20)
/* When nobody has starved for so long it is pressed less again. */
#define CONTENT		HZ

/* ---- from whom ---------------------------------------------------------- */

/**
 * struct run - what a thread does until there are enough frames
 * @node: of this node
 * @number: of the node's run, which its threads share
 * @pressure: how hard it presses
 * @evictions: pool->evictions when the pressure rose last
 * @vain: turns in vain since it did, or since something was taken
 * @first: who waits longest, see tarn_waiters_first()
 * @since: when that was seen first, in jiffies
 * @raised: levels of pressure that are for one who starved
 * @starved: when there was one last
 * @last: id of the partition it took from last
 * @even_least: the one that it takes from has to give what is guaranteed to it
 */
struct run {
	struct tarn_node *node;
	u32 number;
	unsigned int pressure;
	u64 evictions;
	unsigned int vain;
	u64 first;
	unsigned long since;
	unsigned int raised;
	unsigned long starved;
	u32 last;
	bool even_least;
};

/**
 * struct rank - how eagerly a partition is taken from
 * @claim: who claims least goes first
 * @vain: then the one that was tried in vain least often
 * @strays: then one with pages on this node that should be elsewhere, as long as it has
 *	cold ones: who uses all that it has would only take it back
 * @busy: then one that no thread is at
 * @coldness: then the coldest; who has pages on this node that should be elsewhere counts
 *	as half as hot
 * @over: then the one that has most in proportion to its weight
 */
struct rank {
	enum tarn_claim claim;
	unsigned int vain;
	bool strays;
	bool busy;
	unsigned int coldness;
	u64 over;
};

static struct rank rank_of(struct tarn_partition *part, const struct run *r)
{
	unsigned int coldness = READ_ONCE(part->ages->coldness);
	bool excess = tarn_home_excess(part, r->node->nid);

	return (struct rank) {
		.claim = tarn_entitle_claim(part),
		.vain = tarn_hand_vain(&part->hands[r->node->nid], r->number),
		.strays = excess && coldness < TARN_USE_COOL,
		.busy = atomic_read(&part->node[r->node->nid].busy),
		.coldness = excess ? coldness / 2 : coldness,
		.over = tarn_partition_resident(part) * TARN_WEIGHT_MAX /
			max_t(u64, 1, READ_ONCE(part->weight)),
	};
}

static bool goes_before(const struct rank *a, const struct rank *b)
{
	if (a->claim != b->claim)
		return a->claim < b->claim;
	if (a->vain != b->vain)
		return a->vain < b->vain;
	if (a->claim != TARN_CLAIM_MINIMUM && a->strays != b->strays)
		return a->strays;
	if (a->busy != b->busy)
		return b->busy;
	/* Who has no more than is guaranteed gives up in proportion. */
	if (a->claim != TARN_CLAIM_MINIMUM && a->coldness != b->coldness)
		return a->coldness < b->coldness;
	return a->over > b->over;
}

/* Growth may wait with more frames free than the low mark (waiter.c). */
static bool is_short(struct tarn_pool *pool)
{
	return tarn_waiters_any(pool) || tarn_pool_is_low(pool);
}

/* A child's pages stay, all of them. */
static bool has_pages_on(struct tarn_partition *part, const struct tarn_node *n)
{
	return atomic64_read(&part->node[n->nid].resident) > 0 &&
	       !tarn_partition_is_child(part);
}

/* The id of the partition to take from, and its claim; 0 if there is none. */
static u32 first_in_rank(const struct run *r, enum tarn_claim *claim)
{
	struct tarn_pool *pool = r->node->pool;
	struct tarn_partition *part;
	struct rank best = {}, rank;
	unsigned long id;
	u32 found = 0;

	rcu_read_lock();
	xa_for_each(&pool->partitions, id, part) {
		if (!has_pages_on(part, r->node))
			continue;
		rank = rank_of(part, r);
		if (found && !goes_before(&rank, &best))
			continue;
		best = rank;
		found = id;
	}
	rcu_read_unlock();
	*claim = best.claim;
	return found;
}

/* Has somebody frames on another node that nobody guaranteed him? */
static bool others_have(const struct run *r)
{
	struct tarn_pool *pool = r->node->pool;
	struct tarn_partition *part;
	struct tarn_node *n;
	bool some = false;
	unsigned long id;
	int nid;

	rcu_read_lock();
	xa_for_each(&pool->partitions, id, part)
		tarn_for_each_node(pool, nid, n)
			some |= n != r->node && has_pages_on(part, n) &&
				tarn_entitle_claim(part) != TARN_CLAIM_MINIMUM;
	rcu_read_unlock();
	return some;
}

/* Minimums stand until nothing else helps, here or on another node. */
static bool even_minimums(const struct run *r)
{
	struct tarn_pool *pool = r->node->pool;

	return r->pressure == TARN_PRESSURE_MAX && is_short(pool) &&
	       atomic64_read(&pool->evictions) == r->evictions;
}

/*
 * The partition to take from, referenced. NULL if all have their minimum and no
 * more, and a node is not low any more; -EAGAIN if that is so here alone, and another
 * node's threads are to find something first.
 */
static struct tarn_partition *pick(struct run *r)
{
	struct tarn_pool *pool = r->node->pool;
	struct tarn_partition *part;
	enum tarn_claim claim;
	u32 id;

	tarn_entitle_now_and_then(pool);
	do {
		id = first_in_rank(r, &claim);
		if (!id || (claim == TARN_CLAIM_MINIMUM && !is_short(pool)))
			return NULL;
		if (claim == TARN_CLAIM_MINIMUM && !even_minimums(r) &&
		    others_have(r))
			return ERR_PTR(-EAGAIN);
		/* Gone meanwhile, it is not found again. */
		part = tarn_partition_find(pool, id);
	} while (!part);
	r->even_least = claim == TARN_CLAIM_MINIMUM;
	return part;
}

/* With pressure it is the turn of whoever has frames. Returns what pick() does. */
static struct tarn_partition *pick_next(struct run *r)
{
	struct tarn_pool *pool = r->node->pool;
	bool anybody = even_minimums(r);
	u32 tries = READ_ONCE(pool->nr_partitions) + 1, after = r->last;
	struct tarn_partition *part;

	r->even_least = anybody;
	while (tries--) {
		part = tarn_partition_next(pool, after);
		if (!part)
			return NULL;
		if (has_pages_on(part, r->node) &&
		    (anybody ||
		     tarn_entitle_claim(part) != TARN_CLAIM_MINIMUM))
			return part;
		after = part->id;
		tarn_partition_put(part);
	}
	/* All have their minimum and no more. */
	return pick(r);
}

/* ---- the threads -------------------------------------------------------- */

static bool stop_now(void)
{
	return kthread_should_stop();
}

/* Is what needs no store all that can be given up? */
static bool stores_are_vain(struct tarn_pool *pool)
{
	return tarn_stores_hang(&pool->stores) || tarn_stores_fail(&pool->stores);
}

static bool needs_frames(struct tarn_node *n)
{
	u64 coming = stores_are_vain(n->pool) ? 0 :
		     atomic_read(&n->pool->stores.under_way);

	return tarn_node_free_frames(n) + coming < READ_ONCE(n->high) ||
	       (tarn_waiters_any(n->pool) && !coming);
}

/* Rounds in vain after which all that can be had like this was had. */
static unsigned int vain_limit(struct tarn_pool *pool)
{
	return min_t(unsigned int, 2 * READ_ONCE(pool->nr_partitions) +
		     VAIN_LEAST, VAIN_MOST);
}

/*
 * The device may have enough to do. True: not any more; or it does nothing, and what
 * needs no store is given up.
 */
static bool may_go_on(struct tarn_pool *pool)
{
	struct tarn_stores *stores = &pool->stores;

	wait_event_timeout(stores->wait, tarn_stores_allowed(stores) ||
			   stop_now(), REST);
	return tarn_stores_allowed(stores) || stores_are_vain(pool);
}

/*
 * Take some batches from a partition. Returns how many pages were taken, or
 * -EAGAIN if there was nothing to take.
 */
static int take_from(struct tarn_partition *part, const struct run *r)
{
	enum tarn_claim claim = tarn_entitle_claim(part);
	atomic_t *busy = &part->node[r->node->nid].busy;
	struct tarn_turn turn = {
		.node = r->node->nid,
		.run = r->number,
		.pressure = r->pressure,
		.least = r->even_least ? 0 : tarn_entitle_least(part),
	};
	unsigned int batches;
	int taken = 0;

	atomic_inc(busy);
	for (batches = 0; batches < STAY; batches++) {
		tarn_hand_turn(part, &turn);
		taken += turn.taken;
		/* It goes on where it was as long as there is more to see. */
		if (turn.vain || (turn.taken && !turn.full) || stop_now() ||
		    !needs_frames(r->node) ||
		    !tarn_stores_allowed(&r->node->pool->stores) ||
		    tarn_entitle_claim(part) != claim)
			break;
		cond_resched();
	}
	atomic_dec(busy);
	if (taken && tarn_partition_staying(part) >= turn.least + TARN_BLOCK_PAGES)
		tarn_demote(part, r->node->nid);
	return !taken && turn.vain ? -EAGAIN : taken;
}

/* False: it is pressed as hard as can be already. */
static bool press_harder(struct run *r)
{
	if (r->pressure == TARN_PRESSURE_MAX)
		return false;
	r->pressure++;
	r->evictions = atomic64_read(&r->node->pool->evictions);
	r->vain = 0;
	return true;
}

/* A turn was in vain. False: there is nothing that could be tried any more. */
static bool press(struct run *r)
{
	/* Looks that follow at once see nobody use what was unmapped. */
	schedule_timeout_interruptible(1);
	return ++r->vain < vain_limit(r->node->pool) || press_harder(r);
}

/* Something was taken: does it help who waits longest? */
static void reconsider(struct run *r)
{
	u64 first = tarn_waiters_first(r->node->pool);

	r->vain = 0;
	if (first == r->first && first &&
	    time_after(jiffies, r->since + STARVES)) {
		r->since = jiffies;
		r->starved = jiffies;
		r->raised += press_harder(r);
	} else if (r->raised && time_after(jiffies, r->starved + CONTENT)) {
		r->starved = jiffies;
		r->raised--;
		r->pressure--;
	}
	if (first != r->first) {
		r->first = first;
		r->since = jiffies;
	}
}

static void run_until_high(struct tarn_node *n)
{
	struct run r = { .node = n };

	while (!stop_now() && needs_frames(n)) {
		struct tarn_partition *part;
		int taken = -EAGAIN;

		/* The threads of a node share its run, whoever began it. */
		r.number = READ_ONCE(n->run);
		if (!may_go_on(n->pool))
			continue;
		part = r.pressure ? pick_next(&r) : pick(&r);
		if (!part)
			return;
		if (!IS_ERR(part)) {
			r.last = part->id;
			taken = take_from(part, &r);
			if (taken <= 0)
				tarn_pin_trim(part);
			tarn_partition_put(part);
		}
		if (taken > 0)
			reconsider(&r);
		else if (taken < 0 && !press(&r))
			return;
		cond_resched();
	}
}

/* Free frames at which a thread begins: the next one when more is missing. */
static u64 begins_at(const struct tarn_reclaimer *r)
{
	const struct tarn_node *n = r->node;

	return READ_ONCE(n->low) * (n->nr_reclaimers - r->number) /
	       n->nr_reclaimers;
}

static bool has_work(const struct tarn_reclaimer *r)
{
	struct tarn_pool *pool = r->node->pool;

	return tarn_waiters_any(pool) ||
	       (READ_ONCE(r->node->free) <= begins_at(r) &&
		tarn_pool_is_low(pool));
}

static int reclaimer(void *arg)
{
	struct tarn_reclaimer *r = arg;
	struct tarn_node *n = r->node;

	while (!stop_now()) {
		wait_event_interruptible(r->wait, stop_now() ||
					 READ_ONCE(r->kick) || has_work(r));
		WRITE_ONCE(r->kick, false);
		if (!r->number)
			WRITE_ONCE(n->run, n->run + 1);
		/* What processors have at hand may do. */
		if (tarn_magazines_empty(n->pool))
			tarn_waiters_serve(n->pool);
		tarn_scan_wake(n->pool);
		run_until_high(n);
		/*
		 * Nothing can be had now, or what was on its way did not arrive:
		 * look again in a while.
		 */
		if (!stop_now() && has_work(r))
			wait_event_interruptible_timeout(r->wait, stop_now() ||
							 READ_ONCE(r->kick),
							 REST);
	}
	return 0;
}

static int start_one(struct tarn_node *node, unsigned int number)
{
	struct tarn_reclaimer *r = &node->reclaimers[number];
	struct task_struct *task;

	if (number)
		task = kthread_create_on_node(reclaimer, r, node->nid,
					      "tarn_reclaim/%d:%u", node->nid,
					      number);
	else
		task = kthread_create_on_node(reclaimer, r, node->nid,
					      "tarn_reclaim/%d", node->nid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	r->task = task;
	return 0;
}

/* A node is made: it has as many threads as processors, up to a few. */
void tarn_reclaim_init(struct tarn_node *node)
{
	unsigned int cpus = cpumask_weight(cpumask_of_node(node->nid));
	unsigned int i;

	node->nr_reclaimers = clamp_t(unsigned int, cpus, 1,
				      TARN_RECLAIMERS_MOST);
	for (i = 0; i < node->nr_reclaimers; i++) {
		node->reclaimers[i].node = node;
		node->reclaimers[i].number = i;
		init_waitqueue_head(&node->reclaimers[i].wait);
	}
}

/**
 * tarn_reclaim_start() - begin to keep frames of a node free
 * @node: the node; its threads do not run
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int tarn_reclaim_start(struct tarn_node *node)
{
	unsigned int i;
	int ret;

	for (i = 0; i < node->nr_reclaimers; i++) {
		ret = start_one(node, i);
		if (ret) {
			tarn_reclaim_stop(node);
			return ret;
		}
	}
	for (i = 0; i < node->nr_reclaimers; i++)
		wake_up_process(node->reclaimers[i].task);
	return 0;
}

/* They do not run afterwards; they may not have before. */
void tarn_reclaim_stop(struct tarn_node *node)
{
	unsigned int i;

	for (i = 0; i < node->nr_reclaimers; i++) {
		struct tarn_reclaimer *r = &node->reclaimers[i];

		if (r->task)
			kthread_stop(r->task);
		r->task = NULL;
	}
}

/* Frames of a node are short: wake those of its threads that have to do. */
void tarn_reclaim_wake(struct tarn_node *node)
{
	unsigned int i;

	for (i = 0; i < node->nr_reclaimers; i++) {
		struct tarn_reclaimer *r = &node->reclaimers[i];

		if (wq_has_sleeper(&r->wait) && has_work(r))
			wake_up(&r->wait);
	}
}

/* Have all nodes look, whatever their watermarks say. */
void tarn_reclaim_kick(struct tarn_pool *pool)
{
	struct tarn_node *n;
	unsigned int i;
	int nid;

	tarn_for_each_node(pool, nid, n) {
		for (i = 0; i < n->nr_reclaimers; i++) {
			WRITE_ONCE(n->reclaimers[i].kick, true);
			wake_up(&n->reclaimers[i].wait);
		}
	}
}
