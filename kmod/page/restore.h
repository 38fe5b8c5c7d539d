/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that come to hold something again without a frame (S14, linux/tarn_save.h): an empty
 * page is taken in hand, becomes what it is to be, and nothing of its content is written.
 */
#ifndef TARN_RESTORE_H
#define TARN_RESTORE_H

#include <linux/types.h>

struct tarn_partition;
struct tarn_partition_fill;
struct tarn_partition_import;

long tarn_restore_fill(struct tarn_partition *part, struct tarn_partition_fill *f);
long tarn_restore_import(struct tarn_partition *part,
			 struct tarn_partition_import *i);

#endif
