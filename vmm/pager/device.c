// SPDX-License-Identifier: GPL-2.0-only
/* See device.h. What is particular to mirrors is in mirror.c. */
#include "device.h"
#include "discard.h"
#include "log.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* So many pages in a row that can't be written are not a few bad sectors. */
#define FAILED_WRITES_MAX 16

static void explain(const char *path, int error)
{
	switch (error) {
	case -EBUSY:
		log_err("%s is in use by another pager, a mount or a program",
			path);
		break;
	case -ENOENT:
		log_err("%s does not exist; give size= to create a file", path);
		break;
	case -ENOTBLK:
		log_err("%s is neither a file nor a block device", path);
		break;
	default:
		log_err("%s: %s", path, strerror(-error));
	}
}

/* A predecessor that was killed lets go when its last I/O is done. */
static int open_patiently(struct leg *leg, const char *path, u64 size, int fd,
			  unsigned int wait)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	unsigned int turns = wait * 10;
	int ret;

	while ((ret = leg_open(leg, path, size, fd)) == -EBUSY && turns--) {
		if (turns == wait * 10 - 10)
			log_info("%s is in use, waiting", path);
		leg_close(leg);
		nanosleep(&pause, NULL);
	}
	return ret;
}

/* A mirror may lack a leg, as long as the lock of no other pager is ignored. */
static int open_legs(struct device *dev, const struct device_option *opt,
		     unsigned int wait, int fd)
{
	unsigned int i, missing = 0;
	int ret = 0;

	for (i = 0; i < opt->nr_paths; i++) {
		ret = open_patiently(&dev->legs[i], opt->paths[i], opt->size,
				     fd, wait);
		dev->nr_legs++;
		if (!ret)
			continue;
		explain(opt->paths[i], ret);
		if (ret == -EBUSY || ++missing == opt->nr_paths)
			return ret;
	}
	if (dev->nr_legs == 2 && leg_is_same(&dev->legs[0], &dev->legs[1])) {
		log_err("%s and %s are the same", opt->paths[0], opt->paths[1]);
		return -EINVAL;
	}
	return 0;
}

/**
 * device_create() - open the legs of a device
 * @wait: seconds to wait where one is in use
 * @fd: of the only leg, open already, or -1
 * @error: -errno where NULL is returned; the reason has been logged
 */
struct device *device_create(const struct device_option *opt, unsigned int wait,
			     int fd, int *error)
{
	struct device *dev = calloc(1, sizeof(*dev));

	if (!dev) {
		*error = -ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&dev->lock, NULL);
	dev->priority = opt->priority;
	dev->discard = opt->discard;
	dev->legs[0].fd = dev->legs[1].fd = -1;
	*error = open_legs(dev, opt, wait, fd);
	if (!*error)
		return dev;
	device_destroy(dev);
	return NULL;
}

void device_destroy(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < LAYOUT_MAX_LEGS; i++)
		leg_close(&dev->legs[i]);
	slots_exit(&dev->slots);
	free(dev->trim);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

/* As many slots as the shorter leg has room for. */
int device_init_slots(struct device *dev)
{
	u64 pages = DEVICE_SLOT_MASK;
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++)
		if (dev->legs[i].fd >= 0)
			pages = min_t(u64, pages,
				      dev->legs[i].bytes >> PAGER_PAGE_SHIFT);
	if (dev->discard) {
		dev->trim = calloc(pages / 64 + 1, sizeof(u64));
		if (!dev->trim)
			return -ENOMEM;
	}
	return slots_init(&dev->slots, pages - 1);
}

/* Write the superblocks of all legs that are up to date. Under the lock. */
int device_stamp(struct device *dev)
{
	struct superblock sb = {
		.number = dev->number,
		.nr_legs = dev->nr_legs,
		.generation = ++dev->generation,
		.slots = dev->slots.count,
	};
	int ret, error = 0;
	unsigned int i;

	memcpy(sb.pool, dev->pool, sizeof(sb.pool));
	memcpy(sb.device, dev->uuid, sizeof(sb.device));
	for (i = 0; i < dev->nr_legs; i++)
		if (leg_state(&dev->legs[i]) != LEG_GOOD)
			sb.stale |= 1 << i;
	for (i = 0; i < dev->nr_legs; i++) {
		if (sb.stale & 1 << i)
			continue;
		sb.leg = i;
		ret = leg_write_superblock(&dev->legs[i], &sb);
		if (ret) {
			log_err("%s: can't write the superblock: %s",
				dev->legs[i].path, strerror(-ret));
			error = ret;
		}
	}
	return error;
}

bool device_is_open(struct device *dev)
{
	return !atomic_load(&dev->draining) && !atomic_load(&dev->no_space) &&
	       !atomic_load(&dev->write_failed);
}

static void begin_writes(struct device *dev, struct extent *ext, u64 slot,
			 u32 count)
{
	ext->dev = dev;
	ext->slot = slot;
	ext->count = count;
	ext->parity = dev->parity;
	atomic_fetch_add(&dev->writes[dev->parity], 1);
}

/**
 * device_alloc() - take slots for a run of pages
 * @want: length of the run
 * @ext: what was taken, not always all; device_end_writes() is due
 *
 * Return: false if there is nothing to take.
 */
bool device_alloc(struct device *dev, u32 want, struct extent *ext)
{
	u32 got;
	u64 slot;

	if (!device_is_open(dev))
		return false;
	pthread_mutex_lock(&dev->lock);
	slot = slots_alloc(&dev->slots, want, &got);
	if (!slot && dev->nr_trim && discard_cancel(dev))
		slot = slots_alloc(&dev->slots, want, &got);
	if (slot)
		begin_writes(dev, ext, slot, got);
	pthread_mutex_unlock(&dev->lock);
	return slot;
}

/**
 * device_rewrite() - write used slots again, in place
 *
 * Return: false if they can't be at present.
 */
bool device_rewrite(struct device *dev, u64 slot, u32 count,
		    struct extent *ext)
{
	bool can;

	if (atomic_load(&dev->write_failed))
		return false;
	pthread_mutex_lock(&dev->lock);
	can = !slots_is_barred(&dev->slots, slot, slot + count);
	if (can)
		begin_writes(dev, ext, slot, count);
	pthread_mutex_unlock(&dev->lock);
	return can;
}

void device_end_writes(struct device *dev, unsigned int parity)
{
	atomic_fetch_sub(&dev->writes[parity], 1);
}

/**
 * device_free() - a slot is not needed any more
 *
 * Return: 0, -ERANGE or -ENOENT if it was not used.
 */
int device_free(struct device *dev, u64 slot)
{
	int ret;

	pthread_mutex_lock(&dev->lock);
	ret = dev->discard ? discard_add(dev, slot) :
			     slots_free(&dev->slots, slot);
	pthread_mutex_unlock(&dev->lock);
	return ret;
}

/* Take note of how a write went; a device that fails all of them is left. */
void device_write_result(struct device *dev, bool good)
{
	if (good) {
		if (atomic_load_explicit(&dev->failed_writes,
					 memory_order_relaxed))
			atomic_store(&dev->failed_writes, 0);
		return;
	}
	if (atomic_fetch_add(&dev->failed_writes, 1) + 1 < FAILED_WRITES_MAX)
		return;
	if (!atomic_exchange(&dev->write_failed, true))
		log_crit("device %u (%s): writes fail, storing nothing on it",
			 dev->number, dev->legs[0].path);
}

/* The slot stays used for good. */
void device_mark_bad(struct device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->bad++;
	pthread_mutex_unlock(&dev->lock);
}

u64 device_used(struct device *dev)
{
	u64 used;

	pthread_mutex_lock(&dev->lock);
	used = dev->slots.used - dev->nr_trim;
	pthread_mutex_unlock(&dev->lock);
	return used;
}
