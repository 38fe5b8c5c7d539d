/* SPDX-License-Identifier: GPL-2.0-only */
/* The home nodes of a partition, and what it has on each NUMA node. */
#ifndef TARNCTL_HOME_H
#define TARNCTL_HOME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/tarn.h>

/** The kernel knows no more nodes, on any machine. */
#define NODE_MAX 1023

/**
 * struct homes - a partition, or several, on the nodes
 * @items: in ascending order of nodes once they were read; NULL: nothing was
 * @count: nodes
 * @misplaced_pages: pages that are not on a home
 * @moved_pages: pages that were moved to one
 */
struct homes {
	struct tarn_home *items;
	unsigned int count;
	uint64_t misplaced_pages;
	uint64_t moved_pages;
};

/** home_has_choice() - Whether this host has several nodes. */
bool home_has_choice(void);

/** node_parse() - Read the number of a node, or report that @what is none. */
int node_parse(const char *what, const char *text, __u32 *node);

/**
 * homes_parse() - Read 'none', '0,1' or '0=4G,1=2G'.
 * @homes: result, to be freed if this returns 0
 * @what: the option, for messages
 * @whole: pages that 100 % stand for
 * Return: 0 or an errno, reported.
 */
int homes_parse(struct homes *homes, const char *what, const char *text,
		uint64_t whole);

/**
 * homes_read() - Read those of a partition, and where its pages are.
 * Return: 0, or an errno, not reported: -ENOTTY with a module that has none.
 */
int homes_read(int fd, struct homes *homes);

/** homes_set() - Set those of a partition. Return: 0 or an errno, not reported. */
int homes_set(int fd, const struct homes *homes);

/** homes_find() - A node, NULL if there is nothing about it. */
const struct tarn_home *homes_find(const struct homes *homes, __u32 node);

/** homes_add() - Add up node by node. Return: 0 or -ENOMEM. */
int homes_add(struct homes *sum, const struct homes *homes);

/** homes_any() - Whether a node is a home. */
bool homes_any(const struct homes *homes);

/** homes_print() - Write the homes as they are given, sizes rounded unless @exact. */
void homes_print(FILE *f, const struct homes *homes, bool exact);

void homes_free(struct homes *homes);

#endif
