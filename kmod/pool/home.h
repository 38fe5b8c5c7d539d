/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Home nodes of a partition (S04): on which NUMA nodes its frames are to be, and how many
 * on each. Here is what they are and what follows from them for one page; they are
 * set in policy/homes.c, and policy/place.c moves pages to them.
 *
 * Without homes a page gets its frame where it is touched. But what is stored of a leaf when it
 * is relocated to a node (policy/round.c) comes back there, as what has a frame is moved there:
 * the leaf says so, until homes are set, or it is relocated again.
 */
#ifndef TARN_HOME_H
#define TARN_HOME_H

#include <linux/rcupdate.h>
#include <linux/types.h>

struct tarn_leaf;
struct tarn_partition;

/**
 * struct tarn_homes - the homes of a partition, at least one; never changed
 * @rcu: for its end
 * @count: how many
 * @home: them, in ascending order of @home.nid
 * @home.wanted: frames that are to be there, 0: no number
 */
struct tarn_homes {
	struct rcu_head rcu;
	unsigned int count;
	struct {
		int nid;
		u64 wanted;
	} home[];
};

void tarn_home_forget(struct tarn_partition *part);
int tarn_home_near(struct tarn_partition *part, int here);
int tarn_home_pick(struct tarn_partition *part);
int tarn_home_pick_page(struct tarn_partition *part, u64 index,
			const struct tarn_leaf *back);
int tarn_home_pick_block(struct tarn_partition *part, int here);
u64 tarn_home_alloc(struct tarn_partition *part, u64 index,
		    const struct tarn_leaf *back);
bool tarn_home_wanted(struct tarn_partition *part, int nid, u64 *wanted);
u64 tarn_home_resident(struct tarn_partition *part, int nid);
u64 tarn_home_excess(struct tarn_partition *part, int nid);
u64 tarn_home_missing(struct tarn_partition *part, int nid);

#endif
