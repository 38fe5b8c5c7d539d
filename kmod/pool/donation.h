/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Donated memory (S18): a partition, the donor, gives a range of its pages away, and gets a
 * file of the same size in its place, whose memory is another partition's, the child's. What
 * the donor had there is gone, its pages are locked (TARN_PAGE_LOCKED), and their entries have
 * the child's id for payload: nobody reads, writes or maps anything at these places, and what
 * the child holds is reached by its file alone.
 *
 * The child has a page table and frames of its own, so that no path from an address of the
 * donor leads to them. All of its pages are resident and pinned for as long as it lives. Its
 * file has no name and ends with the last descriptor and mapping of it. Then what the donor has
 * locked for it becomes empty.
 *
 * Either may end first. The child has a reference of its donor, whose page table is there until
 * the child has ended, and whose own pages are gone.
 *
 * What a child takes is its donor's: its pins count in the donor's quota, its frames among
 * those that the donor is entitled to (tarn_pins.lent). Of a donor that has ended they are
 * nobody's, and the others divide what is left.
 */
#ifndef TARN_DONATION_H
#define TARN_DONATION_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct tarn_partition;

/**
 * struct tarn_donation - what a child has its place from; never changed but for @link
 * @donor: whose pages are locked for it, referenced; NULL: it is no child
 * @first: first of these pages
 * @pages: how many, as many as the child has
 * @link: on the donor's list while any may be locked, under its lock
 */
struct tarn_donation {
	struct tarn_partition *donor;
	u64 first;
	u64 pages;
	struct list_head link;
};

/**
 * struct tarn_given - what a donor has given away
 * @lock: protects @children and @count; innermost but for locks of the kernel's
 * @children: by donation.link; ranges may meet where the file was cut in between
 * @count: of them
 * @locked: pages that are locked just now; raised before an entry is seen to be so
 */
struct tarn_given {
	struct mutex lock;
	struct list_head children;
	u32 count;
	atomic64_t locked;
};

#endif
