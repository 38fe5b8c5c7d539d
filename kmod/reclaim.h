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
 * Hint of a resident page: how often it is used, as a mean of looks that found
 * it used, newer ones weighing more, in units of 1/TARN_USE_MAX; and whether it
 * is on probation: unmapped to see whether anybody misses it, where accessed
 * bits do not tell (KVM's mappings).
 *
 * Hint of a paged one: its use when it went, in 3 bits less, and when that was
 * (io.c).
 */
#define TARN_USE_MAX		0x7f
#define TARN_USE_MASK		0x7f
#define TARN_HINT_PROBATION	0x80
/* Pinned (pin.c): no use goes with probation that is so high otherwise. */
#define TARN_HINT_PINNED	0xff
#define TARN_PAGED_USE_SHIFT	3
#define TARN_PAGED_USE_MASK	0x0f
#define TARN_PAGED_TIME_SHIFT	4

/* What a page that was just made counts as. */
#define TARN_USE_FIRST		8

static inline bool tarn_entry_pinned(u64 e)
{
	return tarn_entry_state(e) == TARN_PAGE_RESIDENT &&
	       tarn_entry_hint(e) == TARN_HINT_PINNED;
}

/* One look, 1 part in 8 of the mean. */
static inline unsigned int tarn_use_seen(unsigned int use, bool used)
{
	return used ? use + (TARN_USE_MAX - use + 7) / 8 : use - (use + 7) / 8;
}

/* An entry after a fault found it resident. */
static inline u64 tarn_reclaim_touched(u64 e)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	if (likely(!(tarn_entry_hint(e) & TARN_HINT_PROBATION)))
		return e;
	/* It counts for the looks that could not see it used. */
	use = tarn_use_seen(tarn_use_seen(use, true), true);
	return tarn_entry_with_hint(e, use) | TARN_ENTRY_NEW;
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
