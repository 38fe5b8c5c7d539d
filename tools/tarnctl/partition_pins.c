// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition pins: the areas of a partition, and what is pinned for them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "area.h"
#include "command.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "partition.h"
#include "size.h"
#include "table.h"

/* Areas a call; the kernel takes up to 4096. */
#define CHUNK 1024

/**
 * struct pins - what the module says
 * @items: areas, by handle
 * @count: of them
 * @sums: the last answer, for its sums
 */
struct pins {
	struct tarn_area *items;
	size_t count;
	struct tarn_partition_areas sums;
};

/* A guest may go on registering meanwhile; the limit of areas ends the list. */
static int read_areas(int fd, struct pins *pins)
{
	struct tarn_partition_areas *call = &pins->sums;

	for (;;) {
		struct tarn_area *items;

		items = reallocarray(pins->items, pins->count + CHUNK,
				     sizeof(*items));
		if (!items)
			return -ENOMEM;
		pins->items = items;
		call->size = sizeof(*call);
		call->count = CHUNK;
		call->areas = (uintptr_t)(items + pins->count);
		if (ioctl(fd, TARN_PARTITION_AREAS, call))
			return -errno;
		if (!call->count)
			return 0;
		pins->count += call->count;
	}
}

static void format_since(char *buf, size_t size, uint64_t ns)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    !strftime(buf, size, "%F %T", &tm))
		snprintf(buf, size, "?");
}

static int print_table(const struct pins *pins, bool bytes)
{
	static const struct table_column columns[] = {
	{ .title = "HANDLE" },
	{ .title = "TYPE", .left = true },
	{ .title = "BY", .left = true },
	{ .title = "STATE", .left = true },
	{ .title = "OFFSET" },
	{ .title = "LENGTH" },
	{ .title = "SINCE", .left = true },
};
	struct table *table = table_create(columns, 7, NULL);
	char size[SIZE_TEXT_MAX], since[32];
	size_t i;
	int ret;

	if (!table)
		return err_nomem();
	for (i = 0; i < pins->count; i++) {
		const struct tarn_area *area = &pins->items[i];

		format_since(since, sizeof(since), area->since_ns);
		table_number(table, area->handle);
		table_cell(table, "%s", area_type_name(area->type));
		table_cell(table, "%s", area_origin_name(area->origin));
		table_cell(table, "%s", area_state_name(area->flags));
		table_cell(table, "%#llx", area->offset);
		table_cell(table, "%s", size_format(size, area->bytes, bytes));
		table_cell(table, "%s", since);
	}
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

static int print_text(const struct pins *pins,
		      const struct tarn_partition_info *info, bool bytes)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], c[SIZE_TEXT_MAX];
	int ret = 0;

	if (pins->count) {
		ret = print_table(pins, bytes);
		putchar('\n');
	}
	if (info->lent_pages)
		printf("%s of what may be pinned is lent to children\n",
		       size_format_pages(a, info->lent_pages, bytes));
	printf("%zu area%s, %s pinned of at most %s; %s held by others (DMA); %s\n",
	       pins->count, pins->count == 1 ? "" : "s",
	       size_format_pages(a, pins->sums.pinned_pages, bytes),
	       size_format_pages(b, pins->sums.quota_pages, bytes),
	       size_format_pages(c, pins->sums.held_pages, bytes),
	       info->vms ? "a VM is attached" : "no VM is attached");
	return ret;
}

static int print_json(const struct pins *pins,
		      const struct tarn_partition_info *info)
{
	json_t *areas = json_array();
	size_t i;

	for (i = 0; i < pins->count; i++) {
		const struct tarn_area *area = &pins->items[i];

		json_array_append_new(areas, json_pack(
			"{s:I, s:s, s:s, s:b, s:b, s:I, s:I, s:I}",
			"handle", (json_int_t)area->handle,
			"type", area_type_name(area->type),
			"by", area_origin_name(area->origin),
			"critical", !!(area->flags & TARN_AREA_IS_CRITICAL),
			"pinned", !!(area->flags & TARN_AREA_IS_PINNED),
			"offset", (json_int_t)area->offset,
			"bytes", (json_int_t)area->bytes,
			"since_ns", (json_int_t)area->since_ns));
	}
	return json_print(json_pack(
		"{s:o, s:I, s:I, s:I, s:I, s:b}", "areas", areas,
		"pinned_pages", (json_int_t)pins->sums.pinned_pages,
		"lent_pages", (json_int_t)info->lent_pages,
		"quota_pages", (json_int_t)pins->sums.quota_pages,
		"held_pages", (json_int_t)pins->sums.held_pages,
		"attached", info->vms), JSON_INDENT(2));
}

static int fail(const char *path, int fd, int ret)
{
	struct tarn_partition_info info;

	/* A file of a pool that does not know the call: the module is older. */
	if (ret == -ENOTTY && !partition_info(fd, &info)) {
		err("%s: the loaded module knows no pins, load the one that came with this tarnctl",
		    path);
		return ret;
	}
	return partition_fail(path, ret, "list the areas of");
}

int partition_pins_main(int argc, char **argv, const struct options *opts)
{
	struct tarn_partition_info info;
	struct pins pins = { 0 };
	int fd, ret;

	fd = partition_open(argv[0], O_RDONLY);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &info);
	if (!ret)
		ret = read_areas(fd, &pins);
	if (ret)
		fail(argv[0], fd, ret);
	else
		ret = opts->json ? print_json(&pins, &info) :
				   print_text(&pins, &info, opts->bytes);
	free(pins.items);
	close(fd);
	return ret;
}
