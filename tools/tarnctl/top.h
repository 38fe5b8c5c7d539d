/* SPDX-License-Identifier: GPL-2.0-only */
/* The two faces of 'tarnctl top'. */
#ifndef TARNCTL_TOP_H
#define TARNCTL_TOP_H

#include "column.h"
#include "option.h"
#include "pool.h"

/**
 * top_batch() - Print a table every interval, or lines for programs.
 * Return: 0 or a reported errno.
 */
int top_batch(const struct pool_list *pools, enum column_id sort,
	      const struct options *opts);

/** top_screen() - Fill the terminal until 'q'. Return: as top_batch(). */
int top_screen(const struct pool_list *pools, enum column_id sort,
	       const struct options *opts);

#endif
