/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Split virtqueues, the device's side: taking chains of buffers out of guest
 * memory, returning them, and deciding who has to be told. It knows nothing of
 * devices, transports and threads.
 *
 * The ring lies in memory that the guest can change at any moment, so every
 * field is read once. Nothing that a guest writes there does more than break
 * the queue: vq_pop() then returns -EIO, and goes on doing so until the queue
 * is reset. What breaks it: an index outside the ring, more entries than the
 * ring has, a chain longer than the ring or than the caller's iovec, a buffer
 * of no length or outside RAM, a readable buffer behind a writable one, an
 * indirect table that is nested, chained, misfit or not negotiated.
 *
 * A queue is used by one thread at a time.
 */
#ifndef TARN_VIRTIO_VIRTQUEUE_H
#define TARN_VIRTIO_VIRTQUEUE_H

#include <linux/virtio_ring.h>
#include <sys/uio.h>

#include "lib/types.h"

struct tarn_mem;

#define VQ_SIZE_MAX 1024

/*
 * A buffer may be split where RAM is not contiguous in the host; a chain meets
 * few such places, room for this many more is kept in an iovec.
 */
#define VQ_IOV_SPARE 2

/**
 * struct virtqueue - a queue as the device sees it.
 * @mem: guest memory
 * @max_size: largest size that the driver may choose, a power of two
 * @size: the size that it chose
 * @desc_gpa: guest physical address of the descriptor table
 * @avail_gpa: of the available ring
 * @used_gpa: of the used ring
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_RING_F_INDIRECT_DESC was negotiated
 * @enabled: the addresses are valid and looked up
 * @broken: why the queue is unusable, NULL while it works
 * @last_avail: next entry of the available ring to take
 * @used_idx: next entry of the used ring to fill
 * @inflight: chains taken and not yet returned
 */
struct virtqueue {
	struct tarn_mem *mem;
	u16 max_size;
	u16 size;
	u64 desc_gpa;
	u64 avail_gpa;
	u64 used_gpa;
	bool event_idx;
	bool indirect;
	bool enabled;
	const char *broken;
	u16 last_avail;
	u16 used_idx;
	u16 inflight;
	/* private: */
	u16 published;	/* used_idx as the guest sees it */
	u16 signalled;	/* used_idx when the driver was last notified */
	bool signalled_valid;
	const void *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

/**
 * struct vq_chain - the buffers of one request.
 * @head: names the chain when it is returned
 * @nr_out: buffers that the device reads; first in @iov
 * @nr_in: buffers that the device writes; behind them
 * @out_len: bytes in the readable ones
 * @in_len: bytes in the writable ones
 * @iov: the caller's array
 * @iov_max: its size
 */
struct vq_chain {
	u16 head;
	u16 nr_out;
	u16 nr_in;
	u16 iov_max;
	u32 out_len;
	u32 in_len;
	struct iovec *iov;
};

static inline struct iovec *vq_chain_in(struct vq_chain *chain)
{
	return chain->iov + chain->nr_out;
}

/** vq_init() - a queue of at most @max_size entries, reset. */
void vq_init(struct virtqueue *vq, struct tarn_mem *mem, u16 max_size);

/** vq_reset() - forget everything the driver set up. */
void vq_reset(struct virtqueue *vq);

/**
 * vq_enable() - look the ring up in guest memory and begin at its start.
 *
 * Return: 0, -EINVAL for a size or an alignment that is not allowed, -EFAULT
 * when a part lies outside RAM.
 */
int vq_enable(struct virtqueue *vq);

/**
 * vq_restore() - as vq_enable(), going on where a saved queue stood.
 * @last_avail: of the saved queue
 * @used_idx: of the saved queue
 */
int vq_restore(struct virtqueue *vq, u16 last_avail, u16 used_idx);

/**
 * vq_resume_at() - go on where somebody else, who used the ring, stopped.
 * @last_avail: the next entry to take; the used ring itself tells the rest
 */
void vq_resume_at(struct virtqueue *vq, u16 last_avail);

/**
 * vq_pop() - take the next chain.
 * @chain: with @iov and @iov_max set
 *
 * Return: 1 with @chain filled, 0 when there is none, -EIO when the queue is
 * or gets broken.
 */
int vq_pop(struct virtqueue *vq, struct vq_chain *chain);

/**
 * vq_reread() - look again at a chain that was taken and not returned.
 * @chain: with @head, too
 *
 * Return: 0, or -EIO when the queue is or gets broken.
 */
int vq_reread(struct virtqueue *vq, struct vq_chain *chain);

/** vq_unpop() - put the @nr chains that were taken last back. */
void vq_unpop(struct virtqueue *vq, u16 nr);

/** vq_empty() - whether vq_pop() would find nothing. */
bool vq_empty(const struct virtqueue *vq);

/**
 * vq_push() - return a chain; the guest sees it after vq_publish().
 * @head: of the chain
 * @len: bytes written into it
 */
void vq_push(struct virtqueue *vq, u16 head, u32 len);

/**
 * vq_publish() - show what was pushed to the guest, all at once.
 *
 * Return: whether the driver wants an interrupt for it.
 */
bool vq_publish(struct virtqueue *vq);

/** vq_kick_off() - ask the driver not to notify; work is being taken anyway. */
void vq_kick_off(struct virtqueue *vq);

/**
 * vq_kick_on() - ask the driver to notify.
 *
 * Return: true when work came meanwhile for which no notification may come, so
 * that the caller has to look again.
 */
bool vq_kick_on(struct virtqueue *vq);

/** vq_break() - mark the queue unusable; @why is not copied. Returns -EIO. */
int vq_break(struct virtqueue *vq, const char *why);

#endif
