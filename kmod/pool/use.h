/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hint of an entry: how much its page is used, and of a paged one when it went.
 * Who works it out is policy/age.c; here is what it looks like, and what becomes of it
 * as the page goes and comes back.
 */
#ifndef TARN_USE_H
#define TARN_USE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/tarn.h>

#include "pool/entry.h"

struct tarn_pool;

/*
 * Hint of a resident page: its use, 0 to TARN_USE_MAX; and whether it is on
 * probation: unmapped to see whether anybody misses it, where accessed bits do
 * not tell (KVM's mappings of a VM that is not attached).
 *
 * Hint of a shared one: how much it is used itself, whoever else shares the same; the use of
 * what it shares is that page's.
 *
 * Hint of a paged one: its use when it went, in 3 bits less, and when that was, in
 * eighths of a pool's worth of evictions, modulo 16.
 */
#define TARN_USE_MAX		0x7f
#define TARN_USE_MASK		0x7f
#define TARN_HINT_PROBATION	0x80
/* Pinned (pins.h): no use goes with probation that is so high otherwise. */
#define TARN_HINT_PINNED	0xff
#define TARN_PAGED_USE_SHIFT	3
#define TARN_PAGED_USE_MASK	0x0f
#define TARN_PAGED_TIME_SHIFT	4
#define TARN_PAGED_TIME_MASK	0x0f

/* What a page that was just made counts as. */
#define TARN_USE_FIRST		8

/*
 * From which use on a page is cool, warm, hot. Multiples of what one step of a
 * paged page's use is worth, so a page keeps its class when it goes out.
 */
#define TARN_USE_COOL		16
#define TARN_USE_WARM		32
#define TARN_USE_HOT		64

static inline bool tarn_entry_pinned(u64 e)
{
	return tarn_entry_has_frame(e) && tarn_entry_hint(e) == TARN_HINT_PINNED;
}

/* A step up takes an eighth of what is missing, one down an eighth of it. */
static inline unsigned int tarn_use_seen(unsigned int use, bool used)
{
	return used ? use + (TARN_USE_MAX - use + 7) / 8 : use - (use + 7) / 8;
}

/* How much a page with a frame, a shared one, or a stored one, is thought to be used. */
static inline unsigned int tarn_entry_use(u64 e)
{
	return tarn_entry_has_frame(e) || tarn_entry_is_shared(e) ?
	       tarn_entry_hint(e) & TARN_USE_MASK :
	       (tarn_entry_hint(e) & TARN_PAGED_USE_MASK) << TARN_PAGED_USE_SHIFT;
}

/* An entry after a fault found it resident. */
static inline u64 tarn_entry_touched(u64 e)
{
	unsigned int use = tarn_entry_hint(e) & TARN_USE_MASK;

	if (likely(!(tarn_entry_hint(e) & TARN_HINT_PROBATION)) ||
	    tarn_entry_pinned(e))
		return e;
	/* It counts for the looks that could not see it used. */
	use = tarn_use_seen(tarn_use_seen(use, true), true);
	return tarn_entry_with_hint(e, use) | TARN_ENTRY_NEW;
}

/* The hint of a stored page that comes back: remembered, and used now if it was asked for. */
static inline unsigned int tarn_entry_hint_back(u64 e, bool asked)
{
	unsigned int use = tarn_entry_use(e);

	return asked ? tarn_use_seen(use, true) : use;
}

u64 tarn_entry_gone(struct tarn_pool *pool, u64 e, u64 cookie);
u64 tarn_entry_stored(struct tarn_pool *pool, u64 cookie);
bool tarn_entry_refaults(struct tarn_pool *pool, u64 e);

#endif
