/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making frames free: when, and from which partitions.
 */
#ifndef TARN_RECLAIM_H
#define TARN_RECLAIM_H

#include <linux/types.h>

#include "pool/pool.h"

void tarn_reclaim_init(struct tarn_node *node);
int tarn_reclaim_start(struct tarn_node *node);
void tarn_reclaim_stop(struct tarn_node *node);
void tarn_reclaim_wake(struct tarn_node *node);
void tarn_reclaim_kick(struct tarn_pool *pool);

#endif
