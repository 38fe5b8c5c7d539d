// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition list: of one pool, or of all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "guest.h"
#include "home.h"
#include "huge.h"
#include "json.h"
#include "partition.h"
#include "table.h"

static const struct table_column columns[] = {
	{ .title = "PARTITION", .left = true },
	{ .title = "POOL", .left = true, .rank = 2 },
	{ .title = "ID" },
	{ .title = "WEIGHT", .rank = 5 },
	{ .title = "LOGICAL" },
	{ .title = "RESIDENT" },
	{ .title = "PAGED" },
	{ .title = "FAIR", .rank = 6 },
	{ .title = "PAGE-INS", .rank = 7 },
	{ .title = "PAGE-OUTS", .rank = 9 },
	{ .title = "REFAULTS", .rank = 8 },
	{ .title = "ERRORS", .rank = 1 },
	{ .title = "NODES", .left = true, .rank = 4 },
	{ .title = "PID", .rank = 3 },
	{ .title = "VMM", .left = true, .extra = true },
	{ .title = "UUID", .left = true, .extra = true },
	{ .title = "FILE", .left = true, .extra = true },
	{ .title = "WSS", .extra = true },
	{ .title = "MIN", .extra = true },
	{ .title = "DESIRED", .extra = true },
	{ .title = "PINNED", .extra = true },
	{ .title = "HUGE", .left = true, .extra = true },
	{ .title = "WAITS", .extra = true },
};

#define COLUMN_POOL 1
#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/**
 * struct listing - what is printed
 * @guests: of the host
 * @table: or NULL
 * @array: in JSON, or NULL
 * @hidden: files and directories that this user may not open
 */
struct listing {
	struct guests guests;
	struct table *table;
	json_t *array;
	size_t hidden;
};

/* "1,0": the node with most of it first. */
static void add_nodes(struct table *table, const struct homes *homes)
{
	char text[64] = "-";
	uint64_t last = UINT64_MAX;
	unsigned int i, most;
	size_t len = 0;

	for (;;) {
		most = homes->count;
		for (i = 0; i < homes->count; i++) {
			uint64_t pages = homes->items[i].resident_pages;

			if (pages && pages < last &&
			    (most == homes->count ||
			     pages > homes->items[most].resident_pages))
				most = i;
		}
		if (most == homes->count || len >= sizeof(text) - 8)
			break;
		last = homes->items[most].resident_pages;
		/* Those with equally much are together. */
		for (i = 0; i < homes->count && len < sizeof(text) - 8; i++) {
			if (homes->items[i].resident_pages == last)
				len += sprintf(text + len, "%s%u",
					       len ? "," : "",
					       homes->items[i].node);
		}
	}
	table_cell(table, "%s", text);
}

static int add_row(struct table *table, const struct pool *pool,
		   const struct partition *part, const struct guest *guest,
		   const struct homes *homes)
{
	const struct tarn_partition_info *info = &part->info;
	char *title = partition_title(part);

	if (!title)
		return -ENOMEM;
	table_cell(table, "%s", title);
	free(title);
	table_cell(table, "%s", pool_title(pool));
	table_number(table, info->id);
	table_number(table, info->weight);
	table_pages(table, info->logical_pages);
	table_pages(table, info->resident_pages);
	table_pages(table, info->paged_pages);
	table_pages(table, info->fair_frames);
	table_number(table, info->page_ins);
	table_number(table, info->page_outs);
	table_number(table, info->refaults);
	table_number(table, info->errors);
	add_nodes(table, homes);
	if (guest)
		table_number(table, guest->pid);
	else
		table_cell(table, "-");
	table_cell(table, "%s", guest ? guest->vmm : "-");
	table_cell(table, "%s", guest && *guest->uuid ? guest->uuid : "-");
	table_cell(table, "%s", part->path ? part->path : "-");
	table_pages(table, info->working_set);
	table_pages(table, info->min_frames);
	table_pages(table, info->desired_frames);
	table_pages(table, info->pinned_pages);
	table_cell(table, "%s", huge_name(info->huge));
	table_number(table, info->frame_waits + info->page_waits);
	return 0;
}

static int add_json(json_t *array, const struct pool *pool,
		    const struct partition *part, const struct guest *guest)
{
	json_t *object = json_partition(part);

	if (object && !json_object_set_new(object, "pool",
					   json_text(pool->mount)) &&
	    !json_object_set_new(object, "guest", json_guest(guest)) &&
	    !json_array_append(array, object)) {
		json_decref(object);
		return 0;
	}
	json_decref(object);
	return -ENOMEM;
}

static void read_homes(struct homes *homes, const struct guests *guests,
		       dev_t dev, int dirfd, const struct partition *part)
{
	int fd = guests_reach(guests, dev, dirfd, part);

	*homes = (struct homes){ 0 };
	if (fd < 0)
		return;
	homes_read(fd, homes);
	close(fd);
}

static int add_partition(struct listing *listing, const struct pool *pool,
			 const struct partition *part, int dirfd)
{
	const struct guest *guest = guests_find(&listing->guests, pool->dev,
						part, NULL);
	struct homes homes;
	int ret;

	if (listing->array)
		return add_json(listing->array, pool, part, guest);
	read_homes(&homes, &listing->guests, pool->dev, dirfd, part);
	ret = add_row(listing->table, pool, part, guest, &homes);
	homes_free(&homes);
	return ret;
}

static int add_pool(struct listing *listing, const struct pool *pool)
{
	struct partition_list list;
	int dirfd = pool_open(pool), ret;
	size_t i;

	if (dirfd < 0)
		return dirfd;
	ret = partition_list_read(&list, pool);
	if (ret)
		goto out_close;
	ret = guests_name(&listing->guests, pool, &list);
	for (i = 0; !ret && i < list.count; i++) {
		if (add_partition(listing, pool, &list.items[i], dirfd))
			ret = err_nomem();
	}
	listing->hidden += list.hidden;
	partition_list_free(&list);
out_close:
	close(dirfd);
	return ret;
}

static int print(struct listing *listing)
{
	int ret;

	if (listing->array)
		return json_print(json_incref(listing->array),
				  JSON_INDENT(2));
	ret = table_print(listing->table, stdout);
	if (!ret && listing->hidden)
		err("%zu files or directories may not be opened and are shown by number or not at all, run it as root",
		    listing->hidden);
	return ret;
}

static int list_pools(const struct pool_list *pools, const struct options *opts)
{
	struct table_column shown[NR_COLUMNS];
	struct listing listing = { 0 };
	int ret;
	size_t i;

	memcpy(shown, columns, sizeof(shown));
	shown[COLUMN_POOL].extra = pools->count == 1;
	if (opts->json)
		listing.array = json_array();
	else
		listing.table = table_create(shown, NR_COLUMNS, opts);
	ret = listing.array || listing.table ? 0 : err_nomem();
	if (!ret)
		ret = guests_read(&listing.guests, pools);
	for (i = 0; !ret && i < pools->count; i++)
		ret = add_pool(&listing, &pools->items[i]);
	if (!ret)
		ret = print(&listing);
	guests_free(&listing.guests);
	json_decref(listing.array);
	table_destroy(listing.table);
	return ret;
}

int partition_list_main(int argc, char **argv, const struct options *opts)
{
	struct pool_list pools;
	int ret;

	if (table_check(columns, NR_COLUMNS, opts))
		return EXIT_USAGE;
	ret = pools_get(&pools, argv[0]);
	if (ret)
		return ret;
	ret = list_pools(&pools, opts);
	pool_list_free(&pools);
	return ret;
}
