/* SPDX-License-Identifier: GPL-2.0-only */
/* What a pool and its partitions are at this moment, for the history. */
#ifndef TARN_LOGD_RECORD_H
#define TARN_LOGD_RECORD_H

#include "guest.h"
#include "history.h"

/**
 * record_take() - Read all counters of a pool.
 * @guests: of the host: their names are taken, and what they alone have is reached
 * @time: what to call this moment
 * Return: 0 or an errno, reported; then @moment needs no history_moment_free().
 */
int record_take(struct history_moment *moment, const struct pool *pool,
		const struct guests *guests, int64_t time);

#endif
