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
#include "policy/demote.h"
#include "policy/gather.h"
#include "policy/promote.h"
#include "policy/relocate.h"
#include "policy/remap.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"
#include "pool/waiter.h"
#include "trace.h"

/* Of its pages that have a frame so many are used often. */
#define WARM_LEAST	(TARN_BLOCK_PAGES / 2)
/* Leaves that are looked at in one go. */
#define BATCH		64U
/* After a round in which nothing was to be done. */
#define IDLE		(2 * HZ)
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

/* A block of small frames that no relocation moves. True: it was worth something. */
static bool promote_still(struct tarn_partition *part, struct tarn_leaf *leaf,
		    u64 first)
{
	struct tarn_pool *pool = part->pool;
	struct tarn_gather_view v;
	int nid;

	if (first + TARN_BLOCK_PAGES > atomic64_read(&part->pages) ||
	    !tarn_gather_look(pool, leaf, &v) || v.frames < TARN_GATHER_LEAST ||
	    v.warm < WARM_LEAST || !tarn_remap_wanted(part, first) ||
	    tarn_gather_held(pool, leaf, 0) < TARN_LEAF_PAGES)
		return false;
	/* Growth, of a pool without room. */
	if (READ_ONCE(pool->full) && v.frames + v.stored < TARN_BLOCK_PAGES)
		return false;
	nid = tarn_gather_target(part, &v);
	/* What was parted for others is as before only where these have room. */
	if (leaf->parted && !tarn_gather_roomy(pool, nid))
		return false;
	if (v.stored)
		return tarn_gather_room(pool, nid) &&
		       tarn_gather_fetch(part, leaf, first);
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
	whole = part->inode && is_whole(part, leaf, &e) &&
		(worked || tarn_entry_use(e) >= TARN_USE_WARM);
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
