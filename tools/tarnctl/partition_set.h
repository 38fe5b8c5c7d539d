/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of a partition, as words say them. */
#ifndef TARNCTL_PARTITION_SET_H
#define TARNCTL_PARTITION_SET_H

#include "option.h"

/**
 * partition_set_words() - Change settings of a partition.
 * @fd: of its file, open for writing
 * @path: of it, for messages
 * @argv: words of 'tarnctl partition set' behind the FILE
 * @opts: its options --home, --dispatch, --domain and --dry-run
 * Return: 0, EXIT_USAGE, or an errno; all reported.
 */
int partition_set_words(int fd, const char *path, int argc, char **argv,
			const struct options *opts);

#endif
