// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-blk: a disk on a block node.
 *
 * Each queue has as many request structures as entries, allocated once; the
 * guest's buffers go to the block node as they are. Queues run in an iothread.
 * Completions of one round of its loop are returned to the guest together, with
 * one interrupt.
 *
 * A reset, a queue reset and a pause wait for requests in flight: the loop's
 * thread counts them down, the waiter sleeps on a condition (drain()).
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "backend/nbd-end.h"
#include "error.h"
#include "lib/iov.h"
#include "state.h"
#include "virtio/blk.h"

static struct blk_req *req_get(struct blk_queue *bq)
{
	struct blk_req *req;
	u16 index;

	if (!bq->nr_free)
		return NULL;
	index = bq->free[--bq->nr_free];
	req = (struct blk_req *)((u8 *)bq->requests +
				 index * req_size(bq->blk));
	req->bq = bq;
	req->index = index;
	req->chain.iov = req->iov;
	req->chain.iov_max = bq->blk->queue_size + VQ_IOV_SPARE;
	return req;
}

static void req_put(struct blk_req *req)
{
	struct blk_queue *bq = req->bq;

	bq->free[bq->nr_free++] = req->index;
}

/* Completion */

static void inflight_dec(struct blk_queue *bq)
{
	struct virtio_blk *blk = bq->blk;

	if (__atomic_sub_fetch(&bq->inflight, 1, __ATOMIC_SEQ_CST) ||
	    !__atomic_load_n(&blk->draining, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&blk->drain_lock);
	pthread_cond_broadcast(&blk->drained);
	pthread_mutex_unlock(&blk->drain_lock);
}

static void complete(struct blk_req *req, u8 status)
{
	struct blk_queue *bq = req->bq;
	u32 written = 1;

	*req->status = status;
	if (status == VIRTIO_BLK_S_OK)
		written += req->written;
	vq_push(&bq->q->vq, req->chain.head, written);
	req_put(req);
	if (!bq->q->live) {
		/* Nobody publishes for a queue that is being stopped. */
		virtio_notify(bq->q);
	} else if (!bq->dirty) {
		bq->dirty = true;
		loop_post(bq->blk->vdev.loop, &bq->blk->publish);
	}
	inflight_dec(bq);
}

static u8 status_of(int ret)
{
	if (!ret)
		return VIRTIO_BLK_S_OK;
	return ret == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
}

static void done(struct blk_req *req, int ret)
{
	struct blk_queue *bq = req->bq;

	if (ret && ret != -EOPNOTSUPP) {
		switch (blk_failed(req, -ret)) {
		case BLOCK_ACTION_STOP:
			req_put(req);
			inflight_dec(bq);
			return;
		case BLOCK_ACTION_IGNORE:
			ret = 0;
			break;
		case BLOCK_ACTION_REPORT:
			break;
		}
	}
	complete(req, status_of(ret));
}

static void block_done(struct block_req *br, int ret)
{
	done(container_of(br, struct blk_req, br), ret);
}

/* Requests */

static bool in_disk(const struct virtio_blk *blk, u64 sector, u64 bytes)
{
	u64 sectors = blk->block->size / SECTOR;

	return bytes % SECTOR == 0 && sector <= sectors &&
	       bytes / SECTOR <= sectors - sector;
}

static void start(struct blk_req *req, enum block_op op, u64 sector, u64 len,
		  unsigned int flags)
{
	struct virtio_blk *blk = req->bq->blk;

	req->br.op = op;
	req->br.flags = flags;
	req->br.off = sector * SECTOR;
	req->br.len = len;
	req->br.done = block_done;
	block_submit(blk->block, blk->vdev.loop, &req->br);
}

static void do_read(struct blk_req *req, u64 sector)
{
	u32 len = req->chain.in_len;

	if (!in_disk(req->bq->blk, sector, len)) {
		complete(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	req->written = len;
	req->br.iov = vq_chain_in(&req->chain);
	req->br.nr_iov = req->chain.nr_in;
	start(req, BLOCK_READ, sector, len, 0);
}

static void do_write(struct blk_req *req, u64 sector)
{
	struct virtio_blk *blk = req->bq->blk;
	u32 len = req->chain.out_len;

	if (blk->block->read_only || !in_disk(blk, sector, len)) {
		complete(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	req->br.iov = req->out;
	req->br.nr_iov = req->nr_out;
	start(req, BLOCK_WRITE, sector, len, blk->writeback ? 0 : BLOCK_FUA);
}

static void do_get_id(struct blk_req *req)
{
	struct virtio_blk *blk = req->bq->blk;

	req->written = iov_from_buf(vq_chain_in(&req->chain), req->chain.nr_in,
				    0, blk->serial, sizeof(blk->serial));
	complete(req, VIRTIO_BLK_S_OK);
}

/* Discard and write zeroes carry a list of ranges; one after the other. */
static void next_range(struct blk_req *req);

static void range_done(struct block_req *br, int ret)
{
	struct blk_req *req = container_of(br, struct blk_req, br);

	if (ret)
		done(req, ret);
	else
		next_range(req);
}

static void next_range(struct blk_req *req)
{
	struct virtio_blk *blk = req->bq->blk;
	bool zero = req->type == VIRTIO_BLK_T_WRITE_ZEROES;
	struct virtio_blk_discard_write_zeroes r;
	u32 flags, num;
	u64 sector;

	if (iov_to_buf(req->out, req->nr_out, req->range * sizeof(r), &r,
		       sizeof(r)) < sizeof(r)) {
		/* Without a cache to be flushed it has to last, as a write. */
		if (blk->writeback)
			complete(req, VIRTIO_BLK_S_OK);
		else
			start(req, BLOCK_FLUSH, 0, 0, 0);
		return;
	}
	req->range++;
	sector = le64toh(r.sector);
	num = le32toh(r.num_sectors);
	flags = le32toh(r.flags);
	if (flags & ~(zero ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0)) {
		complete(req, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	if (num > RANGE_SECTORS_MAX ||
	    !in_disk(blk, sector, (u64)num * SECTOR)) {
		complete(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	req->br.op = zero ? BLOCK_ZERO : BLOCK_DISCARD;
	req->br.flags = flags && blk->block->unmap ? BLOCK_UNMAP : 0;
	req->br.off = sector * SECTOR;
	req->br.len = (u64)num * SECTOR;
	req->br.done = range_done;
	block_submit(blk->block, blk->vdev.loop, &req->br);
}

static void do_ranges(struct blk_req *req, unsigned int feature)
{
	struct virtio_blk *blk = req->bq->blk;
	u32 size = sizeof(struct virtio_blk_discard_write_zeroes);
	u32 len = req->chain.out_len;

	if (!virtio_has(&blk->vdev, feature)) {
		complete(req, VIRTIO_BLK_S_UNSUPP);
	} else if (blk->block->read_only || !len || len % size ||
		   len / size > RANGES_MAX) {
		complete(req, VIRTIO_BLK_S_IOERR);
	} else {
		req->range = 0;
		next_range(req);
	}
}

static void dispatch(struct blk_req *req, u32 type, u64 sector)
{
	req->type = type;
	switch (type) {
	case VIRTIO_BLK_T_IN:
		do_read(req, sector);
		break;
	case VIRTIO_BLK_T_OUT:
		do_write(req, sector);
		break;
	case VIRTIO_BLK_T_FLUSH:
		start(req, BLOCK_FLUSH, 0, 0, 0);
		break;
	case VIRTIO_BLK_T_GET_ID:
		do_get_id(req);
		break;
	case VIRTIO_BLK_T_DISCARD:
		do_ranges(req, VIRTIO_BLK_F_DISCARD);
		break;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		do_ranges(req, VIRTIO_BLK_F_WRITE_ZEROES);
		break;
	default:
		complete(req, VIRTIO_BLK_S_UNSUPP);
	}
}

/*
 * Cut header and status off, wherever the guest's buffers begin and end.
 * Afterwards out and in are the payload alone.
 */
static int parse(struct blk_req *req, struct virtio_blk_outhdr *hdr)
{
	struct vq_chain *chain = &req->chain;
	struct iovec *in = vq_chain_in(chain), *last;
	unsigned int nr_in = chain->nr_in;

	if (chain->out_len < sizeof(*hdr) || !chain->in_len)
		return -EINVAL;
	iov_to_buf(chain->iov, chain->nr_out, 0, hdr, sizeof(*hdr));
	req->out = chain->iov;
	req->nr_out = chain->nr_out;
	iov_skip(&req->out, &req->nr_out, sizeof(*hdr));
	chain->out_len -= sizeof(*hdr);

	last = &in[nr_in - 1];
	req->status = (u8 *)last->iov_base + last->iov_len - 1;
	iov_trim(in, &nr_in, 1);
	chain->nr_in = nr_in;
	chain->in_len--;
	req->written = 0;
	return 0;
}

/* From here on it ends with complete() or is kept. */
static int begin(struct blk_req *req, struct virtio_blk_outhdr *hdr)
{
	struct blk_queue *bq = req->bq;

	if (parse(req, hdr)) {
		req_put(req);
		virtio_break(&bq->blk->vdev, "a request without its header");
		return -EIO;
	}
	__atomic_add_fetch(&bq->inflight, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int handle(struct blk_req *req)
{
	struct virtio_blk_outhdr hdr;
	int ret = begin(req, &hdr);

	if (!ret)
		dispatch(req, le32toh(hdr.type), le64toh(hdr.sector));
	return ret;
}

/* The request structure went back with the failure, so there is one. */
static struct blk_req *reread(struct blk_queue *bq, u16 head)
{
	struct blk_req *req = req_get(bq);

	req->chain.head = head;
	if (!vq_reread(&bq->q->vq, &req->chain))
		return req;
	req_put(req);
	virtio_break(&bq->blk->vdev, bq->q->vq.broken);
	return NULL;
}

int blk_again(struct blk_queue *bq, u16 head)
{
	struct blk_req *req = reread(bq, head);

	return req ? handle(req) : -EIO;
}

int blk_fail_again(struct blk_queue *bq, u16 head)
{
	struct blk_req *req = reread(bq, head);
	struct virtio_blk_outhdr hdr;

	if (!req || begin(req, &hdr))
		return -EIO;
	complete(req, VIRTIO_BLK_S_IOERR);
	return 0;
}

/* Take what is there; false when requests ran out first. */
static bool take_all(struct blk_queue *bq)
{
	struct blk_req *req;

	while ((req = req_get(bq))) {
		if (!virtio_pop(bq->q, &req->chain)) {
			req_put(req);
			return true;
		}
		if (handle(req)) {
			vq_unpop(&bq->q->vq, 1);
			return true;
		}
	}
	return false;
}

static void blk_kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct blk_queue *bq = &to_blk(vdev)->queues[q->index];

	do {
		vq_kick_off(&q->vq);
		bq->starved = !take_all(bq);
	} while (!bq->starved && virtio_kick_on(q));
}

/* After a round of completions: show them, and go on where requests lacked. */
void virtio_blk_publish(struct loop_work *work)
{
	struct virtio_blk *blk = container_of(work, struct virtio_blk, publish);
	u16 i;

	for (i = 0; i < blk->vdev.nr_queues; i++) {
		struct blk_queue *bq = &blk->queues[i];

		if (!bq->dirty)
			continue;
		bq->dirty = false;
		virtio_notify(bq->q);
		if (bq->starved && bq->q->live)
			blk_kick(&blk->vdev, bq->q);
	}
}

/* Life cycle */

void blk_start_mode(struct virtio_blk *blk)
{
	const struct virtio_dev *vdev = &blk->vdev;

	/* A driver that cannot flush expects every write to be durable. */
	if (virtio_has(vdev, VIRTIO_BLK_F_CONFIG_WCE))
		blk->writeback = blk->config.wce;
	else
		blk->writeback = virtio_has(vdev, VIRTIO_BLK_F_FLUSH);
}

static int blk_start(struct virtio_dev *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);

	blk_start_mode(blk);
	blk_retry(blk);
	return 0;
}

/* It was reset: what was kept of it is forgotten. */
static int blk_queue_start(struct virtio_dev *vdev, struct virtio_queue *q)
{
	to_blk(vdev)->queues[q->index].nr_kept = 0;
	return 0;
}

static void blk_queue_stop(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct blk_queue *bq = &to_blk(vdev)->queues[q->index];

	if (bq->dirty)
		virtio_notify(q);
	bq->dirty = false;
	bq->starved = false;
}

static void blk_stop(struct virtio_dev *vdev)
{
	u16 i;

	for (i = 0; i < vdev->nr_queues; i++)
		blk_queue_stop(vdev, &vdev->queues[i]);
}

static bool busy(struct virtio_blk *blk, struct virtio_queue *q)
{
	u16 i;

	for (i = 0; i < blk->vdev.nr_queues; i++) {
		if (q && q->index != i)
			continue;
		if (__atomic_load_n(&blk->queues[i].inflight, __ATOMIC_SEQ_CST))
			return true;
	}
	return false;
}

/* @ms of -1: however long it takes. */
static int wait_drained(struct virtio_blk *blk, struct virtio_queue *q, int ms)
{
	u64 end = loop_now() + ms * 1000000ULL;
	struct timespec ts = {
		.tv_sec = end / 1000000000,
		.tv_nsec = end % 1000000000,
	};
	int ret = 0;

	pthread_mutex_lock(&blk->drain_lock);
	__atomic_store_n(&blk->draining, true, __ATOMIC_SEQ_CST);
	while (busy(blk, q) && !ret)
		ret = ms < 0 ? pthread_cond_wait(&blk->drained,
						 &blk->drain_lock)
			     : pthread_cond_clockwait(&blk->drained,
						      &blk->drain_lock,
						      CLOCK_MONOTONIC, &ts);
	__atomic_store_n(&blk->draining, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&blk->drain_lock);
	return -ret;
}

static int blk_drain(struct virtio_dev *vdev, struct virtio_queue *q,
		     bool give_up)
{
	struct virtio_blk *blk = to_blk(vdev);
	bool limited = block_can_abandon(blk->block);
	int ret = wait_drained(blk, q, limited ? nbd_request_ms() : -1);

	if (!ret)
		return 0;
	if (!give_up)
		return err_errno(ret, "disk '%s' does not complete its requests, so the guest cannot stop now",
				 blk->block->node_name ?: "");
	block_abandon(blk->block);
	return wait_drained(blk, q, -1);
}

void blk_reset(struct virtio_dev *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);
	u16 i;

	blk->config.wce = 1;
	for (i = 0; i < vdev->nr_queues; i++)
		blk->queues[i].nr_kept = 0;
	WRITE_ONCE(blk->block->error, 0);
}

static void blk_config_write(struct virtio_dev *vdev, u32 off, const void *buf,
			     u32 len)
{
	struct virtio_blk *blk = to_blk(vdev);

	if (off != offsetof(struct virtio_blk_config, wce) || len != 1 ||
	    !virtio_has(vdev, VIRTIO_BLK_F_CONFIG_WCE))
		return;
	blk->config.wce = *(const u8 *)buf & 1;
	WRITE_ONCE(blk->writeback, blk->config.wce);
}

int blk_save(struct virtio_dev *vdev, struct state_out *out)
{
	struct virtio_blk *blk = to_blk(vdev);
	const struct virtio_blk_config *cfg = &blk->config;
	int ret;

	if ((ret = state_put_u64(out, "wce", cfg->wce)) ||
	    (ret = state_put_u64(out, "size", blk->block->size)) ||
	    (ret = state_put_u64(out, "blk_size", le32toh(cfg->blk_size))))
		return ret;
	return blk_kept_save(blk, out);
}

/* The guest knows both and would not look again. */
static int check_sizes(struct virtio_blk *blk, struct state_in *in)
{
	u64 size, unit, here = le32toh(blk->config.blk_size);
	int ret;

	if ((ret = state_get_u64(in, "size", &size, UINT64_MAX)) ||
	    (ret = state_get_u64(in, "blk_size", &unit, UINT32_MAX)))
		return ret;
	if (size == blk->block->size && unit == here)
		return 0;
	err("disk '%s' has %llu bytes in sectors of %llu, that of the saved guest had %llu in sectors of %llu",
	    blk->block->node_name ?: "", (unsigned long long)blk->block->size,
	    (unsigned long long)here, (unsigned long long)size,
	    (unsigned long long)unit);
	return -EINVAL;
}

int blk_load(struct virtio_dev *vdev, struct state_in *in, u32 version)
{
	struct virtio_blk *blk = to_blk(vdev);
	u64 wce;
	int ret = state_get_u64(in, "wce", &wce, 1);

	if (ret)
		return ret;
	blk->config.wce = wce;
	/* The first version had nothing else. */
	if (version < 2)
		return 0;
	ret = check_sizes(blk, in);
	return ret ?: blk_kept_load(blk, in);
}

const struct virtio_dev_ops virtio_blk_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.config_write = blk_config_write,
	.start = blk_start,
	.stop = blk_stop,
	.queue_start = blk_queue_start,
	.queue_stop = blk_queue_stop,
	.drain = blk_drain,
	.kick = blk_kick,
	.reset = blk_reset,
	.version = BLK_VERSION,
	.save = blk_save,
	.load = blk_load,
	.destroy = virtio_blk_destroy,
};
