/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A test pager: the protocol of linux/tarn_pager.h on liburing, in a process of its
 * own, with its store in memory or in a file and with ways to make it slow,
 * wrong or dead. It is as strict as it can be: whatever the kernel asks that
 * the protocol does not allow is a protocol error, which pager_stop() asserts
 * never happened.
 *
 * The lower half, struct pager_end, is one descriptor of /dev/tarn with its
 * ring; tests that speak the protocol badly on purpose use it directly.
 */
#ifndef SELFTESTS_LIB_PAGER_H
#define SELFTESTS_LIB_PAGER_H

#include <liburing.h>
#include <stdatomic.h>

#include "pool.h"

#define PAGER_ARG "--pager"
#define PAGER_QUEUES 4
#define PAGER_SLOTS 32768

/** Values of pager_ctl.corrupt: what is wrong with a copy that is loaded. */
enum pager_corrupt {
	PAGER_CORRUPT_NONE,
	PAGER_CORRUPT_FIRST,	/* the first read; asked again it is right */
	PAGER_CORRUPT_EILSEQ,	/* the first; asked again: no other copy */
	PAGER_CORRUPT_ALWAYS,	/* every read, though it claims success */
};

/**
 * struct pager_ctl - what a test and its pager share
 *
 * Set by the test at any time: @hold to @die_after; by the pager: the rest.
 * It outlives the process of the pager, as a device would.
 */
struct pager_ctl {
	/** Operations (1 << enum tarn_op) that are taken but not completed. */
	_Atomic u32 hold;
	/** Milliseconds from taking a request to its completion. */
	_Atomic u32 delay_ms;
	/** errno that loads, stores fail with; limited by @match_*. */
	_Atomic u32 load_error, store_error;
	/** Requests that errors and corruption concern, 0 and -1: all. */
	_Atomic u32 match_partition;
	_Atomic s64 match_index;
	_Atomic u32 corrupt;
	/** Page whose next load ends in a frame with a memory error, or -1. */
	_Atomic s64 poison_index;
	/** Complete in any order. */
	_Atomic u32 reorder;
	/** Pages are truncated under I/O, so one may be in flight twice. */
	_Atomic u32 truncates;
	/** Give a page its old slot. */
	_Atomic u32 in_place;
	/** Slots in use beyond which stores get ENOSPC. */
	_Atomic u32 capacity;
	/** Kill itself when @taken is that, 0: never. */
	_Atomic u64 die_after;
	/** Set: end by itself, closing /dev/tarn. */
	_Atomic u32 stop;
	/** Let the module read @file, a block device, by itself. */
	_Atomic u32 grant;
	/** Attach as one that takes no wide requests. */
	_Atomic u32 narrow;
	/** errno that wide requests fail with, as far as they match. */
	_Atomic u32 wide_error;
	/** Counted up: tell TARN_PAGER_STATUS with these flags. */
	_Atomic u32 status_wanted, status_flags;
	u32 queues, depth;
	char pool[64];
	/** Path of a store to read and write with O_DIRECT, or "": memory. */
	char file[128];

	_Atomic u32 ready, status_told;
	_Atomic int failed;
	_Atomic u64 loads, stores, drops, readaheads, mismatches;
	/** Stores that had the outdated copy's cookie. */
	_Atomic u64 restores;
	/** Requests that were wide; each page of them counts in @loads, @stores, @drops. */
	_Atomic u64 wide_loads, wide_stores, wide_drops;
	/** Requests that were part of a run of at least two. */
	_Atomic u64 in_runs;
	/** Requests, a wide one as one for each page. */
	_Atomic u64 taken, completed;
	/** Entries that TARN_PAGER_STORED listed at the last start. */
	_Atomic u64 listed, relisted;
	_Atomic u32 used;
	_Atomic u32 protocol_errors;
	char protocol_error[256];

	/** By slot: it holds a copy; a request in flight names it. */
	u8 slot_used[PAGER_SLOTS];
	u8 slot_busy[PAGER_SLOTS];
	u8 slots[PAGER_SLOTS][PAGE_SIZE] __attribute__((aligned(4096)));
};

/** struct pager - a pager as its test sees it */
struct pager {
	struct pager_ctl *ctl;
	int memfd;
	pid_t pid;
};

void pager_init(struct pager *pg, struct pool *p);
/** Start the process; returns when it serves. */
void pager_launch(struct pager *pg);
/** pager_init() and pager_launch(). */
void pager_start(struct pager *pg, struct pool *p);
/** SIGKILL; returns when it is gone. */
void pager_kill(struct pager *pg);
/** The same; returns when the pool has none. */
void pager_lose(struct pager *pg, struct pool *p);
/** End it in order, assert that the kernel kept to the protocol. */
void pager_stop(struct pager *pg);
/** Have it tell its status; returns when the kernel knows. */
void pager_status(struct pager *pg, u32 flags);
void pager_assert_protocol(struct pager *pg);
void pager_free(struct pager *pg);
/** The pager's process (called by the harness). */
int pager_main(int memfd);

/** struct pager_end - one descriptor of /dev/tarn and its ring */
struct pager_end {
	int fd;
	struct io_uring ring;
	bool has_ring;
	u8 *window;
	u64 window_bytes, queue_bytes, stored_pages;
	u32 queues, depth;
	/* TARN_PAGER_*, before it attaches. */
	u32 flags;
	u8 uuid[TARN_UUID_SIZE];
	struct tarn_queue_area *area[PAGER_QUEUES];
};

int pager_end_open(struct pager_end *e);
int pager_end_attach(struct pager_end *e, int pool_fd, u32 queues, u32 depth);
int pager_end_map(struct pager_end *e);
/** Learn of copies that were dropped: @count is the room, then how many. */
int pager_end_start_with(struct pager_end *e, u64 *dropped, u32 *count);
/** With room for none. */
int pager_end_start(struct pager_end *e);
void pager_end_close(struct pager_end *e);

static inline u32 pager_end_tail(struct pager_end *e, u32 q)
{
	return __atomic_load_n(&e->area[q]->request_tail, __ATOMIC_ACQUIRE);
}

static inline struct tarn_request *pager_end_request(struct pager_end *e,
						     u32 q, u32 n)
{
	struct tarn_request *r =
		(void *)((u8 *)e->area[q] + e->area[q]->requests_offset);

	return &r[n % e->depth];
}

static inline struct tarn_completion *pager_end_completions(struct pager_end *e,
							    u32 q)
{
	return (void *)((u8 *)e->area[q] + e->area[q]->completions_offset);
}

/** Submit TARN_CMD_SERVE with any contents; the CQE carries @user. */
int pager_end_submit(struct pager_end *e, const struct tarn_serve *serve,
		     u64 user);
/** Wait up to @ms, -1: for ever, for a CQE; its result, -ETIME if none. */
int pager_end_wait(struct pager_end *e, u64 *user, int ms);
/** Submit and wait for that one. */
int pager_end_serve(struct pager_end *e, u32 q, u32 flags, u32 completions,
		    u32 seen);

#endif /* SELFTESTS_LIB_PAGER_H */
