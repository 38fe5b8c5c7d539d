/* SPDX-License-Identifier: GPL-2.0-only */
/* The homes of a partition as user space sets and reads them (S04). */
#ifndef TARN_HOMES_H
#define TARN_HOMES_H

#include <linux/tarn.h>

struct tarn_partition;

int tarn_homes_inherit(struct tarn_partition *part, struct tarn_partition *from);
long tarn_homes_set(struct tarn_partition *part,
		    const struct tarn_partition_homes *h);
long tarn_homes_list(struct tarn_partition *part,
		     struct tarn_partition_homes *h);

#endif
