// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of vhost; see vhost.h. What is specific to a device (the backend
 * of vhost-net) is in the device.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "loop.h"
#include "virtio/vhost.h"
#include "vm.h"

/* Interrupts of a queue without an irqfd come through here. */
struct vhost_call {
	struct virtio_queue *q;
	int fd;
	struct loop_event *event;
};

struct vhost {
	struct virtio_dev *dev;
	int fd;
	u16 first;
	u16 nr;
	u64 features;
	struct vhost_call calls[];
};

static void forward_call(void *arg)
{
	struct vhost_call *call = arg;

	call->q->dev->transport->notify_queue(call->q);
}

static int call_init(struct vhost_call *call, struct virtio_dev *dev)
{
	call->fd = eventfd(0, EFD_CLOEXEC);
	if (call->fd < 0)
		return -errno;
	call->event = loop_event_add(dev->loop, call->fd, forward_call, call);
	return call->event ? 0 : -ENOMEM;
}

static void calls_end(void *arg)
{
	struct vhost *vh = arg;
	u16 i;

	for (i = 0; i < vh->nr; i++)
		loop_event_del(vh->calls[i].event);
}

static int own(int fd, bool *owned)
{
	if (!*owned && ioctl(fd, VHOST_SET_OWNER))
		return -errno;
	*owned = true;
	return 0;
}

struct vhost *vhost_create(struct virtio_dev *dev, int fd, bool *owned,
			   u16 first, u16 nr)
{
	struct vhost *vh = calloc(1, sizeof(*vh) + nr * sizeof(*vh->calls));
	int ret;
	u16 i;

	if (!vh)
		return NULL;
	vh->dev = dev;
	vh->fd = fd;
	vh->first = first;
	vh->nr = nr;
	for (i = 0; i < nr; i++)
		vh->calls[i].fd = -1;
	ret = own(fd, owned);
	if (!ret && ioctl(fd, VHOST_GET_FEATURES, &vh->features))
		ret = -errno;
	if (ret) {
		err_errno(ret, "cannot set vhost up");
		goto err_destroy;
	}
	for (i = 0; i < nr; i++) {
		vh->calls[i].q = &dev->queues[first + i];
		ret = call_init(&vh->calls[i], dev);
		if (ret) {
			err_errno(ret, "cannot set vhost up");
			goto err_destroy;
		}
	}
	return vh;

err_destroy:
	vhost_destroy(vh);
	return NULL;
}

void vhost_destroy(struct vhost *vh)
{
	u16 i;

	if (!vh)
		return;
	virtio_call(vh->dev, calls_end, vh);
	for (i = 0; i < vh->nr; i++)
		if (vh->calls[i].fd >= 0)
			close(vh->calls[i].fd);
	free(vh);
}

u64 vhost_features(const struct vhost *vh)
{
	return vh->features;
}

static int set_mem_table(struct vhost *vh)
{
	const struct tarn_mem *mem = &vh->dev->vm->mem;
	struct vhost_memory *table;
	unsigned int i;
	int ret = 0;

	table = calloc(1, sizeof(*table) + mem->nr * sizeof(*table->regions));
	if (!table)
		return -ENOMEM;
	table->nregions = mem->nr;
	for (i = 0; i < mem->nr; i++) {
		table->regions[i].guest_phys_addr = mem->range[i].gpa;
		table->regions[i].memory_size = mem->range[i].size;
		table->regions[i].userspace_addr =
			(uintptr_t)mem->range[i].hva;
	}
	if (ioctl(vh->fd, VHOST_SET_MEM_TABLE, table))
		ret = -errno;
	free(table);
	return ret;
}

/* A driver can start a device as often as it likes. */
static int refused(int ret, const char *what)
{
	guest_warn("vhost refuses %s: %s", what, strerror(-ret));
	return ret;
}

int vhost_start(struct vhost *vh, u64 features)
{
	int ret;

	features &= vh->features;
	if (ioctl(vh->fd, VHOST_SET_FEATURES, &features))
		return refused(-errno, "the features");
	ret = set_mem_table(vh);
	return ret ? refused(ret, "guest memory") : 0;
}

int vhost_queue_call(struct vhost *vh, struct virtio_queue *q)
{
	unsigned int index = q->index - vh->first;
	int fd = q->dev->transport->vector_fd(q);
	struct vhost_vring_file file = {
		index, fd >= 0 ? fd : vh->calls[index].fd};

	if (ioctl(vh->fd, VHOST_SET_VRING_CALL, &file))
		return refused(-errno, "an interrupt");
	return 0;
}

int vhost_queue_start(struct vhost *vh, struct virtio_queue *q)
{
	struct virtqueue *vq = &q->vq;
	unsigned int index = q->index - vh->first;
	struct vhost_vring_state num = {index, vq->size};
	struct vhost_vring_state base = {index, vq->last_avail};
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uintptr_t)tarn_mem_ptr(
			vq->mem, vq->desc_gpa, 16ULL * vq->size),
		.avail_user_addr = (uintptr_t)tarn_mem_ptr(
			vq->mem, vq->avail_gpa, 6 + 2ULL * vq->size),
		.used_user_addr = (uintptr_t)tarn_mem_ptr(
			vq->mem, vq->used_gpa, 6 + 8ULL * vq->size),
	};
	struct vhost_vring_file kick_file = {index, q->kick_fd};

	if (ioctl(vh->fd, VHOST_SET_VRING_NUM, &num) ||
	    ioctl(vh->fd, VHOST_SET_VRING_BASE, &base) ||
	    ioctl(vh->fd, VHOST_SET_VRING_ADDR, &addr) ||
	    ioctl(vh->fd, VHOST_SET_VRING_KICK, &kick_file))
		return refused(-errno, "a queue");
	return vhost_queue_call(vh, q);
}

void vhost_queue_stop(struct vhost *vh, struct virtio_queue *q)
{
	struct vhost_vring_state base = {q->index - vh->first, 0};

	if (ioctl(vh->fd, VHOST_GET_VRING_BASE, &base)) {
		refused(-errno, "to give a queue back");
		return;
	}
	vq_resume_at(&q->vq, base.num);
}
