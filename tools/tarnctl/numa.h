/* SPDX-License-Identifier: GPL-2.0-only */
/* Partitions by NUMA node, as 'tarnctl numa' shows them. */
#ifndef TARNCTL_NUMA_H
#define TARNCTL_NUMA_H

#include <stdio.h>
#include <sys/types.h>

#include "home.h"
#include "home_mark.h"
#include "node_use.h"
#include "option.h"

/** Numbers of nodes are below it. */
#define NUMA_NODES (NODE_MAX + 1)

/**
 * struct numa_row - a partition
 * @path: of its file, as it was found; NULL: it has none any more
 * @name: what it is called, after its guest or by its path
 * @id: of the partition
 * @dev: of its file
 * @ino: likewise
 * @homes: what it has where
 * @uses: how much it uses that
 * @mark: who chooses its homes, and whether vCPUs follow
 * @vcpus: by number of the node, those that ran there last
 */
struct numa_row {
	char *path;
	char *name;
	__u32 id;
	dev_t dev;
	ino_t ino;
	struct homes homes;
	struct node_uses uses;
	struct home_mark mark;
	unsigned short vcpus[NUMA_NODES];
};

/**
 * struct numa - what was asked for
 * @rows: the partitions
 * @count: of them
 * @total: sums by node
 * @local: of those partitions that have homes
 * @frames: by number of the node, of all pools that were asked for
 * @free: of these, free
 * @vcpus: by number of the node, each once
 * @nameless: partitions without a file, and not of a guest that could be asked
 * @hidden: files and directories that this user may not open
 */
struct numa {
	struct numa_row *rows;
	size_t count;
	struct homes total;
	struct local_share local;
	uint64_t frames[NUMA_NODES];
	uint64_t free[NUMA_NODES];
	unsigned int vcpus[NUMA_NODES];
	size_t nameless;
	size_t hidden;
};

/** numa_find_vcpus() - Count the vCPUs of all guests. Return: 0 or an errno, reported. */
int numa_find_vcpus(struct numa *numa, const struct pool_list *pools);

/** numa_print() - As a table. Return: as of a subcommand. */
int numa_print(const struct numa *numa, const struct options *opts);

/** numa_print_json() - Return: 0 or an errno, reported. */
int numa_print_json(const struct numa *numa);

/**
 * numa_svg_write() - Draw it.
 * Return: 0, or -ENOMEM; errors of @f show in ferror().
 */
int numa_svg_write(FILE *f, const struct numa *numa, bool exact);

#endif
