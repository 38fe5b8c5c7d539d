// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition list */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "error.h"
#include "json.h"
#include "partition.h"
#include "size.h"
#include "table.h"

static const struct table_column columns[] = {
	{ "PARTITION", true }, { "ID", false }, { "WEIGHT", false },
	{ "LOGICAL", false }, { "RESIDENT", false }, { "PAGED", false },
	{ "FAIR", false }, { "PAGE-INS", false }, { "PAGE-OUTS", false },
	{ "REFAULTS", false }, { "ERRORS", false },
};

static int add_row(struct table *table, const struct partition *part,
		   bool bytes)
{
	const struct tarn_partition_info *info = &part->info;
	char *name = partition_name(part);
	char buf[SIZE_TEXT_MAX];

	if (!name)
		return -ENOMEM;
	table_cell(table, "%s", name);
	free(name);
	table_cell(table, "%u", info->id);
	table_cell(table, "%u", info->weight);
	table_cell(table, "%s",
		   size_format_pages(buf, info->logical_pages, bytes));
	table_cell(table, "%s",
		   size_format_pages(buf, info->resident_pages, bytes));
	table_cell(table, "%s",
		   size_format_pages(buf, info->paged_pages, bytes));
	table_cell(table, "%s",
		   size_format_pages(buf, info->fair_frames, bytes));
	table_cell(table, "%llu", info->page_ins);
	table_cell(table, "%llu", info->page_outs);
	table_cell(table, "%llu", info->refaults);
	table_cell(table, "%llu", info->errors);
	return 0;
}

static int print_table(const struct partition_list *list, bool bytes)
{
	struct table *table;
	size_t i;
	int ret;

	table = table_create(columns, sizeof(columns) / sizeof(columns[0]));
	ret = table ? 0 : -ENOMEM;
	for (i = 0; !ret && i < list->count; i++)
		ret = add_row(table, &list->items[i], bytes);
	if (!ret)
		ret = table_print(table, stdout);
	table_destroy(table);
	if (ret)
		return err_nomem();
	if (list->hidden)
		err("%zu files or directories may not be opened and are shown by number or not at all, run it as root",
		    list->hidden);
	return 0;
}

static int print_json(const struct partition_list *list)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (json_array_append_new(array,
					  json_partition(&list->items[i]))) {
			json_decref(array);
			return err_nomem();
		}
	}
	return json_print(array, JSON_INDENT(2));
}

int partition_list_main(int argc, char **argv, const struct options *opts)
{
	struct partition_list list;
	struct pool pool;
	int ret;

	ret = pool_get(&pool, argv[0]);
	if (ret)
		return ret;
	ret = partition_list_read(&list, &pool);
	if (!ret) {
		ret = opts->json ? print_json(&list) :
				   print_table(&list, opts->bytes);
		partition_list_free(&list);
	}
	pool_put(&pool);
	return ret;
}
