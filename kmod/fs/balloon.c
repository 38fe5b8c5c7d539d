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
#define STEP	(1ULL << 18)

/* The file does not become shorter meanwhile. */
static u64 within(struct inode *inode, const struct tarn_partition_balloon *b)
{
	u64 pages = atomic64_read(&TARN_I(inode)->part->pages);

	lockdep_assert_held(&inode->i_rwsem);
	return b->start < pages ? min(b->count, pages - b->start) : 0;
}

static long inflate(struct inode *inode, struct tarn_partition_balloon *b)
{
	struct tarn_partition *part = TARN_I(inode)->part;
	u64 first = b->start, end, next;
	long ret = 0;

	inode_lock(inode);
	end = first + within(inode, b);
	for (; first < end && !ret; first = next) {
		next = min(end, first + STEP);
		tarn_partition_discard(part, first, next);
		b->done += tarn_balloon_take(part, first, next);
		if (fatal_signal_pending(current))
			ret = -EINTR;
	}
	tarn_touch(inode);
	inode_unlock(inode);
	return ret;
}

static long deflate(struct inode *inode, struct tarn_partition_balloon *b)
{
	inode_lock(inode);
	b->done = within(inode, b);
	tarn_balloon_leave(TARN_I(inode)->part, b->start, b->start + b->done,
			   TARN_BALLOON_NONE);
	inode_unlock(inode);
	return 0;
}

/**
 * tarn_balloon_call() - TARN_PARTITION_BALLOON
 * @inode: of the partition; the caller has it open
 * @b: checked here
 *
 * Context: process.
 * Return: 0, -EINVAL, or -EINTR when it is killed.
 */
long tarn_balloon_call(struct inode *inode, struct tarn_partition_balloon *b)
{
	struct tarn_partition *part = TARN_I(inode)->part;

	if (b->flags || b->reserved)
		return -EINVAL;
	b->done = 0;
	switch (b->op) {
	case TARN_BALLOON_INFLATE:
		return inflate(inode, b);
	case TARN_BALLOON_DEFLATE:
		return deflate(inode, b);
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
