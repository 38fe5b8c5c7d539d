/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that wait for a frame, first come first served.
 *
 * Not all wants are alike. A page that grows a partition (it was empty) adds to
 * what the pool and the pager have to hold; one that comes back from the pager
 * only changes place with another. If growth could take the last frame while the
 * pager has no room, nothing could be exchanged any more and everybody would
 * stand still. So growth leaves a few frames alone at any time, and more of them
 * while the pager is full (growth_allowed()).
 */
#ifndef TARN_WAITER_H
#define TARN_WAITER_H

#include <linux/types.h>

struct tarn_leaf;
struct tarn_partition;
struct tarn_pool;
struct tarn_wait;

/**
 * enum tarn_want - what a frame is wanted for
 * @TARN_WANT_RETURN: a paged page that comes back
 * @TARN_WANT_GROWTH: an empty page that gets its first frame
 */
enum tarn_want {
	TARN_WANT_RETURN,
	TARN_WANT_GROWTH,
	TARN_WANT_COUNT,
};

u64 tarn_frame_try(struct tarn_partition *part, u64 index,
		   const struct tarn_leaf *back, enum tarn_want want);
u64 tarn_frame_wait(struct tarn_partition *part, u64 index,
		    const struct tarn_leaf *back, enum tarn_want want,
		    struct tarn_wait *wait);
bool tarn_waiters_any(struct tarn_pool *pool);
u64 tarn_waiters_first(struct tarn_pool *pool);
bool tarn_waiters_give(struct tarn_pool *pool, u64 frame);
void tarn_waiters_serve(struct tarn_pool *pool);

#endif
