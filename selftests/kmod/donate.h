/* SPDX-License-Identifier: GPL-2.0-only */
/* Donations: a pool with a donor, and the calls on them. */
#ifndef SELFTESTS_KMOD_DONATE_H
#define SELFTESTS_KMOD_DONATE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

#define LOCKED TARN_PAGE_LOCKED

/** struct donation - a child: its file, its number, and where the donor has it locked */
struct donation {
	int fd;
	u32 key;
	u64 start, count;
};

static inline long __donate(int donor, u64 start, u64 count, struct donation *d)
{
	struct tarn_partition_donate call = {
		.size = sizeof(call), .start = start, .count = count, .fd = -1,
	};
	long ret = __tarn_op(donor, TARN_PARTITION_DONATE, &call);

	if (!ret)
		*d = (struct donation){ call.fd, call.key, start, count };
	return ret;
}

static inline struct donation donate(int donor, u64 start, u64 count)
{
	struct donation d = {};

	ASSERT_OK(__donate(donor, start, count, &d));
	ASSERT_GE(d.fd, 0);
	ASSERT_NE(d.key, 0);
	return d;
}

/* How many pages of a range are in a state, whatever else is told of them. */
static inline u64 in_state(int part, u64 start, u64 count, u8 state)
{
	return part_count(part, start, count, TARN_PAGE_STATE_MASK, state);
}

static inline bool all_locked(int donor, const struct donation *d)
{
	return in_state(donor, d->start, d->count, LOCKED) == d->count;
}

static inline bool all_empty(int donor, const struct donation *d)
{
	return in_state(donor, d->start, d->count, TARN_PAGE_EMPTY) == d->count;
}

static inline long __punch(int fd, u64 start, u64 count)
{
	return SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     start * PAGE_SIZE, count * PAGE_SIZE));
}

static inline long __register_area(int part, u32 type, u64 start, u64 count)
{
	struct tarn_partition_register r = {
		.size = sizeof(r), .type = type,
		.offset = start * PAGE_SIZE, .bytes = count * PAGE_SIZE,
	};
	long ret = __tarn_op(part, TARN_PARTITION_REGISTER, &r);

	return ret ? ret : (long)r.handle;
}

#endif /* SELFTESTS_KMOD_DONATE_H */
