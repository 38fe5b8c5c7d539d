/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device: what one device number in a cookie means, a plain file or block
 * device or a mirror of two, and its slots.
 *
 * A cookie is (number << 40 | slot). A slot is given out before its page is
 * written and freed when the module has taken the completion that made it
 * unneeded, never earlier: a pager that is killed in between must find in the
 * module's list what it had not yet reused.
 */
#ifndef TARN_PAGER_DEVICE_H
#define TARN_PAGER_DEVICE_H

#include <pthread.h>
#include "layout.h"
#include "leg.h"
#include "lost.h"
#include "slots.h"

#define DEVICE_MAX 256
#define DEVICE_SLOT_BITS 40
#define DEVICE_SLOT_MASK ((1ULL << DEVICE_SLOT_BITS) - 1)

struct device_option;

/**
 * struct device - a plain device or a mirror
 * @number: in cookies
 * @priority: a higher one is filled first
 * @discard: tell the legs which slots are free
 * @degraded: of a mirror: start with a leg that may be the one that failed
 * @granted: the module reads it by itself
 * @nr_legs: 1 or 2
 * @legs: what it lies on
 * @pool: uuid of the pool
 * @uuid: of the device, in the superblocks
 * @lock: protects the members from here to @bad; taken once a run of pages
 * @slots: which are used
 * @trim: a bit a slot: used for @slots, but only waits for its discard
 * @nr_trim: bits set in @trim, and slots being discarded
 * @parity: which of @writes counts writes that begin now
 * @generation: of the superblocks
 * @bad: slots that could not be written, never used again
 * @lost: slots that a leg lacks
 * @resilvered: slots passed by re-silvering
 * @writes: writes in flight, by the parity at their begin
 * @draining: nothing new is stored
 * @no_space: of a leg: nothing new is stored until there is room
 * @write_failed: too many writes failed in a row, or the device is gone:
 *	nothing new is stored
 * @failed_writes: writes that failed in a row
 * @resilvering: being done
 * @stamp_due: of a mirror: which legs lack pages is not on record on a good leg,
 *	so nothing may be stored on that one alone
 */
struct device {
	unsigned int number;
	int priority;
	bool discard;
	bool degraded;
	bool granted;
	unsigned int nr_legs;
	struct leg legs[LAYOUT_MAX_LEGS];
	u8 pool[16];
	u8 uuid[16];

	pthread_mutex_t lock;
	struct slots slots;
	u64 *trim;
	u64 nr_trim;
	unsigned int parity;
	u64 generation;
	u64 bad;
	struct lost_slots lost;
	u64 resilvered;

	atomic_uint writes[2];
	atomic_bool draining;
	atomic_bool no_space;
	atomic_bool write_failed;
	atomic_uint failed_writes;
	atomic_bool resilvering;
	atomic_bool stamp_due;
};

/**
 * struct extent - slots about to be written
 * @dev: their device
 * @slot: the first
 * @count: how many
 * @parity: for device_end_writes()
 */
struct extent {
	struct device *dev;
	u64 slot;
	u32 count;
	unsigned int parity;
};

struct device *device_create(const struct device_option *opt, unsigned int wait,
			     int fd, int *error);
bool device_has_path(const struct device *dev, const char *path);
void device_destroy(struct device *dev);
int device_init_slots(struct device *dev, u64 slots);
int device_stamp(struct device *dev);
void device_retry_stamp(struct device *dev);
bool device_is_stamped(struct device *dev);

bool device_alloc(struct device *dev, u32 want, struct extent *ext);
bool device_rewrite(struct device *dev, u64 slot, u32 count,
		    struct extent *ext);
void device_unalloc(const struct extent *ext);
void device_end_writes(struct device *dev, unsigned int parity);
int device_free(struct device *dev, u64 slot, u32 count);
void device_forget_lost(struct device *dev, u64 slot, u64 count);
int device_drain(struct device *dev, bool on);
void device_write_result(struct device *dev, bool good);
bool device_check_gone(struct device *dev);
bool device_no_space(struct device *dev, unsigned int leg);
void device_retry_space(struct device *dev);
void device_mark_bad(struct device *dev);
u64 device_used(struct device *dev);
bool device_is_open(struct device *dev);

static inline u64 device_cookie(const struct device *dev, u64 slot)
{
	return (u64)dev->number << DEVICE_SLOT_BITS | slot;
}

static inline u64 cookie_slot(u64 cookie)
{
	return cookie & DEVICE_SLOT_MASK;
}

static inline unsigned int cookie_device(u64 cookie)
{
	return cookie >> DEVICE_SLOT_BITS & (DEVICE_MAX - 1);
}

#endif
