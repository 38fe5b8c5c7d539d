/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes of the machine, what a pool has of them, and homes of partitions. */
#ifndef SELFTESTS_LIB_NODE_H
#define SELFTESTS_LIB_NODE_H

#include "pool.h"

bool node_exists(unsigned int nid);
/** Skip the test if there are not as many. */
void nodes_need(unsigned int count);
/** Run on the first processor of a node. */
void node_run_on(unsigned int nid);
/** A file of a node's directory in sysfs; -1: it is not there. */
s64 node_value(struct pool *p, unsigned int nid, const char *name);
/** The same of a partition, by its id; and one of the partition as a whole. */
s64 part_node_value(struct pool *p, u32 id, unsigned int nid, const char *name);
s64 part_value(struct pool *p, u32 id, const char *name);

/** TARN_PARTITION_HOMES to set: @count homes. */
long __part_set_homes(int fd, const struct tarn_home *homes, u32 count);
/** Make one node the home, with a number of frames or 0. */
void part_set_home(int fd, u32 node, u64 wanted);
struct tarn_partition_homes part_homes(int fd);
/** Pages of a partition that lie on a node. */
u64 part_on_node(int fd, unsigned int nid);

/** TARN_PARTITION_RELOCATE. */
struct tarn_partition_relocate part_relocate_status(int fd);
long __part_relocate(int fd, struct tarn_partition_relocate *r);
/** Granules whose time is in the histogram. */
u64 part_blocked(const struct tarn_partition_relocate *r);
/** Start one of the whole partition and wait for its end. */
struct tarn_partition_relocate part_relocate(int fd, u32 node, u32 flags);
/**
 * Move a partition between nodes 1 and 0, @times, by granules of 1, 2, 4, ... pages,
 * @granules sizes; all of it but @held pages, which somebody holds. The
 * time of each granule that was tried is counted.
 */
void part_back_and_forth(int fd, unsigned int times, unsigned int granules,
			 u64 held);

/** TARN_POOL_DRAIN: enum tarn_relocate_op. */
long __pool_drain(struct pool *p, u32 op, u32 node, u32 flags);
struct tarn_pool_drain pool_drain_status(struct pool *p);
/** Granules whose time is in the histogram. */
u64 pool_drain_blocked(const struct tarn_pool_drain *d);

#endif /* SELFTESTS_LIB_NODE_H */
