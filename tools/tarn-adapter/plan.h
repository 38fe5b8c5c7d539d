/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who gets how much of an adapter. It is computed as a whole before anything changes, and
 * depends on nothing but its arguments.
 */
#ifndef TARN_ADAPTER_PLAN_H
#define TARN_ADAPTER_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "resource.h"

/** Room for why there is no plan. */
#define PLAN_WHY_MAX 256

/** enum plan_share - how a group's part is said */
enum plan_share {
	/** a part of what absolute shares and the spare leave, by its weight */
	PLAN_RELATIVE,
	/** as much as it says, whatever others have */
	PLAN_ABSOLUTE,
	/** what is left when it is leased; until then nothing */
	PLAN_FIRST_COME,
};

/**
 * struct plan_pool - what there is of a resource
 * @total: that can be given to virtual functions
 * @max: one of them can have, 0: any number
 * @step: it is given out in multiples of this, 0 is as good as 1
 * @spare: relative shares leave it for those who come first
 */
struct plan_pool {
	uint32_t total;
	uint32_t max;
	uint32_t step;
	uint32_t spare;
};

/**
 * struct plan_adapter - what is divided
 * @pools: of each resource
 * @vfs: how many virtual functions there are
 * @whole: nothing but these: its resources cannot be moved
 */
struct plan_adapter {
	struct plan_pool pools[RESOURCES];
	unsigned int vfs;
	bool whole;
};

/**
 * struct plan_group - a group
 * @name: for messages
 * @share: how its part is said
 * @weight: of a relative share
 * @want: of an absolute share, where 0 interrupts are as many as queues; the most of one
 *	that comes first, where 0 is no limit
 * @held: it is in use: @gets is what it has, and stays
 * @gets: result
 */
struct plan_group {
	const char *name;
	enum plan_share share;
	uint32_t weight;
	struct amount want;
	bool held;
	struct amount gets;
};

/**
 * plan() - Compute what all groups get.
 * @why: set where there is no plan: a sentence, of PLAN_WHY_MAX
 * Return: 0; -EINVAL: there is none, with @why.
 */
int plan(const struct plan_adapter *adapter, struct plan_group *groups, size_t count,
	 char *why);

/**
 * plan_first() - Compute what a group of PLAN_FIRST_COME gets now, @gets of all others
 * being taken.
 * Return: as plan().
 */
int plan_first(const struct plan_adapter *adapter, struct plan_group *groups,
	       size_t count, struct plan_group *first, char *why);

/**
 * plan_check() - See if what all groups get can be had.
 * Return: as plan().
 */
int plan_check(const struct plan_adapter *adapter, const struct plan_group *groups,
	       size_t count, char *why);

/** plan_least() - The least of a resource that a virtual function is of use with. */
uint32_t plan_least(const struct plan_pool *pool);

#endif
