/* SPDX-License-Identifier: GPL-2.0-only */
/* The model of costs: decide.h has its units and constants. */
#ifndef TARN_BALANCED_COST_H
#define TARN_BALANCED_COST_H

#include "plan.h"

/** cost_memory() - Of accesses to memory that is far away, a second, at a place. */
double cost_memory(const struct decide *d, const struct decide_part *part,
		   const struct decide_place *place);

/** cost_as_it_lies() - The same of pages where they are, and threads where they ran. */
double cost_as_it_lies(const struct decide *d, const struct decide_part *part);

/**
 * cost_load() - Of waiting for processors, a second, what a partition adds at a place.
 * @p: without the partition
 * @factor: of its load
 */
double cost_load(const struct plan *p, const struct decide_part *part,
		 const struct decide_place *place, double factor);

/** cost_run() - Have it run, or (@sign -1) no more, where it is to have its homes. */
void cost_run(struct plan *p, const struct decide_part *part, int sign);

/** cost_moves() - Pages that are not where they are wanted. */
uint64_t cost_moves(const struct decide *d, const struct decide_part *part,
		    const struct decide_place *place);

/** cost_moving() - Of moving them, once. */
double cost_moving(const struct decide *d, const struct decide_part *part,
		   const struct decide_place *place);

/**
 * cost_trading() - The same where another partition goes the other way: what has moved
 * makes room for what comes, once there is any.
 */
double cost_trading(const struct decide *d, const struct decide_part *part,
		    const struct decide_place *place);

/** cost_tie() - Next to nothing, for a choice among equals: idle nodes with room. */
double cost_tie(const struct plan *p, const struct decide_part *part,
		const struct decide_place *place);

#endif
