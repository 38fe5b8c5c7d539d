// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition set */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "partition.h"
#include "setting.h"

int partition_set_main(int argc, char **argv, const struct options *opts)
{
	struct tarn_partition_set set = { .size = sizeof(set) };
	struct setting settings[] = { { .key = "weight" }, { 0 } };
	const char *path = argv[0];
	uint64_t weight;
	int fd, ret;

	if (settings_parse(settings, "tarnctl partition set", argc - 1,
			   argv + 1))
		return EXIT_USAGE;
	if (setting_number(&settings[0], 1, TARN_WEIGHT_MAX, &weight))
		return EXIT_USAGE;
	set.flags = TARN_PARTITION_SET_WEIGHT;
	set.weight = weight;
	fd = partition_open(path, O_RDWR);
	if (fd < 0)
		return fd;
	ret = ioctl(fd, TARN_PARTITION_SET, &set) ? -errno : 0;
	close(fd);
	if (ret == -EPERM) {
		err("%s: only root may raise a weight", path);
		return ret;
	}
	return ret ? partition_fail(path, ret, "change the weight of") : 0;
}
