// SPDX-License-Identifier: GPL-2.0-only
/* See block-qcow2.h. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block-file.h"
#include "backend/block-nbd.h"
#include "backend/block-qcow2.h"
#include "backend/block.h"
#include "backend/qcow2-chain.h"
#include "error.h"
#include "lib/opts.h"
#include "sandbox.h"

/**
 * struct block_qcow2 - an open image.
 * @file: where it is
 * @backing: what it does not have itself, NULL where its header says or there is none
 * @chain: of its header where that says, NULL otherwise: then there is none
 * @lazy_refcounts: as asked for, -1: as the image says
 * @cache_size: for what tells where data is, 0: QEMU's default
 * @nbd: while it is served
 */
struct block_qcow2 {
	struct block *file;
	struct block *backing;
	json_t *chain;
	int lazy_refcounts;
	u64 cache_size;
	struct block_nbd *nbd;
};

static const struct block_ops block_qcow2_ops;

/* A node and all below it, as QEMU names them. */

static json_t *node_json(const struct block *blk);

static json_t *file_json(const struct block *blk)
{
	static const char *const lockings[] = {"auto", "off", "on"};
	const struct block_file *bf = blk->data;
	bool device;
	struct stat st;

	device = !fstat(bf->fd, &st) && S_ISBLK(st.st_mode);
	return json_pack("{ssssss}", "driver", device ? "host_device" : "file",
			 "filename", blk->filename, "locking",
			 lockings[bf->locking]);
}

static json_t *qcow2_json(const struct block *blk)
{
	const struct block_qcow2 *q = blk->data;
	json_t *json = json_pack("{ssso}", "driver", "qcow2", "file",
				 node_json(q->file));

	/* Said in each case, so that no name in a header is looked at. */
	if (q->backing)
		json_object_set_new(json, "backing", node_json(q->backing));
	else if (q->chain)
		json_object_set(json, "backing", q->chain);
	else
		json_object_set_new(json, "backing", json_null());
	if (q->lazy_refcounts >= 0)
		json_object_set_new(json, "lazy-refcounts",
				    json_boolean(q->lazy_refcounts));
	if (q->cache_size)
		json_object_set_new(json, "cache-size",
				    json_integer(q->cache_size));
	return json;
}

static json_t *raw_json(const struct block *blk)
{
	return json_pack("{sssosIsI}", "driver", "raw", "file",
			 node_json(blk->child), "offset",
			 (json_int_t)blk->offset, "size",
			 (json_int_t)blk->size);
}

static json_t *node_json(const struct block *blk)
{
	json_t *json;

	if (blk->ops == &block_qcow2_ops)
		json = qcow2_json(blk);
	else if (blk->child)
		json = raw_json(blk);
	else
		json = file_json(blk);
	json_object_set_new(json, "read-only", json_boolean(blk->read_only));
	json_object_set_new(json, "discard",
			    json_string(blk->unmap ? "unmap" : "ignore"));
	json_object_set_new(json, "force-share",
			    json_boolean(blk->force_share));
	json_object_set_new(json, "cache",
			    json_pack("{sbsb}", "direct", blk->direct,
				      "no-flush", blk->no_flush));
	return json;
}

/* Requests */

static void qcow2_submit(struct block *blk, struct block_req *req)
{
	struct block_qcow2 *q = blk->data;

	block_nbd_submit(blk, q->nbd, req);
}

static int qcow2_sync(struct block *blk)
{
	struct block_qcow2 *q = blk->data;

	return q->nbd ? block_nbd_sync(blk, q->nbd) : 0;
}

/* The server has the locks, from its start to its end. */
static int qcow2_lock(struct block *blk, unsigned int use, unsigned int share)
{
	return 0;
}

static void qcow2_unlock(struct block *blk)
{
}

static int qcow2_start(struct block *blk, bool shared)
{
	struct block_qcow2 *q = blk->data;
	json_t *json;
	char *text;
	int ret;

	if (shared) {
		err("'%s' is qcow2, which no two can write: share-rw=on needs a raw image",
		    blk->filename);
		return -EINVAL;
	}
	json = node_json(blk);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text)
		return -ENOMEM;
	ret = block_nbd_start(blk, &q->nbd, text);
	free(text);
	return ret;
}

static bool qcow2_stop(struct block *blk, void (*done)(void *arg), void *arg)
{
	struct block_qcow2 *q = blk->data;
	struct block_nbd *nbd = q->nbd;

	q->nbd = NULL;
	return block_nbd_stop(blk, nbd, done, arg);
}

static void qcow2_abandon(struct block *blk)
{
	struct block_qcow2 *q = blk->data;

	if (q->nbd)
		block_nbd_abandon(q->nbd);
}

static void qcow2_destroy(struct block *blk)
{
	struct block_qcow2 *q = blk->data;

	if (!q)
		return;
	qcow2_stop(blk, NULL, NULL);
	if (q->file)
		block_detach(q->file);
	if (q->backing)
		block_detach(q->backing);
	json_decref(q->chain);
	free(q);
}

static const struct block_ops block_qcow2_ops = {
	.name = "qcow2",
	.submit = qcow2_submit,
	.start = qcow2_start,
	.stop = qcow2_stop,
	.abandon = qcow2_abandon,
	.lock = qcow2_lock,
	.unlock = qcow2_unlock,
	.sync = qcow2_sync,
	.destroy = qcow2_destroy,
};

/* Opening */

static const struct block *image_of(const struct block *blk)
{
	while (blk->child)
		blk = blk->child;
	return blk;
}

/* Where the bytes of @blk are, which is a file or in one. */
static int find_file(const struct block *blk, int *fd, u64 *off)
{
	*off = 0;
	for (; blk->child; blk = blk->child)
		*off += blk->offset;
	if (blk->ops != &block_file_ops)
		return -EINVAL;
	*fd = ((const struct block_file *)blk->data)->fd;
	return 0;
}

static int read_header(struct block *blk, struct opts *opts,
		       const struct block *file)
{
	struct qcow2_header h;
	u64 off;
	int fd, ret;

	if (find_file(file, &fd, &off))
		return opts_fail(opts, "its file has to be a file or a block device");
	ret = qcow2_header_read(opts, fd, off, image_of(file)->filename, &h);
	if (ret)
		return ret;
	blk->size = ALIGN_DOWN(be64toh(h.size), 512);
	if (blk->size > INT64_MAX)
		return opts_fail(opts, "the image is larger than can be");
	return 0;
}

/* The server opens it by its name. */
static int check_name(struct opts *opts, struct block *blk)
{
	if (block_adjunct(blk))
		return opts_fail(opts, "a disk of an adjunct can have no image of another format on it");
	if (!strncmp(image_of(blk)->filename, "/dev/fd", 7))
		return opts_fail(opts, "an image that is not raw cannot be passed as a descriptor");
	return 0;
}

static int open_chain(struct block_qcow2 *q, struct opts *opts)
{
	u64 off;
	int fd, ret;

	/* No server can be started any more, and no link be followed. */
	if (sandbox_confined())
		return 0;
	ret = find_file(q->file, &fd, &off);
	return ret ?: qcow2_chain_find(opts, fd, off,
				       image_of(q->file)->filename, &q->chain);
}

static int open_backing(struct block_qcow2 *q, struct opts *opts)
{
	const char *name = NULL;
	int ret;

	if (!opts_has(opts, "backing"))
		return open_chain(q, opts);
	if (!opts_has_dict(opts, "backing")) {
		ret = opts_get_str(opts, "backing", &name);
		if (ret)
			return ret;
		/* Null, or nothing. */
		if (!*name)
			return 0;
	}
	ret = block_child_open(NULL, opts, "backing", "qcow2", &q->backing);
	return ret ? ret : check_name(opts, q->backing);
}

int block_qcow2_open(struct block *blk, struct opts *opts)
{
	struct block_qcow2 *q = calloc(1, sizeof(*q));
	bool lazy = false;
	int ret;

	if (!q)
		return -ENOMEM;
	blk->data = q;
	blk->ops = &block_qcow2_ops;
	q->lazy_refcounts = -1;
	if ((ret = block_child_open(blk, opts, "file", "qcow2", &q->file)) ||
	    (ret = check_name(opts, q->file)) ||
	    (ret = read_header(blk, opts, q->file)) ||
	    (ret = open_backing(q, opts)) ||
	    (ret = opts_get_size(opts, "cache-size", &q->cache_size)))
		return ret;
	if (opts_has(opts, "lazy-refcounts")) {
		ret = opts_get_bool(opts, "lazy-refcounts", &lazy);
		q->lazy_refcounts = lazy;
	}
	blk->physical = q->file->physical;
	blk->direct = q->file->direct;
	blk->no_flush |= q->file->no_flush;
	blk->force_share |= q->file->force_share;
	blk->filename = strdup(image_of(q->file)->filename);
	if (!blk->filename)
		return -ENOMEM;
	if (q->file->read_only && !blk->read_only) {
		info("'%s' is read-only as its file is", blk->node_name);
		blk->read_only = true;
	}
	return ret;
}
