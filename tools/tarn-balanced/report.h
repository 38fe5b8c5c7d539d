/* SPDX-License-Identifier: GPL-2.0-only */
/* What was decided, and why, for people and as JSON. */
#ifndef TARN_BALANCED_REPORT_H
#define TARN_BALANCED_REPORT_H

#include <jansson.h>

#include "balance.h"

/** report_change() - A line about homes that were set. */
void report_change(const struct balance *b, const struct verdict *v, size_t part);

/** report_pool() - All that was decided for a pool, a line a partition. */
void report_pool(const struct balance *b, const struct verdict *v);

/** report_json() - The same as a value, or NULL. */
json_t *report_json(const struct balance *b, const struct verdict *v);

#endif
