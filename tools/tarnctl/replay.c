// SPDX-License-Identifier: GPL-2.0-only
/* See replay.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "history_query.h"
#include "replay.h"

/**
 * struct replay - what is played
 * @query: which part of the history
 * @moment: the last one that was played
 * @before: the one before: rates are since then
 * @runs: it has begun
 * @plays: @moment is there
 * @goes_on: @before is there
 */
static struct replay {
	struct history_query query;
	struct history_moment moment;
	struct history_moment before;
	bool runs;
	bool plays;
	bool goes_on;
} replay;

/* ---- samples ------------------------------------------------------------ */

static char *copy_text(const char *text, int *ret)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		*ret = -ENOMEM;
	return copy;
}

static int copy_partition(struct sample_pool *pool,
			  const struct history_partition *item)
{
	struct partition *part = &pool->list.items[pool->list.count++];
	int ret = 0;

	*part = item->part;
	part->path = copy_text(item->part.path, &ret);
	part->name = copy_text(item->part.name, &ret);
	part->guest = copy_text(item->part.guest, &ret);
	return ret;
}

static int add_row(struct sample *sample, const struct history_partition *item,
		   const struct history_partition *old, double seconds)
{
	/* A partition made since then started from nothing. */
	static const struct tarn_partition_info nothing;
	struct sample_row *row = &sample->rows[sample->nr_rows];
	struct sample_pool *pool = &sample->pools[0];

	*row = (struct sample_row){
		.name = partition_name(&item->part),
		.in = pool,
		.part = &pool->list.items[pool->list.count - 1],
		.misplaced = item->misplaced,
	};
	if (!row->name)
		return -ENOMEM;
	sample->nr_rows++;
	strcpy(row->homes, item->homes);
	if (seconds > 0)
		sample_partition_rates(&row->rates, &item->part.info,
				       old ? &old->part.info : &nothing,
				       seconds);
	return 0;
}

static int allocate(struct sample *sample, const struct history_moment *moment)
{
	struct sample_pool *pool = calloc(2, sizeof(*pool));

	memset(sample, 0, sizeof(*sample));
	sample->pools = pool;
	if (!pool)
		return -ENOMEM;
	sample->nr_pools = 1;
	pool->pool = moment->pool;
	pool->pool.mount = strdup(moment->pool.mount);
	pool->list.items = calloc(moment->count + 1, sizeof(*pool->list.items));
	sample->rows = calloc(moment->count + 1, sizeof(*sample->rows));
	return pool->pool.mount && pool->list.items && sample->rows ? 0 : -ENOMEM;
}

int replay_fill(struct sample *sample, const struct history_moment *moment,
		const struct history_moment *before, const char *filter)
{
	double seconds = 0;
	size_t i;
	int ret = allocate(sample, moment);

	/* Counters of another mount begin anew. */
	if (before && !strcmp(before->pool.uuid, moment->pool.uuid))
		seconds = moment->time - before->time;
	sample->wall = moment->time;
	sample->time = sample_clock();
	for (i = 0; !ret && i < moment->count; i++) {
		const struct history_partition *item = &moment->items[i];

		ret = copy_partition(&sample->pools[0], item);
		if (!ret && sample_passes(&item->part, filter))
			ret = add_row(sample, item, seconds > 0 ?
				history_moment_find(before, item->part.info.id) :
				NULL, seconds);
	}
	if (ret) {
		sample_free(sample);
		return err_nomem();
	}
	if (seconds > 0)
		sample_pool_rates(&sample->pools[0].rates, &moment->pool.info,
				  &before->pool.info, seconds);
	return 0;
}

static int fill(struct sample *sample, const char *filter)
{
	return replay_fill(sample, &replay.moment,
			   replay.goes_on ? &replay.before : NULL, filter);
}

/* Whatever the sample before has: it may be one that was made again. */
static int replay_take(struct sample *sample, const struct sample *before,
		       const char *filter)
{
	struct history_query *query = &replay.query;
	struct history_moment next;
	int ret;

	ret = history_next(query->history, query->period, query->mount,
			   replay.plays ? replay.moment.time : query->since - 1,
			   &next);
	if (ret < 0)
		return ret;
	if (!ret || next.time >= query->until) {
		if (ret)
			history_moment_free(&next);
		return -ENODATA;
	}
	history_moment_free(&replay.before);
	replay.before = replay.moment;
	replay.goes_on = replay.plays;
	replay.moment = next;
	replay.plays = true;
	return fill(sample, filter);
}

int replay_again(struct sample *sample, const char *filter)
{
	struct sample again;
	int ret = fill(&again, filter);

	if (ret)
		return ret;
	sample_free(sample);
	*sample = again;
	return 0;
}

/* ---- the whole ---------------------------------------------------------- */

bool replay_runs(void)
{
	return replay.runs;
}

int replay_begin(const char *name, const struct options *opts)
{
	struct history_moment first;
	int ret;

	ret = history_query_init(&replay.query, "tarnctl top", name, opts);
	if (ret)
		return ret;
	ret = history_next(replay.query.history, replay.query.period,
			   replay.query.mount, replay.query.since - 1, &first);
	if (ret > 0) {
		bool found = first.time < replay.query.until;

		history_moment_free(&first);
		if (found) {
			replay.runs = true;
			sample_play(replay_take);
			return 0;
		}
	}
	if (ret >= 0) {
		err("the history has nothing of %s of that time",
		    replay.query.mount);
		ret = -ENODATA;
	}
	replay_end();
	return ret;
}

void replay_end(void)
{
	sample_play(NULL);
	history_moment_free(&replay.moment);
	history_moment_free(&replay.before);
	history_query_exit(&replay.query);
	memset(&replay, 0, sizeof(replay));
}
