/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What pages that are patterns (pool/pattern.h) have besides: mappings to be read, which go
 * when nobody uses them, and the marks for that.
 */
#ifndef TARN_PAGE_PATTERN_H
#define TARN_PAGE_PATTERN_H

#include <linux/types.h>

struct tarn_leaf;
struct tarn_partition;

void tarn_pattern_look(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 first, const unsigned long *young, unsigned int shift);
unsigned int tarn_pattern_remove(struct tarn_partition *part,
				 struct tarn_leaf *leaf, u64 first, u64 end);

#endif
