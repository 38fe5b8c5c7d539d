// SPDX-License-Identifier: GPL-2.0-only
/* See devices.h. How devices get their numbers is in identify.c. */
#include "devices.h"
#include "log.h"
#include "options.h"
#include "owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <linux/tarn_pager.h>

static int publish_order(struct devices *devices)
{
	struct device_order *order = calloc(1, sizeof(*order));
	struct device *dev;
	unsigned int i, at;

	if (!order)
		return -ENOMEM;
	devices_for_each(devices, dev, i) {
		at = order->nr++;
		while (at && order->dev[at - 1]->priority < dev->priority) {
			order->dev[at] = order->dev[at - 1];
			at--;
		}
		order->dev[at] = dev;
	}
	order->older = devices->order;
	atomic_store_explicit(&devices->order, order, memory_order_release);
	return 0;
}

/* Returns -EEXIST, with a message, where a device has one of the paths already. */
int devices_check_paths(const struct devices *devices, const struct device_option *opt)
{
	unsigned int i, j;

	for (i = 0; i < devices->nr; i++)
		for (j = 0; j < opt->nr_paths; j++)
			if (device_has_path(devices->opened[i], opt->paths[j]))
				return -EEXIST;
	return 0;
}

int devices_open(struct devices *devices, const struct options *opts)
{
	struct device *dev;
	unsigned int i;
	int ret;

	for (i = 0; i < opts->nr_devices; i++) {
		ret = devices_check_paths(devices, &opts->devices[i]);
		if (ret)
			goto err_close;
		dev = device_create(&opts->devices[i], opts->wait, -1, &ret);
		if (!dev)
			goto err_close;
		devices->opened[devices->nr++] = dev;
	}
	return 0;

err_close:
	devices_close(devices);
	return ret;
}

void devices_close(struct devices *devices)
{
	struct device_order *order = devices->order, *older;

	while (devices->nr)
		device_destroy(devices->opened[--devices->nr]);
	for (; order; order = older) {
		older = order->older;
		free(order);
	}
	devices->order = NULL;
}

/* No start: files that were created for it go. */
void devices_remove_created(struct devices *devices)
{
	unsigned int i, j;

	for (i = 0; i < devices->nr; i++)
		for (j = 0; j < devices->opened[i]->nr_legs; j++)
			leg_remove_created(&devices->opened[i]->legs[j]);
}

/* From now on they may hold something. */
void devices_keep_created(struct devices *devices)
{
	unsigned int i, j;

	for (i = 0; i < devices->nr; i++)
		for (j = 0; j < devices->opened[i]->nr_legs; j++)
			devices->opened[i]->legs[j].created = false;
}

/* All slots are free, before what is stored is taken. */
void devices_reset(struct devices *devices)
{
	unsigned int i;

	for (i = 0; i < devices->nr; i++)
		slots_reset(&devices->opened[i]->slots);
}

/**
 * devices_take() - a stored page lies there
 *
 * Return: 0; -ENODEV, -ERANGE: there is no such place; -EEXIST: two pages
 * claim it.
 */
int devices_take(struct devices *devices, u64 cookie)
{
	struct device *dev = devices_find(devices, cookie_device(cookie));

	return dev ? slots_take(&dev->slots, cookie_slot(cookie)) : -ENODEV;
}

/* Whether a superblock that was written is there still. */
static int check_stamp(struct devices *devices, struct device *dev, unsigned int leg)
{
	struct superblock sb;
	struct device *other;

	if (!dev->legs[leg].stamped || leg_read_superblock(&dev->legs[leg], &sb) ||
	    (sb.number == dev->number && sb.leg == leg &&
	     !memcmp(sb.device, dev->uuid, sizeof(sb.device))))
		return 0;
	other = devices_find(devices, sb.number);
	log_err("%s and %s are one disk under two names", dev->legs[leg].path,
		other ? other->legs[sb.leg].path : "another device");
	return -EEXIST;
}

/*
 * Two paths to one disk that was blank look like two disks until both have a
 * superblock: the later one is what both have.
 */
static int check_stamps(struct devices *devices)
{
	unsigned int i, j;
	int ret = 0;

	for (i = 0; i < devices->nr; i++)
		for (j = 0; j < devices->opened[i]->nr_legs && !ret; j++)
			ret = check_stamp(devices, devices->opened[i], j);
	return ret;
}

/* Numbers are settled: mark the devices as ours and let them be found. */
int devices_stamp(struct devices *devices)
{
	struct device *dev;
	unsigned int i;
	int ret;

	for (i = 0; i < devices->nr; i++) {
		dev = devices->opened[i];
		ret = device_stamp(dev);
		/* A mirror goes on, and so does what pages are on: it is ours. */
		if (ret && dev->nr_legs == 1 && !dev->slots.used)
			return ret;
		log_info("device %u: %s%s%s, priority %d, %llu MiB, %llu used%s",
			 dev->number, dev->legs[0].path,
			 dev->nr_legs > 1 ? " and " : "",
			 dev->nr_legs > 1 ? dev->legs[1].path : "",
			 dev->priority,
			 (unsigned long long)slots_count(&dev->slots) >> 8,
			 (unsigned long long)dev->slots.used,
			 atomic_load(&dev->draining) ? ", draining" : "");
	}
	ret = check_stamps(devices);
	return ret ? ret : publish_order(devices);
}

static int new_uuid(struct device *dev)
{
	return getrandom(dev->uuid, sizeof(dev->uuid), 0) < 0 ? -errno : 0;
}

/* A device that was opened while the pager runs; nothing is stored on it. */
int devices_add(struct devices *devices, struct device *dev, const u8 *pool,
		bool force)
{
	const u64 stored[DEVICE_MAX] = {};
	struct devices one = { .nr = 1, .opened = { dev } };
	unsigned int number = 0;
	int ret;

	/* The last numbers are the module's own. */
	if (devices->nr == TARN_GRANT_MAX_DEVICES)
		return -ENOSPC;
	ret = identify_new(&dev->legs[0], devices, pool);
	if (!ret)
		ret = devices_identify(&one, pool, stored, force);
	if (!ret)
		ret = new_uuid(dev);
	if (ret)
		return ret;
	while (devices_find(devices, number))
		number++;
	dev->number = number;
	dev->draining = false;
	ret = device_stamp(dev);
	if (ret)
		return ret;
	devices->opened[devices->nr++] = dev;
	/* Who takes slots of it has to be able to find it. */
	atomic_store_explicit(&devices->by_number[number], dev,
			      memory_order_release);
	ret = publish_order(devices);
	if (ret) {
		atomic_store(&devices->by_number[number], NULL);
		devices->nr--;
		return ret;
	}
	dev->legs[0].created = false;
	return 0;
}

/* Take turns among devices of one priority, [first, end) of the order. */
static bool alloc_tier(struct device_order *order, unsigned int first,
		       unsigned int end, u32 want,
		       const struct device_set *but, struct extent *ext)
{
	unsigned int nr = end - first;
	unsigned int turn = 0, i;
	struct device *dev;

	if (nr > 1)
		turn = atomic_fetch_add_explicit(&order->next, 1,
						 memory_order_relaxed);
	for (i = 0; i < nr; i++) {
		dev = order->dev[first + (turn + i) % nr];
		if (but && device_set_has(but, dev))
			continue;
		if (device_alloc(dev, want, ext))
			return true;
	}
	return false;
}

/**
 * devices_alloc() - take slots for a run of pages on the best device
 * @but: not on these; NULL: on any
 */
bool devices_alloc(struct devices *devices, u32 want,
		   const struct device_set *but, struct extent *ext)
{
	struct device_order *order = atomic_load_explicit(
		&devices->order, memory_order_acquire);
	unsigned int first, end;

	for (first = 0; first < order->nr; first = end) {
		end = first + 1;
		while (end < order->nr && order->dev[end]->priority ==
						  order->dev[first]->priority)
			end++;
		if (alloc_tier(order, first, end, want, but, ext))
			return true;
	}
	return false;
}

void devices_free(struct devices *devices, const struct slot_run *runs,
		  unsigned int nr)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		dev = devices_of_cookie(devices, runs[i].cookie);
		if (!dev || device_free(dev, cookie_slot(runs[i].cookie),
					runs[i].count))
			log_limited(LOG_ERR, "of %u cookies from %#llx on, that were freed, some are not in use",
				    runs[i].count,
				    (unsigned long long)runs[i].cookie);
	}
}

static bool is_degraded(struct device *dev)
{
	unsigned int i;

	if (atomic_load(&dev->write_failed) || lost_count(&dev->lost))
		return true;
	for (i = 0; i < dev->nr_legs; i++)
		if (leg_state(&dev->legs[i]) != LEG_GOOD)
			return true;
	return false;
}

void devices_sum(struct devices *devices, struct device_totals *totals)
{
	struct device *dev;
	unsigned int i;
	u64 used;

	*totals = (struct device_totals){};
	devices_for_each(devices, dev, i) {
		used = device_used(dev);
		totals->used += used;
		totals->capacity += device_is_open(dev) &&
				    !atomic_load(&dev->stamp_due) ?
					    slots_count(&dev->slots) :
					    used;
		totals->degraded |= is_degraded(dev);
	}
}
