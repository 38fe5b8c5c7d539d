/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a partition is entitled to of a pool that is short of frames, from its
 * weight, its minimum and what was set as desired.
 */
#ifndef TARN_ENTITLE_H
#define TARN_ENTITLE_H

#include <linux/types.h>

struct tarn_partition;
struct tarn_partition_set;
struct tarn_pool;

/**
 * enum tarn_claim - how a partition stands to what it is entitled to
 * @TARN_CLAIM_ABOVE: it has more
 * @TARN_CLAIM_WITHIN: no more, but more than its minimum
 * @TARN_CLAIM_MINIMUM: its minimum at most
 */
enum tarn_claim {
	TARN_CLAIM_ABOVE,
	TARN_CLAIM_WITHIN,
	TARN_CLAIM_MINIMUM,
};

void tarn_entitle(struct tarn_pool *pool);
void tarn_entitle_now_and_then(struct tarn_pool *pool);
u64 tarn_entitle_fair(struct tarn_partition *part);
u64 tarn_entitle_charge(struct tarn_partition *part);
u64 tarn_entitle_least(struct tarn_partition *part);
u64 tarn_entitle_over(struct tarn_partition *part);
enum tarn_claim tarn_entitle_claim(struct tarn_partition *part);
int tarn_entitle_set(struct tarn_partition *part,
		     const struct tarn_partition_set *set);
int tarn_entitle_limit(struct tarn_pool *pool, u64 frames);
void tarn_entitle_remove(struct tarn_partition *part);

#endif
