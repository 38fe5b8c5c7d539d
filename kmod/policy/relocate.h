/* SPDX-License-Identifier: GPL-2.0-only */
/* Relocating a range of a partition to other frames (S05). */
#ifndef TARN_RELOCATE_H
#define TARN_RELOCATE_H

#include <linux/tarn.h>

struct tarn_partition;

long tarn_relocate(struct tarn_partition *part,
		   struct tarn_partition_relocate *r);
void tarn_relocate_end(struct tarn_partition *part);
bool tarn_relocating(struct tarn_partition *part);

int tarn_relocate_init(void);
void tarn_relocate_exit(void);

#endif
