// SPDX-License-Identifier: GPL-2.0-only
/*
 * First all partitions keep the homes that they have, if what they need is there.
 * Those that have none are given some, the largest first. Then whatever move saves
 * most is made, and the next one, until none pays. So a change of load moves the
 * partition with which that is mended best, and not all of them.
 */
#include <math.h>
#include <string.h>

#include "cost.h"
#include "decide.h"
#include "plan.h"

/**
 * struct move - one that may be made
 * @saves: seconds until the horizon, what it costs is taken off
 * @part: which partition; NULL: no move is worth it
 * @place: where to
 * @other: that goes where @part was, or NULL
 * @other_place: where to
 */
struct move {
	double saves;
	struct decide_part *part;
	struct decide_place place;
	struct decide_part *other;
	struct decide_place other_place;
};

/* ---- those that have no homes ------------------------------------------- */

/* Seconds until the horizon. What is missing there will be elsewhere. */
static double price(const struct plan *p, const struct decide_part *part,
		    const struct decide_place *place)
{
	uint64_t want = need_want(p, part), has = place_frames(p->d, place);
	double load = cost_load(p, part, place, 1) +
		      cost_memory(p->d, part, place);

	return load * DECIDE_HORIZON + cost_moving(p->d, part, place) +
	       (want > has ? want - has : 0) * DECIDE_MOVE +
	       cost_tie(p, part, place);
}

static void choose(struct plan *p, struct decide_part *part,
		   enum decide_reason reason)
{
	size_t least = place_fewest(p, part), i;
	struct decide_place place;
	double best = INFINITY, all;

	part->reason = least ? reason : DECIDE_FULL;
	if (!least)
		return;
	for (i = 0; i < p->d->nr_nodes; i++) {
		if (place_from(p, part, i, &place) != least)
			continue;
		all = price(p, part, &place);
		if (all >= best)
			continue;
		best = all;
		part->then = place;
	}
	plan_add(p, part);
}

static struct decide_part *largest_without(struct decide *d)
{
	struct decide_part *best = NULL;
	size_t i;

	for (i = 0; i < d->nr_parts; i++) {
		struct decide_part *p = &d->parts[i];

		if (p->automatic && !p->then.homes &&
		    p->reason != DECIDE_FULL &&
		    (!best || need_least(p) > need_least(best)))
			best = p;
	}
	return best;
}

/* ---- those that have ---------------------------------------------------- */

static bool fits(const struct plan *p, const struct decide_place *place)
{
	size_t i;

	for (i = 0; i < p->d->nr_nodes; i++) {
		if (place->frames[i] > plan_room(p, i))
			return false;
	}
	return true;
}

/* A number is set anew only if it is too small, or much too large. */
static void keep(struct plan *p, struct decide_part *part)
{
	uint64_t has = place_frames(p->d, &part->now), room = 0, want;
	size_t i;

	plan_remove(p, part);
	for (i = 0; i < p->d->nr_nodes; i++) {
		if (part->now.homes & 1ULL << i)
			room += plan_room(p, i);
	}
	/* Elsewhere it would have what it needs. */
	if (room < need_now(part) && plan_room_all(p) >= need_now(part)) {
		part->then = (struct decide_place){ 0 };
		return;
	}
	want = need_want(p, part);
	if (!fits(p, &part->now) || has < need_least(part) ||
	    has > want + want / 4) {
		place_fill(p, want, &part->then);
		if (memcmp(&part->then, &part->now, sizeof(part->now)))
			part->reason = DECIDE_SIZE;
	}
	plan_add(p, part);
}

static bool may_move(const struct decide_part *part)
{
	return part->automatic && (part->reason == DECIDE_GOOD ||
				   part->reason == DECIDE_SIZE);
}

static void consider(struct move *best, const struct move *m)
{
	if (m->saves > best->saves)
		*best = *m;
}

/* What it saves to be at @place, as if that was not quite as good. */
static double saved(struct plan *p, const struct decide_part *part,
		    const struct decide_place *place, double moving)
{
	double now = cost_memory(p->d, part, &part->then) +
		     cost_load(p, part, &part->then, 1);
	double then = DECIDE_MARGIN * cost_memory(p->d, part, place) +
		      cost_load(p, part, place, DECIDE_MARGIN);

	return (now - then) * DECIDE_HORIZON - DECIDE_PAYS * moving;
}

/* Places for it alone; it is not in @p now. */
static void try_places(struct plan *p, struct decide_part *part,
		       struct move *best)
{
	size_t least = place_fewest(p, part), i, count;

	for (i = 0; i < p->d->nr_nodes; i++) {
		struct move m = { .part = part };

		count = place_from(p, part, i, &m.place);
		if (!count || count > least ||
		    m.place.homes == part->then.homes)
			continue;
		m.saves = saved(p, part, &m.place,
				cost_moving(p->d, part, &m.place));
		consider(best, &m);
	}
}

/* Two that each have the other one's home, and need no other. */
static void try_swap(struct plan *p, struct decide_part *a,
		     struct decide_part *b, struct move *best)
{
	struct move m = { .part = a, .other = b };
	bool good;

	m.place.homes = b->then.homes;
	m.other_place.homes = a->then.homes;
	if (m.place.homes == m.other_place.homes ||
	    !place_is_single(m.place.homes) || !place_is_single(m.other_place.homes))
		return;
	plan_remove(p, b);
	place_fill(p, need_want(p, a), &m.place);
	place_fill(p, need_want(p, b), &m.other_place);
	good = place_frames(p->d, &m.place) >= need_least(a) &&
	       place_frames(p->d, &m.other_place) >= need_least(b);
	if (good)
		m.saves = saved(p, a, &m.place,
				cost_trading(p->d, a, &m.place)) +
			  saved(p, b, &m.other_place,
				cost_trading(p->d, b, &m.other_place));
	plan_add(p, b);
	if (good)
		consider(best, &m);
}

static void try_part(struct plan *p, struct decide_part *part,
		     struct move *best)
{
	size_t i;

	plan_remove(p, part);
	try_places(p, part, best);
	for (i = 0; i < p->d->nr_parts; i++) {
		struct decide_part *other = &p->d->parts[i];

		if (other > part && may_move(other) &&
		    other->age >= DECIDE_REST)
			try_swap(p, part, other, best);
	}
	plan_add(p, part);
}

static enum decide_reason reason_of(struct plan *p,
				    const struct decide_part *part,
				    const struct decide_place *place)
{
	double memory = cost_memory(p->d, part, &part->then) -
			cost_memory(p->d, part, place);

	return memory >= cost_load(p, part, &part->then, 1) -
				 cost_load(p, part, place, 1) ?
		       DECIDE_NEARER : DECIDE_LOAD;
}

static void make(struct plan *p, struct move *m)
{
	plan_remove(p, m->part);
	if (m->other) {
		plan_remove(p, m->other);
		m->other->then = m->other_place;
		m->other->reason = DECIDE_SWAP;
		plan_add(p, m->other);
	}
	m->part->reason = reason_of(p, m->part, &m->place);
	m->part->then = m->place;
	plan_add(p, m->part);
}

/* The best move of all. One that must not be made yet is told of. */
static void find_move(struct plan *p, struct move *best)
{
	size_t i;

	*best = (struct move){ 0 };
	for (i = 0; i < p->d->nr_parts; i++) {
		struct decide_part *part = &p->d->parts[i];
		struct move would = { 0 };

		if (!may_move(part))
			continue;
		if (part->age >= DECIDE_REST) {
			try_part(p, part, best);
			continue;
		}
		try_part(p, part, &would);
		if (would.part)
			part->reason = DECIDE_RESTS;
	}
}

/* ---- all ---------------------------------------------------------------- */

static void tell(struct decide *d, struct decide_part *part)
{
	part->cost = part->now.homes ? cost_memory(d, part, &part->now) :
				       cost_as_it_lies(d, part);
	part->cost_then = cost_memory(d, part, &part->then);
	part->moves = cost_moves(d, part, &part->then);
	part->moving = cost_moving(d, part, &part->then);
}

void decide(struct decide *d)
{
	struct decide_part *part;
	struct plan p;
	struct move m;
	size_t i;

	plan_init(&p, d);
	for (i = 0; i < d->nr_parts; i++) {
		d->parts[i].reason = DECIDE_GOOD;
		if (d->parts[i].automatic && d->parts[i].now.homes)
			keep(&p, &d->parts[i]);
	}
	while ((part = largest_without(d)))
		choose(&p, part, part->now.homes ? DECIDE_ROOM : DECIDE_NEW);
	/* Each partition is moved once at most. */
	for (find_move(&p, &m); m.part; find_move(&p, &m))
		make(&p, &m);
	for (i = 0; i < d->nr_parts; i++) {
		if (d->parts[i].automatic)
			tell(d, &d->parts[i]);
	}
}

bool decide_changes(const struct decide_part *part)
{
	return part->automatic &&
	       memcmp(&part->now, &part->then, sizeof(part->now));
}
