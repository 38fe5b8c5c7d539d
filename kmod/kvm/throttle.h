/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much a guest may ask for: a bucket of tokens that fills with time. What a
 * guest asks for costs the host time of its own thread mostly, but locks and
 * memory besides, so it ends somewhere.
 */
#ifndef TARN_THROTTLE_H
#define TARN_THROTTLE_H

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>

#define TARN_THROTTLE_BURST	4096
#define TARN_THROTTLE_RATE	20000

/**
 * struct tarn_throttle - a bucket
 * @lock: protects it
 * @tokens: left
 * @filled: jiffies when it was filled last
 */
struct tarn_throttle {
	spinlock_t lock;
	unsigned int tokens;
	unsigned long filled;
};

static inline void tarn_throttle_init(struct tarn_throttle *t)
{
	spin_lock_init(&t->lock);
	t->tokens = TARN_THROTTLE_BURST;
	t->filled = jiffies;
}

/* Take tokens for @cost units of work, false if there are not so many. */
static inline bool tarn_throttle_take(struct tarn_throttle *t,
				      unsigned int cost)
{
	unsigned long now = jiffies;
	bool taken = false;

	spin_lock(&t->lock);
	if (now != t->filled) {
		u64 more = min_t(u64, now - t->filled, HZ) *
			   TARN_THROTTLE_RATE / HZ;

		t->tokens = min_t(u64, t->tokens + more, TARN_THROTTLE_BURST);
		t->filled = now;
	}
	if (t->tokens >= cost) {
		t->tokens -= cost;
		taken = true;
	}
	spin_unlock(&t->lock);
	return taken;
}

#endif
