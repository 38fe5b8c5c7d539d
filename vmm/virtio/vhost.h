/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handing virtqueues to vhost in the kernel. The device keeps its
 * configuration and feature bits; while started, the rings are the kernel's,
 * with kicks arriving by the queue's ioeventfd and interrupts leaving by its
 * irqfd, neither passing through this process.
 *
 * Its worker reaches rings and buffers, and waits where a page of them has been paged
 * out, with a mutex of the queue that most requests take, too. So what starts, stops
 * and moves queues is called in the device's loop (virtio.h), where nobody has the
 * VM's lock.
 */
#ifndef TARN_VIRTIO_VHOST_H
#define TARN_VIRTIO_VHOST_H

#include "virtio/virtio.h"

struct vhost;

/**
 * vhost_create() - take a vhost descriptor for @dev.
 * @fd: stays the caller's
 * @owned: whether this process owns @fd already, which is set. A descriptor has
 *	   one owner as long as it is open.
 * @first: index of the first queue that goes to vhost
 * @nr: their number
 *
 * Return: NULL, reported, when the kernel cannot do what is needed.
 */
struct vhost *vhost_create(struct virtio_dev *dev, int fd, bool *owned,
			   u16 first, u16 nr);
void vhost_destroy(struct vhost *vh);

/** vhost_features() - those virtio feature bits that the kernel can do. */
u64 vhost_features(const struct vhost *vh);

/** vhost_start() - features and memory; then each queue by itself. */
int vhost_start(struct vhost *vh, u64 features);

/** vhost_queue_start() - give the ring of @q to the kernel. */
int vhost_queue_start(struct vhost *vh, struct virtio_queue *q);

/** vhost_queue_call() - have the interrupts of @q go where they belong now. */
int vhost_queue_call(struct vhost *vh, struct virtio_queue *q);

/** vhost_queue_stop() - take it back; indices continue in @q. */
void vhost_queue_stop(struct vhost *vh, struct virtio_queue *q);

#endif
