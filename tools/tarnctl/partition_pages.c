// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition pages: the states of a partition's pages. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "json.h"
#include "pagemap.h"
#include "partition.h"
#include "range.h"
#include "size.h"

/* Pages a call; the kernel takes up to 2^20. */
#define CHUNK_PAGES (1ULL << 18)

static int read_states(int fd, struct pagemap *map, const struct range *range)
{
	uint8_t *states = malloc(CHUNK_PAGES);
	uint64_t at = range->start, end = range->start + range->count;
	int ret = states ? 0 : -ENOMEM;

	while (!ret && at < end) {
		struct tarn_partition_pages call = {
			.size = sizeof(call),
			.start = at,
			.count = end - at < CHUNK_PAGES ? end - at :
							  CHUNK_PAGES,
			.states = (uintptr_t)states,
		};

		if (ioctl(fd, TARN_PARTITION_PAGES, &call)) {
			ret = -errno;
			break;
		}
		/* The file was made shorter meanwhile. */
		if (!call.count)
			break;
		ret = pagemap_add(map, states, call.count);
		at += call.count;
	}
	free(states);
	return ret;
}

static void print_counts(const struct pagemap *map, bool bytes)
{
	char size[SIZE_TEXT_MAX];
	int kind;

	for (kind = 0; kind < PAGEMAP_KINDS; kind++) {
		if (!map->count[kind])
			continue;
		printf("  %c  %-12s %10llu pages  %s\n", pagemap_letter(kind),
		       pagemap_name(kind), (unsigned long long)map->count[kind],
		       size_format_pages(size, map->count[kind], bytes));
	}
	if (map->in_flight)
		printf("     %-12s %10llu pages\n", "in flight",
		       (unsigned long long)map->in_flight);
	if (map->pinned)
		printf("     %-12s %10llu pages\n", "pinned",
		       (unsigned long long)map->pinned);
	if (map->dma)
		printf("     %-12s %10llu pages\n", "for DMA",
		       (unsigned long long)map->dma);
}

static void print_map(const struct pagemap *map, bool bytes)
{
	char size[SIZE_TEXT_MAX];
	uint64_t cell;

	if (!map->cells)
		return;
	printf("\nA letter stands for %s, a small one for a mixture:\n",
	       size_format_pages(size, map->cell_pages, bytes));
	for (cell = 0; cell < map->cells; cell += PAGEMAP_WIDTH) {
		uint64_t i, end = cell + PAGEMAP_WIDTH;

		printf("%12s  ",
		       size_format_pages(size,
					 map->start + cell * map->cell_pages,
					 bytes));
		for (i = cell; i < end && i < map->cells; i++)
			putchar(pagemap_cell(map, i));
		putchar('\n');
	}
}

static void print_runs(const struct pagemap *map)
{
	size_t i;

	printf("\n%12s %12s  %s\n", "START", "COUNT", "STATE");
	for (i = 0; i < map->run_count; i++)
		printf("%12llu %12llu  %s%s\n",
		       (unsigned long long)map->runs[i].start,
		       (unsigned long long)map->runs[i].count,
		       pagemap_name(map->runs[i].kind),
		       map->runs[i].in_flight ? ", in flight" : "");
}

static json_t *json_runs(const struct pagemap *map)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < map->run_count; i++)
		json_array_append_new(array, json_pack(
			"{s:I, s:I, s:s, s:b}",
			"start", (json_int_t)map->runs[i].start,
			"count", (json_int_t)map->runs[i].count,
			"state", pagemap_name(map->runs[i].kind),
			"in_flight", map->runs[i].in_flight));
	return array;
}

static int print_json(const struct pagemap *map, bool runs)
{
	json_t *object, *counts = json_object();
	int kind;

	for (kind = 0; kind < PAGEMAP_KINDS; kind++)
		json_object_set_new(counts, pagemap_name(kind),
				    json_integer(map->count[kind]));
	object = json_pack("{s:I, s:I, s:o, s:I, s:I, s:I}",
			   "start", (json_int_t)map->start,
			   "pages", (json_int_t)map->pages, "states", counts,
			   "in_flight", (json_int_t)map->in_flight,
			   "pinned", (json_int_t)map->pinned,
			   "dma", (json_int_t)map->dma);
	if (object && runs)
		json_object_set_new(object, "runs", json_runs(map));
	return json_print(object, JSON_INDENT(2));
}

static int print_text(const struct pagemap *map, const struct options *opts)
{
	print_counts(map, opts->bytes);
	if (opts->runs)
		print_runs(map);
	else
		print_map(map, opts->bytes);
	return 0;
}

int partition_pages_main(int argc, char **argv, const struct options *opts)
{
	struct tarn_partition_info info;
	struct pagemap map;
	struct range range;
	int fd, ret;

	fd = partition_open(argv[0], O_RDONLY);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &info);
	if (ret) {
		partition_fail(argv[0], ret, "read the counters of");
		goto out_close;
	}
	if (range_parse(&range, "tarnctl partition pages", argc - 1, argv + 1,
			info.logical_pages)) {
		ret = EXIT_USAGE;
		goto out_close;
	}
	pagemap_init(&map, range.start, range.count, opts->runs);
	ret = read_states(fd, &map, &range);
	if (ret)
		partition_fail(argv[0], ret, "read the page states of");
	else
		ret = opts->json ? print_json(&map, opts->runs) :
				   print_text(&map, opts);
	pagemap_exit(&map);
out_close:
	close(fd);
	return ret;
}
