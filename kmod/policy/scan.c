// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scanner of a pool. It goes round the partitions and looks at a batch of
 * leaves of each whose round goes on or is due (age.c); in between, and when none is, it
 * looks for patterns, a leaf at a time (search.c). What it costs is measured
 * as the processor time of its thread; after each batch it sleeps for as long as
 * its share of one CPU asks for. While all nodes are below their low marks the
 * share is PRESSURE_FACTOR times as large.
 */
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "policy/age.h"
#include "policy/scan.h"
#include "policy/search.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/pool.h"
#include "pool/stats.h"

#define PRESSURE_FACTOR	4
/* Leaves a batch: it grows and shrinks to what a tick's share is worth. */
#define BATCH_LEAST	1U
#define BATCH_MOST	256U
/* So many batches are for ages before a leaf is searched. */
#define SEARCH_TURN	4
/* With nothing to do, look so often whether a round is due. */
#define IDLE		(HZ / 4)

/**
 * struct scan - state of the scanner
 * @pool: its pool
 * @last: id of the partition it looked at last
 * @searched: id of the one that it searched last
 * @turn: batches for ages since then
 * @batch: leaves to look at next
 * @ran: processor time of the thread when it was last read
 * @owed: nanoseconds to sleep for what was done, less what was slept
 * @pays: the search has found much where it was last
 */
struct scan {
	struct tarn_pool *pool;
	u32 last;
	u32 searched;
	unsigned int turn;
	unsigned int batch;
	u64 ran;
	s64 owed;
	bool pays;
};

static u32 share_now(const struct scan *s)
{
	u32 permille = READ_ONCE(s->pool->scan_permille);

	if (tarn_pool_is_low(s->pool) || s->pays)
		permille *= PRESSURE_FACTOR;
	return min_t(u32, permille, TARN_SCAN_PERMILLE_MAX);
}

/* Has a partition anything to look at? How a child's pages are used is of no interest. */
static bool wanted(struct tarn_partition *part)
{
	return !tarn_partition_is_child(part) &&
	       (!READ_ONCE(part->ages->whole) || tarn_age_due(part));
}

/* The next partition after @last that has something to look at, referenced. */
static struct tarn_partition *next_partition(struct tarn_pool *pool, u32 *last,
					     bool (*wants)(struct tarn_partition *))
{
	u32 tries = READ_ONCE(pool->nr_partitions) + 1;
	struct tarn_partition *part;

	while (tries--) {
		part = tarn_partition_next(pool, *last);
		if (!part)
			return NULL;
		*last = part->id;
		if (wants(part))
			return part;
		tarn_partition_put(part);
	}
	return NULL;
}

/* Look at a batch. False: nothing is to be looked at now. */
static bool scan_batch(struct scan *s)
{
	struct tarn_partition *part = next_partition(s->pool, &s->last, wanted);
	unsigned int done = 0;
	u64 pages = 0;

	if (!part)
		return false;
	down_read(&part->pin);
	if (tarn_partition_lives(part))
		done = tarn_age_scan(part, s->batch, &pages);
	/* Mappings that nobody uses went. */
	if (READ_ONCE(part->ages->whole))
		tarn_pattern_trim(part);
	up_read(&part->pin);
	tarn_partition_put(part);
	atomic64_add(pages, &s->pool->scanned);
	return done;
}

/* Search a leaf. False: none is to be searched now. */
static bool search_leaf(struct scan *s)
{
	struct tarn_partition *part = next_partition(s->pool, &s->searched,
						     tarn_search_due);
	u64 began = ktime_get_ns(), ns;
	bool found = false;

	s->pays = false;
	if (!part)
		return false;
	down_read(&part->pin);
	if (part->inode)
		found = tarn_search_step(part);
	s->pays = tarn_search_pays(part);
	up_read(&part->pin);
	ns = ktime_get_ns() - began;
	atomic64_add(ns, &part->search->ns);
	atomic64_add(ns, &s->pool->search_ns);
	tarn_partition_put(part);
	return found;
}

/* A step of either. False: nothing is to be done now. */
static bool step(struct scan *s)
{
	if (s->turn++ < SEARCH_TURN && scan_batch(s))
		return true;
	s->turn = 0;
	return search_leaf(s) || scan_batch(s);
}

/*
 * What the thread has used is exact only after it has slept, so the time to
 * sleep is that of the batch before; what is left over is carried on.
 */
static void pay(struct scan *s)
{
	u64 ran = READ_ONCE(current->se.sum_exec_runtime), cost = ran - s->ran;
	u32 share = share_now(s);

	s->ran = ran;
	atomic64_add(cost, &s->pool->scan_ns);
	if (!share)
		return;
	s->owed += div_u64(cost * (TARN_SCAN_PERMILLE_MAX - share), share);
	if (s->owed > (s64)(2 * TICK_NSEC))
		s->batch = max(s->batch / 2, BATCH_LEAST);
	else if (s->owed < (s64)(TICK_NSEC / 2))
		s->batch = min(s->batch * 2, BATCH_MOST);
}

static bool woken(struct tarn_pool *pool)
{
	return kthread_should_stop() || READ_ONCE(pool->scan_kick);
}

static void rest(struct scan *s, unsigned long timeout)
{
	u64 before = ktime_get_ns();

	wait_event_interruptible_timeout(s->pool->scan_wait, woken(s->pool),
					 timeout);
	WRITE_ONCE(s->pool->scan_kick, false);
	/* To have slept longer than was owed earns no more than a tick. */
	s->owed -= ktime_get_ns() - before;
	s->owed = max(s->owed, -(s64)TICK_NSEC);
}

static int scanner(void *arg)
{
	struct scan s = {
		.pool = arg,
		.batch = BATCH_LEAST,
		.ran = current->se.sum_exec_runtime,
	};

	while (!kthread_should_stop()) {
		bool worked = false;

		pay(&s);
		if (!READ_ONCE(s.pool->scan_permille)) {
			wait_event_interruptible(s.pool->scan_wait,
						 woken(s.pool));
			WRITE_ONCE(s.pool->scan_kick, false);
			s.owed = 0;
			continue;
		}
		if (s.owed <= 0)
			worked = step(&s);
		if (s.owed > 0 || (worked && share_now(&s) <
				   TARN_SCAN_PERMILLE_MAX))
			rest(&s, max(nsecs_to_jiffies(max(s.owed, 0LL)), 1UL));
		else if (!worked)
			rest(&s, IDLE);
		else
			cond_resched();
	}
	return 0;
}

int tarn_scan_start(struct tarn_pool *pool)
{
	struct task_struct *task;

	pool->scan_permille = TARN_SCAN_PERMILLE_DEFAULT;
	task = kthread_run(scanner, pool, "tarn_scan");
	if (IS_ERR(task))
		return PTR_ERR(task);
	pool->scanner = task;
	return 0;
}

void tarn_scan_stop(struct tarn_pool *pool)
{
	if (pool->scanner)
		kthread_stop(pool->scanner);
	pool->scanner = NULL;
}

/* Have the scanner look whether there is work. */
void tarn_scan_wake(struct tarn_pool *pool)
{
	WRITE_ONCE(pool->scan_kick, true);
	wake_up(&pool->scan_wait);
}

void tarn_scan_set(struct tarn_pool *pool, u32 permille)
{
	WRITE_ONCE(pool->scan_permille, permille);
	tarn_scan_wake(pool);
}
