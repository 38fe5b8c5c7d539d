// SPDX-License-Identifier: GPL-2.0-only
/* See mirror.h. Re-silvering itself is in resilver.c. */
#include "mirror.h"
#include "devices.h"
#include "log.h"
#include "owner.h"
#include "resilver.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Neighbours are read from one leg, so that it can read ahead. */
#define READ_STRIPE_SHIFT 8

static unsigned int preferred_leg(u64 slot)
{
	return slot >> READ_STRIPE_SHIFT & 1;
}

static bool lacks(struct device *dev, unsigned int leg, u64 slot, u32 count)
{
	bool lost;

	if (!lost_count(&dev->lost))
		return false;
	pthread_mutex_lock(&dev->lock);
	lost = dev->lost.leg == leg && lost_has(&dev->lost, slot, count);
	pthread_mutex_unlock(&dev->lock);
	return lost;
}

/* Whether a leg can be expected to have the page of a slot as it was stored. */
bool mirror_has_copy(struct device *dev, unsigned int leg, u64 slot)
{
	return leg_state(&dev->legs[leg]) == LEG_GOOD &&
	       !lacks(dev, leg, slot, 1);
}

/**
 * mirror_read_leg() - which leg to read slots from
 *
 * The choice depends on nothing but the slots and the states, so that a page
 * whose content turns out wrong can be laid at one leg's door. Where no leg is
 * good the preferred one is tried all the same: checksums tell.
 */
unsigned int mirror_read_leg(struct device *dev, u64 slot, u32 count)
{
	unsigned int leg = preferred_leg(slot);

	if (dev->nr_legs == 1)
		return 0;
	if (leg_state(&dev->legs[!leg]) != LEG_GOOD)
		return leg;
	if (leg_state(&dev->legs[leg]) != LEG_GOOD ||
	    lacks(dev, leg, slot, count))
		leg = !leg;
	return leg;
}

/*
 * How many of @count slots from @slot on are read together: from the leg that
 * mirror_read_leg() names for each of them alone, too. Otherwise the wrong leg would
 * be blamed for one of them, and the good one written anew.
 */
u32 mirror_run(struct device *dev, u64 slot, u32 count)
{
	const u32 stripe = 1U << READ_STRIPE_SHIFT;

	if (dev->nr_legs == 1)
		return count;
	if (lost_count(&dev->lost))
		return 1;
	return min_t(u32, count, stripe - (slot & (stripe - 1)));
}

/* Mask of the legs that a store goes to; 0 of a mirror that is gone. */
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
 * mirror_leg_failed() - a leg can't be relied on: do without it from now on
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
		/* First: a store that does without the leg looks whether it may. */
		atomic_store(&dev->stamp_due, true);
		lost->state = LEG_FAILED;
		lost_clear(&dev->lost);
		news = true;
		device_stamp(dev);
	}
	pthread_mutex_unlock(&dev->lock);
	if (news)
		log_crit("device %u: %s failed, going on with %s alone",
			 dev->number, lost->path, dev->legs[!leg].path);
	return news;
}

/* A leg could not be read. Returns true if it is gone, and done without from now on. */
bool mirror_leg_gone(struct device *dev, unsigned int leg)
{
	return dev->nr_legs > 1 && leg_is_gone(&dev->legs[leg]) &&
	       mirror_leg_failed(dev, leg);
}

/*
 * A leg could not give a page that the other one had: it is about to be written anew, so
 * that each page counts once. What neither has says nothing of the one leg or the
 * other, however often a guest asks for it. Returns true if it is done without from
 * now on, as this was one page too many.
 */
bool mirror_page_failed(struct device *dev, unsigned int leg)
{
	bool fails;

	pthread_mutex_lock(&dev->lock);
	fails = leg_fault(&dev->legs[leg]);
	pthread_mutex_unlock(&dev->lock);
	return fails && mirror_leg_failed(dev, leg);
}

/* A leg gave wrong content. */
void mirror_mismatch(struct device *dev, unsigned int leg, u64 slot)
{
	atomic_fetch_add(&dev->legs[leg].mismatches, 1);
	log_limited(LOG_ERR, "%s: wrong content in slot %llu",
		    dev->legs[leg].path, (unsigned long long)slot);
}

static int failed_leg(const struct device *dev)
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
 * -ENXIO: the other leg is missing, -EIO: what is on it could not be read and may
 * be somebody's, -EFBIG: it is too small, see mirror_replace() for these; -EROFS: its
 * superblock can't be written.
 */
int mirror_resilver(struct device *dev)
{
	int leg = dev->nr_legs > 1 ? failed_leg(dev) : -ENOENT;

	if (atomic_load(&dev->resilvering))
		return -EBUSY;
	if (leg < 0)
		return leg;
	if (dev->legs[leg].fd < 0)
		return -ENXIO;
	if (dev->legs[leg].holds[0])
		return -EIO;
	if (leg_slots(&dev->legs[leg]) < slots_count(&dev->slots))
		return -EFBIG;
	return resilver_request(dev, leg);
}

/*
 * Begin with all mirrors that need it; returns how many. @error is why it does not
 * with the last that does not, -ENOENT where none needs it.
 */
unsigned int mirror_resilver_all(struct devices *devices, int *error)
{
	unsigned int i, started = 0;
	struct device *dev;
	int ret;

	*error = -ENOENT;
	devices_for_each(devices, dev, i) {
		ret = mirror_resilver(dev);
		started += !ret;
		if (ret && ret != -ENOENT)
			*error = ret;
	}
	return started;
}

/**
 * mirror_replace() - put another file or block device in place of a failed leg
 * @fd: of @path, open already, or -1; taken over where 0 is returned
 * @force: overwrite what isn't ours
 * @holds: CONTENT_TEXT bytes for what is on it, where that is why not
 *
 * The path may be that of the failed leg: it is used as it is then.
 *
 * Return: 0 or -errno; mirror_resilver() is next.
 */
int mirror_replace(struct devices *devices, struct device *dev, const char *path,
		   int fd, bool force, char *holds)
{
	int at = dev->nr_legs > 1 ? failed_leg(dev) : -ENOENT;
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
		if (leg->holds[0] && !force) {
			memcpy(holds, leg->holds, sizeof(leg->holds));
			return -EIO;
		}
		leg->holds[0] = '\0';
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (!ret && leg_is_same(&fresh, &dev->legs[!at]))
		ret = -EEXIST;
	if (!ret && leg_slots(&fresh) < slots_count(&dev->slots))
		ret = -EFBIG;
	if (!ret)
		ret = identify_spare(&fresh, devices, dev, force);
	if (ret) {
		memcpy(holds, fresh.holds, sizeof(fresh.holds));
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
	fresh.created = false;
	pthread_mutex_lock(&dev->lock);
	if (leg->fd >= 0)
		close(leg->fd);
	*leg = fresh;
	pthread_mutex_unlock(&dev->lock);
	return 0;
}
