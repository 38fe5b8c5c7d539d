// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Bringing pages home
 *
 * A page may lie elsewhere than at home: its home had no frame free when it came, or the
 * homes are others now. A thread a pool moves such pages, class by class: first those that
 * are hot, in the whole partition, then those that are warm, and so on, so that accesses
 * become local as early as possible.
 *
 * It takes only frames that a node has beyond its low mark. So nothing goes out to make
 * room for what has a frame already, and no partition loses pages to another one's move.
 *
 * How fast it goes follows what that costs: who touches a page that is being moved waits,
 * and is counted. While hardly anybody does the rate grows by an eighth each TICK, else it
 * is halved.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "page/move.h"
#include "policy/age.h"
#include "policy/place.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"

/* A turn, with a rate of so many pages. */
#define TICK		msecs_to_jiffies(20)
#define RATE_LEAST	32U
#define RATE_FIRST	512U
#define RATE_MOST	8192U
/* Of pages moved in a turn, this part may be waited for. */
#define WAITS_PART	64
/* Leaves of a partition that are looked at in a turn. */
#define TURN_LEAVES	1024
/* With nothing to move, look so often whether there is by now. */
#define IDLE		(HZ / 2)

/**
 * struct tarn_placer - the thread of a pool
 * @pool: its pool
 * @task: the thread
 * @wait: where it sleeps
 * @kick: homes were set
 * @rate: most pages a turn
 * @last: id of the partition that it was at last
 * @excess: by node, see struct trip
 */
struct tarn_placer {
	struct tarn_pool *pool;
	struct task_struct *task;
	wait_queue_head_t wait;
	bool kick;
	unsigned int rate;
	u32 last;
	u64 excess[];
};

/* ---- setting ------------------------------------------------------------ */

static int by_node(const void *a, const void *b)
{
	const struct tarn_home *x = a, *y = b;

	return x->node < y->node ? -1 : x->node > y->node;
}

/* From an array in ascending order. */
static struct tarn_homes *homes_create(const struct tarn_home *from, u32 count)
{
	struct tarn_homes *homes = kzalloc(struct_size(homes, home, count),
					   GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!homes)
		return ERR_PTR(-ENOMEM);
	homes->count = count;
	for (i = 0; i < count; i++) {
		if (from[i].node >= nr_node_ids ||
		    !node_state(from[i].node, N_NORMAL_MEMORY) ||
		    from[i].flags & ~TARN_NODE_IS_HOME ||
		    from[i].resident_pages ||
		    (i && from[i].node == from[i - 1].node)) {
			kfree(homes);
			return ERR_PTR(-EINVAL);
		}
		homes->home[i].nid = from[i].node;
		homes->home[i].wanted = from[i].wanted_frames;
	}
	return homes;
}

static struct tarn_homes *homes_from_user(const struct tarn_partition_homes *h)
{
	struct tarn_home *from;
	struct tarn_homes *homes;

	if (h->count > nr_node_ids)
		return ERR_PTR(-EINVAL);
	from = memdup_user(u64_to_user_ptr(h->homes),
			   array_size(h->count, sizeof(*from)));
	if (IS_ERR(from))
		return ERR_CAST(from);
	sort(from, h->count, sizeof(*from), by_node, NULL);
	homes = homes_create(from, h->count);
	kfree(from);
	return homes;
}

/**
 * tarn_homes_set() - TARN_PARTITION_HOMES, to set
 * @part: the partition
 * @h: checked for flags and reserved fields, not for values
 *
 * Context: process.
 * Return: 0; -EINVAL; -EFAULT; -ENOMEM.
 */
long tarn_homes_set(struct tarn_partition *part,
		    const struct tarn_partition_homes *h)
{
	struct tarn_placer *placer = part->pool->placer;
	struct tarn_homes *homes = NULL, *old;

	if (h->misplaced_pages || h->moved_pages || (h->count && !h->homes))
		return -EINVAL;
	if (h->count) {
		homes = homes_from_user(h);
		if (IS_ERR(homes))
			return PTR_ERR(homes);
	}
	old = unrcu_pointer(xchg(&part->homes, RCU_INITIALIZER(homes)));
	if (old)
		kfree_rcu(old, rcu);
	atomic_inc(&part->homes_set);
	WRITE_ONCE(placer->kick, true);
	wake_up(&placer->wait);
	return 0;
}

/**
 * tarn_homes_list() - TARN_PARTITION_HOMES, to read
 * @part: the partition
 * @h: the call
 *
 * Context: process.
 * Return: 0 or -EFAULT.
 */
long tarn_homes_list(struct tarn_partition *part,
		     struct tarn_partition_homes *h)
{
	struct tarn_home __user *to = u64_to_user_ptr(h->homes);
	u32 room = h->count;
	int nid;

	h->count = 0;
	for (nid = 0; nid < nr_node_ids; nid++) {
		s64 resident = atomic64_read(&part->node[nid].resident);
		struct tarn_home home = {
			.node = nid,
			.resident_pages = max_t(s64, 0, resident),
		};

		if (tarn_home_wanted(part, nid, &home.wanted_frames))
			home.flags = TARN_NODE_IS_HOME;
		else if (!home.resident_pages)
			continue;
		if (h->count < room &&
		    copy_to_user(to + h->count, &home, sizeof(home)))
			return -EFAULT;
		h->count++;
	}
	h->misplaced_pages = tarn_home_misplaced(part);
	h->moved_pages = atomic64_read(&part->moved);
	return 0;
}

/* ---- moving ------------------------------------------------------------- */

/**
 * struct trip - pages of a partition that go home in a turn
 * @way: where it goes on
 * @excess: by node, pages that should be elsewhere
 * @nodes: those where there are any, see struct tarn_leaf
 * @to: home that they go to, NUMA_NO_NODE: none has room
 * @room: pages that may go there
 * @most: pages that may go at all
 * @leaves: that may be looked at
 * @batch: pages in hand
 */
struct trip {
	struct tarn_way *way;
	u64 *excess;
	unsigned long nodes;
	int to;
	u64 room;
	u64 most;
	unsigned int leaves;
	struct tarn_move_batch batch;
};

static bool stop_now(void)
{
	return kthread_should_stop();
}

/* Frames that a node can spare. */
static u64 spare(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);
	u64 free = n ? READ_ONCE(n->free) : 0;

	return free - min(free, n ? READ_ONCE(n->low) : 0);
}

/* The home to which most can go. */
static void choose_target(struct tarn_partition *part, struct trip *t)
{
	int nid;

	t->room = 0;
	t->to = NUMA_NO_NODE;
	for (nid = 0; nid < nr_node_ids; nid++) {
		u64 fits = min(tarn_home_missing(part, nid),
			       spare(part->pool, nid));

		if (fits <= t->room)
			continue;
		t->room = fits;
		t->to = nid;
	}
}

/* Is it of the class whose turn it is, and somewhere where too many are? */
static bool goes(struct tarn_partition *part, const struct trip *t, u64 e)
{
	int nid;

	if (!tarn_entry_has_frame(e) || tarn_entry_mark(e) ||
	    tarn_age_class(e) != t->way->class)
		return false;
	nid = tarn_frame_node(part->pool, tarn_entry_payload(e));
	return nid != NUMA_NO_NODE && nid != t->to && t->excess[nid];
}

/* Where the pages go on: the target may be full. */
static void flush(struct tarn_partition *part, struct trip *t)
{
	tarn_move_flush(&t->batch);
	choose_target(part, t);
}

static bool goes_on(const struct trip *t)
{
	return t->most && t->to != NUMA_NO_NODE && !stop_now();
}

/* Take a page in hand. False: the target has no frame after all. */
static bool take(struct tarn_partition *part, struct trip *t, u64 index,
		 atomic64_t *entry, u64 e)
{
	int nid = tarn_frame_node(part->pool, tarn_entry_payload(e));
	u64 to = tarn_frame_spare(part->pool, t->to);

	if (to == TARN_FRAME_NONE) {
		t->to = NUMA_NO_NODE;
		return false;
	}
	if (!tarn_move_add(&t->batch, index, entry, e, to)) {
		tarn_frame_free(part->pool, to);
		return true;
	}
	t->excess[nid]--;
	t->most--;
	t->room--;
	return true;
}

static void move_of_leaf(struct tarn_partition *part, struct trip *t,
			 struct tarn_leaf *leaf, u64 first)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES && goes_on(t); i++) {
		atomic64_t *entry = &leaf->entry[i];
		u64 e = atomic64_read(entry);

		if (!goes(part, t, e))
			continue;
		if (!take(part, t, first + i, entry, e))
			break;
		if (tarn_batch_is_full(&t->batch.pages) || !t->room)
			flush(part, t);
	}
}

/* From where it was, the leaves with pages of a class. False: there are no more. */
static bool move_on(struct tarn_partition *part, struct trip *t)
{
	struct tarn_way *way = t->way;
	struct tarn_leaf *leaf;
	unsigned long at;

	xa_for_each_start(&part->leaves, at, leaf, way->at) {
		way->at = at;
		if (!goes_on(t) || !t->leaves)
			return true;
		if (!(atomic_long_read(&leaf->nodes) & t->nodes))
			continue;
		t->leaves--;
		move_of_leaf(part, t, leaf, (u64)at << TARN_LEAF_SHIFT);
		cond_resched();
	}
	return false;
}

static void set_out(struct tarn_partition *part, struct tarn_way *way)
{
	way->homes = atomic_read(&part->homes_set);
	way->class = TARN_ACTIVITY_HOT;
	way->at = 0;
}

/* Class by class. False: all were looked at. */
static bool go_home(struct tarn_partition *part, struct trip *t)
{
	struct tarn_way *way = t->way;

	if (way->homes != atomic_read(&part->homes_set) ||
	    way->class < TARN_ACTIVITY_COLD)
		set_out(part, way);
	while (way->class >= TARN_ACTIVITY_COLD) {
		if (move_on(part, t))
			return true;
		way->class--;
		way->at = 0;
	}
	return false;
}

/*
 * Go on with what of a partition is not at home. Returns how many pages were moved; *@more:
 * there may be others.
 */
static u64 place_partition(struct tarn_placer *p, struct tarn_partition *part,
			   u64 most, bool *more)
{
	struct trip t = {
		.way = &part->way,
		.excess = p->excess,
		.most = most,
		.leaves = TURN_LEAVES,
	};
	int nid;

	lockdep_assert_held_read(&part->pin);
	for (nid = 0; nid < nr_node_ids; nid++) {
		t.excess[nid] = tarn_home_excess(part, nid);
		if (t.excess[nid])
			t.nodes |= tarn_leaf_node_bit(nid);
	}
	choose_target(part, &t);
	if (!t.nodes || t.to == NUMA_NO_NODE)
		return 0;
	tarn_move_begin(&t.batch, part);
	*more |= go_home(part, &t);
	tarn_move_flush(&t.batch);
	atomic64_add(t.batch.moved, &part->moved);
	return t.batch.moved;
}

/*
 * A turn: some of each partition, and the next one begins where this one ended. Returns how
 * many pages were moved; *@more: it is worth to go on soon.
 */
static u64 place_all(struct tarn_placer *p, bool *more)
{
	u32 tries = READ_ONCE(p->pool->nr_partitions) + 1;
	struct tarn_partition *part;
	u64 moved = 0;

	while (tries-- && moved < p->rate && !stop_now() &&
	       (part = tarn_partition_next(p->pool, p->last))) {
		p->last = part->id;
		if (rcu_access_pointer(part->homes)) {
			down_read(&part->pin);
			if (part->inode)
				moved += place_partition(p, part,
							 p->rate - moved, more);
			up_read(&part->pin);
		}
		tarn_partition_put(part);
		cond_resched();
	}
	return moved;
}

static void adapt(struct tarn_placer *p, u64 moved, u64 waits)
{
	if (waits * WAITS_PART > moved)
		p->rate = max(p->rate / 2, RATE_LEAST);
	else if (moved >= p->rate)
		p->rate = min(p->rate + p->rate / 8, RATE_MOST);
}

static int placer(void *arg)
{
	struct tarn_placer *p = arg;

	while (!stop_now()) {
		u64 waits = tarn_stats_pool(p->pool, TARN_STAT_MOVE_WAITS);
		bool more = false;
		u64 moved;

		WRITE_ONCE(p->kick, false);
		moved = place_all(p, &more);
		wait_event_interruptible_timeout(p->wait, stop_now() ||
						 READ_ONCE(p->kick),
						 more ? TICK : IDLE);
		adapt(p, moved, tarn_stats_pool(p->pool, TARN_STAT_MOVE_WAITS) -
				waits);
	}
	return 0;
}

int tarn_place_start(struct tarn_pool *pool)
{
	struct tarn_placer *p = kzalloc(struct_size(p, excess, nr_node_ids),
					GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	p->pool = pool;
	p->rate = RATE_FIRST;
	init_waitqueue_head(&p->wait);
	p->task = kthread_run(placer, p, "tarn_place");
	if (IS_ERR(p->task)) {
		int ret = PTR_ERR(p->task);

		kfree(p);
		return ret;
	}
	pool->placer = p;
	return 0;
}

void tarn_place_stop(struct tarn_pool *pool)
{
	if (!pool->placer)
		return;
	kthread_stop(pool->placer->task);
	kfree(pool->placer);
	pool->placer = NULL;
}
