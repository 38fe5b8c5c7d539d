/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that leave a pool (S05), as a node is drained (drain.c) or the pool becomes smaller
 * (size.c): what is told of it, while it goes on and afterwards. Who empties them holds
 * pool->resize_lock for long; who asks does not wait for that.
 */
#ifndef TARN_LEAVE_H
#define TARN_LEAVE_H

#include <linux/spinlock.h>
#include <linux/tarn.h>

#include "policy/tracker.h"

struct tarn_evacuation;
struct tarn_pool;

/**
 * struct tarn_leave - of a pool, as long as that is
 * @lock: protects @told, and keeps who asks from seeing the counts begin anew
 * @told: of this time or the last one, but for what @tracker counts
 * @tracker: of what is moved
 *
 * Locking: all is written under pool->resize_lock.
 */
struct tarn_leave {
	spinlock_t lock;
	struct tarn_pool_drain told;
	struct tarn_tracker tracker;
};

int tarn_leave_create(struct tarn_pool *pool);
void tarn_leave_begin(struct tarn_pool *pool, enum tarn_drain_why why,
		      u32 flags, u32 node, u64 frames);
void tarn_leave_end(struct tarn_pool *pool, u32 state);
bool tarn_leave_runs(struct tarn_pool *pool);
void tarn_leave_set_grown(struct tarn_pool *pool, u64 frames);
void tarn_leave_set_way(struct tarn_pool *pool,
			const struct tarn_evacuation *ev);
void tarn_leave_tell(struct tarn_pool *pool, struct tarn_pool_drain *to);

#endif
