/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making frames free: which pages go, and how they are unmapped and given up.
 */
#ifndef TARN_RECLAIM_H
#define TARN_RECLAIM_H

#include <linux/types.h>
#include <linux/wait.h>

#include "age.h"
#include "pool.h"

int tarn_reclaim_start(struct tarn_node *node);
void tarn_reclaim_stop(struct tarn_node *node);
void tarn_reclaim_kick(struct tarn_pool *pool);
void tarn_reclaim_move(struct tarn_pool *pool, u64 frame);
long tarn_reclaim_range(struct tarn_partition *part, u64 start, u64 count,
			u64 *done);

static inline void tarn_reclaim_wake(struct tarn_node *node)
{
	if (wq_has_sleeper(&node->wait))
		wake_up(&node->wait);
}

#endif
