/* SPDX-License-Identifier: GPL-2.0-only */
/* What is promised of each node while it is decided, and what fits there. */
#ifndef TARN_BALANCED_PLAN_H
#define TARN_BALANCED_PLAN_H

#include "decide.h"

/**
 * struct plan - promises so far
 * @d: the pool
 * @claimed: by node, frames of partitions that others have placed
 * @promised: by node, frames of those that are placed here
 * @busy: by node, processors that are busy, with what is placed
 * @growth: eighths of what partitions may grow by that are promised as well
 */
struct plan {
	struct decide *d;
	uint64_t claimed[DECIDE_NODES];
	uint64_t promised[DECIDE_NODES];
	double busy[DECIDE_NODES];
	unsigned int growth;
};

/** plan_init() - Begin, with the homes that all have. */
void plan_init(struct plan *p, struct decide *d);

/** plan_add() - Promise a partition what it is to have. */
void plan_add(struct plan *p, const struct decide_part *part);
void plan_remove(struct plan *p, const struct decide_part *part);

/** plan_room() - Frames of a node that nobody was promised. */
uint64_t plan_room(const struct plan *p, size_t node);
uint64_t plan_room_all(const struct plan *p);

/* What a partition needs: what it uses; an eighth more; what it is promised if it can be. */
uint64_t need_now(const struct decide_part *part);
uint64_t need_least(const struct decide_part *part);
uint64_t need_want(const struct plan *p, const struct decide_part *part);

/** place_frames() - Frames of all its homes. */
uint64_t place_frames(const struct decide *d, const struct decide_place *place);

/** place_fill() - Spread frames over the homes of a place as evenly as there is room. */
void place_fill(const struct plan *p, uint64_t want,
		struct decide_place *place);

/**
 * place_from() - The place that begins with a node, and takes the nearest ones to it
 * until a partition fits, which is not promised anything now.
 * Return: how many nodes these are; 0: the node has no room, or all have too little.
 */
size_t place_from(const struct plan *p, const struct decide_part *part,
		  size_t first, struct decide_place *place);

/**
 * place_fewest() - On how many nodes it fits at least. Where it fits on none, as
 * many as have room.
 */
size_t place_fewest(const struct plan *p, const struct decide_part *part);

/** place_is_single() - Whether a set of homes is one. */
static inline bool place_is_single(uint64_t homes)
{
	return homes && !(homes & (homes - 1));
}

#endif
