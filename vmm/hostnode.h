/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes of the host and their processors. */
#ifndef TARN_HOSTNODE_H
#define TARN_HOSTNODE_H

#include "lib/cpus.h"

/**
 * struct host_node - a node.
 * @nid: the kernel's number
 * @cpus: its processors that were online; none on one that has memory alone
 */
struct host_node {
	unsigned int nid;
	struct cpus cpus;
};

/** struct host_nodes - all of them, in no order. */
struct host_nodes {
	unsigned int nr;
	struct host_node *node;
};

#define HOST_NODES_DIR "/sys/devices/system/node"

/**
 * host_nodes_read() - find them in @dir, HOST_NODES_DIR as a rule.
 *
 * Before the sandbox, in which no file can be opened. Return: 0 or -errno, not
 * reported; a kernel without NUMA has no such directory.
 */
int host_nodes_read(struct host_nodes *nodes, const char *dir);
void host_nodes_free(struct host_nodes *nodes);

/** host_node_cpus() - processors of node @nid, NULL if it was not there. */
const struct cpus *host_node_cpus(const struct host_nodes *nodes,
				  unsigned int nid);

#endif
