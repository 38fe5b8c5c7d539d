// SPDX-License-Identifier: GPL-2.0-only
/* See life.h. */
#include "fs/domain.h"
#include "fs/life.h"
#include "fs/sysfs.h"
#include "kvm/vm.h"
#include "page/balloon.h"
#include "page/block.h"
#include "page/lock.h"
#include "page/notify.h"
#include "page/pending.h"
#include "page/share.h"
#include "page/truncate.h"
#include "pager/import.h"
#include "policy/age.h"
#include "policy/area.h"
#include "policy/compact.h"
#include "policy/drain.h"
#include "policy/evacuate.h"
#include "policy/entitle.h"
#include "policy/hand.h"
#include "policy/leave.h"
#include "policy/homes.h"
#include "policy/match.h"
#include "policy/place.h"
#include "policy/promote.h"
#include "policy/reclaim.h"
#include "policy/relocate.h"
#include "policy/scan.h"
#include "policy/search.h"
#include "policy/size.h"
#include "pool/canon.h"
#include "pool/event.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* ---- pools -------------------------------------------------------------- */

static int make_node(struct tarn_node *node)
{
	tarn_reclaim_init(node);
	return tarn_sysfs_make_node(node);
}

static const struct tarn_pool_ops pool_ops = {
	.wake = tarn_reclaim_wake,
	.kick = tarn_reclaim_kick,
	.make_node = make_node,
	.compact = tarn_compact_soon,
	.part = tarn_block_part_chunk,
};

static int begin(struct tarn_pool *pool, const struct tarn_pool_size *size)
{
	int ret = tarn_pending_create(pool);
	struct tarn_held held;

	if (!ret)
		ret = tarn_match_create(pool);
	if (!ret)
		ret = tarn_leave_create(pool);
	if (!ret)
		ret = tarn_pool_resize(pool, size, &held);
	if (!ret)
		ret = tarn_compact_start(pool);
	if (!ret)
		ret = tarn_scan_start(pool);
	if (!ret)
		ret = tarn_place_start(pool);
	if (!ret)
		ret = tarn_promote_start(pool);
	if (!ret)
		ret = tarn_sysfs_add_pool(pool);
	return ret;
}

static void stop(struct tarn_pool *pool)
{
	tarn_promote_stop(pool);
	tarn_place_stop(pool);
	tarn_scan_stop(pool);
	tarn_drain_end(pool);
	tarn_compact_stop(pool);
}

static void end(struct tarn_pool *pool)
{
	stop(pool);
	tarn_match_destroy(pool);
	tarn_pool_give_back(pool);
	tarn_nodes_free(pool);
	WARN_ON_ONCE(pool->pending && tarn_pending_count(pool));
	/* Last: who listens may look whether all is given back. */
	tarn_event_hangup(pool);
	tarn_pool_put(pool);
}

/**
 * tarn_pool_create() - make a pool
 * @size: its size
 * @paging: whether a pager will come
 *
 * Context: process; takes the memory now.
 * Return: the pool or an ERR_PTR, see tarn_pool_resize().
 */
struct tarn_pool *tarn_pool_create(const struct tarn_pool_size *size,
				   bool paging)
{
	struct tarn_pool *pool = tarn_pool_alloc(&pool_ops, paging);
	int ret;

	if (!pool)
		return ERR_PTR(-ENOMEM);
	ret = begin(pool, size);
	if (!ret)
		return pool;
	end(pool);
	return ERR_PTR(ret);
}

/**
 * tarn_pool_shutdown() - the mount is gone
 * @pool: without partitions and without a pager; the caller's reference goes
 *
 * Context: process.
 */
void tarn_pool_shutdown(struct tarn_pool *pool)
{
	/* Those first that would add to the others' work. */
	stop(pool);
	tarn_imports_end(pool);
	tarn_sysfs_remove_pool(pool);
	cancel_delayed_work_sync(&pool->limbo_work);
	end(pool);
}

/* ---- partitions --------------------------------------------------------- */

static int make_parts(struct tarn_partition *part)
{
	int ret = tarn_ages_create(part);

	tarn_balloon_begin(part);
	if (!ret)
		ret = tarn_hands_create(part);
	if (!ret)
		ret = tarn_search_create(part);
	if (!ret)
		ret = tarn_areas_create(part);
	if (!ret)
		ret = tarn_partition_insert(part);
	/* A store is not shown. */
	if (ret || tarn_partition_is_store(part))
		return ret;
	ret = tarn_sysfs_add_partition(part);
	if (ret)
		tarn_partition_erase(part);
	return ret;
}

/* Of a file's, for which there is no more to be made. */
static struct tarn_partition *finish(struct tarn_partition *part)
{
	int ret = make_parts(part);

	if (ret) {
		tarn_partition_put(part);
		return ERR_PTR(ret);
	}
	tarn_event(part->pool, TARN_EVENT_PARTITION_CREATED, part->id, 0, 0);
	return part;
}

/**
 * tarn_partition_create() - the logical memory of a new file
 * @pool: where it lives
 * @inode: its inode; what is returned is this inode's reference
 *
 * Context: process.
 * Return: the partition or an ERR_PTR: -ENOMEM, -ENOSPC the pool has as many as it may
 * have.
 */
struct tarn_partition *tarn_partition_create(struct tarn_pool *pool,
					     struct inode *inode)
{
	struct tarn_partition *part = tarn_partition_alloc(pool, inode);

	return part ? finish(part) : ERR_PTR(-ENOMEM);
}

/**
 * tarn_child_create() - the memory of a file that a partition donates pages for
 * @donor: the partition; the caller has its inode
 * @inode: of the file; what is returned is this inode's reference
 * @first: first of these pages
 * @pages: how many
 *
 * It is on its donor's account from now on. No page of the donor is locked for it yet.
 *
 * Context: process.
 * Return: the child or an ERR_PTR: -ENOMEM; -ENOSPC the donor may pin no more, or as of
 * tarn_partition_create().
 */
struct tarn_partition *tarn_child_create(struct tarn_partition *donor,
					 struct inode *inode, u64 first, u64 pages)
{
	struct tarn_partition *part = tarn_partition_alloc(donor->pool, inode);
	int ret;

	if (!part)
		return ERR_PTR(-ENOMEM);
	part->weight = 0;
	part->huge = TARN_HUGE_NEVER;
	part->entitled = 0;
	part->donation.donor = tarn_partition_get(donor);
	part->donation.first = first;
	part->donation.pages = pages;
	ret = tarn_homes_inherit(part, donor);
	if (!ret)
		ret = tarn_pin_lend(donor, pages);
	if (ret) {
		tarn_partition_put(part);
		return ERR_PTR(ret);
	}
	part = finish(part);
	if (IS_ERR(part))
		tarn_pin_return(donor, pages);
	else
		tarn_partition_set_pages(part, pages);
	return part;
}

/* A child ends: what it had is its donor's again, if that is there. */
static void end_child(struct tarn_partition *part)
{
	tarn_pages_unlock(part);
	tarn_pin_return(part->donation.donor, part->donation.pages);
}

/**
 * tarn_store_create() - a domain, and the partition that its canons are pages of
 * @pool: where it is
 * @name: of the domain
 *
 * Context: process, pool->domains_lock.
 * Return: the store or an ERR_PTR, see tarn_partition_create().
 */
struct tarn_partition *tarn_store_create(struct tarn_pool *pool, const char *name)
{
	struct tarn_partition *store = tarn_partition_alloc(pool, NULL);
	int ret = -ENOMEM;

	if (!store)
		return ERR_PTR(-ENOMEM);
	store->huge = TARN_HUGE_NEVER;
	store->domain = tarn_domain_alloc(store, name);
	if (store->domain) {
		tarn_share_begin(store);
		ret = make_parts(store);
	}
	if (!ret)
		return store;
	tarn_partition_put(store);
	return ERR_PTR(ret);
}

/**
 * tarn_partition_evict() - the file is gone
 * @part: its partition; the inode's reference goes
 *
 * Context: process, nobody has the inode open or mapped.
 */
void tarn_partition_evict(struct tarn_partition *part)
{
	struct tarn_pool *pool = part->pool;

	/* Areas that come after the drop find no place in the file. */
	tarn_partition_set_pages(part, 0);
	tarn_vm_detach(part);
	tarn_areas_drop(part, ~0U);
	tarn_relocate_end(part);
	/* Waits for a reclaimer that works on it, and a call that brings its pages. */
	down_write(&part->pin);
	WRITE_ONCE(part->inode, NULL);
	up_write(&part->pin);
	tarn_balloon_end(part);
	tarn_partition_remove(part, 0, U64_MAX);
	tarn_pages_cut(part, 0, U64_MAX);
	if (tarn_partition_is_child(part))
		end_child(part);
	tarn_domain_leave(part);
	tarn_pending_end_all(part);
	tarn_notify_clear(part);
	tarn_entitle_remove(part);

	/* First: its id may be another one's as soon as it is free. */
	tarn_sysfs_remove_partition(part);
	tarn_partition_erase(part);
	tarn_event(pool, TARN_EVENT_PARTITION_DESTROYED, part->id, 0, 0);
	tarn_partition_put(part);
}
