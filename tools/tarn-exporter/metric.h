/* SPDX-License-Identifier: GPL-2.0-only */
/* Which metrics there are: their names, units and where the numbers come from. */
#ifndef TARN_EXPORTER_METRIC_H
#define TARN_EXPORTER_METRIC_H

#include <stdbool.h>

#include "field.h"

/**
 * struct metric - a family of metrics that has one number a pool or partition
 * @name: without _total, which counters get
 * @unit: last part of @name, or NULL
 * @counter: it only grows; otherwise it is a gauge
 * @scale: that the number is multiplied by
 * @field: where it is in the structure; of it @name is not used
 * @help: in a sentence
 */
struct metric {
	const char *name;
	const char *unit;
	bool counter;
	double scale;
	struct field field;
	const char *help;
};

/** In struct tarn_pool_info, and in struct history_partition; a @name of NULL ends each. */
extern const struct metric pool_metrics[];
extern const struct metric partition_metrics[];

#endif
