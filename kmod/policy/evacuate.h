/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emptying chunks, so that they can go back to the kernel (S05): for a pool that becomes
 * smaller (size.c), and for a node that is to be left (drain.c). The pages in them are
 * moved by the same engine as any (page/move.h), those of one owner in a batch being a
 * granule, and a block that is one frame another.
 */
#ifndef TARN_EVACUATE_H
#define TARN_EVACUATE_H

#include <linux/ktime.h>
#include <linux/types.h>

#include "page/move.h"

struct tarn_chunk;
struct tarn_evacuee;
struct tarn_pool;
struct tarn_tracker;

/**
 * struct tarn_held - pages that somebody holds by a reference (DMA, GUP)
 * @pages: how many
 * @owner: of the first of them, as struct tarn_frame has it
 */
struct tarn_held {
	u64 pages;
	u64 owner;
};

/**
 * struct tarn_evacuation - emptying the chunks that are leaving, in ways over all of them
 * @pool: their pool
 * @tracker: of what moves, whoever's it is
 * @at: number of the chunk to go on with
 * @left: frames in use even then, as of this way
 * @held: pages that were held, likewise
 * @full: a page found no frame to move to, likewise
 * @list: pages of a chunk
 * @batch: pages in hand, a granule
 * @since: when the first of them was taken
 *
 * Locking: pool->resize_lock.
 */
struct tarn_evacuation {
	struct tarn_pool *pool;
	struct tarn_tracker *tracker;
	u64 at;
	u64 left;
	struct tarn_held held;
	bool full;
	struct tarn_evacuee *list;
	struct tarn_move_batch batch;
	ktime_t since;
};

struct tarn_evacuation *tarn_evacuation_create(struct tarn_pool *pool,
					       struct tarn_tracker *tracker);
void tarn_evacuation_destroy(struct tarn_evacuation *ev);
void tarn_evacuation_begin(struct tarn_evacuation *ev);
bool tarn_evacuate(struct tarn_evacuation *ev, unsigned int chunks);
void tarn_evacuate_one(struct tarn_evacuation *ev, struct tarn_chunk *chunk);

bool tarn_leaving_mark(struct tarn_pool *pool, const u64 *want);
void tarn_leaving_unmark(struct tarn_pool *pool);
void tarn_leaving_destroy(struct tarn_pool *pool);
u64 tarn_leaving_frames(struct tarn_pool *pool, int nid);

#endif
