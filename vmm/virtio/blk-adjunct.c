// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-blk whose requests an adjunct does (adjunct/adjunct.h): it takes them from the rings
 * and returns them, so what is left here is to begin and to stop queues, to pass on kicks and
 * interrupts, and to know where rings stand while nobody serves them. That is the state that
 * any virtio-blk has, so a guest that is saved here can go on with any.
 *
 * Kicks: a write of the driver's is an exit on the thread of a vCPU, which notes it under the
 * VM's lock and serves the queue afterwards (dispatch=donated); or it is an eventfd's, and the
 * service thread, which is the device's loop, serves the queue (dispatch=thread).
 *
 * What an adjunct that has failed leaves is this device's as if it had no adjunct: requests
 * go to the block node, which fails them.
 */
#include <errno.h>
#include <string.h>

#include "adjunct/adjunct.h"
#include "adjunct/layout.h"
#include "error.h"
#include "virtio/blk.h"

/* Longer than the adjunct tries a request, see restart.c there. */
#define DRAIN_MS 45000

static struct adjunct *adjunct_of(struct virtio_dev *vdev)
{
	return to_blk(vdev)->adjunct;
}

/* The adjunct's side */

static void on_notify(void *arg, u16 index)
{
	struct virtio_dev *vdev = arg;

	vdev->transport->notify_queue(&vdev->queues[index]);
}

static void on_broken(void *arg, u16 index)
{
	struct virtio_dev *vdev = arg;

	if (vdev->queues[index].live)
		virtio_break(vdev, "its ring or a request makes no sense");
}

static void on_more(void *arg, u16 index)
{
	struct virtio_dev *vdev = arg;

	virtio_again(&vdev->queues[index]);
}

/*
 * Go on where it stood: what was in flight fails, as does all that comes. What the adjunct
 * had returned may not have been told: an interrupt too many makes the driver look.
 */
static void take_over(struct blk_queue *bq)
{
	struct adjunct *adj = bq->blk->adjunct;
	u16 i, stands;

	stands = adjunct_queue_left(adj, bq->q->index, &bq->q->vq, bq->kept, &bq->nr_kept);
	if (vq_restore(&bq->q->vq, stands + bq->nr_kept, stands)) {
		virtio_break(&bq->blk->vdev, "its ring is gone");
		return;
	}
	bq->q->vq.inflight = bq->nr_kept;
	for (i = 0; i < bq->nr_kept; i++)
		if (blk_again(bq, bq->kept[i]))
			return;
	bq->nr_kept = 0;
}

/* A queue that is not live waits for drain(), or for the next start(). */
static void take_over_live(struct virtio_blk *blk)
{
	u32 queues = adjunct_queues_attached(blk->adjunct);
	struct virtio_dev *vdev = &blk->vdev;
	u16 i;

	for (i = 0; i < vdev->nr_queues; i++) {
		if (!vdev->queues[i].live || !(queues & 1U << i))
			continue;
		/* At once, as the adjunct has failed: what it left is read but once. */
		adjunct_queues_drain(blk->adjunct, 1U << i, 0);
		take_over(&blk->queues[i]);
		on_notify(vdev, i);
		virtio_again(&vdev->queues[i]);
	}
}

static void on_failed(void *arg)
{
	struct virtio_dev *vdev = arg;
	struct virtio_blk *blk = to_blk(vdev);

	blk->failed = true;
	take_over_live(blk);
}

static const struct adjunct_client_ops client_ops = {
	.notify = on_notify,
	.broken = on_broken,
	.more = on_more,
	.failed = on_failed,
};

/* Configuration */

static void configure(struct virtio_blk *blk)
{
	const struct adjunct_client_config config = {
		.nr_queues = blk->vdev.nr_queues,
		/* Of the top node: the function's own, below it, may be written. */
		.read_only = blk->block->read_only,
		.writeback = blk->writeback,
		.discard = virtio_has(&blk->vdev, VIRTIO_BLK_F_DISCARD),
		.zeroes = virtio_has(&blk->vdev, VIRTIO_BLK_F_WRITE_ZEROES),
		.serial = blk->serial,
	};

	adjunct_configure(blk->adjunct, &config);
}

static void config_write(struct virtio_dev *vdev, u32 off, const void *buf, u32 len)
{
	virtio_blk_ops.config_write(vdev, off, buf, len);
	if (vdev->started)
		configure(to_blk(vdev));
}

/* Queues */

/* Queues begin with what was kept, see load(), which is then the adjunct's. */
static void begin_queue(struct virtio_blk *blk, u16 index)
{
	struct blk_queue *bq = &blk->queues[index];

	adjunct_queue_start(blk->adjunct, index, &bq->q->vq, bq->kept, bq->nr_kept);
	bq->nr_kept = 0;
}

static int start_failed(struct virtio_blk *blk)
{
	int ret = virtio_blk_ops.start(&blk->vdev);

	if (!ret)
		take_over_live(blk);
	return ret;
}

/*
 * A queue that is attached still was stopped in vain: a pause did not wait for its requests
 * to the end. The adjunct has them and knows where the ring stands; here nobody does.
 */
static int start(struct virtio_dev *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);
	u32 attached = adjunct_queues_attached(blk->adjunct);
	u16 i;

	blk->failed = adjunct_has_failed(blk->adjunct);
	if (blk->failed)
		return start_failed(blk);
	blk_start_mode(blk);
	configure(blk);
	for (i = 0; i < vdev->nr_queues; i++) {
		if (!vdev->queues[i].live)
			continue;
		if (attached & 1U << i)
			adjunct_queue_resume(blk->adjunct, i);
		else
			begin_queue(blk, i);
	}
	return 0;
}

static int queue_start(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_blk *blk = to_blk(vdev);

	blk->queues[q->index].nr_kept = 0;
	if (!blk->failed)
		begin_queue(blk, q->index);
	return 0;
}

static void queue_stop(struct virtio_dev *vdev, struct virtio_queue *q)
{
	if (to_blk(vdev)->failed)
		virtio_blk_ops.queue_stop(vdev, q);
	else
		adjunct_queue_stop(adjunct_of(vdev), q->index);
}

static void stop(struct virtio_dev *vdev)
{
	u16 i;

	for (i = 0; i < vdev->nr_queues; i++)
		queue_stop(vdev, &vdev->queues[i]);
}

/* Nobody serves it any more: where it stands is known here again. */
static void take_back(struct virtio_blk *blk, u16 index)
{
	struct blk_queue *bq = &blk->queues[index];
	struct virtqueue *vq = &bq->q->vq;
	u16 stands;

	/* Kept: of one that was stopped before it was looked at, or broken by its driver. */
	stands = adjunct_queue_left(blk->adjunct, index, vq, bq->kept, &bq->nr_kept);
	vq->used_idx = stands;
	vq->last_avail = stands + bq->nr_kept;
	vq->inflight = bq->nr_kept;
}

static int drain_adjunct(struct virtio_blk *blk, u32 queues, bool give_up)
{
	int ret;

	if (give_up) {
		adjunct_queues_end(blk->adjunct, queues, DRAIN_MS);
		return 0;
	}
	/* What the device does not complete fails by then. */
	ret = adjunct_queues_drain(blk->adjunct, queues, DRAIN_MS);
	if (ret)
		return err_errno(ret, "disk '%s' does not complete its requests, so the guest cannot stop now",
				 blk->block->node_name ?: "");
	return 0;
}

static int drain(struct virtio_dev *vdev, struct virtio_queue *q, bool give_up)
{
	u32 queues = q ? 1U << q->index : (1U << vdev->nr_queues) - 1;
	struct virtio_blk *blk = to_blk(vdev);
	int ret;
	u16 i;

	/* The others were taken over when it failed, or never begun. None is live. */
	queues &= adjunct_queues_attached(blk->adjunct);
	ret = drain_adjunct(blk, queues, give_up);
	for (i = 0; i < vdev->nr_queues && !ret; i++)
		if (queues & 1U << i)
			take_back(blk, i);
	return ret || !blk->failed ? ret : virtio_blk_ops.drain(vdev, q, give_up);
}

static void kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	if (to_blk(vdev)->failed)
		virtio_blk_ops.kick(vdev, q);
	else
		adjunct_serve(adjunct_of(vdev), q->index);
}

/* There are more vCPUs than an adjunct has for them, or it does nothing any more. */
static void doorbell(struct virtio_dev *vdev, struct virtio_queue *q)
{
	if (adjunct_has_failed(adjunct_of(vdev)) || !adjunct_note(adjunct_of(vdev), q->index))
		virtio_kick_loop(q);
}

const struct virtio_dev_ops virtio_blk_adjunct_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.doorbell = doorbell,
	.config_write = config_write,
	.start = start,
	.stop = stop,
	.queue_start = queue_start,
	.queue_stop = queue_stop,
	.drain = drain,
	.kick = kick,
	.reset = blk_reset,
	.version = BLK_VERSION,
	.save = blk_save,
	.load = blk_load,
	.destroy = virtio_blk_destroy,
};

int virtio_blk_adjunct_init(struct virtio_blk *blk)
{
	blk->vdev.doorbells = adjunct_is_donated(blk->adjunct);
	return adjunct_attach(blk->adjunct, &client_ops, &blk->vdev);
}
