// SPDX-License-Identifier: GPL-2.0-only
/* See mirror.h. Re-silvering itself is in resilver.c. */
#include "mirror.h"
#include "log.h"
#include "resilver.h"

#include <errno.h>
#include <unistd.h>

/* Neighbours are read from one leg, so that it can read ahead. */
#define READ_STRIPE_SHIFT 8

static unsigned int preferred_leg(u64 slot)
{
	return slot >> READ_STRIPE_SHIFT & 1;
}

/**
 * mirror_read_leg() - which leg to read a slot from
 *
 * The choice depends on nothing but the slot and the states, so that a page
 * whose content turns out wrong can be laid at one leg's door. Where no leg is
 * good the preferred one is tried all the same: checksums tell.
 */
unsigned int mirror_read_leg(const struct device *dev, u64 slot)
{
	unsigned int leg = preferred_leg(slot);

	if (dev->nr_legs == 1)
		return 0;
	if (leg_state(&dev->legs[leg]) != LEG_GOOD &&
	    leg_state(&dev->legs[!leg]) == LEG_GOOD)
		leg = !leg;
	return leg;
}

/* Mask of the legs that a store goes to; never 0. */
unsigned int mirror_write_legs(const struct device *dev)
{
	unsigned int i, legs = 0;

	if (dev->nr_legs == 1)
		return 1;
	for (i = 0; i < dev->nr_legs; i++)
		if (leg_state(&dev->legs[i]) != LEG_FAILED)
			legs |= 1 << i;
	return legs;
}

/**
 * mirror_leg_failed() - a leg gave an error: do without it from now on
 *
 * The last good leg is kept whatever it does, like a plain device.
 *
 * Return: true if this is news.
 */
bool mirror_leg_failed(struct device *dev, unsigned int leg)
{
	struct leg *lost = &dev->legs[leg];
	bool news = false;

	if (dev->nr_legs == 1)
		return false;
	pthread_mutex_lock(&dev->lock);
	if (leg_state(lost) == LEG_REBUILDING ||
	    (leg_state(lost) == LEG_GOOD &&
	     leg_state(&dev->legs[!leg]) == LEG_GOOD)) {
		lost->state = LEG_FAILED;
		news = true;
		device_stamp(dev);
	}
	pthread_mutex_unlock(&dev->lock);
	if (news)
		log_crit("device %u: %s failed, going on with %s alone",
			 dev->number, lost->path, dev->legs[!leg].path);
	return news;
}

/* What mirror_read_leg() chose for @slot gave wrong content. */
void mirror_mismatch(struct device *dev, u64 slot)
{
	unsigned int leg = mirror_read_leg(dev, slot);

	atomic_fetch_add(&dev->legs[leg].mismatches, 1);
	log_limited(LOG_ERR, "%s: wrong content in slot %llu",
		    dev->legs[leg].path, (unsigned long long)slot);
}

static int lost_leg(const struct device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++)
		if (leg_state(&dev->legs[i]) == LEG_FAILED)
			return i;
	return -ENOENT;
}

/**
 * mirror_resilver() - begin to make a mirror whole
 *
 * Return: 0; -ENOENT: it is, or is no mirror; -EBUSY: it is being done;
 * -ENXIO: the other leg is missing, see mirror_replace().
 */
int mirror_resilver(struct device *dev)
{
	int leg = dev->nr_legs > 1 ? lost_leg(dev) : -ENOENT;

	if (atomic_load(&dev->resilvering))
		return -EBUSY;
	if (leg < 0)
		return leg;
	if (dev->legs[leg].fd < 0)
		return -ENXIO;
	return resilver_request(dev, leg);
}

/**
 * mirror_replace() - put another file or block device in place of a failed leg
 * @fd: of @path, open already, or -1; taken over where 0 is returned
 *
 * The path may be that of the failed leg: it is used as it is then.
 *
 * Return: 0 or -errno; mirror_resilver() is next.
 */
int mirror_replace(struct device *dev, const char *path, int fd)
{
	int at = dev->nr_legs > 1 ? lost_leg(dev) : -ENOENT;
	struct leg fresh;
	struct leg *leg;
	int ret;

	if (atomic_load(&dev->resilvering))
		return -EBUSY;
	if (at < 0)
		return at;
	leg = &dev->legs[at];
	ret = leg_open(&fresh, path, 0, fd);
	if (ret == -EBUSY && leg->fd >= 0 && leg_has_path(leg, path)) {
		leg_close(&fresh);
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (!ret && leg_is_same(&fresh, &dev->legs[!at]))
		ret = -EEXIST;
	if (!ret && fresh.bytes >> PAGER_PAGE_SHIFT <= dev->slots.count)
		ret = -EFBIG;
	if (ret) {
		if (fresh.fd == fd)
			fresh.fd = -1;
		leg_close(&fresh);
		return ret;
	}
	/*
	 * Nobody reads or writes a failed leg, queues register its successor
	 * when they need it. The old path is kept: it may be in a log line.
	 */
	fresh.state = LEG_FAILED;
	pthread_mutex_lock(&dev->lock);
	if (leg->fd >= 0)
		close(leg->fd);
	*leg = fresh;
	pthread_mutex_unlock(&dev->lock);
	return 0;
}
