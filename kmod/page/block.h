/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks: an aligned run of 512 pages of a partition, which is a leaf of its page table,
 * and may be one 2 MiB frame, a whole chunk (pool/chunk.h). Each page's entry says where
 * it is as always; that the block is whole only shows at its frames' page. It has
 *
 *	one mapping	of a page table, and of KVM's, where the mapping is aligned
 *	one page lock	so who has one of its pages locked has all
 *	one reference	count, so who holds one of its pages holds all
 *	one dirty bit
 *
 * A block becomes whole when all of it gets its first frame at once, when it comes back, or
 * when its pages are gathered (block_gather.c). As soon as one of its
 * pages is to go its own way (it is given up, moved, cut away) all do: the chunk is split
 * where it lies. While somebody holds a page of it (DMA) that can't be done. Then it is
 * mapped page by page at least, from then on, and what is given up of it waits in limbo.
 */
#ifndef TARN_BLOCK_H
#define TARN_BLOCK_H

#include <linux/ktime.h>
#include <linux/types.h>

#include "pool/chunk.h"
#include "pool/partition.h"

#define TARN_BLOCK_PAGES	TARN_CHUNK_FRAMES

static_assert(TARN_BLOCK_PAGES == TARN_LEAF_PAGES);

/**
 * struct tarn_block_try - how far it came to have a block lie elsewhere
 * @to: first frame where it goes, TARN_FRAME_NONE: there was none; others may read it
 * @since: when the first of its pages was marked, which blocks its translation; 0: none was
 */
struct tarn_block_try {
	u64 to;
	ktime_t since;
};

bool tarn_block_fill(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 index);
bool tarn_block_part(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 index);
void tarn_block_part_chunk(struct tarn_pool *pool, struct tarn_chunk *chunk);
struct tarn_chunk *tarn_block_take(struct tarn_pool *pool, int nid);
void tarn_block_give(struct tarn_pool *pool, struct tarn_chunk *chunk);
struct page *tarn_block_lock(struct tarn_pool *pool, atomic64_t *entry);
void tarn_block_mark(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first, const struct tarn_chunk *chunk,
		     unsigned long *marked);
void tarn_block_unmark(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 first, const unsigned long *marked);
void tarn_block_unmap(struct tarn_partition *part, u64 first,
		      const struct tarn_chunk *chunk);
bool tarn_block_try_move(struct tarn_partition *part, struct tarn_leaf *leaf,
			 u64 index, int nid, struct tarn_block_try *try);
bool tarn_block_try_gather(struct tarn_partition *part, struct tarn_leaf *leaf,
			   u64 first, int nid, struct tarn_block_try *try);
bool tarn_block_look(struct tarn_partition *part, u64 index);
bool tarn_block_is_whole(struct tarn_pool *pool, u64 e);

/* For who does not care how far it came. */
static inline bool tarn_block_move(struct tarn_partition *part,
				   struct tarn_leaf *leaf, u64 index, int nid)
{
	struct tarn_block_try try;

	return tarn_block_try_move(part, leaf, index, nid, &try);
}

static inline bool tarn_block_gather(struct tarn_partition *part,
				     struct tarn_leaf *leaf, u64 first, int nid)
{
	struct tarn_block_try try;

	return tarn_block_try_gather(part, leaf, first, nid, &try);
}

static inline void tarn_block_try_begin(struct tarn_block_try *try)
{
	/* Pairs with who reads where it goes (policy/tracker.c). */
	smp_store_release(&try->to, TARN_FRAME_NONE);
	try->since = 0;
}

static inline void tarn_block_try_to(struct tarn_block_try *try,
				     const struct tarn_chunk *to)
{
	/* As above. */
	smp_store_release(&try->to, tarn_chunk_first(to));
}

static inline void tarn_block_try_mark(struct tarn_block_try *try)
{
	try->since = ktime_get();
}

#endif
