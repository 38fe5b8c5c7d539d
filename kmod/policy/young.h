/* SPDX-License-Identifier: GPL-2.0-only */
/* Accessed bits of the mappings of a partition. */
#ifndef TARN_YOUNG_H
#define TARN_YOUNG_H

#include <linux/types.h>

struct tarn_partition;

bool tarn_young_collect(struct tarn_partition *part, u64 first, u64 count,
			unsigned long *young);

#endif
