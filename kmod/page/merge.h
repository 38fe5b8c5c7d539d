/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How pages come to share what they hold (pool/canon.h): a batch of one partition is taken in
 * hand as what is given up is, and each page is compared as a whole, while nobody can write to
 * it, with what it is to share.
 */
#ifndef TARN_MERGE_H
#define TARN_MERGE_H

#include <linux/types.h>

#include "page/batch.h"

/* What a page of a batch is to share: a canon, or that which it becomes by itself. */
#define TARN_MERGE_ANEW	(U64_MAX - 1)

/**
 * struct tarn_merge - pages that are to share what they hold
 * @pages: in hand, marked OUT; the caller holds the partition's pin
 * @store: of the partition's domain, referenced by the caller
 * @canon: by page: what it is to share; after the flush, what it shares, or TARN_CANON_NONE
 * @anew: by page: it is the first that shares it
 * @nr_spare: canons that were made before pages were in hand, for those that are anew
 * @spare: them
 * @more: how many are made at a time
 * @used: since the last tarn_merge_rest()
 * @merged: pages that gave up their frames, or made them everybody's
 * @dropped: copies that nothing needs any more
 * @copies: them
 */
struct tarn_merge {
	struct tarn_batch pages;
	struct tarn_partition *store;
	u64 canon[TARN_BATCH_MOST];
	DECLARE_BITMAP(anew, TARN_BATCH_MOST);
	unsigned int nr_spare;
	u64 spare[TARN_BATCH_MOST];
	unsigned int more;
	unsigned int used;
	unsigned int merged;
	unsigned int dropped;
	u64 copies[TARN_BATCH_MOST];
};

void tarn_merge_begin(struct tarn_merge *m, struct tarn_partition *part,
		      struct tarn_partition *store);
bool tarn_merge_prepare(struct tarn_merge *m);
void tarn_merge_rest(struct tarn_merge *m);
bool tarn_merge_add(struct tarn_merge *m, u64 index, atomic64_t *entry, u64 e,
		    u64 canon);
unsigned int tarn_merge_flush(struct tarn_merge *m);

#endif
