/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What --dry-run says in place of doing it: everything is looked at as if it were to be
 * done, so that what is wrong is reported alike, and nothing is changed.
 */
#ifndef TARNCTL_DRY_RUN_H
#define TARNCTL_DRY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "option.h"
#include "pool.h"
#include "range.h"

/* Each returns 0 or an errno, reported. */

/** dry_run_page() - How much of a range would be paged @out, or in. */
int dry_run_page(int fd, const char *name, const struct range *range, bool out,
		 const struct options *opts);

/** dry_run_relocate() - How much would go to a node, or @away from it. */
int dry_run_relocate(int fd, const char *name, const struct range *range,
		     uint32_t node, bool away, const struct options *opts);

/** dry_run_compact() - How much would be gathered into 2 MiB frames. */
int dry_run_compact(const char *name, const struct range *range,
		    const struct tarn_partition_info *info,
		    const struct options *opts);

/** dry_run_resize() - What another size would mean. @value: of "size=" or "nodes=" */
int dry_run_resize(const struct pool *pool, const char *value);

/** dry_run_drain() - What would leave a node. */
int dry_run_drain(const struct pool *pool, uint32_t node,
		  const struct options *opts);

#endif
