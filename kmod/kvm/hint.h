/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest knows of its own pages (TARN_HC_HINT). */
#ifndef TARN_HINT_H
#define TARN_HINT_H

#include <linux/types.h>
#include <linux/tarn_para.h>

struct tarn_partition;

long tarn_hint_apply(struct tarn_partition *part, enum tarn_hint hint,
		     u64 first, u64 count);

#endif
