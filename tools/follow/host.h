/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes of the host: their processors, how far they are from each other, how busy. */
#ifndef TARN_FOLLOW_HOST_H
#define TARN_FOLLOW_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostnode.h"

/** Most nodes of a host. */
#define HOST_NODES 64
/** No node of this number, or no processor. */
#define HOST_NONE HOST_NODES

/**
 * struct host - the nodes; elsewhere they are known by their index
 * @nodes: in ascending order
 * @distance: from one to another, as the kernel has it
 * @ticks: what processors of a node have worked since the start, of all kinds
 */
struct host {
	struct host_nodes nodes;
	unsigned int distance[HOST_NODES][HOST_NODES];
	uint64_t ticks[HOST_NODES];
};

/** host_read() - Find them. Return: 0 or an errno, reported. */
int host_read(struct host *host);
void host_free(struct host *host);

/**
 * host_refresh() - Look whether processors or nodes have come or gone.
 *
 * Where one can't be read anew it stays as it was.
 *
 * Return: whether nodes are others, or have other indices.
 */
bool host_refresh(struct host *host);

/** host_node() - Index of node @nid, HOST_NONE if there is none. */
size_t host_node(const struct host *host, unsigned int nid);

/** host_node_of_cpu() - Index of the node of a processor, or HOST_NONE. */
size_t host_node_of_cpu(const struct host *host, unsigned int cpu);

/**
 * host_busy() - How many processors of each node were busy since the last call.
 * @busy: by node; 0 at the first call
 * @seconds: since then
 */
void host_busy(struct host *host, double seconds, double *busy);

#endif
