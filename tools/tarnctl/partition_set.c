// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition set */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "partition.h"
#include "setting.h"

enum {
	SET_WEIGHT,
	SET_MIN,
	SET_DESIRED,
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

static int set_fail(const char *path, int ret)
{
	switch (-ret) {
	case EPERM:
		err("%s: only root may raise a weight or a minimum, or change what is desired",
		    path);
		return ret;
	case ENOSPC:
		err("%s: the minimums of all partitions together would be more than the pool has",
		    path);
		return ret;
	}
	return partition_fail(path, ret, "change the settings of");
}

static int set_partition(int fd, const char *path,
			 const struct setting *settings)
{
	struct tarn_partition_set set = { .size = sizeof(set) };
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return partition_fail(path, -errno, "look at the pool of");
	if (fill_weight(&set, &settings[SET_WEIGHT]) ||
	    fill_frames(&set, &settings[SET_MIN], fs.f_blocks,
			TARN_PARTITION_SET_MIN, &set.min_frames) ||
	    fill_frames(&set, &settings[SET_DESIRED], fs.f_blocks,
			TARN_PARTITION_SET_DESIRED, &set.desired_frames))
		return EXIT_USAGE;
	return ioctl(fd, TARN_PARTITION_SET, &set) ? set_fail(path, -errno) : 0;
}

int partition_set_main(int argc, char **argv, const struct options *opts)
{
	struct setting settings[] = {
		[SET_WEIGHT] = { .key = "weight" },
		[SET_MIN] = { .key = "min" },
		[SET_DESIRED] = { .key = "desired" },
		{ 0 },
	};
	int fd, ret;

	if (settings_parse(settings, "tarnctl partition set", argc - 1,
			   argv + 1))
		return EXIT_USAGE;
	fd = partition_open(argv[0], O_RDWR);
	if (fd < 0)
		return fd;
	ret = set_partition(fd, argv[0], settings);
	close(fd);
	return ret;
}
