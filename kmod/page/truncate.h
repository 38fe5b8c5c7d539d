/* SPDX-License-Identifier: GPL-2.0-only */
/* Taking pages away from a partition. */
#ifndef TARN_TRUNCATE_H
#define TARN_TRUNCATE_H

#include <linux/types.h>

struct tarn_partition;

void tarn_partition_remove(struct tarn_partition *part, u64 first, u64 end);
u64 tarn_partition_discard(struct tarn_partition *part, u64 first, u64 end);

#endif
