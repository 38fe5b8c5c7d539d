/* SPDX-License-Identifier: GPL-2.0-only */
/* Accessed bits of the mappings of a partition. */
#ifndef TARN_YOUNG_H
#define TARN_YOUNG_H

#include <linux/types.h>

struct tarn_partition;

/**
 * struct tarn_young_source - tables besides those of processes that map partitions
 * @collect: which pages of a range were accessed, as tarn_young_collect(); the caller
 *	holds the partition's pin. False: it does not know of all of them. Process
 */
struct tarn_young_source {
	bool (*collect)(struct tarn_partition *part, u64 first, u64 count,
			unsigned long *young);
};

void tarn_young_set_source(const struct tarn_young_source *source);
bool tarn_young_collect(struct tarn_partition *part, u64 first, u64 count,
			unsigned long *young);

#endif
