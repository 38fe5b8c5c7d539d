// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Bringing pages home
 *
 * A page may lie elsewhere than at home: its home had no frame free when it came, or the
 * homes are others now. A thread a pool moves such pages, in steps that each go through the
 * whole partition: first those that are used most, by one of the heuristics of order.c, so
 * that accesses become local as early as possible. It goes on where it was from turn to
 * turn, and begins again when the scanner has seen all pages some times, as others may come
 * first by then.
 *
 * It takes only frames that a node has beyond its high mark. So nothing goes out to make
 * room for what has a frame already, and no partition loses pages to another one's move.
 *
 * How fast it goes with a partition follows what that costs there: who touches a page that
 * is being moved waits, and is counted. While hardly anybody does the rate grows by an
 * eighth a turn, else it is halved. A pass over the mappings counts as some pages.
 *
 * Pages are in hand for as long as those of a leaf take.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "page/block.h"
#include "page/move.h"
#include "policy/age.h"
#include "policy/order.h"
#include "policy/place.h"
#include "policy/place_canon.h"
#include "policy/relocate.h"
#include "policy/way.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/waiter.h"

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
 * @any: some partition has homes
 * @excess: by node, see struct trip
 */
struct tarn_placer {
	struct tarn_pool *pool;
	struct task_struct *task;
	wait_queue_head_t wait;
	bool kick;
	bool any;
	u64 excess[];
};

/* ---- moving ------------------------------------------------------------- */

/**
 * struct trip - pages of a partition that go home in a turn
 * @way: where it goes on
 * @excess: by node, pages that should be elsewhere
 * @all: these added up
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
	u64 all;
	unsigned long nodes;
	int to;
	u64 room;
	s64 most;
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

	return free - min(free, n ? READ_ONCE(n->high) : 0);
}

/* The home to which most can go. */
static void choose_target(struct tarn_partition *part, struct trip *t)
{
	int nid;

	t->room = 0;
	t->to = NUMA_NO_NODE;
	if (tarn_waiters_any(part->pool))
		return;
	for (nid = 0; nid < nr_node_ids; nid++) {
		u64 fits = min(tarn_home_missing(part, nid),
			       spare(part->pool, nid));

		if (fits <= t->room)
			continue;
		t->room = fits;
		t->to = nid;
	}
}

static bool goes_on(const struct trip *t)
{
	return t->most > 0 && t->all && t->to != NUMA_NO_NODE && !stop_now();
}

/* Is it where too many are? */
static bool is_astray(struct tarn_partition *part, const struct trip *t, u64 e)
{
	int nid;

	if (!tarn_entry_has_frame(e) || tarn_entry_mark(e))
		return false;
	nid = tarn_frame_node(part->pool, tarn_entry_payload(e));
	return nid != NUMA_NO_NODE && nid != t->to && t->excess[nid];
}

static bool goes(struct tarn_partition *part, const struct trip *t, u64 e)
{
	const struct tarn_way *way = t->way;

	return is_astray(part, t, e) &&
	       (way->share == TARN_SHARE_ALL ||
		way->order->page(part->pool, way->step, e));
}

/* What goes of a block that the way comes to. */
static enum tarn_share share_of(struct tarn_partition *part,
				const struct trip *t,
				const struct tarn_leaf *leaf)
{
	u16 astray[TARN_BANDS] = {};
	unsigned int i;

	if (!t->way->order->block)
		return TARN_SHARE_PAGES;
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (is_astray(part, t, e))
			astray[tarn_entry_use(e) / TARN_BAND]++;
	}
	return t->way->order->block(t->way->step, astray);
}

static void flush(struct trip *t)
{
	u64 before = t->batch.moved, moved;
	unsigned int passes = tarn_move_flush(&t->batch);

	moved = t->batch.moved - before;
	t->most -= max_t(u64, moved, passes * TARN_WAY_PASS_PAGES);
	/* All in a batch have the same target. */
	if (moved)
		atomic64_add(moved, &t->batch.pages.part->node[t->to].moved);
}

/* What is in hand counts for the target only when it is there. */
static void change_target(struct tarn_partition *part, struct trip *t)
{
	flush(t);
	choose_target(part, t);
}

/* False: the target has become full, and it is another one now, or none. */
static bool take(struct tarn_partition *part, struct trip *t, u64 index,
		 atomic64_t *entry, u64 frame)
{
	u64 to;
	int nid;

	t->way->tried = true;
	/* Without a frame that it would not need. */
	if (tarn_frame_peek_held(part->pool, frame))
		return true;
	to = tarn_frame_spare(part->pool, t->to);
	if (to == TARN_FRAME_NONE) {
		change_target(part, t);
		return false;
	}
	if (tarn_move_add(&t->batch, index, entry, frame, to) !=
	    TARN_MOVE_TAKEN)
		return true;
	/* Now the mark keeps it where it is. */
	nid = tarn_frame_node(part->pool, frame);
	if (t->excess[nid]) {
		t->excess[nid]--;
		t->all--;
	}
	if (!--t->room)
		change_target(part, t);
	return true;
}

static bool any_goes(struct tarn_partition *part, const struct trip *t,
		     const struct tarn_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++)
		if (goes(part, t, atomic64_read(&leaf->entry[i])))
			return true;
	return false;
}

/*
 * A block that is one frame goes as a whole, if there is one to go to. False: page by page.
 * For less than it has it is not taken apart: it would be made one again, and be too much there.
 */
static bool move_block(struct tarn_partition *part, struct trip *t,
		       struct tarn_leaf *leaf)
{
	u64 e = atomic64_read(tarn_leaf_entry(leaf, t->way->at));
	int nid;

	if (!is_astray(part, t, e) || !tarn_block_is_whole(part->pool, e))
		return false;
	/* That one page is used more than the others is no reason to take it apart. */
	if (!any_goes(part, t, leaf))
		return true;
	if (tarn_frame_peek_held(part->pool, tarn_entry_payload(e))) {
		t->way->tried = true;
		return true;
	}
	flush(t);
	/* What it was in may be gone by now. */
	nid = tarn_frame_node(part->pool, tarn_entry_payload(e));
	if (nid == NUMA_NO_NODE || !goes_on(t))
		return false;
	if (t->excess[nid] < TARN_BLOCK_PAGES) {
		t->way->kept = true;
		return true;
	}
	t->way->tried = true;
	if (t->room < TARN_BLOCK_PAGES ||
	    !tarn_block_move(part, leaf, t->way->at, t->to))
		return false;
	t->excess[nid] -= TARN_BLOCK_PAGES;
	t->all -= TARN_BLOCK_PAGES;
	t->most -= TARN_BLOCK_PAGES;
	t->batch.moved += TARN_BLOCK_PAGES;
	atomic64_add(TARN_BLOCK_PAGES, &part->node[t->to].moved);
	t->room -= TARN_BLOCK_PAGES;
	if (!t->room)
		change_target(part, t);
	return true;
}

/* From where it was in a leaf. */
static void move_of_leaf(struct tarn_partition *part, struct trip *t,
			 struct tarn_leaf *leaf)
{
	struct tarn_way *way = t->way;
	u64 end = ALIGN_DOWN(way->at, TARN_LEAF_PAGES) + TARN_LEAF_PAGES;

	if (IS_ALIGNED(way->at, TARN_LEAF_PAGES))
		way->share = share_of(part, t, leaf);
	if (way->share == TARN_SHARE_NONE ||
	    (IS_ALIGNED(way->at, TARN_LEAF_PAGES) && move_block(part, t, leaf)))
		way->at = end;
	while (way->at < end && goes_on(t)) {
		atomic64_t *entry = tarn_leaf_entry(leaf, way->at);
		u64 e = atomic64_read(entry);

		/* A page that finds no frame is looked at again, whenever there is one. */
		if (goes(part, t, e) &&
		    !take(part, t, way->at, entry, tarn_entry_payload(e)))
			continue;
		way->at++;
		if (tarn_move_is_full(&t->batch))
			flush(t);
	}
	flush(t);
}

/* With the pin, which the end of the partition waits for: for one leaf. False: it ends. */
static bool visit(struct tarn_partition *part, struct trip *t,
		  struct tarn_leaf *leaf)
{
	bool there;

	down_read(&part->pin);
	there = part->inode;
	if (there)
		move_of_leaf(part, t, leaf);
	up_read(&part->pin);
	cond_resched();
	return there;
}

/* A step through the leaves, from where it was. False: there are no more. */
static bool move_on(struct tarn_partition *part, struct trip *t)
{
	struct tarn_way *way = t->way;
	struct tarn_leaf *leaf;
	unsigned long at;

	xa_for_each_start(&part->leaves, at, leaf, way->at >> TARN_LEAF_SHIFT) {
		way->at = max(way->at, (u64)at << TARN_LEAF_SHIFT);
		if (!goes_on(t) || !t->leaves--)
			return true;
		if (!(atomic_long_read(&leaf->nodes) & t->nodes))
			way->at = ((u64)at + 1) << TARN_LEAF_SHIFT;
		else if (!visit(part, t, leaf))
			return true;
		/* What is left of the leaf comes next time. */
		if (way->at >> TARN_LEAF_SHIFT == at)
			return true;
	}
	return false;
}

static void set_out(struct tarn_partition *part, struct tarn_way *way)
{
	way->homes_set = atomic_read(&part->homes_set);
	way->rounds = READ_ONCE(part->ages->rounds);
	way->order = tarn_order_of(part->pool);
	way->step = 0;
	way->at = 0;
	way->moved = 0;
	way->kept = false;
	way->tried = false;
}

/* There are other homes, or other pages come first. */
static bool is_old(struct tarn_partition *part, const struct tarn_way *way)
{
	return way->homes_set != atomic_read(&part->homes_set) ||
	       way->order != tarn_order_of(part->pool) ||
	       (way->step && way->moved &&
		READ_ONCE(part->ages->rounds) - way->rounds >=
		way->order->rounds);
}

/* Step by step. False: all were taken. */
static bool go_home(struct tarn_partition *part, struct trip *t)
{
	struct tarn_way *way = t->way;

	if (is_old(part, way) || way->step == way->order->steps)
		set_out(part, way);
	for (; way->step < way->order->steps; way->step++) {
		if (move_on(part, t))
			return true;
		way->at = 0;
	}
	way->is_vain = !way->moved;
	way->rest = way->is_vain && way->kept && !way->tried ?
		    clamp(2 * way->rest, TARN_WAY_REST, TARN_WAY_REST_MOST) :
		    TARN_WAY_REST;
	way->rests = jiffies + way->rest;
	return false;
}

/* ---- turns -------------------------------------------------------------- */

/* Nothing could be moved lately, and nobody set anything since. */
static bool rests(struct tarn_partition *part, const struct tarn_way *way)
{
	return way->is_vain && time_before(jiffies, way->rests) &&
	       way->homes_set == atomic_read(&part->homes_set);
}

/* Go on with what of a partition is not at home. True: it is worth to come soon. */
static bool place_partition(struct tarn_placer *p, struct tarn_partition *part)
{
	struct tarn_way *way = tarn_way_of(part);
	struct trip t = {
		.way = way,
		.excess = p->excess,
		.leaves = TURN_LEAVES,
	};
	bool more;
	int nid;

	/* What an operator moves he moves. */
	if (!way || rests(part, way) || tarn_relocating(part))
		return false;
	tarn_way_adapt(part, way);
	t.most = way->rate;
	for (nid = 0; nid < nr_node_ids; nid++) {
		t.excess[nid] = tarn_home_excess(part, nid);
		t.all += t.excess[nid];
		if (t.excess[nid])
			t.nodes |= tarn_leaf_node_bit(nid);
	}
	choose_target(part, &t);
	if (!goes_on(&t))
		return false;
	tarn_move_begin(&t.batch, part);
	more = go_home(part, &t);
	way->went = t.batch.moved;
	way->moved += t.batch.moved;
	return more;
}

/* What is shared is somewhere to be if anybody who may share it has homes. */
static bool place_shared(struct tarn_placer *p, bool anew)
{
	struct tarn_partition *part;
	bool more = false;
	u32 id = 0;

	while (!stop_now() && (part = tarn_partition_from(p->pool, id + 1))) {
		id = part->id;
		if (tarn_partition_is_store(part))
			more |= tarn_place_canons(part, anew);
		tarn_partition_put(part);
		cond_resched();
	}
	return more;
}

/* A turn: some of each partition. True: it is worth to come soon. */
static bool place_all(struct tarn_placer *p, bool anew)
{
	struct tarn_partition *part;
	bool more = false;
	u32 id = 0;

	p->any = false;
	while (!stop_now() && (part = tarn_partition_from(p->pool, id + 1))) {
		id = part->id;
		if (rcu_access_pointer(part->homes)) {
			p->any = true;
			more |= place_partition(p, part);
		}
		tarn_partition_put(part);
		cond_resched();
	}
	if (p->any && READ_ONCE(p->pool->nr_domains))
		more |= place_shared(p, anew);
	return more;
}

static bool woken(const struct tarn_placer *p)
{
	return stop_now() || READ_ONCE(p->kick);
}

static int placer(void *arg)
{
	struct tarn_placer *p = arg;

	while (!stop_now()) {
		bool more;

		more = place_all(p, xchg(&p->kick, false));
		if (p->any)
			wait_event_interruptible_timeout(p->wait, woken(p),
							 more ? TARN_WAY_TICK : IDLE);
		else
			wait_event_interruptible(p->wait, woken(p));
	}
	return 0;
}

/* The homes of a partition were set: look now. */
void tarn_place_kick(struct tarn_pool *pool)
{
	WRITE_ONCE(pool->placer->kick, true);
	wake_up(&pool->placer->wait);
}

int tarn_place_start(struct tarn_pool *pool)
{
	struct tarn_placer *p = kzalloc(struct_size(p, excess, nr_node_ids),
					GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	p->pool = pool;
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
