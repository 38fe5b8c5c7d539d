/* SPDX-License-Identifier: GPL-2.0-only */
/* What sysfs tells of a partition on each NUMA node: how much it uses pages there. */
#ifndef TARNCTL_NODE_USE_H
#define TARNCTL_NODE_USE_H

#include "home.h"

/**
 * struct node_use - a partition on a node, beside what struct tarn_home has
 * @node: the kernel's number
 * @accessed: looks of the scanner that found a page used there
 * @accessed_lately: the same of its last rounds, each of which counts half of the next
 * @table_pages: pages of the module's tables that lie there
 */
struct node_use {
	__u32 node;
	uint64_t accessed;
	uint64_t accessed_lately;
	uint64_t table_pages;
};

/**
 * struct node_uses - a partition on all nodes
 * @items: in any order
 * @count: of them
 * @place_rate: pages a second that may be moved to its homes just now; 0: none was to be
 * @move_waits: times that somebody waited for a page that was being moved
 */
struct node_uses {
	struct node_use *items;
	unsigned int count;
	uint64_t place_rate;
	uint64_t move_waits;
};

/**
 * struct local_share - which part of accesses is local; zeroed, there were none
 * @home: those on home nodes
 * @all: those on all
 */
struct local_share {
	uint64_t home;
	uint64_t all;
};

/**
 * node_uses_read() - Read all nodes.
 * @uuid: of the pool
 * @id: of the partition
 * Return: 0 or -ENOMEM; what is not there counts nothing.
 */
int node_uses_read(const char *uuid, __u32 id, struct node_uses *uses);
void node_uses_free(struct node_uses *uses);

/** node_uses_find() - A node; zeroes if there is nothing about it. */
struct node_use node_uses_find(const struct node_uses *uses, __u32 node);

/** node_use_accessed() - Read @accessed of one node alone; 0 if it is not there. */
uint64_t node_use_accessed(const char *uuid, __u32 id, __u32 node);

/** local_share_add() - Add accesses lately, unless no node is a home. */
void local_share_add(struct local_share *share, const struct node_uses *uses,
		     const struct homes *homes);

/** local_share_percent() - Rounded; -1: nothing was accessed. */
int local_share_percent(const struct local_share *share);

#endif
