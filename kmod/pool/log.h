/* SPDX-License-Identifier: GPL-2.0-only */
/* What an operator has to know, in the kernel's log. */
#ifndef TARN_LOG_H
#define TARN_LOG_H

#include <linux/tarn.h>
#include <linux/types.h>

struct tarn_pool;

void tarn_log(const struct tarn_pool *pool, enum tarn_event_type type,
	      u32 partition, u64 index, s64 value);

#endif
