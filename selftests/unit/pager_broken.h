/* SPDX-License-Identifier: GPL-2.0-only */
/* Disks whose superblock, or any page, can't be read or written. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the pager does to this file beside its ring fails so; at any place, or one. */
static struct {
	const char *path;
	int error;
	bool everywhere;
} broken;

static bool is_broken(int fd, off_t at)
{
	struct stat a, b;

	if (!broken.path || (at && !broken.everywhere) || fstat(fd, &a) ||
	    stat(broken.path, &b) || a.st_ino != b.st_ino)
		return false;
	errno = broken.error;
	return true;
}

static ssize_t leg_pread(int fd, void *data, size_t len, off_t at)
{
	return is_broken(fd, at) ? -1 : pread(fd, data, len, at);
}

static ssize_t leg_pwrite(int fd, const void *data, size_t len, off_t at)
{
	return is_broken(fd, at) ? -1 : pwrite(fd, data, len, at);
}
