// SPDX-License-Identifier: GPL-2.0-only
/* See attach.h. */
#include "attach.h"
#include "device.h"
#include "log.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/tarn_pager.h>

#define TARN_DEVICE "/dev/tarn"
#define STORED_BATCH 4096

static int open_files(struct attachment *at, const char *pool)
{
	at->pool_fd = open(pool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at->pool_fd < 0) {
		if (errno == ENOENT)
			log_err("%s does not exist; mount the pool there: mount -t tarnfs -o size=8G tarn %s",
				pool, pool);
		else
			log_err("%s: %s", pool, strerror(errno));
		return -errno;
	}
	at->fd = open(TARN_DEVICE, O_RDWR | O_CLOEXEC);
	if (at->fd < 0) {
		log_err("%s: %s%s", TARN_DEVICE, strerror(errno),
			errno == ENOENT ? "; load the module: modprobe tarn" :
			errno == EACCES ? "; run it as root" : "");
		return -errno;
	}
	return 0;
}

static int get_features(struct attachment *at)
{
	struct tarn_features features = { .size = sizeof(features) };

	if (ioctl(at->fd, TARN_GET_FEATURES, &features)) {
		log_err("%s: %s", TARN_DEVICE, strerror(errno));
		return -errno;
	}
	at->features = features.features;
	if (!(at->features & TARN_FEATURE_PAGING)) {
		log_err("the module that is loaded does not page; load that of this version");
		return -EOPNOTSUPP;
	}
	if (features.max_queues)
		at->queues = min_t(unsigned int, at->queues,
				   features.max_queues);
	if (features.max_depth)
		at->depth = min_t(unsigned int, at->depth, features.max_depth);
	return 0;
}

/* A predecessor that was killed is detached when its last thread is gone. */
static int attach_patiently(struct attachment *at,
			    struct tarn_pager_attach *call, unsigned int wait)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	unsigned int turns = wait * 10;

	while (ioctl(at->fd, TARN_PAGER_ATTACH, call)) {
		if (errno != EBUSY || !turns--)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void explain(const char *pool, int error)
{
	switch (error) {
	case -EBUSY:
		log_err("%s has a pager already (see tarnctl pager show)",
			pool);
		break;
	case -EPERM:
		log_err("%s: only root may be its pager (CAP_SYS_ADMIN)", pool);
		break;
	case -ENODEV:
		log_err("%s is mounted with paging=none", pool);
		break;
	case -EBADF:
	case -EXDEV:
		log_err("%s is not on a pool (mount -t tarnfs)", pool);
		break;
	default:
		log_err("%s: can't attach: %s", pool, strerror(-error));
	}
}

/* Four threads can keep up with any device here; more only cost memory. */
static unsigned int default_queues(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > 4 ? 4 : cpus;
}

/**
 * attach_open() - become the pager of a pool
 *
 * Return: 0 or -errno; the reason has been logged.
 */
int attach_open(struct attachment *at, const struct options *opts)
{
	struct tarn_pager_attach call = { .size = sizeof(call) };
	int ret;

	*at = (struct attachment){ .fd = -1, .pool_fd = -1 };
	at->queues = opts->queues ? opts->queues : default_queues();
	at->depth = opts->depth;
	ret = open_files(at, opts->pool);
	if (!ret)
		ret = get_features(at);
	if (ret)
		return ret;
	call.pool_fd = at->pool_fd;
	call.queues = at->queues;
	call.depth = at->depth;
	if (at->features & TARN_FEATURE_WIDE)
		call.flags |= TARN_PAGER_WIDE;
	ret = attach_patiently(at, &call, opts->wait);
	if (ret) {
		explain(opts->pool, ret);
		return ret;
	}
	at->window_bytes = call.window_bytes;
	at->queue_bytes = call.queue_bytes;
	memcpy(at->uuid, call.uuid, sizeof(at->uuid));
	uuid_format(at->uuid, at->uuid_text);
	log_info("attached to pool %s at %s, %llu pages stored", at->uuid_text,
		 opts->pool, (unsigned long long)call.stored_pages);
	return 0;
}

/**
 * attach_list_stored() - go through all pages that are stored
 *
 * Return: 0, the first value of @fn that is not 0, or -errno.
 */
int attach_list_stored(struct attachment *at,
			   int (*fn)(void *arg, u64 cookie), void *arg)
{
	struct tarn_pager_stored call = { .size = sizeof(call) };
	struct tarn_stored_page *pages;
	unsigned int i;
	int ret;

	pages = malloc(STORED_BATCH * sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	call.pages = (uintptr_t)pages;
	do {
		call.count = STORED_BATCH;
		ret = ioctl(at->fd, TARN_PAGER_STORED, &call) ? -errno : 0;
		if (ret) {
			log_err("can't learn what is stored: %s",
				strerror(-ret));
			break;
		}
		for (i = 0; i < call.count && !ret; i++)
			ret = fn(arg, pages[i].cookie);
	} while (call.count && !ret);
	free(pages);
	return ret;
}

int attach_map_window(struct attachment *at)
{
	at->window = mmap(NULL, at->window_bytes, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_NORESERVE, at->fd,
			  TARN_MMAP_WINDOW);
	if (at->window == MAP_FAILED) {
		log_err("can't map the frames: %s", strerror(errno));
		return -errno;
	}
	/* The frames are the guests'. */
	madvise(at->window, at->window_bytes, MADV_DONTDUMP);
	madvise(at->window, at->window_bytes, MADV_DONTFORK);
	return 0;
}

/* Returns NULL, with errno, where it can't be mapped. */
void *attach_map_queue(struct attachment *at, unsigned int queue)
{
	void *area = mmap(NULL, at->queue_bytes, PROT_READ | PROT_WRITE,
			  MAP_SHARED, at->fd, TARN_MMAP_QUEUE(queue));

	return area == MAP_FAILED ? NULL : area;
}

/**
 * attach_start() - have the module send requests
 * @fn: called for each cookie that was dropped since attach_list_stored() began
 *
 * Return: 0; -EAGAIN: those are too many, list what is stored again; -errno.
 */
int attach_start(struct attachment *at, void (*fn)(void *arg, u64 cookie),
		 void *arg)
{
	struct tarn_pager_start call = {
		.size = sizeof(call),
		.count = TARN_PAGER_MAX_DROPPED,
	};
	u64 *dropped = malloc(TARN_PAGER_MAX_DROPPED * sizeof(*dropped));
	unsigned int i;
	int ret;

	if (!dropped)
		return -ENOMEM;
	call.dropped = (uintptr_t)dropped;
	ret = ioctl(at->fd, TARN_PAGER_START, &call) ? -errno : 0;
	for (i = 0; i < call.count && !ret; i++)
		fn(arg, dropped[i]);
	free(dropped);
	return ret;
}

/* Let the module read a plain block device by itself. */
int attach_grant(struct attachment *at, struct device *dev)
{
	struct tarn_pager_grant call = {
		.size = sizeof(call),
		.device = dev->number,
		.fd = dev->legs[0].fd,
	};

	if (!(at->features & TARN_FEATURE_GRANT) || dev->nr_legs != 1 ||
	    !dev->legs[0].block)
		return 0;
	if (ioctl(at->fd, TARN_PAGER_GRANT, &call)) {
		log_warn("%s: the module can't read it by itself: %s",
			 dev->legs[0].path, strerror(errno));
		return -errno;
	}
	dev->granted = true;
	return 0;
}

int attach_status(struct attachment *at, u32 flags, u64 capacity, u64 used)
{
	struct tarn_pager_status call = {
		.size = sizeof(call),
		.flags = flags,
		.capacity_pages = capacity,
		.used_pages = used,
	};

	return ioctl(at->fd, TARN_PAGER_STATUS, &call) ? -errno : 0;
}
