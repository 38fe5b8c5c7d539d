/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Free frames that each CPU has at hand, so that a first touch and a page-in take
 * no lock that others want. They are of the CPU's own node.
 *
 * Magazines never keep a frame from who needs it. They are filled from what a node
 * has above its low mark, hold no more than a sixty-fourth of a pool together, and
 * whoever finds too few frames elsewhere empties them all: who waits for a frame,
 * reclaim before it takes pages, a pool that shrinks. While somebody waits none is
 * filled: that is looked at with the magazine's lock held, and who waits takes
 * that lock after it can be seen, so one of the two sees the other.
 *
 * As any CPU may empty any magazine, one of a CPU that went offline is no special
 * case.
 */
#ifndef TARN_MAGAZINE_H
#define TARN_MAGAZINE_H

#include <linux/cache.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct tarn_chunk;
struct tarn_node;
struct tarn_pool;

#define TARN_MAGAZINE_MOST	32

/**
 * struct tarn_magazine - of one CPU
 * @lock: protects what follows; its CPU takes it always, others to empty it
 * @nid: the CPU's node, fixed
 * @count: how many frames
 * @frame: they are on no list
 */
struct tarn_magazine {
	spinlock_t lock;
	int nid;
	unsigned int count;
	u64 frame[TARN_MAGAZINE_MOST];
} ____cacheline_aligned_in_smp;

int tarn_magazines_create(struct tarn_pool *pool);
void tarn_magazines_set(struct tarn_pool *pool);
u64 tarn_magazine_take(struct tarn_node *n);
bool tarn_magazine_put(struct tarn_node *n, const struct tarn_chunk *chunk,
		       u64 frame);
bool tarn_magazines_empty(struct tarn_pool *pool);
u64 tarn_magazines_count(struct tarn_pool *pool, int nid);

#endif
