// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl top without a screen: tables for people, and for programs a line of CSV a
 * partition or a line of JSON an interval. The latter two have everything, exactly.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "csv.h"
#include "error.h"
#include "json.h"
#include "rates.h"
#include "replay.h"
#include "size.h"
#include "stamp.h"
#include "table.h"
#include "text.h"
#include "top.h"

/* ---- tables --------------------------------------------------------------- */

static int print_rows(const struct sample *sample, bool bytes)
{
	struct table_column heads[COLUMN_COUNT] = { 0 };
	struct table *table;
	enum column_id id;
	size_t i;
	int ret;

	for (id = 0; id < COLUMN_COUNT; id++) {
		heads[id].title = columns[id].title;
		heads[id].left = id == COLUMN_NAME || id == COLUMN_POOL;
		heads[id].rank = columns[id].rank;
		heads[id].extra = id == COLUMN_POOL && sample->nr_pools == 1;
	}
	table = table_create(heads, COLUMN_COUNT, NULL);
	if (!table)
		return err_nomem();
	for (i = 0; i < sample->nr_rows; i++) {
		for (id = 0; id < COLUMN_COUNT; id++) {
			char buf[SIZE_TEXT_MAX];

			table_cell(table, "%s",
				   column_text(id, &sample->rows[i], buf,
					       bytes));
		}
	}
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

static void print_head(const struct sample_pool *pool, time_t wall, bool bytes)
{
	const struct tarn_pool_info *info = &pool->pool.info;
	char size[SIZE_TEXT_MAX], left[SIZE_TEXT_MAX], logical[SIZE_TEXT_MAX];
	char ins[SIZE_TEXT_MAX], outs[SIZE_TEXT_MAX], when[STAMP_MAX];
	char *mount = text_clean(pool->pool.mount);

	printf("%s: %s, %s free, logical %s, %s, in %s pages/s, out %s pages/s, %s\n",
	       mount ? mount : "?",
	       size_format_pages(size, info->frames, bytes),
	       size_format_pages(left, info->free_frames, bytes),
	       size_format_pages(logical, info->logical_pages, bytes),
	       pool_state(info), rate_format(ins, pool->rates.page_ins),
	       rate_format(outs, pool->rates.page_outs),
	       stamp_full(when, wall));
	free(mount);
}

static int print_table(const struct sample *sample, unsigned int round,
		       const struct options *opts)
{
	size_t i;

	if (round)
		putchar('\n');
	for (i = 0; i < sample->nr_pools; i++)
		print_head(&sample->pools[i], sample->wall, opts->bytes);
	return print_rows(sample, opts->bytes);
}

/* ---- CSV ------------------------------------------------------------------ */

static void print_csv_row(const struct sample_row *row, const char *when)
{
	const struct tarn_partition_info *info = &row->part->info;

	printf("%s,", when);
	csv_text(stdout, row->in->pool.mount);
	printf(",%u,", info->id);
	csv_text(stdout, row->name);
	putchar(',');
	csv_text(stdout, row->part->path ? row->part->path : "");
	printf(",%d,%llu,%llu,%llu,%llu,%llu,", row->guest ? row->guest->pid : 0,
	       info->logical_pages, info->resident_pages, info->paged_pages,
	       info->working_set, info->fair_frames);
	csv_text(stdout, row->homes);
	printf(",%llu,", (unsigned long long)row->misplaced);
	rates_csv(stdout, &row->rates);
	putchar('\n');
}

static int print_csv(const struct sample *sample, unsigned int round)
{
	char when[STAMP_MAX];
	size_t i;

	if (!round)
		puts("time,pool,id,partition,path,pid,logical_pages,resident_pages,paged_pages,working_set,fair_frames,homes,misplaced_pages," RATES_CSV_TITLES);
	stamp_full(when, sample->wall);
	for (i = 0; i < sample->nr_rows; i++)
		print_csv_row(&sample->rows[i], when);
	return 0;
}

/* ---- JSON ----------------------------------------------------------------- */

static json_t *json_row(const struct sample_row *row)
{
	json_t *object = json_partition(row->part);

	if (object &&
	    !json_object_set_new(object, "pool",
				 json_text(row->in->pool.mount)) &&
	    !json_object_set_new(object, "guest", json_guest(row->guest)) &&
	    !json_object_set_new(object, "homes", json_string(row->homes)) &&
	    !json_object_set_new(object, "misplaced_pages",
				 json_integer(row->misplaced)) &&
	    !rates_json(object, &row->rates))
		return object;
	json_decref(object);
	return NULL;
}

static json_t *json_head(const struct sample_pool *pool)
{
	json_t *object = json_pool(&pool->pool);

	if (object && !rates_json(object, &pool->rates))
		return object;
	json_decref(object);
	return NULL;
}

static int print_json(const struct sample *sample)
{
	json_t *pools = json_array(), *rows = json_array();
	char when[STAMP_MAX];
	int ret = 0;
	size_t i;

	for (i = 0; i < sample->nr_pools; i++)
		ret |= json_array_append_new(pools,
					     json_head(&sample->pools[i]));
	for (i = 0; i < sample->nr_rows; i++)
		ret |= json_array_append_new(rows, json_row(&sample->rows[i]));
	if (ret) {
		json_decref(pools);
		json_decref(rows);
		return err_nomem();
	}
	return json_print(json_pack("{s:s, s:o, s:o}",
				    "time", stamp_full(when, sample->wall),
				    "pools", pools, "partitions", rows),
			  JSON_COMPACT);
}

/* ---- intervals ------------------------------------------------------------ */

static int print(const struct sample *sample, unsigned int round,
		 const struct options *opts)
{
	int ret;

	if (opts->json)
		ret = print_json(sample);
	else if (opts->csv)
		ret = print_csv(sample, round);
	else
		ret = print_table(sample, round, opts);
	return ret ? ret : err_stdout();
}

int top_batch(const struct pool_list *pools, enum column_id sort,
	      const struct options *opts)
{
	struct sample sample;
	unsigned int round;
	int ret;

	ret = sample_begin(&sample, pools, opts->filter);
	if (ret)
		return ret;
	for (round = 0; !ret && (!opts->count || round < opts->count);
	     round++) {
		/* What was is printed as fast as it is read. */
		if (!replay_runs())
			sample_sleep(sample.time, opts->delay);
		ret = sample_next(&sample, opts->filter);
		if (ret)
			break;
		column_sort(&sample, sort, opts->reverse);
		ret = print(&sample, round, opts);
	}
	sample_free(&sample);
	return ret == -ENODATA ? 0 : ret;
}
