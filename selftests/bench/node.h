/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes for the benchmarks: where a thread runs, and where pages lie. */
#ifndef TARN_BENCH_NODE_H
#define TARN_BENCH_NODE_H

#include <stddef.h>

/* Run on the first processor of a node that has one; -ENOENT if it has none. */
int node_run_on(unsigned int nid);

/* Node of each of @pages pages, a negative errno where none is mapped. */
int node_of_pages(const void *base, size_t pages, int *nodes);

/* Move them all to a node by move_pages(2); @nodes and @addresses have room for all. */
int node_move_pages(void *base, size_t pages, int to, void **addresses,
		    int *nodes, int *status);

#endif
