// SPDX-License-Identifier: GPL-2.0-only
/*
 * The superblocks of a device: which legs lack pages has to be on record before a page
 * counts that they lack.
 */
#include "device.h"
#include "log.h"

#include <string.h>

/* Lacks slots that the other leg may still have. */
static bool is_patchy(const struct device *dev, unsigned int leg)
{
	return lost_count(&dev->lost) && dev->lost.leg == leg &&
	       leg_state(&dev->legs[!leg]) == LEG_GOOD;
}

/*
 * Returns a mask of the legs that could not be written; @error is of one of them, which
 * is logged with @level.
 */
static unsigned int stamp_legs(struct device *dev, int level, int *error)
{
	struct superblock sb = {
		.number = dev->number,
		.nr_legs = dev->nr_legs,
		.generation = ++dev->generation,
		.draining = atomic_load(&dev->draining),
		.slots = slots_count(&dev->slots),
		.host = *host_ids(),
	};
	unsigned int i, failed = 0;
	int ret;

	memcpy(sb.pool, dev->pool, sizeof(sb.pool));
	memcpy(sb.device, dev->uuid, sizeof(sb.device));
	for (i = 0; i < dev->nr_legs; i++)
		if (leg_state(&dev->legs[i]) != LEG_GOOD || is_patchy(dev, i))
			sb.stale |= 1 << i;
	for (i = 0; i < dev->nr_legs; i++) {
		if (leg_state(&dev->legs[i]) == LEG_FAILED)
			continue;
		sb.leg = i;
		ret = leg_write_superblock(&dev->legs[i], &sb);
		dev->legs[i].stamped = !ret;
		if (ret) {
			log_at(level, "%s: can't write the superblock: %s",
			       dev->legs[i].path, strerror(-ret));
			*error = ret;
			failed |= 1 << i;
		}
	}
	return failed;
}

/* One of two good legs can't be written: it fails, as by any other write. */
static bool drop_leg(struct device *dev, unsigned int failed)
{
	unsigned int leg = failed >> 1;
	struct leg *left = &dev->legs[!leg];

	if (dev->nr_legs == 1 || (failed != 1 && failed != 2) ||
	    leg_state(&dev->legs[leg]) != LEG_GOOD || leg_state(left) != LEG_GOOD ||
	    is_patchy(dev, !leg))
		return false;
	/* First: a store that does without the leg looks whether it may. */
	atomic_store(&dev->stamp_due, true);
	dev->legs[leg].state = LEG_FAILED;
	lost_clear(&dev->lost);
	log_crit("device %u: %s failed, going on with %s alone", dev->number,
		 dev->legs[leg].path, left->path);
	return true;
}

static int stamp(struct device *dev, int level)
{
	int error = 0;
	unsigned int i, failed = stamp_legs(dev, level, &error);
	bool due = false;

	if (drop_leg(dev, failed))
		failed = stamp_legs(dev, level, &error);
	for (i = 0; i < dev->nr_legs; i++)
		due |= failed & 1 << i && leg_state(&dev->legs[i]) == LEG_GOOD;
	atomic_store(&dev->stamp_due, due && dev->nr_legs > 1);
	return error;
}

/*
 * Write the superblocks of all legs that are written at all. One that is not up
 * to date says so itself: without a superblock it would be nobody's. Under the
 * lock. What the last good leg of a mirror could not be told it is told later.
 */
int device_stamp(struct device *dev)
{
	return stamp(dev, LOG_ERR);
}

/* Once a second: that it fails was logged before. */
void device_retry_stamp(struct device *dev)
{
	if (!atomic_load(&dev->stamp_due))
		return;
	pthread_mutex_lock(&dev->lock);
	if (atomic_load(&dev->stamp_due) && !stamp(dev, LOG_DEBUG))
		log_info("device %u: storing again", dev->number);
	pthread_mutex_unlock(&dev->lock);
}

/* Whether it is on record which legs lack pages; waits where it is being written. */
bool device_is_stamped(struct device *dev)
{
	bool due = atomic_load(&dev->stamp_due);

	if (due) {
		pthread_mutex_lock(&dev->lock);
		due = atomic_load(&dev->stamp_due);
		pthread_mutex_unlock(&dev->lock);
	}
	return !due;
}
