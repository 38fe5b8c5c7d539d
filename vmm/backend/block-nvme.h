/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "nvme": a namespace of an NVMe controller that the host has given to vfio-pci. Its driver
 * is an adjunct (adjunct/adjunct.h), which takes requests from the guest's rings itself, so
 * this node does none: it is the name by which a device finds the adjunct.
 */
#ifndef TARN_BACKEND_BLOCK_NVME_H
#define TARN_BACKEND_BLOCK_NVME_H

struct adjunct;
struct block;
struct opts;

/** block_nvme_open() - take device= and namespace=; its size is not known yet. */
int block_nvme_open(struct block *blk, struct opts *opts);

/** block_nvme_ready() - adjuncts are up: all such nodes learn how large they are. */
int block_nvme_ready(void);

/** block_nvme_adjunct() - that of such a node, NULL of any other. */
struct adjunct *block_nvme_adjunct(struct block *blk);

#endif
