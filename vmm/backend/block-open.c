// SPDX-License-Identifier: GPL-2.0-only
/* Opening what "file" and "host_device" name; the I/O is in block-file.c. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block-file.h"
#include "backend/block-lock.h"
#include "error.h"
#include "lib/opts.h"

/* An inherited descriptor is used as it is; its path need not be reachable. */
static int inherited_fd(const char *path)
{
	char *end;
	long fd;

	if (strncmp(path, "/dev/fd/", 8))
		return -1;
	fd = strtol(path + 8, &end, 10);
	if (*end || end == path + 8 || fd < 0 || fd > INT_MAX)
		return -1;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Opening a pipe would wait for its other end, with the machine standing still. */
static int open_now(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK), ret;

	if (fd < 0)
		return -errno;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && !fcntl(fd, F_SETFL, flags & ~O_NONBLOCK))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int open_image(struct block *blk, const char *path, bool auto_ro)
{
	int fd = inherited_fd(path);

	if (fd != -1)
		return fd;
	fd = open_now(path, blk->read_only ? O_RDONLY : O_RDWR);
	if (!blk->read_only && auto_ro &&
	    (fd == -EACCES || fd == -EROFS || fd == -EPERM)) {
		blk->read_only = true;
		fd = open_now(path, O_RDONLY);
	}
	return fd;
}

int block_file_lock(struct block *blk, unsigned int use, unsigned int share)
{
	struct block_file *bf = blk->data;
	int ret;

	if (bf->locking == LOCKING_OFF)
		return 0;
	ret = image_lock(bf->fd, use, share);
	if (ret == -EAGAIN) {
		err("'%s' is in use by another program, as the disk of a guest perhaps: end that first, or have both share it, %s",
		    blk->filename,
		    use & IMAGE_WRITE ? "with share-rw=on of the device"
				      : "with force-share=on of the node");
		return ret;
	}
	if (ret && bf->locking == LOCKING_AUTO) {
		warn("'%s' cannot be locked (%s): nothing keeps other programs from it",
		     blk->filename, strerror(-ret));
		return 0;
	}
	return ret ? err_errno(ret, "cannot lock '%s'", blk->filename) : 0;
}

void block_file_unlock(struct block *blk)
{
	struct block_file *bf = blk->data;

	if (bf->locking != LOCKING_OFF)
		image_unlock(bf->fd);
}

static int probe_blockdev(struct block *blk, struct block_file *bf)
{
	int logical = 512;
	unsigned int physical = 512;

	if (ioctl(bf->fd, BLKGETSIZE64, &blk->size) ||
	    ioctl(bf->fd, BLKSSZGET, &logical))
		return -errno;
	if (ioctl(bf->fd, BLKPBSZGET, &physical) || physical < (u32)logical)
		physical = logical;
	bf->zero_align = logical;
	blk->physical = physical;
	return 0;
}

static int probe(struct block *blk, struct block_file *bf)
{
	struct stat st;
	int ret;

	if (fstat(bf->fd, &st))
		return -errno;
	if (S_ISBLK(st.st_mode)) {
		ret = probe_blockdev(blk, bf);
		if (ret)
			return ret;
	} else if (S_ISREG(st.st_mode)) {
		blk->size = st.st_size;
		blk->physical = 4096;
	} else {
		return -EMEDIUMTYPE;
	}
	blk->tail = blk->size % 512;
	blk->size = ALIGN_DOWN(blk->size, 512);
	return 0;
}

/* The smallest read that works, for file systems that do not tell. */
static u32 try_align(const struct block_file *bf)
{
	u32 align = max_t(u32, 512, bf->zero_align);

	while (align < BOUNCE_SIZE &&
	       pread(bf->direct_fd, bf->bounce, align, 0) < 0 &&
	       errno == EINVAL)
		align *= 2;
	return align;
}

static bool is_power(u64 n)
{
	return n && !(n & (n - 1));
}

/*
 * What O_DIRECT needs here. NULL, or why that cannot be met: buffers are aligned to
 * a page at least, and one of them holds two units.
 */
static const char *probe_direct(struct block *blk, struct block_file *bf)
{
	struct statx stx;

	bf->off_align = try_align(bf);
	bf->mem_align = bf->off_align;
#ifdef STATX_DIOALIGN
	if (!statx(bf->direct_fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) &&
	    stx.stx_mask & STATX_DIOALIGN && stx.stx_dio_offset_align) {
		bf->mem_align = stx.stx_dio_mem_align;
		bf->off_align = stx.stx_dio_offset_align;
	}
#else
	(void)stx;
#endif
	bf->off_align = max_t(u32, bf->off_align, 512);
	if (!is_power(bf->off_align) || bf->off_align >= BOUNCE_SIZE)
		return "it asks for units of a size that is not supported";
	if (!is_power(bf->mem_align) || bf->mem_align > 4096)
		return "it asks for memory aligned to more than a page";
	if (blk->size % bf->off_align)
		return "its size is no multiple of the unit that this asks for";
	blk->physical = max_t(u32, blk->physical, bf->off_align);
	return NULL;
}

static int open_direct(struct block *blk, struct block_file *bf)
{
	int ret = block_bounce_init(bf);
	const char *why;
	char path[64];

	if (ret)
		return ret;
	/* By its descriptor, so that both are surely the same file. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", bf->fd);
	bf->direct_fd = open(path, (blk->read_only ? O_RDONLY : O_RDWR) |
					   O_DIRECT | O_CLOEXEC);
	why = bf->direct_fd < 0 ? strerror(errno) : probe_direct(blk, bf);
	if (!why)
		return 0;
	warn("'%s' cannot be used with O_DIRECT (%s), using the page cache",
	     blk->filename, why);
	if (bf->direct_fd >= 0)
		close(bf->direct_fd);
	bf->direct_fd = -1;
	blk->direct = false;
	return 0;
}

int block_file_open(struct block *blk, struct opts *opts)
{
	static const char *const aios[] = {"threads", "native", "io_uring",
					   NULL};
	static const char *const lockings[] = {"auto", "off", "on", NULL};
	struct block_file *bf;
	bool auto_ro = false;
	int aio, locking = LOCKING_AUTO, ret;
	const char *path;

	if ((ret = opts_need_str(opts, "filename", &path)) ||
	    (ret = opts_get_enum(opts, "aio", aios, &aio)) ||
	    (ret = opts_get_enum(opts, "locking", lockings, &locking)) ||
	    (ret = opts_get_bool(opts, "auto-read-only", &auto_ro)))
		return ret;
	bf = calloc(1, sizeof(*bf));
	blk->filename = strdup(path);
	if (!bf || !blk->filename) {
		free(bf);
		return -ENOMEM;
	}
	TAILQ_INIT(&bf->writes);
	TAILQ_INIT(&bf->starved);
	bf->zero_align = 1;
	bf->direct_fd = -1;
	bf->locking = locking;
	bf->fd = open_image(blk, path, auto_ro);
	blk->data = bf;
	blk->ops = &block_file_ops;
	if (bf->fd < 0)
		return err_errno(bf->fd, "cannot open '%s'", path);
	ret = probe(blk, bf);
	if (ret)
		return err_errno(ret, "cannot use '%s'", path);
	return blk->direct ? open_direct(blk, bf) : 0;
}
