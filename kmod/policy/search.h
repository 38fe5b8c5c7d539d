/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking for patterns (pool/pattern.h) among pages that are in frames: by the scanner
 * among cold ones, and where somebody says that there are some.
 */
#ifndef TARN_SEARCH_H
#define TARN_SEARCH_H

#include <linux/atomic.h>
#include <linux/types.h>

struct tarn_partition;

/**
 * struct tarn_search - how far the scanner has come in a partition
 * @at: number of the leaf at which it goes on
 * @whole: it has been everywhere
 * @began: when it began, in jiffies
 * @back: so often it finds next to nothing, and waits twice as long
 * @looked: pages that were looked at since
 * @found: of these, patterns, or such that came to share a frame
 * @held: pages in frames or with the pager when it began
 * @pages: that the scanner looked at for patterns so far
 * @ns: time of its steps so far, those for equal pages included
 * @hashed: pages that were hashed to find equal ones so far (match.c)
 * @match_ns: time that this took
 *
 * Only the scanner's, but for @back and the last two.
 */
struct tarn_search {
	unsigned long at;
	bool whole;
	unsigned long began;
	int back;
	u64 looked;
	u64 found;
	u64 held;
	atomic64_t pages;
	atomic64_t ns;
	atomic64_t hashed;
	atomic64_t match_ns;
};

int tarn_search_create(struct tarn_partition *part);
void tarn_search_soon(struct tarn_partition *part);
bool tarn_search_pays(struct tarn_partition *part);
bool tarn_search_due(struct tarn_partition *part);
bool tarn_search_step(struct tarn_partition *part);
void tarn_search_pages(struct tarn_partition *part, u64 first, u64 end);
long tarn_search_range(struct tarn_partition *part, u64 start, u64 count,
		       u64 *done);

#endif
