// SPDX-License-Identifier: GPL-2.0-only
/* See block-nvme.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adjunct/adjunct.h"
#include "backend/block-nvme.h"
#include "backend/block.h"
#include "error.h"
#include "lib/opts.h"

/* The last one is NVMe's for all of them. */
#define NAMESPACE_MAX 0xfffffffeU

/* What comes here was left by an adjunct that has failed. */
static void nvme_submit(struct block *blk, struct block_req *req)
{
	blk->stats.failed[req->op]++;
	req->done(req, -EIO);
}

/* VFIO gives a function to one process alone. */
static int nvme_lock(struct block *blk, unsigned int use, unsigned int share)
{
	return 0;
}

static void nvme_unlock(struct block *blk)
{
}

static int nvme_sync(struct block *blk)
{
	int ret = adjunct_sync(blk->data);

	return ret ? err_errno(ret, "cannot flush '%s'", blk->filename) : 0;
}

static void nvme_destroy(struct block *blk)
{
	adjunct_destroy(blk->data);
}

static const struct block_ops nvme_ops = {
	.name = "nvme",
	.submit = nvme_submit,
	.lock = nvme_lock,
	.unlock = nvme_unlock,
	.sync = nvme_sync,
	.destroy = nvme_destroy,
};

int block_nvme_open(struct block *blk, struct opts *opts)
{
	struct adjunct *adj;
	const char *device;
	u64 namespace = 0;
	int ret;

	opts_ignore(opts, "auto-read-only");
	if ((ret = opts_need_str(opts, "device", &device)) ||
	    (ret = opts_get_uint(opts, "namespace", NAMESPACE_MAX, &namespace)))
		return ret;
	if (!namespace)
		return opts_fail(opts, "namespace is 1 or more");
	if (asprintf(&blk->filename, "nvme://%s/%llu", device,
		     (unsigned long long)namespace) < 0) {
		blk->filename = NULL;
		return -ENOMEM;
	}
	blk->physical = 512;
	ret = adjunct_create(blk->node_name ?: "", device, namespace, blk->read_only, &adj);
	if (ret)
		return ret;
	blk->data = adj;
	blk->ops = &nvme_ops;
	return 0;
}

static void learn(struct block *blk, void *arg)
{
	const struct adjunct_disk *disk;

	if (blk->ops != &nvme_ops)
		return;
	disk = adjunct_disk(blk->data);
	if (disk)
		block_set_size(blk, disk->size, disk->block);
	else
		*(int *)arg = -ENODEV;
}

int block_nvme_ready(void)
{
	int ret = 0;

	block_for_each(learn, &ret);
	return ret;
}

struct adjunct *block_nvme_adjunct(struct block *blk)
{
	return blk->ops == &nvme_ops ? blk->data : NULL;
}
