// SPDX-License-Identifier: GPL-2.0-only
/* See use.h. */
#include <linux/math64.h>

#include "pool/pool.h"
#include "pool/use.h"

/* Eighths of a pool's worth of evictions. */
#define REFAULT_SPAN	8

static unsigned int eviction_time(struct tarn_pool *pool)
{
	return div64_u64(atomic64_read(&pool->evictions),
			 READ_ONCE(pool->frames) / 8 + 1) & TARN_PAGED_TIME_MASK;
}

/* The entry of resident page @e once it is paged as @cookie. */
u64 tarn_entry_gone(struct tarn_pool *pool, u64 e, u64 cookie)
{
	unsigned int use = tarn_entry_use(e) >> TARN_PAGED_USE_SHIFT;

	return tarn_entry_with_hint(tarn_entry_make(TARN_PAGE_PAGED, cookie),
				    eviction_time(pool) << TARN_PAGED_TIME_SHIFT |
				    use);
}

/* The entry of a page that is stored as @cookie, and was given up long ago, if ever. */
u64 tarn_entry_stored(struct tarn_pool *pool, u64 cookie)
{
	unsigned int then = (eviction_time(pool) - REFAULT_SPAN - 1) &
			    TARN_PAGED_TIME_MASK;

	return tarn_entry_with_hint(tarn_entry_make(TARN_PAGE_PAGED, cookie),
				    then << TARN_PAGED_TIME_SHIFT);
}

/*
 * Does paged page @e come back within one pool's worth of evictions? Then it was given
 * up too early: a refault.
 */
bool tarn_entry_refaults(struct tarn_pool *pool, u64 e)
{
	unsigned int then = tarn_entry_hint(e) >> TARN_PAGED_TIME_SHIFT;

	return ((eviction_time(pool) - then) & TARN_PAGED_TIME_MASK) <=
	       REFAULT_SPAN;
}
