/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making frames free: when, and from which partitions.
 */
#ifndef TARN_RECLAIM_H
#define TARN_RECLAIM_H

#include <linux/types.h>

#include "pool/pool.h"

void tarn_reclaim_init(struct tarn_node *node);
int tarn_reclaim_start(struct tarn_node *node);
void tarn_reclaim_stop(struct tarn_node *node);
void tarn_reclaim_wake(struct tarn_node *node);
void tarn_reclaim_kick(struct tarn_pool *pool);
void tarn_reclaim_move(struct tarn_pool *pool, u64 frame);
long tarn_reclaim_range(struct tarn_partition *part, u64 start, u64 count,
			u64 *done);

/* No node has more than its low mark free. */
static inline void tarn_reclaim_wake_all(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n)
		tarn_reclaim_wake(n);
}

#endif
