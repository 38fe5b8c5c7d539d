// SPDX-License-Identifier: GPL-2.0-only
/* See balloon.h. */
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/tarn.h>

#include "fs/balloon.h"
#include "fs/fs.h"
#include "page/balloon.h"
#include "page/truncate.h"
#include "pool/partition.h"

/* Pages between two looks for a signal. */
#define STEP	(1ULL << 16)

/* The file does not become shorter meanwhile. */
static u64 within(struct inode *inode, u64 first, u64 count)
{
	u64 pages = atomic64_read(&TARN_I(inode)->part->pages);

	lockdep_assert_held(&inode->i_rwsem);
	return first < pages ? min(count, pages - first) : 0;
}

/* Leaf by leaf, as what is empty may be touched before it is the balloon's. */
static long inflate_some(struct tarn_partition *part, u64 first, u64 end, u64 *done)
{
	u64 next;

	for (; first < end; first = next) {
		struct tarn_leaf *leaf = tarn_partition_leaf(part, first, true);

		if (!leaf)
			return -ENOMEM;
		next = min(end, ALIGN(first + 1, TARN_LEAF_PAGES));
		tarn_partition_discard(part, first, next);
		*done += tarn_balloon_take(part, leaf, first, next);
		cond_resched();
	}
	return 0;
}

static long deflate_some(struct tarn_partition *part, u64 first, u64 end, u64 *done)
{
	tarn_balloon_leave(part, first, end, TARN_BALLOON_NONE);
	*done += end - first;
	return 0;
}

/* Others have the inode's lock between two steps. */
static long in_steps(struct inode *inode, struct tarn_partition_balloon *b,
		     long (*fn)(struct tarn_partition *part, u64 first, u64 end,
				u64 *done))
{
	struct tarn_partition *part = TARN_I(inode)->part;
	u64 first = b->start, count = b->count, step;
	long ret;

	do {
		inode_lock(inode);
		step = within(inode, first, min(count, STEP));
		ret = step ? fn(part, first, first + step, &b->done) : 0;
		if (step)
			tarn_touch(inode);
		inode_unlock(inode);
		first += step;
		count -= step;
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
	} while (step && !ret);
	return ret;
}

/**
 * tarn_balloon_call() - TARN_PARTITION_BALLOON
 * @inode: of the partition; the caller has it open
 * @b: checked here
 *
 * Context: process.
 * Return: 0; -EINVAL; -ENOMEM; -EINTR it is killed.
 */
long tarn_balloon_call(struct inode *inode, struct tarn_partition_balloon *b)
{
	struct tarn_partition *part = TARN_I(inode)->part;

	if (b->flags || b->reserved)
		return -EINVAL;
	b->done = 0;
	switch (b->op) {
	case TARN_BALLOON_INFLATE:
		return in_steps(inode, b, inflate_some);
	case TARN_BALLOON_DEFLATE:
		return in_steps(inode, b, deflate_some);
	case TARN_BALLOON_RESET:
		if (b->start || b->count)
			return -EINVAL;
		tarn_balloon_reset(part);
		return 0;
	case TARN_BALLOON_HOLES:
		if (b->start || b->count > 1)
			return -EINVAL;
		WRITE_ONCE(part->balloon.holes, b->count);
		return 0;
	}
	return -EINVAL;
}
