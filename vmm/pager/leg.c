// SPDX-License-Identifier: GPL-2.0-only
/* See leg.h. */
#include "leg.h"
#include "layout.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A superblock and something worth the name of a device. */
#define LEG_MIN_BYTES (16 * PAGER_PAGE_SIZE)

const char *leg_state_name(enum leg_state state)
{
	static const char *const names[] = {
		[LEG_GOOD] = "good",
		[LEG_REBUILDING] = "rebuilding",
		[LEG_FAILED] = "failed",
	};

	return names[state];
}

/*
 * Some filesystems (tmpfs of older kernels) refuse O_DIRECT. Pages of the
 * cache in between cost memory and a copy, but nothing else.
 */
static int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT, 0600);

	if (fd < 0 && errno == EINVAL) {
		/* A new file was made before O_DIRECT was refused. */
		if (flags & O_CREAT)
			flags &= ~O_EXCL;
		fd = open(path, flags, 0600);
		if (fd >= 0)
			log_warn("%s: no O_DIRECT here, using the page cache",
				 path);
	}
	return fd < 0 ? -errno : fd;
}

/* O_EXCL claims a block device: it fails for one that is mounted. */
static int open_path(const char *path, u64 size, bool *created)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOCTTY;
	struct stat st;

	*created = false;
	if (!stat(path, &st)) {
		if (S_ISBLK(st.st_mode))
			flags |= O_EXCL;
		else if (!S_ISREG(st.st_mode))
			return -ENOTBLK;
		return open_direct(path, flags);
	}
	if (errno != ENOENT || !size)
		return -errno;
	*created = true;
	return open_direct(path, flags | O_CREAT | O_EXCL);
}

static int take_fd(const char *path, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_ACCMODE) != O_RDWR)
		return -EBADF;
	if (!(flags & O_DIRECT) && fcntl(fd, F_SETFL, flags | O_DIRECT))
		log_warn("%s: no O_DIRECT here, using the page cache", path);
	return fd;
}

static int size_block(struct leg *leg, u64 size)
{
	int sector;
	u64 bytes;

	if (ioctl(leg->fd, BLKGETSIZE64, &bytes) ||
	    ioctl(leg->fd, BLKSSZGET, &sector))
		return -errno;
	if ((unsigned int)sector > PAGER_PAGE_SIZE) {
		log_err("%s: sectors of %d bytes are too large", leg->path,
			sector);
		return -EINVAL;
	}
	if (size > bytes) {
		log_err("%s has %llu bytes, fewer than asked for", leg->path,
			(unsigned long long)bytes);
		return -EFBIG;
	}
	leg->bytes = size ? size : bytes;
	return 0;
}

/* A file grows, sparsely, to the size asked for; it is never cut. */
static int size_file(struct leg *leg, u64 size, u64 have)
{
	if (size > have) {
		if (ftruncate(leg->fd, size)) {
			log_err("%s: can't make it %llu bytes: %s", leg->path,
				(unsigned long long)size, strerror(errno));
			return -errno;
		}
		have = size;
	}
	leg->bytes = size ? size : have;
	return 0;
}

static int leg_setup(struct leg *leg, u64 size)
{
	struct stat st;
	int ret;

	if (flock(leg->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (fstat(leg->fd, &st))
		return -errno;
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return -ENOTBLK;
	leg->block = S_ISBLK(st.st_mode);
	leg->dev = st.st_dev;
	leg->ino = st.st_ino;
	leg->rdev = st.st_rdev;
	ret = leg->block ? size_block(leg, size) :
			   size_file(leg, size, st.st_size);
	if (ret)
		return ret;
	if (leg->bytes < LEG_MIN_BYTES) {
		log_err("%s: %llu bytes are too few%s", leg->path,
			(unsigned long long)leg->bytes,
			leg->block ? "" : ", give size=");
		return -ENOSPC;
	}
	return 0;
}

/**
 * leg_open() - open and lock a file or block device
 * @size: bytes to use, and to create a file with; 0: all there are
 * @fd: open already, or -1; taken over if all goes well
 *
 * Return: 0; -EBUSY where somebody else has it, worth a second try; another
 * -errno.
 */
int leg_open(struct leg *leg, const char *path, u64 size, int fd)
{
	static atomic_uint serial;
	bool created = false;
	int ret;

	*leg = (struct leg){ .fd = -1, .state = LEG_FAILED };
	leg->path = strdup(path);
	if (!leg->path)
		return -ENOMEM;
	ret = fd < 0 ? open_path(path, size, &created) : take_fd(path, fd);
	if (ret < 0)
		return ret;
	leg->fd = ret;
	leg->serial = atomic_fetch_add(&serial, 1) + 1;
	if (created)
		log_info("%s: created", path);
	ret = leg_setup(leg, size);
	if (!ret) {
		leg->state = LEG_GOOD;
		return 0;
	}
	if (fd < 0)
		close(leg->fd);
	leg->fd = -1;
	return ret;
}

void leg_close(struct leg *leg)
{
	if (leg->fd >= 0)
		close(leg->fd);
	leg->fd = -1;
	free(leg->path);
	leg->path = NULL;
}

bool leg_has_path(const struct leg *leg, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	return leg->block ? S_ISBLK(st.st_mode) && st.st_rdev == leg->rdev :
			    st.st_dev == leg->dev && st.st_ino == leg->ino;
}

bool leg_is_same(const struct leg *a, const struct leg *b)
{
	if (a->fd < 0 || b->fd < 0 || a->block != b->block)
		return false;
	return a->block ? a->rdev == b->rdev :
			  a->dev == b->dev && a->ino == b->ino;
}

/**
 * leg_read_superblock() - see what is in slot 0
 *
 * Return: 0; -ENODATA: nothing at all; -EMEDIUMTYPE: something that is not
 * ours; -EILSEQ, -EPROTONOSUPPORT: see layout_decode(); -EIO and the like.
 */
int leg_read_superblock(const struct leg *leg, struct superblock *sb)
{
	_Alignas(PAGER_PAGE_SIZE) u8 page[PAGER_PAGE_SIZE];
	ssize_t n = pread(leg->fd, page, sizeof(page), 0);
	int ret;

	if (n != sizeof(page))
		return n < 0 ? -errno : -EIO;
	ret = layout_decode(sb, page);
	if (ret == -ENODATA && !layout_is_blank(page))
		return -EMEDIUMTYPE;
	return ret;
}

int leg_write_superblock(const struct leg *leg, const struct superblock *sb)
{
	_Alignas(PAGER_PAGE_SIZE) u8 page[PAGER_PAGE_SIZE];
	ssize_t n;

	layout_encode(sb, page);
	n = pwrite(leg->fd, page, sizeof(page), 0);
	if (n != sizeof(page))
		return n < 0 ? -errno : -EIO;
	return 0;
}
