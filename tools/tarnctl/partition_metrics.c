// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition metrics: what a guest tells of itself */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "field.h"
#include "json.h"
#include "partition.h"

static int fail(const char *path, int ret)
{
	switch (-ret) {
	case ENODATA:
		err("%s: its guest shares no metrics; tarn_guest.ko in the guest does, once the VM is attached",
		    path);
		return ret;
	case EPROTO:
		err("%s: what its guest shares are no metrics of a version that is known here",
		    path);
		return ret;
	case EAGAIN:
		err("%s: its guest's metrics are paged out or change all the time, try again",
		    path);
		return ret;
	}
	return partition_fail(path, ret, "read the metrics of");
}

int partition_metrics_main(int argc, char **argv, const struct options *opts)
{
	struct tarn_partition_metrics m = { .size = sizeof(m) };
	int fd, ret;

	fd = partition_open(argv[0], O_RDONLY);
	if (fd < 0)
		return fd;
	ret = ioctl(fd, TARN_PARTITION_METRICS, &m) ? -errno : 0;
	close(fd);
	if (ret)
		return fail(argv[0], ret);
	if (opts->json)
		return json_print(json_metrics(&m.metrics), JSON_INDENT(2));
	field_print_all(metrics_fields, &m.metrics, opts->bytes);
	return 0;
}
