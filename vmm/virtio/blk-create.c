// SPDX-License-Identifier: GPL-2.0-only
/* Making a virtio-blk of its options, and the end of one; see blk.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adjunct/adjunct.h"
#include "adjunct/layout.h"
#include "config.h"
#include "iothread.h"
#include "lib/opts.h"
#include "lib/sparse.h"
#include "virtio/blk.h"
#include "virtio/devices.h"
#include "vm.h"

#define QUEUE_SIZE 256
#define QUEUES_MAX 16
/* Without num-queues=, a queue a vCPU up to this many. */
#define QUEUES_AUTO 4

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
	bool share_rw;
	int write_cache;
	int rerror;
	int werror;
};

static int get_opts(struct opts *opts, struct blk_opts *bo)
{
	static const char *const caches[] = {"auto", "on", "off", NULL};
	/* What a read can do, and what other requests can. */
	static const char *const rerrors[] = {"report", "ignore", "stop",
					      "auto", NULL};
	static const char *const werrors[] = {"report", "ignore", "stop",
					      "auto", "enospc", NULL};
	bool scsi = false;
	int ret;

	opts_ignore(opts, "bootindex");
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
	    (ret = opts_get_enum(opts, "rerror", rerrors, &bo->rerror)) ||
	    (ret = opts_get_enum(opts, "werror", werrors, &bo->werror)) ||
	    (ret = opts_get_bool(opts, "share-rw", &bo->share_rw)) ||
	    (ret = opts_get_bool(opts, "scsi", &scsi)))
		return ret;
	if (scsi)
		return opts_fail(opts, "SCSI passthrough is not possible");
	if (opts_has(opts, "num-queues") && !bo->num_queues)
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
	u32 least = max_t(u32, SECTOR, blk->block->logical);
	u32 logical = bo->logical ? bo->logical : least;
	u32 physical = bo->physical ? bo->physical :
				      max_t(u32, logical, blk->block->physical);

	if (!block_size_ok(logical) || !block_size_ok(physical) ||
	    physical < logical)
		return opts_fail(opts, "block sizes are powers of two from 512 to 32768, and a physical one is no smaller than a logical one");
	if (logical < least)
		return opts_fail(opts, "the disk has blocks of %u bytes, so the guest has to", least);
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
		/* Most are never used. */
		bq->requests = sparse_alloc(n * req_size(blk));
		bq->free = calloc(n, sizeof(*bq->free));
		bq->kept = calloc(n, sizeof(*bq->kept));
		if (!bq->requests || !bq->free || !bq->kept)
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
		loop = iothread_common_get(IOTHREAD_DISKS);
		blk->own_thread = loop;
		return loop;
	}
	loop = iothread_get(iothread);
	blk->iothread = loop;
	if (!loop)
		opts_fail(opts, "there is no iothread '%s'", iothread);
	return loop;
}

/* What an adjunct's disk can, and what is asked of it. */
static int fit_adjunct(struct virtio_blk *blk, struct opts *opts, struct blk_opts *bo)
{
	const struct adjunct_disk *disk = adjunct_disk(blk->adjunct);

	if (!disk)
		return opts_fail(opts, "the adjunct of '%s' is not up", bo->drive);
	if (!bo->num_queues)
		bo->num_queues = min_t(u64, disk->nr_queues,
				       min_t(u64, blk->vdev.vm->config->cpus, QUEUES_AUTO));
	if (bo->num_queues > disk->nr_queues)
		return opts_fail(opts, "the device has %u queues for it", disk->nr_queues);
	if (bo->queue_size > ADJUNCT_QUEUE_SIZE)
		return opts_fail(opts, "queue-size is %u at most for a disk of an adjunct",
				 ADJUNCT_QUEUE_SIZE);
	if (bo->iothread)
		return opts_fail(opts, "a disk of an adjunct has a thread of its own, and no iothread");
	if (bo->share_rw)
		return opts_fail(opts, "a disk of an adjunct is nobody else's, so share-rw is not possible");
	bo->discard &= disk->discard;
	bo->write_zeroes &= disk->zeroes;
	return 0;
}

/* Requests that fail are reported, whatever else is asked for. */
static int check_errors(struct opts *opts, const struct blk_opts *bo)
{
	if (bo->rerror != ON_ERROR_AUTO && bo->rerror != ON_ERROR_REPORT)
		return opts_fail(opts, "rerror is report for a disk of an adjunct");
	if (bo->werror != ON_ERROR_AUTO && bo->werror != ON_ERROR_REPORT &&
	    bo->werror != ON_ERROR_ENOSPC)
		return opts_fail(opts, "werror is report for a disk of an adjunct");
	return 0;
}

static int blk_setup(struct virtio_blk *blk, struct vm *vm, struct opts *opts,
		     struct blk_opts *bo)
{
	const struct virtio_dev_ops *ops = &virtio_blk_ops;
	struct loop *loop;
	int ret;
	u16 i;

	blk->vdev.vm = vm;
	blk->queue_size = bo->queue_size;
	blk->publish.fn = virtio_blk_publish;
	blk->error_work.fn = blk_error_work;
	blk->stop_job.run = blk_stop_job;
	blk->rerror = bo->rerror;
	blk->werror = bo->werror == ON_ERROR_AUTO ? ON_ERROR_ENOSPC
						  : bo->werror;
	if (bo->serial)
		memcpy(blk->serial, bo->serial, strlen(bo->serial));
	blk->block = block_attach(bo->drive, "virtio-blk");
	if (!blk->block)
		return -ENODEV;
	block_set_device(blk->block, bo->id);
	blk->adjunct = block_adjunct(blk->block);
	if (blk->adjunct && ((ret = fit_adjunct(blk, opts, bo)) ||
			     (ret = check_errors(opts, bo)))) {
		blk->adjunct = NULL;
		return ret;
	}
	if (!bo->num_queues)
		bo->num_queues = min_t(u64, vm->config->cpus, QUEUES_AUTO);
	if ((ret = set_config(blk, opts, bo)) ||
	    (ret = block_use(blk->block, bo->share_rw)))
		return ret;
	loop = blk->adjunct ? adjunct_loop(blk->adjunct) : choose_loop(blk, opts, bo->iothread);
	if (!loop)
		return -EINVAL;
	ret = queues_alloc(blk, bo->num_queues);
	if (ret)
		return ret;
	if (blk->adjunct) {
		ops = &virtio_blk_adjunct_ops;
		ret = virtio_blk_adjunct_init(blk);
		if (ret)
			return ret;
	}
	ret = virtio_dev_init(&blk->vdev, vm, ops, loop, bo->num_queues, bo->queue_size);
	if (ret)
		return ret;
	for (i = 0; i < bo->num_queues; i++)
		blk->queues[i].q = &blk->vdev.queues[i];
	return 0;
}

static void queues_free(struct virtio_blk *blk, u16 nr)
{
	u16 i;

	for (i = 0; blk->queues && i < nr; i++) {
		sparse_free(blk->queues[i].requests,
			    blk->queue_size * req_size(blk));
		free(blk->queues[i].free);
		free(blk->queues[i].kept);
	}
	free(blk->queues);
}

void virtio_blk_destroy(struct virtio_dev *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);
	u16 nr = vdev->nr_queues;

	if (vdev->ops == &virtio_blk_adjunct_ops)
		adjunct_detach(blk->adjunct);
	virtio_dev_exit(vdev);
	loop_work_cancel(vdev->vm->loop, &blk->error_work);
	worker_cancel(vdev->vm, &blk->stop_job);
	/* What it has in the loop goes before that. */
	if (blk->block)
		block_detach(blk->block);
	if (blk->own_thread)
		iothread_common_put(IOTHREAD_DISKS);
	if (blk->iothread)
		iothread_put(blk->iothread);
	queues_free(blk, nr);
	pthread_cond_destroy(&blk->drained);
	pthread_mutex_destroy(&blk->drain_lock);
	pthread_mutex_destroy(&blk->error_lock);
	free(blk);
}

int virtio_blk_create(struct vm *vm, struct opts *opts, struct virtio_dev **out)
{
	struct blk_opts bo = {
		.queue_size = QUEUE_SIZE,
		.config_wce = true,
		.discard = true,
		.write_zeroes = true,
		.rerror = ON_ERROR_AUTO,
		.werror = ON_ERROR_AUTO,
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
	pthread_mutex_init(&blk->error_lock, NULL);
	pthread_cond_init(&blk->drained, NULL);
	ret = blk_setup(blk, vm, opts, &bo);
	if (ret) {
		queues_free(blk, bo.num_queues);
		blk->queues = NULL;
		virtio_blk_destroy(&blk->vdev);
		return ret;
	}
	*out = &blk->vdev;
	return 0;
}
