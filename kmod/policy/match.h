/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking for pages that hold the same (pool/canon.h) among those of a domain that are in
 * frames: by the scanner among cold ones, beside the search for patterns, and where somebody
 * says that there are some.
 */
#ifndef TARN_MATCH_H
#define TARN_MATCH_H

#include <linux/types.h>

struct tarn_leaf;
struct tarn_partition;
struct tarn_pool;

/**
 * struct tarn_match_seen - what a look saw
 * @looked: pages that were hashed
 * @merged: pages that share what they hold since
 */
struct tarn_match_seen {
	unsigned int looked;
	unsigned int merged;
};

int tarn_match_create(struct tarn_pool *pool);
void tarn_match_destroy(struct tarn_pool *pool);
int tarn_match_join(struct tarn_partition *part);
void tarn_match_leave(struct tarn_partition *part);
void tarn_match_lock(struct tarn_pool *pool);
void tarn_match_unlock(struct tarn_pool *pool);
void tarn_match_synchronize(struct tarn_pool *pool);
struct tarn_partition *tarn_match_set_store(struct tarn_partition *part,
					    struct tarn_partition *store);
u64 tarn_match_pages(struct tarn_pool *pool);
u64 tarn_match_ns(struct tarn_pool *pool);

void tarn_match_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 from, u64 to, bool even_used,
		     struct tarn_match_seen *seen);
u64 tarn_match_find(struct tarn_partition *store, u64 e, u64 *hash);
void tarn_match_note_canon(struct tarn_partition *store, u64 canon, u64 hash);
long tarn_match_range(struct tarn_partition *part, u64 start, u64 count,
		      u64 *done);

#endif
