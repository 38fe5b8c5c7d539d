// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all virtio devices share: life cycle, feature negotiation, queue set-up,
 * kicks, interrupts, pausing and saving. See virtio.h for who calls what where.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/tarn_para.h>

#include "error.h"
#include "loop.h"
#include "state.h"
#include "virtio/virtio.h"
#include "vm.h"
#include "wait.h"

#define VIRTIO_CORE_FEATURES                                                   \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX |        \
	 1ULL << VIRTIO_RING_F_INDIRECT_DESC | 1ULL << VIRTIO_F_RING_RESET)

/* Devices are few and seldom waited for: one condition does for all. */
static pthread_cond_t access_ended = PTHREAD_COND_INITIALIZER;

void virtio_access_begin(struct virtio_dev *dev)
{
	while (dev->accessed)
		pthread_cond_wait(&access_ended, &dev->vm->lock);
	dev->accessed = true;
	wait_allow(&dev->vm->lock, NULL);
}

void virtio_access_end(struct virtio_dev *dev)
{
	wait_forbid();
	dev->accessed = false;
	pthread_cond_broadcast(&access_ended);
}

void virtio_call(struct virtio_dev *dev, void (*fn)(void *arg), void *arg)
{
	if (dev->loop == dev->vm->loop) {
		fn(arg);
		return;
	}
	wait_begin(WAIT_PAGES);
	loop_call(dev->loop, fn, arg);
	wait_end();
}

static int drain(struct virtio_dev *dev, struct virtio_queue *q, bool give_up)
{
	int ret;

	if (!dev->ops->drain)
		return 0;
	wait_begin(WAIT_DISKS);
	ret = dev->ops->drain(dev, q, give_up);
	wait_end();
	return ret;
}

static bool kick_is_external(struct virtio_queue *q)
{
	struct virtio_dev *dev = q->dev;

	return dev->ops->external_kick && dev->ops->external_kick(dev, q->index);
}

static void queue_kick(void *arg)
{
	struct virtio_queue *q = arg;

	q->budget = VIRTIO_BUDGET;
	if (q->live)
		q->dev->ops->kick(q->dev, q);
}

static void kick_again(struct loop_work *work)
{
	queue_kick(container_of(work, struct virtio_queue, again));
}

void virtio_again(struct virtio_queue *q)
{
	loop_post(q->dev->loop, &q->again);
}

static int queue_init(struct virtio_queue *q, struct virtio_dev *dev, u16 index,
		      u16 size)
{
	vq_init(&q->vq, &dev->vm->mem, size);
	q->dev = dev;
	q->index = index;
	q->vector = VIRTIO_NO_VECTOR;
	q->again.fn = kick_again;
	q->kick_fd = eventfd(0, EFD_CLOEXEC);
	if (q->kick_fd < 0)
		return -errno;
	if (kick_is_external(q))
		return 0;
	q->kick_event = loop_event_add(dev->loop, q->kick_fd, queue_kick, q);
	return q->kick_event ? 0 : -ENOMEM;
}

/*
 * A queue's rings are reached by the VMM and by vhost, which wait when a page of
 * theirs has been paged out, and all that the driver asks for with them.
 */
static void queue_pin(struct virtio_queue *q)
{
	const struct {
		u64 gpa;
		u32 len;
	} parts[VIRTIO_QUEUE_AREAS] = {
		{q->vq.desc_gpa, 16U * q->vq.size},
		{q->vq.avail_gpa, 6 + 2U * q->vq.size},
		{q->vq.used_gpa, 6 + 8U * q->vq.size},
	};
	unsigned int i;

	for (i = 0; i < VIRTIO_QUEUE_AREAS; i++)
		partition_area_add(q->dev->vm, &q->areas[i], TARN_AREA_RING,
				   parts[i].gpa, parts[i].len);
}

static void queue_unpin(struct virtio_queue *q)
{
	unsigned int i;

	for (i = 0; i < VIRTIO_QUEUE_AREAS; i++)
		partition_area_remove(&q->areas[i]);
}

int virtio_dev_init(struct virtio_dev *dev, struct vm *vm,
		    const struct virtio_dev_ops *ops, struct loop *loop,
		    u16 nr_queues, u16 queue_size)
{
	int ret;
	u16 i;

	dev->ops = ops;
	dev->vm = vm;
	dev->loop = loop ? loop : vm->loop;
	dev->host_features |= VIRTIO_CORE_FEATURES;
	dev->queues = calloc(nr_queues, sizeof(*dev->queues));
	if (!dev->queues)
		return -ENOMEM;
	for (i = 0; i < nr_queues; i++)
		dev->queues[i].kick_fd = -1;
	dev->nr_queues = nr_queues;
	for (i = 0; i < nr_queues; i++) {
		ret = queue_init(&dev->queues[i], dev, i, queue_size);
		if (ret) {
			virtio_dev_exit(dev);
			return err_errno(ret, "%s: cannot set up a queue",
					 ops->name);
		}
	}
	return 0;
}

static void kicks_end(void *arg)
{
	struct virtio_dev *dev = arg;
	u16 i;

	for (i = 0; i < dev->nr_queues; i++) {
		loop_event_del(dev->queues[i].kick_event);
		loop_work_cancel(dev->loop, &dev->queues[i].again);
	}
}

void virtio_dev_exit(struct virtio_dev *dev)
{
	u16 i;

	if (!dev->queues)
		return;
	virtio_call(dev, kicks_end, dev);
	for (i = 0; i < dev->nr_queues; i++) {
		queue_unpin(&dev->queues[i]);
		if (dev->queues[i].kick_fd >= 0)
			close(dev->queues[i].kick_fd);
	}
	free(dev->queues);
	dev->queues = NULL;
	dev->nr_queues = 0;
}

void virtio_notify(struct virtio_queue *q)
{
	if (vq_publish(&q->vq))
		q->dev->transport->notify_queue(q);
}

void virtio_break(struct virtio_dev *dev, const char *why)
{
	u8 old = __atomic_fetch_or(&dev->status, VIRTIO_CONFIG_S_NEEDS_RESET,
				   __ATOMIC_SEQ_CST);
	u16 i;

	for (i = 0; i < dev->nr_queues; i++)
		dev->queues[i].live = false;
	if (old & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	guest_warn("%s: the driver broke the device: %s", dev->ops->name, why);
	if (old & VIRTIO_CONFIG_S_DRIVER_OK)
		dev->transport->notify_config(dev);
}

int virtio_pop(struct virtio_queue *q, struct vq_chain *chain)
{
	int ret;

	if (!q->live)
		return 0;
	if (!q->budget) {
		virtio_again(q);
		return 0;
	}
	ret = vq_pop(&q->vq, chain);
	if (ret > 0)
		q->budget--;
	if (ret >= 0)
		return ret;
	virtio_break(q->dev, q->vq.broken);
	return 0;
}

void virtio_unpop(struct virtio_queue *q)
{
	vq_unpop(&q->vq, 1);
	q->budget++;
}

bool virtio_kick_on(struct virtio_queue *q)
{
	if (!q->live)
		return false;
	if (q->budget)
		return vq_kick_on(&q->vq);
	virtio_again(q);
	return false;
}

void virtio_config_changed(struct virtio_dev *dev)
{
	dev->config_gen++;
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		dev->transport->notify_config(dev);
}

/* Starting and stopping */

static void dev_start(void *arg)
{
	struct virtio_dev *dev = arg;
	struct virtio_queue *q;
	u16 i;

	dev->started = true;
	if (dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	for (i = 0; i < dev->nr_queues; i++)
		dev->queues[i].live = dev->queues[i].enabled;
	if (dev->ops->start && dev->ops->start(dev)) {
		virtio_break(dev, "it cannot be started");
		return;
	}
	/* Notifications from before are gone or were ignored: look once. */
	for (i = 0; i < dev->nr_queues; i++) {
		q = &dev->queues[i];
		if (!kick_is_external(q))
			queue_kick(q);
	}
}

static void dev_stop(void *arg)
{
	struct virtio_dev *dev = arg;
	u16 i;

	for (i = 0; i < dev->nr_queues; i++)
		dev->queues[i].live = false;
	if (dev->ops->stop)
		dev->ops->stop(dev);
	dev->started = false;
}

static void start(struct virtio_dev *dev)
{
	if (!dev->started)
		virtio_call(dev, dev_start, dev);
}

static int stop(struct virtio_dev *dev, bool give_up)
{
	if (!dev->started)
		return 0;
	virtio_call(dev, dev_stop, dev);
	return drain(dev, NULL, give_up);
}

void virtio_reset(struct virtio_dev *dev)
{
	struct virtio_queue *q;
	u16 i;

	stop(dev, true);
	dev->paused = false;
	if (dev->ops->reset)
		dev->ops->reset(dev);
	for (i = 0; i < dev->nr_queues; i++) {
		q = &dev->queues[i];
		queue_unpin(q);
		vq_reset(&q->vq);
		q->enabled = false;
		q->vector = VIRTIO_NO_VECTOR;
	}
	dev->features = 0;
	__atomic_store_n(&dev->status, 0, __ATOMIC_SEQ_CST);
}

static bool features_ok(const struct virtio_dev *dev)
{
	return !(dev->features & ~dev->host_features) &&
	       virtio_has(dev, VIRTIO_F_VERSION_1);
}

void virtio_set_status(struct virtio_dev *dev, u8 status)
{
	u8 old = dev->status;
	u8 fresh = status & ~old;

	if (fresh & VIRTIO_CONFIG_S_FEATURES_OK && !features_ok(dev)) {
		guest_warn("%s: features %#llx are not acceptable",
			   dev->ops->name, (unsigned long long)dev->features);
		fresh &= ~(VIRTIO_CONFIG_S_FEATURES_OK |
			   VIRTIO_CONFIG_S_DRIVER_OK);
	}
	/* That bit is the device's to set; nothing else is taken back. */
	fresh &= ~VIRTIO_CONFIG_S_NEEDS_RESET;
	old = __atomic_or_fetch(&dev->status, fresh, __ATOMIC_SEQ_CST);
	if (!(fresh & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	if (!(old & VIRTIO_CONFIG_S_FEATURES_OK))
		virtio_break(dev, "DRIVER_OK before FEATURES_OK");
	else if (!(old & VIRTIO_CONFIG_S_NEEDS_RESET))
		start(dev);
}

void virtio_set_features(struct virtio_dev *dev, u64 features)
{
	if (dev->status & VIRTIO_CONFIG_S_FEATURES_OK)
		guest_warn("%s: features written after FEATURES_OK",
			   dev->ops->name);
	else
		dev->features = features;
}

/* Single queues */

static void queue_start(void *arg)
{
	struct virtio_queue *q = arg;
	struct virtio_dev *dev = q->dev;

	q->live = true;
	if (dev->ops->queue_start && dev->ops->queue_start(dev, q)) {
		virtio_break(dev, "a queue cannot be started");
		return;
	}
	if (!kick_is_external(q))
		queue_kick(q);
}

static void queue_stop(void *arg)
{
	struct virtio_queue *q = arg;

	q->live = false;
	if (q->dev->ops->queue_stop)
		q->dev->ops->queue_stop(q->dev, q);
}

static void queue_set_features(struct virtio_queue *q)
{
	q->vq.event_idx = virtio_has(q->dev, VIRTIO_RING_F_EVENT_IDX);
	q->vq.indirect = virtio_has(q->dev, VIRTIO_RING_F_INDIRECT_DESC);
}

void virtio_queue_enable(struct virtio_queue *q)
{
	struct virtio_dev *dev = q->dev;

	if (q->enabled || dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	queue_set_features(q);
	if (vq_enable(&q->vq)) {
		virtio_break(dev, "a ring of bad size, alignment or address");
		return;
	}
	queue_pin(q);
	q->enabled = true;
	if (dev->started)
		virtio_call(dev, queue_start, q);
}

void virtio_queue_reset(struct virtio_queue *q)
{
	struct virtio_dev *dev = q->dev;

	if (dev->started && q->enabled) {
		virtio_call(dev, queue_stop, q);
		drain(dev, q, true);
	}
	queue_unpin(q);
	vq_reset(&q->vq);
	q->enabled = false;
	q->vector = VIRTIO_NO_VECTOR;
}

void virtio_vector_changed(struct virtio_queue *q)
{
	if (q->dev->ops->vector_changed)
		q->dev->ops->vector_changed(q->dev, q);
}

void virtio_kick(struct virtio_queue *q)
{
	if (q->dev->doorbells)
		q->dev->ops->doorbell(q->dev, q);
	else
		virtio_kick_loop(q);
}

void virtio_kick_loop(struct virtio_queue *q)
{
	eventfd_write(q->kick_fd, 1);
}

/* Configuration space */

void virtio_config_read(struct virtio_dev *dev, u32 off, void *buf, u32 len)
{
	u32 part = 0;

	if (dev->ops->config_read)
		dev->ops->config_read(dev);
	if (off < dev->config_len)
		part = min_t(u32, len, dev->config_len - off);
	memcpy(buf, (u8 *)dev->config + off * !!part, part);
	memset((u8 *)buf + part, 0, len - part);
}

void virtio_config_write(struct virtio_dev *dev, u32 off, const void *buf,
			 u32 len)
{
	if (!dev->ops->config_write || off >= dev->config_len ||
	    len > dev->config_len - off)
		return;
	dev->ops->config_write(dev, off, buf, len);
}

/* The machine */

int virtio_pause(struct virtio_dev *dev)
{
	int ret;

	dev->paused = dev->started;
	ret = stop(dev, false);
	if (ret)
		virtio_resume(dev);
	return ret;
}

/*
 * An interrupt may have been on its way when the state was saved. One too many
 * makes the driver look and find nothing; one too few makes it wait for ever.
 */
static void notify_all(struct virtio_dev *dev)
{
	u16 i;

	for (i = 0; i < dev->nr_queues; i++)
		if (dev->queues[i].enabled)
			dev->transport->notify_queue(&dev->queues[i]);
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		dev->transport->notify_config(dev);
}

void virtio_resume(struct virtio_dev *dev)
{
	if (dev->paused)
		start(dev);
	if (dev->paused && dev->loaded)
		notify_all(dev);
	dev->paused = false;
	dev->loaded = false;
}

static const char *queue_tag(char *tag, size_t size, const char *name, u16 i)
{
	snprintf(tag, size, "q%u.%s", i, name);
	return tag;
}

static int queue_save(struct virtio_queue *q, struct state_out *out)
{
	const struct {
		const char *name;
		u64 val;
	} fields[] = {
		{"size", q->vq.size},	      {"desc", q->vq.desc_gpa},
		{"avail", q->vq.avail_gpa},   {"used", q->vq.used_gpa},
		{"enabled", q->enabled},      {"vector", q->vector},
		{"last", q->vq.last_avail},   {"idx", q->vq.used_idx},
	};
	char tag[24];
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		ret = state_put_u64(out,
				    queue_tag(tag, sizeof(tag), fields[i].name,
					      q->index),
				    fields[i].val);
		if (ret)
			return ret;
	}
	return 0;
}

static int queue_get(struct virtio_queue *q, struct state_in *in,
		     const char *name, u64 *val, u64 max)
{
	char tag[24];

	return state_get_u64(in, queue_tag(tag, sizeof(tag), name, q->index),
			     val, max);
}

static int queue_load(struct virtio_queue *q, struct state_in *in)
{
	u64 size, enabled, vector, last, idx;
	int ret;

	if ((ret = queue_get(q, in, "size", &size, q->vq.max_size)) ||
	    (ret = queue_get(q, in, "desc", &q->vq.desc_gpa, UINT64_MAX)) ||
	    (ret = queue_get(q, in, "avail", &q->vq.avail_gpa, UINT64_MAX)) ||
	    (ret = queue_get(q, in, "used", &q->vq.used_gpa, UINT64_MAX)) ||
	    (ret = queue_get(q, in, "enabled", &enabled, 1)) ||
	    (ret = queue_get(q, in, "vector", &vector, UINT16_MAX)) ||
	    (ret = queue_get(q, in, "last", &last, UINT16_MAX)) ||
	    (ret = queue_get(q, in, "idx", &idx, UINT16_MAX)))
		return ret;
	q->vq.size = size;
	q->vector = vector;
	q->enabled = enabled;
	queue_set_features(q);
	if (!enabled)
		return 0;
	ret = vq_restore(&q->vq, last, idx);
	if (!ret)
		queue_pin(q);
	return ret;
}

int virtio_save(struct virtio_dev *dev, struct state_out *out)
{
	int ret;
	u16 i;

	if ((ret = state_put_u64(out, "dev.version", dev->ops->version)) ||
	    (ret = state_put_u64(out, "features", dev->features)) ||
	    (ret = state_put_u64(out, "status", dev->status)) ||
	    (ret = state_put_u64(out, "started", dev->paused)) ||
	    (ret = state_put_u64(out, "config.gen", dev->config_gen)) ||
	    (ret = state_put_u64(out, "queues", dev->nr_queues)))
		return ret;
	for (i = 0; i < dev->nr_queues; i++) {
		ret = queue_save(&dev->queues[i], out);
		if (ret)
			return ret;
	}
	return dev->ops->save ? dev->ops->save(dev, out) : 0;
}

int virtio_load(struct virtio_dev *dev, struct state_in *in)
{
	u64 version, status, started, gen, queues;
	int ret;
	u16 i;

	if ((ret = state_get_u64(in, "dev.version", &version, UINT32_MAX)) ||
	    (ret = state_get_u64(in, "features", &dev->features, UINT64_MAX)) ||
	    (ret = state_get_u64(in, "status", &status, UINT8_MAX)) ||
	    (ret = state_get_u64(in, "started", &started, 1)) ||
	    (ret = state_get_u64(in, "config.gen", &gen, UINT8_MAX)) ||
	    (ret = state_get_u64(in, "queues", &queues, UINT16_MAX)))
		return ret;
	if (queues != dev->nr_queues || dev->features & ~dev->host_features)
		return err_errno(-EINVAL, "%s: saved with other settings",
				 dev->ops->name);
	dev->status = status;
	dev->config_gen = gen;
	for (i = 0; i < dev->nr_queues; i++) {
		ret = queue_load(&dev->queues[i], in);
		if (ret)
			return ret;
	}
	ret = dev->ops->load ? dev->ops->load(dev, in, version) : 0;
	if (!ret) {
		dev->paused = started;
		dev->loaded = true;
	}
	return ret;
}

void virtio_destroy(struct virtio_dev *dev)
{
	stop(dev, true);
	dev->ops->destroy(dev);
}
