// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition set */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "home.h"
#include "huge.h"
#include "partition.h"
#include "setting.h"

enum {
	SET_WEIGHT,
	SET_MIN,
	SET_DESIRED,
	SET_HUGE,
};

static int fill_weight(struct tarn_partition_set *set,
		       const struct setting *setting)
{
	uint64_t weight;

	if (!setting->value)
		return 0;
	if (setting_number(setting, 1, TARN_WEIGHT_MAX, &weight))
		return -EINVAL;
	set->flags |= TARN_PARTITION_SET_WEIGHT;
	set->weight = weight;
	return 0;
}

/* An amount of frames; @whole is the pool. */
static int fill_frames(struct tarn_partition_set *set,
		       const struct setting *setting, uint64_t whole,
		       unsigned int flag, __u64 *to)
{
	uint64_t frames;

	if (!setting->value)
		return 0;
	if (setting_pages(setting, whole, &frames))
		return -EINVAL;
	set->flags |= flag;
	*to = frames;
	return 0;
}

static int fill_huge(struct tarn_partition_set *set,
		     const struct setting *setting)
{
	if (!setting->value)
		return 0;
	set->flags |= TARN_PARTITION_SET_HUGE;
	return huge_parse(setting->key, setting->value, &set->huge);
}

static int set_fail(const char *path, int ret)
{
	switch (-ret) {
	case EPERM:
		err("%s: only root may raise a weight or a minimum, or change what is desired",
		    path);
		return ret;
	case EINVAL:
		err("%s: the loaded module does not know all of these settings, load the one that came with this tarnctl",
		    path);
		return ret;
	case ENOSPC:
		err("%s: the minimums of all partitions together would be more than the pool has",
		    path);
		return ret;
	}
	return partition_fail(path, ret, "change the settings of");
}

/* @done: other settings were made before. */
static int homes_fail(const char *path, int ret, const char *nodes, bool done)
{
	const char *rest = done ? "; the other settings are made" : "";

	switch (-ret) {
	case EPERM:
		err("%s: only root may set home nodes%s", path, rest);
		return ret;
	case EINVAL:
		err("%s: not all of the nodes %s have memory, /sys/devices/system/node/has_memory lists those that do%s",
		    path, nodes, rest);
		return ret;
	case ENOTTY:
		err("%s: the loaded module knows no home nodes, load the one that came with this tarnctl%s",
		    path, rest);
		return ret;
	}
	return partition_fail(path, ret, "set the home nodes of");
}

static int set_homes(int fd, const char *path, const struct homes *homes,
		     const char *nodes, bool done)
{
	int ret = homes_set(fd, homes);

	return ret ? homes_fail(path, ret, nodes, done) : 0;
}

/* All is read before anything is set. */
static int set_partition(int fd, const char *path,
			 const struct setting *settings, const char *nodes)
{
	struct tarn_partition_set set = { .size = sizeof(set) };
	struct homes homes = { 0 };
	struct statfs fs;
	int ret = 0;

	if (fstatfs(fd, &fs))
		return partition_fail(path, -errno, "look at the pool of");
	if (fill_weight(&set, &settings[SET_WEIGHT]) ||
	    fill_frames(&set, &settings[SET_MIN], fs.f_blocks,
			TARN_PARTITION_SET_MIN, &set.min_frames) ||
	    fill_frames(&set, &settings[SET_DESIRED], fs.f_blocks,
			TARN_PARTITION_SET_DESIRED, &set.desired_frames) ||
	    fill_huge(&set, &settings[SET_HUGE]))
		return EXIT_USAGE;
	if (nodes && homes_parse(&homes, "--home", nodes, fs.f_blocks))
		return EXIT_USAGE;
	if (set.flags && ioctl(fd, TARN_PARTITION_SET, &set))
		ret = set_fail(path, -errno);
	else if (nodes)
		ret = set_homes(fd, path, &homes, nodes, set.flags);
	homes_free(&homes);
	return ret;
}

int partition_set_main(int argc, char **argv, const struct options *opts)
{
	struct setting settings[] = {
		[SET_WEIGHT] = { .key = "weight" },
		[SET_MIN] = { .key = "min" },
		[SET_DESIRED] = { .key = "desired" },
		[SET_HUGE] = { .key = "huge" },
		{ 0 },
	};
	int fd, ret;

	if (argc == 1 && !opts->home) {
		err("tarnctl partition set: say what to set, as in 'tarnctl partition set %s weight=256' or '--home 0'",
		    argv[0]);
		return EXIT_USAGE;
	}
	if (settings_parse(settings, "tarnctl partition set", argc - 1,
			   argv + 1))
		return EXIT_USAGE;
	fd = partition_open(argv[0], O_RDWR);
	if (fd < 0)
		return fd;
	ret = set_partition(fd, argv[0], settings, opts->home);
	close(fd);
	return ret;
}
