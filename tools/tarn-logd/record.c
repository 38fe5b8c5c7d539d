// SPDX-License-Identifier: GPL-2.0-only
/* See record.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "home_mark.h"
#include "json.h"
#include "node_use.h"
#include "partition_domain.h"
#include "record.h"
#include "sysfs.h"

/* What sysfs has of a pool on a node. */
static const char *const node_files[] = {
	"frames", "free_frames", "hit", "miss", "foreign", "moved_in", "moved_out",
};

/* ---- nodes -------------------------------------------------------------- */

static json_t *read_node(int dirfd, const char *name)
{
	json_t *object = json_object();
	char path[300];
	uint64_t val;
	size_t i;

	for (i = 0; i < sizeof(node_files) / sizeof(node_files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", name, node_files[i]);
		if (!sysfs_read(dirfd, path, &val))
			json_object_set_new(object, node_files[i],
					    json_integer(val));
	}
	return object;
}

/* As {"0": {"frames": 4096, ...}, ...}; NULL where there is nothing. */
static char *read_pool_nodes(const char *uuid)
{
	int fd = sysfs_open(SYSFS_ROOT, uuid, NULL);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	json_t *object = json_object();
	struct dirent *entry;
	char *text;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "node", 4) &&
		    entry->d_name[4] >= '0' && entry->d_name[4] <= '9')
			json_object_set_new(object, entry->d_name + 4,
					    read_node(dirfd(dir),
						      entry->d_name));
	}
	if (dir)
		closedir(dir);
	text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(object);
	return text;
}

/* Without names, as there is one for each partition and second. */
static char *format_homes(const struct homes *homes, const char *uuid, __u32 id)
{
	json_t *array = json_array();
	unsigned int i;
	char *text;

	for (i = 0; i < homes->count; i++) {
		const struct tarn_home *home = &homes->items[i];

		json_array_append_new(array, json_pack(
			"[I, i, I, I, I]", (json_int_t)home->node,
			!!(home->flags & TARN_NODE_IS_HOME),
			(json_int_t)home->wanted_frames,
			(json_int_t)home->resident_pages,
			(json_int_t)node_use_accessed(uuid, id, home->node)));
	}
	text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
}

/* ---- partitions --------------------------------------------------------- */

static void read_heat(struct history_partition *item, int fd)
{
	struct tarn_partition_heat heat = { .size = sizeof(heat) };

	if (!ioctl(fd, TARN_PARTITION_HEAT, &heat))
		memcpy(item->by_class, heat.by_class, sizeof(item->by_class));
}

static void read_homes(struct history_partition *item, const char *uuid, int fd)
{
	struct home_mark mark = home_mark_read(uuid, item->part.info.id);
	struct homes homes = { 0 };

	if (!homes_read(fd, &homes))
		item->nodes = format_homes(&homes, uuid,
					   item->part.info.id);
	item->misplaced = homes.misplaced_pages;
	item->moved = homes.moved_pages;
	sample_homes_format(item->homes, &homes, mark.automatic);
	homes_free(&homes);
}

/* What nobody has, or was removed meanwhile, has its counters alone. */
static void fill(struct history_partition *item, const struct pool *pool,
		 const struct guests *guests, int dirfd)
{
	int fd = guests_reach(guests, pool->dev, dirfd, &item->part);

	if (!item->part.guest)
		item->part.guest = partition_domain(item->part.path);
	strcpy(item->homes, "-");
	if (fd < 0)
		return;
	read_heat(item, fd);
	read_homes(item, pool->uuid, fd);
	close(fd);
}

static int read_partitions(struct history_moment *moment,
			   const struct guests *guests)
{
	const struct pool *pool = &moment->pool;
	struct partition_list list;
	int dirfd, ret;
	size_t i;

	dirfd = pool_open(&moment->pool);
	if (dirfd < 0)
		return dirfd;
	ret = partition_list_read(&list, &moment->pool);
	if (ret)
		goto out_close;
	ret = guests_name(guests, &moment->pool, &list);
	if (ret)
		goto out_list;
	moment->items = calloc(list.count + 1, sizeof(*moment->items));
	if (!moment->items) {
		ret = err_nomem();
		goto out_list;
	}
	for (i = 0; i < list.count; i++) {
		/* Who ends it waits for this. */
		if (i % 64 == 0 && pool_is_ending(pool)) {
			ret = -EAGAIN;
			break;
		}
		moment->items[i].part = list.items[i];
		list.items[i].path = NULL;
		list.items[i].name = NULL;
		list.items[i].guest = NULL;
		fill(&moment->items[i], &moment->pool, guests, dirfd);
	}
	moment->count = i;
out_list:
	partition_list_free(&list);
out_close:
	close(dirfd);
	return ret;
}

int record_take(struct history_moment *moment, const struct pool *pool,
		const struct guests *guests, int64_t time)
{
	int ret;

	memset(moment, 0, sizeof(*moment));
	if (pool_is_ending(pool))
		return -EAGAIN;
	moment->time = time;
	moment->pool = *pool;
	moment->pool.mount = strdup(pool->mount);
	if (!moment->pool.mount)
		return err_nomem();
	ret = pool_refresh(&moment->pool);
	if (!ret)
		ret = read_partitions(moment, guests);
	if (ret) {
		history_moment_free(moment);
		return ret;
	}
	moment->nodes = read_pool_nodes(pool->uuid);
	return 0;
}
