// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pager list: the pagers of all pools. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "table.h"

static const struct table_column columns[] = {
	{ .title = "POOL", .left = true },
	{ .title = "PAGING", .left = true },
	{ .title = "PID" },
	{ .title = "SPACE" },
	{ .title = "USED" },
	{ .title = "SOCKET", .left = true, .rank = 1 },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/*
 * Ask the pager of a pool how it is.
 * Return: NULL if it cannot be asked; *@ret then says whether that is an error.
 */
static json_t *ask_status(const struct pool *pool, const char *path, int *ret)
{
	json_t *status = NULL;
	int sock;

	*ret = 0;
	if (!(pool->info.flags & TARN_POOL_SERVED))
		return NULL;
	sock = client_open(path);
	if (sock == -EACCES) {
		*ret = client_open_fail(path, sock);
		return NULL;
	}
	if (sock < 0)
		return NULL;
	*ret = client_call(sock, json_pack("{s:s}", "cmd", "status"), -1,
			   &status);
	close(sock);
	return *ret ? NULL : status;
}

static int add_row(struct table *table, const struct pool *pool,
		   const json_t *status, const char *path)
{
	const struct tarn_pool_info *info = &pool->info;

	table_cell(table, "%s", pool_title(pool));
	table_cell(table, "%s", pool_state(info));
	if (status)
		table_number(table, client_number(status, "pid"));
	else
		table_cell(table, "-");
	table_pages(table, info->paging_capacity);
	table_pages(table, info->paging_used);
	table_cell(table, "%s", status ? path : "-");
	return 0;
}

static int add_json(json_t *array, const struct pool *pool,
		    const json_t *status, const char *path)
{
	const struct tarn_pool_info *info = &pool->info;
	json_t *object;

	object = json_pack("{s:o, s:s, s:b, s:b, s:I, s:I, s:o, s:o}",
			   "pool", json_text(pool->mount), "uuid", pool->uuid,
			   "paging", !!(info->flags & TARN_POOL_PAGING),
			   "served", !!(info->flags & TARN_POOL_SERVED),
			   "capacity_pages", (json_int_t)info->paging_capacity,
			   "used_pages", (json_int_t)info->paging_used,
			   "pid", status ?
			   json_integer(client_number(status, "pid")) :
			   json_null(),
			   "socket", status ? json_text(path) : json_null());
	return json_array_append_new(array, object) ? err_nomem() : 0;
}

static int list_pager(const struct pool *pool, struct table *table,
		      json_t *array, const struct options *opts)
{
	char *path = client_socket(pool, opts);
	json_t *status;
	int ret;

	if (!path)
		return -ENOMEM;
	status = ask_status(pool, path, &ret);
	if (!ret)
		ret = opts->json ?
			      add_json(array, pool, status, path) :
			      add_row(table, pool, status, path);
	json_decref(status);
	free(path);
	return ret;
}

int pager_list_main(int argc, char **argv, const struct options *opts)
{
	struct table *table = table_create(columns, NR_COLUMNS, opts);
	json_t *array = json_array();
	struct pool_list list;
	int ret;
	size_t i;

	if (table_check(columns, NR_COLUMNS, opts)) {
		ret = EXIT_USAGE;
		goto out_free;
	}
	if (!table || !array) {
		ret = err_nomem();
		goto out_free;
	}
	ret = pool_list_read(&list);
	if (ret)
		goto out_free;
	for (i = 0; !ret && i < list.count; i++)
		ret = list_pager(&list.items[i], table, array, opts);
	if (!ret && opts->json)
		ret = json_print(json_incref(array), JSON_INDENT(2));
	else if (!ret && list.count)
		ret = table_print(table, stdout);
	else if (!ret)
		pool_list_explain(&list);
	pool_list_free(&list);
out_free:
	json_decref(array);
	table_destroy(table);
	return ret;
}
