// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl numa: partitions by NUMA node. A column a node: the nodes of the pools
 * that were asked for, and those on which a partition has pages or a home.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "error.h"
#include "home.h"
#include "json.h"
#include "partition.h"
#include "pool.h"
#include "size.h"
#include "sysfs.h"
#include "table.h"
#include "text.h"

/* Columns beside those of nodes. */
#define COLUMNS_OTHER 3
#define TITLE_MAX 16

/**
 * struct row - a partition
 * @path: of its file, as it was found
 * @id: of the partition
 * @homes: what it has where
 */
struct row {
	char *path;
	__u32 id;
	struct homes homes;
};

/**
 * struct numa - what was asked for
 * @rows: the partitions
 * @count: of them
 * @total: sums by node
 * @nameless: partitions that have no file any more that could be asked
 * @hidden: files and directories that this user may not open
 */
struct numa {
	struct row *rows;
	size_t count;
	struct homes total;
	size_t nameless;
	size_t hidden;
};

/* ---- reading ------------------------------------------------------------ */

static int homes_fail(const char *path, int ret)
{
	if (ret == -ENOTTY) {
		err("the loaded module does not tell what is on which node, load the one that came with this tarnctl");
		return ret;
	}
	return partition_fail(path, ret, "read the nodes of");
}

/* @prefix stands before the path, if it is not NULL. */
static int add_row(struct numa *numa, const char *prefix, const char *path,
		   __u32 id, int fd)
{
	struct row row = { .id = id }, *rows;
	int ret;

	rows = reallocarray(numa->rows, numa->count + 1, sizeof(*rows));
	if (!rows)
		return err_nomem();
	numa->rows = rows;
	ret = homes_read(fd, &row.homes);
	if (ret)
		return homes_fail(path, ret);
	if (asprintf(&row.path, "%s%s%s", prefix ? prefix : "",
		     prefix ? "/" : "", path) < 0) {
		homes_free(&row.homes);
		return err_nomem();
	}
	numa->rows[numa->count++] = row;
	return homes_add(&numa->total, &row.homes) ? err_nomem() : 0;
}

/* A node of the pool has a column though nothing is on it. */
static int add_node(struct numa *numa, const char *name)
{
	struct tarn_home home = { 0 };
	struct homes none = { .items = &home, .count = 1 };
	int len = 0;

	if (sscanf(name, "node%u%n", &home.node, &len) < 1 || name[len])
		return 0;
	return homes_add(&numa->total, &none) ? err_nomem() : 0;
}

static int add_nodes(struct numa *numa, const struct pool *pool)
{
	int fd = sysfs_open(SYSFS_ROOT, pool->uuid, NULL), ret = 0;
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_nomem();
	}
	while (!ret && (entry = readdir(dir)))
		ret = add_node(numa, entry->d_name);
	closedir(dir);
	return ret;
}

static int add_listed(struct numa *numa, int dirfd, const char *prefix,
		      const struct partition *part)
{
	int fd, ret;

	if (!part->path) {
		numa->nameless++;
		return 0;
	}
	fd = partition_reopen(dirfd, part);
	/* It went meanwhile. */
	if (fd < 0)
		return 0;
	ret = add_row(numa, prefix, part->path, part->info.id, fd);
	close(fd);
	return ret;
}

static int add_pool(struct numa *numa, const struct pool *pool, bool several)
{
	struct partition_list list;
	int dirfd, ret;
	size_t i;

	ret = partition_list_read(&list, pool);
	if (ret)
		return ret;
	ret = dirfd = pool_open(pool);
	if (dirfd < 0)
		goto out_list;
	ret = add_nodes(numa, pool);
	for (i = 0; !ret && i < list.count; i++)
		ret = add_listed(numa, dirfd, several ? pool->mount : NULL,
				 &list.items[i]);
	numa->hidden += list.hidden;
	close(dirfd);
out_list:
	partition_list_free(&list);
	return ret;
}

static int add_file(struct numa *numa, const char *path)
{
	struct tarn_partition_info info;
	int fd, ret;

	fd = partition_open(path, O_RDONLY);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &info);
	if (ret)
		partition_fail(path, ret, "read the counters of");
	else
		ret = add_row(numa, NULL, path, info.id, fd);
	close(fd);
	return ret;
}

/* A file that is there is meant, whatever pool is called so. */
static int add_argument(struct numa *numa, const struct pool_list *pools,
			const char *arg, bool several)
{
	const struct pool *pool;
	struct stat st;

	if (arg && ((!stat(arg, &st) && !S_ISDIR(st.st_mode)) ||
		    !pool_list_names(pools, arg)))
		return add_file(numa, arg);
	pool = pool_list_select(pools, arg);
	return pool ? add_pool(numa, pool, several) : -ENOENT;
}

/* ---- the table ---------------------------------------------------------- */

/* "1.2G", of a home "*1.2G", or "*1.2G/4G" with what is wanted. */
static void add_cell(struct table *table, const struct tarn_home *home,
		     bool exact)
{
	char resident[SIZE_TEXT_MAX], wanted[SIZE_TEXT_MAX];

	if (!home) {
		table_cell(table, "0");
		return;
	}
	size_format_pages(resident, home->resident_pages, exact);
	size_format_pages(wanted, home->wanted_frames, exact);
	table_cell(table, "%s%s%s%s",
		   home->flags & TARN_NODE_IS_HOME ? "*" : "", resident,
		   home->wanted_frames ? "/" : "",
		   home->wanted_frames ? wanted : "");
}

static void add_cells(struct table *table, const char *name,
		      const struct homes *homes, const struct homes *nodes,
		      bool exact)
{
	char size[SIZE_TEXT_MAX];
	unsigned int i;

	table_cell(table, "%s", name);
	for (i = 0; i < nodes->count; i++)
		add_cell(table, homes_find(homes, nodes->items[i].node), exact);
	table_cell(table, "%s",
		   size_format_pages(size, homes->misplaced_pages, exact));
	table_cell(table, "%s",
		   size_format_pages(size, homes->moved_pages, exact));
}

static int fill_table(struct table *table, const struct numa *numa, bool exact)
{
	size_t i;

	for (i = 0; i < numa->count; i++) {
		char *name = text_clean(numa->rows[i].path);

		if (!name)
			return -ENOMEM;
		add_cells(table, name, &numa->rows[i].homes, &numa->total,
			  exact);
		free(name);
	}
	add_cells(table, "(total)", &numa->total, &numa->total, exact);
	return table_print(table, stdout);
}

static int print_table(const struct numa *numa, bool exact)
{
	size_t nodes = numa->total.count, i;
	struct table_column *columns;
	char (*titles)[TITLE_MAX];
	struct table *table = NULL;
	int ret = -ENOMEM;

	columns = calloc(nodes + COLUMNS_OTHER, sizeof(*columns));
	titles = calloc(nodes + 1, sizeof(*titles));
	if (!columns || !titles)
		goto out_free;
	columns[0] = (struct table_column){ "PARTITION", true };
	for (i = 0; i < nodes; i++) {
		snprintf(titles[i], TITLE_MAX, "NODE %u",
			 numa->total.items[i].node);
		columns[i + 1].title = titles[i];
	}
	columns[nodes + 1].title = "MISPLACED";
	columns[nodes + 2].title = "MOVED";
	table = table_create(columns, nodes + COLUMNS_OTHER);
	if (table)
		ret = fill_table(table, numa, exact);
	table_destroy(table);
out_free:
	free(titles);
	free(columns);
	return ret ? err_nomem() : 0;
}

/* ---- JSON --------------------------------------------------------------- */

static json_t *json_row(const struct row *row)
{
	json_t *object = json_pack("{s:o, s:I}", "path", json_text(row->path),
				   "id", (json_int_t)row->id);

	if (object && !json_add_homes(object, &row->homes))
		return object;
	json_decref(object);
	return NULL;
}

static int print_json(const struct numa *numa)
{
	json_t *array = json_array();
	json_t *object = json_object();
	size_t i;
	int ret = 0;

	for (i = 0; i < numa->count; i++)
		ret |= json_array_append_new(array, json_row(&numa->rows[i]));
	ret |= json_object_set_new(object, "partitions", array);
	ret |= json_add_homes(object, &numa->total);
	if (ret) {
		json_decref(object);
		object = NULL;
	}
	return json_print(object, JSON_INDENT(2));
}

static int show(const struct numa *numa, const struct options *opts)
{
	int ret = opts->json ? print_json(numa) :
			       print_table(numa, opts->bytes);

	if (!ret && numa->hidden)
		err("%zu files or directories may not be opened and are left out, run it as root",
		    numa->hidden);
	if (!ret && numa->nameless)
		err("%zu partition%s without a file, and left out, as there is nothing to ask",
		    numa->nameless, numa->nameless == 1 ? " is" : "s are");
	return ret;
}

int numa_main(int argc, char **argv, const struct options *opts)
{
	struct numa numa = { 0 };
	struct pool_list pools;
	int ret, i = 0;
	size_t row;

	ret = pool_list_read(&pools);
	if (ret)
		return ret;
	/* Without an argument the only pool is meant. */
	do
		ret = add_argument(&numa, &pools, argv[i], argc > 1);
	while (!ret && ++i < argc);
	pool_list_free(&pools);
	if (!ret)
		ret = show(&numa, opts);
	for (row = 0; row < numa.count; row++) {
		free(numa.rows[row].path);
		homes_free(&numa.rows[row].homes);
	}
	free(numa.rows);
	homes_free(&numa.total);
	return ret;
}
