// SPDX-License-Identifier: GPL-2.0-only
/* See api.h. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "heatmap.h"
#include "json.h"
#include "replay.h"

#define EVENTS_MAX 200

/* ---- pools -------------------------------------------------------------- */

static json_t *json_activity(const struct history_partition *item)
{
	json_t *object = json_object();
	int class;

	for (class = TARN_ACTIVITY_COLD; class <= TARN_ACTIVITY_HOT; class++)
		json_object_set_new(object, heatmap_name(class),
				    json_integer(item->by_class[class]));
	return object;
}

/* What tarn-logd wrote as JSON; null where it is not. */
static json_t *json_kept(const char *text)
{
	json_t *value = text ? json_loads(text, 0, NULL) : NULL;

	return value ? value : json_null();
}

static json_t *json_of_partition(const struct history_partition *item)
{
	json_t *object = json_partition(&item->part);
	char *name = partition_name(&item->part);
	json_t *nodes = latest_nodes(item);
	int ret = 0;

	if (!object || !name) {
		json_decref(object);
		json_decref(nodes);
		free(name);
		return NULL;
	}
	json_object_del(object, "uid");
	json_object_del(object, "gid");
	json_object_del(object, "mode");
	ret |= json_object_set_new(object, "name", json_text(name));
	ret |= json_object_set_new(object, "domain", item->part.guest ?
				   json_text(item->part.guest) : json_null());
	ret |= json_object_set_new(object, "homes", json_string(item->homes));
	ret |= json_object_set_new(object, "misplaced_pages",
				   json_integer(item->misplaced));
	ret |= json_object_set_new(object, "activity", json_activity(item));
	ret |= json_object_set_new(object, "nodes", nodes ? nodes : json_null());
	free(name);
	if (!ret)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *json_of_moment(const struct history_moment *moment)
{
	json_t *object = json_pool(&moment->pool);
	json_t *parts = json_array();
	int ret = 0;
	size_t i;

	if (!object || !parts)
		goto err_free;
	for (i = 0; i < moment->count; i++)
		ret |= json_array_append_new(
			parts, json_of_partition(&moment->items[i]));
	ret |= json_object_set_new(object, "name",
		json_text(latest_pool_name(moment->pool.mount)));
	ret |= json_object_set_new(object, "state",
		json_string(pool_state(&moment->pool.info)));
	ret |= json_object_set_new(object, "time", json_integer(moment->time));
	ret |= json_object_set_new(object, "nodes", json_kept(moment->nodes));
	/* A number in struct tarn_pool_info, but a list here. */
	ret |= json_object_set(object, "partitions", parts);
	if (ret)
		goto err_free;
	json_decref(parts);
	return object;

err_free:
	json_decref(object);
	json_decref(parts);
	return NULL;
}

json_t *api_pools(const struct latest *latest)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; array && i < latest->count; i++) {
		if (json_array_append_new(array,
					  json_of_moment(&latest->items[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* ---- the timeline ------------------------------------------------------- */

static void append(json_t *object, const char *key, json_t *value)
{
	json_t *array = json_object_get(object, key);

	if (!array) {
		array = json_array();
		json_object_set_new(object, key, array);
	}
	json_array_append_new(array, value);
}

static void append_number(json_t *object, const char *key, uint64_t val)
{
	append(object, key, json_integer(val));
}

static void append_rates(json_t *object, const struct sample_rates *rates)
{
	append(object, "page_ins", json_real(rates->page_ins));
	append(object, "page_outs", json_real(rates->page_outs));
	append(object, "refaults", json_real(rates->refaults));
	append(object, "waits", json_real(rates->waits));
	append_number(object, "p50", rates->p50);
	append_number(object, "p99", rates->p99);
}

static void append_pool(json_t *object, const struct sample *sample)
{
	const struct tarn_pool_info *info = &sample->pools[0].pool.info;

	append_number(object, "time", sample->wall);
	append_number(object, "frames", info->frames);
	append_number(object, "free", info->free_frames);
	append_number(object, "logical", info->logical_pages);
	append_number(object, "resident", info->resident_pages);
	append_number(object, "paged", info->paged_pages);
	append_rates(object, &sample->pools[0].rates);
}

static void append_partition(json_t *object, const struct sample *sample,
			     const struct history_moment *moment, __u32 id)
{
	size_t i;

	for (i = 0; i < sample->nr_rows; i++) {
		const struct sample_row *row = &sample->rows[i];
		const struct tarn_partition_info *info = &row->part->info;
		int class;

		if (info->id != id)
			continue;
		append_number(object, "time", sample->wall);
		append_number(object, "logical", info->logical_pages);
		append_number(object, "resident", info->resident_pages);
		append_number(object, "paged", info->paged_pages);
		append_number(object, "working_set", info->working_set);
		for (class = TARN_ACTIVITY_COLD; class <= TARN_ACTIVITY_HOT;
		     class++)
			append_number(object, heatmap_name(class),
				      moment->items[i].by_class[class]);
		append_rates(object, &row->rates);
		return;
	}
}

static int append_moment(json_t *object, const struct api_range *range,
			 const struct history_moment *moment,
			 const struct history_moment *before)
{
	struct sample sample;
	int ret = replay_fill(&sample, moment, before, NULL);

	if (ret)
		return ret;
	if (range->partition == TARN_PARTITION_NONE)
		append_pool(object, &sample);
	else
		append_partition(object, &sample, moment, range->partition);
	sample_free(&sample);
	return 0;
}

static int append_all(json_t *object, struct history *history,
		      const struct api_range *range, unsigned int period)
{
	struct history_moment before = { 0 }, moment;
	int64_t step = (range->until - range->since) / API_POINTS + 1;
	int64_t after = range->since - 1;
	bool first = true;
	int ret;

	while ((ret = history_next(history, period, range->pool, after,
				   &moment)) > 0 && moment.time < range->until) {
		ret = first ? 0 : append_moment(object, range, &moment, &before);
		history_moment_free(&before);
		before = moment;
		first = false;
		if (ret)
			break;
		after = moment.time + step - 1;
	}
	if (ret > 0)
		history_moment_free(&moment);
	history_moment_free(&before);
	return ret < 0 ? ret : 0;
}

json_t *api_timeline(struct history *history, const struct api_range *range)
{
	/* The second that is not over yet is asked for as well. */
	bool seconds = range->until - range->since <= HISTORY_SECONDS_KEPT + 1 &&
		history_first_second(history, range->pool) < range->until;
	json_t *object = json_object();

	if (!object)
		return NULL;
	if (!append_all(object, history, range,
			seconds ? HISTORY_SECOND : HISTORY_MINUTE))
		return object;
	json_decref(object);
	return NULL;
}

/* ---- events ------------------------------------------------------------- */

static int append_event(const struct history_event *event, void *arg)
{
	return json_array_append_new(arg, json_pack(
		"{s:I, s:o, s:s, s:s, s:i, s:o, s:o}",
		"time_ns", (json_int_t)event->time_ns,
		"pool", json_text(latest_pool_name(event->mount)),
		"event", event->event, "state", event->state,
		"priority", event->priority,
		"path", event->path ? json_text(event->path) : json_null(),
		"message", json_text(event->message)));
}

json_t *api_events(struct history *history, const struct api_range *range)
{
	json_t *array = json_array();

	if (array && !history_events(history, range->pool, range->since,
				     range->until, EVENTS_MAX, append_event,
				     array))
		return array;
	json_decref(array);
	return NULL;
}
