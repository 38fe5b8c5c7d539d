// SPDX-License-Identifier: GPL-2.0-only
/* See home.h. */
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "pool/home.h"
#include "pool/partition.h"

/* Of a home without a number more is missing than of any that has one. */
#define NO_NUMBER	(1ULL << 62)

static u64 resident_on(struct tarn_partition *part, int nid)
{
	return max_t(s64, 0, atomic64_read(&part->node[nid].resident));
}

static u64 missing(struct tarn_partition *part, int nid, u64 wanted)
{
	u64 has = resident_on(part, nid);

	if (!wanted)
		wanted = NO_NUMBER;
	return wanted - min(wanted, has);
}

/* Where most is missing; of those where as much is, the nearest. */
static int pick_home(struct tarn_partition *part, const struct tarn_homes *homes)
{
	/* KVM's worker runs anywhere. */
	int here = numa_node_id(), best = NUMA_NO_NODE;
	bool stranger = current->flags & PF_KTHREAD;
	u64 most = 0;
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		int nid = homes->home[i].nid;
		u64 lacks = missing(part, nid, homes->home[i].wanted);

		if (nid == here && lacks && !stranger)
			return here;
		if (best != NUMA_NO_NODE &&
		    (lacks < most ||
		     (lacks == most && node_distance(here, nid) >=
				       node_distance(here, best))))
			continue;
		best = nid;
		most = lacks;
	}
	return best;
}

/**
 * tarn_home_pick() - where a page of a partition should get its frame
 * @part: partition
 *
 * The processor's own node, if that is a home or there are none.
 *
 * Context: any.
 */
int tarn_home_pick(struct tarn_partition *part)
{
	const struct tarn_homes *homes;
	int nid;

	if (likely(!rcu_access_pointer(part->homes)))
		return numa_node_id();
	rcu_read_lock();
	homes = rcu_dereference(part->homes);
	nid = homes ? pick_home(part, homes) : numa_node_id();
	rcu_read_unlock();
	return nid;
}

/* Is a node a home, and how many frames are to be there? Context: RCU. */
static bool is_home(const struct tarn_homes *homes, int nid, u64 *wanted)
{
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		if (homes->home[i].nid != nid)
			continue;
		*wanted = homes->home[i].wanted;
		return true;
	}
	return false;
}

bool tarn_home_wanted(struct tarn_partition *part, int nid, u64 *wanted)
{
	const struct tarn_homes *homes;
	bool is;

	rcu_read_lock();
	homes = rcu_dereference(part->homes);
	is = homes && is_home(homes, nid, wanted);
	rcu_read_unlock();
	return is;
}

/* Pages on a node that should be elsewhere. Without homes there are none. */
u64 tarn_home_excess(struct tarn_partition *part, int nid)
{
	const struct tarn_homes *homes;
	u64 has = resident_on(part, nid), wanted;

	if (!has || !rcu_access_pointer(part->homes))
		return 0;
	rcu_read_lock();
	homes = rcu_dereference(part->homes);
	if (!homes)
		has = 0;
	else if (is_home(homes, nid, &wanted))
		has -= wanted ? min(has, wanted) : has;
	rcu_read_unlock();
	return has;
}

/* Pages that a home has too few; 0 of what is none. */
u64 tarn_home_missing(struct tarn_partition *part, int nid)
{
	u64 wanted;

	return tarn_home_wanted(part, nid, &wanted) ?
	       missing(part, nid, wanted) : 0;
}

/* All that should be elsewhere. */
u64 tarn_home_misplaced(struct tarn_partition *part)
{
	u64 sum = 0;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		sum += tarn_home_excess(part, nid);
	return sum;
}
