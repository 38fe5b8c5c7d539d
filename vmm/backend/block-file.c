// SPDX-License-Identifier: GPL-2.0-only
/*
 * Block nodes on a file or a block device, all I/O through io_uring.
 *
 * With cache.direct=on the image is open twice: O_DIRECT for requests that meet
 * its alignment, buffered for the few that do not (the kernel keeps the two
 * coherent), so that nothing is ever copied here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block.h"
#include "error.h"
#include "lib/iov.h"
#include "lib/opts.h"

#define ZERO_CHUNK 65536

static u8 zeroes[ZERO_CHUNK] __attribute__((aligned(4096)));

/**
 * struct block_file - an open image.
 * @fd: buffered
 * @direct_fd: opened with O_DIRECT, or -1
 * @mem_align: what O_DIRECT asks of buffers
 * @off_align: what it asks of offsets and lengths
 * @no_zero: FALLOC_FL_ZERO_RANGE is not supported
 * @no_punch: FALLOC_FL_PUNCH_HOLE is not supported
 */
struct block_file {
	int fd;
	int direct_fd;
	u32 mem_align;
	u32 off_align;
	bool no_zero;
	bool no_punch;
};

static bool aligned(const struct block_file *bf, const struct block_req *req)
{
	unsigned int i;

	if (!IS_ALIGNED(req->off, bf->off_align))
		return false;
	for (i = 0; i < req->nr_iov; i++) {
		if (!IS_ALIGNED((uintptr_t)req->iov[i].iov_base,
				bf->mem_align) ||
		    !IS_ALIGNED(req->iov[i].iov_len, bf->off_align))
			return false;
	}
	return true;
}

static void finish(struct block_req *req, int ret)
{
	req->top->stats.ns[req->op] += loop_now() - req->start;
	if (ret)
		req->top->stats.failed[req->op]++;
	req->done(req, ret);
}

static void submit(struct block_req *req);

static void transfer_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);

	if (res == -EINTR || res == -EAGAIN) {
		submit(req);
		return;
	}
	/* Nothing where there should be something: the image was cut. */
	if (!res)
		res = -EIO;
	if (res < 0) {
		finish(req, res);
		return;
	}
	req->off += res;
	req->len -= res;
	if (!req->len) {
		finish(req, 0);
		return;
	}
	iov_skip(&req->iov, &req->nr_iov, res);
	submit(req);
}

static void submit_transfer(struct block_file *bf, struct block_req *req)
{
	struct io_uring_sqe *sqe = loop_sqe(req->loop);
	bool direct = bf->direct_fd >= 0 && aligned(bf, req);
	int fd = direct ? bf->direct_fd : bf->fd;
	unsigned int nr = min_t(unsigned int, req->nr_iov, IOV_MAX);

	if (req->op == BLOCK_READ && nr == 1)
		io_uring_prep_read(sqe, fd, req->iov->iov_base,
				   req->iov->iov_len, req->off);
	else if (req->op == BLOCK_READ)
		io_uring_prep_readv(sqe, fd, req->iov, nr, req->off);
	else if (nr == 1)
		io_uring_prep_write(sqe, fd, req->iov->iov_base,
				    req->iov->iov_len, req->off);
	else
		io_uring_prep_writev(sqe, fd, req->iov, nr, req->off);
	if (req->flags & BLOCK_FUA)
		sqe->rw_flags = RWF_DSYNC;
	req->lop.done = transfer_done;
	loop_submit(req->loop, sqe, &req->lop);
}

static void simple_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);

	if (res == -EINTR || res == -EAGAIN)
		submit(req);
	else
		finish(req, res < 0 ? res : 0);
}

static void submit_flush(struct block_file *bf, struct block_req *req)
{
	struct io_uring_sqe *sqe = loop_sqe(req->loop);

	io_uring_prep_fsync(sqe, bf->fd, IORING_FSYNC_DATASYNC);
	req->lop.done = simple_done;
	loop_submit(req->loop, sqe, &req->lop);
}

static bool not_supported(int res)
{
	return res == -EOPNOTSUPP || res == -ENOTTY || res == -ENOSYS ||
	       res == -EINVAL;
}

static void discard_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);
	struct block_file *bf = req->blk->data;

	if (not_supported(res)) {
		bf->no_punch = true;
		res = 0;
	}
	simple_done(lop, res, flags);
}

static void zero_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);
	struct block_file *bf = req->blk->data;

	if (not_supported(res)) {
		/* What holds for one image holds for all of its ranges. */
		if (req->flags & BLOCK_UNMAP && !bf->no_punch)
			bf->no_punch = true;
		else
			bf->no_zero = true;
		submit(req);
		return;
	}
	simple_done(lop, res, flags);
}

static void submit_fallocate(struct block_file *bf, struct block_req *req,
			     int mode,
			     void (*done)(struct loop_op *lop, int res,
					  unsigned int flags))
{
	struct io_uring_sqe *sqe = loop_sqe(req->loop);

	io_uring_prep_fallocate(sqe, bf->fd, mode | FALLOC_FL_KEEP_SIZE,
				req->off, req->len);
	req->lop.done = done;
	loop_submit(req->loop, sqe, &req->lop);
}

static void zero_written(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);

	if (res > 0) {
		req->off += res;
		req->len -= res;
		res = req->len ? -EAGAIN : 0;
	}
	simple_done(lop, res, flags);
}

/* The file system cannot do it, so the zeroes travel. */
static void submit_zero_write(struct block_file *bf, struct block_req *req)
{
	struct io_uring_sqe *sqe = loop_sqe(req->loop);

	io_uring_prep_write(sqe, bf->fd, zeroes,
			    min_t(u64, req->len, sizeof(zeroes)), req->off);
	req->lop.done = zero_written;
	loop_submit(req->loop, sqe, &req->lop);
}

static void submit_zero(struct block_file *bf, struct block_req *req)
{
	if (req->flags & BLOCK_UNMAP && !bf->no_punch)
		submit_fallocate(bf, req, FALLOC_FL_PUNCH_HOLE, zero_done);
	else if (!bf->no_zero)
		submit_fallocate(bf, req, FALLOC_FL_ZERO_RANGE, zero_done);
	else
		submit_zero_write(bf, req);
}

static void submit(struct block_req *req)
{
	struct block *blk = req->blk;
	struct block_file *bf = blk->data;

	switch (req->op) {
	case BLOCK_READ:
	case BLOCK_WRITE:
		submit_transfer(bf, req);
		break;
	case BLOCK_FLUSH:
		submit_flush(bf, req);
		break;
	case BLOCK_DISCARD:
		submit_fallocate(bf, req, FALLOC_FL_PUNCH_HOLE, discard_done);
		break;
	case BLOCK_ZERO:
		submit_zero(bf, req);
		break;
	}
}

static void file_submit(struct block *blk, struct block_req *req)
{
	struct block_file *bf = blk->data;

	if ((req->op == BLOCK_FLUSH && blk->no_flush) ||
	    (req->op == BLOCK_DISCARD && (bf->no_punch || !blk->unmap)) ||
	    (req->op != BLOCK_FLUSH && !req->len))
		finish(req, 0);
	else
		submit(req);
}

static void file_destroy(struct block *blk)
{
	struct block_file *bf = blk->data;

	if (!bf)
		return;
	if (bf->fd >= 0)
		close(bf->fd);
	if (bf->direct_fd >= 0)
		close(bf->direct_fd);
	free(bf);
}

static const struct block_ops file_ops = {
	.name = "file",
	.submit = file_submit,
	.destroy = file_destroy,
};

/* Opening */

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

static int lock_image(struct block *blk, int fd)
{
	struct flock lock = {
		.l_type = blk->read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

static int probe_blockdev(struct block *blk, int fd)
{
	int logical = 512;
	unsigned int physical = 512;

	if (ioctl(fd, BLKGETSIZE64, &blk->size) ||
	    ioctl(fd, BLKSSZGET, &logical))
		return -errno;
	if (ioctl(fd, BLKPBSZGET, &physical) || physical < (u32)logical)
		physical = logical;
	blk->logical = logical;
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
		ret = probe_blockdev(blk, bf->fd);
		if (ret)
			return ret;
	} else if (S_ISREG(st.st_mode)) {
		blk->size = st.st_size;
		blk->logical = 512;
		blk->physical = 4096;
	} else {
		return -EMEDIUMTYPE;
	}
	if (blk->size % 512)
		warn("the last %u bytes of '%s' are out of reach: "
		     "not a whole sector", (u32)(blk->size % 512),
		     blk->filename);
	blk->size = ALIGN_DOWN(blk->size, 512);
	return 0;
}

/* What O_DIRECT needs here; the guest is told by the logical block size. */
static void probe_direct(struct block *blk, struct block_file *bf)
{
	struct statx stx;

	bf->mem_align = blk->logical;
	bf->off_align = blk->logical;
#ifdef STATX_DIOALIGN
	if (!statx(bf->direct_fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) &&
	    stx.stx_mask & STATX_DIOALIGN && stx.stx_dio_offset_align) {
		bf->mem_align = stx.stx_dio_mem_align;
		bf->off_align = stx.stx_dio_offset_align;
	}
#else
	(void)stx;
#endif
	if (bf->off_align > blk->logical && bf->off_align <= 4096 &&
	    blk->size % bf->off_align == 0)
		blk->logical = bf->off_align;
	if (blk->physical < blk->logical)
		blk->physical = blk->logical;
}

static void open_direct(struct block *blk, struct block_file *bf)
{
	char path[64];

	/* By its descriptor, so that both are surely the same file. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", bf->fd);
	bf->direct_fd = open(path, (blk->read_only ? O_RDONLY : O_RDWR) |
					   O_DIRECT | O_CLOEXEC);
	if (bf->direct_fd < 0) {
		warn("'%s' cannot be opened with O_DIRECT (%s), using the page "
		     "cache", blk->filename, strerror(errno));
		blk->direct = false;
		return;
	}
	probe_direct(blk, bf);
}

int block_file_open(struct block *blk, struct opts *opts)
{
	static const char *const aios[] = {"threads", "native", "io_uring",
					   NULL};
	static const char *const lockings[] = {"auto", "off", "on", NULL};
	struct block_file *bf;
	bool auto_ro = false;
	int aio, locking = 0, ret;
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
	bf->direct_fd = -1;
	bf->fd = open_image(blk, path, auto_ro);
	blk->data = bf;
	blk->ops = &file_ops;
	if (bf->fd < 0)
		return err_errno(bf->fd, "cannot open '%s'", path);
	ret = locking == 2 ? lock_image(blk, bf->fd) : 0;
	if (ret)
		return err_errno(ret, "cannot lock '%s'", path);
	ret = probe(blk, bf);
	if (ret)
		return err_errno(ret, "cannot use '%s'", path);
	if (blk->direct)
		open_direct(blk, bf);
	return 0;
}
