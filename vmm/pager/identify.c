// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding out which device is which when a pager starts. The number in the
 * superblock counts where the pool is the same. What a superblock says of
 * another pool is worth nothing once that pool is gone, as a pool does not
 * outlive its mount; while it lives, its devices are refused, as is anything
 * that no pager wrote.
 */
#include "devices.h"
#include "log.h"
#include "uuid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define NUMBER_NONE DEVICE_MAX

static bool pool_lives(const u8 *pool)
{
	char path[64], text[UUID_TEXT];

	uuid_format(pool, text);
	snprintf(path, sizeof(path), "/sys/fs/tarn/%s", text);
	return !access(path, F_OK);
}

/*
 * Look at one leg. Returns 1: belongs to this pool, @sb is filled in; 0: may be
 * overwritten; -errno: may not.
 */
static int identify_leg(struct leg *leg, const u8 *pool, bool force,
			struct superblock *sb)
{
	char text[UUID_TEXT];
	int ret;

	if (leg->fd < 0)
		return 0;
	ret = leg_read_superblock(leg, sb);
	switch (ret) {
	case 0:
		break;
	case -ENODATA:
		return 0;
	case -EMEDIUMTYPE:
	case -EPROTONOSUPPORT:
		if (force) {
			log_warn("%s: overwriting what is on it", leg->path);
			return 0;
		}
		log_err("%s holds something that is not a pager's; --force destroys it",
			leg->path);
		return ret;
	case -EILSEQ:
		log_warn("%s: damaged superblock, starting anew", leg->path);
		return 0;
	default:
		log_err("%s: can't read the superblock: %s", leg->path,
			strerror(-ret));
		leg->state = LEG_FAILED;
		return 0;
	}
	if (!memcmp(sb->pool, pool, sizeof(sb->pool)))
		return 1;
	uuid_format(sb->pool, text);
	if (pool_lives(sb->pool) && !force) {
		log_err("%s belongs to pool %s, which is mounted; --force takes it",
			leg->path, text);
		return -EBUSY;
	}
	log_info("%s was left by pool %s, which is gone", leg->path, text);
	return 0;
}

static void swap_legs(struct device *dev)
{
	struct leg leg = dev->legs[0];

	dev->legs[0] = dev->legs[1];
	dev->legs[1] = leg;
}

/* Which legs of a device of this pool may be read. */
static int judge_legs(struct device *dev, const struct superblock *sb,
		      const struct superblock *newest, const bool *ours)
{
	unsigned int i, good = 0;

	for (i = 0; i < dev->nr_legs; i++) {
		bool stale = newest->stale >> sb[i].leg & 1;

		if (ours[i] && !stale &&
		    !memcmp(sb[i].device, newest->device, 16)) {
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

static int identify_device(struct device *dev, const u8 *pool,
			   const u64 *stored, bool force)
{
	struct superblock sb[LAYOUT_MAX_LEGS] = {};
	const struct superblock *newest = NULL;
	bool ours[LAYOUT_MAX_LEGS] = {};
	unsigned int i, readable = 0;
	int ret;

	memcpy(dev->pool, pool, sizeof(dev->pool));
	dev->number = NUMBER_NONE;
	for (i = 0; i < dev->nr_legs; i++) {
		ret = identify_leg(&dev->legs[i], pool, force, &sb[i]);
		if (ret < 0)
			return ret;
		ours[i] = ret;
		if (ret && (!newest || sb[i].generation > newest->generation))
			newest = &sb[i];
		readable += leg_state(&dev->legs[i]) == LEG_GOOD;
	}
	if (!readable)
		return -EIO;
	if (!newest) {
		if (getrandom(dev->uuid, sizeof(dev->uuid), 0) < 0)
			return -errno;
		return 0;
	}
	dev->number = newest->number;
	dev->generation = newest->generation;
	memcpy(dev->uuid, newest->device, sizeof(dev->uuid));
	/* Nothing is stored: all legs are as good as new. */
	if (stored[dev->number]) {
		ret = judge_legs(dev, sb, newest, ours);
		if (ret)
			return ret;
	}
	/* The legs keep their places whatever the order on the command line. */
	if (dev->nr_legs > 1 &&
	    (ours[0] ? sb[0].leg == 1 : ours[1] && sb[1].leg == 0))
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
		log_err("device %u holds %llu pages of this pool and is missing",
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
