/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bringing pages home (S04, S06): who sets the homes of a partition, and the thread of a
 * pool that moves what lies elsewhere, the most used pages first.
 */
#ifndef TARN_PLACE_H
#define TARN_PLACE_H

#include <linux/tarn.h>
#include <linux/types.h>

struct tarn_partition;
struct tarn_pool;

long tarn_homes_set(struct tarn_partition *part,
		    const struct tarn_partition_homes *h);
long tarn_homes_list(struct tarn_partition *part,
		     struct tarn_partition_homes *h);

int tarn_place_start(struct tarn_pool *pool);
void tarn_place_stop(struct tarn_pool *pool);

#endif
