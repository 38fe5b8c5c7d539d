// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding out which device is which when a pager starts. The number in the
 * superblock counts where the pool is ours (owner.h).
 */
#include "devices.h"
#include "log.h"
#include "owner.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define NUMBER_NONE DEVICE_MAX

/* ---- legs ---------------------------------------------------------------- */

static void swap_legs(struct device *dev)
{
	struct leg leg = dev->legs[0];

	dev->legs[0] = dev->legs[1];
	dev->legs[1] = leg;
}

/**
 * struct found - what the superblocks of a device's legs say
 * @sb: of each leg
 * @ours: whether that belongs to this pool
 * @newest: the leg whose superblock is right, -1: none is ours
 */
struct found {
	struct superblock sb[LAYOUT_MAX_LEGS];
	bool ours[LAYOUT_MAX_LEGS];
	int newest;
};

static int find_superblocks(struct device *dev, const u8 *pool, bool force,
			    struct found *found)
{
	unsigned int i, readable = 0;
	int ret;

	found->newest = -1;
	for (i = 0; i < dev->nr_legs; i++) {
		ret = identify_leg(&dev->legs[i], pool, force, &found->sb[i]);
		/* A mirror does without a leg that is broken. */
		if (ret == -EIO && dev->nr_legs > 1)
			dev->legs[i].state = LEG_FAILED;
		else if (ret < 0)
			return ret;
		found->ours[i] = ret > 0;
		if (found->ours[i] &&
		    (found->newest < 0 || found->sb[i].generation >
						  found->sb[found->newest].generation))
			found->newest = i;
		readable += leg_state(&dev->legs[i]) == LEG_GOOD;
	}
	return readable ? 0 : -EIO;
}

static bool is_of_device(const struct found *found, unsigned int leg,
			 const struct superblock *newest)
{
	return found->ours[leg] &&
	       !memcmp(found->sb[leg].device, newest->device,
		       sizeof(newest->device));
}

/* Whether @leg is, beside the newest, the other leg of the same mirror. */
static bool is_partner(const struct found *found, unsigned int leg,
		       const struct superblock *newest)
{
	return is_of_device(found, leg, newest) &&
	       found->sb[leg].nr_legs == newest->nr_legs &&
	       found->sb[leg].leg != newest->leg;
}

/*
 * Each leg was used without the other one: either has pages that the other lacks, and
 * to use the one is to lose what the other has.
 */
static bool is_split(const struct device *dev, const struct found *found,
		     const struct superblock *newest)
{
	unsigned int other = !found->newest;

	return dev->nr_legs > 1 && is_of_device(found, other, newest) &&
	       superblock_was_alone(newest) &&
	       superblock_was_alone(&found->sb[other]);
}

static const char *other_path(const struct device *dev, unsigned int leg)
{
	return dev->nr_legs > 1 ? dev->legs[!leg].path : "its other leg";
}

/*
 * A leg without the other one can't know whether it is the one that failed: it is
 * the superblock of the good one that tells.
 */
static int check_alone(const struct device *dev, const struct found *found,
		       const struct superblock *newest)
{
	const char *path = dev->legs[found->newest].path;
	const char *other = other_path(dev, found->newest);

	if (superblock_was_alone(newest) && !(newest->stale >> newest->leg & 1))
		return 0;
	if (dev->degraded) {
		log_warn("device %u: going on with %s alone, which may lack what was stored lately",
			 newest->number, path);
		return 0;
	}
	log_err("device %u: %s may lack what was stored lately and %s is missing, or is another device: have it back, or give degraded=on to do without what only that has",
		newest->number, path, other);
	return -ENODEV;
}

/* Which legs of a device of this pool may be read, as pages are stored on it. */
static int judge_legs(struct device *dev, const struct found *found)
{
	const struct superblock *newest = &found->sb[found->newest];
	u8 stale = newest->stale;
	unsigned int i, good = 0;
	int ret;

	if (is_split(dev, found, newest)) {
		log_err("device %u: %s and %s were both used without the other: give the one to go on with, and another device in the place of the other",
			newest->number, dev->legs[0].path, dev->legs[1].path);
		return -EIO;
	}
	if (dev->nr_legs == 1 || !is_partner(found, !found->newest, newest)) {
		ret = newest->nr_legs > 1 ? check_alone(dev, found, newest) : 0;
		if (ret)
			return ret;
		stale = 0;
	}
	for (i = 0; i < dev->nr_legs; i++) {
		if (leg_state(&dev->legs[i]) == LEG_GOOD &&
		    !(stale >> found->sb[i].leg & 1) &&
		    ((int)i == found->newest || is_partner(found, i, newest))) {
			good++;
			continue;
		}
		log_warn("device %u: %s lacks what was stored lately",
			 newest->number, dev->legs[i].path);
		dev->legs[i].state = LEG_FAILED;
	}
	if (good)
		return 0;
	log_err("device %u: no leg has all that was stored", newest->number);
	return -EIO;
}

/* ---- size ---------------------------------------------------------------- */

/* Do without legs that have no room for @slots, if one has. Returns whether. */
static bool drop_small_legs(struct device *dev, u64 slots)
{
	unsigned int i, fit = 0;

	for (i = 0; i < dev->nr_legs; i++)
		fit += dev->legs[i].fd >= 0 && leg_slots(&dev->legs[i]) >= slots;
	for (i = 0; fit && i < dev->nr_legs; i++) {
		if (dev->legs[i].fd < 0 || leg_slots(&dev->legs[i]) >= slots)
			continue;
		log_warn("%s is too small for what is stored on the mirror",
			 dev->legs[i].path);
		dev->legs[i].state = LEG_FAILED;
	}
	return fit;
}

/*
 * As many slots as the shorter leg has room for. A leg that is missing counts as long
 * as the device had: with more, it could not be used any more when it is back. One
 * that is new and too small does not make the device smaller than it was.
 */
static u64 fit_slots(struct device *dev, const struct found *found, bool stored)
{
	u64 had, slots = DEVICE_SLOT_MASK + 1 - LAYOUT_HEAD_SLOTS;
	bool missing = false;
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++) {
		if (dev->legs[i].fd >= 0)
			slots = min_t(u64, slots, leg_slots(&dev->legs[i]));
		else
			missing = true;
	}
	if (found->newest < 0 || dev->nr_legs == 1)
		return slots;
	had = found->sb[found->newest].slots;
	if (missing)
		return min_t(u64, slots, had);
	return stored && slots < had && drop_small_legs(dev, had) ? had : slots;
}

/* ---- all ----------------------------------------------------------------- */

static int identify_device(struct device *dev, const u8 *pool,
			   const u64 *stored, bool force)
{
	const struct superblock *newest;
	struct found found = {};
	unsigned int i;
	u64 slots;
	int ret;

	memcpy(dev->pool, pool, sizeof(dev->pool));
	dev->number = NUMBER_NONE;
	ret = find_superblocks(dev, pool, force, &found);
	if (ret)
		return ret;
	newest = found.newest < 0 ? NULL : &found.sb[found.newest];
	slots = fit_slots(dev, &found, newest && stored[newest->number]);
	ret = device_init_slots(dev, slots);
	if (ret)
		return ret;
	/* With another size the tail is elsewhere. */
	for (i = 0; i < dev->nr_legs; i++)
		dev->legs[i].cleared = found.ours[i] && found.sb[i].slots == slots;
	if (!newest)
		return getrandom(dev->uuid, sizeof(dev->uuid), 0) < 0 ? -errno : 0;
	dev->number = newest->number;
	dev->generation = newest->generation;
	dev->draining = newest->draining;
	memcpy(dev->uuid, newest->device, sizeof(dev->uuid));
	/* Nothing is stored: all legs are as good as new. */
	if (stored[dev->number]) {
		ret = judge_legs(dev, &found);
		if (ret)
			return ret;
	}
	/* The legs keep their places whatever the order on the command line. */
	if (dev->nr_legs > 1 &&
	    (found.ours[0] ? found.sb[0].leg == 1 :
			     found.ours[1] && found.sb[1].leg == 0))
		swap_legs(dev);
	return 0;
}

static int claim_number(struct devices *devices, struct device *dev)
{
	struct device *other = devices_find(devices, dev->number);

	if (other) {
		log_err("%s and %s are both device %u", other->legs[0].path,
			dev->legs[0].path, dev->number);
		return -EEXIST;
	}
	atomic_store(&devices->by_number[dev->number], dev);
	return 0;
}

static int check_missing(struct devices *devices, const u64 *stored)
{
	unsigned int number;
	int ret = 0;

	for (number = 0; number < DEVICE_MAX; number++) {
		if (!stored[number] || devices_find(devices, number))
			continue;
		log_err("device %u holds %llu pages of this pool and is missing: give it with --device or --mirror, too (as a service: in the pool's file)",
			number, (unsigned long long)stored[number]);
		ret = -ENODEV;
	}
	return ret;
}

/**
 * devices_identify() - give each open device its number
 * @pool: uuid
 * @stored: how many pages the pool has stored, by device number
 * @force: overwrite what isn't ours
 */
int devices_identify(struct devices *devices, const u8 *pool,
		     const u64 *stored, bool force)
{
	unsigned int i, number = 0;
	struct device *dev;
	int ret;

	for (i = 0; i < devices->nr; i++) {
		dev = devices->opened[i];
		ret = identify_device(dev, pool, stored, force);
		if (!ret && dev->number != NUMBER_NONE)
			ret = claim_number(devices, dev);
		if (ret)
			return ret;
	}
	ret = check_missing(devices, stored);
	if (ret)
		return ret;
	for (i = 0; i < devices->nr; i++) {
		dev = devices->opened[i];
		if (dev->number != NUMBER_NONE)
			continue;
		while (devices_find(devices, number))
			number++;
		dev->number = number;
		claim_number(devices, dev);
	}
	return 0;
}
