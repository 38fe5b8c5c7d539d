// SPDX-License-Identifier: GPL-2.0-only
/* Words for the events of a pool. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "event.h"
#include "json.h"
#include "size.h"

static const char *const names[] = {
	[TARN_EVENT_PAGER_ATTACHED] = "pager-attached",
	[TARN_EVENT_PAGER_LOST] = "pager-lost",
	[TARN_EVENT_LOAD_ERROR] = "load-error",
	[TARN_EVENT_CHECKSUM] = "checksum",
	[TARN_EVENT_STORE_ERROR] = "store-error",
	[TARN_EVENT_PAGING_FULL] = "paging-full",
	[TARN_EVENT_DEGRADED] = "degraded",
	[TARN_EVENT_RESIZED] = "resized",
	[TARN_EVENT_PARTITION_CREATED] = "partition-created",
	[TARN_EVENT_PARTITION_DESTROYED] = "partition-destroyed",
	[TARN_EVENT_LOST] = "events-lost",
	[TARN_EVENT_MEMORY_ERROR] = "memory-error",
	[TARN_EVENT_BALLOON_GONE] = "balloon-gone",
	[TARN_EVENT_IMPORT_ERROR] = "import-error",
};

const char *event_name(__u32 type)
{
	if (type >= sizeof(names) / sizeof(names[0]) || !names[type])
		return "unknown";
	return names[type];
}

/* The kernel's errnos come with either sign. */
static const char *errno_text(__s64 value)
{
	return strerror(value < 0 ? -value : value);
}

const char *event_text(char *buf, size_t size, const struct tarn_event *event,
		       const char *name)
{
	unsigned long long page = event->index;
	char text[SIZE_TEXT_MAX];

	switch (event->type) {
	case TARN_EVENT_PAGER_ATTACHED:
		snprintf(buf, size, "a pager serves the pool");
		break;
	case TARN_EVENT_PAGER_LOST:
		snprintf(buf, size, "the pager is gone, page-ins wait for another one");
		break;
	case TARN_EVENT_LOAD_ERROR:
		snprintf(buf, size, "%s: page %llu could not be read: %s", name,
			 page, errno_text(event->value));
		break;
	case TARN_EVENT_CHECKSUM:
		snprintf(buf, size, "%s: page %llu was read, but is not what had been written",
			 name, page);
		break;
	case TARN_EVENT_IMPORT_ERROR:
		snprintf(buf, size, "%s: page %llu could not be read from the file that it was restored from: %s",
			 name, page, errno_text(event->value));
		break;
	case TARN_EVENT_STORE_ERROR:
		snprintf(buf, size, "%s: page %llu could not be written and stays in memory: %s",
			 name, page, errno_text(event->value));
		break;
	case TARN_EVENT_PAGING_FULL:
		snprintf(buf, size, "%s", event->value ?
			 "the paging space is full, add a device" :
			 "there is room in the paging space again");
		break;
	case TARN_EVENT_DEGRADED:
		snprintf(buf, size, "%s", event->value ?
			 "the pager lost a device" :
			 "all paging devices work again");
		break;
	case TARN_EVENT_RESIZED:
		snprintf(buf, size, "the pool has %s now",
			 size_format_pages(text, event->value, false));
		break;
	case TARN_EVENT_PARTITION_CREATED:
		snprintf(buf, size, "%s: created", name);
		break;
	case TARN_EVENT_PARTITION_DESTROYED:
		snprintf(buf, size, "%s: destroyed", name);
		break;
	case TARN_EVENT_LOST:
		snprintf(buf, size, "%lld events were missed",
			 (long long)event->value);
		break;
	case TARN_EVENT_MEMORY_ERROR:
		if (event->partition)
			snprintf(buf, size, "%s: page %llu is in memory with an error",
				 name, page);
		else
			snprintf(buf, size, "unused memory has an error and is put aside");
		break;
	case TARN_EVENT_BALLOON_GONE:
		snprintf(buf, size, "%s: another kernel wrote to page %llu, its balloon of %s is gone",
			 name, page, size_format_pages(text, event->value, false));
		break;
	default:
		snprintf(buf, size, "event of unknown type %u", event->type);
	}
	return buf;
}

const char *event_time(char *buf, size_t size, const struct tarn_event *event)
{
	time_t seconds = event->time_ns / 1000000000;
	unsigned int ms = event->time_ns / 1000000 % 1000;
	struct tm tm;
	size_t len;

	if (!localtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	len = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, size - len, ".%03u", ms);
	return buf;
}

json_t *event_json(const struct tarn_event *event, const char *mount,
		   const char *path, const char *name)
{
	json_t *object;

	object = json_pack("{s:I, s:s, s:I, s:o}",
			   "time_ns", (json_int_t)event->time_ns,
			   "event", event_name(event->type),
			   "type", (json_int_t)event->type,
			   "pool", json_text(mount));
	if (!object || event->partition == TARN_PARTITION_NONE)
		goto out_value;
	if (json_object_set_new(object, "partition",
				json_integer(event->partition)) ||
	    json_object_set_new(object, "path",
				path ? json_text(path) : json_null()) ||
	    json_object_set_new(object, "name",
				name ? json_text(name) : json_null()) ||
	    json_object_set_new(object, "index", json_integer(event->index)))
		goto err_free;
out_value:
	if (object && json_object_set_new(object, "value",
					  json_integer(event->value)))
		goto err_free;
	return object;

err_free:
	json_decref(object);
	return NULL;
}
