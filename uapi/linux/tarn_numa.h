/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Tarn on NUMA nodes: on which ones the frames of a partition are to be (S04), and how
 * they are moved (S05, S06). Included by linux/tarn.h, which tells what all calls share
 * and has their numbers.
 */
#ifndef _UAPI_LINUX_TARN_NUMA_H
#define _UAPI_LINUX_TARN_NUMA_H

#include <linux/types.h>

/* ---- home nodes --------------------------------------------------------- */

/** The node is a home. */
#define TARN_NODE_IS_HOME	(1U << 0)

/**
 * struct tarn_home - a partition on one NUMA node
 * @node: the kernel's number
 * @flags: TARN_NODE_IS_HOME or 0
 * @wanted_frames: frames that are to be there, no more than a file has pages; 0: no number,
 *	what comes
 * @resident_pages: out: pages that are
 */
struct tarn_home {
	__u32 node;
	__u32 flags;
	__aligned_u64 wanted_frames;
	__aligned_u64 resident_pages;
};

/** Set the homes; without it they are read. */
#define TARN_HOMES_SET		(1U << 0)

/**
 * struct tarn_partition_homes - TARN_PARTITION_HOMES: home nodes (S04)
 * @size: of this structure
 * @flags: TARN_HOMES_SET or 0
 * @count: in: to set, length of @homes, 0 for none; else room in it. Out, of a read: how
 *	many there are
 * @reserved: 0
 * @homes: array of struct tarn_home, each node once. Of a read: all homes, and other
 *	nodes where the partition has pages, in ascending order. To set: the homes; a node
 *	without TARN_NODE_IS_HOME becomes none, so what was read can be set again
 * @misplaced_pages: out: pages that are on no home, or on one beyond what is wanted there
 * @moved_pages: out: pages that were moved to a home so far
 *
 * A new page gets its frame on a home: on that of the processor that touches it, or where
 * most is missing. A home that is full is passed over for the nearest node that has room,
 * and the page is moved later, the most used first. To set wants a file that is open for
 * writing, and CAP_SYS_ADMIN; then the homes are as said, or as before.
 *
 * EINVAL: a home of which the pool has no frames; a node that is named twice; more than
 * there are nodes.
 */
struct tarn_partition_homes {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__aligned_u64 homes;
	__aligned_u64 misplaced_pages;
	__aligned_u64 moved_pages;
};

/** enum tarn_placement - which of the pages that are not at home are moved first (S06) */
enum tarn_placement {
	/** by class: hot ones, then warm, cool and cold ones */
	TARN_PLACE_CLASS = 0,
	/**
	 * by class, and of a class blocks of 2 MiB with most of it; one that is mostly of
	 * it goes as a whole
	 */
	TARN_PLACE_DENSITY = 1,
	/** what was paged in, recently first, then what never was, by class */
	TARN_PLACE_REFAULT = 2,
};
#define TARN_PLACEMENTS		3

/* ---- relocation --------------------------------------------------------- */

/** enum tarn_relocate_op - what TARN_PARTITION_RELOCATE, or TARN_POOL_DRAIN, is to do */
enum tarn_relocate_op {
	/** Tell how the relocation is, or the last one was. */
	TARN_RELOCATE_STATUS = 0,
	/** Begin one. */
	TARN_RELOCATE_START = 1,
	/** End it where it is. */
	TARN_RELOCATE_CANCEL = 2,
};

/** enum tarn_relocate_state - how a relocation is, or draining a node */
enum tarn_relocate_state {
	/** There was none. */
	TARN_RELOCATION_NONE = 0,
	TARN_RELOCATION_RUNNING = 1,
	/** All pages that could be are where they were to go. */
	TARN_RELOCATION_DONE = 2,
	TARN_RELOCATION_CANCELLED = 3,
	/** A page was held, and that was to end it. */
	TARN_RELOCATION_HELD = 4,
	/** The target has no frames left that it can spare. */
	TARN_RELOCATION_NO_ROOM = 5,
};

/** Pages leave @node, for wherever is nearest; otherwise they go there. */
#define TARN_RELOCATE_AWAY	(1U << 0)
/** A page that somebody holds (DMA) at two looks ends it; otherwise it is waited for. */
#define TARN_RELOCATE_REFUSE	(1U << 1)
/**
 * Blocks of 2 MiB in the range of which at least 448 of 512 pages have frames become one
 * frame each, instead of going to a node.
 */
#define TARN_RELOCATE_COMPACT	(1U << 2)
#define TARN_RELOCATE_ALL	0x7U

/** Most pages whose translation is blocked together: a block of 2 MiB. */
#define TARN_RELOCATE_GRANULE_MOST 512

/** Buckets of times for which a page's translation was blocked. */
#define TARN_BLOCKED_BUCKETS	24

/** Nothing is known of a node. */
#define TARN_NODE_NONE		(-1)

/**
 * struct tarn_relocation_block - the block of 2 MiB that a relocation is at
 * @first: its first page
 * @page: first page of the granule that is being moved, or, between two ways over what is
 *	left, that comes first then
 * @source: physical address of @page, while it is known
 * @target: where @page goes, likewise
 * @source_node: on which it is, or TARN_NODE_NONE
 * @target_node: on which it will be, likewise
 * @granule: pages of a granule in this block; 0: no relocation is under way
 * @held_pages: pages of the block that somebody holds
 * @blocked: a bit a granule of the block: its translation is blocked just now
 * @held: likewise: somebody holds a page of it
 * @pins: a number a granule of the block: pages of it that somebody holds
 *
 * It is looked at when the call is made, so @held, @pins and @blocked also have what others do
 * with its pages at that moment. An address that is not known is 0, as are all for who has
 * no CAP_SYS_ADMIN.
 */
struct tarn_relocation_block {
	__aligned_u64 first;
	__aligned_u64 page;
	__aligned_u64 source;
	__aligned_u64 target;
	__s32 source_node;
	__s32 target_node;
	__u32 granule;
	__u32 held_pages;
	__aligned_u64 blocked[TARN_RELOCATE_GRANULE_MOST / 64];
	__aligned_u64 held[TARN_RELOCATE_GRANULE_MOST / 64];
	__u16 pins[TARN_RELOCATE_GRANULE_MOST];
};

/**
 * struct tarn_partition_relocate - TARN_PARTITION_RELOCATE: move a range (S05)
 * @size: of this structure
 * @flags: to start, TARN_RELOCATE_*; out: as it was started
 * @op: enum tarn_relocate_op
 * @node: to start: target, or with TARN_RELOCATE_AWAY the one to leave, with
 *	TARN_RELOCATE_COMPACT 0; out: the same
 * @start: to start: first page; out: of the range
 * @count: to start: pages, cut to the file; out: of the range
 * @granule: to start: pages that are blocked together, a power of two up to
 *	TARN_RELOCATE_GRANULE_MOST; 0: a block that is one frame, and 64 of small frames;
 *	out: the same. With fewer than TARN_RELOCATE_GRANULE_MOST such a block is split
 * @state: out: enum tarn_relocate_state
 * @cursor: out: page up to which it has gone this time round
 * @moved: out: pages moved; of blocks that became one frame all
 * @held: out: pages that somebody holds, as of the last round
 * @held_page: out: the first of them
 * @skipped: out: pages that had no frame and are neither @paged nor @shared, were in place, or
 *	have a memory error; with COMPACT those of all blocks that were left as they are
 * @blocked: out: times for which translations were blocked to move a granule, whether or
 *	not it could be: bucket n counts those in [2^n, 2^(n+1)) microseconds, the first all
 *	below, the last all above
 * @tried: out: granules whose translation was blocked so far; all of them but the one that
 *	is being moved are in @blocked
 * @blocks: out: blocks that were moved as one frame, or became one
 * @paged: out: pages that the pager has: they come back on the target
 * @block: out: the block that it is at, while it is under way
 * @blocked_most: to start, with @granule 0: for how long a granule is to be blocked at most, in
 *	microseconds; 0: as long as it takes. Out: the same
 * @fit: out: pages of small frames that go together just now
 * @shared: out: pages that share what they hold with others, and stay where that is
 *
 * With @blocked_most the granules follow what was measured: after the first that took longer half
 * as many pages go together, down to one; after four in a row that took half of it at most
 * twice as many. A block that is one frame goes as one only as long as what a page took
 * lately, 512 times, is not longer; else it is split. So a granule may be longer, if something came
 * between, and shows in @blocked; the next one is shorter then.
 *
 * One relocation a partition at a time, which goes on when the caller is gone. Only the
 * granule that is being moved is blocked, and who touches it waits. What the pager has of a
 * block of 2 MiB comes back on @node, for as long as no homes are set: with homes it comes back
 * to one, and what is said later, by homes or AWAY, counts. When CANCEL returns nothing is moved any more.
 *
 * With COMPACT a block goes to a home, or without homes to the node where most of it lies;
 * to none if its frames are those of one frame already. What the pager has of it is read,
 * what is zero or a pattern filled. It takes 2 MiB that are free beyond the high mark, which
 * are made of smaller pieces if there are none; where there are none for long it ends.
 * Blocks with pages that are pinned, shared or have a memory error are passed over, as are
 * those that are not wholly in the range.
 *
 * START and CANCEL want a file that is open for writing, and CAP_SYS_ADMIN.
 *
 * EBUSY: one is under way. EINVAL: a node without frames of the pool, an op or granule that
 * is none, @blocked_most with a granule or COMPACT, COMPACT with AWAY or a granule other than 0
 * and 512, or of a partition whose blocks are never one frame (TARN_HUGE_NEVER). ENOENT: there is none to cancel.
 */
struct tarn_partition_relocate {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 node;
	__aligned_u64 start;
	__aligned_u64 count;
	__u32 granule;
	__u32 state;
	__aligned_u64 cursor;
	__aligned_u64 moved;
	__aligned_u64 held;
	__aligned_u64 held_page;
	__aligned_u64 skipped;
	__aligned_u64 blocked[TARN_BLOCKED_BUCKETS];
	__aligned_u64 tried;
	__aligned_u64 blocks;
	__aligned_u64 paged;
	struct tarn_relocation_block block;
	__u32 blocked_most;
	__u32 fit;
	__aligned_u64 shared;
};

/* ---- draining a node ---------------------------------------------------- */

/** Where other nodes can't give as much the pool becomes smaller; otherwise that ends it. */
#define TARN_DRAIN_SHRINK	(1U << 0)
/** A page that somebody holds (DMA) at two looks ends it; otherwise it is waited for. */
#define TARN_DRAIN_REFUSE	(1U << 1)
#define TARN_DRAIN_ALL		0x3U

/** enum tarn_drain_why - what frames leave a pool for */
enum tarn_drain_why {
	/** a node is drained */
	TARN_DRAIN_WHY_NODE = 0,
	/** the pool becomes smaller, or has less on a node, by a remount */
	TARN_DRAIN_WHY_SIZE = 1,
};

/**
 * struct tarn_pool_drain - TARN_POOL_DRAIN: leave a node (S05), CAP_SYS_ADMIN
 * @size: of this structure
 * @flags: to start, TARN_DRAIN_*; otherwise 0; out: as it was started
 * @op: enum tarn_relocate_op
 * @node: to start: the kernel's number; out: the same, TARN_NODE_NONE if it is no node
 * @state: out: enum tarn_relocate_state
 * @held_partition: out: id of the partition of @held_page
 * @frames: out: frames that the pool had there when it began
 * @left: out: of these, in use even now, as of the last way over them
 * @grown: out: frames that other nodes got for them
 * @moved: out: pages moved, back again among them
 * @held: out: pages that somebody holds, as of the last way
 * @held_page: out: the first of them
 * @why: out: enum tarn_drain_why
 * @partition: out: id of the partition of @block, 0: none is under way
 * @tried: out: granules whose translation was blocked so far, see struct
 *	tarn_partition_relocate. A granule is a block that is one frame, and of small frames up to 64
 *	pages of a partition that lie in one chunk
 * @blocked: out: for how long they were, likewise
 * @block: out: the block of a partition that it is at, while it is under way: its granules are
 *	pages, or it is one
 *
 * STATUS also tells of a pool that is given another size by a remount, for as long as chunks
 * are emptied for that, and afterwards; that cannot be cancelled but by a signal to who does it. It
 * waits for nobody.
 *
 * The pool takes as many frames from other nodes, moves there what is on the node, and
 * gives that back to the kernel, which can then take the memory offline. It goes on when
 * the caller is gone. Until all frames of the node are empty none is given back: whatever
 * ends it earlier undoes it, what other nodes got first. CANCEL returns before that is
 * done; it is running until then. Afterwards sizes count by node, as with the mount option
 * nodes=; homes stay as they are set. Meanwhile the pool can't be given another size.
 *
 * EBUSY: one is under way. EINVAL: a node without frames of the pool, an op that is none.
 * ENOENT: there is none to cancel.
 */
struct tarn_pool_drain {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 node;
	__u32 state;
	__u32 held_partition;
	__aligned_u64 frames;
	__aligned_u64 left;
	__aligned_u64 grown;
	__aligned_u64 moved;
	__aligned_u64 held;
	__aligned_u64 held_page;
	__u32 why;
	__u32 partition;
	__aligned_u64 tried;
	__aligned_u64 blocked[TARN_BLOCKED_BUCKETS];
	struct tarn_relocation_block block;
};

#endif /* _UAPI_LINUX_TARN_NUMA_H */
