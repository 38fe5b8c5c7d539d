// SPDX-License-Identifier: GPL-2.0-only
/* See dry_run.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dry_run.h"
#include "error.h"
#include "heatmap.h"
#include "home.h"
#include "partition.h"
#include "size.h"
#include "sysfs.h"

/* ---- partitions ----------------------------------------------------------- */

static int read_map(int fd, const char *name, const struct range *range,
		    struct heatmap *map)
{
	struct heatmap *const maps[] = { map };
	struct heat_sums sums;
	int ret = heatmap_init(map, range->start, range->count, 1, 1);

	if (ret)
		return err_nomem();
	ret = heat_read(fd, range->start, range->count, &sums, maps, 1);
	return ret ? partition_fail(name, ret, "look at the pages of") : 0;
}

int dry_run_page(int fd, const char *name, const struct range *range, bool out,
		 const struct options *opts)
{
	struct heatmap map = { 0 };
	char size[SIZE_TEXT_MAX], pinned[SIZE_TEXT_MAX];
	uint64_t pages = 0;
	int class, ret;

	ret = read_map(fd, name, range, &map);
	for (class = TARN_ACTIVITY_COLD; class < TARN_ACTIVITY_CLASSES; class++)
		pages += out ? map.resident[class] : map.paged[class];
	pages -= out && map.pinned < pages ? map.pinned : 0;
	size_format_pages(size, pages, opts->bytes);
	size_format_pages(pinned, map.pinned, opts->bytes);
	if (!ret && out)
		printf("%s: up to %s would be paged out; %s is pinned and stays\n",
		       name, size, pinned);
	else if (!ret)
		printf("%s: up to %s would be paged in\n", name, size);
	heatmap_exit(&map);
	return ret;
}

int dry_run_relocate(int fd, const char *name, const struct range *range,
		     uint32_t node, bool away, const struct options *opts)
{
	char size[SIZE_TEXT_MAX];
	struct homes homes;
	uint64_t pages = 0;
	unsigned int i;
	int ret = homes_read(fd, &homes);

	if (ret)
		return partition_fail(name, ret, "read the nodes of");
	for (i = 0; i < homes.count; i++) {
		if ((homes.items[i].node == node) == away)
			pages += homes.items[i].resident_pages;
	}
	homes_free(&homes);
	if (pages > range->count)
		pages = range->count;
	printf("%s: up to %s would be moved %s node %u\n", name,
	       size_format_pages(size, pages, opts->bytes),
	       away ? "away from" : "to", node);
	return 0;
}

int dry_run_compact(const char *name, const struct range *range,
		    const struct tarn_partition_info *info,
		    const struct options *opts)
{
	uint64_t pages = info->resident_pages - info->block_pages;
	char size[SIZE_TEXT_MAX];

	if (pages > range->count)
		pages = range->count;
	printf("%s: up to %s would be gathered into 2 MiB frames\n", name,
	       size_format_pages(size, pages, opts->bytes));
	return 0;
}

/* ---- pools ---------------------------------------------------------------- */

/* "268435456:268435456" or "30%". */
static uint64_t value_pages(const char *value)
{
	uint64_t sum = 0, pages;
	char *copy = strdup(value), *rest = copy, *word;

	while (copy && (word = strsep(&rest, ":"))) {
		if (strchr(word, '%')) {
			if (!size_parse_pages(word, sysconf(_SC_PHYS_PAGES),
					      &pages))
				sum += pages;
		} else {
			sum += strtoull(word, NULL, 10) >> TARN_PAGE_SHIFT;
		}
	}
	free(copy);
	return sum;
}

static int add_minimums(const struct pool *pool, uint64_t *sum)
{
	struct partition_list list;
	int ret = partition_list_read(&list, pool);
	size_t i;

	*sum = 0;
	if (ret)
		return ret;
	for (i = 0; i < list.count; i++)
		*sum += list.items[i].info.min_frames;
	partition_list_free(&list);
	return 0;
}

int dry_run_resize(const struct pool *pool, const char *value)
{
	const struct tarn_pool_info *info = &pool->info;
	uint64_t frames = value_pages(value), used, minimums;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], c[SIZE_TEXT_MAX];
	int ret = add_minimums(pool, &minimums);

	if (ret)
		return ret;
	size_format_pages(a, frames, false);
	size_format_pages(b, info->frames, false);
	if (minimums > frames) {
		err("resize %s: partitions have %s as their minimum ('tarnctl partition set PARTITION min='), so it would stay at %s",
		    pool->mount, size_format_pages(c, minimums, false), b);
		return -ENOSPC;
	}
	used = info->frames - info->free_frames;
	printf("%s: would be about %s, is %s", pool->mount, a, b);
	if (used > frames)
		printf("; at least %s would have to be paged out",
		       size_format_pages(c, used - frames, false));
	putchar('\n');
	if (used <= frames || (info->flags & TARN_POOL_PAGING &&
			       info->flags & TARN_POOL_SERVED))
		return 0;
	err("resize %s: nothing can be paged out, as it has no pager",
	    pool->mount);
	return -EBUSY;
}

int dry_run_drain(const struct pool *pool, uint32_t node,
		  const struct options *opts)
{
	uint64_t frames, left;
	char sub[32], a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];
	int fd, ret;

	snprintf(sub, sizeof(sub), "node%u", node);
	fd = sysfs_open(SYSFS_ROOT, pool->uuid, sub);
	ret = fd < 0 ? fd : sysfs_read(fd, "frames", &frames);
	if (!ret)
		ret = sysfs_read(fd, "free_frames", &left);
	if (fd >= 0)
		close(fd);
	if (ret) {
		err("%s: the pool has nothing on node %u, 'tarnctl pool show' lists its nodes",
		    pool->mount, node);
		return ret;
	}
	printf("%s: %s on node %u would be given back, after %s of it was moved to other nodes\n",
	       pool->mount, size_format_pages(a, frames, opts->bytes), node,
	       size_format_pages(b, frames - left, opts->bytes));
	return 0;
}
