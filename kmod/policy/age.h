/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ages of logical pages (S09): how often each is used, from repeated looks at
 * accessed bits. The scanner (scan.c) and the reclaimer (reclaim.c) look by the
 * same functions, a page once a round.
 */
#ifndef TARN_AGE_H
#define TARN_AGE_H

#include <linux/types.h>
#include <linux/tarn.h>

#include "pool/use.h"

struct tarn_leaf;
struct tarn_partition;

/**
 * struct tarn_ages - what is known of a partition's pages as a whole
 * @round: number of the round that goes on, or of the last one
 * @looked: leaves looked at in it
 * @whole: all were
 * @decays: in this round pages that were not used lose
 * @began: when it began, in jiffies
 * @began_evictions: pool->evictions then
 * @decayed: when a round last had pages lose, in jiffies
 * @decayed_evictions: pool->evictions then
 * @at: number of the leaf at which the scanner goes on
 * @count: resident pages by use, as of the last whole round, less those that
 *	reclaim took since
 * @next: the same of the round that goes on
 * @next_class: all pages by class, of the round that goes on
 * @by_class: the same as of the last whole round
 * @next_used_shared: of those that are warm or hot, how many are shared
 * @used_shared: the same as of the last whole round
 * @rounds: whole rounds so far
 * @coldness: use up to which reclaim takes pages here
 *
 * Locking: part->hand_lock; @by_class, @used_shared, @rounds and @coldness are read without.
 */
struct tarn_ages {
	u32 round;
	u64 looked;
	bool whole;
	bool decays;
	unsigned long began;
	u64 began_evictions;
	unsigned long decayed;
	u64 decayed_evictions;
	unsigned long at;
	u64 count[TARN_USE_MAX + 1];
	u64 next[TARN_USE_MAX + 1];
	u64 next_class[TARN_ACTIVITY_CLASSES];
	u64 by_class[TARN_ACTIVITY_CLASSES];
	u64 next_used_shared;
	u64 used_shared;
	u64 rounds;
	u8 coldness;
};

int tarn_ages_create(struct tarn_partition *part);
enum tarn_activity tarn_age_class(u64 e);
u8 tarn_age_heat(struct tarn_partition *part, u64 e);
u64 tarn_age_working_set(struct tarn_partition *part);
void tarn_age_heat_fill(struct tarn_partition *part,
			struct tarn_partition_heat *heat);

bool tarn_age_due(struct tarn_partition *part);
void tarn_age_begin(struct tarn_partition *part);
bool tarn_age_stale(struct tarn_partition *part, const struct tarn_leaf *leaf);
bool tarn_age_look(struct tarn_partition *part, struct tarn_leaf *leaf,
		   u64 first, unsigned long *young);
bool tarn_age_peek(struct tarn_partition *part, struct tarn_leaf *leaf,
		   u64 first, unsigned int from, unsigned int to,
		   unsigned long *young);
unsigned int tarn_age_scan(struct tarn_partition *part, unsigned int leaves,
			   u64 *pages);
unsigned int tarn_age_coldness(struct tarn_partition *part);
void tarn_age_taken(struct tarn_partition *part, u64 e);
void tarn_age_parted(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first);
void tarn_age_advise(struct tarn_partition *part, u64 index, unsigned int use);

#endif
