/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Promotion: a thread a pool that makes blocks of small frames 2 MiB ones, at a set cost.
 */
#ifndef TARN_PROMOTE_H
#define TARN_PROMOTE_H

#include <linux/types.h>

struct tarn_pool;

#define TARN_PROMOTE_PERMILLE_DEFAULT	10
#define TARN_PROMOTE_PERMILLE_MAX	1000

int tarn_promote_start(struct tarn_pool *pool);
void tarn_promote_stop(struct tarn_pool *pool);
void tarn_promote_set(struct tarn_pool *pool, u32 permille);

#endif
