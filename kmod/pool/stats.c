// SPDX-License-Identifier: GPL-2.0-only
/* Counters: counting and adding up. */
#include <linux/log2.h>

#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/stats.h"

void tarn_stats_add(struct tarn_partition *part, enum tarn_stat stat, u64 n)
{
	atomic64_add(n, &part->stats.count[stat]);
	this_cpu_add(part->pool->stats->count[stat], n);
}

/* Blocks that are one frame. */
u64 tarn_stats_blocks(struct tarn_partition *part)
{
	atomic64_t *count = part->stats.count;
	u64 gone = atomic64_read(&count[TARN_STAT_BLOCK_SPLITS]) +
		   atomic64_read(&count[TARN_STAT_BLOCK_OUTS]);
	u64 given = atomic64_read(&count[TARN_STAT_BLOCK_FILLS]) +
		    atomic64_read(&count[TARN_STAT_BLOCK_LOADS]) +
		    atomic64_read(&count[TARN_STAT_BLOCK_PROMOTIONS]);

	return tarn_stats_left(given, gone);
}

/* A page-in that was asked for at @start is done. */
void tarn_stats_latency(struct tarn_partition *part, ktime_t start)
{
	u64 ns = max_t(s64, 1, ktime_to_ns(ktime_sub(ktime_get(), start)));
	unsigned int bucket = min(ilog2(ns), TARN_LATENCY_BUCKETS - 1);

	atomic64_inc(&part->stats.latency[bucket]);
	this_cpu_inc(part->pool->stats->latency[bucket]);
}

u64 tarn_stats_pool(struct tarn_pool *pool, enum tarn_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(pool->stats, cpu)->count[stat];
	return sum;
}

u64 tarn_stats_pool_latency(struct tarn_pool *pool, unsigned int bucket)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(pool->stats, cpu)->latency[bucket];
	return sum;
}

/* What all CPUs counted of a member of struct tarn_cpu_stats. */
#define SUM(pool, member) ({						\
	s64 sum = 0;							\
	int cpu;							\
									\
	for_each_possible_cpu(cpu)					\
		sum += per_cpu_ptr((pool)->stats, cpu)->member;		\
	(u64)max_t(s64, 0, sum);					\
})

/* Pages of a pool in frames. */
u64 tarn_stats_resident(struct tarn_pool *pool)
{
	return SUM(pool, resident);
}

/* Pages of a pool that only the pager has. */
u64 tarn_stats_paged(struct tarn_pool *pool)
{
	return SUM(pool, paged);
}

/* Pages of a pool that are patterns. */
u64 tarn_stats_pattern(struct tarn_pool *pool)
{
	return SUM(pool, pattern);
}

/* Pages of a pool that share what they hold. */
u64 tarn_stats_shared(struct tarn_pool *pool)
{
	return SUM(pool, shared);
}

/* Pages of a pool that are in the balloons of their guests. */
u64 tarn_stats_balloon(struct tarn_pool *pool)
{
	return SUM(pool, balloon);
}

/* ---- nodes -------------------------------------------------------------- */

static void count_node(struct tarn_pool *pool, int nid, enum tarn_node_stat stat,
		       unsigned int n)
{
	struct tarn_node *node = nid == NUMA_NO_NODE ? NULL :
				 tarn_pool_node(pool, nid);

	if (likely(node))
		this_cpu_add(node->stats->count[stat], n);
}

/* Frames were taken, from this one on, for pages that were to be on the node @wanted. */
void tarn_stats_taken(struct tarn_pool *pool, int wanted, u64 frame,
		      unsigned int count)
{
	int nid = tarn_frame_node(pool, frame);

	if (likely(nid == wanted)) {
		count_node(pool, nid, TARN_NODE_HIT, count);
		return;
	}
	count_node(pool, nid, TARN_NODE_MISS, count);
	count_node(pool, wanted, TARN_NODE_FOREIGN, count);
}

/* Pages were moved; within a node that is nothing. */
void tarn_stats_moved(struct tarn_pool *pool, int from, int to,
		      unsigned int count)
{
	if (from == to)
		return;
	count_node(pool, from, TARN_NODE_MOVED_OUT, count);
	count_node(pool, to, TARN_NODE_MOVED_IN, count);
}

u64 tarn_stats_node_sum(struct tarn_node *n, enum tarn_node_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(n->stats, cpu)->count[stat];
	return sum;
}
