// SPDX-License-Identifier: GPL-2.0-only
/* Locks on images; see block-lock.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

#include "backend/block-lock.h"

#define USE_BASE 100
#define FORBID_BASE 200
#define NR_BITS 4

static int set_lock(int fd, short type, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len,
	};

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

static int lock_bits(int fd, off_t base, unsigned int bits)
{
	int i, ret = 0;

	for (i = 0; i < NR_BITS && !ret; i++)
		if (bits & 1U << i)
			ret = set_lock(fd, F_RDLCK, base + i, 1);
	return ret;
}

/* Whether another open file has one of the bytes locked. */
static int check_bits(int fd, off_t base, unsigned int bits)
{
	int i;

	for (i = 0; i < NR_BITS; i++) {
		struct flock lock = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = base + i,
			.l_len = 1,
		};

		if (!(bits & 1U << i))
			continue;
		if (fcntl(fd, F_OFD_GETLK, &lock))
			return -errno;
		if (lock.l_type != F_UNLCK)
			return -EAGAIN;
	}
	return 0;
}

/* First say it, then look, so that of two who come at once one sees the other. */
int image_lock(int fd, unsigned int use, unsigned int share)
{
	unsigned int forbid = ~share & IMAGE_ALL;
	int ret;

	if ((ret = lock_bits(fd, USE_BASE, use)) ||
	    (ret = lock_bits(fd, FORBID_BASE, forbid)) ||
	    (ret = check_bits(fd, FORBID_BASE, use)) ||
	    (ret = check_bits(fd, USE_BASE, forbid)))
		image_unlock(fd);
	/* Somebody has locked them whole. */
	return ret == -EACCES ? -EAGAIN : ret;
}

void image_unlock(int fd)
{
	set_lock(fd, F_UNLCK, USE_BASE, FORBID_BASE + NR_BITS - USE_BASE);
}
