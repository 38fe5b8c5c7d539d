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
 * enum tarn_move - what becomes of a page that is to be moved
 * @TARN_MOVE_TAKEN: it is in hand
 * @TARN_MOVE_ELSEWHERE: it has no frame, or another one by now
 * @TARN_MOVE_BUSY: somebody else has it in hand
 * @TARN_MOVE_HELD: somebody holds its frame by a reference
 * @TARN_MOVE_POISONED: its frame has a memory error
 */
enum tarn_move {
	TARN_MOVE_TAKEN,
	TARN_MOVE_ELSEWHERE,
	TARN_MOVE_BUSY,
	TARN_MOVE_HELD,
	TARN_MOVE_POISONED,
};

#define TARN_MOVE_NONE	U64_MAX

/**
 * struct tarn_move_batch - pages that are to be moved
 * @pages: in hand, marked MOVE; the caller holds the partition's pin
 * @to: where each goes: the batch's frames
 * @sharers: of a store, pages that share those
 * @moved: pages that were
 * @held: pages that turned out to be held only when they were unmapped
 * @held_page: the first of these, or TARN_MOVE_NONE
 */
struct tarn_move_batch {
	struct tarn_batch pages;
	u64 to[TARN_BATCH_MOST];
	u32 sharers;
	unsigned int moved;
	unsigned int held;
	u64 held_page;
};

void tarn_move_begin(struct tarn_move_batch *batch,
		     struct tarn_partition *part);
enum tarn_move tarn_move_add(struct tarn_move_batch *batch, u64 index,
			     atomic64_t *entry, u64 frame, u64 to);
bool tarn_move_is_full(const struct tarn_move_batch *batch);
unsigned int tarn_move_unmap(struct tarn_move_batch *batch);
void tarn_move_settle(struct tarn_move_batch *batch);
unsigned int tarn_move_flush(struct tarn_move_batch *batch);

#endif
