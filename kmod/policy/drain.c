// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Draining a node
 *
 * Who wants to take memory out of a machine, or a node offline, needs it back from the
 * pool: the kernel can't move a pool's frames by itself. So the pool first takes as much
 * from other nodes, then empties its chunks of the node, as one that becomes smaller does,
 * and gives them back when all are empty. Until then nothing is lost: whatever ends it
 * earlier, the pool has what it had on each node before.
 *
 * A work item does it, in steps that hold pool->resize_lock for some chunks only. So it
 * goes on when its caller is gone, and waits for pages that somebody holds for as long as
 * it takes. Settings can be made meanwhile; another size cannot.
 */
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "policy/drain.h"
#include "policy/entitle.h"
#include "policy/evacuate.h"
#include "policy/leave.h"
#include "policy/reclaim.h"
#include "policy/size.h"
#include "pool/event.h"
#include "pool/pool.h"

/* Chunks taken from the kernel, or emptied, in a step. */
#define STEP_CHUNKS	16
/* Between two ways over what is left: doubled each time in vain. */
#define PAUSE_LEAST	((unsigned long)HZ / 50)
#define PAUSE_MOST	((unsigned long)HZ)
/* Without any progress for so long it ends where there is no room, or undoing it does. */
#define PATIENCE	(2 * HZ)

/**
 * enum phase - what a step does
 * @PHASE_GROW: other nodes get frames
 * @PHASE_EMPTY: pages leave the node
 * @PHASE_UNDO: it ended early: those other nodes give back what they got
 */
enum phase {
	PHASE_GROW,
	PHASE_EMPTY,
	PHASE_UNDO,
};

/**
 * struct tarn_drain - of a node; what is told of it is leave.h's
 * @pool: its pool, which has it
 * @work: goes on with it
 * @flags: as it was asked for
 * @node: likewise
 * @frames: frames that the pool had there
 * @running: it has no end yet
 * @phase: what the work does
 * @cancel: it is to end
 * @end: state in which it ends when all is undone, enum tarn_relocate_state
 * @lacking: chunks that other nodes are to get even now
 * @grown: frames that they got
 * @turn: node that got the last one
 * @full: nodes where the kernel has none left
 * @ev: emptying, while it runs
 * @held_before: page that the last way found held first
 * @best: fewest frames left so far
 * @since: since when it is so many, in jiffies
 * @pause: before the next way, in jiffies
 * @want: chunks by node, for a moment
 * @had: chunks by node, before
 *
 * Locking: pool->resize_lock.
 */
struct tarn_drain {
	struct tarn_pool *pool;
	struct delayed_work work;
	u32 flags;
	u32 node;
	u64 frames;
	bool running;
	enum phase phase;
	bool cancel;
	u32 end;
	u64 lacking;
	u64 grown;
	int turn;
	nodemask_t full;
	struct tarn_evacuation *ev;
	u64 held_before;
	u64 best;
	unsigned long since;
	unsigned long pause;
	u64 *want;
	u64 had[];
};

static void set_grown(struct tarn_drain *d, u64 frames)
{
	d->grown = frames;
	tarn_leave_set_grown(d->pool, frames);
}

static u64 chunks_of(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = pool->nodes[nid];

	return n ? n->frames >> TARN_CHUNK_SHIFT : 0;
}

/* ---- ends --------------------------------------------------------------- */

static void finish(struct tarn_drain *d, u32 state)
{
	struct tarn_pool *pool = d->pool;

	tarn_size_settle(pool);
	d->running = false;
	tarn_leave_end(pool, state);
	tarn_evacuation_destroy(d->ev);
	d->ev = NULL;
	tarn_event(pool, TARN_EVENT_RESIZED, TARN_PARTITION_NONE, 0,
		   pool->frames);
}

static void begin_way(struct tarn_drain *d)
{
	d->best = U64_MAX;
	d->since = jiffies;
	d->pause = PAUSE_LEAST;
	tarn_evacuation_begin(d->ev);
}

/* The node keeps what it has; other nodes give back what they got. */
static void undo(struct tarn_drain *d, u32 state)
{
	d->end = state;
	d->phase = PHASE_UNDO;
	tarn_leaving_unmark(d->pool);
	tarn_size_set_marks(d->pool);
	tarn_leaving_mark(d->pool, d->had);
	begin_way(d);
}

/* A way is whole. Returns for how long nothing has become better. */
static unsigned long judge_progress(struct tarn_drain *d)
{
	if (d->ev->left < d->best) {
		d->best = d->ev->left;
		d->since = jiffies;
		d->pause = PAUSE_LEAST;
	} else {
		d->pause = min(2 * d->pause, PAUSE_MOST);
	}
	return jiffies - d->since;
}

static void rest_of_undo(struct tarn_drain *d)
{
	struct tarn_pool *pool = d->pool;

	if (!tarn_evacuate(d->ev, STEP_CHUNKS))
		return;
	if (!d->ev->left) {
		tarn_leaving_destroy(pool);
		set_grown(d, 0);
		finish(d, d->end);
		return;
	}
	if (judge_progress(d) > PATIENCE) {
		tarn_leaving_unmark(pool);
		pr_warn("pool %pU keeps %llu frames after draining node %u ended\n",
			&pool->uuid, pool->frames, d->node);
		finish(d, d->end);
		return;
	}
	tarn_reclaim_kick(pool);
	tarn_frame_limbo_scan(pool);
	tarn_evacuation_begin(d->ev);
}

/* ---- growing elsewhere -------------------------------------------------- */

/* The node whose turn it is; NUMA_NO_NODE: no other one has memory. */
static int next_taker(struct tarn_drain *d)
{
	int i, nid = d->turn;

	for (i = 0; i < nr_node_ids; i++) {
		nid = (nid + 1) % nr_node_ids;
		if (nid != (int)d->node && !node_isset(nid, d->full) &&
		    node_state(nid, N_NORMAL_MEMORY))
			return nid;
	}
	return NUMA_NO_NODE;
}

/* False: there is no more to be had. */
static bool grow_some(struct tarn_drain *d)
{
	struct tarn_pool *pool = d->pool;
	unsigned int i;

	for (i = 0; i < STEP_CHUNKS && d->lacking; i++) {
		int nid = next_taker(d);

		if (nid == NUMA_NO_NODE)
			return false;
		d->turn = nid;
		if (tarn_size_grow(pool, nid, chunks_of(pool, nid) + 1)) {
			node_set(nid, d->full);
			continue;
		}
		d->lacking--;
		set_grown(d, d->grown + TARN_CHUNK_FRAMES);
	}
	return true;
}

/* May it go on with what other nodes have now? */
static bool is_enough(struct tarn_drain *d)
{
	u64 after = d->pool->frames - d->frames;

	if (d->lacking && !(d->flags & TARN_DRAIN_SHRINK))
		return false;
	return after && !tarn_entitle_limit(d->pool, after);
}

static void grow(struct tarn_drain *d)
{
	struct tarn_pool *pool = d->pool;
	int nid;

	if (grow_some(d) && d->lacking)
		return;
	if (!is_enough(d) || tarn_size_start(pool)) {
		undo(d, TARN_RELOCATION_NO_ROOM);
		return;
	}
	for (nid = 0; nid < nr_node_ids; nid++)
		d->want[nid] = chunks_of(pool, nid);
	d->want[d->node] = 0;
	tarn_leaving_mark(pool, d->want);
	/* Nothing is kept free there, or all of it would go out. */
	tarn_size_set_marks(pool);
	d->phase = PHASE_EMPTY;
	begin_way(d);
}

/* ---- emptying ----------------------------------------------------------- */

/* Held at two looks, it is not just a fault that has it in hand. */
static bool is_refused(struct tarn_drain *d)
{
	bool held = d->ev->held.pages && d->ev->held.owner == d->held_before;

	d->held_before = d->ev->held.pages ? d->ev->held.owner :
					     TARN_OWNER_NOBODY;
	return held && d->flags & TARN_DRAIN_REFUSE;
}

static void empty(struct tarn_drain *d)
{
	struct tarn_pool *pool = d->pool;
	unsigned long vain;

	if (!tarn_evacuate(d->ev, STEP_CHUNKS))
		return;
	tarn_leave_set_way(pool, d->ev);
	if (!d->ev->left) {
		tarn_leaving_destroy(pool);
		WRITE_ONCE(pool->per_node, true);
		finish(d, TARN_RELOCATION_DONE);
		return;
	}
	vain = judge_progress(d);
	if (is_refused(d)) {
		undo(d, TARN_RELOCATION_HELD);
		return;
	}
	if (d->ev->full && vain > PATIENCE) {
		undo(d, TARN_RELOCATION_NO_ROOM);
		return;
	}
	if (d->ev->full)
		tarn_reclaim_kick(pool);
	tarn_frame_limbo_scan(pool);
	tarn_evacuation_begin(d->ev);
}

/* ---- the work ----------------------------------------------------------- */

static void step(struct tarn_drain *d)
{
	if (d->cancel && d->phase != PHASE_UNDO)
		undo(d, TARN_RELOCATION_CANCELLED);
	switch (d->phase) {
	case PHASE_GROW:
		grow(d);
		break;
	case PHASE_EMPTY:
		empty(d);
		break;
	case PHASE_UNDO:
		rest_of_undo(d);
	}
}

/* Between two ways it waits for what may change, within one only for its turn. */
static unsigned long next_step(const struct tarn_drain *d)
{
	return d->phase == PHASE_GROW || d->ev->at ? 0 : d->pause;
}

static void drain_work(struct work_struct *work)
{
	struct tarn_drain *d = container_of(to_delayed_work(work),
					    struct tarn_drain, work);
	struct tarn_pool *pool = d->pool;

	mutex_lock(&pool->resize_lock);
	/* Who cancelled it may have queued it once too often. */
	if (d->running)
		step(d);
	if (d->running)
		queue_delayed_work(system_dfl_wq, &d->work, next_step(d));
	mutex_unlock(&pool->resize_lock);
}

/* ---- calls -------------------------------------------------------------- */

static struct tarn_drain *drain_create(struct tarn_pool *pool)
{
	struct tarn_drain *d = kzalloc(struct_size(d, had, 2 * nr_node_ids),
				       GFP_KERNEL);

	if (!d)
		return NULL;
	d->pool = pool;
	d->want = d->had + nr_node_ids;
	INIT_DELAYED_WORK(&d->work, drain_work);
	return d;
}

static void begin(struct tarn_drain *d, const struct tarn_pool_drain *want)
{
	struct tarn_pool *pool = d->pool;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		d->had[nid] = chunks_of(pool, nid);
	d->flags = want->flags;
	d->node = want->node;
	d->frames = pool->nodes[want->node]->frames;
	d->running = true;
	d->grown = 0;
	tarn_leave_begin(pool, TARN_DRAIN_WHY_NODE, d->flags, d->node, d->frames);
	d->phase = PHASE_GROW;
	d->cancel = false;
	d->lacking = d->had[want->node];
	d->turn = want->node;
	nodes_clear(d->full);
	d->held_before = TARN_OWNER_NOBODY;
	queue_delayed_work(system_dfl_wq, &d->work, 0);
}

static long start(struct tarn_pool *pool, const struct tarn_pool_drain *want)
{
	if (want->flags & ~TARN_DRAIN_ALL || want->node >= nr_node_ids ||
	    !chunks_of(pool, want->node))
		return -EINVAL;
	if (tarn_draining(pool))
		return -EBUSY;
	if (!pool->drain)
		pool->drain = drain_create(pool);
	if (!pool->drain)
		return -ENOMEM;
	pool->drain->ev = tarn_evacuation_create(pool, &pool->leave->tracker);
	if (!pool->drain->ev)
		return -ENOMEM;
	begin(pool->drain, want);
	return 0;
}

/* What it has to undo it does by itself, and is running until then. */
static long cancel(struct tarn_pool *pool)
{
	if (!tarn_draining(pool))
		return -ENOENT;
	pool->drain->cancel = true;
	mod_delayed_work(system_dfl_wq, &pool->drain->work, 0);
	return 0;
}

static long change(struct tarn_pool *pool, const struct tarn_pool_drain *d)
{
	long ret;

	if (mutex_lock_interruptible(&pool->resize_lock))
		return -ERESTARTSYS;
	ret = d->op == TARN_RELOCATE_START ? start(pool, d) : cancel(pool);
	mutex_unlock(&pool->resize_lock);
	return ret;
}

/**
 * tarn_drain() - TARN_POOL_DRAIN
 * @pool: the pool
 * @d: the call; the caller may do it
 *
 * Context: process; to start and to cancel waits for the step that is being done, or another
 * size that is made.
 * Return: 0; -EINVAL; -EBUSY one runs; -ENOENT none runs; -ENOMEM; -ERESTARTSYS.
 */
long tarn_drain(struct tarn_pool *pool, struct tarn_pool_drain *d)
{
	long ret = 0;

	if (d->op > TARN_RELOCATE_CANCEL ||
	    (d->flags && d->op != TARN_RELOCATE_START))
		return -EINVAL;
	if (d->op != TARN_RELOCATE_STATUS)
		ret = change(pool, d);
	if (!ret)
		tarn_leave_tell(pool, d);
	return ret;
}

/* Is one under way? */
bool tarn_draining(struct tarn_pool *pool)
{
	lockdep_assert_held(&pool->resize_lock);
	return pool->drain && pool->drain->running;
}

/* The mount ends: nobody calls any more. */
void tarn_drain_end(struct tarn_pool *pool)
{
	struct tarn_drain *d = pool->drain;

	if (!d)
		return;
	cancel_delayed_work_sync(&d->work);
	/* Free frames are still being brought together (tarn_draining()). */
	mutex_lock(&pool->resize_lock);
	pool->drain = NULL;
	mutex_unlock(&pool->resize_lock);
	tarn_evacuation_destroy(d->ev);
	kfree(d);
}
