/* SPDX-License-Identifier: GPL-2.0-only */
/* Leaving a NUMA node (S05): a pool gives all that it has there back to the kernel. */
#ifndef TARN_DRAIN_H
#define TARN_DRAIN_H

#include <linux/tarn.h>

struct tarn_pool;

long tarn_drain(struct tarn_pool *pool, struct tarn_pool_drain *d);
bool tarn_draining(struct tarn_pool *pool);
void tarn_drain_end(struct tarn_pool *pool);

#endif
