/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of the search for equal pages (match.c): which pages held what hashed so. A place
 * is 8 bytes: the part of a hash that its bucket does not say already, the number of a
 * partition, a page of it. Nothing that it says is relied on: what is out of date goes when it
 * is met.
 *
 * A hash has two buckets, and gets a place in the one that has more of them free: so nearly
 * all of a table can be used. When both are full any place of one is given to the new one,
 * but one of a canon only if there are no others: what is shared is to be found again.
 */
#ifndef TARN_MATCH_TABLE_H
#define TARN_MATCH_TABLE_H

#include <linux/bits.h>
#include <linux/hash.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct tarn_partition;
struct tarn_pool;

/* A cache line of places; a hash has two of them. */
#define TARN_BUCKET		8
#define TARN_PLACES		(2 * TARN_BUCKET)
/* Bits of a place: all 0, and there is nothing. */
#define TARN_PLACE_INDEX_BITS	30
#define TARN_PLACE_MEMBER_BITS	14
#define TARN_PLACE_TAG_BITS	20

/**
 * struct tarn_match_table - of a pool
 * @lock: protects the rest
 * @places: while there is any domain; NULL without memory for it
 * @buckets: of it, a power of two
 * @members: partitions that are in a domain, and stores, by their number
 * @turn: which place of two buckets is given away next
 *
 * Lock order: outside of page locks, inside of part->pin.
 */
struct tarn_match_table {
	struct mutex lock;
	u64 *places;
	u64 buckets;
	struct xarray members;
	unsigned int turn;
};

static inline u64 tarn_place_make(u64 hash, u32 member, u64 index)
{
	return hash >> (64 - TARN_PLACE_TAG_BITS) << (64 - TARN_PLACE_TAG_BITS) |
	       (u64)member << TARN_PLACE_INDEX_BITS | index;
}

static inline bool tarn_place_has_hash(u64 place, u64 hash)
{
	return place && !((place ^ hash) >> (64 - TARN_PLACE_TAG_BITS));
}

static inline u64 tarn_place_index(u64 place)
{
	return place & (BIT(TARN_PLACE_INDEX_BITS) - 1);
}

/* The first or the second bucket of a hash, whose upper bits are in the place. */
static inline u64 *tarn_table_bucket(const struct tarn_match_table *t, u64 hash,
				     bool second)
{
	u64 n = second ? hash_64(hash, 64) : hash;

	return &t->places[(n & (t->buckets - 1)) * TARN_BUCKET];
}

/* The @n-th of TARN_PLACES. */
static inline u64 *tarn_table_place(const struct tarn_match_table *t, u64 hash,
				    unsigned int n)
{
	return tarn_table_bucket(t, hash, n >= TARN_BUCKET) + n % TARN_BUCKET;
}

u64 *tarn_table_give(struct tarn_match_table *t, u64 hash);
struct tarn_partition *tarn_table_owner(struct tarn_match_table *t, u64 place);

bool tarn_table_make(struct tarn_match_table *t, struct tarn_pool *pool);
int tarn_table_join(struct tarn_match_table *t, struct tarn_partition *part);
void tarn_table_leave(struct tarn_match_table *t, struct tarn_partition *part);
void tarn_table_init(struct tarn_match_table *t);
void tarn_table_destroy(struct tarn_match_table *t);

#endif
