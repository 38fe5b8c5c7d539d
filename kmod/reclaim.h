/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making frames free: which pages go, and how they are unmapped and given up.
 */
#ifndef TARN_RECLAIM_H
#define TARN_RECLAIM_H

#include <linux/types.h>
#include <linux/wait.h>

#include "entry.h"
#include "pool.h"

/*
 * Hint of a resident page: its age, 0 (cold) to TARN_AGE_MAX, and whether it is
 * on probation: unmapped to see whether anybody misses it, where accessed bits
 * do not tell (KVM's mappings).
 */
#define TARN_AGE_MAX		3
#define TARN_AGE_MASK		0x03
#define TARN_HINT_PROBATION	0x80

/* An entry after a fault found it resident. */
static inline u64 tarn_reclaim_touched(u64 e)
{
	if (likely(!(tarn_entry_hint(e) & TARN_HINT_PROBATION)))
		return e;
	return tarn_entry_with_hint(e, 2) | TARN_ENTRY_NEW;
}

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
