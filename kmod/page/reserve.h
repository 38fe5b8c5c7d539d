/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that fallocate(2) was asked for: they keep their place, in a frame or with
 * the pager, though they are zero. So a later write has nothing to wait for but an
 * exchange, and in a pool without a pager it does not fail.
 */
#ifndef TARN_RESERVE_H
#define TARN_RESERVE_H

#include <linux/types.h>

#include "pool/pins.h"

struct tarn_leaf;
struct tarn_partition;

int tarn_reserve_add(struct tarn_partition *part, u64 index);
void tarn_reserve_commit(struct tarn_partition *part, u64 first, u64 end);
void tarn_reserve_abort(struct tarn_partition *part, u64 first, u64 end);
bool tarn_reserved(struct tarn_partition *part, u64 index);
void tarn_reserve_clear(struct tarn_leaf *leaf, u64 index);

/* Is a page to have a frame of its own, whatever it holds? It is reserved, or to be pinned. */
static inline bool tarn_page_needs_frame(struct tarn_partition *part, u64 index)
{
	return tarn_reserved(part, index) || tarn_pin_wanted(part, index);
}

#endif
