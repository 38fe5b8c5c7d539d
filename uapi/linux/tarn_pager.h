/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The paging service's end of Tarn (S01): what a pager says to /dev/tarn and is told
 * there. Rules and errors that every call shares are those of linux/tarn.h; all of it
 * wants CAP_SYS_ADMIN.
 */
#ifndef _UAPI_LINUX_TARN_PAGER_H
#define _UAPI_LINUX_TARN_PAGER_H

#include <linux/tarn.h>

#define TARN_PAGER_MAX_QUEUES	64
#define TARN_PAGER_MAX_DEPTH	4096

/** It takes requests that are wide, see TARN_REQ_WIDE. Wants TARN_FEATURE_WIDE. */
#define TARN_PAGER_WIDE		(1U << 0)
#define TARN_PAGER_ALL		0x1U

/**
 * struct tarn_pager_attach - TARN_PAGER_ATTACH: become the pager of a pool
 * @size: of this structure
 * @flags: TARN_PAGER_*
 * @pool_fd: descriptor of any file or directory of the mount
 * @queues: 1 to TARN_PAGER_MAX_QUEUES
 * @depth: requests in flight a queue, a power of two, 16 to
 *	TARN_PAGER_MAX_DEPTH; of these, stores and drops are at most three quarters,
 *	stores on queue 0 at most five eighths
 * @reserved: 0
 * @window_bytes: out: length of the frame window that can ever be needed.
 *	Frame f lies at f << TARN_PAGE_SHIFT in it. Frames that the pool does
 *	not own give SIGBUS (EFAULT for I/O).
 * @queue_bytes: out: length of one queue's area
 * @stored_pages: out: upper bound of what TARN_PAGER_STORED will list
 * @uuid: out: of the pool
 *
 * A descriptor of /dev/tarn attaches once; closing it, or a duplicate of it, by the
 * process that attached, detaches, as does the death of this process, its execve(2), and
 * TARN_POOL_DETACH. Its window is of use to this process alone and until then. While
 * attached the mount is busy. Nothing is asked of the pager before TARN_PAGER_START.
 *
 * EBUSY: the pool has a pager, or this descriptor has a pool. ENODEV: the pool
 * was mounted with paging=none. EBADF, EXDEV: @pool_fd is no file of a tarnfs.
 */
struct tarn_pager_attach {
	__u32 size;
	__u32 flags;
	__s32 pool_fd;
	__u32 queues;
	__u32 depth;
	__u32 reserved;
	__aligned_u64 window_bytes;
	__aligned_u64 queue_bytes;
	__aligned_u64 stored_pages;
	__u8 uuid[TARN_UUID_SIZE];
};

/** Offsets for mmap(2) of /dev/tarn: the frame window, MAP_SHARED. */
#define TARN_MMAP_WINDOW	0ULL
/** The area of queue q, MAP_SHARED, from its first byte to @queue_bytes. */
#define TARN_MMAP_QUEUE(q)	((1ULL << 56) | ((__u64)(q) << 32))

/** A cookie names a stored copy: 48 bits, the pager's to choose, not 0. */
#define TARN_COOKIE_BITS	48
#define TARN_COOKIE_NONE	0ULL

/**
 * struct tarn_stored_page - a page of which the pager holds a copy
 * @cookie: of the copy
 * @index: page of the partition
 * @partition: its id
 * @reserved: 0
 */
struct tarn_stored_page {
	__aligned_u64 cookie;
	__aligned_u64 index;
	__u32 partition;
	__u32 reserved;
};

/**
 * struct tarn_pager_stored - TARN_PAGER_STORED: what is stored where
 * @size: of this structure
 * @flags: 0
 * @cursor: 0 at first, then what the call before returned
 * @pages: address of an array of struct tarn_stored_page
 * @count: in: room in it, at least 512; out: entries filled in, 0 at the end
 * @reserved: 0
 *
 * Between TARN_PAGER_ATTACH and TARN_PAGER_START, from which a pager that
 * takes over rebuilds its slot map. A cookie that is not listed is free, and so
 * is one that was dropped meanwhile, of which TARN_PAGER_START tells: it may
 * have been listed or not. EBUSY after TARN_PAGER_START.
 */
struct tarn_pager_stored {
	__u32 size;
	__u32 flags;
	__aligned_u64 cursor;
	__aligned_u64 pages;
	__u32 count;
	__u32 reserved;
};

/** Most cookies that TARN_PAGER_START tells. */
#define TARN_PAGER_MAX_DROPPED	(1U << 20)

/**
 * struct tarn_pager_start - TARN_PAGER_START: requests may come
 * @size: of this structure
 * @flags: 0
 * @dropped: address of an array of __u64: cookies that were dropped since
 *	TARN_PAGER_STORED began at cursor 0, or since TARN_PAGER_ATTACH. Each of
 *	them is free, whether it was listed or not
 * @count: in: room in it, TARN_PAGER_MAX_DROPPED is always enough; out: how many
 * @reserved: 0
 *
 * The pager frees these before it answers any request. What is dropped later was
 * listed, and comes as TARN_OP_DROP.
 *
 * EAGAIN: there are more than @count: list again from cursor 0. EFAULT:
 * @dropped can't be written; list again, too. EBUSY: started already.
 */
struct tarn_pager_start {
	__u32 size;
	__u32 flags;
	__aligned_u64 dropped;
	__u32 count;
	__u32 reserved;
};

#define TARN_PAGER_IS_FULL	(1U << 0)
#define TARN_PAGER_IS_DEGRADED	(1U << 1)
#define TARN_PAGER_IS_ALL	0x3U

/**
 * struct tarn_pager_status - TARN_PAGER_STATUS: how the pager is
 * @size: of this structure
 * @flags: TARN_PAGER_IS_*; a change is an event of the pool. A pager that
 *	answers a store with ENOSPC counts as full until it says otherwise;
 *	meanwhile it is sent stores that replace a copy, and as many others as it
 *	answered drops.
 * @capacity_pages: room on all devices
 * @used_pages: of it, used
 */
struct tarn_pager_status {
	__u32 size;
	__u32 flags;
	__aligned_u64 capacity_pages;
	__aligned_u64 used_pages;
};

/** In a cookie whose device is granted: bits 47..40 device, 39..0 slot. */
#define TARN_COOKIE_SLOT_BITS	40
/** The last 16 devices are the module's (TARN_PARTITION_IMPORT): no pager has cookies of them. */
#define TARN_GRANT_MAX_DEVICES	240

/**
 * struct tarn_pager_grant - TARN_PAGER_GRANT: let the module read by itself
 * @size: of this structure
 * @flags: 0
 * @device: number in bits 47..40 of the cookies meant
 * @fd: an open block device; -1 takes the grant back
 * @offset: byte at which slot 0 lies, a multiple of 4096
 *
 * A page-in of such a cookie is read straight into its frame by the faulting
 * thread, with no turn of the pager. What fails, by I/O error or checksum, or
 * finds the device with as many requests as it takes, is asked of the pager as
 * TARN_OP_LOAD. Grants end when the pager detaches. A grant may precede
 * TARN_PAGER_START. EOPNOTSUPP: @fd is no block device, has blocks larger than a
 * page, or can't refuse a request that it would have to wait with (REQ_NOWAIT; some
 * targets of the device mapper can't).
 */
struct tarn_pager_grant {
	__u32 size;
	__u32 flags;
	__u32 device;
	__s32 fd;
	__aligned_u64 offset;
};

/** enum tarn_op - what a request asks */
enum tarn_op {
	/** Read the copy named by the cookie into the frame. */
	TARN_OP_LOAD = 1,
	/** Write the frame; the completion names the cookie of the copy. */
	TARN_OP_STORE = 2,
	/** The copy named by the cookie is not needed any more. */
	TARN_OP_DROP = 3,
};

/** LOAD: what was read before differed, read another copy if there is one. */
#define TARN_REQ_MISMATCH	(1U << 0)
/** LOAD: nobody waits for it yet. */
#define TARN_REQ_READAHEAD	(1U << 1)
/** The request is about many pages, see struct tarn_request. */
#define TARN_REQ_WIDE		(1U << 2)

/** Most pages of a wide request. */
#define TARN_WIDE_PAGES		512

/**
 * struct tarn_request - one entry of a queue's request ring
 * @tag: names the request in its completion
 * @op: enum tarn_op
 * @flags: TARN_REQ_*
 * @run: requests that follow directly and belong together with this one:
 *	stores of ascending pages of one partition, worth neighbouring slots. Of a wide
 *	request: pages that it is about besides the first one
 * @frame: where the page is in the frame window, in pages
 * @cookie: LOAD, DROP: of the copy; STORE: of the outdated copy, which this
 *	completion replaces and so frees, or TARN_COOKIE_NONE
 * @index: page of the partition; DROP: 0
 * @partition: its id; DROP: 0
 * @sum: LOAD of one page: tarn_page_sum() of what was stored, so that a pager with
 *	several copies can tell which of them are right; otherwise 0
 *
 * A request with TARN_REQ_WIDE is about @run more pages, whose frames, indexes and cookies
 * follow those it names one by one, and is answered once for all of them. LOAD and STORE: as
 * many pages as a power of two says, TARN_WIDE_PAGES at most, in frames from a multiple of
 * their number on. DROP: any number up to TARN_WIDE_PAGES.
 *
 * The cookie of a wide STORE is that of the first outdated copy if all pages have one and
 * those follow each other; if not it is TARN_COOKIE_NONE, and outdated copies are dropped
 * afterwards. Its completion names the cookie of the first new copy, the others follow. A
 * pager that has no such run answers with any errno, as does one that fails with any of the
 * pages: all of them are as they were, and asked for one by one.
 */
struct tarn_request {
	__u32 tag;
	__u8 op;
	__u8 flags;
	__u16 run;
	__aligned_u64 frame;
	__aligned_u64 cookie;
	__aligned_u64 index;
	__u32 partition;
	__u32 sum;
};

static inline __u64 tarn_sum_step(__u64 lane, __u64 word)
{
	lane ^= word;
	return (lane << 29 | lane >> 35) * 0x9e3779b185ebca87ULL;
}

/**
 * tarn_page_sum() - the checksum of a page
 * @page: its 1 << TARN_PAGE_SHIFT bytes, aligned to 8
 *
 * Each step is a bijection of its lane, so a change of one word always shows in
 * the lane's end; the rotation keeps changes of high bits from cancelling. Costs
 * three instructions a word, half of xxh64.
 *
 * Return: the checksum; any value, 0 as well.
 */
static inline __u32 tarn_page_sum(const void *page)
{
	const __u64 *word = (const __u64 *)page;
	const __u64 *end = word + (1 << TARN_PAGE_SHIFT) / sizeof(*word);
	__u64 a = 1, b = 2, c = 3, d = 4;

	for (; word < end; word += 8) {
		a = tarn_sum_step(a, word[0]);
		b = tarn_sum_step(b, word[1]);
		c = tarn_sum_step(c, word[2]);
		d = tarn_sum_step(d, word[3]);
		a = tarn_sum_step(a, word[4]);
		b = tarn_sum_step(b, word[5]);
		c = tarn_sum_step(c, word[6]);
		d = tarn_sum_step(d, word[7]);
	}
	a = tarn_sum_step(a, b ^ (b >> 32));
	a = tarn_sum_step(a, c ^ (c >> 32));
	a = tarn_sum_step(a, d ^ (d >> 32));
	return (__u32)(a ^ (a >> 32));
}

/**
 * struct tarn_completion - one entry of a queue's completion array
 * @tag: of the request
 * @result: 0 or a negative errno. LOAD: EIO no copy can be read; with
 *	TARN_REQ_MISMATCH, EILSEQ there is no other copy. STORE: ENOSPC no room,
 *	EIO no device took it: the page stays in memory and an outdated copy
 *	allocated (after ENOSPC a DROP of it follows). DROP: always 0. Of a wide LOAD
 *	or STORE any errno says just that it was not done, see TARN_REQ_WIDE.
 * @cookie: STORE: of the new copy (it may equal the outdated one's: written
 *	in place)
 */
struct tarn_completion {
	__u32 tag;
	__s32 result;
	__aligned_u64 cookie;
};

/**
 * struct tarn_queue_area - what TARN_MMAP_QUEUE(q) maps
 * @request_tail: requests published so far, modulo 2^32. The kernel writes an
 *	entry, then this with release semantics; the pager reads it with acquire
 *	semantics and takes entries up to it, from 0 on after attach.
 * @depth: as attached
 * @requests_offset: byte at which requests[depth] begins: request n lies in
 *	entry n % depth. It is overwritten by request n + depth, which comes when
 *	one of the depth requests from n on was completed, be it another than n:
 *	the pager copies what it takes.
 * @completions_offset: byte at which completions[depth] begins, written by the
 *	pager before a TARN_CMD_SERVE and read by the kernel, once, when that
 *	command is issued.
 * @reserved: 0
 *
 * The kernel never reads back what it wrote.
 */
struct tarn_queue_area {
	__u32 request_tail;
	__u32 depth;
	__u32 requests_offset;
	__u32 completions_offset;
	__u32 reserved[12];
};

/**
 * Park if there are no requests that the pager has not seen: the command
 * completes when there are.
 */
#define TARN_SERVE_PARK		(1U << 0)
#define TARN_SERVE_ALL		0x1U

/**
 * struct tarn_serve - payload (sqe->cmd) of TARN_CMD_SERVE
 * @queue: number
 * @flags: TARN_SERVE_*
 * @completions: entries of the completion array to take, 0 to depth
 * @seen: value of request_tail up to which the pager has taken requests
 * @reserved: 0
 *
 * First the completions are taken, then, with TARN_SERVE_PARK, the command
 * waits until request_tail differs from @seen. Result: at least 1 if there are
 * requests that the pager has not seen, or a negative errno: EINVAL (queue, flags, a
 * completion with a tag not in flight; those before it were taken), EBUSY (a
 * command is parked on the queue already; completions were taken), ENOTCONN
 * (not attached or not started, or detached while parked), ECANCELED (the ring, the
 * thread or the program went that issued it), EOPNOTSUPP (up to 6.6, to park from a thread of
 * io_uring's own, as with IORING_SETUP_SQPOLL or IOSQE_ASYNC; completions were
 * taken).
 * One command a queue parks; others that only complete may be issued beside
 * it, by the process that attached. IOSQE_CQE_SKIP_SUCCESS is useful for them.
 */
struct tarn_serve {
	__u16 queue;
	__u16 flags;
	__u32 completions;
	__u32 seen;
	__u32 reserved;
};

#define TARN_PAGER_ATTACH	_IOWR(TARN_IOC_TYPE, 0x60, struct tarn_pager_attach)
#define TARN_PAGER_STORED	_IOWR(TARN_IOC_TYPE, 0x61, struct tarn_pager_stored)
#define TARN_PAGER_START	_IOWR(TARN_IOC_TYPE, 0x62, struct tarn_pager_start)
#define TARN_PAGER_STATUS	_IOWR(TARN_IOC_TYPE, 0x63, struct tarn_pager_status)
#define TARN_PAGER_GRANT	_IOWR(TARN_IOC_TYPE, 0x64, struct tarn_pager_grant)
#define TARN_CMD_SERVE		_IOWR(TARN_IOC_TYPE, 0x70, struct tarn_serve)

#endif /* _UAPI_LINUX_TARN_PAGER_H */
