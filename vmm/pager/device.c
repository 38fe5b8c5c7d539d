// SPDX-License-Identifier: GPL-2.0-only
/* See device.h. What is particular to mirrors is in mirror.c, superblocks in stamp.c. */
#include "device.h"
#include "discard.h"
#include "log.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* So many pages in a row that can't be written are not a few bad sectors. */
#define FAILED_WRITES_MAX 16
/* So many slots must be free on a full filesystem, and be written, to go on. */
#define SPACE_MIN_SLOTS 4096
#define SPACE_TRIAL_SLOTS 64

static void explain(const char *path, u64 size, int error)
{
	switch (error) {
	case -EBUSY:
		log_err("%s is in use by another pager, a guest, a mount or a program",
			path);
		break;
	case -ENOENT:
		if (size)
			log_err("%s: its directory does not exist", path);
		else
			log_err("%s does not exist; give size= to create a file",
				path);
		break;
	case -ESTALE:
		log_err("%s is not the file that was passed, or is there no more",
			path);
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

/* Whether a leg of @dev is what is at @path; the lock of our own would be in the way. */
bool device_has_path(const struct device *dev, const char *path)
{
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++) {
		if (dev->legs[i].fd < 0 || !leg_has_path(&dev->legs[i], path))
			continue;
		log_err("%s and %s are the same", dev->legs[i].path, path);
		return true;
	}
	return false;
}

/* A mirror may lack a leg, as long as the lock of no other pager is ignored. */
static int open_legs(struct device *dev, const struct device_option *opt,
		     unsigned int wait, int fd)
{
	unsigned int i, missing = 0, errors;
	int ret;

	for (i = 0; i < opt->nr_paths; i++) {
		if (device_has_path(dev, opt->paths[i]))
			return -EEXIST;
		errors = log_errors();
		ret = open_patiently(&dev->legs[i], opt->paths[i], opt->size,
				     fd, wait);
		dev->nr_legs++;
		if (!ret)
			continue;
		if (errors == log_errors())
			explain(opt->paths[i], opt->size, ret);
		if (ret == -EBUSY || ++missing == opt->nr_paths)
			return ret;
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
	dev->degraded = opt->degraded;
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

	for (i = 0; i < dev->nr_legs; i++) {
		leg_remove_created(&dev->legs[i]);
		leg_close(&dev->legs[i]);
	}
	slots_exit(&dev->slots);
	free(dev->trim);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

/* All free, and all legs have room for so many. */
int device_init_slots(struct device *dev, u64 slots)
{
	u64 end = LAYOUT_HEAD_SLOTS + slots;

	if (dev->discard) {
		dev->trim = calloc(end / 64 + 1, sizeof(u64));
		if (!dev->trim)
			return -ENOMEM;
	}
	return slots_init(&dev->slots, LAYOUT_HEAD_SLOTS, end);
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

/* What a leg lacked is not wanted any more. Under the lock. */
void device_forget_lost(struct device *dev, u64 slot, u64 count)
{
	if (lost_remove(&dev->lost, slot, count))
		device_stamp(dev);
}

/* Under the lock. */
static u64 take_slots(struct device *dev, u32 want, u32 *got)
{
	u64 slot;

	if (atomic_load(&dev->stamp_due))
		return 0;
	slot = slots_alloc(&dev->slots, want, got);
	if (!slot && dev->nr_trim && discard_cancel(dev))
		slot = slots_alloc(&dev->slots, want, got);
	return slot;
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
	slot = take_slots(dev, want, &got);
	if (slot) {
		device_forget_lost(dev, slot, got);
		begin_writes(dev, ext, slot, got);
	}
	pthread_mutex_unlock(&dev->lock);
	return slot;
}

/* Slots from device_alloc() are not written after all: they are as they were. */
void device_unalloc(const struct extent *ext)
{
	u32 i;

	device_end_writes(ext->dev, ext->parity);
	pthread_mutex_lock(&ext->dev->lock);
	for (i = 0; i < ext->count; i++)
		slots_free(&ext->dev->slots, ext->slot + i);
	pthread_mutex_unlock(&ext->dev->lock);
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
	can = !atomic_load(&dev->stamp_due) &&
	      !slots_is_barred(&dev->slots, slot, slot + count);
	if (can) {
		device_forget_lost(dev, slot, count);
		begin_writes(dev, ext, slot, count);
	}
	pthread_mutex_unlock(&dev->lock);
	return can;
}

void device_end_writes(struct device *dev, unsigned int parity)
{
	atomic_fetch_sub(&dev->writes[parity], 1);
}

/**
 * device_free() - slots are not needed any more
 *
 * Return: 0, -ERANGE or -ENOENT if one of them was not used; the others are free then.
 */
int device_free(struct device *dev, u64 slot, u32 count)
{
	int ret = 0, one;

	pthread_mutex_lock(&dev->lock);
	device_forget_lost(dev, slot, count);
	for (; count--; slot++) {
		one = dev->discard ? discard_add(dev, slot) :
				     slots_free(&dev->slots, slot);
		ret = ret ? ret : one;
	}
	pthread_mutex_unlock(&dev->lock);
	return ret;
}

/* Returns -errno where only this pager will know of it. */
int device_drain(struct device *dev, bool on)
{
	int ret;

	pthread_mutex_lock(&dev->lock);
	atomic_store(&dev->draining, on);
	ret = device_stamp(dev);
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

/*
 * Give up a plain device, or a mirror, whose last good leg was removed: a leg that
 * failed before, or is being re-silvered, does not have what was stored.
 */
bool device_check_gone(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++)
		if (leg_state(&dev->legs[i]) == LEG_GOOD &&
		    !leg_is_gone(&dev->legs[i]))
			return false;
	pthread_mutex_lock(&dev->lock);
	for (i = 0; i < dev->nr_legs; i++)
		dev->legs[i].state = LEG_FAILED;
	pthread_mutex_unlock(&dev->lock);
	if (!atomic_exchange(&dev->write_failed, true))
		log_crit("device %u (%s) is gone: what it holds can't be read",
			 dev->number, dev->legs[0].path);
	return true;
}

/* ---- room ---------------------------------------------------------------- */

/* A leg is full. Returns whether this is news. */
bool device_no_space(struct device *dev, unsigned int leg)
{
	atomic_store(&dev->legs[leg].no_space, true);
	if (atomic_exchange(&dev->no_space, true))
		return false;
	log_warn("device %u: the filesystem of %s is full, or a quota used up",
		 dev->number, dev->legs[leg].path);
	return true;
}

static bool has_free_blocks(const struct leg *leg)
{
	struct statfs fs;

	/* Of a block device with thin provisioning, writing alone tells. */
	return leg->block || fstatfs(leg->fd, &fs) ||
	       (u64)fs.f_bavail * fs.f_bsize >=
		       (u64)SPACE_MIN_SLOTS << PAGER_PAGE_SHIFT;
}

/*
 * Only a write finds out about quotas, and about room that is not for us: free
 * slots, so that nothing is lost by it. They keep their blocks. One that comes short
 * ends where the room does.
 */
static int try_write(const struct leg *leg, u64 slot, u32 count)
{
	static _Alignas(PAGER_PAGE_SIZE) u8
		zeros[SPACE_TRIAL_SLOTS * PAGER_PAGE_SIZE];
	ssize_t bytes = (u64)count << PAGER_PAGE_SHIFT, n;

	do
		n = pwrite(leg->fd, zeros, bytes, slot << PAGER_PAGE_SHIFT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == bytes ? 0 : -ENOSPC;
}

/*
 * Whether there is no room still. A leg that has died meanwhile is not full: the next
 * store finds out, and does without it.
 */
static bool is_full(const struct leg *leg, u64 slot, u32 count)
{
	struct superblock sb;

	if (leg_is_gone(leg))
		return false;
	if (!has_free_blocks(leg))
		return leg_read_superblock(leg, &sb) != -EIO;
	return count && leg_error_is_room(try_write(leg, slot, count));
}

static bool try_legs(struct device *dev, u64 slot, u32 count)
{
	struct leg *leg;
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++) {
		leg = &dev->legs[i];
		if (!atomic_load(&leg->no_space) ||
		    leg_state(leg) == LEG_FAILED)
			continue;
		if (is_full(leg, slot, count))
			return false;
		atomic_store(&leg->no_space, false);
	}
	return true;
}

/* Store on a device that was full again once its legs have room. */
void device_retry_space(struct device *dev)
{
	u32 count = 0;
	u64 slot;

	if (!atomic_load(&dev->no_space) || atomic_load(&dev->write_failed))
		return;
	pthread_mutex_lock(&dev->lock);
	slot = slots_alloc(&dev->slots, SPACE_TRIAL_SLOTS, &count);
	pthread_mutex_unlock(&dev->lock);
	if (try_legs(dev, slot, slot ? count : 0)) {
		log_info("device %u: storing again", dev->number);
		atomic_store(&dev->no_space, false);
	}
	pthread_mutex_lock(&dev->lock);
	while (slot && count--)
		slots_free(&dev->slots, slot + count);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- counts -------------------------------------------------------------- */

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
