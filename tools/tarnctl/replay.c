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
 * @moment: the last one that was played; rates of the next are since then
 * @runs: it has begun
 */
static struct replay {
	struct history_query query;
	struct history_moment moment;
	bool runs;
} replay;

static int copy_row(struct sample *sample, size_t i,
		    const struct history_partition *item,
		    const struct history_partition *old, double seconds)
{
	/* A partition made since then started from nothing. */
	static const struct tarn_partition_info nothing;
	struct partition *part = &sample->list.items[i];
	struct sample_row *row = &sample->rows[i];

	*part = item->part;
	part->path = item->part.path ? strdup(item->part.path) : NULL;
	sample->list.count = i + 1;
	row->part = part;
	row->name = partition_name(part);
	if (!row->name || (item->part.path && !part->path))
		return -ENOMEM;
	strcpy(row->homes, item->homes);
	row->misplaced = item->misplaced;
	if (seconds > 0)
		sample_partition_rates(&row->rates, &part->info,
				       old ? &old->part.info : &nothing,
				       seconds);
	return 0;
}

int replay_fill(struct sample *sample, const struct history_moment *moment,
		const struct history_moment *before)
{
	double seconds = 0;
	size_t i;

	memset(sample, 0, sizeof(*sample));
	/* Counters of another mount begin anew. */
	if (before && !strcmp(before->pool.uuid, moment->pool.uuid))
		seconds = moment->time - before->time;
	sample->pool = moment->pool;
	sample->pool.mount = strdup(moment->pool.mount);
	sample->wall = moment->time;
	sample->time = sample_clock();
	sample->rows = calloc(moment->count + 1, sizeof(*sample->rows));
	sample->list.items = calloc(moment->count + 1,
				    sizeof(*sample->list.items));
	if (!sample->pool.mount || !sample->rows || !sample->list.items)
		goto err_free;
	for (i = 0; i < moment->count; i++) {
		const struct history_partition *item = &moment->items[i];

		if (copy_row(sample, i, item, seconds > 0 ?
			     history_moment_find(before, item->part.info.id) :
			     NULL, seconds))
			goto err_free;
	}
	if (seconds > 0)
		sample_pool_rates(&sample->rates, &moment->pool.info,
				  &before->pool.info, seconds);
	return 0;

err_free:
	sample_free(sample);
	return err_nomem();
}

static int replay_take(struct sample *sample, const struct sample *before)
{
	struct history_query *query = &replay.query;
	struct history_moment next;
	int ret;

	ret = history_next(query->history, query->period, query->mount,
			   before ? before->wall : query->since - 1, &next);
	if (ret < 0)
		return ret;
	if (!ret || next.time >= query->until) {
		if (ret)
			history_moment_free(&next);
		return -ENODATA;
	}
	ret = replay_fill(sample, &next, before ? &replay.moment : NULL);
	history_moment_free(&replay.moment);
	replay.moment = next;
	return ret;
}

bool replay_runs(void)
{
	return replay.runs;
}

int replay_begin(struct pool *pool, const char *name, const struct options *opts)
{
	struct history_moment first;
	int ret;

	ret = history_query_init(&replay.query, "tarnctl top", name, opts);
	if (ret)
		return ret;
	ret = history_next(replay.query.history, replay.query.period,
			   replay.query.mount, replay.query.since - 1, &first);
	if (ret > 0 && first.time < replay.query.until) {
		*pool = first.pool;
		first.pool.mount = NULL;
		history_moment_free(&first);
		replay.runs = true;
		sample_play(replay_take);
		return 0;
	}
	if (ret >= 0) {
		if (ret)
			history_moment_free(&first);
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
	history_query_exit(&replay.query);
	replay.runs = false;
}
