/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Block nodes (-blockdev): named images that a block device reads and writes.
 * A device sees a size, limits and requests; what a node is made of is behind
 * its ops. Nodes form a chain: "raw" over "file" or "host_device".
 *
 * Nodes are made and attached under the VM's lock. Requests belong to the loop
 * that they were submitted to and complete in its thread.
 */
#ifndef TARN_BACKEND_BLOCK_H
#define TARN_BACKEND_BLOCK_H

#include <sys/uio.h>

#include "lib/types.h"
#include "loop.h"

struct block;
struct opts;

/** enum block_op - what a request does. */
enum block_op {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,   /* make completed writes durable */
	BLOCK_DISCARD, /* the content is no longer needed; a hint */
	BLOCK_ZERO,    /* must read as zeroes afterwards */
};

/* Flags of a request. */
#define BLOCK_FUA (1U << 0)   /* BLOCK_WRITE: durable when it completes */
#define BLOCK_UNMAP (1U << 1) /* BLOCK_ZERO: space may be given back */

/**
 * struct block_req - a request, embedded in the caller's own.
 * @op: what to do
 * @flags: BLOCK_*
 * @off: first byte
 * @len: bytes; for reads and writes the sum over @iov
 * @iov: buffers; the array is used up by the request
 * @nr_iov: their number
 * @done: called once, perhaps from within block_submit(), with 0 or -errno
 */
struct block_req {
	enum block_op op;
	unsigned int flags;
	u64 off;
	u64 len;
	struct iovec *iov;
	unsigned int nr_iov;
	void (*done)(struct block_req *req, int ret);
	/* private: */
	struct block *top; /* the node it was submitted to */
	struct block *blk; /* the node that does it */
	struct loop *loop;
	u64 start;
	struct loop_op lop;
};

/**
 * struct block_ops - a kind of node.
 * @name: driver= of -blockdev
 * @submit: start @req, whose range was checked
 * @destroy: close it; the structure is the core's
 */
struct block_ops {
	const char *name;
	void (*submit)(struct block *blk, struct block_req *req);
	void (*destroy)(struct block *blk);
};

/**
 * struct block_stats - what went through a node; written by one loop.
 * Index is enum block_op. @ns sums up how long requests took, @highest is the
 * end of the farthest write.
 */
struct block_stats {
	u64 ops[5];
	u64 bytes[5];
	u64 failed[5];
	u64 ns[5];
	u64 highest;
};

/**
 * struct block - a node.
 * @size: in bytes, a multiple of 512
 * @logical: smallest unit of a transfer, a power of two of at least 512
 * @physical: smallest unit that is written without reading first
 * @read_only: writes fail
 * @unmap: discard=unmap
 * @no_flush: cache.no-flush=on
 * @user: what it is attached to, NULL for nothing
 * @device: the id of the device that has it, NULL for none
 * @child: the node below, whose byte @offset is byte 0 here
 */
struct block {
	const struct block_ops *ops;
	char *node_name;
	char *filename;
	u64 size;
	u32 logical;
	u32 physical;
	bool read_only;
	bool unmap;
	bool no_flush;
	bool direct;
	const char *user;
	char *device;
	struct block *child;
	u64 offset;
	struct block_stats stats;
	/* private: */
	void *data;
	struct block *next;
};

/** blockdev_create() - make the node that a -blockdev option describes. */
int blockdev_create(struct opts *opts);

/** blockdev_delete() - remove a node; -EBUSY while it is in use. */
int blockdev_delete(const char *node_name);

/** block_find() - by node name, or NULL. */
struct block *block_find(const char *node_name);

/** block_for_each() - visit all nodes. */
void block_for_each(void (*fn)(struct block *blk, void *arg), void *arg);

/**
 * block_attach() - become the one user of the node.
 * @user: for messages, not copied
 *
 * Return: the node, or NULL, reported.
 */
struct block *block_attach(const char *node_name, const char *user);

/** block_set_device() - tell monitors which device has the node. */
void block_set_device(struct block *blk, const char *id);

void block_detach(struct block *blk);

/** block_submit() - start a request in the calling thread's @loop. */
void block_submit(struct block *blk, struct loop *loop, struct block_req *req);

/** block_destroy_all() - at the end, when no request is in flight. */
void block_destroy_all(void);

/**
 * block_thread_get() - the loop for block devices without an iothread of their
 * own; started by the first and ended by the last block_thread_put().
 */
struct loop *block_thread_get(void);
void block_thread_put(void);

/* For block.c: */

/**
 * block_file_open() - open what "file" and "host_device" name.
 *
 * Takes filename, aio, locking, cache, read-only and auto-read-only.
 */
int block_file_open(struct block *blk, struct opts *opts);

#endif
