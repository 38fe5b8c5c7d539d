// SPDX-License-Identifier: GPL-2.0-only
/*
 * See metrics.h. All samples of a family stand together, so each of them goes through
 * all pools. Labels are the same everywhere: pool, partition, domain, node.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "heatmap.h"
#include "metric.h"
#include "metrics.h"
#include "text.h"

#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

#define PAGE_BYTES (1 << TARN_PAGE_SHIFT)
/* Latencies below it are counted together: no page-in takes less than 2^10 ns. */
#define BUCKET_FIRST 10

/**
 * struct writer - what is written
 * @f: where to
 * @open: as OpenMetrics
 * @latest: the numbers
 * @failed: memory ran out
 */
struct writer {
	FILE *f;
	bool open;
	const struct latest *latest;
	bool failed;
};

/* ---- parts of lines ----------------------------------------------------- */

static void head(struct writer *w, const char *name, const char *type,
		 const char *unit, const char *help)
{
	const char *total = !w->open && !strcmp(type, "counter") ? "_total" : "";

	fprintf(w->f, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help,
		name, total, type);
	if (w->open && unit)
		fprintf(w->f, "# UNIT %s %s\n", name, unit);
}

static void label(struct writer *w, const char *name, const char *value)
{
	fprintf(w->f, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', w->f);
		if (*value == '\n')
			fputs("\\n", w->f);
		else
			fputc(*value, w->f);
	}
	fputc('"', w->f);
}

/* Names of mounts and domains come as they are. */
static void raw_label(struct writer *w, const char *name, const char *value)
{
	char *clean = text_clean(value);

	if (!clean)
		w->failed = true;
	else
		label(w, name, clean);
	free(clean);
}

static void pool_label(struct writer *w, const struct history_moment *moment)
{
	raw_label(w, "pool", latest_pool_name(moment->pool.mount));
}

static void partition_labels(struct writer *w,
			     const struct history_moment *moment,
			     const struct history_partition *item)
{
	char *name = latest_partition_name(item);

	pool_label(w, moment);
	fputc(',', w->f);
	if (!name)
		w->failed = true;
	else
		label(w, "partition", name);
	free(name);
	fputc(',', w->f);
	raw_label(w, "domain", item->part.guest ? item->part.guest : "");
}

static void number(struct writer *w, double val)
{
	if (val == floor(val) && fabs(val) < 1e18)
		fprintf(w->f, " %" PRId64 "\n", (int64_t)val);
	else
		fprintf(w->f, " %.9g\n", val);
}

/* ---- going through all -------------------------------------------------- */

typedef void pool_writer(struct writer *w, const struct history_moment *moment,
			 const void *arg);
typedef void partition_writer(struct writer *w,
			      const struct history_moment *moment,
			      const struct history_partition *item,
			      const void *arg);

static void each_pool(struct writer *w, pool_writer *fn, const void *arg)
{
	size_t i;

	for (i = 0; i < w->latest->count; i++)
		fn(w, &w->latest->items[i], arg);
}

static void each_partition(struct writer *w, partition_writer *fn,
			   const void *arg)
{
	size_t i, j;

	for (i = 0; i < w->latest->count; i++) {
		const struct history_moment *moment = &w->latest->items[i];

		for (j = 0; j < moment->count; j++)
			fn(w, moment, &moment->items[j], arg);
	}
}

/* ---- one number each ---------------------------------------------------- */

static void metric_head(struct writer *w, const struct metric *metric)
{
	head(w, metric->name, metric->counter ? "counter" : "gauge",
	     metric->unit, metric->help);
}

static void name_of(struct writer *w, const struct metric *metric)
{
	fprintf(w->f, "%s%s{", metric->name, metric->counter ? "_total" : "");
}

static void write_pool(struct writer *w, const struct history_moment *moment,
		       const void *arg)
{
	const struct metric *metric = arg;

	name_of(w, metric);
	pool_label(w, moment);
	fputc('}', w->f);
	number(w, metric->scale * field_get(&metric->field, &moment->pool.info));
}

static void write_partition(struct writer *w,
			    const struct history_moment *moment,
			    const struct history_partition *item,
			    const void *arg)
{
	const struct metric *metric = arg;

	name_of(w, metric);
	partition_labels(w, moment, item);
	fputc('}', w->f);
	number(w, metric->scale * field_get(&metric->field, item));
}

static void write_numbers(struct writer *w)
{
	const struct metric *metric;

	for (metric = pool_metrics; metric->name; metric++) {
		metric_head(w, metric);
		each_pool(w, write_pool, metric);
	}
	for (metric = partition_metrics; metric->name; metric++) {
		metric_head(w, metric);
		each_partition(w, write_partition, metric);
	}
}

/* ---- states ------------------------------------------------------------- */

/**
 * struct flag - a bit as a metric
 * @name: of the metric
 * @flag: TARN_POOL_*
 * @help: in a sentence
 */
struct flag {
	const char *name;
	__u32 flag;
	const char *help;
};

static const struct flag flags[] = {
	{ "tarn_pool_paging", TARN_POOL_PAGING,
	  "1 if the pool was mounted with paging." },
	{ "tarn_pool_served", TARN_POOL_SERVED, "1 if a pager serves it." },
	{ "tarn_pool_paging_full", TARN_POOL_FULL,
	  "1 if the pager has no room left." },
	{ "tarn_pool_degraded", TARN_POOL_DEGRADED,
	  "1 if the pager works with a part of its devices." },
};

static void write_flag(struct writer *w, const struct history_moment *moment,
		       const void *arg)
{
	const struct flag *flag = arg;

	fprintf(w->f, "%s{", flag->name);
	pool_label(w, moment);
	fprintf(w->f, "} %d\n", !!(moment->pool.info.flags & flag->flag));
}

static void write_info(struct writer *w, const struct history_moment *moment,
		       const void *arg)
{
	fputs("tarn_pool_info{", w->f);
	pool_label(w, moment);
	fputc(',', w->f);
	raw_label(w, "mount", moment->pool.mount);
	fputc(',', w->f);
	label(w, "uuid", moment->pool.uuid);
	fputs("} 1\n", w->f);
}

static void write_time(struct writer *w, const struct history_moment *moment,
		       const void *arg)
{
	fputs("tarn_pool_sample_timestamp_seconds{", w->f);
	pool_label(w, moment);
	fprintf(w->f, "} %" PRId64 "\n", moment->time);
}

static void write_states(struct writer *w)
{
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		head(w, flags[i].name, "gauge", NULL, flags[i].help);
		each_pool(w, write_flag, &flags[i]);
	}
	head(w, w->open ? "tarn_pool" : "tarn_pool_info",
	     w->open ? "info" : "gauge", NULL, "Where the pool is, and its uuid.");
	each_pool(w, write_info, NULL);
	head(w, "tarn_pool_sample_timestamp_seconds", "gauge", "seconds",
	     "When tarn-logd read the counters.");
	each_pool(w, write_time, NULL);
	head(w, w->open ? "tarn_exporter_build" : "tarn_exporter_build_info",
	     w->open ? "info" : "gauge", NULL, "Version of tarn-exporter.");
	fprintf(w->f, "tarn_exporter_build_info{version=\"%s\"} 1\n",
		TARN_VERSION);
}

/* ---- latencies ---------------------------------------------------------- */

/*
 * Without a sum, which the kernel does not keep. The last bucket has all that took
 * longer, so it has no other bound than infinity.
 */
static void write_buckets(struct writer *w, const char *name,
			  const __u64 *buckets,
			  const struct history_moment *moment,
			  const struct history_partition *item)
{
	uint64_t below = 0;
	int i;

	for (i = 0; i < TARN_LATENCY_BUCKETS; i++) {
		below += buckets[i];
		if (i + 1 < BUCKET_FIRST)
			continue;
		fprintf(w->f, "%s_bucket{", name);
		if (item)
			partition_labels(w, moment, item);
		else
			pool_label(w, moment);
		if (i + 1 < TARN_LATENCY_BUCKETS)
			fprintf(w->f, ",le=\"%.9g\"} %" PRIu64 "\n",
				ldexp(1e-9, i + 1), below);
		else
			fprintf(w->f, ",le=\"+Inf\"} %" PRIu64 "\n", below);
	}
}

static void write_pool_latency(struct writer *w,
			       const struct history_moment *moment,
			       const void *arg)
{
	write_buckets(w, arg, moment->pool.info.latency, moment, NULL);
}

static void write_partition_latency(struct writer *w,
				    const struct history_moment *moment,
				    const struct history_partition *item,
				    const void *arg)
{
	write_buckets(w, arg, item->part.info.latency, moment, item);
}

static void write_latencies(struct writer *w)
{
	static const char pool[] = "tarn_pool_page_in_latency_seconds";
	static const char partition[] = "tarn_partition_page_in_latency_seconds";
	static const char help[] = "Times of page-ins, from the fault to the page's being there.";

	head(w, pool, "histogram", "seconds", help);
	each_pool(w, write_pool_latency, pool);
	head(w, partition, "histogram", "seconds", help);
	each_partition(w, write_partition_latency, partition);
}

/* ---- activity ----------------------------------------------------------- */

static void write_activity(struct writer *w, const struct history_moment *moment,
			   const struct history_partition *item, const void *arg)
{
	int class;

	for (class = TARN_ACTIVITY_COLD; class <= TARN_ACTIVITY_HOT; class++) {
		fprintf(w->f, "%s{", (const char *)arg);
		partition_labels(w, moment, item);
		fprintf(w->f, ",class=\"%s\"} %" PRIu64 "\n",
			heatmap_name(class),
			(uint64_t)item->by_class[class] * PAGE_BYTES);
	}
}

/* ---- nodes -------------------------------------------------------------- */

/**
 * struct node_metric - a number a node
 * @name: of the metric, without _total
 * @key: in the JSON of the history
 * @unit: or NULL
 * @counter: it only grows
 * @scale: that it is multiplied by
 * @help: in a sentence
 */
struct node_metric {
	const char *name;
	const char *key;
	const char *unit;
	bool counter;
	int64_t scale;
	const char *help;
};

static const struct node_metric pool_nodes[] = {
	{ "tarn_pool_node_size_bytes", "frames", "bytes", false, PAGE_BYTES,
	  "Memory of the pool on a node." },
	{ "tarn_pool_node_free_bytes", "free_frames", "bytes", false, PAGE_BYTES,
	  "Of it, free." },
	{ "tarn_pool_node_hits", "hit", NULL, true, 1,
	  "Frames taken where they were wanted." },
	{ "tarn_pool_node_misses", "miss", NULL, true, 1,
	  "Frames taken here that were wanted elsewhere." },
	{ "tarn_pool_node_foreign", "foreign", NULL, true, 1,
	  "Frames taken elsewhere that were wanted here." },
	{ "tarn_pool_node_moved_in", "moved_in", NULL, true, 1,
	  "Pages moved to the node." },
	{ "tarn_pool_node_moved_out", "moved_out", NULL, true, 1,
	  "Pages moved from the node." },
};

static const struct node_metric partition_nodes[] = {
	{ "tarn_partition_node_resident_bytes", "resident_pages", "bytes", false,
	  PAGE_BYTES, "Memory of the partition in frames of a node." },
	{ "tarn_partition_node_wanted_bytes", "wanted_frames", "bytes", false,
	  PAGE_BYTES, "What it is to have on a home node; 0: no amount was set." },
	{ "tarn_partition_node_home", "home", NULL, false, 1,
	  "1 if the node is a home of the partition." },
	{ "tarn_partition_node_accesses", "accessed", NULL, true, 1,
	  "Times that the scanner found a page used whose frame is on the node." },
};

static int64_t json_number(const json_t *value)
{
	return json_is_true(value) ? 1 : json_integer_value(value);
}

static void node_value(struct writer *w, const struct node_metric *metric,
		       const char *node, const json_t *value)
{
	fputc(',', w->f);
	label(w, "node", node);
	fprintf(w->f, "} %" PRId64 "\n", json_number(value) * metric->scale);
}

static void write_pool_nodes(struct writer *w,
			     const struct history_moment *moment,
			     const void *arg)
{
	const struct node_metric *metric = arg;
	json_t *nodes = moment->nodes ? json_loads(moment->nodes, 0, NULL) : NULL;
	const char *node;
	json_t *value;

	json_object_foreach(nodes, node, value) {
		fprintf(w->f, "%s%s{", metric->name,
			metric->counter ? "_total" : "");
		pool_label(w, moment);
		node_value(w, metric, node, json_object_get(value, metric->key));
	}
	json_decref(nodes);
}

static void write_partition_nodes(struct writer *w,
				  const struct history_moment *moment,
				  const struct history_partition *item,
				  const void *arg)
{
	const struct node_metric *metric = arg;
	json_t *nodes = latest_nodes(item), *value;
	size_t i;

	json_array_foreach(nodes, i, value) {
		char node[24];

		snprintf(node, sizeof(node), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_object_get(value, "node")));
		fprintf(w->f, "%s%s{", metric->name,
			metric->counter ? "_total" : "");
		partition_labels(w, moment, item);
		node_value(w, metric, node, json_object_get(value, metric->key));
	}
	json_decref(nodes);
}

static void node_head(struct writer *w, const struct node_metric *metric)
{
	head(w, metric->name, metric->counter ? "counter" : "gauge",
	     metric->unit, metric->help);
}

static void write_nodes(struct writer *w)
{
	size_t i;

	for (i = 0; i < sizeof(pool_nodes) / sizeof(pool_nodes[0]); i++) {
		node_head(w, &pool_nodes[i]);
		each_pool(w, write_pool_nodes, &pool_nodes[i]);
	}
	for (i = 0; i < sizeof(partition_nodes) / sizeof(partition_nodes[0]); i++) {
		node_head(w, &partition_nodes[i]);
		each_partition(w, write_partition_nodes, &partition_nodes[i]);
	}
}

int metrics_write(FILE *f, const struct latest *latest, bool open)
{
	static const char activity[] = "tarn_partition_activity_bytes";
	struct writer w = { .f = f, .open = open, .latest = latest };

	write_states(&w);
	write_numbers(&w);
	write_latencies(&w);
	head(&w, activity, "gauge", "bytes",
	     "Memory by how often it is used, as of the scanner's last whole round.");
	each_partition(&w, write_activity, activity);
	write_nodes(&w);
	if (open)
		fputs("# EOF\n", f);
	return w.failed ? -ENOMEM : 0;
}
