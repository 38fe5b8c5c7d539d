/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A partition: the logical memory of one guest, which user space sees as a
 * regular file of a tarnfs.
 *
 * Its page table is an xarray of leaves of 512 entries, made at the first
 * touch and kept until the partition dies, so that an entry once found stays
 * where it is for as long as a reference to the partition is held. So a leaf lies on
 * what was a home when it was made, and does not follow when others are set.
 *
 * The inode holds one reference, each request in flight another: a request
 * may end after the file is gone and then finds its page empty.
 */
#ifndef TARN_PARTITION_H
#define TARN_PARTITION_H

#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/xarray.h>

#include "pool/balloon.h"
#include "pool/donation.h"
#include "pool/entry.h"
#include "pool/pins.h"
#include "pool/pool.h"
#include "pool/stats.h"

struct eventfd_ctx;
struct tarn_ages;
struct tarn_areas;
struct tarn_domain;
struct tarn_hand;
struct tarn_homes;
struct tarn_import;
struct tarn_pattern_frames;
struct tarn_relocation;
struct tarn_search;
struct tarn_way;

#define TARN_LEAF_SHIFT		9
#define TARN_LEAF_PAGES		(1U << TARN_LEAF_SHIFT)

/**
 * struct tarn_reserve - which pages of a leaf are reserved (page/reserve.h)
 * @page: they are
 * @fresh: and were not before the call that is under way, see
 *	tarn_partition.reserve_lock
 *
 * Made at the first fallocate(2) of a page of the leaf. A bit is set while a
 * reference of the page's frame is held, so who finds the frame idle sees it.
 */
struct tarn_reserve {
	DECLARE_BITMAP(page, TARN_LEAF_PAGES);
	DECLARE_BITMAP(fresh, TARN_LEAF_PAGES);
};

/**
 * struct tarn_leaf - 512 logical pages, 12 bytes each
 * @entry: one page of entries
 * @sum: checksums of what is paged, lower halves of the words of patterns, and of a shared
 *	page its place among those that share it (canon.h), made when the first page of
 *	any of these kinds is
 * @nodes: a bit a NUMA node, modulo the bits there are: clear, none of its pages
 *	is in a frame there; set, some was when it was last looked at, or came since
 * @reserve: pages that keep their place (reserve.c), or NULL
 * @was_whole: its pages were one frame: if all of them are out they may come back as one
 * @anew: it is one frame, and was mapped anew since; policy/promote.c's
 * @ballooned: pages of it may be in the balloon, page/balloon.c's
 * @want: node on which stored pages of it get a frame again, unless there are homes;
 *	NUMA_NO_NODE: on any (home.h)
 * @parted: when it was parted while memory was short, in jiffies; 0: was not
 * @fetched: when what is stored of it was read to make it one frame, in jiffies; 0: was not
 * @round: in which it was last looked at, under the partition's hand_lock
 * @coldest: least use in it then, likewise
 * @breaks: pages that ceased to share as they were written to, since the scanner last looked
 *	for what may be shared
 * @match_wait: so many of those looks pass it by; policy/match.c's, as what follows
 * @match_back: how many did when it was last put off
 */
struct tarn_leaf {
	atomic64_t *entry;
	u32 *sum;
	struct tarn_reserve *reserve;
	atomic_long_t nodes;
	bool was_whole;
	bool anew;
	bool ballooned;
	s16 want;
	unsigned long parted;
	unsigned long fetched;
	u32 round;
	u8 coldest;
	u8 breaks;
	u8 match_wait;
	u8 match_back;
};

/**
 * struct tarn_part_node - what a partition has on one NUMA node
 * @resident: pages in frames there
 * @moved: pages that were moved there, as it is a home
 * @busy: reclaimers of the node that are at the partition
 * @table_pages: of its page table, that lie there
 * @accessed: looks that found a page used whose frame is there (policy/age.c)
 * @accessed_before: the same when the last round ended
 * @accessed_lately: the same of the last rounds, each of which counts half of the next
 *
 * Locking: the last three by the partition's hand_lock; they are read without.
 */
struct tarn_part_node {
	atomic64_t resident;
	atomic64_t moved;
	atomic_t busy;
	atomic_t table_pages;
	u64 accessed;
	u64 accessed_before;
	u64 accessed_lately;
} ____cacheline_aligned_in_smp;

/**
 * struct tarn_partition - one logical memory
 *
 * What each fault reads, and is hardly ever written:
 * @id: in its pool
 * @weight: its part of a pool that is short of frames
 * @pool: where it lives, referenced
 * @inode: NULL once it is evicted; a reader holds @pin or the inode
 * @leaves: the page table
 * @pages: size of the file in pages, as the inode has it
 * @zero: the page that reads of empty pages get, made when needed; those before it, which had a
 *	memory error, are its private
 * @patterns: those that reads of patterns get (pool/pattern.h), likewise
 * @vm: the VM that is attached, or NULL; RCU
 * @notify: told of page-ins, RCU (page/notify.c)
 * @pins: pages that stay in memory
 * @donation: of a child, what it has its place from
 * @homes: home nodes, RCU; NULL: none
 * @imports: files that pages of its are in, RCU, pager/import.c's
 * @ages: of its pages, policy/age.c's
 * @hands: where reclaimers go on, by the kernel's node number, policy/hand.c's
 * @search: for patterns, policy/search.c's
 * @store: of the domain that it is in, RCU, referenced; NULL: none (canon.h)
 * @domain: that this is the store of; NULL of a file's
 * @member: its number for policy/match.c, 0: none
 * @leaves_domain: it leaves its domain, and shares nothing more
 * @min_frames: see tarn_partition_set, changed under pool->part_lock
 * @desired_frames: likewise
 * @entitled: frames that it is entitled to, as of the last tarn_entitle()
 * @share: for that, under pool->entitle_lock
 * @huge: which blocks become 2 MiB frames, enum tarn_huge
 *
 * Written by page-ins and page-outs:
 * @ref: see above
 * @ahead: pages to read ahead of a sequence, 0 if there is none
 * @next_fault: page after the last one read, to see sequences
 * @paged: pages with the pager only
 * @pattern: pages that are patterns
 * @shared: pages that share what they hold
 * @share_units: its part of what is shared, in parts of a canon (canon.c)
 * @leaving: pages in frames that are being given up
 * @block_loads: blocks that come back as a whole just now
 * @orphans: loads under way of pages that were cut away, each with a frame
 * @nr_leaves: leaves made so far
 * @stats: counters
 *
 * The others:
 * @pin: the inode can't be evicted while this is held for reading
 * @hand_lock: one looks at its pages at a time
 * @reserve_lock: one fallocate(2) at a time; outside of the inode's lock
 * @domain_lock: one call at a time changes @store; outside of all but the inode's lock
 * @balloon: of its guest
 * @given: of a donor, what it has given to its children
 * @promote_at: leaf at which promotion goes on, policy/promote.c's
 * @demote_at: leaf at which demotion goes on, policy/demote.c's, as what follows; under
 *	@hand_lock
 * @demote_vain: leaves that it passed since it found one to part
 * @demote_rests: it was everywhere in vain
 * @demote_rest: and does not look before this, in jiffies
 * @demote_refaults: of the partition, those that blocks were parted for, under the lock of
 *	the pool's demoter
 * @homes_set: how often homes were set
 * @way: how far moving them has come, policy/place.c's
 * @relocate_lock: protects @relocation; outside of @pin, and within it only tried
 * @relocation: under way or the last one, policy/relocate.c's
 * @vm_lock: protects @vm; inside no other lock of the module's but vms_lock
 * @import_lock: one call at a time puts a file into @imports
 * @areas: what is registered in it, policy/area.c's
 * @kobj: in sysfs
 * @rcu: for the end of it
 * @node: by the kernel's node number
 */
struct tarn_partition {
	u32 id;
	u32 weight;
	struct tarn_pool *pool;
	struct inode *inode;
	struct xarray leaves;
	atomic64_t pages;
	struct page *zero;
	struct tarn_pattern_frames *patterns;
	struct tarn_vm __rcu *vm;
	struct eventfd_ctx __rcu *notify;
	struct tarn_pins pins;
	struct tarn_donation donation;
	struct tarn_homes __rcu *homes;
	struct tarn_import __rcu *imports[TARN_IMPORT_FILES];
	struct tarn_ages *ages;
	struct tarn_hand *hands;
	struct tarn_search *search;
	struct tarn_partition __rcu *store;
	struct tarn_domain *domain;
	u32 member;
	bool leaves_domain;
	u64 min_frames;
	u64 desired_frames;
	u64 entitled;
	u64 share;
	u32 huge;

	struct kref ref ____cacheline_aligned_in_smp;
	u32 ahead;
	u64 next_fault;
	atomic64_t paged;
	atomic64_t pattern;
	atomic64_t shared;
	atomic64_t share_units;
	atomic64_t leaving;
	atomic_t block_loads;
	atomic_t orphans;
	atomic64_t nr_leaves;
	struct tarn_stats stats;

	struct rw_semaphore pin ____cacheline_aligned_in_smp;
	struct mutex hand_lock;
	struct mutex reserve_lock;
	struct mutex domain_lock;
	struct tarn_balloon balloon;
	struct tarn_given given;
	unsigned long promote_at;
	unsigned long demote_at;
	u64 demote_vain;
	bool demote_rests;
	unsigned long demote_rest;
	u64 demote_refaults;
	atomic_t homes_set;
	struct tarn_way *way;
	struct mutex relocate_lock;
	struct tarn_relocation *relocation;
	struct mutex vm_lock;
	struct mutex import_lock;
	struct tarn_areas *areas;
	struct kobject kobj;
	struct rcu_head rcu;

	struct tarn_part_node node[];
};

struct tarn_partition *tarn_partition_alloc(struct tarn_pool *pool,
					    struct inode *inode);
int tarn_partition_insert(struct tarn_partition *part);
void tarn_partition_erase(struct tarn_partition *part);
void tarn_partition_release(struct kref *ref);

struct tarn_partition *tarn_partition_find(struct tarn_pool *pool, u32 id);
struct tarn_partition *tarn_partition_from(struct tarn_pool *pool, u32 id);
struct tarn_partition *tarn_partition_next(struct tarn_pool *pool, u32 after);

struct tarn_leaf *tarn_partition_leaf(struct tarn_partition *part, u64 index,
				      bool create);
u32 *tarn_leaf_sums(struct tarn_partition *part, struct tarn_leaf *leaf);
void tarn_partition_set_pages(struct tarn_partition *part, u64 pages);
void tarn_partition_came(struct tarn_partition *part, atomic64_t *entry,
			 int nid);
void tarn_partition_came_all(struct tarn_partition *part,
			     struct tarn_leaf *leaf, int nid);
void tarn_partition_left_all(struct tarn_partition *part, int nid);
void tarn_partition_left(struct tarn_partition *part, u64 frame);
u64 tarn_partition_resident(struct tarn_partition *part);
u64 tarn_partition_staying(struct tarn_partition *part);
void tarn_partition_add_paged(struct tarn_partition *part, s64 n);
void tarn_partition_add_pattern(struct tarn_partition *part, s64 n);
void tarn_partition_add_shared(struct tarn_partition *part, s64 n);
void tarn_partition_add_balloon(struct tarn_partition *part, s64 n);

/* Is it of a balloon that is gone, and the worker has not come by? Then it is empty. */
static inline bool tarn_partition_left_balloon(const struct tarn_partition *part, u64 e)
{
	return tarn_entry_is_withheld(e) &&
	       tarn_entry_payload(e) != atomic64_read(&part->balloon.number);
}
void tarn_partition_unmap(struct tarn_partition *part, u64 first, u64 count);

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

/* Is it the store of a domain, which has no file, and so no inode? */
static inline bool tarn_partition_is_store(const struct tarn_partition *part)
{
	return part->domain;
}

/* Is it the child of another one, which has donated its place to it? */
static inline bool tarn_partition_is_child(const struct tarn_partition *part)
{
	return part->donation.donor;
}

/* Is there somebody whose pages they are? Of a file's it holds as long as the pin is held. */
static inline bool tarn_partition_lives(const struct tarn_partition *part)
{
	return part->inode || tarn_partition_is_store(part);
}

static inline atomic64_t *tarn_leaf_entry(struct tarn_leaf *leaf, u64 index)
{
	return &leaf->entry[index & (TARN_LEAF_PAGES - 1)];
}

/* The leaf of an entry: the page of entries says which it is of. */
static inline struct tarn_leaf *tarn_leaf_of(atomic64_t *entry)
{
	return (struct tarn_leaf *)page_private(virt_to_page(entry));
}

static inline unsigned long tarn_leaf_node_bit(int nid)
{
	return BIT(nid % BITS_PER_LONG);
}

/* May it have a page in a frame of the node? */
static inline bool tarn_leaf_on_node(struct tarn_leaf *leaf, int nid)
{
	return atomic_long_read(&leaf->nodes) & tarn_leaf_node_bit(nid);
}

/* The entry of a page, NULL where no leaf was made yet. */
static inline atomic64_t *tarn_partition_entry(struct tarn_partition *part,
					       u64 index)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, false);

	return leaf ? tarn_leaf_entry(leaf, index) : NULL;
}

#endif
