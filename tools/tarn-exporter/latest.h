/* SPDX-License-Identifier: GPL-2.0-only */
/* All pools as tarn-logd has seen them last. */
#ifndef TARN_EXPORTER_LATEST_H
#define TARN_EXPORTER_LATEST_H

#include <jansson.h>

#include "history.h"

/**
 * struct latest - those pools
 * @items: the last moment of each
 * @count: of them
 */
struct latest {
	struct history_moment *items;
	size_t count;
};

/**
 * latest_read() - Read them.
 * @now: in seconds
 * Return: 0 or an errno, reported.
 */
int latest_read(struct latest *latest, struct history *history, int64_t now);
void latest_free(struct latest *latest);

/** latest_pool_name() - What to call a pool: its name below /run/tarn, or where it is. */
const char *latest_pool_name(const char *mount);

/**
 * latest_partition_name() - What to call a partition: its path; one without is "id:5".
 * Return: clean text, to be freed, or NULL.
 */
char *latest_partition_name(const struct history_partition *item);

/**
 * latest_nodes() - What a partition has on which node, as json_home() has it, and "accessed".
 * Return: an array, or NULL: nothing is known.
 */
json_t *latest_nodes(const struct history_partition *item);

#endif
