/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Block nodes whose requests go to a server of NBD (nbd-server.h), by libnbd. What is
 * above them sees them as any other.
 */
#ifndef TARN_BACKEND_BLOCK_NBD_H
#define TARN_BACKEND_BLOCK_NBD_H

#include "backend/block.h"

struct block_nbd;

/**
 * block_nbd_start() - have an image served.
 * @blk: the node, whose size must be that of what is served
 * @node: see nbd_server_start()
 *
 * Return: 0 or -errno, reported.
 */
int block_nbd_start(struct block *blk, struct block_nbd **nbd,
		    const char *node);

/**
 * block_nbd_stop() - end it; requests in flight are forgotten. NULL does nothing.
 * @done: see nbd_end()
 *
 * Return: whether @done is going to be called, when the image is closed.
 */
bool block_nbd_stop(struct block *blk, struct block_nbd *nbd,
		    void (*done)(void *arg), void *arg);

/** block_nbd_abandon() - the server hangs: have all requests fail, now and later. */
void block_nbd_abandon(struct block_nbd *nbd);

void block_nbd_submit(struct block *blk, struct block_nbd *nbd,
		      struct block_req *req);
int block_nbd_sync(struct block *blk, struct block_nbd *nbd);

#endif
