/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up a block that is one frame (block.h) as a whole: it is dropped, found to be
 * zero, or written by one wide request, and its chunk is free in one piece.
 *
 * Its pages are marked OUT as others are, and its chunk stays whole while it is written. A
 * fault on one page rescues all of them, as it maps them all. If a page is cut away or
 * pinned meanwhile the block is parted, and each page is settled by itself.
 */
#ifndef TARN_BLOCK_STORE_H
#define TARN_BLOCK_STORE_H

#include <linux/types.h>

struct tarn_chunk;
struct tarn_leaf;
struct tarn_partition;

/**
 * struct tarn_block_out - a block in hand, with its page locked and all pages marked OUT
 * @leaf: its leaf; NULL: there is none
 * @first: its first page
 * @chunk: where it is
 */
struct tarn_block_out {
	struct tarn_leaf *leaf;
	u64 first;
	struct tarn_chunk *chunk;
};

/* What becomes of it. */
enum tarn_block_end {
	TARN_BLOCK_KEPT,	/* it stays as it is */
	TARN_BLOCK_PARTED,	/* its pages go one by one, if they do */
	TARN_BLOCK_GONE,	/* its frame is nobody's any more */
	TARN_BLOCK_SENT,	/* it is being stored */
};

bool tarn_block_hold(struct tarn_block_out *out, struct tarn_partition *part,
		     struct tarn_leaf *leaf, u64 index, bool store);
enum tarn_block_end tarn_block_give_up(struct tarn_block_out *out,
				       struct tarn_partition *part);
bool tarn_block_discard(struct tarn_partition *part, struct tarn_leaf *leaf,
			u64 first);
void tarn_block_rescue(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 index);

#endif
