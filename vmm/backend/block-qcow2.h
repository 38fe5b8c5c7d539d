/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The node "qcow2": an image of QEMU's format, with all that can be in one (backing
 * files, compressed clusters, snapshots). Only its header is read here; QEMU's own
 * program serves the content (nbd-server.h), once a device uses the node.
 */
#ifndef TARN_BACKEND_BLOCK_QCOW2_H
#define TARN_BACKEND_BLOCK_QCOW2_H

struct block;
struct opts;

/** block_qcow2_open() - take file=, backing= and what else is qcow2's own. */
int block_qcow2_open(struct block *blk, struct opts *opts);

#endif
