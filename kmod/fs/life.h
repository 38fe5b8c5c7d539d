/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making pools and partitions, of what each room has of them, and their end in the
 * reverse order.
 */
#ifndef TARN_LIFE_H
#define TARN_LIFE_H

#include <linux/types.h>

struct inode;
struct tarn_partition;
struct tarn_pool;
struct tarn_pool_size;

struct tarn_pool *tarn_pool_create(const struct tarn_pool_size *size,
				   bool paging);
void tarn_pool_shutdown(struct tarn_pool *pool);
struct tarn_partition *tarn_partition_create(struct tarn_pool *pool,
					     struct inode *inode);
struct tarn_partition *tarn_child_create(struct tarn_partition *donor,
					 struct inode *inode, u64 first, u64 pages);
void tarn_partition_evict(struct tarn_partition *part);
struct tarn_partition *tarn_store_create(struct tarn_pool *pool, const char *name);

#endif
