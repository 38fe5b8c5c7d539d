/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up a range of pages by request. */
#ifndef TARN_PAGEOUT_H
#define TARN_PAGEOUT_H

#include <linux/types.h>

struct tarn_partition;

long tarn_pageout_range(struct tarn_partition *part, u64 start, u64 count,
			u64 *done);

#endif
