/* SPDX-License-Identifier: GPL-2.0-only */
/* What a pool has on each NUMA node. */
#ifndef TARNCTL_POOL_NODE_H
#define TARNCTL_POOL_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "pool.h"

/** Room for the text of pool_nodes_format(); 1024 nodes without frames take half of it. */
#define POOL_NODES_TEXT 4096

/**
 * pool_node_read() - Its frames on a node.
 * @free_frames: of them, or NULL
 * Return: 0 or an errno, not reported: -ENOENT where it never had any.
 */
int pool_node_read(const struct pool *pool, unsigned int node, uint64_t *frames,
		   uint64_t *free_frames);

/**
 * pool_nodes_format() - What it has on each node, as nodes= takes it: "16G:0".
 * @last: the node up to which all are named, and beyond it those with frames
 * Return: 0 or -E2BIG, not reported.
 */
int pool_nodes_format(const struct pool *pool, unsigned int last, char *buf,
		      size_t size);

#endif
