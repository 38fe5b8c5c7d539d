// SPDX-License-Identifier: GPL-2.0-only
/* See cost.h. */
#include <string.h>

#include "cost.h"

#define DISTANCE_LOCAL 10

static double sum_of(const double *of, size_t count)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += of[i];
	return sum;
}

/* ---- where threads run -------------------------------------------------- */

/* Threads that follow a home run there, or on the nearest node where they can. */
static size_t run_node(const struct decide *d, const struct decide_part *part,
		       size_t home)
{
	size_t best = home, i;
	bool found = false;

	for (i = 0; i < d->nr_nodes; i++) {
		if (d->nodes[i].cpus <= 0 ||
		    (part->may && !(part->may & 1ULL << i)))
			continue;
		if (found && d->distance[i][home] >= d->distance[best][home])
			continue;
		best = i;
		found = true;
	}
	return best;
}

/* By node, processors that it has busy there at a place, beside those of fixed threads. */
static void run_at(const struct decide *d, const struct decide_part *part,
		   const struct decide_place *place, double *run)
{
	uint64_t all = place_frames(d, place);
	double load = sum_of(part->ran, d->nr_nodes);
	size_t i;

	memset(run, 0, DECIDE_NODES * sizeof(*run));
	for (i = 0; all && load > 0 && i < d->nr_nodes; i++) {
		if (place->homes & 1ULL << i)
			run[run_node(d, part, i)] +=
				load * place->frames[i] / all;
	}
}

/* ---- memory ------------------------------------------------------------- */

static double accesses(const struct decide *d, const struct decide_part *part)
{
	double cpus = sum_of(part->ran, d->nr_nodes) +
		      sum_of(part->fixed, d->nr_nodes);
	double of_cpus = cpus * DECIDE_ACCESSES;
	double of_pages = part->hot * DECIDE_PAGE_ACCESSES;

	return of_cpus < of_pages ? of_cpus : of_pages;
}

/* Mean way of an access from where @run says to where @frames do, beyond the local one. */
static double far_away(const struct decide *d, const struct decide_part *part,
		       const double *run, const uint64_t *frames)
{
	double sum = 0, all = 0;
	size_t i, j;

	for (i = 0; i < d->nr_nodes; i++) {
		double from = run[i] + part->fixed[i];

		for (j = 0; from > 0 && j < d->nr_nodes; j++) {
			all += from * frames[j];
			sum += from * frames[j] *
			       ((double)d->distance[i][j] - DISTANCE_LOCAL);
		}
	}
	return all > 0 ? sum / all / DISTANCE_LOCAL : 0;
}

double cost_memory(const struct decide *d, const struct decide_part *part,
		   const struct decide_place *place)
{
	double run[DECIDE_NODES];

	run_at(d, part, place, run);
	return accesses(d, part) * DECIDE_ACCESS *
	       far_away(d, part, run, place->frames);
}

double cost_as_it_lies(const struct decide *d, const struct decide_part *part)
{
	return accesses(d, part) * DECIDE_ACCESS *
	       far_away(d, part, part->ran, part->resident);
}

/* ---- processors --------------------------------------------------------- */

static double waiting(const struct decide_node *n, double busy)
{
	double over = busy - DECIDE_BUSY * n->cpus;

	return over > 0 ? over : 0;
}

double cost_load(const struct plan *p, const struct decide_part *part,
		 const struct decide_place *place, double factor)
{
	double run[DECIDE_NODES], sum = 0;
	size_t i;

	run_at(p->d, part, place, run);
	for (i = 0; i < p->d->nr_nodes; i++) {
		const struct decide_node *n = &p->d->nodes[i];

		if (run[i] > 0)
			sum += waiting(n, p->busy[i] + factor * run[i]) -
			       waiting(n, p->busy[i]);
	}
	return sum;
}

void cost_run(struct plan *p, const struct decide_part *part, int sign)
{
	double run[DECIDE_NODES];
	size_t i;

	run_at(p->d, part, &part->then, run);
	for (i = 0; i < p->d->nr_nodes; i++)
		p->busy[i] += sign * run[i];
}

/* ---- moving ------------------------------------------------------------- */

/* Frames that a node can spare for a page that comes from another one. */
static uint64_t spare(const struct decide_node *n)
{
	return n->free > n->reserve ? n->free - n->reserve : 0;
}

/* Pages that are too many on some nodes go where they are missing, as far as they do. */
static uint64_t count_moves(const struct decide *d,
			    const struct decide_part *part,
			    const struct decide_place *place, uint64_t *late)
{
	uint64_t over = 0, under = 0, room = 0;
	size_t i;

	for (i = 0; i < d->nr_nodes; i++) {
		uint64_t has = part->resident[i], wanted = 0, lacks;

		if (place->homes & 1ULL << i)
			wanted = place->frames[i];
		if (has > wanted)
			over += has - wanted;
		lacks = wanted > has ? wanted - has : 0;
		under += lacks;
		room += lacks < spare(&d->nodes[i]) ? lacks :
						      spare(&d->nodes[i]);
	}
	if (over > under)
		over = under;
	*late = over > room ? over - room : 0;
	return over;
}

uint64_t cost_moves(const struct decide *d, const struct decide_part *part,
		    const struct decide_place *place)
{
	uint64_t late;

	return count_moves(d, part, place, &late);
}

double cost_moving(const struct decide *d, const struct decide_part *part,
		   const struct decide_place *place)
{
	uint64_t late, all = count_moves(d, part, place, &late);

	return (all - late) * DECIDE_MOVE + late * DECIDE_MOVE_FULL;
}

double cost_trading(const struct decide *d, const struct decide_part *part,
		    const struct decide_place *place)
{
	uint64_t late, all = count_moves(d, part, place, &late);

	return all * (late < all ? DECIDE_MOVE : DECIDE_MOVE_FULL);
}

/* ---- ties --------------------------------------------------------------- */

double cost_tie(const struct plan *p, const struct decide_part *part,
		const struct decide_place *place)
{
	const double little = 1e-7;
	double run[DECIDE_NODES], sum = 0;
	size_t i;

	run_at(p->d, part, place, run);
	for (i = 0; i < p->d->nr_nodes; i++) {
		const struct decide_node *n = &p->d->nodes[i];

		if (place->homes & 1ULL << i && n->frames)
			sum -= little * plan_room(p, i) / n->frames;
		if (run[i] > 0 && n->cpus > 0)
			sum += little * (p->busy[i] + run[i]) / n->cpus;
	}
	return sum;
}
