// SPDX-License-Identifier: GPL-2.0-only
/* See home.h. */
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "pool/canon.h"
#include "pool/chunk.h"
#include "pool/home.h"
#include "pool/partition.h"

/*
 * How much a home lacks: one with a number that it does not have comes before those
 * without, of which the one with least comes first.
 */
#define LACKS_NUMBER	(1ULL << 62)
#define LACKS_ANY	(1ULL << 61)

/* Pages of a partition on a node. */
u64 tarn_home_resident(struct tarn_partition *part, int nid)
{
	return max_t(s64, 0, atomic64_read(&part->node[nid].resident));
}

static u64 missing(struct tarn_partition *part, int nid, u64 wanted)
{
	u64 has = tarn_home_resident(part, nid);

	if (!wanted)
		return LACKS_ANY - min(LACKS_ANY, has);
	return wanted > has ? wanted - has : 0;
}

/* A node that has no frames to give, one or a block, is no use. */
static bool has_room(struct tarn_pool *pool, int nid, unsigned int pages)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);

	if (!n)
		return false;
	return pages == 1 ? READ_ONCE(n->free) > READ_ONCE(n->low) :
			    tarn_chunk_room(n, 0);
}

/* 0: nothing, or there is no room; of blocks 1: not so many as one has, but there is room. */
static u64 lacks(struct tarn_partition *part, int nid, u64 wanted,
		 unsigned int pages)
{
	u64 much = missing(part, nid, wanted);

	if (!has_room(part->pool, nid, pages))
		return 0;
	if (much < pages)
		return pages > 1;
	return wanted ? LACKS_NUMBER + much : much;
}

/* Where most is missing; of those where as much is, the nearest. */
static int pick_home(struct tarn_partition *part, const struct tarn_homes *homes,
		     int here, bool stranger, unsigned int pages)
{
	int best = NUMA_NO_NODE;
	unsigned int i;
	u64 most = 0;

	for (i = 0; i < homes->count; i++) {
		int nid = homes->home[i].nid;
		u64 much = lacks(part, nid, homes->home[i].wanted, pages);

		if (nid == here && much && !stranger)
			return here;
		if (best != NUMA_NO_NODE &&
		    (much < most ||
		     (much == most && node_distance(here, nid) >=
				      node_distance(here, best))))
			continue;
		best = nid;
		most = much;
	}
	return best;
}

static int pick(struct tarn_partition *part, int here, bool stranger,
		unsigned int pages)
{
	const struct tarn_homes *homes;
	int nid = here;

	if (likely(!rcu_access_pointer(part->homes)))
		return here;
	rcu_read_lock();
	homes = rcu_dereference(part->homes);
	if (homes)
		nid = pick_home(part, homes, here, stranger, pages);
	rcu_read_unlock();
	return nid;
}

/**
 * tarn_home_pick() - where a page of a partition should get its frame
 * @part: partition
 *
 * On the processor's own node, if that is a home or there are none; but KVM's worker runs
 * anywhere.
 *
 * Context: any.
 */
int tarn_home_pick(struct tarn_partition *part)
{
	return pick(part, numa_node_id(), current->flags & PF_KTHREAD, 1);
}

/* Of a store, where most of those who share the page are at home, if there is room. */
static int pick_shared(struct tarn_partition *store, u64 index)
{
	int here = numa_node_id(), nid = tarn_canon_home(store, index, here);

	return nid != NUMA_NO_NODE && has_room(store->pool, nid, 1) ? nid : here;
}

/**
 * tarn_home_pick_page() - where a page should get its frame
 * @part: partition
 * @index: page
 * @back: its leaf, if it is stored and may come back; NULL: it is not
 *
 * Context: any.
 */
int tarn_home_pick_page(struct tarn_partition *part, u64 index,
			const struct tarn_leaf *back)
{
	int want = back ? READ_ONCE(back->want) : NUMA_NO_NODE;

	if (tarn_partition_is_store(part))
		return pick_shared(part, index);
	return unlikely(want != NUMA_NO_NODE) &&
	       !rcu_access_pointer(part->homes) ? want : tarn_home_pick(part);
}

/* Homes are set: what of it was to come back where is not so any more. Context: process. */
void tarn_home_forget(struct tarn_partition *part)
{
	struct tarn_leaf *leaf;
	unsigned long i;

	xa_for_each(&part->leaves, i, leaf) {
		WRITE_ONCE(leaf->want, NUMA_NO_NODE);
		cond_resched();
	}
}

/**
 * tarn_home_alloc() - take a free frame for a page of a partition, if there is one
 * @part: partition
 * @index: page
 * @back: its leaf, if it is stored and comes back
 *
 * It is counted whether it is where it was to be.
 *
 * Context: any.
 * Return: the frame or TARN_FRAME_NONE.
 */
u64 tarn_home_alloc(struct tarn_partition *part, u64 index,
		    const struct tarn_leaf *back)
{
	int nid = tarn_home_pick_page(part, index, back);
	u64 frame = tarn_frame_alloc(part->pool, nid);

	if (likely(frame != TARN_FRAME_NONE))
		tarn_stats_taken(part->pool, nid, frame, 1);
	return frame;
}

/* As tarn_home_pick(), for a page that was on node @here, whoever asks. */
int tarn_home_near(struct tarn_partition *part, int here)
{
	return pick(part, here, false, 1);
}

/**
 * tarn_home_pick_block() - where a block that is to be one frame should get it
 * @part: partition
 * @here: the node that most of its pages are on
 *
 * There, if it is a home with no more than it is to have, as long as another frame can be had
 * there: what is at home does not go elsewhere because less is there.
 *
 * Context: any.
 */
int tarn_home_pick_block(struct tarn_partition *part, int here)
{
	u64 wanted;

	if (tarn_home_wanted(part, here, &wanted) &&
	    !tarn_home_excess(part, here) &&
	    has_room(part->pool, here, TARN_LEAF_PAGES))
		return here;
	return pick(part, here, true, TARN_LEAF_PAGES);
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
	u64 has = tarn_home_resident(part, nid), wanted;

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
