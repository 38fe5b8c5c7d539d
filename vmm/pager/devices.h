/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All devices of a pager: which number each has, in which order they are
 * filled, and what they hold in sum. Devices are added and never removed.
 */
#ifndef TARN_PAGER_DEVICES_H
#define TARN_PAGER_DEVICES_H

#include <stdatomic.h>
#include "device.h"

struct device_option;
struct options;

/**
 * struct device_order - devices by falling priority; replaced as a whole
 * @older: the one before, kept to the end, as a reader may still look at it
 * @nr: length of @dev
 * @next: turn among devices of one priority
 * @dev: the devices
 */
struct device_order {
	struct device_order *older;
	unsigned int nr;
	atomic_uint next;
	struct device *dev[DEVICE_MAX];
};

/**
 * struct devices - all of them
 * @by_number: where a cookie leads
 * @order: for stores
 * @nr: how many
 * @opened: as on the command line, before they have their numbers
 */
struct devices {
	struct device *_Atomic by_number[DEVICE_MAX];
	struct device_order *_Atomic order;
	unsigned int nr;
	struct device *opened[DEVICE_MAX];
};

/**
 * struct slot_run - copies whose cookies follow each other
 * @cookie: of the first
 * @count: how many
 */
struct slot_run {
	u64 cookie;
	u32 count;
};

/** struct device_set - a set of device numbers */
struct device_set {
	u64 bits[DEVICE_MAX / 64];
};

/**
 * struct device_totals - what all devices hold in sum, in pages
 * @capacity: room on devices that take stores, and what is used on others
 * @used: of it, used
 * @degraded: a leg or a device is lost
 */
struct device_totals {
	u64 capacity;
	u64 used;
	bool degraded;
};

int devices_check_paths(const struct devices *devices, const struct device_option *opt);
int devices_open(struct devices *devices, const struct options *opts);
void devices_close(struct devices *devices);
void devices_remove_created(struct devices *devices);
void devices_keep_created(struct devices *devices);
int devices_identify(struct devices *devices, const u8 *pool,
		     const u64 *stored, bool force);
void devices_reset(struct devices *devices);
int devices_take(struct devices *devices, u64 cookie);
int devices_stamp(struct devices *devices);
int devices_add(struct devices *devices, struct device *dev, const u8 *pool,
		bool force);

bool devices_alloc(struct devices *devices, u32 want,
		   const struct device_set *but, struct extent *ext);
void devices_free(struct devices *devices, const struct slot_run *runs,
		  unsigned int nr);
void devices_sum(struct devices *devices, struct device_totals *totals);

static inline struct device *devices_find(struct devices *devices,
					  unsigned int number)
{
	return number < DEVICE_MAX ?
		       atomic_load_explicit(&devices->by_number[number],
					    memory_order_acquire) :
		       NULL;
}

/* The device of a cookie, NULL if it names no slot. */
static inline struct device *devices_of_cookie(struct devices *devices,
					       u64 cookie)
{
	struct device *dev = devices_find(devices, cookie_device(cookie));
	u64 slot = cookie_slot(cookie);

	return dev && slots_has(&dev->slots, slot) ? dev : NULL;
}

static inline bool device_set_has(const struct device_set *set,
				  const struct device *dev)
{
	return set->bits[dev->number / 64] >> (dev->number % 64) & 1;
}

static inline void device_set_add(struct device_set *set,
				  const struct device *dev)
{
	set->bits[dev->number / 64] |= 1ULL << (dev->number % 64);
}

#define devices_for_each(devices, device, i)                                   \
	for ((i) = 0; (i) < DEVICE_MAX; (i)++)                                 \
		if (((device) = devices_find(devices, i)))

#endif
