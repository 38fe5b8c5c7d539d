// SPDX-License-Identifier: GPL-2.0-only
/* See plan.h. */
#include <string.h>

#include "cost.h"
#include "plan.h"

static uint64_t least_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- what a partition needs --------------------------------------------- */

static uint64_t resident(const struct decide_part *part)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < DECIDE_NODES; i++)
		sum += part->resident[i];
	return sum;
}

static uint64_t most(const struct decide_part *part)
{
	uint64_t all = part->logical;

	if (part->desired)
		all = least_of(all, most_of(part->desired, part->min));
	return most_of(all, 1);
}

uint64_t need_now(const struct decide_part *part)
{
	uint64_t uses = most_of(resident(part), part->working_set);

	return least_of(most(part), most_of(most_of(uses, part->min), 1));
}

uint64_t need_least(const struct decide_part *part)
{
	uint64_t now = need_now(part);

	return least_of(most(part), now + now / 8);
}

static uint64_t want_with(const struct decide_part *part, unsigned int growth)
{
	uint64_t least = need_least(part);

	return least + (most(part) - least) / 8 * growth;
}

uint64_t need_want(const struct plan *p, const struct decide_part *part)
{
	return want_with(part, p->growth);
}

/* ---- promises ----------------------------------------------------------- */

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t plan_room(const struct plan *p, size_t node)
{
	const struct decide_node *n = &p->d->nodes[node];

	return minus(n->frames, n->reserve + p->claimed[node] +
				p->promised[node]);
}

uint64_t plan_room_all(const struct plan *p)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->d->nr_nodes; i++)
		sum += plan_room(p, i);
	return sum;
}

/*
 * What others have placed, or nobody: a number that was set; without one as much of
 * what is needed as of all homes together; without homes what lies there.
 */
static void claim(struct plan *p, const struct decide_part *part)
{
	unsigned int homes = __builtin_popcountll(part->now.homes);
	size_t i;

	for (i = 0; i < p->d->nr_nodes; i++) {
		if (!homes)
			p->claimed[i] += part->resident[i];
		else if (!(part->now.homes & 1ULL << i))
			continue;
		else if (part->now.frames[i])
			p->claimed[i] += part->now.frames[i];
		else
			p->claimed[i] += need_least(part) / homes;
	}
}

static void change(struct plan *p, const struct decide_part *part, int sign)
{
	size_t i;

	for (i = 0; i < p->d->nr_nodes; i++) {
		if (part->then.homes & 1ULL << i)
			p->promised[i] += sign * (int64_t)part->then.frames[i];
	}
	cost_run(p, part, sign);
}

void plan_add(struct plan *p, const struct decide_part *part)
{
	change(p, part, 1);
}

void plan_remove(struct plan *p, const struct decide_part *part)
{
	change(p, part, -1);
}

static bool all_fit(const struct plan *p, unsigned int growth)
{
	uint64_t sum = 0, room = 0;
	size_t i;

	for (i = 0; i < p->d->nr_nodes; i++)
		room += minus(p->d->nodes[i].frames,
			      p->d->nodes[i].reserve + p->claimed[i]);
	for (i = 0; i < p->d->nr_parts; i++) {
		if (p->d->parts[i].automatic)
			sum += want_with(&p->d->parts[i], growth);
	}
	return sum <= room;
}

void plan_init(struct plan *p, struct decide *d)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	p->d = d;
	for (i = 0; i < d->nr_nodes; i++)
		p->busy[i] = d->nodes[i].busy;
	for (i = 0; i < d->nr_parts; i++) {
		struct decide_part *part = &d->parts[i];

		if (!part->automatic) {
			claim(p, part);
			continue;
		}
		part->then = part->now;
		if (part->now.homes)
			plan_add(p, part);
	}
	p->growth = 8;
	while (p->growth && !all_fit(p, p->growth))
		p->growth--;
}

/* ---- places ------------------------------------------------------------- */

uint64_t place_frames(const struct decide *d, const struct decide_place *place)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < d->nr_nodes; i++) {
		if (place->homes & 1ULL << i)
			sum += place->frames[i];
	}
	return sum;
}

/* The home with least room that has not got anything yet. */
static size_t fullest(const struct plan *p, uint64_t homes)
{
	size_t best = DECIDE_NODES, i;

	for (i = 0; i < p->d->nr_nodes; i++) {
		if (homes & 1ULL << i &&
		    (best == DECIDE_NODES ||
		     plan_room(p, i) < plan_room(p, best)))
			best = i;
	}
	return best;
}

void place_fill(const struct plan *p, uint64_t want, struct decide_place *place)
{
	unsigned int left = __builtin_popcountll(place->homes);
	uint64_t open = place->homes;

	memset(place->frames, 0, sizeof(place->frames));
	for (; left; left--) {
		size_t i = fullest(p, open);

		open &= ~(1ULL << i);
		place->frames[i] = least_of(plan_room(p, i),
					    (want + left - 1) / left);
		want -= place->frames[i];
		/* To the module nothing would be no number. */
		if (!place->frames[i])
			place->homes &= ~(1ULL << i);
	}
}

/* The node nearest to all of a set that has room; of such, the one with most. */
static size_t nearest(const struct plan *p, uint64_t homes)
{
	const struct decide *d = p->d;
	size_t best = DECIDE_NODES, i, j;
	unsigned int least = 0;

	for (i = 0; i < d->nr_nodes; i++) {
		unsigned int sum = 0;

		if (homes & 1ULL << i || !plan_room(p, i))
			continue;
		for (j = 0; j < d->nr_nodes; j++) {
			if (homes & 1ULL << j)
				sum += d->distance[j][i] + d->distance[i][j];
		}
		if (best != DECIDE_NODES &&
		    (sum > least ||
		     (sum == least && plan_room(p, i) <= plan_room(p, best))))
			continue;
		best = i;
		least = sum;
	}
	return best;
}

size_t place_from(const struct plan *p, const struct decide_part *part,
		  size_t first, struct decide_place *place)
{
	uint64_t room = plan_room(p, first), need = need_least(part);
	size_t count = 1, next;

	memset(place, 0, sizeof(*place));
	if (!room)
		return 0;
	place->homes = 1ULL << first;
	for (; room < need; room += plan_room(p, next), count++) {
		next = nearest(p, place->homes);
		if (next == DECIDE_NODES)
			break;
		place->homes |= 1ULL << next;
	}
	place_fill(p, need_want(p, part), place);
	return count;
}

size_t place_fewest(const struct plan *p, const struct decide_part *part)
{
	size_t least = 0, i, count;
	struct decide_place place;

	for (i = 0; i < p->d->nr_nodes; i++) {
		count = place_from(p, part, i, &place);
		if (count && (!least || count < least))
			least = count;
	}
	return least;
}
