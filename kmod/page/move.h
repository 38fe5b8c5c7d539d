/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving pages to other frames (S05): a batch of one partition at a time. A page that
 * somebody holds by a reference of its frame (DMA, GUP) stays; one that is read or given
 * up just then is passed over.
 */
#ifndef TARN_MOVE_H
#define TARN_MOVE_H

#include <linux/types.h>

#include "page/batch.h"

/**
 * struct tarn_move_batch - pages that are to be moved
 * @pages: in hand, marked MOVE; the caller holds the partition's pin
 * @to: where each goes: the batch's frames
 * @moved: pages that were
 * @held: pages that somebody holds, or whose frame has a memory error
 */
struct tarn_move_batch {
	struct tarn_batch pages;
	u64 to[TARN_BATCH_MOST];
	unsigned int moved;
	unsigned int held;
};

void tarn_move_begin(struct tarn_move_batch *batch,
		     struct tarn_partition *part);
bool tarn_move_add(struct tarn_move_batch *batch, u64 index, atomic64_t *entry,
		   u64 e, u64 to);
void tarn_move_flush(struct tarn_move_batch *batch);

#endif
