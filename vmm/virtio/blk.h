/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio-blk: a disk on a block node. blk.c carries out requests, blk-error.c
 * knows what to do when one fails, blk-create.c makes and ends a disk; nobody else
 * looks in here.
 */
#ifndef TARN_VIRTIO_BLK_H
#define TARN_VIRTIO_BLK_H

#include <linux/virtio_blk.h>
#include <pthread.h>

#include "backend/block.h"
#include "loop.h"
#include "virtio/virtio.h"
#include "worker.h"

#define SECTOR 512
#define RANGES_MAX 16
#define RANGE_SECTORS_MAX 0x3fffff

struct virtio_blk;

struct blk_queue {
	struct virtio_blk *blk;
	struct virtio_queue *q;
	void *requests;
	u16 *free; /* stack of indices; the last used is the warmest */
	u16 nr_free;
	u16 *kept;   /* heads of requests that are to be tried again */
	u16 nr_kept; /* as many at most as the queue has entries */
	bool dirty;   /* has completions that were not published */
	bool starved; /* stopped taking for want of a request */
	u32 inflight; /* changed atomically, by the loop's thread */
};

struct blk_req {
	struct block_req br;
	struct vq_chain chain;
	struct blk_queue *bq;
	u8 *status;
	u32 written; /* bytes of payload that a read returns */
	u32 type;
	u16 index;
	u16 range;	   /* of a discard: the next one */
	struct iovec *out; /* payload, readable */
	unsigned int nr_out;
	struct iovec iov[];
};

/* werror= and rerror=, in the order of their words. */
enum on_error {
	ON_ERROR_REPORT,
	ON_ERROR_IGNORE,
	ON_ERROR_STOP,
	ON_ERROR_AUTO,
	ON_ERROR_ENOSPC,
};

struct virtio_blk {
	struct virtio_dev vdev;
	struct virtio_blk_config config;
	struct block *block;
	struct blk_queue *queues;
	char serial[VIRTIO_BLK_ID_BYTES];
	bool own_thread; /* its loop is a reference to the common one */
	struct loop *iothread; /* the one that was named, or NULL */
	struct adjunct *adjunct; /* does its requests, or NULL (blk-adjunct.c) */
	bool failed;		 /* the adjunct has, and what there is to do is done here */
	bool writeback;
	u16 queue_size;
	struct loop_work publish;
	pthread_mutex_t drain_lock;
	pthread_cond_t drained;
	bool draining; /* somebody waits; changed atomically */
	int rerror;    /* enum on_error */
	int werror;
	struct loop_work error_work; /* of the main loop */
	struct vm_job stop_job;	     /* stops the VM for @stop_error */
	int stop_error;
	u64 told;		     /* when monitors heard of an error last */
	pthread_mutex_t error_lock;
	struct block_error error; /* not told yet; under error_lock */
};

static inline struct virtio_blk *to_blk(struct virtio_dev *vdev)
{
	return container_of(vdev, struct virtio_blk, vdev);
}

static inline size_t req_size(const struct virtio_blk *blk)
{
	return sizeof(struct blk_req) +
	       (blk->queue_size + VQ_IOV_SPARE) * sizeof(struct iovec);
}

extern const struct virtio_dev_ops virtio_blk_ops;

/* Work of the disk's loop: return what was completed to the guest. */
void virtio_blk_publish(struct loop_work *work);

void virtio_blk_destroy(struct virtio_dev *vdev);

/**
 * blk_again() - do a request that was kept from its beginning.
 *
 * Return: 0, or -EIO when the guest has spoilt the chain, which broke the device.
 */
int blk_again(struct blk_queue *bq, u16 head);

/** blk_fail_again() - the same, but it fails. */
int blk_fail_again(struct blk_queue *bq, u16 head);

/** blk_start_mode() - the driver is ready: whether it flushes, or each write has to last. */
void blk_start_mode(struct virtio_blk *blk);

/* Of a disk, whoever does its requests; see struct virtio_dev_ops. */
#define BLK_VERSION 2
void blk_reset(struct virtio_dev *vdev);
int blk_save(struct virtio_dev *vdev, struct state_out *out);
int blk_load(struct virtio_dev *vdev, struct state_in *in, u32 version);

/* Of blk-adjunct.c: */

extern const struct virtio_dev_ops virtio_blk_adjunct_ops;

/** virtio_blk_adjunct_init() - become the client of @blk->adjunct. */
int virtio_blk_adjunct_init(struct virtio_blk *blk);

/* Of blk-error.c: */

/**
 * blk_failed() - choose what becomes of a request that failed with @error.
 *
 * With BLOCK_ACTION_STOP its head is kept and the request is the caller's to put.
 */
enum block_action blk_failed(struct blk_req *req, int error);

/** blk_retry() - the machine goes on: do again what was kept. Its loop's. */
void blk_retry(struct virtio_blk *blk);

/* Work of the main loop: tell of an error, and have the worker stop the VM. */
void blk_error_work(struct loop_work *work);
void blk_stop_job(struct vm *vm, struct vm_job *job);

int blk_kept_save(struct virtio_blk *blk, struct state_out *out);
int blk_kept_load(struct virtio_blk *blk, struct state_in *in);

#endif
