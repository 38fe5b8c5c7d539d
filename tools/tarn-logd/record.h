/* SPDX-License-Identifier: GPL-2.0-only */
/* What a pool and its partitions are at this moment, for the history. */
#ifndef TARN_LOGD_RECORD_H
#define TARN_LOGD_RECORD_H

#include "history.h"

/**
 * record_take() - Read all counters of a pool.
 * @time: what to call this moment
 * Return: 0 or an errno, reported; then @moment needs no history_moment_free().
 */
int record_take(struct history_moment *moment, const struct pool *pool,
		int64_t time);

#endif
