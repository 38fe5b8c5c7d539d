/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's balloon (S11): pages that its driver has allocated so that nobody in the guest
 * uses them. They have no frame, read as zeroes, and nobody writes to them. If somebody
 * does, that guest has another kernel by now, which knows nothing of the balloon.
 *
 * The entry of such a page says of which balloon it is, by a number that another balloon
 * of the partition does not have again. So that a balloon is gone is said by one
 * exchange, whoever writes first; that its pages are empty, by a worker afterwards.
 */
#ifndef TARN_POOL_BALLOON_H
#define TARN_POOL_BALLOON_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct eventfd_ctx;

/* Nobody says what leaves it: a write means no more than that the page did. */
#define TARN_BALLOON_UNTOLD	0ULL

/**
 * struct tarn_balloon - the balloon of a partition's guest
 * @number: of the one that there is, not TARN_BALLOON_UNTOLD
 * @pages: in it, and in those before it of which the worker has not come to the pages
 * @holes: holes that are punched are pages of it, and are never told to leave it
 * @told: is told when it is found gone, RCU
 * @sweeping: held while pages of those before it are made empty, by the worker or who asks
 *	for it; below the inode's lock
 * @sweep: makes pages of those before it empty; has a reference of the partition while it
 *	is queued
 * @rested: jiffies; not before that does it run again, as a guest can have it run and does
 *	not pay for it
 */
struct tarn_balloon {
	atomic64_t number;
	atomic64_t pages;
	bool holes;
	struct eventfd_ctx __rcu *told;
	struct mutex sweeping;
	struct delayed_work sweep;
	unsigned long rested;
};

#endif
