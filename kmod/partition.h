/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A partition: the logical memory of one guest, which user space sees as a
 * regular file of a tarnfs.
 *
 * Its page table is an xarray of leaves of 512 entries, made at the first
 * touch and kept until the partition dies, so that an entry once found stays
 * where it is for as long as a reference to the partition is held.
 *
 * The inode holds one reference, each request in flight another: a request
 * may end after the file is gone and then finds its page empty.
 */
#ifndef TARN_PARTITION_H
#define TARN_PARTITION_H

#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/xarray.h>

#include "age.h"
#include "entry.h"
#include "pin.h"
#include "pool.h"
#include "stats.h"

struct eventfd_ctx;

#define TARN_LEAF_SHIFT		9
#define TARN_LEAF_PAGES		(1U << TARN_LEAF_SHIFT)

/**
 * struct tarn_leaf - 512 logical pages, 12 bytes each
 * @entry: one page of entries
 * @sum: checksums of what is paged, made at the first page-out
 * @round: in which it was last looked at, under the partition's hand_lock
 * @coldest: least use in it then, likewise
 */
struct tarn_leaf {
	atomic64_t *entry;
	u32 *sum;
	u32 round;
	u8 coldest;
};

/**
 * struct tarn_partition - one logical memory
 * @ref: see above
 * @id: in its pool
 * @pool: where it lives, referenced
 * @inode: NULL once it is evicted; a reader holds @pin or the inode
 * @pin: the inode can't be evicted while this is held for reading
 * @kobj: in sysfs
 * @leaves: the page table
 * @zero: the page that reads of empty pages get, made when needed
 * @weight: its part of a pool that is short of frames
 * @pages: size of the file in pages, as the inode has it
 * @resident: pages in frames
 * @paged: pages with the pager only
 * @min_frames: see tarn_partition_set, changed under pool->part_lock
 * @desired_frames: likewise
 * @entitled: frames that it is entitled to, as of the last tarn_entitle()
 * @share: for that, under pool->entitle_lock
 * @nr_leaves: leaves made so far
 * @hand_lock: one looks at its pages at a time
 * @hand: where the reclaimer goes on, under @hand_lock
 * @ages: of its pages, see there
 * @next_fault: page after the last one read, to see sequences
 * @ahead: pages to read ahead of a sequence, 0 if there is none
 * @vm_lock: protects @vm; inside no other lock of the module's but vms_lock
 * @vm: the VM that is attached, or NULL; RCU
 * @areas: what is registered in it
 * @notify: told of page-ins, RCU (notify.c)
 * @stats: counters
 * @rcu: for the end of it
 */
struct tarn_partition {
	struct kref ref;
	u32 id;
	struct tarn_pool *pool;
	struct inode *inode;
	struct rw_semaphore pin;
	struct kobject kobj;
	struct xarray leaves;
	struct page *zero;
	u32 weight;
	atomic64_t pages;
	atomic64_t resident;
	atomic64_t paged;
	u64 min_frames;
	u64 desired_frames;
	u64 entitled;
	u64 share;
	atomic64_t nr_leaves;
	struct mutex hand_lock;
	u64 hand;
	struct tarn_ages ages;
	u64 next_fault;
	u32 ahead;
	struct mutex vm_lock;
	struct tarn_vm __rcu *vm;
	struct tarn_areas areas;
	struct eventfd_ctx __rcu *notify;
	struct tarn_stats stats;
	struct rcu_head rcu;
};

/**
 * struct tarn_inode - inode of a tarnfs
 * @vfs: the VFS's part
 * @part: of a regular file
 */
struct tarn_inode {
	struct inode vfs;
	struct tarn_partition *part;
};

static inline struct tarn_inode *TARN_I(struct inode *inode)
{
	return container_of(inode, struct tarn_inode, vfs);
}

struct tarn_partition *tarn_partition_create(struct tarn_pool *pool,
					     struct inode *inode);
void tarn_partition_evict(struct tarn_partition *part);
void tarn_partition_release(struct kref *ref);

struct tarn_partition *tarn_partition_find(struct tarn_pool *pool, u32 id);
struct tarn_partition *tarn_partition_from(struct tarn_pool *pool, u32 id);
struct tarn_partition *tarn_partition_next(struct tarn_pool *pool, u32 after);

struct tarn_leaf *tarn_partition_leaf(struct tarn_partition *part, u64 index,
				      bool create);
u32 *tarn_leaf_sums(struct tarn_partition *part, struct tarn_leaf *leaf);
void tarn_partition_set_pages(struct tarn_partition *part, u64 pages);
void tarn_partition_add_resident(struct tarn_partition *part, s64 n);
void tarn_partition_add_paged(struct tarn_partition *part, s64 n);
void tarn_partition_remove(struct tarn_partition *part, u64 first, u64 end);

static inline struct tarn_partition *
tarn_partition_get(struct tarn_partition *part)
{
	kref_get(&part->ref);
	return part;
}

static inline void tarn_partition_put(struct tarn_partition *part)
{
	kref_put(&part->ref, tarn_partition_release);
}

static inline atomic64_t *tarn_leaf_entry(struct tarn_leaf *leaf, u64 index)
{
	return &leaf->entry[index & (TARN_LEAF_PAGES - 1)];
}

/* The entry of a page, NULL where no leaf was made yet. */
static inline atomic64_t *tarn_partition_entry(struct tarn_partition *part,
					       u64 index)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, false);

	return leaf ? tarn_leaf_entry(leaf, index) : NULL;
}

#endif
