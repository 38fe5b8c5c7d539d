/* SPDX-License-Identifier: GPL-2.0-only */
/* Stores: pages that were taken in hand (evict.c) are written. */
#ifndef TARN_STORE_H
#define TARN_STORE_H

#include <linux/list.h>
#include <linux/types.h>

struct tarn_partition;
struct tarn_pool;

int tarn_store_add(struct list_head *batch, struct tarn_partition *part,
		   u64 index, u64 frame);
void tarn_store_submit(struct tarn_pool *pool, struct list_head *batch);

#endif
