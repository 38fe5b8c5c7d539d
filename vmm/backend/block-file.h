/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An image that is open: what block-open.c makes and block-file.c uses, with
 * block-bounce.c for direct I/O that does not meet the alignment of the image and
 * block-range.c for the order of those writes.
 *
 * All but opening and locks is used by the one loop of the device on the image.
 */
#ifndef TARN_BACKEND_BLOCK_FILE_H
#define TARN_BACKEND_BLOCK_FILE_H

#include "backend/block.h"

/* Buffers of an image that is open with O_DIRECT; untouched ones cost nothing. */
#define BOUNCE_NR 16
#define BOUNCE_SIZE 65536

/* locking=, in the order of its words. */
enum {
	LOCKING_AUTO, /* where files can be locked */
	LOCKING_OFF,
	LOCKING_ON,
};

/**
 * struct block_file - an open image.
 * @fd: buffered
 * @direct_fd: opened with O_DIRECT, or -1
 * @mem_align: what O_DIRECT asks of buffers
 * @off_align: what it asks of offsets and lengths, and the unit of @writes
 * @zero_align: what fallocate() asks of them
 * @writes: those under way, in the order in which they came, where one of them may
 *	    have to read what is around it
 * @bounce: buffers for what does not meet the alignment, NULL without O_DIRECT
 * @free: which of them are free
 * @starved: requests that wait for one
 * @locking: LOCKING_*
 * @lost: a flush failed with data in the page cache: the kernel has dropped it then.
 *	  Flushes fail with ENOTRECOVERABLE from then on
 * @no_zero: FALLOC_FL_ZERO_RANGE is not supported
 * @no_punch: FALLOC_FL_PUNCH_HOLE is not supported
 */
struct block_file {
	int fd;
	int direct_fd;
	u32 mem_align;
	u32 off_align;
	u32 zero_align;
	TAILQ_HEAD(, block_req) writes;
	u8 *bounce;
	u8 free[BOUNCE_NR];
	unsigned int nr_free;
	TAILQ_HEAD(, block_req) starved;
	int locking;
	bool lost;
	bool no_zero;
	bool no_punch;
};

extern const struct block_ops block_file_ops;

/* Of block-file.c, for the two below: go on with @req, or end it. */
void block_file_go(struct block_req *req);
void block_file_finish(struct block_req *req, int ret);

/**
 * block_bounce_submit() - read or write the next part of @req by a buffer.
 * @max: not more than this; less than a block for an edge of BLOCK_ZERO
 *
 * block_file_go() follows when there is more.
 */
void block_bounce_submit(struct block_file *bf, struct block_req *req, u64 max);

int block_bounce_init(struct block_file *bf);

/**
 * block_range_begin() - take @req, a write, among those under way.
 *
 * Return: whether it may go on. If not, block_file_go() is called when it may.
 */
bool block_range_begin(struct block_file *bf, struct block_req *req);

/** block_range_end() - it is complete. */
void block_range_end(struct block_file *bf, struct block_req *req);

/* block_ops.lock and .unlock, in block-open.c. */
int block_file_lock(struct block *blk, unsigned int use, unsigned int share);
void block_file_unlock(struct block *blk);

#endif
