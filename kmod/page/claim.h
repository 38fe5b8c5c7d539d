/* SPDX-License-Identifier: GPL-2.0-only */
/* An empty page in hand, which is to hold something without a frame. */
#ifndef TARN_CLAIM_H
#define TARN_CLAIM_H

#include <linux/atomic.h>
#include <linux/types.h>

struct tarn_partition;

int tarn_page_claim(struct tarn_partition *part, u64 index, atomic64_t *entry);
void tarn_page_unclaim(struct tarn_partition *part, u64 index, atomic64_t *entry);

#endif
