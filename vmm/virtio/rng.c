// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-rng: fills the guest's buffers from a source of random numbers, at
 * most max-bytes= in period= milliseconds if that is asked for.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "backend/rng.h"
#include "error.h"
#include "iothread.h"
#include "lib/opts.h"
#include "loop.h"
#include "virtio/devices.h"
#include "virtio/virtio.h"
#include "vm.h"

#define QUEUE_SIZE 8
#define RETRY_NS 1000000000ULL
#define IOVS (QUEUE_SIZE + VQ_IOV_SPARE)
/* The most that one buffer gets; a driver asks again for the rest. */
#define CHAIN_MAX 4096

struct virtio_rng {
	struct virtio_dev vdev;
	struct rng *rng;
	struct loop_timer *timer;
	struct loop_poll *poll;
	u64 max_bytes;
	u64 period_ns;
	u64 quota; /* left in this period */
	bool armed; /* the timer runs */
	bool own_thread; /* its loop is a reference to the common one */
	struct iovec iov[IOVS];
};

static struct virtio_rng *to_rng(struct virtio_dev *vdev)
{
	return container_of(vdev, struct virtio_rng, vdev);
}

static void serve(struct virtio_rng *r);

static void period_over(void *arg)
{
	struct virtio_rng *r = arg;

	r->armed = false;
	r->quota = r->max_bytes;
	serve(r);
}

static void source_ready(void *arg, int revents)
{
	struct virtio_rng *r = arg;

	loop_poll_del(r->poll);
	r->poll = NULL;
	serve(r);
}

/* A period begins with its first byte. */
static void take_quota(struct virtio_rng *r, u64 len)
{
	r->quota -= len;
	if (r->armed || r->max_bytes == UINT64_MAX)
		return;
	r->armed = true;
	loop_timer_set(r->timer, loop_now() + r->period_ns);
}

/* How many bytes were written, or -errno when there were none. */
static ssize_t fill(struct virtio_rng *r, struct vq_chain *chain)
{
	struct iovec *iov = vq_chain_in(chain);
	ssize_t n, room = CHAIN_MAX;
	u16 i;

	for (i = 0; i < chain->nr_in && room && r->quota; i++) {
		n = rng_read(r->rng, iov[i].iov_base,
			     min_t(u64, min_t(u64, iov[i].iov_len, room),
				   r->quota));
		if (n <= 0)
			return room < CHAIN_MAX ? CHAIN_MAX - room : n;
		room -= n;
		take_quota(r, n);
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return CHAIN_MAX - room;
}

/* The source has nothing: wait until it has, or a moment when it cannot say. */
static void wait_for_source(struct virtio_rng *r, int why)
{
	int fd = rng_fd(r->rng);

	if (why == -EAGAIN && fd >= 0) {
		if (!r->poll)
			r->poll = loop_poll_add(r->vdev.loop, fd,
						POLLIN | LOOP_POLL_LEVEL,
						source_ready, r);
		return;
	}
	r->quota = 0;
	r->armed = true;
	loop_timer_set(r->timer, loop_now() + RETRY_NS);
}

static void serve(struct virtio_rng *r)
{
	struct virtio_queue *q = &r->vdev.queues[0];
	struct vq_chain chain = {.iov = r->iov, .iov_max = IOVS};
	ssize_t done;

	while (r->quota && !r->poll && virtio_pop(q, &chain)) {
		if (!chain.in_len) {
			vq_unpop(&q->vq, 1);
			virtio_break(&r->vdev, "nothing to fill");
			return;
		}
		done = fill(r, &chain);
		if (done > 0) {
			vq_push(&q->vq, chain.head, done);
			continue;
		}
		vq_unpop(&q->vq, 1);
		wait_for_source(r, done);
	}
	if (q->live)
		virtio_notify(q);
}

static void rng_kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_rng *r = to_rng(vdev);

	/* Without quota or source, the timer or the poll looks again. */
	do
		serve(r);
	while (virtio_kick_on(q) && r->quota && !r->poll);
}

static int rng_save(struct virtio_dev *vdev, struct state_out *out)
{
	return 0;
}

static int rng_load(struct virtio_dev *vdev, struct state_in *in, u32 version)
{
	return 0;
}

static void waits_end(void *arg)
{
	struct virtio_rng *r = arg;

	loop_poll_del(r->poll);
	loop_timer_del(r->timer);
}

static void rng_destroy(struct virtio_dev *vdev)
{
	struct virtio_rng *r = to_rng(vdev);

	if (r->timer)
		virtio_call(vdev, waits_end, r);
	virtio_dev_exit(vdev);
	if (r->own_thread)
		iothread_common_put(IOTHREAD_DEVICES);
	free(r);
}

static const struct virtio_dev_ops rng_ops = {
	.name = "virtio-rng",
	.id = VIRTIO_ID_RNG,
	.kick = rng_kick,
	.version = 1,
	.save = rng_save,
	.load = rng_load,
	.destroy = rng_destroy,
};

static int get_opts(struct virtio_rng *r, struct opts *opts)
{
	const char *id = NULL;
	u64 period = 65536;
	int ret;

	r->max_bytes = UINT64_MAX;
	if ((ret = opts_get_str(opts, "rng", &id)) ||
	    (ret = opts_get_uint(opts, "max-bytes", INT64_MAX,
				 &r->max_bytes)) ||
	    (ret = opts_get_uint(opts, "period", UINT32_MAX, &period)))
		return ret;
	if (!r->max_bytes || !period)
		return opts_fail(opts, "max-bytes and period are above 0");
	r->period_ns = period * 1000000;
	r->quota = r->max_bytes;
	r->rng = rng_find(id);
	if (!r->rng)
		return opts_fail(opts, "there is no rng '%s'", id);
	return 0;
}

static int rng_setup(struct virtio_rng *r, struct vm *vm)
{
	struct loop *loop = iothread_common_get(IOTHREAD_DEVICES);
	int ret;

	r->own_thread = loop;
	if (!loop)
		return -EIO;
	ret = virtio_dev_init(&r->vdev, vm, &rng_ops, loop, 1, QUEUE_SIZE);
	if (ret)
		return ret;
	r->timer = loop_timer_add(loop, period_over, r);
	return r->timer ? 0 : -ENOMEM;
}

int virtio_rng_create(struct vm *vm, struct opts *opts, struct virtio_dev **out)
{
	struct virtio_rng *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	ret = get_opts(r, opts);
	if (ret) {
		free(r);
		return ret;
	}
	ret = rng_setup(r, vm);
	if (ret) {
		rng_destroy(&r->vdev);
		return ret;
	}
	*out = &r->vdev;
	return 0;
}
