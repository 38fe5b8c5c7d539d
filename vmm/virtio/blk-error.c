// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a virtio-blk does about requests that fail (werror=, rerror=). Where the VM
 * is to stop for one the guest never hears of it: its chain stays taken, only its
 * head is kept, and when the machine goes on the chain is looked at again and the
 * request done from its beginning. The same happens where the machine is restored.
 *
 * Errors are noted in the loop's thread. The main thread tells monitors, the worker
 * stops the VM, which has gone on meanwhile: further requests may fail and are kept,
 * too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "state.h"
#include "virtio/blk.h"
#include "vm.h"

/* A guest that meets an error again and again has it told once in this time. */
#define TELL_NS 1000000000ULL

static enum block_action choose(const struct blk_req *req, int error)
{
	const struct virtio_blk *blk = req->bq->blk;
	/* Of what will fail each time again the guest has to know. */
	enum block_action stop = error == ENOTRECOVERABLE ? BLOCK_ACTION_REPORT
							  : BLOCK_ACTION_STOP;

	switch (req->type == VIRTIO_BLK_T_IN ? blk->rerror : blk->werror) {
	case ON_ERROR_IGNORE:
		return BLOCK_ACTION_IGNORE;
	case ON_ERROR_STOP:
		return stop;
	case ON_ERROR_ENOSPC:
		return block_no_space(error) ? stop : BLOCK_ACTION_REPORT;
	default:
		return BLOCK_ACTION_REPORT;
	}
}

enum block_action blk_failed(struct blk_req *req, int error)
{
	struct blk_queue *bq = req->bq;
	struct virtio_blk *blk = bq->blk;
	struct block_error e = {
		.error = error,
		.write = req->type != VIRTIO_BLK_T_IN,
		.action = choose(req, error),
	};

	if (e.action == BLOCK_ACTION_STOP)
		bq->kept[bq->nr_kept++] = req->chain.head;
	pthread_mutex_lock(&blk->error_lock);
	if (!blk->error.error || e.action == BLOCK_ACTION_STOP)
		blk->error = e;
	pthread_mutex_unlock(&blk->error_lock);
	loop_post(blk->vdev.vm->loop, &blk->error_work);
	return e.action;
}

/* What was kept goes on, or to its end. Its loop runs this, or cannot run. */
static void each_kept(struct virtio_blk *blk,
		      int (*fn)(struct blk_queue *bq, u16 head))
{
	u16 i, j, nr;

	for (i = 0; i < blk->vdev.nr_queues; i++) {
		struct blk_queue *bq = &blk->queues[i];

		if (!bq->q->live)
			continue;
		/* One that fails at once is kept again, behind what was read. */
		nr = bq->nr_kept;
		bq->nr_kept = 0;
		for (j = 0; j < nr; j++)
			if (fn(bq, bq->kept[j]))
				return;
	}
}

void blk_retry(struct virtio_blk *blk)
{
	WRITE_ONCE(blk->block->error, 0);
	each_kept(blk, blk_again);
}

static void give_up(void *arg)
{
	each_kept(arg, blk_fail_again);
}

static bool has_kept(const struct virtio_blk *blk)
{
	u16 i;

	for (i = 0; i < blk->vdev.nr_queues; i++)
		if (blk->vdev.queues[i].enabled &&
		    READ_ONCE(blk->queues[i].nr_kept))
			return true;
	return false;
}

void blk_stop_job(struct vm *vm, struct vm_job *job)
{
	struct virtio_blk *blk = container_of(job, struct virtio_blk, stop_job);

	/* The guest may have reset the disk. */
	if (!has_kept(blk))
		return;
	if (vm_stop_for_disk(vm)) {
		err("the guest cannot be stopped for an error of disk '%s', so it is told of it",
		    blk->block->node_name ?: "");
		wait_begin(WAIT_PAGES);
		loop_call(blk->vdev.loop, give_up, blk);
		wait_end();
		return;
	}
	WRITE_ONCE(blk->block->error, blk->stop_error);
}

void blk_error_work(struct loop_work *work)
{
	struct virtio_blk *blk = container_of(work, struct virtio_blk,
					      error_work);
	struct block_error e;
	u64 now = loop_now();

	pthread_mutex_lock(&blk->error_lock);
	e = blk->error;
	blk->error.error = 0;
	pthread_mutex_unlock(&blk->error_lock);
	/* As above. */
	if (!e.error || (e.action == BLOCK_ACTION_STOP && !has_kept(blk)))
		return;
	if (e.action == BLOCK_ACTION_STOP || now - blk->told >= TELL_NS) {
		blk->told = now;
		warn("disk '%s': cannot %s: %s%s", blk->block->node_name ?: "",
		     e.write ? "write" : "read", strerror(e.error),
		     e.action == BLOCK_ACTION_STOP ? ": the guest is stopped"
						   : "");
		block_tell(blk->block, &e);
	}
	if (e.action != BLOCK_ACTION_STOP)
		return;
	blk->stop_error = e.error;
	worker_post(blk->vdev.vm, &blk->stop_job);
}

/* Saving: the heads, which the ring itself does not tell any more. */

static void kept_tag(char *tag, size_t size, u16 i)
{
	snprintf(tag, size, "q%u.kept", i);
}

int blk_kept_save(struct virtio_blk *blk, struct state_out *out)
{
	char tag[24];
	int ret = 0;
	u16 i;

	for (i = 0; i < blk->vdev.nr_queues && !ret; i++) {
		struct blk_queue *bq = &blk->queues[i];
		u16 nr = bq->q->enabled ? bq->nr_kept : 0;

		kept_tag(tag, sizeof(tag), i);
		ret = state_put_bytes(out, tag, bq->kept, nr * sizeof(u16));
	}
	return ret;
}

static int load_kept(struct blk_queue *bq, struct state_in *in, const char *tag)
{
	struct virtqueue *vq = &bq->q->vq;
	u16 max = bq->q->enabled ? vq->size : 0;
	u32 len, i;
	int ret = state_get_var(in, tag, bq->kept, max * sizeof(u16), &len);

	if (ret)
		return ret;
	if (len % sizeof(u16))
		return -EINVAL;
	for (i = 0; i < len / sizeof(u16); i++)
		if (bq->kept[i] >= vq->size)
			return -ERANGE;
	bq->nr_kept = i;
	vq->inflight = i;
	return 0;
}

int blk_kept_load(struct virtio_blk *blk, struct state_in *in)
{
	char tag[24];
	int ret = 0;
	u16 i;

	for (i = 0; i < blk->vdev.nr_queues && !ret; i++) {
		kept_tag(tag, sizeof(tag), i);
		ret = load_kept(&blk->queues[i], in, tag);
	}
	return ret;
}
