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
#include <linux/virtio_blk.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block.h"
#include "config.h"
#include "error.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "loop.h"
#include "state.h"
#include "virtio/devices.h"
#include "virtio/virtio.h"
#include "vm.h"

#define SECTOR 512
#define QUEUE_SIZE 256
#define QUEUES_MAX 16
/* Without num-queues=, a queue a vCPU up to this many. */
#define QUEUES_AUTO 4
#define RANGES_MAX 16
#define RANGE_SECTORS_MAX 0x3fffff

struct virtio_blk;

struct blk_queue {
	struct virtio_blk *blk;
	struct virtio_queue *q;
	void *requests;
	u16 *free; /* stack of indices; the last used is the warmest */
	u16 nr_free;
	u16 nr_requests;
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

struct virtio_blk {
	struct virtio_dev vdev;
	struct virtio_blk_config config;
	struct block *block;
	struct blk_queue *queues;
	char serial[VIRTIO_BLK_ID_BYTES];
	bool own_thread; /* its loop is a reference to the common one */
	struct loop *iothread; /* the one that was named, or NULL */
	bool writeback;
	u16 queue_size;
	struct loop_work publish;
	pthread_mutex_t drain_lock;
	pthread_cond_t drained;
	bool draining; /* somebody waits; changed atomically */
};

static struct virtio_blk *to_blk(struct virtio_dev *vdev)
{
	return container_of(vdev, struct virtio_blk, vdev);
}

static size_t req_size(const struct virtio_blk *blk)
{
	return sizeof(struct blk_req) +
	       (blk->queue_size + VQ_IOV_SPARE) * sizeof(struct iovec);
}

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

static void block_done(struct block_req *br, int ret)
{
	struct blk_req *req = container_of(br, struct blk_req, br);

	complete(req, status_of(ret));
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
		complete(req, status_of(ret));
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
		complete(req, VIRTIO_BLK_S_OK);
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

static void handle(struct blk_req *req)
{
	struct blk_queue *bq = req->bq;
	struct virtio_blk_outhdr hdr;

	if (parse(req, &hdr)) {
		vq_unpop(&bq->q->vq, 1);
		req_put(req);
		virtio_break(&bq->blk->vdev, "a request without its header");
		return;
	}
	__atomic_add_fetch(&bq->inflight, 1, __ATOMIC_SEQ_CST);
	dispatch(req, le32toh(hdr.type), le64toh(hdr.sector));
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
		handle(req);
	}
	return false;
}

static void blk_kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct blk_queue *bq = &to_blk(vdev)->queues[q->index];

	do {
		vq_kick_off(&q->vq);
		bq->starved = !take_all(bq);
	} while (q->live && !bq->starved && vq_kick_on(&q->vq));
}

/* After a round of completions: show them, and go on where requests lacked. */
static void publish(struct loop_work *work)
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

static int blk_start(struct virtio_dev *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);

	/* A driver that cannot flush expects every write to be durable. */
	if (virtio_has(vdev, VIRTIO_BLK_F_CONFIG_WCE))
		blk->writeback = blk->config.wce;
	else
		blk->writeback = virtio_has(vdev, VIRTIO_BLK_F_FLUSH);
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

static void blk_drain(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_blk *blk = to_blk(vdev);

	pthread_mutex_lock(&blk->drain_lock);
	__atomic_store_n(&blk->draining, true, __ATOMIC_SEQ_CST);
	while (busy(blk, q))
		pthread_cond_wait(&blk->drained, &blk->drain_lock);
	__atomic_store_n(&blk->draining, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&blk->drain_lock);
}

static void blk_reset(struct virtio_dev *vdev)
{
	to_blk(vdev)->config.wce = 1;
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

static int blk_save(struct virtio_dev *vdev, struct state_out *out)
{
	return state_put_u64(out, "wce", to_blk(vdev)->config.wce);
}

static int blk_load(struct virtio_dev *vdev, struct state_in *in, u32 version)
{
	u64 wce;
	int ret = state_get_u64(in, "wce", &wce, 1);

	if (!ret)
		to_blk(vdev)->config.wce = wce;
	return ret;
}

static void queues_free(struct virtio_blk *blk, u16 nr)
{
	u16 i;

	for (i = 0; blk->queues && i < nr; i++) {
		free(blk->queues[i].requests);
		free(blk->queues[i].free);
	}
	free(blk->queues);
}

static void blk_destroy(struct virtio_dev *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);
	u16 nr = vdev->nr_queues;

	virtio_dev_exit(vdev);
	if (blk->own_thread)
		block_thread_put();
	if (blk->iothread)
		iothread_put(blk->iothread);
	if (blk->block)
		block_detach(blk->block);
	queues_free(blk, nr);
	pthread_cond_destroy(&blk->drained);
	pthread_mutex_destroy(&blk->drain_lock);
	free(blk);
}

static const struct virtio_dev_ops blk_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.config_write = blk_config_write,
	.start = blk_start,
	.stop = blk_stop,
	.queue_stop = blk_queue_stop,
	.drain = blk_drain,
	.kick = blk_kick,
	.reset = blk_reset,
	.version = 1,
	.save = blk_save,
	.load = blk_load,
	.destroy = blk_destroy,
};

/* Creation */

struct blk_opts {
	const char *id;
	const char *drive;
	const char *serial;
	const char *iothread;
	u64 num_queues;
	u64 queue_size;
	u64 logical;
	u64 physical;
	bool config_wce;
	bool discard;
	bool write_zeroes;
	int write_cache;
};

static int get_opts(struct opts *opts, struct blk_opts *bo)
{
	static const char *const caches[] = {"auto", "on", "off", NULL};
	static const char *const report[] = {"report", "auto", NULL};
	bool scsi = false;
	int policy, ret;

	opts_ignore(opts, "bootindex");
	opts_ignore(opts, "share-rw");
	opts_ignore(opts, "request-merging");
	if ((ret = opts_need_str(opts, "drive", &bo->drive)) ||
	    (ret = opts_get_str(opts, "serial", &bo->serial)) ||
	    (ret = opts_get_str(opts, "id", &bo->id)) ||
	    (ret = opts_get_str(opts, "iothread", &bo->iothread)) ||
	    (ret = opts_get_uint(opts, "num-queues", QUEUES_MAX,
				 &bo->num_queues)) ||
	    (ret = opts_get_uint(opts, "queue-size", VQ_SIZE_MAX,
				 &bo->queue_size)) ||
	    (ret = opts_get_size(opts, "logical_block_size", &bo->logical)) ||
	    (ret = opts_get_size(opts, "physical_block_size", &bo->physical)) ||
	    (ret = opts_get_bool(opts, "config-wce", &bo->config_wce)) ||
	    (ret = opts_get_bool(opts, "discard", &bo->discard)) ||
	    (ret = opts_get_bool(opts, "write-zeroes", &bo->write_zeroes)) ||
	    (ret = opts_get_enum(opts, "write-cache", caches,
				 &bo->write_cache)) ||
	    (ret = opts_get_enum(opts, "rerror", report, &policy)) ||
	    (ret = opts_get_enum(opts, "werror", report, &policy)) ||
	    (ret = opts_get_bool(opts, "scsi", &scsi)))
		return ret;
	if (scsi)
		return opts_fail(opts, "SCSI passthrough is not possible");
	if (!bo->num_queues)
		return opts_fail(opts, "num-queues is 0");
	if (bo->queue_size < 4 || bo->queue_size & (bo->queue_size - 1))
		return opts_fail(opts, "queue-size is no power of two from 4");
	if (bo->serial && strlen(bo->serial) > VIRTIO_BLK_ID_BYTES)
		return opts_fail(opts, "serial is longer than %d characters",
				 VIRTIO_BLK_ID_BYTES);
	return 0;
}

static bool block_size_ok(u64 size)
{
	return size >= SECTOR && size <= 32768 && !(size & (size - 1));
}

static int set_block_sizes(struct virtio_blk *blk, struct opts *opts,
			   const struct blk_opts *bo)
{
	struct virtio_blk_config *cfg = &blk->config;
	u32 logical = bo->logical ? bo->logical : blk->block->logical;
	u32 physical = bo->physical ? bo->physical :
				      max_t(u32, logical, blk->block->physical);

	if (!block_size_ok(logical) || !block_size_ok(physical) ||
	    physical < logical || logical < blk->block->logical)
		return opts_fail(opts, "block sizes do not fit the drive");
	cfg->blk_size = htole32(logical);
	cfg->physical_block_exp = __builtin_ctz(physical / logical);
	cfg->min_io_size = htole16(physical / logical);
	return 0;
}

static int set_config(struct virtio_blk *blk, struct opts *opts,
		      const struct blk_opts *bo)
{
	struct virtio_blk_config *cfg = &blk->config;
	u64 *f = &blk->vdev.host_features;
	struct block *block = blk->block;

	*f |= 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
	      1ULL << VIRTIO_BLK_F_TOPOLOGY;
	if (bo->write_cache != 2)
		*f |= 1ULL << VIRTIO_BLK_F_FLUSH;
	if (bo->config_wce && bo->write_cache != 2)
		*f |= 1ULL << VIRTIO_BLK_F_CONFIG_WCE;
	if (bo->num_queues > 1)
		*f |= 1ULL << VIRTIO_BLK_F_MQ;
	if (block->read_only)
		*f |= 1ULL << VIRTIO_BLK_F_RO;
	if (bo->discard && block->unmap && !block->read_only)
		*f |= 1ULL << VIRTIO_BLK_F_DISCARD;
	if (bo->write_zeroes && !block->read_only)
		*f |= 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;

	cfg->capacity = htole64(block->size / SECTOR);
	/* Two entries are for the header and the status. */
	cfg->seg_max = htole32(blk->queue_size - 2);
	cfg->wce = 1;
	cfg->num_queues = htole16(bo->num_queues);
	cfg->max_discard_sectors = htole32(RANGE_SECTORS_MAX);
	cfg->max_discard_seg = htole32(RANGES_MAX);
	cfg->discard_sector_alignment = htole32(block->physical / SECTOR);
	cfg->max_write_zeroes_sectors = htole32(RANGE_SECTORS_MAX);
	cfg->max_write_zeroes_seg = htole32(RANGES_MAX);
	cfg->write_zeroes_may_unmap = block->unmap;
	blk->vdev.config = cfg;
	/* What lies behind belongs to features that are not offered. */
	blk->vdev.config_len = offsetof(struct virtio_blk_config, unused1) + 3;
	return set_block_sizes(blk, opts, bo);
}

static int queues_alloc(struct virtio_blk *blk, u16 nr)
{
	u16 n = blk->queue_size, i, j;

	blk->queues = calloc(nr, sizeof(*blk->queues));
	if (!blk->queues)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		struct blk_queue *bq = &blk->queues[i];

		bq->blk = blk;
		/* Fresh pages that no request has touched cost nothing. */
		bq->requests = calloc(n, req_size(blk));
		bq->free = calloc(n, sizeof(*bq->free));
		if (!bq->requests || !bq->free)
			return -ENOMEM;
		for (j = 0; j < n; j++)
			bq->free[j] = n - 1 - j;
		bq->nr_free = n;
	}
	return 0;
}

static struct loop *choose_loop(struct virtio_blk *blk, struct opts *opts,
				const char *iothread)
{
	struct loop *loop;

	if (!iothread) {
		loop = block_thread_get();
		blk->own_thread = loop;
		return loop;
	}
	loop = iothread_get(iothread);
	blk->iothread = loop;
	if (!loop)
		opts_fail(opts, "there is no iothread '%s'", iothread);
	return loop;
}

static int blk_setup(struct virtio_blk *blk, struct vm *vm, struct opts *opts,
		     const struct blk_opts *bo)
{
	struct loop *loop;
	int ret;
	u16 i;

	blk->queue_size = bo->queue_size;
	blk->publish.fn = publish;
	if (bo->serial)
		memcpy(blk->serial, bo->serial, strlen(bo->serial));
	blk->block = block_attach(bo->drive, "virtio-blk");
	if (!blk->block)
		return -ENODEV;
	block_set_device(blk->block, bo->id);
	ret = set_config(blk, opts, bo);
	if (ret)
		return ret;
	loop = choose_loop(blk, opts, bo->iothread);
	if (!loop)
		return -EINVAL;
	ret = queues_alloc(blk, bo->num_queues);
	if (ret)
		return ret;
	ret = virtio_dev_init(&blk->vdev, vm, &blk_ops, loop, bo->num_queues,
			      bo->queue_size);
	if (ret)
		return ret;
	for (i = 0; i < bo->num_queues; i++)
		blk->queues[i].q = &blk->vdev.queues[i];
	return 0;
}

int virtio_blk_create(struct vm *vm, struct opts *opts, struct virtio_dev **out)
{
	struct blk_opts bo = {
		.num_queues = min_t(u64, vm->config->cpus, QUEUES_AUTO),
		.queue_size = QUEUE_SIZE,
		.config_wce = true,
		.discard = true,
		.write_zeroes = true,
	};
	struct virtio_blk *blk;
	int ret;

	ret = get_opts(opts, &bo);
	if (ret)
		return ret;
	blk = calloc(1, sizeof(*blk));
	if (!blk)
		return -ENOMEM;
	pthread_mutex_init(&blk->drain_lock, NULL);
	pthread_cond_init(&blk->drained, NULL);
	ret = blk_setup(blk, vm, opts, &bo);
	if (ret) {
		queues_free(blk, bo.num_queues);
		blk->queues = NULL;
		blk_destroy(&blk->vdev);
		return ret;
	}
	*out = &blk->vdev;
	return 0;
}
