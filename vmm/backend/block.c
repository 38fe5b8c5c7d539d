// SPDX-License-Identifier: GPL-2.0-only
/*
 * The block nodes by name, their options and the way of a request down a chain
 * of nodes; see block.h. I/O itself is in block-file.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block-lock.h"
#include "backend/block-nvme.h"
#include "backend/block-qcow2.h"
#include "backend/block.h"
#include "backend/nbd-end.h"
#include "error.h"
#include "lib/opts.h"
#include "wait.h"

static struct block *blocks;
static bool given_up;
static void (*listener)(const struct block *blk,
			const struct block_error *error);
static void (*closed_listener)(const char *device);

struct block *block_find(const char *node_name)
{
	struct block *blk;

	for (blk = blocks; blk; blk = blk->next)
		if (blk->node_name && !strcmp(blk->node_name, node_name))
			return blk;
	return NULL;
}

void block_for_each(void (*fn)(struct block *blk, void *arg), void *arg)
{
	struct block *blk;

	for (blk = blocks; blk; blk = blk->next)
		fn(blk, arg);
}

static void block_free(struct block *blk)
{
	if (blk->child)
		block_detach(blk->child);
	if (blk->ops && blk->ops->destroy)
		blk->ops->destroy(blk);
	free(blk->node_name);
	free(blk->filename);
	free(blk);
}

/* raw: a window on the node below */

static void raw_submit(struct block *blk, struct block_req *req)
{
	req->off += blk->offset;
	req->blk = blk->child;
	blk->child->ops->submit(blk->child, req);
}

static void raw_destroy(struct block *blk)
{
}

static const struct block_ops raw_ops = {
	.name = "raw",
	.submit = raw_submit,
	.destroy = raw_destroy,
};

static int node_create(struct opts *opts, const struct block *parent,
		       struct block **out);

/* A whole node inside another takes over what it does not say itself. */
int block_child_open(const struct block *parent, struct opts *opts,
		     const char *key, const char *user, struct block **child)
{
	static const struct block reader = {.read_only = true};
	struct opts *sub;
	const char *name;
	int ret;

	if (opts_has_dict(opts, key)) {
		opts_get_dict(opts, key, &sub);
		ret = node_create(sub, parent ? parent : &reader, child);
		if (ret)
			return ret;
		(*child)->user = user;
		return 0;
	}
	ret = opts_need_str(opts, key, &name);
	if (ret)
		return ret;
	*child = block_attach(name, user);
	return *child ? 0 : -EINVAL;
}

/* Over what does not know its size yet. */
static int raw_open_late(struct block *blk, struct opts *opts, u64 size)
{
	if (blk->offset || size != UINT64_MAX)
		return opts_fail(opts, "a part of what an adjunct serves cannot be had");
	blk->unmap &= blk->child->unmap;
	return 0;
}

static int raw_open(struct block *blk, struct opts *opts)
{
	u64 size = UINT64_MAX;
	struct block *child;
	int ret;

	if ((ret = opts_get_size(opts, "offset", &blk->offset)) ||
	    (ret = opts_get_size(opts, "size", &size)) ||
	    (ret = block_child_open(blk, opts, "file", "raw", &child)))
		return ret;
	blk->child = child;
	blk->physical = child->physical;
	blk->no_flush |= child->no_flush;
	blk->force_share |= child->force_share;
	blk->direct = child->direct;
	if (child->read_only && !blk->read_only) {
		info("'%s' is read-only as its file is", blk->node_name);
		blk->read_only = true;
	}
	if (!child->size && block_adjunct(child))
		return raw_open_late(blk, opts, size);
	/* A node by its name needs discard=unmap of its own, as in QEMU. */
	blk->unmap &= child->unmap;
	if (blk->offset > child->size || blk->offset % 512)
		return opts_fail(opts, "offset does not fit the file");
	if (size == UINT64_MAX)
		size = child->size - blk->offset;
	if (size > child->size - blk->offset || size % 512)
		return opts_fail(opts, "size does not fit the file");
	blk->size = size;
	return 0;
}

/*
 * A node inside another takes over what it does not say itself, and lets the
 * outer one decide about discards.
 */
static void inherit(struct block *blk, const struct block *parent)
{
	blk->read_only = parent->read_only;
	blk->direct = parent->direct;
	blk->no_flush = parent->no_flush;
	blk->force_share = parent->force_share;
	blk->unmap = true;
}

static int common_opts(struct block *blk, struct opts *opts)
{
	static const char *const discards[] = {"ignore", "off", "unmap", "on",
					       NULL};
	static const char *const off[] = {"off", NULL};
	int discard = blk->unmap ? 2 : 0, detect = 0, ret;
	const char *name = NULL;

	if ((ret = opts_get_str(opts, "node-name", &name)) ||
	    (ret = opts_get_bool(opts, "read-only", &blk->read_only)) ||
	    (ret = opts_get_bool(opts, "force-share", &blk->force_share)) ||
	    (ret = opts_get_bool(opts, "cache.direct", &blk->direct)) ||
	    (ret = opts_get_bool(opts, "cache.no-flush", &blk->no_flush)) ||
	    (ret = opts_get_enum(opts, "discard", discards, &discard)) ||
	    (ret = opts_get_enum(opts, "detect-zeroes", off, &detect)))
		return ret;
	blk->unmap = discard >= 2;
	if (blk->force_share && !blk->read_only)
		return opts_fail(opts, "force-share=on needs read-only=on");
	if (!name)
		return 0;
	if (block_find(name))
		return opts_fail(opts, "duplicate node name '%s'", name);
	blk->node_name = strdup(name);
	return blk->node_name ? 0 : -ENOMEM;
}

static int driver_open(struct block *blk, struct opts *opts)
{
	static const char *const drivers[] = {"raw", "qcow2", "file",
					      "host_device", "nvme", NULL};
	const char *name;
	int driver = 0, ret;

	if ((ret = opts_need_str(opts, "driver", &name)) ||
	    (ret = opts_get_enum(opts, "driver", drivers, &driver)))
		return ret;
	if (driver == 4)
		return block_nvme_open(blk, opts);
	if (driver > 1)
		return block_file_open(blk, opts);
	opts_ignore(opts, "auto-read-only");
	if (driver)
		return block_qcow2_open(blk, opts);
	blk->ops = &raw_ops;
	return raw_open(blk, opts);
}

static int node_create(struct opts *opts, const struct block *parent,
		       struct block **out)
{
	struct block *blk = calloc(1, sizeof(*blk)), **tail;
	int ret;

	if (!blk)
		return -ENOMEM;
	if (parent)
		inherit(blk, parent);
	if ((ret = common_opts(blk, opts)) || (ret = driver_open(blk, opts)) ||
	    (ret = opts_check_used(opts))) {
		block_free(blk);
		return ret;
	}
	for (tail = &blocks; *tail; tail = &(*tail)->next)
		;
	*tail = blk;
	*out = blk;
	return 0;
}

int blockdev_create(struct opts *opts)
{
	struct block *blk;
	const char *name;
	int ret;

	ret = opts_need_str(opts, "node-name", &name);
	return ret ? ret : node_create(opts, NULL, &blk);
}

static void block_remove(struct block *blk)
{
	struct block **pos = &blocks;

	while (*pos != blk)
		pos = &(*pos)->next;
	*pos = blk->next;
	block_free(blk);
}

int blockdev_delete(const char *node_name)
{
	struct block *blk = block_find(node_name);

	if (!blk)
		return -ENOENT;
	if (blk->user)
		return -EBUSY;
	block_remove(blk);
	return 0;
}

struct block *block_attach(const char *node_name, const char *user)
{
	struct block *blk = block_find(node_name);

	if (!blk) {
		err("there is no block node '%s'", node_name);
		return NULL;
	}
	if (blk->user) {
		err("block node '%s' is in use by %s", node_name, blk->user);
		return NULL;
	}
	blk->user = user;
	return blk;
}

/* Locks */

/* The node that has the image. */
static struct block *bottom(struct block *blk)
{
	while (blk->child)
		blk = blk->child;
	return blk;
}

static int lock(struct block *blk)
{
	struct block *image = bottom(blk);
	int ret = image->ops->lock(image, blk->use, blk->share);

	blk->locked = !ret;
	return ret;
}

static void unlock(struct block *blk)
{
	struct block *image = bottom(blk);

	if (blk->locked)
		image->ops->unlock(image);
	blk->locked = false;
}

static void closed(void *arg);

/* Whether the image is still being closed. */
static bool stop(struct block *blk)
{
	struct block *image = bottom(blk);

	return blk->use && image->ops->stop &&
	       image->ops->stop(image, closed, blk);
}

bool block_can_abandon(struct block *blk)
{
	return bottom(blk)->ops->abandon;
}

void block_abandon(struct block *blk)
{
	bottom(blk)->ops->abandon(bottom(blk));
}

int block_use(struct block *blk, bool shared)
{
	struct block *image = bottom(blk);
	int ret = image->ops->start ? image->ops->start(image, shared) : 0;

	if (ret)
		return ret;
	if (image->tail)
		warn("the last %u bytes of '%s' are out of reach: not a whole sector",
		     image->tail, image->filename);
	blk->use = IMAGE_READ | (blk->read_only ? 0 : IMAGE_WRITE);
	blk->share = IMAGE_ALL & ~(shared ? 0 : IMAGE_WRITE);
	if (blk->force_share)
		blk->share = IMAGE_ALL;
	return given_up ? 0 : lock(blk);
}

int block_sync_all(void)
{
	struct block *blk;
	int ret, first = 0;

	for (blk = blocks; blk; blk = blk->next) {
		if (!blk->use || blk->read_only || blk->no_flush)
			continue;
		/* What is in use stays, and its place in the list. */
		wait_begin(WAIT_DISKS);
		ret = bottom(blk)->ops->sync(bottom(blk));
		wait_end();
		if (!first)
			first = ret;
	}
	return first;
}

void block_give_up_all(void)
{
	struct block *blk;

	given_up = true;
	for (blk = blocks; blk; blk = blk->next)
		unlock(blk);
}

int block_take_back_all(void)
{
	struct block *blk;
	int ret;

	if (!given_up)
		return 0;
	for (blk = blocks; blk; blk = blk->next) {
		ret = blk->use ? lock(blk) : 0;
		if (ret) {
			block_give_up_all();
			return ret;
		}
	}
	given_up = false;
	return 0;
}

struct adjunct *block_adjunct(struct block *blk)
{
	return block_nvme_adjunct(bottom(blk));
}

void block_set_size(struct block *child, u64 size, u32 logical)
{
	struct block *blk;

	child->size = size;
	child->physical = logical;
	child->logical = logical > 512 ? logical : 0;
	for (blk = blocks; blk; blk = blk->next)
		if (blk->child == child)
			block_set_size(blk, size, logical);
}

void block_set_device(struct block *blk, const char *id)
{
	free(blk->device);
	blk->device = id ? strdup(id) : NULL;
}

void block_set_listener(void (*fn)(const struct block *blk,
				   const struct block_error *error))
{
	listener = fn;
}

void block_tell(const struct block *blk, const struct block_error *error)
{
	if (listener)
		listener(blk, error);
}

bool block_no_space(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

static void detached(struct block *blk)
{
	blk->user = NULL;
	/* A node without a name was made for its one user. */
	if (!blk->node_name)
		block_remove(blk);
}

static void closed(void *arg)
{
	struct block *blk = arg;
	char *device = blk->closing;

	blk->closing = NULL;
	detached(blk);
	if (device && closed_listener)
		closed_listener(device);
	free(device);
}

void block_detach(struct block *blk)
{
	bool later;

	unlock(blk);
	blk->closing = blk->device;
	blk->device = NULL;
	later = stop(blk);
	blk->use = 0;
	if (later) {
		blk->user = "what served it, which has not ended yet";
		return;
	}
	free(blk->closing);
	blk->closing = NULL;
	detached(blk);
}

bool block_is_closing(const char *device)
{
	struct block *blk;

	for (blk = blocks; blk; blk = blk->next)
		if (blk->closing && !strcmp(blk->closing, device))
			return true;
	return false;
}

void block_set_closed(void (*fn)(const char *device))
{
	closed_listener = fn;
}

void block_submit(struct block *blk, struct loop *loop, struct block_req *req)
{
	blk->stats.ops[req->op]++;
	blk->stats.bytes[req->op] += req->len;
	if (req->op == BLOCK_WRITE)
		blk->stats.highest = max_t(u64, blk->stats.highest,
					   req->off + req->len);
	req->top = blk;
	req->blk = blk;
	req->loop = loop;
	req->start = loop_now();
	blk->ops->submit(blk, req);
}

void block_destroy_all(void)
{
	struct block *blk;
	bool found;

	nbd_end_all();
	/* Users first: a node goes when nobody above it is left. */
	do {
		found = false;
		for (blk = blocks; blk; blk = blk->next) {
			if (blk->user)
				continue;
			block_remove(blk);
			found = true;
			break;
		}
	} while (found);
}
