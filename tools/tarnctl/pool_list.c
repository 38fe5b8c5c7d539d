// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool list */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "error.h"
#include "json.h"
#include "pool.h"
#include "size.h"
#include "table.h"
#include "text.h"

static const struct table_column columns[] = {
	{ "POOL", true }, { "UUID", true }, { "SIZE", false },
	{ "FREE", false }, { "LOGICAL", false }, { "RESIDENT", false },
	{ "PAGED", false }, { "PARTITIONS", false }, { "PAGING", true },
};

static int add_row(struct table *table, const struct pool *pool, bool bytes)
{
	const struct tarn_pool_info *info = &pool->info;
	char *mount = text_clean(pool->mount);
	char buf[SIZE_TEXT_MAX];

	if (!mount)
		return -ENOMEM;
	table_cell(table, "%s", mount);
	table_cell(table, "%.8s", pool->uuid);
	table_cell(table, "%s", size_format_pages(buf, info->frames, bytes));
	table_cell(table, "%s",
		   size_format_pages(buf, info->free_frames, bytes));
	table_cell(table, "%s",
		   size_format_pages(buf, info->logical_pages, bytes));
	table_cell(table, "%s",
		   size_format_pages(buf, info->resident_pages, bytes));
	table_cell(table, "%s",
		   size_format_pages(buf, info->paged_pages, bytes));
	table_cell(table, "%u", info->partitions);
	table_cell(table, "%s", pool_state(info));
	free(mount);
	return 0;
}

static int print_table(const struct pool_list *list, bool bytes)
{
	struct table *table;
	size_t i;
	int ret;

	if (!list->count) {
		pool_list_explain(list);
		return 0;
	}
	table = table_create(columns, sizeof(columns) / sizeof(columns[0]));
	ret = table ? 0 : -ENOMEM;
	for (i = 0; !ret && i < list->count; i++)
		ret = add_row(table, &list->items[i], bytes);
	if (!ret)
		ret = table_print(table, stdout);
	table_destroy(table);
	return ret ? err_nomem() : 0;
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

	ret = pool_list_read(&list);
	if (ret)
		return ret;
	ret = opts->json ? print_json(&list) : print_table(&list, opts->bytes);
	pool_list_free(&list);
	return ret;
}
