// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Promotion
 *
 * A block that was split, or never was one frame, is made one when that pays: most of its
 * pages have frames, many of them are used time and again, and a mapping can have one
 * entry for it. What is missing of it is read, or filled: zeroes, and patterns. It takes only 2 MiB
 * that a node has free beyond its high mark, so nothing goes out for that; where free
 * memory is in small pieces some is brought together (compact.c). Where the block has a
 * page table it is mapped anew (remap.c).
 *
 * A thread a pool goes round the partitions. In each turn it looks at some leaves of one,
 * or makes one block, and goes on to the next: whose blocks come apart as soon as they are
 * made has a turn like all others. What it costs is measured as its own processor time; it
 * sleeps for as long as its share of one CPU asks for.
 */
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "page/block.h"
#include "page/load.h"
#include "policy/demote.h"
#include "policy/promote.h"
#include "policy/relocate.h"
#include "policy/remap.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"
#include "pool/waiter.h"
#include "trace.h"

/* Of its pages so many have a frame, and of these so many are used often. */
#define FRAMES_LEAST	(TARN_BLOCK_PAGES / 8 * 7)
#define WARM_LEAST	(TARN_BLOCK_PAGES / 2)
/* Leaves that are looked at in one go. */
#define BATCH		64U
/* After a round in which nothing was to be done. */
#define IDLE		(2 * HZ)
/* Before what is stored of a block is read once more: a page of it can't be, perhaps. */
#define FETCH_AGAIN	(60 * HZ)
/* For what was done in one go it sleeps no longer, in nanoseconds. */
#define SLEEP_MOST	(10ULL * NSEC_PER_SEC)

/**
 * struct tarn_promoter - the thread of a pool
 * @pool: its pool
 * @task: the thread
 * @wait: where it sleeps
 * @kick: its share was set
 * @id: partition whose turn is next
 * @more: one has leaves that were not looked at yet
 * @worked: something was done in this round
 * @ran: its processor time when that was last read
 * @remap: a mapping that it makes anew
 */
struct tarn_promoter {
	struct tarn_pool *pool;
	struct task_struct *task;
	wait_queue_head_t wait;
	bool kick;
	u32 id;
	bool more;
	bool worked;
	u64 ran;
	struct tarn_remap remap;
};

/* ---- a block ------------------------------------------------------------ */

/**
 * struct view - what a block of small frames looks like
 * @frames: pages with a frame
 * @warm: of these, used often
 * @stored: pages that the pager has
 * @nid: node on which most of the frames lie, if more than half do
 */
struct view {
	unsigned int frames;
	unsigned int warm;
	unsigned int stored;
	int nid;
};

static bool is_warm(u64 e)
{
	return tarn_entry_use(e) >= TARN_USE_WARM;
}

/* The node of more than half of them stays when all others cancel each other out. */
static void see_node(struct view *v, unsigned int *votes, int nid)
{
	if (!*votes)
		v->nid = nid;
	*votes += v->nid == nid ? 1 : -1;
}

/* False: it can be no frame as it is. */
static bool look(struct tarn_pool *pool, const struct tarn_leaf *leaf,
		 struct view *v)
{
	unsigned int i, votes = 0;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (tarn_entry_mark(e) || tarn_entry_pinned(e))
			return false;
		if (tarn_entry_has_frame(e)) {
			v->frames++;
			v->warm += is_warm(e);
			see_node(v, &votes,
				 tarn_frame_node(pool, tarn_entry_payload(e)));
		} else if (tarn_entry_is_stored(e) && !(e & TARN_ENTRY_FAILED)) {
			v->stored++;
		} else if (!tarn_entry_is_known(e) || tarn_entry_is_ballooned(e)) {
			return false;
		}
	}
	return v->nid != NUMA_NO_NODE;
}

/* To find that out when it is unmapped would cost its users all of its mappings. */
static bool is_held(struct tarn_pool *pool, const struct tarn_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (tarn_entry_has_frame(e) &&
		    tarn_frame_peek_held(pool, tarn_entry_payload(e)))
			return true;
	}
	return false;
}

/* Have what the pager has of it read. It is looked at again when that is there. */
static bool fetch(struct tarn_partition *part, struct tarn_leaf *leaf, u64 first)
{
	struct tarn_pool *pool = part->pool;
	unsigned int i, begun = 0;
	u64 frame;

	if (!tarn_pool_served(pool) ||
	    (leaf->fetched && time_before(jiffies, leaf->fetched + FETCH_AGAIN)))
		return false;
	leaf->fetched = jiffies | 1;
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		if (!tarn_entry_is_stored(atomic64_read(&leaf->entry[i])))
			continue;
		if (tarn_pool_is_low(pool) || tarn_waiters_any(pool) ||
		    atomic_read(&part->orphans))
			break;
		frame = tarn_home_alloc(part);
		if (frame == TARN_FRAME_NONE)
			break;
		if (tarn_load_start(part, first + i, frame, true))
			tarn_frame_free(pool, frame);
		else
			begun++;
	}
	return begun;
}

static int target(struct tarn_partition *part, const struct view *v)
{
	return rcu_access_pointer(part->homes) ? tarn_home_pick(part) : v->nid;
}

/* Are 2 MiB free that nobody will need soon? */
static bool is_roomy(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);

	return n && !tarn_waiters_any(pool) && tarn_chunk_room(n, 0);
}

/* And in one piece? */
static bool has_room(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);

	if (!is_roomy(pool, nid))
		return false;
	if (tarn_chunk_any(n))
		return true;
	pool->ops->compact(n);
	return false;
}

/* A block of small frames that no relocation moves. True: it was worth something. */
static bool promote_still(struct tarn_partition *part, struct tarn_leaf *leaf,
		    u64 first)
{
	struct view v = { .nid = NUMA_NO_NODE };
	struct tarn_pool *pool = part->pool;
	int nid;

	if (first + TARN_BLOCK_PAGES > atomic64_read(&part->pages) ||
	    !look(pool, leaf, &v) || v.frames < FRAMES_LEAST ||
	    v.warm < WARM_LEAST || !tarn_remap_wanted(part, first) ||
	    is_held(pool, leaf))
		return false;
	nid = target(part, &v);
	/* What was parted for others is as before only where these have room. */
	if (leaf->parted && !is_roomy(pool, nid))
		return false;
	if (v.stored)
		return has_room(pool, nid) && fetch(part, leaf, first);
	/* What somebody held is one still, perhaps. */
	if (!tarn_block_part(part, leaf, first) ||
	    !tarn_block_gather(part, leaf, first, nid))
		return false;
	leaf->fetched = 0;
	trace_tarn_block_promote(part->id, first, v.frames);
	return true;
}

/*
 * The partition's pin is held. What looked as if it lay on a node may have been moved away
 * since: no relocation begins before the block is where it looked to be.
 */
static bool promote(struct tarn_partition *part, struct tarn_leaf *leaf,
		    u64 first)
{
	bool worked;

	/* Where memory is short it would be parted again. */
	if (tarn_demoted(leaf) || tarn_pool_is_low(part->pool) ||
	    tarn_waiters_any(part->pool) ||
	    !mutex_trylock(&part->relocate_lock))
		return false;
	worked = !tarn_relocating(part) && promote_still(part, leaf, first);
	mutex_unlock(&part->relocate_lock);
	return worked;
}

/* A hint, as its page is not locked. */
static bool is_whole(struct tarn_partition *part, const struct tarn_leaf *leaf,
		     u64 *e)
{
	*e = atomic64_read(&leaf->entry[0]);
	return tarn_entry_has_frame(*e) &&
	       tarn_chunk_is_one(part->pool, tarn_entry_payload(*e));
}

/* True: it was worth something. */
static bool visit(struct tarn_promoter *p, struct tarn_partition *part,
		  struct tarn_leaf *leaf, u64 first)
{
	bool worked = false, whole;
	u64 e;

	down_read(&part->pin);
	if (!is_whole(part, leaf, &e)) {
		leaf->anew = false;
		worked = part->inode && promote(part, leaf, first);
	}
	whole = part->inode && is_whole(part, leaf, &e) && (worked || is_warm(e));
	up_read(&part->pin);
	/* Once: a process may have small entries for reasons of its own. */
	if (whole && !leaf->anew)
		leaf->anew = tarn_remap_block(&p->remap, part, first);
	return worked;
}

/* ---- rounds ------------------------------------------------------------- */

static bool stop_now(void)
{
	return kthread_should_stop();
}

/* Leaves of a partition from where it was. False: all were looked at. */
static bool take_turn(struct tarn_promoter *p, struct tarn_partition *part)
{
	unsigned long at = part->promote_at;
	unsigned int left = BATCH;
	struct tarn_leaf *leaf;

	if (READ_ONCE(part->huge) == TARN_HUGE_NEVER)
		return false;
	xa_for_each_start(&part->leaves, at, leaf, part->promote_at) {
		part->promote_at = at;
		if (!left-- || stop_now())
			return true;
		/* One that is dear is enough at once. */
		if (visit(p, part, leaf, (u64)at << TARN_LEAF_SHIFT)) {
			p->worked = true;
			left = 0;
		}
		cond_resched();
	}
	part->promote_at = 0;
	return false;
}

/* False: all partitions had their turn. */
static bool go_round(struct tarn_promoter *p)
{
	struct tarn_partition *part = tarn_partition_from(p->pool, p->id);

	if (!part) {
		p->id = 0;
		return false;
	}
	p->id = part->id + 1;
	p->more |= take_turn(p, part);
	tarn_partition_put(part);
	return true;
}

/* Jiffies until the next round: none while there are leaves to look at. */
static unsigned long rest(struct tarn_promoter *p)
{
	unsigned long sleep = p->worked ? HZ / 10 : IDLE;

	if (p->more)
		sleep = 1;
	p->worked = false;
	p->more = false;
	return sleep;
}

/*
 * Nanoseconds to sleep for what was done. The thread's time is exact only after it has
 * slept, so it is that of the batch before.
 */
static u64 pay(struct tarn_promoter *p, u32 share)
{
	u64 ran = READ_ONCE(current->se.sum_exec_runtime), cost = ran - p->ran;

	p->ran = ran;
	atomic64_add(cost, &p->pool->promote_ns);
	return min(div_u64(cost * (TARN_PROMOTE_PERMILLE_MAX - share), share),
		   SLEEP_MOST);
}

static bool woken(const struct tarn_promoter *p)
{
	return stop_now() || READ_ONCE(p->kick);
}

static int promoter(void *arg)
{
	struct tarn_promoter *p = arg;

	p->remap.task = current;
	WRITE_ONCE(p->pool->remap, &p->remap);
	p->ran = current->se.sum_exec_runtime;
	while (!stop_now()) {
		unsigned long sleep = 1;
		u32 share;

		/* Who sets the share kicks after that. */
		smp_store_mb(p->kick, false);
		share = READ_ONCE(p->pool->promote_permille);
		if (!share) {
			wait_event_interruptible(p->wait, woken(p));
			continue;
		}
		if (!go_round(p))
			sleep = rest(p);
		sleep = max(sleep, nsecs_to_jiffies(pay(p, share)));
		wait_event_interruptible_timeout(p->wait, woken(p), sleep);
	}
	WRITE_ONCE(p->pool->remap, NULL);
	return 0;
}

void tarn_promote_set(struct tarn_pool *pool, u32 permille)
{
	WRITE_ONCE(pool->promote_permille, permille);
	WRITE_ONCE(pool->promoter->kick, true);
	wake_up(&pool->promoter->wait);
}

int tarn_promote_start(struct tarn_pool *pool)
{
	struct tarn_promoter *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	p->pool = pool;
	init_waitqueue_head(&p->wait);
	pool->promote_permille = TARN_PROMOTE_PERMILLE_DEFAULT;
	p->task = kthread_run(promoter, p, "tarn_promote");
	if (IS_ERR(p->task)) {
		int ret = PTR_ERR(p->task);

		kfree(p);
		return ret;
	}
	pool->promoter = p;
	return 0;
}

/* The mount ends. */
void tarn_promote_stop(struct tarn_pool *pool)
{
	if (!pool->promoter)
		return;
	kthread_stop(pool->promoter->task);
	kfree(pool->promoter);
	pool->promoter = NULL;
}
