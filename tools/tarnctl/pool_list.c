// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool list */
#include <errno.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "pool.h"
#include "table.h"

static const struct table_column columns[] = {
	{ .title = "POOL", .left = true },
	{ .title = "UUID", .left = true, .rank = 5 },
	{ .title = "SIZE" },
	{ .title = "FREE" },
	{ .title = "LOGICAL", .rank = 1 },
	{ .title = "RESIDENT", .rank = 4 },
	{ .title = "PAGED", .rank = 2 },
	{ .title = "PARTITIONS", .rank = 3 },
	{ .title = "PAGING", .left = true },
	{ .title = "SPACE", .extra = true },
	{ .title = "USED", .extra = true },
	{ .title = "PINNED", .extra = true },
	{ .title = "PAGE-INS", .extra = true },
	{ .title = "PAGE-OUTS", .extra = true },
	{ .title = "REFAULTS", .extra = true },
	{ .title = "WAITS", .extra = true },
	{ .title = "MOUNT", .left = true, .extra = true },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void add_row(struct table *table, const struct pool *pool)
{
	const struct tarn_pool_info *info = &pool->info;

	table_cell(table, "%s", pool_title(pool));
	table_cell(table, "%.8s", pool->uuid);
	table_pages(table, info->frames);
	table_pages(table, info->free_frames);
	table_pages(table, info->logical_pages);
	table_pages(table, info->resident_pages);
	table_pages(table, info->paged_pages);
	table_number(table, info->partitions);
	table_cell(table, "%s", pool_state(info));
	table_pages(table, info->paging_capacity);
	table_pages(table, info->paging_used);
	table_pages(table, info->pinned_pages);
	table_number(table, info->page_ins);
	table_number(table, info->page_outs);
	table_number(table, info->refaults);
	table_number(table, info->frame_waits);
	table_cell(table, "%s", pool->mount);
}

static int print_table(const struct pool_list *list, const struct options *opts)
{
	struct table *table;
	size_t i;
	int ret;

	if (!list->count) {
		pool_list_explain(list);
		return 0;
	}
	table = table_create(columns, NR_COLUMNS, opts);
	if (!table)
		return err_nomem();
	for (i = 0; i < list->count; i++)
		add_row(table, &list->items[i]);
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

static int print_json(const struct pool_list *list)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (json_array_append_new(array, json_pool(&list->items[i]))) {
			json_decref(array);
			return err_nomem();
		}
	}
	return json_print(array, JSON_INDENT(2));
}

int pool_list_main(int argc, char **argv, const struct options *opts)
{
	struct pool_list list;
	int ret;

	if (table_check(columns, NR_COLUMNS, opts))
		return EXIT_USAGE;
	ret = pool_list_read(&list);
	if (ret)
		return ret;
	ret = opts->json ? print_json(&list) : print_table(&list, opts);
	pool_list_free(&list);
	return ret;
}
