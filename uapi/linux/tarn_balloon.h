/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Tarn: the balloon of a guest (S11). Included by linux/tarn.h, which tells what all calls
 * share and has their numbers.
 */
#ifndef _UAPI_LINUX_TARN_BALLOON_H
#define _UAPI_LINUX_TARN_BALLOON_H

#include <linux/types.h>

/** enum tarn_balloon_op - what TARN_PARTITION_BALLOON tells */
enum tarn_balloon_op {
	/** The guest has given the pages of the range to its balloon. */
	TARN_BALLOON_INFLATE = 1,
	/** It takes them back. */
	TARN_BALLOON_DEFLATE = 2,
	/** It was reset, or its driver was: it has no balloon. */
	TARN_BALLOON_RESET = 3,
	/**
	 * @count 1: of this guest only the holes are known that are punched for its balloon,
	 * so what is punched from now on counts as inflated, until it is written to; 0: no
	 * more.
	 */
	TARN_BALLOON_HOLES = 4,
};

/**
 * struct tarn_partition_balloon - TARN_PARTITION_BALLOON: the guest's balloon (S11)
 * @size: of this structure
 * @flags: 0
 * @op: enum tarn_balloon_op
 * @reserved: 0
 * @start: first page; 0 with RESET and HOLES
 * @count: pages; a range past the end of the file is cut; 0 with RESET
 * @done: out: INFLATE: pages of the range that are in the balloon since; DEFLATE: pages of it
 *
 * Pages in the balloon have no frame and no copy, what they held is gone, and they read as
 * zeroes. INFLATE gives up the frames of a range; pages that are pinned for an area, or locked,
 * stay as they are. A page that somebody outside holds (DMA) leaves the partition all the same,
 * and its frame is free when it is let go.
 *
 * A guest takes a page back before it writes to it, and the VMM says so by DEFLATE. So a
 * write to a page in the balloon says that who gave it is there no more: another kernel
 * was started. Then there is no balloon: TARN_EVENT_BALLOON_GONE tells, and so does the
 * eventfd of TARN_NOTIFY_BALLOON; all its pages become empty, by a worker; and pages that
 * are inflated from then on are in a new one. A write(2) to the file says nothing of the
 * guest, nor does a write to what HOLES counted.
 *
 * RESET does the same without an event, and returns when the pages are empty. The file must
 * be open for writing. HOLES ends when another VM is attached. EINTR: killed; ENOMEM; @done
 * is not told then.
 */
struct tarn_partition_balloon {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 reserved;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 done;
};

#endif /* _UAPI_LINUX_TARN_BALLOON_H */
