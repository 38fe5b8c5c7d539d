/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of pools and partitions. They count on paths that wait or move a
 * page, never on a hit, so plain atomics serve; the pool's are per CPU, so one CPU
 * alone may have counted less than nothing.
 */
#ifndef TARN_STATS_H
#define TARN_STATS_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/tarn.h>

enum tarn_stat {
	TARN_STAT_PAGE_INS,
	TARN_STAT_PAGE_OUTS,
	TARN_STAT_CLEAN_DROPS,
	TARN_STAT_ZERO_DROPS,
	TARN_STAT_PATTERN_DROPS,
	TARN_STAT_MERGES,
	TARN_STAT_BREAKS,
	TARN_STAT_SHARERS_LEFT,
	TARN_STAT_BALLOONS_GONE,
	TARN_STAT_REFAULTS,
	TARN_STAT_READAHEAD,
	TARN_STAT_FRAME_WAITS,
	TARN_STAT_PAGE_WAITS,
	TARN_STAT_MOVE_WAITS,
	TARN_STAT_BLOCK_FILLS,
	TARN_STAT_BLOCK_LOADS,
	TARN_STAT_BLOCK_PROMOTIONS,
	TARN_STAT_BLOCK_SPLITS,
	TARN_STAT_BLOCK_OUTS,
	TARN_STAT_LOAD_ERRORS,
	TARN_STAT_CHECKSUM_ERRORS,
	TARN_STAT_STORE_ERRORS,
	TARN_STAT_IMPORT_ERRORS,
	TARN_STAT_COUNT,
};

/**
 * struct tarn_stats - counters of a partition
 * @count: events by enum tarn_stat
 * @latency: page-ins by the power of two of their nanoseconds
 */
struct tarn_stats {
	atomic64_t count[TARN_STAT_COUNT];
	atomic64_t latency[TARN_LATENCY_BUCKETS];
};

/**
 * struct tarn_cpu_stats - what one CPU counted for a pool
 * @resident: pages that came into frames, less those that left one
 * @paged: pages that went to the pager only, less those that came back
 * @pattern: pages that became patterns, less those that are none any more
 * @shared: pages that came to share what they hold, less those that do so no more
 * @balloon: pages that came into the balloon of their guest, less those that left it
 * @count: see tarn_stats
 * @latency: see tarn_stats
 */
struct tarn_cpu_stats {
	s64 resident;
	s64 paged;
	s64 pattern;
	s64 shared;
	s64 balloon;
	u64 count[TARN_STAT_COUNT];
	u64 latency[TARN_LATENCY_BUCKETS];
};

/*
 * What a node of a pool counts of frames taken for pages, and of pages moved. Where a
 * frame is to be is what home.h says: a home, or the node of the processor.
 */
enum tarn_node_stat {
	/* taken where it was to be */
	TARN_NODE_HIT,
	/* taken here, though it was to be elsewhere */
	TARN_NODE_MISS,
	/* taken elsewhere, though it was to be here */
	TARN_NODE_FOREIGN,
	TARN_NODE_MOVED_IN,
	TARN_NODE_MOVED_OUT,
	TARN_NODE_STATS,
};

/**
 * struct tarn_node_stats - what one CPU counted for a node of a pool
 * @count: events by enum tarn_node_stat
 */
struct tarn_node_stats {
	u64 count[TARN_NODE_STATS];
};

struct tarn_node;
struct tarn_partition;
struct tarn_pool;

void tarn_stats_taken(struct tarn_pool *pool, int wanted, u64 frame,
		      unsigned int count);
void tarn_stats_moved(struct tarn_pool *pool, int from, int to,
		      unsigned int count);
u64 tarn_stats_node_sum(struct tarn_node *n, enum tarn_node_stat stat);

void tarn_stats_add(struct tarn_partition *part, enum tarn_stat stat, u64 n);
void tarn_stats_latency(struct tarn_partition *part, ktime_t start);
/* Given, and neither split nor given up as a whole. They are not read at the same moment. */
static inline u64 tarn_stats_left(u64 given, u64 gone)
{
	return given - min(given, gone);
}

u64 tarn_stats_blocks(struct tarn_partition *part);
u64 tarn_stats_pool(struct tarn_pool *pool, enum tarn_stat stat);
u64 tarn_stats_resident(struct tarn_pool *pool);
u64 tarn_stats_paged(struct tarn_pool *pool);
u64 tarn_stats_pattern(struct tarn_pool *pool);
u64 tarn_stats_shared(struct tarn_pool *pool);
u64 tarn_stats_balloon(struct tarn_pool *pool);
u64 tarn_stats_pool_latency(struct tarn_pool *pool, unsigned int bucket);

#endif
