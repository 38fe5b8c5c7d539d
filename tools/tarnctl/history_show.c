// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl history: what tarn-logd has kept, as a table, JSON or CSV. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "commands.h"
#include "csv.h"
#include "error.h"
#include "field.h"
#include "history_query.h"
#include "json.h"
#include "latency.h"
#include "replay.h"
#include "stamp.h"
#include "table.h"
#include "text.h"

#define EVENTS_MAX 10000

/**
 * struct shower - what is shown
 * @opts: of the command line
 * @query: which part of the history
 * @table: lines of the table, NULL where there is none
 * @headed: the first line of CSV is written
 */
struct shower {
	const struct options *opts;
	struct history_query query;
	struct table *table;
	bool headed;
};

static bool is_wanted(const struct options *opts,
		      const struct history_partition *item)
{
	const char *pattern = opts->partition;

	return (item->part.path && !fnmatch(pattern, item->part.path, 0)) ||
	       (item->part.name && !fnmatch(pattern, item->part.name, 0)) ||
	       (item->part.guest && !fnmatch(pattern, item->part.guest, 0));
}

/* ---- the table ---------------------------------------------------------- */

static const struct table_column pool_columns[] = {
	{ .title = "TIME", .left = true, .whole = true },
	{ .title = "FREE" },
	{ .title = "RESIDENT" },
	{ .title = "PAGED" },
	{ .title = "IN/s" },
	{ .title = "OUT/s" },
	{ .title = "REFLT/s", .rank = 2 },
	{ .title = "WAIT/s", .rank = 1 },
	{ .title = "P50", .rank = 4 },
	{ .title = "P99", .rank = 3 },
	{ .title = "PAGING", .left = true, .whole = true },
	{ .title = "LOGICAL", .extra = true },
	{ .title = "DROP/s", .extra = true },
};

static const struct table_column partition_columns[] = {
	{ .title = "TIME", .left = true, .whole = true },
	{ .title = "RESIDENT" },
	{ .title = "PAGED" },
	{ .title = "WSS" },
	{ .title = "IN/s" },
	{ .title = "OUT/s" },
	{ .title = "REFLT/s", .rank = 1 },
	{ .title = "P50", .rank = 3 },
	{ .title = "P99", .rank = 2 },
	{ .title = "PARTITION", .left = true },
	{ .title = "LOGICAL", .extra = true },
	{ .title = "WAIT/s", .extra = true },
	{ .title = "DROP/s", .extra = true },
	{ .title = "HOMES", .left = true, .extra = true },
	{ .title = "MISPLACED", .extra = true },
	{ .title = "FILE", .left = true, .extra = true },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void cell_latency(const struct shower *s, uint64_t ns)
{
	if (ns)
		table_time(s->table, ns);
	else
		table_cell(s->table, "-");
}

static void add_pool_line(const struct shower *s, const struct sample *sample)
{
	const struct tarn_pool_info *info = &sample->pools[0].pool.info;
	const struct sample_rates *rates = &sample->pools[0].rates;
	char when[STAMP_MAX];

	table_cell(s->table, "%s", stamp_date(when, sample->wall));
	table_pages(s->table, info->free_frames);
	table_pages(s->table, info->resident_pages);
	table_pages(s->table, info->paged_pages);
	table_rate(s->table, rates->page_ins);
	table_rate(s->table, rates->page_outs);
	table_rate(s->table, rates->refaults);
	table_rate(s->table, rates->waits);
	cell_latency(s, rates->p50);
	cell_latency(s, rates->p99);
	table_cell(s->table, "%s", pool_state(info));
	table_pages(s->table, info->logical_pages);
	table_rate(s->table, rates->drops);
}

static void add_partition_line(const struct shower *s, int64_t time,
			       const struct sample_row *row)
{
	const struct tarn_partition_info *info = &row->part->info;
	const struct sample_rates *rates = &row->rates;
	char when[STAMP_MAX];

	table_cell(s->table, "%s", stamp_date(when, time));
	table_pages(s->table, info->resident_pages);
	table_pages(s->table, info->paged_pages);
	table_pages(s->table, info->working_set);
	table_rate(s->table, rates->page_ins);
	table_rate(s->table, rates->page_outs);
	table_rate(s->table, rates->refaults);
	cell_latency(s, rates->p50);
	cell_latency(s, rates->p99);
	table_cell(s->table, "%s", row->name);
	table_pages(s->table, info->logical_pages);
	table_rate(s->table, rates->waits);
	table_rate(s->table, rates->drops);
	table_cell(s->table, "%s", row->homes);
	table_pages(s->table, row->misplaced);
	table_cell(s->table, "%s", row->part->path ? row->part->path : "-");
}

static int add_lines(struct shower *s, const struct history_moment *moment,
		     const struct history_moment *before)
{
	struct sample sample;
	size_t i;
	int ret;

	/* The first one has nothing before it that it could be compared with. */
	if (!before)
		return 0;
	ret = replay_fill(&sample, moment, before, NULL);
	if (ret)
		return ret;
	if (!s->opts->partition)
		add_pool_line(s, &sample);
	for (i = 0; s->opts->partition && i < moment->count; i++) {
		if (is_wanted(s->opts, &moment->items[i]))
			add_partition_line(s, moment->time, &sample.rows[i]);
	}
	sample_free(&sample);
	return 0;
}

/* ---- JSON --------------------------------------------------------------- */

static int print_object(json_t *object, int64_t time, const char *mount)
{
	if (object && (json_object_set_new(object, "time", json_integer(time)) ||
		       json_object_set_new(object, "pool", json_text(mount)))) {
		json_decref(object);
		object = NULL;
	}
	return json_print(object, JSON_COMPACT);
}

static json_t *json_of_partition(const struct history_partition *item)
{
	json_t *object = json_partition(&item->part);

	if (!object)
		return NULL;
	/* It is of the file, which the history does not keep. */
	json_object_del(object, "uid");
	json_object_del(object, "gid");
	json_object_del(object, "mode");
	if (json_object_set_new(object, "domain", item->part.guest ?
				json_text(item->part.guest) : json_null()) ||
	    json_object_set_new(object, "misplaced_pages",
				json_integer(item->misplaced)) ||
	    json_object_set_new(object, "moved_pages",
				json_integer(item->moved))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int print_json(struct shower *s, const struct history_moment *moment)
{
	size_t i;
	int ret = 0;

	if (!s->opts->partition)
		return print_object(json_pool(&moment->pool), moment->time,
				    moment->pool.mount);
	for (i = 0; !ret && i < moment->count; i++) {
		if (is_wanted(s->opts, &moment->items[i]))
			ret = print_object(json_of_partition(&moment->items[i]),
					   moment->time, moment->pool.mount);
	}
	return ret;
}

/* ---- CSV ---------------------------------------------------------------- */

static void print_csv_head(const struct options *opts)
{
	const struct field *field = opts->partition ? partition_fields :
						      pool_fields;

	printf(opts->partition ? "time,pool,path,domain,name" : "time,pool,uuid,flags");
	for (; field->name; field++)
		printf(",%s", field->name);
	puts(opts->partition ? ",misplaced_pages,moved_pages,latency_p50_ns,latency_p99_ns" :
			       ",latency_p50_ns,latency_p99_ns");
}

static void print_csv_fields(const struct field *field, const void *base)
{
	for (; field->name; field++)
		printf(",%llu", (unsigned long long)field_get(field, base));
}

static void print_csv_latency(const __u64 *buckets)
{
	printf(",%llu,%llu\n",
	       (unsigned long long)latency_percentile(buckets, 50),
	       (unsigned long long)latency_percentile(buckets, 99));
}

static void print_csv_pool(const struct history_moment *moment)
{
	printf("%lld,", (long long)moment->time);
	csv_text(stdout, moment->pool.mount);
	printf(",%s,%u", moment->pool.uuid, moment->pool.info.flags);
	print_csv_fields(pool_fields, &moment->pool.info);
	print_csv_latency(moment->pool.info.latency);
}

static void print_csv_partition(const struct history_moment *moment,
				const struct history_partition *item)
{
	printf("%lld,", (long long)moment->time);
	csv_text(stdout, moment->pool.mount);
	putchar(',');
	csv_text(stdout, item->part.path ? item->part.path : "");
	putchar(',');
	csv_text(stdout, item->part.guest ? item->part.guest : "");
	putchar(',');
	csv_text(stdout, item->part.name ? item->part.name : "");
	print_csv_fields(partition_fields, &item->part.info);
	printf(",%llu,%llu", (unsigned long long)item->misplaced,
	       (unsigned long long)item->moved);
	print_csv_latency(item->part.info.latency);
}

static int print_csv(struct shower *s, const struct history_moment *moment)
{
	size_t i;

	if (!s->headed)
		print_csv_head(s->opts);
	s->headed = true;
	if (!s->opts->partition)
		print_csv_pool(moment);
	for (i = 0; s->opts->partition && i < moment->count; i++) {
		if (is_wanted(s->opts, &moment->items[i]))
			print_csv_partition(moment, &moment->items[i]);
	}
	return err_stdout();
}

/* ---- samples ------------------------------------------------------------ */

static int show_moment(struct shower *s, const struct history_moment *moment,
		       const struct history_moment *before)
{
	if (s->opts->json)
		return print_json(s, moment);
	if (s->opts->csv)
		return print_csv(s, moment);
	return add_lines(s, moment, before);
}

static int show_moments(struct shower *s)
{
	struct history_moment before = { 0 }, moment;
	const struct history_query *query = &s->query;
	int64_t after = query->since - 1;
	bool first = true;
	int ret;

	while ((ret = history_next(query->history, query->period, query->mount,
				   after, &moment)) > 0) {
		after = moment.time;
		ret = after < query->until ?
			show_moment(s, &moment, first ? NULL : &before) : 1;
		history_moment_free(&before);
		before = moment;
		first = false;
		if (ret)
			break;
	}
	history_moment_free(&before);
	return ret > 0 ? 0 : ret;
}

static const struct table_column *columns_of(const struct options *opts,
					     size_t *count)
{
	*count = opts->partition ? COUNT(partition_columns) :
				   COUNT(pool_columns);
	return opts->partition ? partition_columns : pool_columns;
}

static int show_table(struct shower *s)
{
	const struct table_column *columns;
	size_t count;
	int ret;

	columns = columns_of(s->opts, &count);
	s->table = table_create(columns, count, s->opts);
	if (!s->table)
		return err_nomem();
	ret = show_moments(s);
	if (!ret)
		ret = table_print(s->table, stdout);
	table_destroy(s->table);
	return ret;
}

/* ---- events ------------------------------------------------------------- */

static int show_event(const struct history_event *event, void *arg)
{
	const struct shower *s = arg;
	char when[STAMP_MAX], *message;

	if (s->opts->json)
		return json_print(json_pack("{s:I, s:o, s:s, s:s, s:i, s:o, s:o, s:I, s:I, s:o}",
			"time_ns", (json_int_t)event->time_ns,
			"pool", json_text(event->mount),
			"event", event->event, "state", event->state,
			"priority", event->priority,
			"path", event->path ? json_text(event->path) : json_null(),
			"domain", event->domain ? json_text(event->domain) : json_null(),
			"page", (json_int_t)event->page,
			"value", (json_int_t)event->value,
			"message", json_text(event->message)), JSON_COMPACT);
	message = text_clean(event->message);
	if (!message)
		return err_nomem();
	printf("%s  %-17s  %s\n",
	       stamp_date(when, event->time_ns / 1000000000),
	       event->event, message);
	free(message);
	return 0;
}

static int check_options(const struct options *opts)
{
	if (opts->json && opts->csv) {
		err("tarnctl history: --json and --csv exclude each other");
		return EXIT_USAGE;
	}
	if (opts->events && (opts->csv || opts->partition || opts->by ||
			     opts->columns || opts->sort)) {
		err("tarnctl history: --events goes with --pool, --since, --until and --json alone");
		return EXIT_USAGE;
	}
	return 0;
}

int history_main(int argc, char **argv, const struct options *opts)
{
	struct shower s = { .opts = opts };
	const struct table_column *columns;
	int ret = check_options(opts);
	size_t count;

	if (ret)
		return ret;
	columns = columns_of(opts, &count);
	if (!opts->events && table_check(columns, count, opts))
		return EXIT_USAGE;
	ret = history_query_init(&s.query, "tarnctl history",
				 argc ? argv[0] : opts->pool, opts);
	if (ret)
		return ret == -EINVAL ? EXIT_USAGE : ret;
	if (opts->events)
		ret = history_events(s.query.history, s.query.mount,
				     s.query.since, s.query.until, EVENTS_MAX,
				     show_event, &s);
	else if (opts->json || opts->csv)
		ret = show_moments(&s);
	else
		ret = show_table(&s);
	history_query_exit(&s.query);
	return ret ? ret : err_stdout();
}
