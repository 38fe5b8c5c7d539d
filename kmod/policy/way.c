// SPDX-License-Identifier: GPL-2.0-only
/* See way.h. */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "policy/way.h"
#include "pool/partition.h"
#include "pool/stats.h"

/* Pages of a partition a turn. */
#define RATE_LEAST	64U
#define RATE_FIRST	512U
#define RATE_MOST	8192U
/* Of pages moved in a turn, this part may be waited for, and a few in any case. */
#define WAITS_PART	64
#define WAITS_FEW	2

/* The way of a partition, made if need be; NULL without memory. The placer's. */
struct tarn_way *tarn_way_of(struct tarn_partition *part)
{
	struct tarn_way *way = part->way;

	if (way)
		return way;
	way = kzalloc(sizeof(*way), GFP_KERNEL_ACCOUNT);
	if (!way)
		return NULL;
	way->rate = RATE_FIRST;
	/* It is old: it sets out at its first turn. */
	way->homes_set = atomic_read(&part->homes_set) - 1;
	/* Whole for tarn_way_rate(), which may find it from now on. */
	smp_store_release(&part->way, way);
	return way;
}

/**
 * tarn_way_adapt() - go faster or slower, by what the last turn cost who touched its pages
 * @part: the partition
 * @way: its way
 *
 * Context: the placer.
 */
void tarn_way_adapt(struct tarn_partition *part, struct tarn_way *way)
{
	u64 all = atomic64_read(&part->stats.count[TARN_STAT_MOVE_WAITS]);
	u64 waits = all - way->waits;

	if (waits > WAITS_FEW && waits * WAITS_PART > way->went)
		WRITE_ONCE(way->rate, max(way->rate / 2, RATE_LEAST));
	else if (way->went)
		WRITE_ONCE(way->rate,
			   min(way->rate + way->rate / 8, RATE_MOST));
	way->waits = all;
	way->went = 0;
}

/* Pages a second that may be moved of a partition just now; 0: none was to be so far. */
u64 tarn_way_rate(struct tarn_partition *part)
{
	/* Pairs with the release in tarn_way_of(). */
	const struct tarn_way *way = smp_load_acquire(&part->way);

	return way ? (u64)READ_ONCE(way->rate) * HZ / TARN_WAY_TICK : 0;
}
