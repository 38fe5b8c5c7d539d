/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets what the file of a pool says of partitions. */
#ifndef TARNCTL_CONFIG_PARTITION_H
#define TARNCTL_CONFIG_PARTITION_H

#include "config.h"
#include "partition.h"

/**
 * config_partition_apply() - Set it, if a section fits.
 * @dirfd: from pool_open()
 * @dry: only say what would be
 * Return: 1 if it was set, 0 if no section fits or the partition is gone, or an errno,
 * reported.
 */
int config_partition_apply(const struct config *config, const struct pool *pool,
			   int dirfd, const struct partition *part, bool dry);

/** config_partitions_apply() - Likewise for all partitions of a pool. Return: 0 or an errno. */
int config_partitions_apply(const struct config *config,
			    const struct pool *pool, bool dry);

#endif
