// SPDX-License-Identifier: GPL-2.0-only
/* See match_table.h. */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "policy/match_table.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"

#define MEMBERS_MOST	(BIT(TARN_PLACE_MEMBER_BITS) - 1)

static_assert(TARN_BUCKET * sizeof(u64) == 64);
static_assert(TARN_PLACE_INDEX_BITS + TARN_PLACE_MEMBER_BITS +
	      TARN_PLACE_TAG_BITS == 64);
static_assert(TARN_PARTITIONS_MOST <= MEMBERS_MOST);
static_assert(TARN_CANON_BITS <= TARN_PLACE_INDEX_BITS);

/* ---- places ------------------------------------------------------------- */

/* Whose it is, or was; the caller looks whether it still is. */
struct tarn_partition *tarn_table_owner(struct tarn_match_table *t, u64 place)
{
	lockdep_assert_held(&t->lock);
	return xa_load(&t->members, place >> TARN_PLACE_INDEX_BITS & MEMBERS_MOST);
}

static bool is_canon(struct tarn_match_table *t, u64 place)
{
	struct tarn_partition *part = tarn_table_owner(t, place);

	return part && tarn_partition_is_store(part);
}

/* A free place of a bucket, or NULL, and how many there are. */
static u64 *free_place(u64 *bucket, unsigned int *count)
{
	u64 *place = NULL;
	unsigned int i;

	*count = 0;
	for (i = 0; i < TARN_BUCKET; i++) {
		if (bucket[i])
			continue;
		place = &bucket[i];
		++*count;
	}
	return place;
}

/* A place for a hash: one that is free, or is of a page, or just has its turn. */
u64 *tarn_table_give(struct tarn_match_table *t, u64 hash)
{
	unsigned int i, free[2];
	u64 *place[2];

	for (i = 0; i < 2; i++)
		place[i] = free_place(tarn_table_bucket(t, hash, i), &free[i]);
	if (place[0] || place[1])
		return place[free[1] > free[0]];
	t->turn++;
	for (i = 0; i < TARN_PLACES; i++) {
		u64 *at = tarn_table_place(t, hash, (t->turn + i) % TARN_PLACES);

		if (!is_canon(t, *at))
			return at;
	}
	return tarn_table_place(t, hash, t->turn % TARN_PLACES);
}

/* ---- the table ---------------------------------------------------------- */

static void count_memory(struct tarn_match_table *t, struct tarn_pool *pool,
			 u64 buckets)
{
	atomic64_add((s64)(buckets - t->buckets) * TARN_BUCKET * (s64)sizeof(u64),
		     &pool->metadata);
	t->buckets = buckets;
}

/*
 * As many places as the pool has frames, or fewer; what was in it is forgotten if that has
 * changed. False: without memory there is none.
 */
bool tarn_table_make(struct tarn_match_table *t, struct tarn_pool *pool)
{
	u64 frames = READ_ONCE(pool->frames), buckets;

	lockdep_assert_held(&t->lock);
	buckets = rounddown_pow_of_two(max_t(u64, frames / TARN_BUCKET, 1));
	if (t->places && t->buckets == buckets)
		return true;
	kvfree(t->places);
	count_memory(t, pool, 0);
	t->places = kvcalloc(buckets * TARN_BUCKET, sizeof(u64), GFP_KERNEL);
	if (!t->places)
		return false;
	count_memory(t, pool, buckets);
	return true;
}

/* A partition that has no number gets one. -ENOSPC: there are as many as there can be. */
int tarn_table_join(struct tarn_match_table *t, struct tarn_partition *part)
{
	int ret = 0;

	mutex_lock(&t->lock);
	if (!part->member)
		ret = xa_alloc(&t->members, &part->member, part,
			       XA_LIMIT(1, MEMBERS_MOST), GFP_KERNEL_ACCOUNT);
	mutex_unlock(&t->lock);
	return ret == -EBUSY ? -ENOSPC : ret;
}

/* Its places are out of date; with the last one the table goes. */
void tarn_table_leave(struct tarn_match_table *t, struct tarn_partition *part)
{
	mutex_lock(&t->lock);
	if (part->member)
		xa_erase(&t->members, part->member);
	part->member = 0;
	if (xa_empty(&t->members)) {
		kvfree(t->places);
		t->places = NULL;
		count_memory(t, part->pool, 0);
	}
	mutex_unlock(&t->lock);
}

void tarn_table_init(struct tarn_match_table *t)
{
	mutex_init(&t->lock);
	xa_init_flags(&t->members, XA_FLAGS_ALLOC1);
}

/* Nobody is in any domain. */
void tarn_table_destroy(struct tarn_match_table *t)
{
	WARN_ON_ONCE(!xa_empty(&t->members));
	kvfree(t->places);
	xa_destroy(&t->members);
}
