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

/* Pages of a pool in frames. */
u64 tarn_stats_resident(struct tarn_pool *pool)
{
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(pool->stats, cpu)->resident;
	return max_t(s64, 0, sum);
}

/* Pages of a pool that only the pager has. */
u64 tarn_stats_paged(struct tarn_pool *pool)
{
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(pool->stats, cpu)->paged;
	return max_t(s64, 0, sum);
}
