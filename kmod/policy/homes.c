// SPDX-License-Identifier: GPL-2.0-only
/* See homes.h. What follows from homes is pool/home.c's, and policy/place.c's. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "policy/homes.h"
#include "policy/place.h"
#include "pool/home.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* ---- setting ------------------------------------------------------------ */

static int by_node(const void *a, const void *b)
{
	const struct tarn_home *x = a, *y = b;

	return x->node < y->node ? -1 : x->node > y->node;
}

static bool has_frames(struct tarn_pool *pool, u32 nid)
{
	struct tarn_node *n = nid < nr_node_ids ? tarn_pool_node(pool, nid) :
						  NULL;

	return n && READ_ONCE(n->frames);
}

/* An array in ascending order. A node that is told of and no home may be any. */
static bool are_good(struct tarn_pool *pool, const struct tarn_home *from,
		     u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (from[i].flags & ~TARN_NODE_IS_HOME ||
		    (i && from[i].node == from[i - 1].node))
			return false;
		if (from[i].flags & TARN_NODE_IS_HOME &&
		    (!has_frames(pool, from[i].node) ||
		     from[i].wanted_frames > (u64)MAX_LFS_FILESIZE >> PAGE_SHIFT))
			return false;
	}
	return true;
}

/* From such an array. What is told of a home is not looked at. */
static struct tarn_homes *homes_create(const struct tarn_home *from, u32 count)
{
	struct tarn_homes *homes = kzalloc(struct_size(homes, home, count),
					   GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!homes)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		if (!(from[i].flags & TARN_NODE_IS_HOME))
			continue;
		homes->home[homes->count].nid = from[i].node;
		homes->home[homes->count++].wanted = from[i].wanted_frames;
	}
	if (homes->count)
		return homes;
	kfree(homes);
	return NULL;
}

/* NULL: none of the nodes is a home. */
static struct tarn_homes *homes_from_user(struct tarn_pool *pool,
					  const struct tarn_partition_homes *h)
{
	struct tarn_homes *homes;
	struct tarn_home *from;

	if (h->count > nr_node_ids)
		return ERR_PTR(-EINVAL);
	from = memdup_user(u64_to_user_ptr(h->homes),
			   array_size(h->count, sizeof(*from)));
	if (IS_ERR(from))
		return ERR_CAST(from);
	sort(from, h->count, sizeof(*from), by_node, NULL);
	homes = are_good(pool, from, h->count) ? homes_create(from, h->count) :
						 ERR_PTR(-EINVAL);
	kfree(from);
	return homes;
}

/**
 * tarn_homes_set() - TARN_PARTITION_HOMES, to set
 * @part: the partition
 * @h: checked for flags and reserved fields, not for values
 *
 * Context: process.
 * Return: 0; -EINVAL; -EFAULT; -ENOMEM.
 */
long tarn_homes_set(struct tarn_partition *part,
		    const struct tarn_partition_homes *h)
{
	struct tarn_homes *homes = NULL, *old;

	if (h->count) {
		homes = homes_from_user(part->pool, h);
		if (IS_ERR(homes))
			return PTR_ERR(homes);
	}
	old = unrcu_pointer(xchg(&part->homes, RCU_INITIALIZER(homes)));
	if (old)
		kfree_rcu(old, rcu);
	tarn_home_forget(part);
	atomic_inc(&part->homes_set);
	tarn_place_kick(part->pool);
	return 0;
}

/* A child's frames are to be where its donor's are, whatever numbers that has. */
int tarn_homes_inherit(struct tarn_partition *part, struct tarn_partition *from)
{
	const struct tarn_homes *homes;
	struct tarn_homes *copy;
	unsigned int i;

	if (!rcu_access_pointer(from->homes))
		return 0;
	copy = kzalloc(struct_size(copy, home, nr_node_ids), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	rcu_read_lock();
	homes = rcu_dereference(from->homes);
	for (i = 0; homes && i < homes->count; i++)
		copy->home[copy->count++].nid = homes->home[i].nid;
	rcu_read_unlock();
	if (copy->count)
		rcu_assign_pointer(part->homes, copy);
	else
		kfree(copy);
	return 0;
}

/* ---- reading ------------------------------------------------------------ */

/* All of one set of homes. Returns how many nodes there are to tell of. */
static u32 describe(struct tarn_partition *part, struct tarn_home *list,
		    struct tarn_partition_homes *h)
{
	u32 n = 0;
	int nid;

	h->misplaced_pages = 0;
	h->moved_pages = 0;
	rcu_read_lock();
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct tarn_home *home = &list[n];

		h->moved_pages += atomic64_read(&part->node[nid].moved);
		h->misplaced_pages += tarn_home_excess(part, nid);
		home->node = nid;
		home->resident_pages = tarn_home_resident(part, nid);
		if (tarn_home_wanted(part, nid, &home->wanted_frames))
			home->flags = TARN_NODE_IS_HOME;
		else if (!home->resident_pages)
			continue;
		n++;
	}
	rcu_read_unlock();
	return n;
}

/**
 * tarn_homes_list() - TARN_PARTITION_HOMES, to read
 * @part: the partition
 * @h: the call
 *
 * Context: process.
 * Return: 0, -EFAULT or -ENOMEM.
 */
long tarn_homes_list(struct tarn_partition *part,
		     struct tarn_partition_homes *h)
{
	struct tarn_home *list = kcalloc(nr_node_ids, sizeof(*list), GFP_KERNEL);
	u32 room = h->count;
	long ret = 0;

	if (!list)
		return -ENOMEM;
	h->count = describe(part, list, h);
	if (copy_to_user(u64_to_user_ptr(h->homes), list,
			 min(room, h->count) * sizeof(*list)))
		ret = -EFAULT;
	kfree(list);
	return ret;
}
