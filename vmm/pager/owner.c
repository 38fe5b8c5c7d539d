// SPDX-License-Identifier: GPL-2.0-only
/*
 * See owner.h. What a superblock says of another pool is worth nothing once that
 * pool is gone, as a pool does not outlive its mount; while it lives, its devices are
 * refused, as is anything that no pager wrote. Of a pool of another host, or a guest,
 * nobody here can say whether it lives.
 */
#include "owner.h"
#include "devices.h"
#include "host.h"
#include "log.h"
#include "uuid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool pool_lives(const u8 *pool)
{
	char path[64], text[UUID_TEXT];

	uuid_format(pool, text);
	snprintf(path, sizeof(path), "/sys/fs/tarn/%s", text);
	return !access(path, F_OK);
}

/* What nobody but its owner may judge: refused, or gone by --force. */
static int refuse(struct leg *leg, bool force, int error)
{
	if (force) {
		log_warn("%s: overwriting what is on it: %s", leg->path,
			 leg->holds);
		leg->holds[0] = '\0';
		return 0;
	}
	log_err("%s holds %s; --force destroys it", leg->path, leg->holds);
	return error;
}

static int refuse_unread(struct leg *leg, bool force, int error)
{
	snprintf(leg->holds, sizeof(leg->holds), "what can't be read (%s)",
		 strerror(-error));
	return refuse(leg, force, -EIO);
}

/*
 * Another version of the pager wrote it. If that was for this pool, force would lose
 * what is stored.
 */
static int refuse_version(struct leg *leg, const u8 *pool, bool force,
			  const struct superblock *sb)
{
	bool ours = !memcmp(sb->pool, pool, sizeof(sb->pool));

	snprintf(leg->holds, sizeof(leg->holds),
		 "pages of %s pool, stored by a tarn-pager of layout %u",
		 ours ? "this" : "another", sb->version);
	if (force || !ours)
		return refuse(leg, force, -EPROTONOSUPPORT);
	log_err("%s holds %s: start that version", leg->path, leg->holds);
	return -EPROTONOSUPPORT;
}

/* Something that no pager wrote. */
static int look_for_content(struct leg *leg, const struct content_area *known, bool any,
			    bool force)
{
	int ret = content_find(leg->fd, known, any, leg->holds);

	if (ret < 0 && leg->holds[0])
		return refuse(leg, force, -EIO);
	if (ret < 0)
		return refuse_unread(leg, force, ret);
	return ret ? refuse(leg, force, -EMEDIUMTYPE) : 0;
}

/*
 * Anything but a copy of a superblock: a pager that ended before it had written the
 * first one left that, and whoever made the first one zeros may not have known of it.
 */
static int look_without_superblock(struct leg *leg, bool force)
{
	struct content_area copy = {};
	struct superblock sb;

	if (!leg_read_copy(leg, &sb)) {
		leg_page_area(leg, &copy);
		copy.from = copy.end;
		copy.end += PAGER_PAGE_SIZE;
	}
	return look_for_content(leg, &copy, true, force);
}

/* Something but what a gone pool left. */
static int look_beside_pages(struct leg *leg, bool force)
{
	struct content_area pages;

	leg_page_area(leg, &pages);
	return look_for_content(leg, &pages, false, force);
}

/* A superblock of another pool. */
static int identify_other(struct leg *leg, const struct superblock *sb, bool force)
{
	char text[UUID_TEXT];

	uuid_format(sb->pool, text);
	if (pool_lives(sb->pool)) {
		snprintf(leg->holds, sizeof(leg->holds),
			 "pages of pool %s, which is mounted", text);
		return refuse(leg, force, -EBUSY);
	}
	if (!host_is_ours(&sb->host)) {
		snprintf(leg->holds, sizeof(leg->holds),
			 "pages of a pool of another host");
		return refuse(leg, force, -EMEDIUMTYPE);
	}
	log_info("%s was left by pool %s, which is gone", leg->path, text);
	/* Whoever had it since may have kept off the first page. */
	return look_beside_pages(leg, force);
}

/*
 * The superblock of a leg, or its copy where that is newer, or slot 0 can't be read. For
 * another pool the copy says nothing: a page of a guest may lie there if the device
 * has had another size, and no guest knows the pool's uuid.
 */
static int read_superblock(const struct leg *leg, const u8 *pool, struct superblock *sb)
{
	struct superblock copy;
	int ret = leg_read_superblock(leg, sb);

	if ((ret && ret != -EIO && ret != -EILSEQ) || leg_read_copy(leg, &copy) ||
	    memcmp(copy.pool, pool, sizeof(copy.pool)))
		return ret;
	if (!ret && (memcmp(copy.device, sb->device, sizeof(copy.device)) ||
		     memcmp(copy.pool, sb->pool, sizeof(copy.pool)) ||
		     copy.generation <= sb->generation))
		return 0;
	log_warn("%s: using the copy of its superblock, as the first is %s", leg->path,
		 ret == -EIO ? "unreadable" : ret ? "damaged" : "older");
	*sb = copy;
	return 0;
}

/**
 * identify_leg() - see whose a leg is
 * @pool: uuid of ours
 * @force: overwrite what isn't ours
 * @sb: filled in where it belongs to this pool
 *
 * Return: 1: it does; 0: it may be overwritten; -EIO: it can't be read; another
 * -errno: it may not be overwritten. Errors are for what is in its @holds, which has
 * been logged.
 */
int identify_leg(struct leg *leg, const u8 *pool, bool force,
		 struct superblock *sb)
{
	int ret;

	if (leg->fd < 0)
		return 0;
	ret = read_superblock(leg, pool, sb);
	switch (ret) {
	case 0:
		if (!memcmp(sb->pool, pool, sizeof(sb->pool)))
			return 1;
		return identify_other(leg, sb, force);
	case -ENODATA:
		return look_without_superblock(leg, force);
	case -EPROTONOSUPPORT:
		return refuse_version(leg, pool, force, sb);
	case -EILSEQ:
		log_warn("%s: damaged superblock, starting anew", leg->path);
		return look_beside_pages(leg, force);
	default:
		return refuse_unread(leg, force, ret);
	}
}

/* ---- while the pager runs -------------------------------------------------- */

/*
 * The device of this pager that a superblock is of. One that was given up, and on which
 * nothing is, is none any more.
 */
static struct device *find_live(struct devices *devices, const struct superblock *sb)
{
	struct device *dev;
	unsigned int i;

	devices_for_each(devices, dev, i) {
		if (memcmp(sb->device, dev->uuid, sizeof(sb->device)))
			continue;
		/* Nothing may have been read or written since it went. */
		device_check_gone(dev);
		return atomic_load(&dev->write_failed) && !device_used(dev) ? NULL : dev;
	}
	return NULL;
}

/* Not by force either: there would be two devices on one disk, or pages lost. */
static int refuse_live(struct leg *leg, const struct device *dev)
{
	snprintf(leg->holds, sizeof(leg->holds), "pages of device %u of this pool%s",
		 dev->number,
		 atomic_load(&dev->write_failed) ?
			 "; start the pager again to use them" :
			 ", which is in use under another name");
	log_err("%s holds %s", leg->path, leg->holds);
	return -EEXIST;
}

/**
 * identify_new() - see that a leg is of no device that this pager has already
 *
 * A disk that dropped off the bus comes back under another name, and one has several
 * names where there are several paths to it.
 *
 * Return: 0; -EEXIST: it is, as its @holds says, which has been logged.
 */
int identify_new(struct leg *leg, struct devices *devices, const u8 *pool)
{
	struct superblock sb;
	struct device *dev;

	if (read_superblock(leg, pool, &sb) || memcmp(sb.pool, pool, sizeof(sb.pool)))
		return 0;
	dev = find_live(devices, &sb);
	return dev ? refuse_live(leg, dev) : 0;
}

/* Whether a superblock is that of the leg of @dev that is left. */
static bool is_left(const struct superblock *sb, const struct device *dev)
{
	return sb->nr_legs == dev->nr_legs &&
	       leg_state(&dev->legs[sb->leg]) != LEG_FAILED;
}

/**
 * identify_spare() - see whether a leg may take the place of one of @dev that failed
 *
 * Return: 0, or as identify_leg() and identify_new(). One that was used without the
 * other leg of @dev is refused, too, as it may have the newer pages.
 */
int identify_spare(struct leg *leg, struct devices *devices, const struct device *dev,
		   bool force)
{
	struct superblock sb;
	int ret = identify_leg(leg, dev->pool, force, &sb);
	struct device *of = ret > 0 ? find_live(devices, &sb) : NULL;

	if (of && (of != dev || is_left(&sb, dev)))
		return refuse_live(leg, of);
	if (ret <= 0 || memcmp(sb.device, dev->uuid, sizeof(sb.device)) ||
	    !superblock_was_alone(&sb))
		return min_t(int, ret, 0);
	snprintf(leg->holds, sizeof(leg->holds),
		 "pages of device %u that were stored without the other leg",
		 dev->number);
	return refuse(leg, force, -EMEDIUMTYPE);
}
