// SPDX-License-Identifier: GPL-2.0-only
/*
 * See plan.h. Relative shares are filled like connected vessels: all get the same number
 * of steps for each unit of weight, but for those that would fall below the least or go
 * above the most that is possible. What does not come out even goes, a step each, to
 * those that lost most by rounding.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan.h"

/* An admin queue and one for I/O, and as many interrupts. */
#define LEAST 2

static int refuse(char *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, PLAN_WHY_MAX, fmt, args);
	va_end(args);
	return -EINVAL;
}

static uint32_t step_of(const struct plan_pool *pool)
{
	return pool->step ? pool->step : 1;
}

/* The most that one can have, whole steps. */
static uint32_t most_of(const struct plan_pool *pool)
{
	uint32_t most = pool->max && pool->max < pool->total ? pool->max : pool->total;

	return most - most % step_of(pool);
}

uint32_t plan_least(const struct plan_pool *pool)
{
	uint32_t step = step_of(pool), least = LEAST;

	/* Some adapters have a single vector for a function. */
	if (pool->max && pool->max < least)
		least = pool->max;
	return (least + step - 1) / step * step;
}

static uint64_t taken(const struct plan_group *groups, size_t count, enum resource r)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += groups[i].gets.of[r];
	return sum;
}

/* ---- one group ---------------------------------------------------------------- */

static int check_one(const struct plan_pool *pool, const char *name, enum resource r,
		     uint32_t count, char *why)
{
	const char *what = resource_name(r);

	if (count % step_of(pool))
		return refuse(why, "group '%s' wants %u %s; this adapter gives them out by %u: write %u or %u",
			      name, count, what, step_of(pool), count - count % step_of(pool),
			      count - count % step_of(pool) + step_of(pool));
	if (count < plan_least(pool))
		return refuse(why, "group '%s' would have %u %s; a virtual function needs %u at least%s",
			      name, count, what, plan_least(pool),
			      r == RESOURCE_QUEUES ? ": one for its administration and one for I/O" : "");
	if (pool->max && count > pool->max)
		return refuse(why, "group '%s' wants %u %s; a virtual function of this adapter can have %u",
			      name, count, what, pool->max);
	return 0;
}

static void give_absolute(const struct plan_adapter *adapter, struct plan_group *group)
{
	const struct plan_pool *pool = &adapter->pools[RESOURCE_INTERRUPTS];
	uint32_t *interrupts = &group->gets.of[RESOURCE_INTERRUPTS];

	group->gets = group->want;
	if (*interrupts)
		return;
	*interrupts = group->want.of[RESOURCE_QUEUES];
	if (*interrupts > most_of(pool))
		*interrupts = most_of(pool);
	*interrupts -= *interrupts % step_of(pool);
	if (*interrupts < plan_least(pool))
		*interrupts = plan_least(pool);
}

/* ---- relative shares ---------------------------------------------------------- */

/**
 * struct vessel - a relative share while it is filled
 * @group: whose it is
 * @gets: steps so far
 * @least: steps that it needs
 * @most: steps that it can have
 * @full: it has its least or its most, and is not looked at any more
 * @rest: what rounding has taken from it
 */
struct vessel {
	struct plan_group *group;
	uint64_t gets;
	uint64_t least;
	uint64_t most;
	bool full;
	uint64_t rest;
};

static uint64_t weight_of_open(const struct vessel *vessels, size_t count)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += vessels[i].full ? 0 : vessels[i].group->weight;
	return sum;
}

/*
 * How much all parts of @left would grow if each went to its nearest limit, in parts of a
 * step by @weight. Which limit comes first depends on the sign: those settled at their
 * least leave less for others, of whom some are not above their most then.
 */
static int64_t violation(const struct vessel *vessels, size_t count, uint64_t left,
			 uint64_t weight)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct vessel *v = &vessels[i];
		uint64_t part = left * v->group->weight;

		if (v->full)
			continue;
		if (part < v->least * weight)
			sum += v->least * weight - part;
		else if (part > v->most * weight)
			sum -= part - v->most * weight;
	}
	return sum;
}

/* Settle whose part is beyond the limit that comes first. Return: whether there was one. */
static bool settle(struct vessel *vessels, size_t count, uint64_t *left)
{
	uint64_t weight = weight_of_open(vessels, count), settled = 0;
	int64_t sum = violation(vessels, count, *left, weight);
	bool any = false;
	size_t i;

	for (i = 0; i < count; i++) {
		struct vessel *v = &vessels[i];
		uint64_t part = *left * v->group->weight;
		bool low = sum >= 0 && part < v->least * weight;
		bool high = sum <= 0 && part > v->most * weight;

		if (v->full || (!low && !high))
			continue;
		v->full = any = true;
		v->gets = low ? v->least : v->most;
		settled += v->gets;
	}
	*left -= settled;
	return any;
}

/* Whether @a is to get a step that is left over rather than @b, which may be NULL. */
static bool goes_first(const struct vessel *a, const struct vessel *b)
{
	return a->gets < a->most && a->rest && (!b || a->rest > b->rest);
}

static void fill(struct vessel *vessels, size_t count, uint64_t left)
{
	uint64_t weight, given = 0;
	size_t i;

	while (settle(vessels, count, &left))
		continue;
	weight = weight_of_open(vessels, count);
	if (!weight)
		return;
	for (i = 0; i < count; i++) {
		struct vessel *v = &vessels[i];

		if (v->full)
			continue;
		v->gets = left * v->group->weight / weight;
		v->rest = left * v->group->weight % weight;
		given += v->gets;
	}
	for (; given < left; given++) {
		struct vessel *first = NULL;

		for (i = 0; i < count; i++) {
			if (!vessels[i].full && goes_first(&vessels[i], first))
				first = &vessels[i];
		}
		if (!first)
			break;
		first->gets++;
		first->rest = 0;
	}
}

static size_t collect(const struct plan_pool *pool, struct plan_group *groups, size_t count,
		      struct vessel *vessels)
{
	size_t i, nr = 0;

	for (i = 0; i < count; i++) {
		if (groups[i].held || groups[i].share != PLAN_RELATIVE)
			continue;
		vessels[nr++] = (struct vessel){
			.group = &groups[i],
			.least = plan_least(pool) / step_of(pool),
			.most = most_of(pool) / step_of(pool),
		};
	}
	return nr;
}

/* Of the spare ones, what nobody who came first has yet. */
static uint64_t spare_left(const struct plan_pool *pool, const struct plan_group *groups,
			   size_t count, enum resource r)
{
	uint64_t first = 0;
	size_t i;

	for (i = 0; i < count; i++)
		first += groups[i].share == PLAN_FIRST_COME ? groups[i].gets.of[r] : 0;
	return first < pool->spare ? pool->spare - first : 0;
}

static int give_relative(const struct plan_pool *pool, struct plan_group *groups,
			 size_t count, enum resource r, char *why)
{
	uint64_t spare = spare_left(pool, groups, count, r);
	uint64_t used = taken(groups, count, r) + spare, left;
	struct vessel *vessels = calloc(count, sizeof(*vessels));
	size_t i, nr;

	if (!vessels)
		return refuse(why, "out of memory");
	nr = collect(pool, groups, count, vessels);
	left = used < pool->total ? pool->total - used : 0;
	if (nr * plan_least(pool) > left) {
		refuse(why, "%zu group%s with a relative share need%s %llu %s at least; %llu of %u are left%s",
		       nr, nr == 1 ? "" : "s", nr == 1 ? "s" : "",
		       (unsigned long long)nr * plan_least(pool), resource_name(r),
		       (unsigned long long)left, pool->total,
		       spare ? " beside the spare ones" : "");
		free(vessels);
		return -EINVAL;
	}
	fill(vessels, nr, left / step_of(pool));
	for (i = 0; i < nr; i++)
		vessels[i].group->gets.of[r] = vessels[i].gets * step_of(pool);
	free(vessels);
	return 0;
}

/* ---- the whole ---------------------------------------------------------------- */

int plan_check(const struct plan_adapter *adapter, const struct plan_group *groups,
	       size_t count, char *why)
{
	enum resource r;
	size_t i;

	if (count > adapter->vfs)
		return refuse(why, "there are %zu groups and %u virtual functions; each group needs one of its own",
			      count, adapter->vfs);
	for_each_resource(r) {
		const struct plan_pool *pool = &adapter->pools[r];

		for (i = 0; !adapter->whole && i < count; i++) {
			if (groups[i].share == PLAN_FIRST_COME && !groups[i].gets.of[r])
				continue;
			if (!groups[i].held && check_one(pool, groups[i].name, r,
							 groups[i].gets.of[r], why))
				return -EINVAL;
		}
		if (taken(groups, count, r) > pool->total)
			return refuse(why, "groups want %llu %s in all; this adapter has %u to give",
				      (unsigned long long)taken(groups, count, r),
				      resource_name(r), pool->total);
	}
	return 0;
}

/* Each gets a whole function, whose resources are its own. */
static int plan_whole(const struct plan_adapter *adapter, struct plan_group *groups,
		      size_t count, char *why)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (groups[i].share == PLAN_ABSOLUTE)
			return refuse(why, "group '%s' has an absolute share; the functions of this adapter can be had whole only: take share= away",
				      groups[i].name);
		groups[i].gets = (struct amount){ 0 };
	}
	return plan_check(adapter, groups, count, why);
}

int plan(const struct plan_adapter *adapter, struct plan_group *groups, size_t count,
	 char *why)
{
	enum resource r;
	size_t i;
	int ret = 0;

	if (adapter->whole)
		return plan_whole(adapter, groups, count, why);
	for (i = 0; i < count; i++) {
		if (groups[i].held)
			continue;
		groups[i].gets = (struct amount){ 0 };
		if (groups[i].share == PLAN_ABSOLUTE)
			give_absolute(adapter, &groups[i]);
	}
	for_each_resource(r) {
		if (!ret && taken(groups, count, r) <= adapter->pools[r].total)
			ret = give_relative(&adapter->pools[r], groups, count, r, why);
	}
	return ret ? ret : plan_check(adapter, groups, count, why);
}

int plan_first(const struct plan_adapter *adapter, struct plan_group *groups,
	       size_t count, struct plan_group *first, char *why)
{
	enum resource r;

	first->gets = (struct amount){ 0 };
	if (adapter->whole)
		return 0;
	for_each_resource(r) {
		const struct plan_pool *pool = &adapter->pools[r];
		uint64_t used = taken(groups, count, r);
		uint32_t left = used < pool->total ? pool->total - used : 0;

		if (first->want.of[r] && first->want.of[r] < left)
			left = first->want.of[r];
		if (left > most_of(pool))
			left = most_of(pool);
		left -= left % step_of(pool);
		if (left < plan_least(pool)) {
			first->gets = (struct amount){ 0 };
			return refuse(why, "group '%s' comes too late: %u %s are left, and it needs %u",
				      first->name, left, resource_name(r), plan_least(pool));
		}
		first->gets.of[r] = left;
	}
	return 0;
}
