/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Tarn: shared memory pools for KVM guests, paged by the hypervisor (S01).
 *
 * Three kinds of file speak this interface:
 *  - a directory of a mounted tarnfs: calls on the pool (TARN_POOL_*);
 *  - a regular file of it, the logical memory of one partition
 *    (TARN_PARTITION_*);
 *  - /dev/tarn: the paging service's end, in linux/tarn_pager.h.
 *
 * Every structure begins with its own size. The kernel accepts a shorter one
 * (what is missing counts as zero) down to the first published size, and a
 * longer one if all that it does not know is zero. An unknown flag or a
 * reserved field that is not zero is an error, always.
 *
 * Errors that every call shares:
 *  EFAULT	the structure or an array it points to can't be read or written
 *  EINVAL	size below the first published one, an unknown flag, a reserved
 *		field that is not zero, a value outside its stated range
 *  E2BIG	a longer structure whose tail is not zero
 *  ENOTTY	the call is not for this kind of file
 *  EPERM	the caller may not: changes of a pool and all of /dev/tarn want
 *		CAP_SYS_ADMIN, changes of a partition want a file open for writing
 *
 * A page is 4 KiB here, an index counts pages from the start of a partition.
 */
#ifndef _UAPI_LINUX_TARN_H
#define _UAPI_LINUX_TARN_H

#include <linux/ioctl.h>
#include <linux/tarn_adjunct.h>
#include <linux/tarn_balloon.h>
#include <linux/tarn_numa.h>
#include <linux/tarn_para.h>
#include <linux/tarn_save.h>
#include <linux/tarn_share.h>
#include <linux/tarn_vm.h>
#include <linux/types.h>

#define TARN_IOC_TYPE		0xBB
#define TARN_PAGE_SHIFT		12
#define TARN_UUID_SIZE		16
#define TARN_LATENCY_BUCKETS	32

/** Magic number of tarnfs in statfs(2). */
#define TARN_SUPER_MAGIC	0x5441524e

/* ---- what this module can do ------------------------------------------- */

/** Paging by a service on /dev/tarn. */
#define TARN_FEATURE_PAGING	(1ULL << 0)
/** Checksums of what is paged. */
#define TARN_FEATURE_CHECKSUM	(1ULL << 1)
/** TARN_PAGER_GRANT: the module reads granted devices by itself. */
#define TARN_FEATURE_GRANT	(1ULL << 2)
/** VMs can be attached: hypercalls, accessed bits of KVM (S02, S03, S09). */
#define TARN_FEATURE_VM		(1ULL << 3)
/** Areas can be pinned (S02). */
#define TARN_FEATURE_PINS	(1ULL << 4)
/** Page-ins have numbers (S03). */
#define TARN_FEATURE_FAULTS	(1ULL << 5)
/** Pages have ages (S09). */
#define TARN_FEATURE_ACTIVITY	(1ULL << 6)
/** Partitions have home nodes (S04), and pages can be relocated (S05, S06). */
#define TARN_FEATURE_HOMES	(1ULL << 7)
/* 2 MiB frames */
#define TARN_FEATURE_HUGE	(1ULL << 8)
/** Pages of which all is one word need no frame (S10). */
#define TARN_FEATURE_PATTERN	(1ULL << 9)
/** Pagers may take requests of many pages, TARN_PAGER_WIDE. */
#define TARN_FEATURE_WIDE	(1ULL << 10)
/** Pages of a guest's balloon are told apart (S11). */
#define TARN_FEATURE_BALLOON	(1ULL << 11)
/** A partition is made of what a saved one was made of, TARN_PARTITION_IMPORT and others (S14). */
#define TARN_FEATURE_IMPORT	(1ULL << 12)
/** Memory can be donated, TARN_PARTITION_DONATE (S18). */
#define TARN_FEATURE_DONATE	(1ULL << 13)

/**
 * struct tarn_features - TARN_GET_FEATURES, on any file of Tarn
 * @size: of this structure
 * @flags: 0
 * @features: a bit a feature, TARN_FEATURE_*
 * @max_queues: most queues a pager may ask for
 * @max_depth: most requests in flight a queue
 */
struct tarn_features {
	__u32 size;
	__u32 flags;
	__aligned_u64 features;
	__u32 max_queues;
	__u32 max_depth;
};

/* ---- the pool ----------------------------------------------------------- */

/** The pool was mounted with paging. */
#define TARN_POOL_PAGING	(1U << 0)
/** A pager is attached and serving. */
#define TARN_POOL_SERVED	(1U << 1)
/** The pager has no room left: pages that have no copy stay in memory. */
#define TARN_POOL_FULL		(1U << 2)
/** The pager works with a part of its devices. */
#define TARN_POOL_DEGRADED	(1U << 3)

/**
 * struct tarn_pool_info - TARN_POOL_INFO: counters of a pool
 * @size: of this structure
 * @flags: in: 0, out: TARN_POOL_*
 * @uuid: made at mount, names the pool to its pager and in sysfs
 * @frames: frames the pool owns
 * @free_frames: of these, free
 * @limbo_frames: of these, given up by their partition but held by somebody
 * @logical_pages: sizes of all partitions added up
 * @resident_pages: logical pages in a frame
 * @paged_pages: logical pages that only the pager holds, or a file (struct
 *	tarn_partition_import)
 * @page_ins: pages read from the pager or a file
 * @page_outs: pages written to the pager
 * @clean_drops: pages given up without I/O, as their copy was valid
 * @zero_drops: pages found to be zero and given up without I/O
 * @refaults: pages read that had been given up a short while before
 * @frame_waits: times that a thread had to wait for a free frame
 * @load_errors: pages that the pager could not read
 * @checksum_errors: pages whose content was not what had been stored
 * @store_errors: pages that the pager could not write
 * @low_frames: free frames below which reclaim starts, all nodes together
 * @high_frames: free frames at which it stops
 * @paging_capacity: pages the pager has room for, as it says
 * @paging_used: of these, used
 * @metadata_bytes: kernel memory spent on tables of this pool
 * @partitions: number of partitions
 * @readahead_pages: most pages read ahead of a sequence
 * @latency: page-in latencies, bucket n counts those in [2^n, 2^(n+1)) ns
 * @pinned_pages: pages pinned for areas, of all partitions
 * @faults_pending: page-ins under way
 * @scanned_pages: pages that the scanner looked at
 * @scan_ns: processor time that it took
 * @scan_permille: see tarn_pool_set
 * @placement: see tarn_pool_set
 * @poisoned_frames: of @frames, known to have a memory error; one that holds no
 *	page any more is neither free nor in limbo, and not used again
 * @block_pages: of @resident_pages, those in 2 MiB frames
 * @free_block_frames: of @free_frames, those that are free 2 MiB at a time
 * @block_fills: 2 MiB frames given to blocks
 * @block_splits: of these, split since as pages of them went their own ways; others went
 *	out as a whole
 * @huge: which blocks are 2 MiB frames in partitions that are made, enum tarn_huge
 * @promote_permille: see tarn_pool_set
 * @block_promotions: of @block_fills, given to blocks that had small frames before
 * @promote_ns: processor time that promotion took
 * @pattern_pages: logical pages that are a pattern: all of each is one 64-bit word that is
 *	not 0, and it has no frame
 * @pattern_drops: pages found to be a pattern, for which there was no I/O
 * @searched_pages: pages that the scanner looked at for patterns
 * @search_ns: time that this took, most of it part of @scan_ns
 * @shared_pages: logical pages that share what they hold with others of their domain
 * @shared_contents: what they hold: so many frames or copies there are for all of them
 * @shared_frames: of these, in a frame
 * @share_merges: pages that gave up their frame to share another one
 * @share_breaks: pages that got a frame of their own again, as they were written to
 * @hashed_pages: pages whose content was hashed to find equal ones
 * @match_ns: time that hashing and comparing took, most of it part of @scan_ns
 * @domains: domains that partitions are in
 * @reserved: 0
 * @balloon_pages: logical pages that are in the balloon of their guest
 * @balloons_gone: balloons that were found gone, as another kernel wrote to their pages
 * @saved_pages: frames that are not needed, as pages are patterns, or share what they hold:
 *	@pattern_pages, and @shared_pages less @shared_frames
 * @import_errors: pages that the file has from which a partition was restored, and that could
 *	not be read from it, or differed (struct tarn_partition_import)
 */
struct tarn_pool_info {
	__u32 size;
	__u32 flags;
	__u8 uuid[TARN_UUID_SIZE];
	__aligned_u64 frames;
	__aligned_u64 free_frames;
	__aligned_u64 limbo_frames;
	__aligned_u64 logical_pages;
	__aligned_u64 resident_pages;
	__aligned_u64 paged_pages;
	__aligned_u64 page_ins;
	__aligned_u64 page_outs;
	__aligned_u64 clean_drops;
	__aligned_u64 zero_drops;
	__aligned_u64 refaults;
	__aligned_u64 frame_waits;
	__aligned_u64 load_errors;
	__aligned_u64 checksum_errors;
	__aligned_u64 store_errors;
	__aligned_u64 low_frames;
	__aligned_u64 high_frames;
	__aligned_u64 paging_capacity;
	__aligned_u64 paging_used;
	__aligned_u64 metadata_bytes;
	__u32 partitions;
	__u32 readahead_pages;
	__aligned_u64 latency[TARN_LATENCY_BUCKETS];
	__aligned_u64 pinned_pages;
	__aligned_u64 faults_pending;
	__aligned_u64 scanned_pages;
	__aligned_u64 scan_ns;
	__u32 scan_permille;
	__u32 placement;
	__aligned_u64 poisoned_frames;
	__aligned_u64 block_pages;
	__aligned_u64 free_block_frames;
	__aligned_u64 block_fills;
	__aligned_u64 block_splits;
	__u32 huge;
	__u32 promote_permille;
	__aligned_u64 block_promotions;
	__aligned_u64 promote_ns;
	__aligned_u64 pattern_pages;
	__aligned_u64 pattern_drops;
	__aligned_u64 searched_pages;
	__aligned_u64 search_ns;
	__aligned_u64 shared_pages;
	__aligned_u64 shared_contents;
	__aligned_u64 shared_frames;
	__aligned_u64 share_merges;
	__aligned_u64 share_breaks;
	__aligned_u64 hashed_pages;
	__aligned_u64 match_ns;
	__u32 domains;
	__u32 reserved;
	__aligned_u64 balloon_pages;
	__aligned_u64 balloons_gone;
	__aligned_u64 saved_pages;
	__aligned_u64 import_errors;
};

#define TARN_POOL_SET_WATERMARKS	(1U << 0)
#define TARN_POOL_SET_READAHEAD		(1U << 1)
#define TARN_POOL_SET_SCAN		(1U << 2)
#define TARN_POOL_SET_PLACEMENT		(1U << 3)
#define TARN_POOL_SET_PROMOTE		(1U << 4)
#define TARN_POOL_SET_ALL		0x1fU

/**
 * struct tarn_pool_set - TARN_POOL_SET: settings of a pool, CAP_SYS_ADMIN
 * @size: of this structure
 * @flags: which of the following count, TARN_POOL_SET_*
 * @low_frames: see tarn_pool_info; 0 < low < high
 * @high_frames: at most half the pool
 * @readahead_pages: 0 (off) to 256
 * @scan_permille: share of one CPU that the scanner may use, in thousandths: 0
 *	(off) to 1000; under pressure, and while it finds many pages that need no frame,
 *	it takes up to four times as much
 * @placement: which pages come home first, enum tarn_placement
 * @promote_permille: share of one CPU for making blocks in use 2 MiB frames, in
 *	thousandths: 0 (off) to 1000
 */
struct tarn_pool_set {
	__u32 size;
	__u32 flags;
	__aligned_u64 low_frames;
	__aligned_u64 high_frames;
	__u32 readahead_pages;
	__u32 scan_permille;
	__u32 placement;
	__u32 promote_permille;
};

/**
 * struct tarn_pool_detach - TARN_POOL_DETACH: detach a pager that hangs
 * @size: of this structure
 * @flags: 0
 *
 * Needs CAP_SYS_ADMIN. The same as if the pager had died: what it was asked for is asked anew of the
 * next one, which may attach now. Its window is taken from it; frames that it still
 * reads into or writes from come to nobody else before that has ended. What it still
 * writes to its devices nobody can call back: until its process is gone, the next
 * pager must not write to a device that this one had. ENOTCONN: there is no pager.
 */
struct tarn_pool_detach {
	__u32 size;
	__u32 flags;
};

/** enum tarn_event_type - what struct tarn_event tells */
enum tarn_event_type {
	TARN_EVENT_PAGER_ATTACHED = 1,
	TARN_EVENT_PAGER_LOST = 2,
	/** value: negative errno; the page named gives SIGBUS */
	TARN_EVENT_LOAD_ERROR = 3,
	/** as LOAD_ERROR: every copy differed from what had been stored */
	TARN_EVENT_CHECKSUM = 4,
	/** value: negative errno; the page stays in memory */
	TARN_EVENT_STORE_ERROR = 5,
	/** value: 1 paging space ran out, 0 there is room again */
	TARN_EVENT_PAGING_FULL = 6,
	/** value: 1 the pager lost a device, 0 it is whole again */
	TARN_EVENT_DEGRADED = 7,
	/** value: frames of the pool after a remount, or when draining a node has ended */
	TARN_EVENT_RESIZED = 8,
	TARN_EVENT_PARTITION_CREATED = 9,
	TARN_EVENT_PARTITION_DESTROYED = 10,
	/** value: events that this reader missed, as it read too slowly */
	TARN_EVENT_LOST = 11,
	/**
	 * value: the frame that turned out to have one. The page named gives
	 * SIGBUS unless the pager has it; TARN_PARTITION_NONE: no page was lost
	 */
	TARN_EVENT_MEMORY_ERROR = 12,
	/**
	 * value: pages that were in the balloon of the partition's guest, of which the one
	 * named was written to: the guest has another kernel now
	 */
	TARN_EVENT_BALLOON_GONE = 13,
	/**
	 * as LOAD_ERROR, of a page that the file has from which the partition was restored
	 * (struct tarn_partition_import); EILSEQ: its content is not what it should be
	 */
	TARN_EVENT_IMPORT_ERROR = 14,
};

/** Partition of an event that concerns the pool. */
#define TARN_PARTITION_NONE	0U

/**
 * struct tarn_event - one record read from the descriptor of TARN_POOL_EVENTS
 * @time_ns: CLOCK_REALTIME
 * @type: enum tarn_event_type
 * @partition: its id, or TARN_PARTITION_NONE
 * @index: page, where one is meant
 * @value: see the type
 *
 * read(2) returns whole records, EINVAL if there is no room for one, EAGAIN
 * when there is none on a non-blocking descriptor; poll(2) works.
 */
struct tarn_event {
	__aligned_u64 time_ns;
	__u32 type;
	__u32 partition;
	__aligned_u64 index;
	__s64 value;
};

/* ---- a partition -------------------------------------------------------- */

#define TARN_WEIGHT_DEFAULT	128
#define TARN_WEIGHT_MAX		10000

/**
 * struct tarn_partition_info - TARN_PARTITION_INFO: counters of a partition
 * @size: of this structure
 * @flags: 0
 * @id: of the partition in its pool, not 0; used again only when all of some
 *	16 million others were
 * @weight: its part in the pool when frames are short; 0 of a child
 * @fair_frames: what the weight entitles it to at present, in frames
 * @logical_pages: size of the file
 * @resident_pages: pages in a frame
 * @paged_pages: pages that only the pager holds, or a file
 * @page_ins: see tarn_pool_info, here and below for this partition
 * @page_outs: see there
 * @clean_drops: see there
 * @zero_drops: see there
 * @refaults: see there
 * @readahead: pages read ahead, part of @page_ins
 * @frame_waits: see there
 * @page_waits: times that a thread waited for a page to be read
 * @errors: pages that gave SIGBUS
 * @latency: see there
 * @min_frames: see tarn_partition_set
 * @desired_frames: see there
 * @pinned_pages: see tarn_partition_areas
 * @working_set: see tarn_partition_heat
 * @vms: VMs that are attached, 0 or 1
 * @hypercalls: of these, whose guest's hypercalls are answered
 * @huge: see tarn_partition_set
 * @reserved: 0
 * @block_pages: see tarn_pool_info, here and below for this partition
 * @block_fills: see there
 * @block_splits: see there
 * @block_promotions: see there
 * @pattern_pages: see there
 * @pattern_drops: see there
 * @pattern_frames: frames that reads of these pages share, one a pattern, besides
 *	@resident_pages and those of the pool
 * @shared_pages: see tarn_pool_info, here and below for this partition
 * @shared_charge: frames of its domain that count as its own: of what n pages share, each
 *	has the nth part
 * @share_merges: see there
 * @share_breaks: see there
 * @balloon_pages: see there
 * @balloons_gone: see there
 * @imported_pages: copies that files have, of pages that are paged or have not changed since
 *	they were read (struct tarn_partition_import)
 * @saved_pages: frames that it does not need: @pattern_pages, and @shared_pages less
 *	@shared_charge
 * @searched_pages: see tarn_pool_info, here and below for this partition
 * @search_ns: see there
 * @hashed_pages: see there
 * @match_ns: see there
 * @locked_pages: of it, as they were donated (struct tarn_partition_donate)
 * @lent_pages: of its children, which count in its quota of pins and among the frames that
 *	it is entitled to; more than @locked_pages if the file was cut since
 * @donor: of a child, the id of the partition that it was donated by, which may have ended;
 *	0: it is no child
 * @reserved2: 0
 */
struct tarn_partition_info {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 weight;
	__aligned_u64 fair_frames;
	__aligned_u64 logical_pages;
	__aligned_u64 resident_pages;
	__aligned_u64 paged_pages;
	__aligned_u64 page_ins;
	__aligned_u64 page_outs;
	__aligned_u64 clean_drops;
	__aligned_u64 zero_drops;
	__aligned_u64 refaults;
	__aligned_u64 readahead;
	__aligned_u64 frame_waits;
	__aligned_u64 page_waits;
	__aligned_u64 errors;
	__aligned_u64 latency[TARN_LATENCY_BUCKETS];
	__aligned_u64 min_frames;
	__aligned_u64 desired_frames;
	__aligned_u64 pinned_pages;
	__aligned_u64 working_set;
	__u32 vms;
	__u32 hypercalls;
	__u32 huge;
	__u32 reserved;
	__aligned_u64 block_pages;
	__aligned_u64 block_fills;
	__aligned_u64 block_splits;
	__aligned_u64 block_promotions;
	__aligned_u64 pattern_pages;
	__aligned_u64 pattern_drops;
	__aligned_u64 pattern_frames;
	__aligned_u64 shared_pages;
	__aligned_u64 shared_charge;
	__aligned_u64 share_merges;
	__aligned_u64 share_breaks;
	__aligned_u64 balloon_pages;
	__aligned_u64 balloons_gone;
	__aligned_u64 imported_pages;
	__aligned_u64 saved_pages;
	__aligned_u64 searched_pages;
	__aligned_u64 search_ns;
	__aligned_u64 hashed_pages;
	__aligned_u64 match_ns;
	__aligned_u64 locked_pages;
	__aligned_u64 lent_pages;
	__u32 donor;
	__u32 reserved2;
};

/**
 * enum tarn_huge - which blocks of a partition become 2 MiB frames
 *
 * A block is an aligned run of 512 pages. It gets a 2 MiB frame when a page of it is
 * written to through a mapping that can have one entry for it, nothing of it was
 * touched before, and its home has one free; nothing is given up for that. Later it gets
 * one when most of its pages have frames and are used often.
 * MADV_NOHUGEPAGE keeps a mapping from it whatever is set.
 */
enum tarn_huge {
	/** Those of a partition with an attached VM, and where MADV_HUGEPAGE says so. */
	TARN_HUGE_AUTO = 0,
	/** None. */
	TARN_HUGE_NEVER = 1,
	/** Where MADV_HUGEPAGE says so. */
	TARN_HUGE_ADVISE = 2,
	/** All. */
	TARN_HUGE_ALWAYS = 3,
};

#define TARN_PARTITION_SET_WEIGHT	(1U << 0)
#define TARN_PARTITION_SET_MIN		(1U << 1)
#define TARN_PARTITION_SET_DESIRED	(1U << 2)
#define TARN_PARTITION_SET_HUGE		(1U << 3)
#define TARN_PARTITION_SET_ALL		0xfU

/**
 * struct tarn_partition_set - TARN_PARTITION_SET: settings of a partition
 * @size: of this structure
 * @flags: which of the following count, TARN_PARTITION_SET_*
 * @weight: 1 to TARN_WEIGHT_MAX
 * @huge: enum tarn_huge; of blocks that are touched from then on
 * @min_frames: frames that are not taken from it while others have more than
 *	theirs; the sum over all partitions is at most the pool
 * @desired_frames: frames beyond which it is above its entitlement whatever its
 *	weight; 0: none is set
 *
 * The file must be open for writing and the caller have CAP_SYS_ADMIN to
 * raise the weight or @min_frames, or change @desired_frames; its owner may lower
 * the former two, and set @huge. ENOSPC: the pool can't guarantee so much.
 */
struct tarn_partition_set {
	__u32 size;
	__u32 flags;
	__u32 weight;
	__u32 huge;
	__aligned_u64 min_frames;
	__aligned_u64 desired_frames;
};

/* ---- pages -------------------------------------------------------------- */

/** enum tarn_page_state - state of a logical page (Documentation/design) */
enum tarn_page_state {
	TARN_PAGE_EMPTY = 0,
	TARN_PAGE_RESIDENT = 1,
	/** all of it is one 64-bit word that is not 0; no frame, no copy */
	TARN_PAGE_PATTERN = 2,
	/** what it holds other pages of its domain hold too, in one frame or one copy */
	TARN_PAGE_SHARED = 3,
	TARN_PAGE_PAGED = 4,
	TARN_PAGE_BACKED = 5,
	/** in the guest's balloon: all zeroes, no frame, no copy (S11) */
	TARN_PAGE_BALLOON = 6,
	/** donated to a child, whose file alone leads to what is there (S18) */
	TARN_PAGE_LOCKED = 7,
};

#define TARN_PAGE_STATE_MASK	0x0f
/** Something is under way: a page-in, a page-out, a move. */
#define TARN_PAGE_IN_FLIGHT	0x10
/** Resident, and the pager holds a copy that is still valid. */
#define TARN_PAGE_CLEAN		0x20
/** Resident, and pinned for an area that is registered. */
#define TARN_PAGE_PINNED	0x40
/**
 * Resident, and its frame is pinned by somebody who may write to it at any time, as for DMA
 * (pin_user_pages() of the kernel: VFIO, RDMA, registered buffers of io_uring): it can't be
 * moved or given up, while one that is just TARN_PAGE_PINNED can be moved. A page with 1024 and
 * more other references looks the same. Of a 2 MiB frame all pages show it.
 */
#define TARN_PAGE_DMA		0x80

/**
 * struct tarn_partition_pages - TARN_PARTITION_PAGES: states of a range
 * @size: of this structure
 * @flags: 0
 * @start: first page
 * @count: pages; in: room in @states, at most 2^20, out: pages filled in (the
 *	range ends at the end of the file)
 * @states: address of an array, a byte a page: enum tarn_page_state and the
 *	TARN_PAGE_* bits above
 */
struct tarn_partition_pages {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 states;
};

/**
 * PAGE_IN takes only frames that are free and that nobody needs, and waits for none: it
 * ends before a page for which there is none. @done counts the pages before that, which have
 * frames or will. EAGAIN: the first one is with a pager, and none serves. ETIME: it is in a
 * file that is slow: so much is to be read from it that more would only wait. Call again.
 */
#define TARN_PAGE_IN_SPARE	(1U << 0)
/**
 * With SPARE: pages that are there already forget their copy in a file (struct
 * tarn_partition_import). They are stored with the pager when they go. Pages that are on
 * their way, or in somebody's hand, do not: the call is repeated until @imported_pages of
 * struct tarn_partition_info is 0. Pages that share are passed over.
 */
#define TARN_PAGE_IN_OWN	(1U << 1)
#define TARN_PAGE_IN_ALL	3U

/**
 * struct tarn_partition_range - TARN_PARTITION_PAGE_OUT, _PAGE_IN, _PATTERNS, _SHARE
 * @size: of this structure
 * @flags: 0; PAGE_IN: TARN_PAGE_IN_*
 * @start: first page
 * @count: pages; a range past the end of the file is cut
 * @done: out: see below
 *
 * @done counts pages of the range as they are when the call returns: without a
 * frame (PAGE_OUT), with one (PAGE_IN); or those that the call found (PATTERNS), or that
 * share a frame since (SHARE).
 *
 * PAGE_OUT gives up the resident pages of a range whatever their age, and
 * returns when their frames are free; pages that somebody holds are passed
 * over. What pages of it share goes only if the caller has CAP_SYS_ADMIN. PAGE_IN reads the paged ones and returns when they are there. PATTERNS gives
 * up those of which all is one word, be it 0, and needs no pager. SHARE looks at the
 * resident pages of a range, whatever their age, and has those share a frame that hold the
 * same as others of the domain. Two pages must have held it at two looks, calls' or the
 * scanner's; what is shared already others share at the first. It needs no pager either. ENOENT: the partition is in no domain. All end early
 * with EINTR at a signal; ENODEV without paging; EAGAIN where a pager is needed and
 * none serves. Pages that are locked are passed over.
 */
struct tarn_partition_range {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 done;
};

/**
 * struct tarn_partition_read - TARN_PARTITION_READ: content, states kept
 * @size: of this structure
 * @flags: 0
 * @start: first page
 * @count: pages; in: room in both arrays, at most 2^20, out: pages read (the
 *	range ends at the end of the file, and before a page that fails)
 * @data: address of an array, 4 KiB a page; of a page that is empty or in the balloon
 *	nothing is written
 * @states: address of an array, a byte a page: the enum tarn_page_state that the
 *	page was in
 *
 * read(2) brings a paged page into the pool for good. Here it stays paged: it is
 * read into a frame that is free again when the call returns, its age and the
 * counters of page-ins stay as they are. For who saves a guest that is stopped;
 * what is written meanwhile may be read or not, page by page.
 *
 * When the first page fails: EIO its copy cannot be read; EAGAIN no pager serves; EACCES it is
 * locked.
 */
struct tarn_partition_read {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 data;
	__aligned_u64 states;
};

/* ---- page-ins under way (S03) ------------------------------------------- */

/** enum tarn_fault_state - what a page-in waits for */
enum tarn_fault_state {
	/** a free frame */
	TARN_FAULT_FRAME = 1,
	/** a pager that serves */
	TARN_FAULT_NO_PAGER = 2,
	/** the read */
	TARN_FAULT_READ = 3,
	/** a move of the page to another frame */
	TARN_FAULT_MOVE = 4,
	TARN_FAULT_DONE = 5,
};

/**
 * struct tarn_fault - a page-in
 * @number: page-fault number: unique in the pool, never 0
 * @index: page
 * @partition: its id
 * @state: enum tarn_fault_state
 * @age_ns: since the fault
 * @waiting_ns: in this state
 */
struct tarn_fault {
	__aligned_u64 number;
	__aligned_u64 index;
	__u32 partition;
	__u32 state;
	__aligned_u64 age_ns;
	__aligned_u64 waiting_ns;
};

/**
 * struct tarn_pool_faults - TARN_POOL_FAULTS: page-ins under way, CAP_SYS_ADMIN
 * @size: of this structure
 * @partition: of this one only, or 0
 * @count: in: room in @faults, at most 4096; out: how many are listed
 * @flags: 0
 * @faults: address of an array of struct tarn_fault, oldest first
 * @pending: out: how many there are in all, of that partition
 * @done: out: page-ins of the pool that were finished since mount, as a number
 *	goes out for each
 */
struct tarn_pool_faults {
	__u32 size;
	__u32 partition;
	__u32 count;
	__u32 flags;
	__aligned_u64 faults;
	__aligned_u64 pending;
	__aligned_u64 done;
};

/** Tell when the guest's balloon is found gone, not of page-ins. */
#define TARN_NOTIFY_BALLOON	(1U << 0)

/**
 * struct tarn_partition_notify - TARN_PARTITION_NOTIFY: tell a VMM of its partition
 * @size: of this structure
 * @flags: TARN_NOTIFY_BALLOON or 0
 * @eventfd: 1 is added to it whenever a page-in of the partition that somebody
 *	waits for begins or ends, or with TARN_NOTIFY_BALLOON when its guest's balloon is
 *	found gone (struct tarn_partition_balloon); -1: no more. One of each a partition.
 * @reserved: 0
 */
struct tarn_partition_notify {
	__u32 size;
	__u32 flags;
	__s32 eventfd;
	__u32 reserved;
};

/* ---- activity (S09) ------------------------------------------------------ */

/** enum tarn_activity - how often a page is used, from repeated looks */
enum tarn_activity {
	/** no frame and never had content */
	TARN_ACTIVITY_NONE = 0,
	TARN_ACTIVITY_COLD = 1,
	TARN_ACTIVITY_COOL = 2,
	TARN_ACTIVITY_WARM = 3,
	TARN_ACTIVITY_HOT = 4,
};
#define TARN_ACTIVITY_CLASSES	5

/** Of the packed byte: class, and what follows. */
#define TARN_HEAT_CLASS		0x07
/** The page has a frame. */
#define TARN_HEAT_RESIDENT	0x08
/** It is pinned. */
#define TARN_HEAT_PINNED	0x10
/** It shares what it holds; TARN_HEAT_RESIDENT says that this is in a frame. */
#define TARN_HEAT_SHARED	0x20

/**
 * struct tarn_partition_heat - TARN_PARTITION_HEAT: activity of a range (S09)
 * @size: of this structure
 * @flags: 0
 * @start: first page
 * @count: pages; in: room in @heat, at most 2^20, out: pages filled in
 * @heat: address of an array, a byte a page: TARN_HEAT_*
 * @by_class: out: pages of the whole partition by enum tarn_activity, as of the
 *	scanner's last whole round
 * @working_set: out: pages that the partition is estimated to use, those that are shared as
 *	what is charged for them
 * @rounds: out: whole rounds that the scanner has made
 */
struct tarn_partition_heat {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 heat;
	__aligned_u64 by_class[8];
	__aligned_u64 working_set;
	__aligned_u64 rounds;
};

/* ---- numbers ------------------------------------------------------------ */

#define TARN_GET_FEATURES	_IOWR(TARN_IOC_TYPE, 0x10, struct tarn_features)

#define TARN_POOL_INFO		_IOWR(TARN_IOC_TYPE, 0x20, struct tarn_pool_info)
#define TARN_POOL_SET		_IOWR(TARN_IOC_TYPE, 0x21, struct tarn_pool_set)
/**
 * Returns a new descriptor, O_CLOEXEC, from which struct tarn_event is read. EPERM
 * without CAP_PERFMON or CAP_SYS_ADMIN.
 */
#define TARN_POOL_EVENTS	_IO(TARN_IOC_TYPE, 0x22)
#define TARN_POOL_PIN_POLICY	_IOWR(TARN_IOC_TYPE, 0x23, struct tarn_pool_pin_policy)
#define TARN_POOL_FAULTS	_IOWR(TARN_IOC_TYPE, 0x24, struct tarn_pool_faults)
#define TARN_POOL_DETACH	_IOWR(TARN_IOC_TYPE, 0x25, struct tarn_pool_detach)
#define TARN_POOL_DRAIN		_IOWR(TARN_IOC_TYPE, 0x26, struct tarn_pool_drain)
#define TARN_POOL_SHARING	_IOWR(TARN_IOC_TYPE, 0x27, struct tarn_pool_sharing)

#define TARN_PARTITION_INFO	_IOWR(TARN_IOC_TYPE, 0x40, struct tarn_partition_info)
#define TARN_PARTITION_SET	_IOWR(TARN_IOC_TYPE, 0x41, struct tarn_partition_set)
#define TARN_PARTITION_PAGES	_IOWR(TARN_IOC_TYPE, 0x42, struct tarn_partition_pages)
#define TARN_PARTITION_PAGE_OUT	_IOWR(TARN_IOC_TYPE, 0x43, struct tarn_partition_range)
#define TARN_PARTITION_PAGE_IN	_IOWR(TARN_IOC_TYPE, 0x44, struct tarn_partition_range)

#define TARN_PARTITION_ATTACH	_IOWR(TARN_IOC_TYPE, 0x45, struct tarn_partition_attach)
#define TARN_PARTITION_REGISTER	_IOWR(TARN_IOC_TYPE, 0x46, struct tarn_partition_register)
#define TARN_PARTITION_UNREGISTER _IOWR(TARN_IOC_TYPE, 0x47, struct tarn_partition_register)
#define TARN_PARTITION_AREAS	_IOWR(TARN_IOC_TYPE, 0x48, struct tarn_partition_areas)
#define TARN_PARTITION_NOTIFY	_IOWR(TARN_IOC_TYPE, 0x49, struct tarn_partition_notify)
#define TARN_PARTITION_HEAT	_IOWR(TARN_IOC_TYPE, 0x4a, struct tarn_partition_heat)
#define TARN_PARTITION_METRICS	_IOWR(TARN_IOC_TYPE, 0x4b, struct tarn_partition_metrics)
#define TARN_PARTITION_READ	_IOWR(TARN_IOC_TYPE, 0x4c, struct tarn_partition_read)
#define TARN_PARTITION_HOMES	_IOWR(TARN_IOC_TYPE, 0x4d, struct tarn_partition_homes)
#define TARN_PARTITION_RELOCATE	_IOWR(TARN_IOC_TYPE, 0x4e, struct tarn_partition_relocate)
#define TARN_PARTITION_PATTERNS	_IOWR(TARN_IOC_TYPE, 0x4f, struct tarn_partition_range)
#define TARN_PARTITION_DOMAIN	_IOWR(TARN_IOC_TYPE, 0x50, struct tarn_partition_domain)
#define TARN_PARTITION_SHARE	_IOWR(TARN_IOC_TYPE, 0x51, struct tarn_partition_range)
#define TARN_PARTITION_BALLOON	_IOWR(TARN_IOC_TYPE, 0x52, struct tarn_partition_balloon)
#define TARN_PARTITION_SHARED	_IOWR(TARN_IOC_TYPE, 0x53, struct tarn_partition_shared)
#define TARN_PARTITION_FILL	_IOWR(TARN_IOC_TYPE, 0x54, struct tarn_partition_fill)
#define TARN_PARTITION_COPY	_IOWR(TARN_IOC_TYPE, 0x55, struct tarn_partition_copy)
#define TARN_PARTITION_IMPORT	_IOWR(TARN_IOC_TYPE, 0x56, struct tarn_partition_import)
#define TARN_PARTITION_DONATE	_IOWR(TARN_IOC_TYPE, 0x57, struct tarn_partition_donate)

#endif /* _UAPI_LINUX_TARN_H */
