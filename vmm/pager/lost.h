/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Slots that one leg of a mirror lacks, although it is good otherwise: the
 * other leg could not be read when they were copied. They are never read from
 * that leg, and are struck off when they are freed or written anew. While there
 * are any, the superblocks call the leg stale: what is listed here dies with the
 * pager, and the next one must not take the leg for whole.
 */
#ifndef TARN_PAGER_LOST_H
#define TARN_PAGER_LOST_H

#include <stdatomic.h>
#include "types.h"

/** With more of them, a leg is no copy of the other one. */
#define LOST_MAX 256

/**
 * struct lost_slots - of one mirror; changes under the device's lock
 * @nr: how many; may be read without the lock
 * @leg: the leg that lacks them
 * @slots: in no order
 */
struct lost_slots {
	atomic_uint nr;
	unsigned int leg;
	u64 slots[LOST_MAX];
};

int lost_add(struct lost_slots *lost, unsigned int leg, u64 slot);
bool lost_remove(struct lost_slots *lost, u64 first, u64 count);
bool lost_has(const struct lost_slots *lost, u64 first, u64 count);

static inline unsigned int lost_count(const struct lost_slots *lost)
{
	return atomic_load_explicit(&lost->nr, memory_order_relaxed);
}

static inline void lost_clear(struct lost_slots *lost)
{
	atomic_store(&lost->nr, 0);
}

#endif
