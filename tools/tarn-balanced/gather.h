/* SPDX-License-Identifier: GPL-2.0-only */
/* What is to be known of a pool before anything can be decided. */
#ifndef TARN_BALANCED_GATHER_H
#define TARN_BALANCED_GATHER_H

#include "balance.h"

/** gather_load() - How busy nodes are, and which partitions have them so. */
void gather_load(struct balance *b, const struct pool_list *pools, double now);

/**
 * gather() - Fill in what decide() wants to know of a pool.
 * @v: with the pool; to be undone by gather_end() whatever is returned
 * Return: 0 or an errno, reported.
 */
int gather(struct balance *b, struct verdict *v);
void gather_end(struct balance *b, struct verdict *v);

#endif
