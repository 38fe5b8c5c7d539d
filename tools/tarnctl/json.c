// SPDX-License-Identifier: GPL-2.0-only
/* Conversion of pools, partitions and guests to JSON values. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "field.h"
#include "huge.h"
#include "json.h"
#include "latency.h"
#include "placement.h"

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *ascii, *to;

	if (value)
		return value;
	ascii = to = malloc(4 * strlen(text) + 1);
	if (!ascii)
		return NULL;
	for (; *text; text++) {
		if (*text & 0x80)
			to += sprintf(to, "\\x%02x", (unsigned char)*text);
		else
			*to++ = *text;
	}
	*to = '\0';
	value = json_string(ascii);
	free(ascii);
	return value;
}

static json_t *json_field(const struct field *field, const void *base)
{
	uint64_t val = field_get(field, base);

	switch (field->unit) {
	case FIELD_HUGE:
		return json_string(huge_name(val));
	case FIELD_PLACEMENT:
		return json_string(placement_name(val));
	default:
		return json_integer(val);
	}
}

static int add_fields(json_t *object, const struct field *table,
		      const void *base)
{
	for (; table->name; table++) {
		if (json_object_set_new(object, table->name,
					json_field(table, base)))
			return -ENOMEM;
	}
	return 0;
}

static int add_latency(json_t *object, const __u64 *buckets)
{
	json_t *array = json_array();
	int i, ret = 0;

	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		ret |= json_array_append_new(array, json_integer(buckets[i]));
	ret |= json_object_set_new(object, "latency", array);
	ret |= json_object_set_new(
		object, "latency_p50_ns",
		json_integer(latency_percentile(buckets, 50)));
	ret |= json_object_set_new(
		object, "latency_p99_ns",
		json_integer(latency_percentile(buckets, 99)));
	return ret ? -ENOMEM : 0;
}

json_t *json_pool(const struct pool *pool)
{
	const struct tarn_pool_info *info = &pool->info;
	json_t *object;

	object = json_pack("{s:o, s:s, s:b, s:b, s:b, s:b}",
			   "mount", json_text(pool->mount),
			   "uuid", pool->uuid,
			   "paging", !!(info->flags & TARN_POOL_PAGING),
			   "served", !!(info->flags & TARN_POOL_SERVED),
			   "full", !!(info->flags & TARN_POOL_FULL),
			   "degraded", !!(info->flags & TARN_POOL_DEGRADED));
	if (!object || add_fields(object, pool_fields, info) ||
	    add_latency(object, info->latency)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

json_t *json_partition(const struct partition *part)
{
	json_t *object = json_object();

	if (json_object_set_new(object, "name", part->name ?
				json_text(part->name) : json_null()))
		goto err_free;
	if (part->path) {
		char mode[8];

		snprintf(mode, sizeof(mode), "%04o", part->mode & 07777);
		if (json_object_set_new(object, "path",
		    json_text(part->path)) ||
		    json_object_set_new(object, "uid",
					json_integer(part->uid)) ||
		    json_object_set_new(object, "gid",
					json_integer(part->gid)) ||
		    json_object_set_new(object, "mode", json_string(mode)))
			goto err_free;
	} else if (json_object_set_new(object, "path", json_null())) {
		goto err_free;
	}
	if (add_fields(object, partition_fields, &part->info) ||
	    add_latency(object, part->info.latency))
		goto err_free;
	return object;

err_free:
	json_decref(object);
	return NULL;
}

json_t *json_guest(const struct guest *guest)
{
	if (!guest)
		return json_null();
	return json_pack("{s:o, s:b, s:o, s:i, s:o}",
			 "name", guest->name ? json_text(guest->name) :
					       json_null(),
			 "domain", guest->domain,
			 "uuid", *guest->uuid ? json_string(guest->uuid) :
						json_null(),
			 "pid", guest->pid, "vmm", json_text(guest->vmm));
}

json_t *json_home(const struct tarn_home *home)
{
	return json_pack("{s:I, s:b, s:I, s:I}",
			 "node", (json_int_t)home->node,
			 "home", !!(home->flags & TARN_NODE_IS_HOME),
			 "wanted_frames", (json_int_t)home->wanted_frames,
			 "resident_pages", (json_int_t)home->resident_pages);
}

int json_add_homes(json_t *object, const struct homes *homes)
{
	json_t *array = json_array();
	unsigned int i;
	int ret = 0;

	for (i = 0; i < homes->count; i++)
		ret |= json_array_append_new(array,
					     json_home(&homes->items[i]));
	ret |= json_object_set_new(object, "nodes", array);
	ret |= json_object_set_new(object, "misplaced_pages",
				   json_integer(homes->misplaced_pages));
	ret |= json_object_set_new(object, "moved_pages",
				   json_integer(homes->moved_pages));
	return ret ? -ENOMEM : 0;
}

int json_add_moving(json_t *object, const struct node_uses *uses)
{
	return json_object_set_new(object, "place_rate",
				   json_integer(uses->place_rate)) ||
	       json_object_set_new(object, "move_waits",
				   json_integer(uses->move_waits)) ?
		       -ENOMEM : 0;
}

int json_add_home_mark(json_t *object, const struct home_mark *mark)
{
	int ret;

	ret = json_object_set_new(object, "auto",
				  json_boolean(mark->automatic));
	ret |= json_object_set_new(
		object, "dispatch",
		json_string(home_dispatch_name(mark->dispatch)));
	return ret ? -ENOMEM : 0;
}

json_t *json_metrics(const struct tarn_metrics *metrics)
{
	json_t *object = json_object();

	if (object && !add_fields(object, metrics_fields, metrics))
		return object;
	json_decref(object);
	return NULL;
}

int json_print(json_t *value, size_t flags)
{
	int ret = 0;

	if (!value)
		return err_nomem();
	if (json_dumpf(value, stdout, flags) && !ferror(stdout))
		ret = err_nomem();
	putchar('\n');
	if (!ret)
		ret = err_stdout();
	json_decref(value);
	return ret;
}
