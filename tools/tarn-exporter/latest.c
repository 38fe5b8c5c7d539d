// SPDX-License-Identifier: GPL-2.0-only
/* See latest.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json.h"
#include "latest.h"
#include "text.h"

/**
 * struct reader - reading goes on
 * @latest: result
 * @history: where from
 * @now: in seconds
 */
struct reader {
	struct latest *latest;
	struct history *history;
	int64_t now;
};

static int add_mount(const char *mount, void *arg)
{
	struct reader *reader = arg;
	struct latest *latest = reader->latest;
	struct history_moment moment, *items;
	int ret;

	ret = history_last(reader->history, mount, &moment);
	if (ret <= 0)
		return ret;
	if (moment.time < reader->now - HISTORY_STALE) {
		history_moment_free(&moment);
		return 0;
	}
	items = reallocarray(latest->items, latest->count + 1, sizeof(*items));
	if (!items) {
		history_moment_free(&moment);
		return err_nomem();
	}
	latest->items = items;
	items[latest->count++] = moment;
	return 0;
}

int latest_read(struct latest *latest, struct history *history, int64_t now)
{
	struct reader reader = { latest, history, now };
	int ret;

	memset(latest, 0, sizeof(*latest));
	ret = history_mounts(history, add_mount, &reader);
	if (ret)
		latest_free(latest);
	return ret;
}

void latest_free(struct latest *latest)
{
	while (latest->count)
		history_moment_free(&latest->items[--latest->count]);
	free(latest->items);
	memset(latest, 0, sizeof(*latest));
}

const char *latest_pool_name(const char *mount)
{
	const struct pool pool = { .mount = (char *)mount };

	return pool_title(&pool);
}

char *latest_partition_name(const struct history_partition *item)
{
	char *name;

	if (item->part.path)
		return text_clean(item->part.path);
	return asprintf(&name, "id:%u", item->part.info.id) < 0 ? NULL : name;
}

json_t *latest_nodes(const struct history_partition *item)
{
	json_t *kept = item->nodes ? json_loads(item->nodes, 0, NULL) : NULL;
	json_t *nodes = kept ? json_array() : NULL, *value;
	size_t i;

	json_array_foreach(kept, i, value) {
		struct tarn_home home = {
			.node = json_integer_value(json_array_get(value, 0)),
			.flags = json_integer_value(json_array_get(value, 1)) ?
				 TARN_NODE_IS_HOME : 0,
			.wanted_frames = json_integer_value(json_array_get(value, 2)),
			.resident_pages = json_integer_value(json_array_get(value, 3)),
		};
		json_t *object = json_home(&home);

		/* What older versions kept has none. */
		json_object_set_new(object, "accessed",
				    json_integer(json_integer_value(
					    json_array_get(value, 4))));
		json_array_append_new(nodes, object);
	}
	json_decref(kept);
	return nodes;
}
