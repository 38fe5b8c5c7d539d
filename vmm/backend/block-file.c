// SPDX-License-Identifier: GPL-2.0-only
/*
 * Block nodes on a file or a block device, all I/O through io_uring.
 *
 * With cache.direct=on all reads and writes are direct: those that meet the
 * alignment of the image as they are, the few that do not by a buffer
 * (block-bounce.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/block-file.h"
#include "error.h"
#include "lib/iov.h"

#define ZERO_CHUNK 65536
/* Of one fallocate(). */
#define ZERO_MAX (1U << 30)

static u8 zeroes[ZERO_CHUNK] __attribute__((aligned(4096)));

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

static bool direct(const struct block_file *bf)
{
	return bf->direct_fd >= 0;
}

/* Whether a write may have to keep what is around it in its block. */
static bool has_edges(const struct block_file *bf, const struct block_req *req)
{
	return direct(bf) && bf->off_align > 512 &&
	       (req->op == BLOCK_WRITE || req->op == BLOCK_ZERO);
}

void block_file_finish(struct block_req *req, int ret)
{
	if (req->ranged)
		block_range_end(req->blk->data, req);

	req->top->stats.ns[req->op] += loop_now() - req->start;
	if (ret)
		req->top->stats.failed[req->op]++;
	req->done(req, ret);
}

static void transfer_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);

	if (res == -EINTR || res == -EAGAIN) {
		block_file_go(req);
		return;
	}
	/* Nothing where there should be something: the image was cut. */
	if (!res)
		res = -EIO;
	if (res < 0) {
		block_file_finish(req, res);
		return;
	}
	req->off += res;
	req->len -= res;
	iov_skip(&req->iov, &req->nr_iov, res);
	block_file_go(req);
}

static void submit_transfer(struct block_file *bf, struct block_req *req)
{
	int fd = direct(bf) ? bf->direct_fd : bf->fd;
	unsigned int nr = min_t(unsigned int, req->nr_iov, IOV_MAX);
	struct io_uring_sqe *sqe;

	if (direct(bf) && !aligned(bf, req)) {
		block_bounce_submit(bf, req, UINT64_MAX);
		return;
	}
	sqe = loop_sqe(req->loop);
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
		block_file_go(req);
	else
		block_file_finish(req, res < 0 ? res : 0);
}

/*
 * The kernel drops what it could not write: another flush would succeed without it. So
 * there is nothing to try again, not even where there is room again.
 */
static int flush_result(struct block *blk, int ret)
{
	struct block_file *bf = blk->data;

	if (ret >= 0 || ret == -EINTR || ret == -EAGAIN || direct(bf))
		return ret;
	WRITE_ONCE(bf->lost, true);
	err_errno(ret, "'%s' cannot be flushed: what was written to it is lost",
		  blk->filename);
	return -ENOTRECOVERABLE;
}

static void flush_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);

	simple_done(lop, flush_result(req->blk, res), flags);
}

static void submit_flush(struct block_file *bf, struct block_req *req)
{
	struct io_uring_sqe *sqe;

	if (READ_ONCE(bf->lost)) {
		block_file_finish(req, -ENOTRECOVERABLE);
		return;
	}
	sqe = loop_sqe(req->loop);
	io_uring_prep_fsync(sqe, bf->fd, IORING_FSYNC_DATASYNC);
	req->lop.done = flush_done;
	loop_submit(req->loop, sqe, &req->lop);
}

static int file_sync(struct block *blk)
{
	struct block_file *bf = blk->data;
	int ret = READ_ONCE(bf->lost) ? -ENOTRECOVERABLE : 0;

	while (!ret && fdatasync(bf->fd))
		if (errno != EINTR)
			ret = flush_result(blk, -errno);
	return ret ? err_errno(ret, "'%s' cannot be flushed", blk->filename)
		   : 0;
}

static bool not_supported(int res)
{
	return res == -EOPNOTSUPP || res == -ENOTTY || res == -ENOSYS ||
	       res == -EINVAL;
}

static void submit_fallocate(struct block_file *bf, struct block_req *req,
			     int mode,
			     void (*done)(struct loop_op *lop, int res,
					  unsigned int flags))
{
	struct io_uring_sqe *sqe = loop_sqe(req->loop);

	io_uring_prep_fallocate(sqe, bf->fd, mode | FALLOC_FL_KEEP_SIZE,
				req->off, req->part);
	req->lop.done = done;
	loop_submit(req->loop, sqe, &req->lop);
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

/* A hint: what is no whole block stays. */
static void submit_discard(struct block_file *bf, struct block_req *req)
{
	u64 end = ALIGN_DOWN(req->off + req->len, bf->zero_align);

	req->off = ALIGN_UP(req->off, bf->zero_align);
	if (req->off >= end) {
		block_file_finish(req, 0);
		return;
	}
	req->len = end - req->off;
	req->part = req->len;
	submit_fallocate(bf, req, FALLOC_FL_PUNCH_HOLE, discard_done);
}

/* Zeroes go a part at a time; what is left of them goes on. */
static void zero_step(struct block_req *req, u32 done)
{
	req->off += done;
	req->len -= done;
	block_file_go(req);
}

static void zero_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);
	struct block_file *bf = req->blk->data;

	if (not_supported(res)) {
		/* What holds for one part holds for all of the image. */
		if (req->punch)
			bf->no_punch = true;
		else
			bf->no_zero = true;
		res = -EAGAIN;
	}
	if (res == -EINTR || res == -EAGAIN)
		block_file_go(req);
	else if (res < 0)
		block_file_finish(req, res);
	else
		zero_step(req, req->part);
}

static void zero_written(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);

	if (res > 0)
		zero_step(req, res);
	else
		simple_done(lop, res ? res : -EIO, flags);
}

/* The file system cannot do it, or it is a part of a block: the zeroes travel. */
static void submit_zero_write(struct block_file *bf, struct block_req *req,
			      u32 len)
{
	struct io_uring_sqe *sqe;
	int fd = direct(bf) ? bf->direct_fd : bf->fd;

	if (direct(bf) && (!IS_ALIGNED(req->off, bf->off_align) ||
			   !IS_ALIGNED(len, bf->off_align))) {
		block_bounce_submit(bf, req, len);
		return;
	}
	sqe = loop_sqe(req->loop);
	io_uring_prep_write(sqe, fd, zeroes, len, req->off);
	req->lop.done = zero_written;
	loop_submit(req->loop, sqe, &req->lop);
}

static void submit_zero(struct block_file *bf, struct block_req *req)
{
	u32 align = bf->zero_align, lead = -req->off & (align - 1);

	req->punch = req->flags & BLOCK_UNMAP && !bf->no_punch;
	if (lead || req->len < align) {
		submit_zero_write(bf, req,
				  min_t(u64, req->len, lead ? lead : align));
		return;
	}
	/* Multiples of a block, so that one end of a part is the next's begin. */
	req->part = ALIGN_DOWN(min_t(u64, req->len, ZERO_MAX), align);
	if (req->punch)
		submit_fallocate(bf, req, FALLOC_FL_PUNCH_HOLE, zero_done);
	else if (!bf->no_zero)
		submit_fallocate(bf, req, FALLOC_FL_ZERO_RANGE, zero_done);
	else
		submit_zero_write(bf, req,
				  min_t(u32, req->part, sizeof(zeroes)));
}

void block_file_go(struct block_req *req)
{
	struct block *blk = req->blk;
	struct block_file *bf = blk->data;

	if (!req->len && req->op != BLOCK_FLUSH) {
		block_file_finish(req, 0);
		return;
	}
	switch (req->op) {
	case BLOCK_READ:
	case BLOCK_WRITE:
		submit_transfer(bf, req);
		break;
	case BLOCK_FLUSH:
		submit_flush(bf, req);
		break;
	case BLOCK_DISCARD:
		submit_discard(bf, req);
		break;
	case BLOCK_ZERO:
		submit_zero(bf, req);
		break;
	}
}

static void file_submit(struct block *blk, struct block_req *req)
{
	struct block_file *bf = blk->data;

	req->ranged = false;
	if ((req->op == BLOCK_FLUSH && blk->no_flush) ||
	    (req->op == BLOCK_DISCARD && (bf->no_punch || !blk->unmap)))
		block_file_finish(req, 0);
	else if (!req->len || !has_edges(bf, req) || block_range_begin(bf, req))
		block_file_go(req);
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
	free(bf->bounce);
	free(bf);
}

const struct block_ops block_file_ops = {
	.name = "file",
	.submit = file_submit,
	.lock = block_file_lock,
	.unlock = block_file_unlock,
	.sync = file_sync,
	.destroy = file_destroy,
};
