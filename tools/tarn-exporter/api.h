/* SPDX-License-Identifier: GPL-2.0-only */
/* What the page shows, as JSON. Sizes are in pages, as in linux/tarn.h. */
#ifndef TARN_EXPORTER_API_H
#define TARN_EXPORTER_API_H

#include <jansson.h>

#include "latest.h"

/** Moments of a timeline at most. */
#define API_POINTS 720

/**
 * struct api_range - what of the past is meant
 * @pool: where it is or was mounted
 * @partition: id, or TARN_PARTITION_NONE: the pool itself
 * @since: in seconds
 * @until: behind the last one
 */
struct api_range {
	const char *pool;
	__u32 partition;
	int64_t since;
	int64_t until;
};

/** api_pools() - All pools with their partitions. Return: NULL: memory ran out. */
json_t *api_pools(const struct latest *latest);

/**
 * api_timeline() - Counters and rates of a while, an array each.
 * Return: NULL: an error, reported.
 */
json_t *api_timeline(struct history *history, const struct api_range *range);

/** api_events() - Events of that while. Return: likewise. */
json_t *api_events(struct history *history, const struct api_range *range);

#endif
