/* SPDX-License-Identifier: GPL-2.0-only */
/* A range of pages on the command line: [START COUNT]. */
#ifndef TARNCTL_RANGE_H
#define TARNCTL_RANGE_H

#include <stdint.h>

/**
 * struct range - pages of a partition
 * @start: first page
 * @count: number of pages
 */
struct range {
	uint64_t start;
	uint64_t count;
};

/**
 * range_parse() - Read the words behind a file's name.
 * @cmd: name of the subcommand, for messages
 * @argc: of the words: 0 means all pages, or 2
 * @whole: pages of the partition, which end the range
 * Return: 0 or -EINVAL, reported.
 */
int range_parse(struct range *range, const char *cmd, int argc, char **argv,
		uint64_t whole);

#endif
