/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which blocks of small frames can become one frame (page/block_gather.c), for those who
 * decide which do: promotion, and a relocation that is to compact.
 */
#ifndef TARN_GATHER_H
#define TARN_GATHER_H

#include <linux/types.h>

#include "page/block.h"

struct tarn_leaf;
struct tarn_partition;
struct tarn_pool;

/* So many of its pages have a frame. */
#define TARN_GATHER_LEAST	(TARN_BLOCK_PAGES / 8 * 7)

/**
 * struct tarn_gather_view - what a block of small frames looks like
 * @frames: pages with a frame
 * @warm: of these, used often
 * @stored: pages that the pager has, or a file
 * @nid: node on which most of the frames lie, if more than half do
 * @busy: somebody has a page in hand, so it was not looked at to the end
 */
struct tarn_gather_view {
	unsigned int frames;
	unsigned int warm;
	unsigned int stored;
	int nid;
	bool busy;
};

bool tarn_gather_look(struct tarn_pool *pool, const struct tarn_leaf *leaf,
		      struct tarn_gather_view *v);
unsigned int tarn_gather_held(struct tarn_pool *pool,
			      const struct tarn_leaf *leaf, unsigned int from);
int tarn_gather_target(struct tarn_partition *part,
		       const struct tarn_gather_view *v);
bool tarn_gather_roomy(struct tarn_pool *pool, int nid);
bool tarn_gather_room(struct tarn_pool *pool, int nid);
bool tarn_gather_fetch(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 first);

#endif
