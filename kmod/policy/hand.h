/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages of a partition go: a hand goes round the page table, one for each
 * NUMA node, and stops where it was.
 */
#ifndef TARN_HAND_H
#define TARN_HAND_H

#include <linux/cache.h>
#include <linux/types.h>

struct tarn_partition;

#define TARN_PRESSURE_MAX	3

/**
 * struct tarn_hand - where reclaim of a node is in a partition
 * @at: page to go on with
 * @left: leaves to visit until it has been everywhere since it last took one
 * @probed: on this way round pages went on probation
 * @all_leaves: leaves without pages on the node are looked at as well, to bring
 *	the round of looks to its end
 * @least: least use of pages that stayed though they were not used just now
 * @fresh: least use of those that stayed as they were, or are new
 * @run: run of the node's reclaim that the last two are of
 * @boost: added to the coldness of the partition
 * @vain: turns in vain since the last one that was not
 *
 * Locking: the partition's hand_lock, but for @vain, which is a hint.
 */
struct tarn_hand {
	u64 at;
	u64 left;
	bool probed;
	bool all_leaves;
	unsigned int least;
	unsigned int fresh;
	u32 run;
	unsigned int boost;
	unsigned int vain;
} ____cacheline_aligned_in_smp;

/**
 * struct tarn_turn - a batch to be taken from a partition
 * @node: frames of this node only
 * @run: number of the node's run of reclaim
 * @pressure: 0 to TARN_PRESSURE_MAX
 * @least: frames that the partition has to keep
 * @taken: pages that were freed or sent
 * @full: the batch was, as far as @least lets it
 * @vain: there is no more than @least, or the hand was everywhere and found
 *	nothing, or nothing that was let go
 */
struct tarn_turn {
	int node;
	u32 run;
	unsigned int pressure;
	u64 least;
	unsigned int taken;
	bool full;
	bool vain;
};

int tarn_hands_create(struct tarn_partition *part);
void tarn_hand_turn(struct tarn_partition *part, struct tarn_turn *turn);
unsigned int tarn_hand_vain(const struct tarn_hand *hand, u32 run);

#endif
