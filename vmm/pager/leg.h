/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A leg: one file or block device that is open and locked. A plain device has
 * one leg, a mirror two. The locks, flock() against other pagers and those of
 * backend/block-lock.h against guests that have it as a disk, belong to the open
 * file, which outlives a killed pager until the I/O that it had issued is done: who
 * gets them may write any slot that the module does not list as stored.
 */
#ifndef TARN_PAGER_LEG_H
#define TARN_PAGER_LEG_H

#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>
#include "content.h"
#include "types.h"

struct superblock;

/** enum leg_state - what a leg is good for */
enum leg_state {
	/** Read and written. */
	LEG_GOOD,
	/** Written, not read: it is being re-silvered. */
	LEG_REBUILDING,
	/** Neither. */
	LEG_FAILED,
};

/**
 * struct leg - a file or block device
 * @path: as given
 * @fd: -1 where there is none
 * @serial: tells this open file from those opened before and after
 * @block: a block device
 * @created: the file is ours and not in use yet
 * @stamped: the superblock was written the last time that it had to be
 * @cleared: head and tail are zeros, see layout.h
 * @bytes: that may be used
 * @dev: with @ino, or @rdev, what tells that two paths are the same
 * @ino: see @dev
 * @rdev: see @dev
 * @state: enum leg_state; changes under the device's lock
 * @read_errors: reads that failed
 * @write_errors: writes that failed
 * @mismatches: pages found to differ from what had been stored
 * @repaired: pages written anew from the other leg
 * @no_space: the filesystem below it is full, or a quota
 * @faults: of late, see leg_fault(); under the device's lock, as @faults_since
 * @faults_since: when the oldest of them was, in seconds of CLOCK_MONOTONIC
 * @holds: what is on it and not ours, where that was found and not overcome
 */
struct leg {
	char *path;
	atomic_int fd;
	unsigned int serial;
	bool block;
	bool created;
	bool stamped;
	bool cleared;
	u64 bytes;
	dev_t dev;
	ino_t ino;
	dev_t rdev;
	atomic_int state;
	atomic_ullong read_errors;
	atomic_ullong write_errors;
	atomic_ullong mismatches;
	atomic_ullong repaired;
	atomic_bool no_space;
	unsigned int faults;
	time_t faults_since;
	char holds[CONTENT_TEXT];
};

int leg_open(struct leg *leg, const char *path, u64 size, int fd);
void leg_close(struct leg *leg);
void leg_remove_created(struct leg *leg);
bool leg_error_is_room(int error);
bool leg_is_gone(const struct leg *leg);
bool leg_fault(struct leg *leg);
bool leg_has_path(const struct leg *leg, const char *path);
bool leg_is_same(const struct leg *a, const struct leg *b);
void leg_page_area(const struct leg *leg, struct content_area *area);
u64 leg_slots(const struct leg *leg);
int leg_read_superblock(const struct leg *leg, struct superblock *sb);
int leg_read_copy(const struct leg *leg, struct superblock *sb);
int leg_write_superblock(struct leg *leg, const struct superblock *sb);
const char *leg_state_name(enum leg_state state);

static inline enum leg_state leg_state(const struct leg *leg)
{
	return atomic_load_explicit(&leg->state, memory_order_acquire);
}

#endif
