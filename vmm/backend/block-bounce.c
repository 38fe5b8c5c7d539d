// SPDX-License-Identifier: GPL-2.0-only
/*
 * Direct I/O that does not meet the alignment of its image: a part at a time goes
 * through an aligned buffer. A write that begins or ends within a block reads that
 * block first; block-range.c sees to it that nobody else writes it meanwhile.
 *
 * The page cache is not used, not even for these: it would hold on to neighbours of
 * what was written, and write them back over what direct I/O has put there since.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block-file.h"
#include "lib/iov.h"

/* Steps of a part: a read has the last one alone. */
enum {
	STEP_HEAD, /* read the first block */
	STEP_TAIL, /* read the last block */
	STEP_WHOLE,
};

int block_bounce_init(struct block_file *bf)
{
	unsigned int i;

	bf->bounce = aligned_alloc(BOUNCE_SIZE, BOUNCE_NR * BOUNCE_SIZE);
	if (!bf->bounce)
		return -ENOMEM;
	for (i = 0; i < BOUNCE_NR; i++)
		bf->free[i] = i;
	bf->nr_free = BOUNCE_NR;
	return 0;
}

static bool buffer_get(struct block_file *bf, struct block_req *req)
{
	if (!bf->nr_free) {
		TAILQ_INSERT_TAIL(&bf->starved, req, waits);
		return false;
	}
	req->bounce = bf->bounce + bf->free[--bf->nr_free] * BOUNCE_SIZE;
	return true;
}

static void buffer_put(struct block_file *bf, struct block_req *req)
{
	struct block_req *next = TAILQ_FIRST(&bf->starved);

	bf->free[bf->nr_free++] = (req->bounce - bf->bounce) / BOUNCE_SIZE;
	req->bounce = NULL;
	if (!next)
		return;
	TAILQ_REMOVE(&bf->starved, next, waits);
	block_file_go(next);
}

/* The blocks of the part that is under way. */
static u64 first_byte(const struct block_file *bf, const struct block_req *req)
{
	return ALIGN_DOWN(req->off, bf->off_align);
}

static u64 end_byte(const struct block_file *bf, const struct block_req *req)
{
	return ALIGN_UP(req->off + req->part, bf->off_align);
}

static void io_done(struct loop_op *lop, int res, unsigned int flags);

static void io_start(struct block_file *bf, struct block_req *req)
{
	struct io_uring_sqe *sqe = loop_sqe(req->loop);

	if (req->op == BLOCK_READ || req->step != STEP_WHOLE) {
		io_uring_prep_read(sqe, bf->direct_fd, req->io_buf, req->io_len,
				   req->io_off);
	} else {
		io_uring_prep_write(sqe, bf->direct_fd, req->io_buf,
				    req->io_len, req->io_off);
		if (req->flags & BLOCK_FUA)
			sqe->rw_flags = RWF_DSYNC;
	}
	req->lop.done = io_done;
	loop_submit(req->loop, sqe, &req->lop);
}

static void io_set(struct block_file *bf, struct block_req *req, u64 off,
		   u64 end)
{
	req->io_off = off;
	req->io_len = end - off;
	req->io_buf = req->bounce + (off - first_byte(bf, req));
	io_start(bf, req);
}

/* Where the payload of the part is in the buffer. */
static u8 *payload(const struct block_file *bf, const struct block_req *req)
{
	return req->bounce + (req->off - first_byte(bf, req));
}

static void fill(struct block_file *bf, struct block_req *req)
{
	if (req->op == BLOCK_ZERO)
		memset(payload(bf, req), 0, req->part);
	else
		iov_to_buf(req->iov, req->nr_iov, 0, payload(bf, req),
			   req->part);
}

static void step(struct block_file *bf, struct block_req *req)
{
	u64 off = first_byte(bf, req), end = end_byte(bf, req);
	u64 tail = end - bf->off_align;

	if (req->op != BLOCK_READ) {
		if (req->step == STEP_HEAD && req->off != off) {
			io_set(bf, req, off, off + bf->off_align);
			return;
		}
		/* One block may be both. */
		if (req->step <= STEP_TAIL && req->off + req->part != end &&
		    !(tail == off && req->off != off)) {
			req->step = STEP_TAIL;
			io_set(bf, req, tail, end);
			return;
		}
		fill(bf, req);
	}
	req->step = STEP_WHOLE;
	io_set(bf, req, off, end);
}

static void part_done(struct block_file *bf, struct block_req *req)
{
	if (req->op == BLOCK_READ)
		iov_from_buf(req->iov, req->nr_iov, 0, payload(bf, req),
			     req->part);
	if (req->op != BLOCK_ZERO)
		iov_skip(&req->iov, &req->nr_iov, req->part);
	buffer_put(bf, req);
	req->off += req->part;
	req->len -= req->part;
	block_file_go(req);
}

static void io_done(struct loop_op *lop, int res, unsigned int flags)
{
	struct block_req *req = container_of(lop, struct block_req, lop);
	struct block_file *bf = req->blk->data;

	if (res == -EINTR || res == -EAGAIN) {
		io_start(bf, req);
		return;
	}
	/* Nothing, or half a block: the image was cut. */
	if (res >= 0 && (!res || res % bf->off_align))
		res = -EIO;
	if (res < 0) {
		buffer_put(bf, req);
		block_file_finish(req, res);
		return;
	}
	req->io_buf += res;
	req->io_off += res;
	req->io_len -= res;
	if (req->io_len) {
		io_start(bf, req);
	} else if (req->step != STEP_WHOLE) {
		req->step++;
		step(bf, req);
	} else {
		part_done(bf, req);
	}
}

void block_bounce_submit(struct block_file *bf, struct block_req *req, u64 max)
{
	u64 room = BOUNCE_SIZE - req->off % bf->off_align;

	if (!buffer_get(bf, req))
		return;
	req->part = min_t(u64, min_t(u64, req->len, max), room);
	req->step = STEP_HEAD;
	step(bf, req);
}
