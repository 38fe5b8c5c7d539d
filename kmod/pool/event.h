/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of a pool for those who listen: TARN_POOL_EVENTS. */
#ifndef TARN_EVENT_H
#define TARN_EVENT_H

#include <linux/tarn.h>
#include <linux/types.h>

struct tarn_pool;

void tarn_event(struct tarn_pool *pool, enum tarn_event_type type,
		u32 partition, u64 index, s64 value);
int tarn_event_open(struct tarn_pool *pool);
void tarn_event_hangup(struct tarn_pool *pool);

#endif
