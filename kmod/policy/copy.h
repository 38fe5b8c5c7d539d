/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages that share from the start with others of their partition (S14, linux/tarn_save.h). */
#ifndef TARN_COPY_H
#define TARN_COPY_H

struct tarn_partition;
struct tarn_partition_copy;

long tarn_copy_range(struct tarn_partition *part, struct tarn_partition_copy *c);

#endif
