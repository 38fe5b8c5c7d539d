/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving pages up: a batch of pages of one partition is taken in hand, unmapped
 * together, and each one dropped, found to be zero, or sent to the pager.
 */
#ifndef TARN_EVICT_H
#define TARN_EVICT_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/types.h>

struct page;
struct tarn_partition;

#define TARN_EVICT_BATCH	64

/**
 * struct tarn_evict_batch - pages taken in hand, in ascending order
 * @part: their partition; the caller holds its pin
 * @can_store: the pager takes pages that it has no copy of
 * @can_overwrite: it takes those of which it has an outdated one
 * @zero_only: only pages that are zero go, for which the pager is not needed
 * @count: how many
 * @freed: pages given up without I/O
 * @sent: pages sent to the pager
 * @busy: pages that somebody holds, or that can't be stored now
 * @joined: by page: what lies between the one before and it may be unmapped as
 *	well
 * @dropped: copies that nothing needs any more
 * @copies: their cookies
 * @page: each marked OUT and its frame's page locked
 */
struct tarn_evict_batch {
	struct tarn_partition *part;
	bool can_store;
	bool can_overwrite;
	bool zero_only;
	unsigned int count;
	unsigned int freed;
	unsigned int sent;
	unsigned int busy;
	DECLARE_BITMAP(joined, TARN_EVICT_BATCH);
	unsigned int dropped;
	u64 copies[TARN_EVICT_BATCH];
	struct {
		u64 index;
		u64 frame;
	} page[TARN_EVICT_BATCH];
};

void tarn_evict_begin(struct tarn_evict_batch *batch,
		      struct tarn_partition *part);
bool tarn_evict_add(struct tarn_evict_batch *batch, u64 index, u64 e,
		    bool joined);
void tarn_evict_flush(struct tarn_evict_batch *batch);
bool tarn_evict_poisoned(struct tarn_partition *part, u64 index,
			 atomic64_t *entry, u64 frame, struct page *page);
void tarn_evict_copy(struct tarn_partition *part, u64 index, u64 e,
		     bool outdated_only);

#endif
