// SPDX-License-Identifier: GPL-2.0-only
/*
 * See mirror.h. A window of slots at a time: bar it, so that no store begins in
 * it; let the stores that began before end; copy its used slots; lift the bar.
 * Stores outside the window go to both legs meanwhile, as the leg is in state
 * LEG_REBUILDING. What can't be read is remembered (lost.h): for that, the leg
 * is not good.
 */
#include "resilver.h"
#include "devices.h"
#include "discard.h"
#include "log.h"
#include "status.h"
#include "thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_SLOTS 256

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct devices *devices;
	u8 *buffer;
} resilver = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER,
};

/*
 * Stores are counted under one of two parities, in turn from window to window;
 * all that were counted under one ended before it is used again.
 */
static void bar_window(struct device *dev, u64 first, u64 end)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000 };
	unsigned int before;

	pthread_mutex_lock(&dev->lock);
	slots_bar(&dev->slots, first, end);
	before = dev->parity;
	dev->parity = !before;
	pthread_mutex_unlock(&dev->lock);
	while (atomic_load(&dev->writes[before]))
		nanosleep(&pause, NULL);
}

/*
 * A page that the good leg can't give, and the other one will not have. It may
 * have been freed meanwhile.
 */
static int note_lost(struct device *dev, unsigned int leg, u64 slot)
{
	struct leg *from = &dev->legs[!leg];
	int ret = 0;

	atomic_fetch_add(&from->read_errors, 1);
	log_limited(LOG_ERR, "%s: slot %llu can't be read", from->path,
		    (unsigned long long)slot);
	pthread_mutex_lock(&dev->lock);
	if (slots_is_used(&dev->slots, slot) && !discard_waits(dev, slot))
		ret = lost_add(&dev->lost, leg, slot);
	pthread_mutex_unlock(&dev->lock);
	if (ret)
		log_err("%s: too many pages can't be read", from->path);
	return ret;
}

static int copy_page_by_page(struct device *dev, unsigned int leg, u64 slot,
			     u64 count)
{
	const struct leg *from = &dev->legs[!leg], *to = &dev->legs[leg];
	int ret = 0;
	u64 at;

	for (at = slot; at < slot + count && !ret; at++) {
		off_t offset = at << PAGER_PAGE_SHIFT;

		if (pread(from->fd, resilver.buffer, PAGER_PAGE_SIZE, offset) !=
		    (ssize_t)PAGER_PAGE_SIZE)
			ret = note_lost(dev, leg, at);
		else if (pwrite(to->fd, resilver.buffer, PAGER_PAGE_SIZE,
				offset) != (ssize_t)PAGER_PAGE_SIZE)
			ret = -EIO;
	}
	return ret;
}

static int copy_run(struct device *dev, unsigned int leg, u64 slot, u64 count)
{
	const struct leg *from = &dev->legs[!leg], *to = &dev->legs[leg];
	ssize_t bytes = count << PAGER_PAGE_SHIFT;
	off_t offset = slot << PAGER_PAGE_SHIFT;

	if (pread(from->fd, resilver.buffer, bytes, offset) == bytes &&
	    pwrite(to->fd, resilver.buffer, bytes, offset) == bytes)
		return 0;
	return copy_page_by_page(dev, leg, slot, count);
}

/* The window is barred: what is used in it may be freed, but not written. */
static int copy_window(struct device *dev, unsigned int leg, u64 first, u64 end)
{
	u64 slot, stop;
	int ret = 0;

	for (slot = first; !ret; slot = stop) {
		pthread_mutex_lock(&dev->lock);
		slot = slots_next_used(&dev->slots, slot, end);
		for (stop = slot; stop < end; stop++)
			if (!slots_is_used(&dev->slots, stop))
				break;
		pthread_mutex_unlock(&dev->lock);
		if (slot >= end)
			break;
		ret = copy_run(dev, leg, slot, stop - slot);
	}
	return ret;
}

static int copy_device(struct device *dev, unsigned int leg)
{
	u64 end, first;
	int ret = 0;

	for (first = dev->slots.first; first < dev->slots.end && !ret;
	     first = end) {
		end = min_t(u64, first + WINDOW_SLOTS, dev->slots.end);
		bar_window(dev, first, end);
		ret = copy_window(dev, leg, first, end);
		pthread_mutex_lock(&dev->lock);
		slots_bar(&dev->slots, 0, 0);
		dev->resilvered = end - dev->slots.first;
		if (leg_state(&dev->legs[leg]) != LEG_REBUILDING)
			ret = -EIO;
		pthread_mutex_unlock(&dev->lock);
	}
	return ret;
}

/*
 * Which leg to copy to. A leg may have failed since this was asked for, the good one, too,
 * and then there is nothing to copy from. -1: none.
 */
static int rebuilding_leg(struct device *dev)
{
	int leg = -1;
	unsigned int i;

	pthread_mutex_lock(&dev->lock);
	for (i = 0; i < dev->nr_legs; i++)
		if (leg_state(&dev->legs[i]) == LEG_REBUILDING &&
		    leg_state(&dev->legs[!i]) == LEG_GOOD)
			leg = i;
	pthread_mutex_unlock(&dev->lock);
	return leg;
}

static void resilver_leg(struct device *dev, unsigned int leg)
{
	struct leg *to = &dev->legs[leg];
	int ret = copy_device(dev, leg);
	unsigned int lost;

	pthread_mutex_lock(&dev->lock);
	if (!ret && leg_state(to) == LEG_REBUILDING) {
		to->state = LEG_GOOD;
		ret = device_stamp(dev);
	}
	if (ret && leg_state(&dev->legs[!leg]) == LEG_GOOD) {
		to->state = LEG_FAILED;
		lost_clear(&dev->lost);
		device_stamp(dev);
	}
	lost = lost_count(&dev->lost);
	pthread_mutex_unlock(&dev->lock);
	if (ret)
		log_err("device %u: re-silvering %s failed", dev->number,
			to->path);
	else if (lost)
		log_warn("device %u: %s is good but for %u pages that %s can't give",
			 dev->number, to->path, lost, dev->legs[!leg].path);
	else
		log_info("device %u: %s is whole again", dev->number, to->path);
}

static void resilver_device(struct device *dev)
{
	int leg = rebuilding_leg(dev);

	if (leg >= 0)
		resilver_leg(dev, leg);
	else
		log_err("device %u: nothing to re-silver from, or to", dev->number);
	atomic_store(&dev->resilvering, false);
	status_poke();
}

static void *resilver_thread(void *arg)
{
	struct device *dev;
	unsigned int i;
	bool any;

	for (;;) {
		any = false;
		devices_for_each(resilver.devices, dev, i) {
			if (!atomic_load(&dev->resilvering))
				continue;
			resilver_device(dev);
			any = true;
		}
		pthread_mutex_lock(&resilver.lock);
		if (!any)
			pthread_cond_wait(&resilver.wake, &resilver.lock);
		pthread_mutex_unlock(&resilver.lock);
	}
	return NULL;
}

int resilver_start(struct devices *devices)
{
	resilver.devices = devices;
	resilver.buffer = aligned_alloc(PAGER_PAGE_SIZE,
					WINDOW_SLOTS << PAGER_PAGE_SHIFT);
	if (!resilver.buffer)
		return -ENOMEM;
	return thread_create("tarn-resilver", resilver_thread, NULL);
}

/* Have @leg of @dev, which has failed, copied from the other one. */
int resilver_request(struct device *dev, unsigned int leg)
{
	int ret = 0;

	pthread_mutex_lock(&dev->lock);
	if (leg_state(&dev->legs[leg]) != LEG_FAILED ||
	    leg_state(&dev->legs[!leg]) != LEG_GOOD) {
		ret = -ENOENT;
	} else {
		dev->legs[leg].state = LEG_REBUILDING;
		lost_clear(&dev->lost);
		dev->resilvered = 0;
		device_stamp(dev);
		/* What it said before may be that it lacks nothing. */
		if (!dev->legs[leg].stamped) {
			dev->legs[leg].state = LEG_FAILED;
			ret = -EROFS;
		}
	}
	pthread_mutex_unlock(&dev->lock);
	if (ret)
		return ret;
	log_info("device %u: re-silvering %s", dev->number,
		 dev->legs[leg].path);
	pthread_mutex_lock(&resilver.lock);
	atomic_store(&dev->resilvering, true);
	pthread_cond_signal(&resilver.wake);
	pthread_mutex_unlock(&resilver.lock);
	return 0;
}
