/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bringing pages home (S04, S06): the thread of a pool that moves what lies elsewhere, the
 * most used pages first.
 */
#ifndef TARN_PLACE_H
#define TARN_PLACE_H

struct tarn_pool;

int tarn_place_start(struct tarn_pool *pool);
void tarn_place_stop(struct tarn_pool *pool);
void tarn_place_kick(struct tarn_pool *pool);

#endif
