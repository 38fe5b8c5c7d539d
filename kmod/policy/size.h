/* SPDX-License-Identifier: GPL-2.0-only */
/* How large a pool is, and what of it is kept free. */
#ifndef TARN_SIZE_H
#define TARN_SIZE_H

#include <linux/nodemask.h>
#include <linux/types.h>

struct tarn_held;
struct tarn_pool;
struct tarn_pool_set;

/**
 * struct tarn_pool_size - how large a pool shall be
 * @total: frames on all nodes together, if @per_node is not set
 * @per_node: each node has a size of its own
 * @node: frames by node
 */
struct tarn_pool_size {
	u64 total;
	bool per_node;
	u64 node[MAX_NUMNODES];
};

int tarn_pool_resize(struct tarn_pool *pool, const struct tarn_pool_size *size,
		     struct tarn_held *held);
int tarn_pool_set(struct tarn_pool *pool, const struct tarn_pool_set *set);
void tarn_pool_give_back(struct tarn_pool *pool);

/* With pool->resize_lock, of a pool whose size changes. */
int tarn_size_grow(struct tarn_pool *pool, int nid, u64 chunks);
int tarn_size_start(struct tarn_pool *pool);
void tarn_size_set_marks(struct tarn_pool *pool);
void tarn_size_settle(struct tarn_pool *pool);

#endif
