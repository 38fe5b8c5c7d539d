// SPDX-License-Identifier: GPL-2.0-only
/* See discard.h. */
#include "discard.h"
#include "device.h"
#include "devices.h"
#include "log.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

/* Shorter runs cost more than they give. */
#define DISCARD_MIN_SLOTS 8
/* One command may keep a device from other work for long. */
#define DISCARD_MAX_SLOTS 8192

static bool trim_test(const struct device *dev, u64 slot)
{
	return dev->trim[slot / 64] >> (slot % 64) & 1;
}

/* Whether a slot that is used waits for its discard. Under the device's lock. */
bool discard_waits(const struct device *dev, u64 slot)
{
	return dev->trim && trim_test(dev, slot);
}

/* A used slot now waits for its discard. Under the device's lock. */
int discard_add(struct device *dev, u64 slot)
{
	if (!slots_has(&dev->slots, slot))
		return -ERANGE;
	if (!slots_is_used(&dev->slots, slot) || trim_test(dev, slot))
		return -ENOENT;
	dev->trim[slot / 64] |= 1ULL << (slot % 64);
	dev->nr_trim++;
	return 0;
}

/* Take the run of waiting slots at @slot off the map. Under the lock. */
static u64 take_run(struct device *dev, u64 slot)
{
	u64 end = slot;

	while (end < dev->slots.end && end - slot < DISCARD_MAX_SLOTS &&
	       trim_test(dev, end)) {
		dev->trim[end / 64] &= ~(1ULL << (end % 64));
		end++;
	}
	return end - slot;
}

/* One of them may have been found to be lost since it was taken off the map. */
static void free_run(struct device *dev, u64 slot, u64 count)
{
	dev->nr_trim -= count;
	device_forget_lost(dev, slot, count);
	while (count--)
		slots_free(&dev->slots, slot++);
}

static u64 next_waiting(const struct device *dev, u64 from)
{
	u64 words = dev->slots.words;
	u64 word = from / 64;
	u64 bits;

	if (word >= words)
		return 0;
	bits = dev->trim[word] & (~0ULL << (from % 64));
	while (!bits) {
		if (++word == words)
			return 0;
		bits = dev->trim[word];
	}
	return word * 64 + __builtin_ctzll(bits);
}

/*
 * Free all that waits and is not being discarded at this moment. Under the
 * device's lock. Returns whether there was any.
 */
bool discard_cancel(struct device *dev)
{
	u64 slot = 1;
	bool any = false;
	u64 count;

	while ((slot = next_waiting(dev, slot))) {
		count = take_run(dev, slot);
		free_run(dev, slot, count);
		slot += count;
		any = true;
	}
	return any;
}

static void discard_leg(struct device *dev, struct leg *leg, u64 first,
			u64 count)
{
	u64 range[2] = { first << PAGER_PAGE_SHIFT, count << PAGER_PAGE_SHIFT };
	int ret;

	if (leg->fd < 0 || leg_state(leg) == LEG_FAILED)
		return;
	if (leg->block)
		ret = ioctl(leg->fd, BLKDISCARD, range);
	else
		ret = fallocate(leg->fd,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				range[0], range[1]);
	if (ret && errno != EINTR)
		log_limited(LOG_WARNING, "%s: discard: %s", leg->path,
			    strerror(errno));
}

/* What lies on a device of which nothing is stored is worth nothing. */
void discard_all(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++)
		discard_leg(dev, &dev->legs[i], dev->slots.first,
			    slots_count(&dev->slots));
}

static void discard_device(struct device *dev)
{
	u64 slot = 1, count;
	unsigned int i;

	for (;;) {
		pthread_mutex_lock(&dev->lock);
		slot = next_waiting(dev, slot);
		count = slot ? take_run(dev, slot) : 0;
		pthread_mutex_unlock(&dev->lock);
		if (!slot)
			return;
		if (count >= DISCARD_MIN_SLOTS)
			for (i = 0; i < dev->nr_legs; i++)
				discard_leg(dev, &dev->legs[i], slot, count);
		pthread_mutex_lock(&dev->lock);
		free_run(dev, slot, count);
		pthread_mutex_unlock(&dev->lock);
		slot += count;
	}
}

static void *discard_thread(void *arg)
{
	const struct timespec pause = { .tv_sec = 1 };
	struct devices *devices = arg;
	struct device *dev;
	unsigned int i;

	for (;;) {
		nanosleep(&pause, NULL);
		devices_for_each(devices, dev, i)
			if (dev->discard)
				discard_device(dev);
	}
	return NULL;
}

int discard_start(struct devices *devices)
{
	return thread_create("tarn-discard", discard_thread, devices);
}
