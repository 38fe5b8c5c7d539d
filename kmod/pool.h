/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A shared memory pool (S01): the frames of one mount, the partitions that
 * live in them and the pager that keeps what does not fit.
 *
 * Lock order, outermost first (Documentation/design/locking.rst tells more):
 *	pool->resize_lock		remount, TARN_POOL_SET
 *	  pool->pager_lock		attach, start, grant, detach
 *	    part->pin, part->hand_lock	reclaim, moves
 *	      mmap_lock, inode lock	(the kernel's)
 *	        page lock		of a resident page's frame
 *	          entry marks		(see entry.h; never waited for with a
 *					page lock held)
 *	            i_mmap_rwsem	(the kernel's)
 *	              queue->lock, pager->drop_lock
 *	                pool->wait_lock, limbo_lock, events_lock, entitle_lock,
 *			the locks of pool->pending
 *	                  node->lock
 * pool->part_lock stands alone, below inode locks and resize_lock. A hit takes the page lock of
 * its own frame and nothing else.
 */
#ifndef TARN_POOL_H
#define TARN_POOL_H

#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/uuid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/tarn_para.h>

#include "frame.h"
#include "stats.h"
#include "waiter.h"

struct tarn_pager;
struct tarn_pending_bucket;
struct task_struct;

/**
 * struct tarn_node - what a pool has of one NUMA node
 * @kobj: /sys/fs/tarn/<uuid>/node<N>; frees the node
 * @pool: back pointer
 * @nid: the kernel's number
 * @lock: protects the fields after it up to @frames, and the chunks' lists
 * @chunks: chunks with a free frame; those that are free as a whole last
 * @free: free frames on @chunks
 * @frames: frames of this node, under pool->resize_lock
 * @low: free frames below which reclaim starts
 * @high: free frames at which it stops
 * @reclaimer: the thread that keeps frames free
 * @wait: where it sleeps
 * @kick: woken for another reason than the watermark
 */
struct tarn_node {
	struct kobject kobj;
	struct tarn_pool *pool;
	int nid;
	spinlock_t lock;
	struct list_head chunks;
	u64 free;
	u64 frames;
	u64 low;
	u64 high;
	struct task_struct *reclaimer;
	wait_queue_head_t wait;
	bool kick;
};

/**
 * struct tarn_pool - one mount
 * @ref: held by the superblock, partitions, requests and the pager
 * @uuid: its name
 * @kobj: /sys/fs/tarn/<uuid>
 * @partitions_kobj: the directory of partitions in it
 * @paging: mounted with a pager in mind; a full pool waits for frames
 * @resize_lock: frames come and go
 * @chunks: table of chunks, NULL where there is none; a reader needs no lock,
 *	as the numbers it has are of frames that exist
 * @max_chunks: length of @chunks
 * @nodes: by the kernel's node number, NULL where the pool has no frames
 * @frames: frames in all, under @resize_lock
 * @per_node: sizes were given by node
 * @low: as set by hand, 0: computed
 * @high: as @low
 * @readahead: most pages read ahead
 * @wait_lock: protects @waiters and @next_ticket; node->lock may be taken inside
 * @waiters: threads that wait for a frame, by what they want it for
 * @next_ticket: their order
 * @pending: page-ins under way, a hash (pending.c)
 * @pending_factor: odd number that spreads keys over the hash
 * @limbo_lock: protects @limbo and @limbo_frames
 * @limbo: first frame given up but not idle yet
 * @limbo_frames: how many
 * @limbo_work: looks whether some are idle now
 * @scan_permille: share of one CPU for the scanner, in thousandths
 * @scanner: the thread that looks at pages (scan.c)
 * @scan_wait: where it sleeps
 * @scan_kick: woken to see whether there is work
 * @scanned: pages that it looked at
 * @scan_ns: processor time that it took
 * @part_lock: protects @next_id, @min_frames, @min_limit and changes of
 *	@partitions
 * @partitions: by id
 * @next_id: ids are not used twice
 * @nr_partitions: how many
 * @min_frames: what is guaranteed to partitions, all together
 * @min_limit: what may be
 * @entitle_lock: the frames are divided by one at a time
 * @weights: sum of the weights of partitions that had frames when it was
 *	last added up
 * @logical: sizes of all partitions, in pages
 * @resident: pages in frames
 * @paged: pages with the pager only
 * @pinned: pages pinned for areas
 * @pin_policy: by type of area, enum tarn_pin_policy
 * @metadata: bytes of leaves
 * @pager_lock: attach, start and detach exclude each other
 * @pager: RCU; NULL if none is attached
 * @drop_generation: cookies that were dropped while a pager was attached but
 *	not started, under its drop_lock
 * @stores: page-outs that were sent and are not committed
 * @reads: reads of granted devices under way; the end of the mount and the
 *	start of a pager wait for them
 * @store_wait: woken when @stores sinks or @reads is 0
 * @full: the pager has no room
 * @room: copies that it dropped since: so many pages it can take all the same
 * @degraded: the pager lacks a device
 * @capacity: pages the pager has room for
 * @used: of these, used
 * @evictions: pages given up so far, the clock of refaults
 * @stats: counters
 * @events_lock: protects @listeners
 * @listeners: readers of events
 */
struct tarn_pool {
	struct kref ref;
	uuid_t uuid;
	struct kobject kobj;
	struct kobject *partitions_kobj;
	bool paging;

	struct mutex resize_lock;
	struct tarn_chunk **chunks;
	u64 max_chunks;
	struct tarn_node *nodes[MAX_NUMNODES];
	u64 frames;
	bool per_node;
	u64 low;
	u64 high;
	u32 readahead;

	spinlock_t wait_lock;
	struct list_head waiters[TARN_WANT_COUNT];
	u64 next_ticket;
	struct tarn_pending_bucket *pending;
	u64 pending_factor;

	spinlock_t limbo_lock;
	u64 limbo;
	u64 limbo_frames;
	struct delayed_work limbo_work;

	u32 scan_permille;
	struct task_struct *scanner;
	wait_queue_head_t scan_wait;
	bool scan_kick;
	atomic64_t scanned;
	atomic64_t scan_ns;

	struct mutex part_lock;
	struct xarray partitions;
	u32 next_id;
	u32 nr_partitions;
	u64 min_frames;
	u64 min_limit;
	spinlock_t entitle_lock;
	atomic64_t weights;
	atomic64_t logical;
	atomic64_t resident;
	atomic64_t paged;
	atomic64_t pinned;
	u8 pin_policy[TARN_AREA_TYPES];
	atomic64_t metadata;

	struct mutex pager_lock;
	struct tarn_pager __rcu *pager;
	u64 drop_generation;
	atomic_t stores;
	atomic_t reads;
	wait_queue_head_t store_wait;
	bool full;
	atomic_t room;
	bool degraded;
	u64 capacity;
	u64 used;
	atomic64_t evictions;

	struct tarn_cpu_stats __percpu *stats;
	spinlock_t events_lock;
	struct list_head listeners;
};

/**
 * struct tarn_pool_size - how large a pool shall be
 * @total: frames on all nodes together, if @per_node is not set
 * @per_node: each node has a size of its own
 * @node: frames by node
 */
struct tarn_pool_size {
	u64 total;
	bool per_node;
	u64 node[MAX_NUMNODES];
};

struct tarn_pool *tarn_pool_create(const struct tarn_pool_size *size,
				   bool paging);
void tarn_pool_shutdown(struct tarn_pool *pool);
int tarn_pool_resize(struct tarn_pool *pool, const struct tarn_pool_size *size);
int tarn_pool_set(struct tarn_pool *pool, const struct tarn_pool_set *set);
bool tarn_pool_is_low(struct tarn_pool *pool);
bool tarn_pool_is_scarce(struct tarn_pool *pool);
void tarn_pool_set_full(struct tarn_pool *pool, bool full);
void tarn_pool_room_made(struct tarn_pool *pool);
bool tarn_pool_take_room(struct tarn_pool *pool);
u64 tarn_pool_free_frames(struct tarn_pool *pool);
bool tarn_pool_served(struct tarn_pool *pool);
void tarn_pool_release(struct kref *ref);

static inline struct tarn_pool *tarn_pool_get(struct tarn_pool *pool)
{
	kref_get(&pool->ref);
	return pool;
}

static inline void tarn_pool_put(struct tarn_pool *pool)
{
	kref_put(&pool->ref, tarn_pool_release);
}

/* The first node of the pool from @nid on, NULL at the end. */
static inline struct tarn_node *tarn_node_from(struct tarn_pool *pool, int *nid)
{
	while (*nid < nr_node_ids && !pool->nodes[*nid])
		++*nid;
	return *nid < nr_node_ids ? pool->nodes[*nid] : NULL;
}

/* for (each node of the pool) */
#define tarn_for_each_node(pool, nid, n)				\
	for ((nid) = 0, (n) = tarn_node_from(pool, &(nid)); (n);	\
	     (nid)++, (n) = tarn_node_from(pool, &(nid)))

#endif
