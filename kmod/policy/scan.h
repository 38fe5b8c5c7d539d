/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scanner: a thread a pool that keeps the ages of pages (age.h) up to date
 * at a set cost.
 */
#ifndef TARN_SCAN_H
#define TARN_SCAN_H

#include <linux/types.h>

struct tarn_pool;

#define TARN_SCAN_PERMILLE_DEFAULT	20
#define TARN_SCAN_PERMILLE_MAX		1000

int tarn_scan_start(struct tarn_pool *pool);
void tarn_scan_stop(struct tarn_pool *pool);
void tarn_scan_set(struct tarn_pool *pool, u32 permille);
void tarn_scan_wake(struct tarn_pool *pool);

#endif
