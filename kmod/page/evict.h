/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving pages up, a batch of one partition at a time. */
#ifndef TARN_EVICT_H
#define TARN_EVICT_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "page/batch.h"
#include "page/block_store.h"
#include "pool/partition.h"

struct page;

/**
 * struct tarn_evict_batch - pages that are to be given up
 * @pages: in hand, marked OUT; the caller holds the partition's pin
 * @can_store: the pager takes pages that it has no copy of
 * @can_overwrite: it takes those of which it has an outdated one
 * @known_only: only pages go of which all is one word, for which the pager is not needed
 * @blocks: the caller has no less pages to spare than a block, which may go as a whole
 * @wide: the pager takes blocks as a whole
 * @block: one such, in hand as well
 * @freed: pages given up without I/O
 * @sent: pages sent to the pager
 * @busy: pages that somebody holds, or that can't be stored now
 * @dropped: copies that nothing needs any more
 * @copies: them
 */
struct tarn_evict_batch {
	struct tarn_batch pages;
	bool can_store;
	bool can_overwrite;
	bool known_only;
	bool blocks;
	bool wide;
	struct tarn_block_out block;
	unsigned int freed;
	unsigned int sent;
	unsigned int busy;
	unsigned int dropped;
	u64 copies[TARN_BATCH_MOST];
};

/* How many pages are in hand. */
static inline unsigned int tarn_evict_count(const struct tarn_evict_batch *batch)
{
	return batch->pages.count + (batch->block.leaf ? TARN_LEAF_PAGES : 0);
}

void tarn_evict_begin(struct tarn_evict_batch *batch,
		      struct tarn_partition *part);
bool tarn_evict_add(struct tarn_evict_batch *batch, u64 index,
		    atomic64_t *entry, u64 e, bool joined);
void tarn_evict_flush(struct tarn_evict_batch *batch);
bool tarn_evict_poisoned(struct tarn_partition *part, u64 index,
			 atomic64_t *entry, u64 frame, struct page *page);
void tarn_evict_copy(struct tarn_partition *part, u64 index, u64 e,
		     bool outdated_only);

#endif
