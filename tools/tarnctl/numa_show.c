// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl numa: as a table, a column a node, and as JSON. */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "json.h"
#include "numa.h"
#include "size.h"
#include "table.h"

/* Columns beside those of nodes. */
#define COLUMNS_OTHER 6
#define TITLE_MAX 16
/* Of more nodes than go into a cell the last ones are cut. */
#define VCPUS_MAX 128

/* ---- the table ---------------------------------------------------------- */

/* "1.2G", of a home "*1.2G", or "*1.2G/4G" with what is wanted. */
static void add_cell(struct table *table, const struct tarn_home *home,
		     bool exact)
{
	char resident[SIZE_TEXT_MAX], wanted[SIZE_TEXT_MAX];

	if (!home || !(home->flags & TARN_NODE_IS_HOME)) {
		table_pages(table, home ? home->resident_pages : 0);
		return;
	}
	size_format_pages(resident, home->resident_pages, exact);
	size_format_pages(wanted, home->wanted_frames, exact);
	table_cell(table, "*%s%s%s", resident, home->wanted_frames ? "/" : "",
		   home->wanted_frames ? wanted : "");
}

/* "0:2 1:1", on nodes 0 and 1. */
static void add_vcpus(struct table *table, const struct homes *nodes,
		      const unsigned int *vcpus)
{
	char text[VCPUS_MAX] = "-";
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < nodes->count && len < sizeof(text); i++) {
		__u32 node = nodes->items[i].node;

		if (vcpus[node])
			len += snprintf(text + len, sizeof(text) - len,
					"%s%u:%u", len ? " " : "", node,
					vcpus[node]);
	}
	table_cell(table, "%s", text);
}

static void add_local(struct table *table, const struct local_share *local)
{
	int percent = local_share_percent(local);

	if (percent < 0)
		table_cell(table, "-");
	else
		table_percent(table, percent);
}

/* What a line has beside @homes: @uses is NULL of the sums. */
static void add_cells(struct table *table, const char *name,
		      const struct homes *homes, const struct homes *nodes,
		      const struct node_uses *uses,
		      const struct local_share *local,
		      const unsigned int *vcpus, bool exact)
{
	unsigned int i;

	table_cell(table, "%s", name);
	for (i = 0; i < nodes->count; i++)
		add_cell(table, homes_find(homes, nodes->items[i].node), exact);
	table_pages(table, homes->misplaced_pages);
	table_pages(table, homes->moved_pages);
	add_local(table, local);
	add_vcpus(table, nodes, vcpus);
	if (uses)
		table_pages(table, uses->place_rate);
	else
		table_cell(table, "%s", "");
}

/* Frames of each node, where a pool was asked for. */
static void add_frames(struct table *table, const char *name,
		       const struct homes *nodes, const uint64_t *frames)
{
	unsigned int i;

	table_cell(table, "%s", name);
	for (i = 0; i < nodes->count; i++)
		table_pages(table, frames[nodes->items[i].node]);
	for (i = 0; i < COLUMNS_OTHER - 1; i++)
		table_cell(table, "%s", "");
}

static bool any_frames(const struct numa *numa)
{
	unsigned int i;

	for (i = 0; i < numa->total.count; i++) {
		if (numa->frames[numa->total.items[i].node])
			return true;
	}
	return false;
}

static void widen(unsigned int *to, const unsigned short *from)
{
	unsigned int i;

	for (i = 0; i < NUMA_NODES; i++)
		to[i] = from[i];
}

static void fill_table(struct table *table, const struct numa *numa,
		       const struct options *opts)
{
	bool exact = opts->bytes;
	unsigned int vcpus[NUMA_NODES];
	size_t i;

	for (i = 0; i < numa->count; i++) {
		const struct numa_row *row = &numa->rows[i];
		struct local_share local = { 0 };

		widen(vcpus, row->vcpus);
		local_share_add(&local, &row->uses, &row->homes);
		add_cells(table, row->name, &row->homes, &numa->total,
			  &row->uses, &local, vcpus, exact);
	}
	/* Sums would be sorted among what they are of, and programs add up themselves. */
	if (opts->sort || opts->headless || opts->raw)
		return;
	add_cells(table, "(total)", &numa->total, &numa->total, NULL,
		  &numa->local, numa->vcpus, exact);
	if (any_frames(numa)) {
		add_frames(table, "(free)", &numa->total, numa->free);
		add_frames(table, "(frames)", &numa->total, numa->frames);
	}
}

int numa_print(const struct numa *numa, const struct options *opts)
{
	size_t nodes = numa->total.count, i;
	struct table_column *columns;
	char (*titles)[TITLE_MAX];
	struct table *table = NULL;
	int ret;

	columns = calloc(nodes + COLUMNS_OTHER, sizeof(*columns));
	titles = calloc(nodes + 1, sizeof(*titles));
	if (!columns || !titles) {
		ret = err_nomem();
		goto out_free;
	}
	columns[0] = (struct table_column){ .title = "PARTITION", .left = true };
	for (i = 0; i < nodes; i++) {
		snprintf(titles[i], TITLE_MAX, "NODE %u",
			 numa->total.items[i].node);
		columns[i + 1].title = titles[i];
	}
	columns[nodes + 1] = (struct table_column){ .title = "MISPLACED", .rank = 2 };
	columns[nodes + 2] = (struct table_column){ .title = "MOVED", .rank = 4 };
	columns[nodes + 3] = (struct table_column){ .title = "LOCAL", .rank = 3 };
	columns[nodes + 4] = (struct table_column){ .title = "VCPUS", .left = true,
						    .rank = 1 };
	columns[nodes + 5] = (struct table_column){ .title = "RATE", .extra = true };
	table = table_create(columns, nodes + COLUMNS_OTHER, opts);
	if (table) {
		fill_table(table, numa, opts);
		ret = table_print(table, stdout);
	} else {
		ret = err_nomem();
	}
	table_destroy(table);
out_free:
	free(titles);
	free(columns);
	return ret;
}

/* ---- JSON --------------------------------------------------------------- */

/* To each element of "nodes". Where it has vCPUs but no pages there is one more. */
static int add_numbers(json_t *object, const char *name, const struct homes *nodes,
		       const struct homes *homes, const unsigned int *numbers)
{
	json_t *array = json_object_get(object, "nodes"), *value;
	unsigned int i;
	size_t at = 0;

	for (i = 0; i < nodes->count; i++) {
		__u32 node = nodes->items[i].node;

		if (!homes_find(homes, node)) {
			if (!numbers[node])
				continue;
			value = json_home(&(struct tarn_home){ .node = node });
			if (json_array_insert_new(array, at, value))
				return -ENOMEM;
		}
		value = json_array_get(array, at++);
		if (json_object_set_new(value, name,
					json_integer(numbers[node])))
			return -ENOMEM;
	}
	return 0;
}

static int add_frame_numbers(json_t *object, const struct numa *numa)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(object, "nodes"), i, value) {
		__u32 node = numa->total.items[i].node;

		if (json_object_set_new(value, "frames",
					json_integer(numa->frames[node])) ||
		    json_object_set_new(value, "free_frames",
					json_integer(numa->free[node])))
			return -ENOMEM;
	}
	return 0;
}

static int add_uses(json_t *object, const struct node_uses *uses)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(object, "nodes"), i, value) {
		struct node_use use = node_uses_find(uses,
			json_integer_value(json_object_get(value, "node")));

		if (json_object_set_new(value, "accessed",
					json_integer(use.accessed)) ||
		    json_object_set_new(value, "accessed_lately",
					json_integer(use.accessed_lately)) ||
		    json_object_set_new(value, "table_pages",
					json_integer(use.table_pages)))
			return -ENOMEM;
	}
	return json_add_moving(object, uses);
}

/* null: it has no home, or was not used lately. */
static int add_local_share(json_t *object, const struct local_share *local)
{
	return json_object_set_new(object, "local_percent", local->all ?
				   json_integer(local_share_percent(local)) :
				   json_null()) ? -ENOMEM : 0;
}

static json_t *json_row(const struct numa *numa, const struct numa_row *row)
{
	json_t *object = json_pack("{s:o, s:o, s:I}", "name", json_text(row->name),
				   "path", row->path ? json_text(row->path) :
						       json_null(),
				   "id", (json_int_t)row->id);
	struct local_share local = { 0 };
	unsigned int vcpus[NUMA_NODES];

	widen(vcpus, row->vcpus);
	local_share_add(&local, &row->uses, &row->homes);
	if (object && !json_add_homes(object, &row->homes) &&
	    !json_add_home_mark(object, &row->mark) &&
	    !add_numbers(object, "vcpus", &numa->total, &row->homes, vcpus) &&
	    !add_uses(object, &row->uses) && !add_local_share(object, &local))
		return object;
	json_decref(object);
	return NULL;
}

int numa_print_json(const struct numa *numa)
{
	json_t *array = json_array();
	json_t *object = json_object();
	size_t i;
	int ret = 0;

	for (i = 0; i < numa->count; i++)
		ret |= json_array_append_new(array, json_row(numa, &numa->rows[i]));
	ret |= json_object_set_new(object, "partitions", array);
	ret |= json_add_homes(object, &numa->total);
	if (!ret)
		ret = add_numbers(object, "vcpus", &numa->total, &numa->total,
				  numa->vcpus);
	if (!ret)
		ret = add_frame_numbers(object, numa);
	if (!ret)
		ret = add_local_share(object, &numa->local);
	if (ret) {
		json_decref(object);
		object = NULL;
	}
	return json_print(object, JSON_INDENT(2));
}
