/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far bringing a partition's pages home has come, and how fast it goes: place.c has what
 * goes, place_canon.c the same of what pages share. The placer's thread is the only one that
 * writes it.
 */
#ifndef TARN_WAY_H
#define TARN_WAY_H

#include <linux/types.h>

#include "policy/order.h"

struct tarn_partition;

/* Between two turns. */
#define TARN_WAY_TICK		msecs_to_jiffies(20)
/* What a pass over the mappings counts as. */
#define TARN_WAY_PASS_PAGES	4
/*
 * After a way through a partition on which nothing could be moved it is left alone. Twice as long
 * each time, where all that it found was blocks that stay for the few pages that are too many, or
 * of a store nothing at all.
 */
#define TARN_WAY_REST		(4UL * HZ)
#define TARN_WAY_REST_MOST	(64UL * HZ)

/**
 * struct tarn_way - how far the thread has come with a partition; its own, but for
 *	tarn_way_rate()
 * @homes_set: tarn_partition.homes_set when it set out
 * @rounds: of the scanner, when it set out
 * @order: in which it goes; of a store there is none
 * @step: of the order
 * @at: page to go on with
 * @share: what goes of the block that @at is in the middle of
 * @moved: pages moved since it set out
 * @kept: a block stayed whole since then
 * @tried: something else was to go since then
 * @rate: most pages a turn
 * @waits: TARN_STAT_MOVE_WAITS of the partition before its last turn
 * @went: pages moved in that
 * @rest: how long it rests, in jiffies
 * @rests: until when, if @is_vain
 * @is_vain: the last way was in vain
 */
struct tarn_way {
	int homes_set;
	u64 rounds;
	const struct tarn_order *order;
	unsigned int step;
	u64 at;
	enum tarn_share share;
	u64 moved;
	bool kept;
	bool tried;
	unsigned int rate;
	u64 waits;
	u64 went;
	unsigned long rest;
	unsigned long rests;
	bool is_vain;
};

struct tarn_way *tarn_way_of(struct tarn_partition *part);
void tarn_way_adapt(struct tarn_partition *part, struct tarn_way *way);
u64 tarn_way_rate(struct tarn_partition *part);

#endif
