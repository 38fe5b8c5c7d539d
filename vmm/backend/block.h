/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Block nodes (-blockdev): named images that a block device reads and writes.
 * A device sees a size, limits and requests; what a node is made of is behind
 * its ops. Nodes form a chain: "raw" over "file" or "host_device"; "qcow2" is the
 * end of one, as what is below it is served by another program.
 *
 * Nodes are made and attached under the VM's lock. Requests belong to the loop
 * that they were submitted to and complete in its thread.
 */
#ifndef TARN_BACKEND_BLOCK_H
#define TARN_BACKEND_BLOCK_H

#include <sys/queue.h>
#include <sys/uio.h>

#include "lib/types.h"
#include "loop.h"

struct adjunct;
struct block;
struct block_nbd;
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
	u32 part;    /* bytes that are under way */
	bool punch;  /* BLOCK_ZERO: by a hole */
	bool ranged; /* among the writes of block-range.c */
	bool edges;  /* reads what is around it and writes that back */
	u64 begin;   /* the whole blocks that it touches, to @end */
	u64 end;
	TAILQ_ENTRY(block_req) ranges;
	TAILQ_ENTRY(block_req) waits;
	TAILQ_HEAD(, block_req) waiters;
	u8 *bounce; /* a buffer of block-bounce.c */
	u8 step;
	u8 *io_buf; /* what is left to be read or written of it */
	u32 io_len;
	u64 io_off;
	struct block_nbd *nbd; /* of block-nbd.c: what it was sent through, */
	unsigned int parts;    /* parts that are under way, */
	int error;	       /* and what one of them failed with */
};

/**
 * struct block_ops - a kind of node.
 * @name: driver= of -blockdev
 * @submit: start @req, whose range was checked
 * @start: get ready for requests of a device; @shared: others may write, too. May be
 *	   NULL.
 * @stop: undo it; requests in flight are forgotten. True: that goes on, and @done is
 *	  called with @arg in the main loop when the image is closed.
 * @abandon: have requests in flight fail, and all later ones; NULL where they cannot
 *	     hang but with the kernel
 * @lock: lock the image for @use and @share (block-lock.h); @unlock undoes it.
 *	  Both NULL for a node on top of another.
 * @sync: make durable what was written, at once; no request is in flight. With
 *	  @lock or not at all.
 * @destroy: close it; the structure is the core's
 */
struct block_ops {
	const char *name;
	void (*submit)(struct block *blk, struct block_req *req);
	int (*start)(struct block *blk, bool shared);
	bool (*stop)(struct block *blk, void (*done)(void *arg), void *arg);
	void (*abandon)(struct block *blk);
	int (*lock)(struct block *blk, unsigned int use, unsigned int share);
	void (*unlock)(struct block *blk);
	int (*sync)(struct block *blk);
	void (*destroy)(struct block *blk);
};

/** enum block_action - what is done about a request that failed. */
enum block_action {
	BLOCK_ACTION_REPORT, /* the guest is told */
	BLOCK_ACTION_IGNORE, /* the guest is told that it succeeded */
	BLOCK_ACTION_STOP,   /* the VM stops, the request is tried again later */
};

/**
 * struct block_error - a request of a device that failed.
 * @error: why, positive
 * @write: anything but a read
 */
struct block_error {
	int error;
	bool write;
	enum block_action action;
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
 * @tail: bytes behind them, which are no whole sector
 * @physical: smallest unit that is written without reading first, a power of
 *	      two of at least 512. Any number of sectors of 512 can be transferred.
 * @logical: smallest unit that can be transferred where that is no sector of 512, else 0
 * @read_only: writes fail
 * @unmap: discard=unmap
 * @no_flush: cache.no-flush=on
 * @force_share: force-share=on: others may do with the image what they like
 * @use: IMAGE_* of block-lock.h that the device does, 0 without a device
 * @share: IMAGE_* that others may do meanwhile
 * @locked: the image is locked for both
 * @user: what it is attached to, NULL for nothing
 * @device: the id of the device that has it, NULL for none
 * @closing: the id of the device that had it, while the image is being closed
 * @error: why the VM was stopped, positive, 0 when it was not
 * @child: the node below, whose byte @offset is byte 0 here
 */
struct block {
	const struct block_ops *ops;
	char *node_name;
	char *filename;
	u64 size;
	u16 tail;
	u32 physical;
	u32 logical;
	bool read_only;
	bool unmap;
	bool no_flush;
	bool direct;
	bool force_share;
	bool locked;
	u8 use;
	u8 share;
	const char *user;
	char *device;
	char *closing;
	int error;
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

/**
 * block_use() - lock the image for a device that is attached to @blk.
 * @shared: other programs may write the image, too
 *
 * The lock goes with block_detach(). While images are given up it is only
 * noted what will be locked.
 *
 * Return: 0 or -errno, reported.
 */
int block_use(struct block *blk, bool shared);

/**
 * block_sync_all() - make durable what devices have written; they are paused.
 *
 * By the worker, or where it is alone: it waits without the VM's lock.
 *
 * Return: 0 or the first -errno, each reported.
 */
int block_sync_all(void);

/**
 * block_give_up_all() - unlock all images: their guest stands still and is
 * another process's from now on, or is not here yet.
 */
void block_give_up_all(void);

/**
 * block_take_back_all() - the reverse, all or none; does nothing when they
 * were not given up.
 *
 * Return: 0 or -errno, reported.
 */
int block_take_back_all(void);

/**
 * block_adjunct() - the adjunct that does the requests of what is attached to @blk, for
 * which block_submit() fails them; NULL: there is none, as for all but nvme.
 */
struct adjunct *block_adjunct(struct block *blk);

/**
 * block_set_size() - a node that did not know its size, nor what is above it, does now.
 * @logical: see struct block
 */
void block_set_size(struct block *blk, u64 size, u32 logical);

/** block_set_device() - tell monitors which device has the node. */
void block_set_device(struct block *blk, const char *id);

/** block_set_listener() - hear of errors, under the VM's lock. */
void block_set_listener(void (*fn)(const struct block *blk,
				   const struct block_error *error));

/** block_tell() - tell the listener. */
void block_tell(const struct block *blk, const struct block_error *error);

/** block_no_space() - whether an error is for want of room. */
bool block_no_space(int error);

/**
 * block_can_abandon() - whether requests can be in flight that only end if another
 * program does what it should.
 */
bool block_can_abandon(struct block *blk);

/** block_abandon() - have them fail, and all later ones. Not in the loop's thread. */
void block_abandon(struct block *blk);

/**
 * block_detach() - the reverse of block_attach() and block_use().
 *
 * While the main loop runs an image that has a server may still be closed when this
 * returns. The node is in use until it has been.
 */
void block_detach(struct block *blk);

/** block_is_closing() - whether an image is being closed that @device had. */
bool block_is_closing(const char *device);

/** block_set_closed() - hear when it has been, under the VM's lock. */
void block_set_closed(void (*fn)(const char *device));

/** block_submit() - start a request in the calling thread's @loop. */
void block_submit(struct block *blk, struct loop *loop, struct block_req *req);

/** block_destroy_all() - at the end, when no request is in flight. */
void block_destroy_all(void);

/* For block.c and kinds of nodes: */

/**
 * block_child_open() - the node that @key names, or a whole node in its place.
 * @parent: what it takes over from, NULL for a node that is only read
 * @user: for messages, not copied
 */
int block_child_open(const struct block *parent, struct opts *opts,
		     const char *key, const char *user, struct block **child);

/**
 * block_file_open() - open what "file" and "host_device" name.
 *
 * Takes filename, aio, locking, cache, read-only and auto-read-only.
 */
int block_file_open(struct block *blk, struct opts *opts);

#endif
