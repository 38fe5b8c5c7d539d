/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the VMM and an adjunct's image: what lies where in the adjunct's
 * physical memory, what it is told and what it answers. Both sides are compiled with this
 * file and nothing else in common, and an image of another version is refused.
 *
 * Physical addresses of the adjunct, which are the addresses that its function uses for DMA,
 * too (Documentation/design/adjuncts.rst has a picture):
 *
 *	the client's RAM, at the client's own addresses; never mapped for DMA
 *	base	struct adjunct_config	read-only for the adjunct
 *		struct adjunct_shared	commands, answers, what INIT found
 *		struct adjunct_log	one a queue; survives a restart of the image
 *		the image		mapped at ADJUNCT_IMAGE_VA as well, by its segments
 *		stacks, page tables
 *		rings, bounce		all that is mapped for DMA
 *	bar	the pieces of BAR 0 that can be mapped
 *
 * The adjunct is trusted by its client alone: it has the client's memory anyway. The VMM
 * takes nothing from these pages for granted; of an adjunct that writes nonsense there its
 * own client suffers and nobody else.
 */
#ifndef TARN_ADJUNCT_LAYOUT_H
#define TARN_ADJUNCT_LAYOUT_H

#include "lib/types.h"

#define ADJUNCT_MAGIC 0x544e554a4441ULL /* "ADJUNT" */
#define ADJUNCT_VERSION 1

#define ADJUNCT_PAGE 4096
#define ADJUNCT_QUEUES 16
#define ADJUNCT_QUEUE_SIZE 256
#define ADJUNCT_RANGES 32
/* Of vCPUs of the client that dispatch; one more is the service thread's. */
#define ADJUNCT_CLIENT_CPUS 16
#define ADJUNCT_CPUS (ADJUNCT_CLIENT_CPUS + 1)

/* Where the image is linked to lie; code model "kernel". */
#define ADJUNCT_IMAGE_VA 0xffffffff80000000ULL
#define ADJUNCT_IMAGE_MAX KIB(512)

/*
 * Stacks lie at multiples of their size. The lowest page of each is mapped by nothing;
 * the highest words hold the physical address of the vCPU's mailbox, for who comes there
 * by an exception.
 */
#define ADJUNCT_STACK KIB(16)
#define ADJUNCT_STACK_TOP 16

/* Code and data segment selectors, in a table that the VMM makes. */
#define ADJUNCT_CS 0x08
#define ADJUNCT_DS 0x10
#define ADJUNCT_TR 0x18

/* Written to by an image that has met an exception and told about it. */
#define ADJUNCT_FAULT_PORT 0xe9

/* The rings of a queue pair, and where those of the function's own queue are. */
#define ADJUNCT_SQ_ENTRIES 128
#define ADJUNCT_SQ_BYTES (ADJUNCT_SQ_ENTRIES * 64)
#define ADJUNCT_CQ_BYTES ADJUNCT_PAGE
#define ADJUNCT_ADMIN_BYTES (3 * ADJUNCT_PAGE) /* SQ, CQ, a page for answers */
#define ADJUNCT_RINGS_BYTES                                                    \
	(ADJUNCT_ADMIN_BYTES +                                                 \
	 ADJUNCT_QUEUES * (ADJUNCT_SQ_BYTES + ADJUNCT_CQ_BYTES))

/** struct adjunct_image_header - the first bytes of an image. */
struct adjunct_image_header {
	u64 magic;
	u32 version;
	u32 reserved;
};

/** enum adjunct_command - what a vCPU is entered for; the argument in brackets. */
enum adjunct_command {
	ADJUNCT_NOTHING,
	ADJUNCT_INIT,	  /* bring the function up, fill in struct adjunct_info */
	ADJUNCT_SERVE,	  /* take requests, wait a moment for the device [queues] */
	ADJUNCT_REAP,	  /* look what the device has done, do not wait [queues] */
	ADJUNCT_TICK,	  /* the same, and look at what takes too long [queues] */
	ADJUNCT_SYNC,	  /* flush the device's cache and wait */
	ADJUNCT_SHUTDOWN, /* tell the device that its power goes */
};

/**
 * struct adjunct_mailbox - a vCPU's: what it is to do and what became of it.
 * @command: enum adjunct_command
 * @argument: of the command
 * @result: 0 or -errno
 * @fault: the vector of an exception plus one, 0: none
 * @notify: queues whose driver wants an interrupt
 * @more: queues that have more in them than the budget let be taken
 * @pending: queues that have requests at the device
 * @broken: queues whose ring makes no sense
 * @requests: completed by this dispatch
 * @rip, @cr2, @error: of the exception
 *
 * A cache line each. The VMM clears all but the command before it enters the vCPU.
 */
struct adjunct_mailbox {
	u32 command;
	u32 argument;
	s32 result;
	u32 fault;
	u32 notify;
	u32 more;
	u32 pending;
	u32 broken;
	u64 requests;
	u64 rip;
	u64 cr2;
	u64 error;
} __attribute__((aligned(64)));

/* adjunct_info.features */
#define ADJUNCT_HAS_CACHE (1U << 0) /* writes can be lost until a flush */
#define ADJUNCT_HAS_DISCARD (1U << 1)
#define ADJUNCT_HAS_ZEROES (1U << 2)
#define ADJUNCT_ZEROES_UNMAP (1U << 3) /* and what is deallocated reads as zeroes */

/**
 * struct adjunct_info - what INIT has found.
 * @size: of the namespace, in bytes
 * @block: the smallest unit of a transfer, 512 to 4096
 * @nr_queues: queue pairs that the function has for us
 * @features: ADJUNCT_*
 * @transfer: bytes of the largest transfer
 * @errors: requests that the device has failed, since the image was loaded
 * @stray: completions of nothing that was asked for
 * @model, @serial, @firmware: of the controller, padded with blanks as it has them
 */
struct adjunct_info {
	u64 size;
	u32 block;
	u32 nr_queues;
	u32 features;
	u32 transfer;
	u64 errors;
	u64 stray;
	char model[40];
	char serial[20];
	char firmware[8];
};

/** struct adjunct_shared - the page that both sides write. */
struct adjunct_shared {
	struct adjunct_mailbox mailbox[ADJUNCT_CPUS];
	struct adjunct_info info;
};

/**
 * struct adjunct_log_entry - a chain by its head.
 * @seq: when it was taken, counted
 * @taken: when it was taken, by the TSC
 * @next: the one before in the batch that is being returned, or ADJUNCT_LOG_END
 * @inflight: it was taken and not returned
 */
struct adjunct_log_entry {
	u64 seq;
	u64 taken;
	u16 next;
	u8 inflight;
	u8 reserved[5];
};

#define ADJUNCT_LOG_END 0xffff

/**
 * struct adjunct_log - which chains of a queue are in flight, so that an image that is
 * loaded anew finishes what the one before had begun. As vhost-user's in-flight descriptor
 * of a split ring.
 * @seq: of the chain taken last
 * @busy: chains that the image has something to do for; when it is 0 in a queue that takes
 *	  no more, all that was taken has been returned
 * @used_idx: of the ring, when the entries of the last batch had been cleared
 * @batch: the last entry of the batch that is being returned, or ADJUNCT_LOG_END
 *
 * A batch is returned in this order: entries are linked; the ring's used index is written;
 * their @inflight is cleared; @used_idx is written. So where @used_idx is not that of the
 * ring the batch had been returned and is not in flight.
 */
struct adjunct_log {
	u64 seq;
	u32 busy;
	u16 used_idx;
	u16 batch;
	struct adjunct_log_entry entry[ADJUNCT_QUEUE_SIZE];
};

/**
 * struct adjunct_queue_config - a queue of the client's device.
 * @desc, @avail, @used: where its parts are, physical addresses of the client
 * @generation: another one when the queue is set up anew; 0: never was
 * @size: entries
 * @attached: it is served; what is in flight is to be finished, if nothing else
 * @live: requests may be taken from it
 * @event_idx, @indirect: what was negotiated
 */
struct adjunct_queue_config {
	u64 desc;
	u64 avail;
	u64 used;
	u32 generation;
	u16 size;
	u8 attached;
	u8 live;
	u8 event_idx;
	u8 indirect;
	u8 reserved[6];
};

/** struct adjunct_range - a piece of the client's RAM. */
struct adjunct_range {
	u64 gpa;
	u64 size;
};

/**
 * struct adjunct_config - what the adjunct is told; the VMM alone writes it.
 * @magic, @version: ADJUNCT_*
 * @namespace: the NVMe namespace
 * @nr_queues: of the client's device, known once there is one
 * @bar, @bar_size: where the registers are
 * @shared, @log: of the first queue; the others follow
 * @rings, @bounce, @bounce_size: memory that the device reaches
 * @tsc_khz: cycles of a millisecond
 * @poll: cycles that a SERVE waits for the device
 * @late: cycles after which a request has been at the device for too long
 * @give_up: cycles after which it fails, whatever was tried
 * @budget: chains that a SERVE takes from a queue
 * @read_only: nothing is written
 * @writeback: the driver flushes; otherwise each write has to last
 * @discard, @zeroes: negotiated
 * @serial: of the client's disk
 * @range: the client's RAM
 */
struct adjunct_config {
	u64 magic;
	u32 version;
	u32 namespace;
	u32 nr_queues;
	u32 nr_ranges;
	u64 bar;
	u64 bar_size;
	u64 shared;
	u64 log;
	u64 rings;
	u64 bounce;
	u64 bounce_size;
	u64 tsc_khz;
	u64 poll;
	u64 late;
	u64 give_up;
	u32 budget;
	u8 read_only;
	u8 writeback;
	u8 discard;
	u8 zeroes;
	char serial[20];
	u32 reserved;
	struct adjunct_range range[ADJUNCT_RANGES];
	struct adjunct_queue_config queue[ADJUNCT_QUEUES];
};

_Static_assert(sizeof(struct adjunct_config) <= ADJUNCT_PAGE, "a page");
_Static_assert(sizeof(struct adjunct_shared) <= ADJUNCT_PAGE, "a page");
_Static_assert(sizeof(struct adjunct_mailbox) == 64, "a cache line");
_Static_assert(ADJUNCT_SQ_ENTRIES * 16 <= ADJUNCT_CQ_BYTES, "a completion each");

#endif
