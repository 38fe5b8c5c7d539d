/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A shared memory pool (S01): the frames of one mount, the partitions that
 * live in them and the pager that keeps what does not fit.
 *
 * Lock order, outermost first (Documentation/design/locking.rst tells more):
 *	pool->resize_lock		remount, TARN_POOL_SET, steps of TARN_POOL_DRAIN
 *	part->reserve_lock		fallocate
 *	  pool->pager_lock		attach, start, grant, status, detach
 *	    mmap_lock, inode lock	(the kernel's)
 *	      part->pin, part->hand_lock	reclaim, moves, a reservation that fails
 *	        page lock		of a resident page's frame
 *	          entry marks		(see entry.h; with a page lock held only
 *					the lock of a block is waited for)
 *	            i_mmap_rwsem	(the kernel's)
 *	              queue->lock, pager->drop_lock
 *	                pool->wait_lock, limbo_lock, entitle_lock,
 *			the locks of pool->pending
 *	                  the lock of a magazine, events_lock
 *	                    node->lock
 * pool->part_lock stands alone, below inode locks and resize_lock, and below
 * part->domain_lock and pool->domains_lock, in that order. match->table.lock is inside of
 * part->pin and outside of page locks, the lock of a canon inside of all of these. With the
 * page lock of a canon the pin of who shares it is tried for. Of a VM's, part->vm_lock is
 * outside of vms_lock and of part->areas->lock, and that outside of page locks; hook_lock
 * stands alone. A hit takes the page lock of its own frame and nothing else.
 */
#ifndef TARN_POOL_H
#define TARN_POOL_H

#include <linux/cache.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/siphash.h>
#include <linux/uuid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/tarn_para.h>

#include "pool/frame.h"
#include "pool/stats.h"
#include "pool/stores.h"
#include "pool/waiter.h"

struct tarn_chunk;
struct tarn_compact;
struct tarn_drain;
struct tarn_leave;
struct tarn_magazine;
struct tarn_match;
struct tarn_node;
struct tarn_pager;
struct tarn_pending_bucket;
struct tarn_placer;
struct tarn_promoter;
struct tarn_remap;
struct task_struct;

/* Threads that keep frames of a node free, at most. */
#define TARN_RECLAIMERS_MOST	4

/* Each one costs some KiB, and what is divided among all takes its time for each. */
#define TARN_PARTITIONS_MOST	8192

/**
 * struct tarn_reclaimer - one of them
 * @node: its node
 * @number: which one; the first begins first
 * @task: the thread, while it runs
 * @wait: where it sleeps
 * @kick: woken for another reason than the watermark
 */
struct tarn_reclaimer {
	struct tarn_node *node;
	unsigned int number;
	struct task_struct *task;
	wait_queue_head_t wait;
	bool kick;
};

/**
 * struct tarn_node - what a pool has of one NUMA node
 * @kobj: /sys/fs/tarn/<uuid>/node<N>; frees the node
 * @pool: back pointer
 * @nid: the kernel's number
 * @frames: frames of this node, under pool->resize_lock
 * @low: free frames below which reclaim starts
 * @high: free frames at which it stops
 * @run: how often the first reclaimer began
 * @stats: counters
 * @nr_reclaimers: length of @reclaimers, fixed
 * @reclaimers: the threads that keep frames free, while there are frames
 * @lock: protects the three after it, and the chunks' lists
 * @chunks: chunks with a free frame; those that are free as a whole last
 * @free: free frames on @chunks
 * @free_chunks: chunks that are free as a whole
 * @chunk_wanted: somebody wanted one of these, and there was none
 * @nearest: all nodes that may ever be, by distance from this one, which is
 *	the first
 */
struct tarn_node {
	struct kobject kobj;
	struct tarn_pool *pool;
	int nid;
	u64 frames;
	u64 low;
	u64 high;
	u32 run;
	struct tarn_node_stats __percpu *stats;
	unsigned int nr_reclaimers;
	struct tarn_reclaimer reclaimers[TARN_RECLAIMERS_MOST];

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct list_head chunks;
	u64 free;
	u64 free_chunks;
	bool chunk_wanted;

	int nearest[] ____cacheline_aligned_in_smp;
};

/**
 * struct tarn_pool_ops - what the objects ask of what lies above them
 * @wake: frames of a node are short: have those reclaim that have to. Any context
 * @kick: have all nodes look, whatever their marks say. Any context
 * @make_node: a node comes: what else it needs, its kobject among it, with which it goes,
 *	at once if this fails. Process, pool->resize_lock
 * @part: nobody holds a whole chunk, but some of it is mapped, and is to be split. Process
 * @compact: no chunk of a node is free as a whole, and one is wanted. Any context
 */
struct tarn_pool_ops {
	void (*wake)(struct tarn_node *node);
	void (*kick)(struct tarn_pool *pool);
	int (*make_node)(struct tarn_node *node);
	void (*compact)(struct tarn_node *node);
	void (*part)(struct tarn_pool *pool, struct tarn_chunk *chunk);
};

/**
 * struct tarn_demoter - what is known of blocks that are to be parted, policy/demote.c's
 * @lock: one thread at a time; protects the rest
 * @evictions: of the pool when somebody last looked; a hint without the lock
 * @refaults: of the pool, those that blocks were parted for
 */
struct tarn_demoter {
	struct mutex lock;
	u64 evictions;
	u64 refaults;
};

/**
 * struct tarn_pool - one mount
 *
 * What each fault reads, and is hardly ever written:
 * @uuid: its name
 * @ops: calls of what lies above
 * @served: its pager takes requests
 * @paging: mounted with a pager in mind; a full pool waits for frames
 * @full: the pager has no room
 * @degraded: the pager lacks a device
 * @readahead: most pages read ahead
 * @huge: enum tarn_huge of partitions that are made
 * @magazine_frames: most frames that a CPU has at hand
 * @chunks: table of chunks, NULL where there is none; a reader needs no lock,
 *	as the numbers it has are of frames that exist
 * @max_chunks: length of @chunks
 * @frames: frames in all, under @resize_lock
 * @magazines: free frames that CPUs have at hand
 * @stats: counters
 * @pager: RCU; NULL if none is attached
 * @pending: page-ins under way, a hash (pending.c)
 * @pending_factor: odd number that spreads keys over the hash
 * @pending_key: of the permutation that hides how many there were
 * @capacity: pages the pager has room for
 * @used: of these, used
 * @partitions: by id
 * @nr_partitions: how many
 * @imports: struct tarn_import by id, pager/import.c's
 * @pin_policy: by type of area, enum tarn_pin_policy
 * @nodes: by the kernel's node number, NULL where the pool never had a frame;
 *	one that is there stays until the mount ends
 *
 * Written by page-outs and page-ins:
 * @ref: held by the superblock, partitions, requests and the pager
 * @stores: page-outs under way
 * @evictions: pages given up so far, the clock of refaults
 *
 * Written when frames are short; whether somebody waits is read often:
 * @wait_lock: protects @waiters and @last_ticket; node->lock may be taken inside
 * @waiters: threads that wait for a frame, by what they want it for
 * @last_ticket: their order: who came last has this one
 *
 * The others:
 * @limbo_lock: protects the three after it
 * @limbo: first frame given up but not idle yet
 * @limbo_frames: how many
 * @limbo_delay: until they are looked at again, longer each time in vain
 * @limbo_work: looks whether some are idle now
 * @poisoned: frames known to have a memory error
 * @scan_permille: share of one CPU for the scanner, in thousandths
 * @scanner: the thread that looks at pages (scan.c)
 * @scan_wait: where it sleeps
 * @scan_kick: woken to see whether there is work
 * @scanned: pages that it looked at
 * @scan_ns: processor time that it took
 * @searched: pages that it looked at for patterns (search.c)
 * @search_ns: time that this took
 * @match: finds pages that hold the same, policy/match.c's
 * @placer: the thread that moves pages home, policy/place.c's
 * @placement: which ones first, enum tarn_placement
 * @demoter: which are parted while memory is short
 * @promoter: the thread that makes blocks 2 MiB frames, policy/promote.c's
 * @promote_permille: its share of one CPU, in thousandths
 * @promote_ns: processor time that it took
 * @remap: mappings that it makes anew, policy/remap.c's
 * @resize_lock: frames come and go
 * @compact: bringing free frames together, policy/compact.c's
 * @drain: leaving a node, policy/drain.c's, under @resize_lock
 * @leave: what is told of frames that leave, policy/leave.c's; it goes with the pool
 * @per_node: sizes were given by node
 * @low: as set by hand, 0: computed
 * @high: as @low
 * @part_lock: protects @next_id, @min_frames, @min_limit and changes of
 *	@partitions
 * @next_id: ids are used again only when all others were
 * @min_frames: what is guaranteed to partitions, all together
 * @min_limit: what may be
 * @domains_lock: protects @domains and who is in them; outside of @part_lock
 * @domains: list of struct tarn_domain
 * @nr_domains: how many
 * @entitle_lock: the frames are divided by one at a time
 * @entitle_due: when that is to be done again, in jiffies
 * @weights: sum of the weights of partitions that had frames when it was
 *	last added up
 * @logical: sizes of all partitions, in pages
 * @pinned: pages pinned for areas
 * @metadata: bytes of leaves and what belongs to them, of canons, and of what finds them
 * @pager_lock: attach, start and detach exclude each other
 * @kobj: /sys/fs/tarn/<uuid>
 * @partitions_kobj: the directory of partitions in it
 * @events_lock: protects @listeners
 * @listeners: readers of events
 */
struct tarn_pool {
	uuid_t uuid;
	const struct tarn_pool_ops *ops;
	bool served;
	bool paging;
	bool full;
	bool degraded;
	u32 readahead;
	u32 huge;
	unsigned int magazine_frames;
	struct tarn_chunk **chunks;
	u64 max_chunks;
	u64 frames;
	struct tarn_magazine __percpu *magazines;
	struct tarn_cpu_stats __percpu *stats;
	struct tarn_pager __rcu *pager;
	struct tarn_pending_bucket *pending;
	u64 pending_factor;
	siphash_key_t pending_key;
	u64 capacity;
	u64 used;
	struct xarray partitions;
	u32 nr_partitions;
	struct xarray imports;
	u8 pin_policy[TARN_AREA_TYPES];
	struct tarn_node *nodes[MAX_NUMNODES];

	struct kref ref ____cacheline_aligned_in_smp;
	struct tarn_stores stores;
	atomic64_t evictions;

	spinlock_t wait_lock ____cacheline_aligned_in_smp;
	struct list_head waiters[TARN_WANT_COUNT];
	u64 last_ticket;

	spinlock_t limbo_lock ____cacheline_aligned_in_smp;
	u64 limbo;
	u64 limbo_frames;
	unsigned long limbo_delay;
	struct delayed_work limbo_work;
	atomic64_t poisoned;

	u32 scan_permille;
	struct task_struct *scanner;
	wait_queue_head_t scan_wait;
	bool scan_kick;
	atomic64_t scanned;
	atomic64_t scan_ns;
	atomic64_t searched;
	atomic64_t search_ns;
	struct tarn_match *match;
	struct tarn_placer *placer;
	u32 placement;
	struct tarn_demoter demoter;
	struct tarn_promoter *promoter;
	u32 promote_permille;
	atomic64_t promote_ns;
	struct tarn_remap *remap;

	struct mutex resize_lock;
	struct tarn_compact *compact;
	struct tarn_drain *drain;
	struct tarn_leave *leave;
	bool per_node;
	u64 low;
	u64 high;

	struct mutex part_lock;
	u32 next_id;
	u64 min_frames;
	u64 min_limit;
	struct mutex domains_lock;
	struct list_head domains;
	u32 nr_domains;
	spinlock_t entitle_lock;
	unsigned long entitle_due;
	atomic64_t weights;
	atomic64_t logical;
	atomic64_t pinned;
	atomic64_t metadata;

	struct mutex pager_lock;

	struct kobject kobj;
	struct kobject *partitions_kobj;
	spinlock_t events_lock;
	struct list_head listeners;
};

struct tarn_pool *tarn_pool_alloc(const struct tarn_pool_ops *ops, bool paging);
int tarn_node_create(struct tarn_pool *pool, int nid);
void tarn_nodes_free(struct tarn_pool *pool);
bool tarn_pool_is_low(struct tarn_pool *pool);
u64 tarn_pool_free_frames(struct tarn_pool *pool);
void tarn_pool_limbo_soon(struct tarn_pool *pool);
void tarn_pool_release(struct kref *ref);

/* Is there a pager that takes requests? */
static inline bool tarn_pool_served(struct tarn_pool *pool)
{
	return READ_ONCE(pool->served);
}

static inline struct tarn_pool *tarn_pool_get(struct tarn_pool *pool)
{
	kref_get(&pool->ref);
	return pool;
}

static inline void tarn_pool_put(struct tarn_pool *pool)
{
	kref_put(&pool->ref, tarn_pool_release);
}

/* What a pool has of a node, NULL if it never had a frame there. */
static inline struct tarn_node *tarn_pool_node(struct tarn_pool *pool, int nid)
{
	/* Pairs with the release when a node is made. */
	return smp_load_acquire(&pool->nodes[nid]);
}

/* The first node of the pool from @nid on, NULL at the end. */
static inline struct tarn_node *tarn_node_from(struct tarn_pool *pool, int *nid)
{
	struct tarn_node *n = NULL;

	while (*nid < nr_node_ids && !(n = tarn_pool_node(pool, *nid)))
		++*nid;
	return n;
}

/* for (each node of the pool) */
#define tarn_for_each_node(pool, nid, n)				\
	for ((nid) = 0, (n) = tarn_node_from(pool, &(nid)); (n);	\
	     (nid)++, (n) = tarn_node_from(pool, &(nid)))

static inline void tarn_pool_kick(struct tarn_pool *pool)
{
	pool->ops->kick(pool);
}

/* No node has more than its low mark free. */
static inline void tarn_pool_wake(struct tarn_pool *pool)
{
	struct tarn_node *n;
	int nid;

	tarn_for_each_node(pool, nid, n)
		pool->ops->wake(n);
}

#endif
