/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue: a ring of the client's virtio-blk device, the queue pair of the function that
 * does its requests, and the requests between the two. queue.c takes chains and returns
 * them, request.c does what they ask for, log.c notes which are in flight.
 */
#ifndef TARN_ADJUNCT_IMAGE_QUEUE_H
#define TARN_ADJUNCT_IMAGE_QUEUE_H

#include "adjunct/image/bounce.h"
#include "adjunct/image/image.h"
#include "adjunct/image/nvme.h"
#include "mem.h"
#include "virtio/virtqueue.h"

#define REQUEST_NONE 0xffff

enum request_state {
	REQUEST_FREE,
	REQUEST_WAITING, /* for pages, or for room in the function's queue */
	REQUEST_SENT,
};

/**
 * struct request - what a chain asks for; its index is the chain's head, which is the
 * number of its command, too, as there is one at a time.
 * @state: see above
 * @flushing: all but a flush at the end is done
 * @next: behind it in the list of those that wait
 * @data: its bounce pages, the last one first
 * @nr_data: how many
 * @list: a page with their addresses, if they are more than two
 * @range: of a discard or of zeroes: which one
 * @type: VIRTIO_BLK_T_*
 * @sector: of the first byte
 * @len: bytes in all
 * @done: bytes that are done; of zeroes: in this range
 * @piece: bytes that are under way
 * @sent: when
 */
struct request {
	u8 state;
	bool flushing;
	u16 next;
	u16 data;
	u16 nr_data;
	u16 list;
	u16 range;
	u32 type;
	u32 len;
	u32 done;
	u32 piece;
	u64 sector;
	u64 sent;
};

/**
 * struct queue - see above.
 * @locked: somebody serves it
 * @again: somebody wanted to while another one did
 * @index: its number
 * @generation: the one of its configuration that all below is for
 * @config: of the device
 * @set: its configuration
 * @vq: the ring
 * @chain, @iov: the chain that is being looked at
 * @io: the queue pair
 * @shift: of the device's block size
 * @transfer: of a command at most, in bytes
 * @features: ADJUNCT_*
 * @log: of chains in flight
 * @busy: requests that are not free
 * @dirty: chains were pushed and not published
 * @returned: chains, since somebody asked
 * @errors, @stray: for struct adjunct_info
 * @wait_first, @wait_last: requests that wait
 * @synced: status of the VMM's own flush, or -EINPROGRESS
 */
struct queue {
	u32 locked;
	u32 again;
	u16 index;
	u32 generation;
	const struct adjunct_config *config;
	const struct adjunct_queue_config *set;
	struct virtqueue vq;
	struct vq_chain chain;
	struct nvme_queue *io;
	u32 shift;
	u32 transfer;
	u32 features;
	struct adjunct_log *log;
	u16 busy;
	bool dirty;
	u32 returned;
	u32 errors;
	u32 stray;
	u16 wait_first;
	u16 wait_last;
	int synced;
	struct bounce bounce;
	struct request requests[ADJUNCT_QUEUE_SIZE];
	struct iovec iov[ADJUNCT_QUEUE_SIZE + VQ_IOV_SPARE];
};

/* Number of the VMM's own flush; no head is that large. */
#define QUEUE_SYNC 0xfffe

/**
 * struct image - all there is.
 * @mem: the client's
 * @nvme: the function
 * @ready: INIT has succeeded
 */
struct image {
	struct tarn_mem mem;
	struct nvme nvme;
	bool ready;
	struct queue queues[ADJUNCT_QUEUES];
};

/**
 * queue_serve() - take what is there, and return what the device has done.
 * @poll: cycles to wait for the device
 * @tick: look for requests that take too long
 *
 * Return: 0; -ETIMEDOUT when one does, -EIO when the device is dead.
 */
int queue_serve(struct image *image, u16 index, const struct adjunct_config *config,
		struct adjunct_mailbox *box, u64 poll, bool tick);

/** queue_sync() - flush the device's cache by this queue, which nobody serves. */
int queue_sync(struct image *image, u16 index, const struct adjunct_config *config);

/* request.c; all with the queue's lock */

/**
 * request_begin() - do what @q->chain asks for.
 *
 * Return: 0, or -EIO: the ring is broken.
 */
int request_begin(struct queue *q);

/** request_completed() - the device has completed the command of a request. */
void request_completed(struct queue *q, const struct nvme_completion *cqe);

/** request_retry() - go on with those that wait, as far as there is room. */
void request_retry(struct queue *q);

/** request_late() - whether one has been at the device for too long. */
bool request_late(const struct queue *q);

/* log.c */

/** log_take() - a chain was taken. */
void log_take(struct queue *q, u16 head);

/** log_return() - it was pushed to the ring. */
void log_return(struct queue *q, u16 head);

/** log_publish() - show all that was pushed; whether the driver wants an interrupt. */
bool log_publish(struct queue *q);

/**
 * log_recover() - set the ring to where it stood.
 *
 * Return: the number of chains in flight, or -errno.
 */
int log_recover(struct queue *q);

/** log_next() - the head that was taken next after @seq, or REQUEST_NONE. */
u16 log_next(const struct queue *q, u64 seq);

#endif
