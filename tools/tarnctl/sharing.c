// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "error.h"
#include "partition.h"
#include "sharing.h"

int sharing_parse(const char *text, char name[TARN_DOMAIN_NAME])
{
	memset(name, 0, TARN_DOMAIN_NAME);
	if (!sharing_is_name(text)) {
		err("--domain: wants a name of at most %d printable ASCII characters without blanks, or '" SHARING_NONE "'",
		    TARN_DOMAIN_NAME - 1);
		return -EINVAL;
	}
	if (strcmp(text, SHARING_NONE))
		memcpy(name, text, strlen(text));
	return 0;
}

int sharing_read(int fd, char name[TARN_DOMAIN_NAME], bool *leaves)
{
	struct tarn_partition_domain d = { .size = sizeof(d) };

	if (ioctl(fd, TARN_PARTITION_DOMAIN, &d))
		return -errno;
	memcpy(name, d.name, TARN_DOMAIN_NAME);
	name[TARN_DOMAIN_NAME - 1] = 0;
	*leaves = d.flags & TARN_DOMAIN_LEAVING;
	return 0;
}

int sharing_set(int fd, const char *path, const char *name)
{
	struct tarn_partition_domain d = {
		.size = sizeof(d), .flags = TARN_DOMAIN_SET,
	};
	int ret;

	memcpy(d.name, name, strnlen(name, sizeof(d.name)));
	if (!ioctl(fd, TARN_PARTITION_DOMAIN, &d))
		return 0;
	ret = -errno;
	switch (errno) {
	case EPERM:
		err("%s: only root may say with whom it shares", path);
		return ret;
	case EINTR:
		err("%s: interrupted; it shares nothing more, but is still in its old sharing domain until all that is shared has a frame of its own: the same command goes on with that",
		    path);
		return ret;
	case EIO:
		err("%s: it can't leave its sharing domain, as what a page shares is lost: see 'tarnctl events'",
		    path);
		return ret;
	case ENODEV:
		err("%s: a pool without paging shares nothing", path);
		return ret;
	case ENOSPC:
		err("%s: the pool has as many partitions and sharing domains as it may have",
		    path);
		return ret;
	case ENOTTY:
		err("%s: the loaded module knows no sharing domains, load the one that came with this tarnctl",
		    path);
		return ret;
	}
	return partition_fail(path, ret, "change the sharing domain of");
}
