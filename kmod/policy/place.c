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
/* With nothing to move, look so often whether there is by now. */
#define IDLE		(HZ / 2)

/**
 * struct tarn_placer - the thread of a pool
 * @pool: its pool
 * @task: the thread
 * @wait: where it sleeps
 * @kick: homes were set
 * @rate: most pages a turn
 */
struct tarn_placer {
	struct tarn_pool *pool;
	struct task_struct *task;
	wait_queue_head_t wait;
	bool kick;
	unsigned int rate;
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
 * struct trip - pages that go from one node to another
 * @from: node
 * @to: node
 * @class: pages of this class
 * @most: pages, at most
 * @batch: those in hand
 * @full: the target has no frame to spare
 */
struct trip {
	int from;
	int to;
	enum tarn_activity class;
	u64 most;
	struct tarn_move_batch *batch;
	bool full;
};

static bool stop_now(void)
{
	return kthread_should_stop();
}

static bool goes(struct tarn_partition *part, const struct trip *t, u64 e)
{
	return tarn_entry_has_frame(e) && !tarn_entry_mark(e) &&
	       tarn_age_class(e) == t->class &&
	       tarn_frame_node(part->pool, tarn_entry_payload(e)) == t->from;
}

/* Take pages of a leaf in hand, and move them whenever there are enough. */
static void move_of_leaf(struct tarn_partition *part, struct trip *t,
			 struct tarn_leaf *leaf, u64 first)
{
	u64 to = TARN_FRAME_NONE;
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES && t->most && !t->full; i++) {
		atomic64_t *entry = &leaf->entry[i];
		u64 e = atomic64_read(entry);

		if (!goes(part, t, e))
			continue;
		if (to == TARN_FRAME_NONE)
			to = tarn_frame_spare(part->pool, t->to);
		t->full = to == TARN_FRAME_NONE;
		if (t->full || !tarn_move_add(t->batch, first + i, entry,
					       e, to))
			continue;
		to = TARN_FRAME_NONE;
		t->most--;
		if (tarn_batch_is_full(&t->batch->pages))
			tarn_move_flush(t->batch);
	}
	if (to != TARN_FRAME_NONE)
		tarn_frame_free(part->pool, to);
}

static void move_class(struct tarn_partition *part, struct trip *t)
{
	struct tarn_leaf *leaf;
	unsigned long at;

	xa_for_each(&part->leaves, at, leaf) {
		if (!t->most || t->full || stop_now())
			break;
		if (tarn_leaf_on_node(leaf, t->from))
			move_of_leaf(part, t, leaf, (u64)at << TARN_LEAF_SHIFT);
		cond_resched();
	}
	tarn_move_flush(t->batch);
}

/* Returns how many pages were moved. */
static u64 move_hottest_first(struct tarn_partition *part, int from, int to,
			      u64 most)
{
	struct tarn_move_batch batch;
	struct trip t = {
		.from = from,
		.to = to,
		.most = most,
		.batch = &batch,
	};
	int class;

	tarn_move_begin(&batch, part);
	for (class = TARN_ACTIVITY_HOT; class >= TARN_ACTIVITY_COLD; class--) {
		t.class = class;
		move_class(part, &t);
		if (!t.most || t.full || stop_now())
			break;
	}
	atomic64_add(batch.moved, &part->moved);
	return batch.moved;
}

/* Frames that a node can spare. */
static u64 spare(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);
	u64 free = n ? READ_ONCE(n->free) : 0;

	return free - min(free, n ? READ_ONCE(n->low) : 0);
}

/* The home to which most can go, and how much; NUMA_NO_NODE if none has room. */
static int target_of(struct tarn_partition *part, u64 *room)
{
	int nid, best = NUMA_NO_NODE;

	*room = 0;
	for (nid = 0; nid < nr_node_ids; nid++) {
		u64 fits = min(tarn_home_missing(part, nid),
			       spare(part->pool, nid));

		if (fits <= *room)
			continue;
		*room = fits;
		best = nid;
	}
	return best;
}

static u64 place_partition(struct tarn_partition *part, u64 most)
{
	u64 moved = 0;
	int nid;

	lockdep_assert_held_read(&part->pin);
	for (nid = 0; nid < nr_node_ids && moved < most; nid++) {
		u64 excess = tarn_home_excess(part, nid), room;
		int to = excess ? target_of(part, &room) : NUMA_NO_NODE;

		if (to == NUMA_NO_NODE || to == nid)
			continue;
		moved += move_hottest_first(part, nid, to,
					    min3(excess, room, most - moved));
	}
	return moved;
}

/* A turn: some of each partition. Returns how many pages were moved. */
static u64 place_all(struct tarn_placer *p)
{
	struct tarn_partition *part;
	u64 moved = 0;
	u32 id = 0;

	while (moved < p->rate && !stop_now() &&
	       (part = tarn_partition_from(p->pool, id + 1))) {
		id = part->id;
		if (rcu_access_pointer(part->homes)) {
			down_read(&part->pin);
			if (part->inode)
				moved += place_partition(part, p->rate - moved);
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
		u64 moved;

		WRITE_ONCE(p->kick, false);
		moved = place_all(p);
		wait_event_interruptible_timeout(p->wait, stop_now() ||
						 READ_ONCE(p->kick),
						 moved ? TICK : IDLE);
		adapt(p, moved, tarn_stats_pool(p->pool, TARN_STAT_MOVE_WAITS) -
				waits);
	}
	return 0;
}

int tarn_place_start(struct tarn_pool *pool)
{
	struct tarn_placer *p = kzalloc(sizeof(*p), GFP_KERNEL);

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
