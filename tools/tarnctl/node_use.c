// SPDX-License-Identifier: GPL-2.0-only
/* See node_use.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node_use.h"
#include "sysfs.h"

static uint64_t read_file(int dirfd, const char *dir, const char *file)
{
	char path[PATH_MAX];
	uint64_t val;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return sysfs_read(dirfd, path, &val) ? 0 : val;
}

static int add_node(struct node_uses *uses, int dirfd, const char *name)
{
	struct node_use use = { 0 }, *items;
	int len = 0;

	if (sscanf(name, "node%u%n", &use.node, &len) < 1 || name[len] ||
	    use.node > NODE_MAX)
		return 0;
	use.accessed = read_file(dirfd, name, "accessed");
	use.accessed_lately = read_file(dirfd, name, "accessed_lately");
	use.table_pages = read_file(dirfd, name, "table_pages");
	items = reallocarray(uses->items, uses->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	uses->items = items;
	items[uses->count++] = use;
	return 0;
}

int node_uses_read(const char *uuid, __u32 id, struct node_uses *uses)
{
	char sub[32];
	struct dirent *entry;
	int fd, ret = 0;
	DIR *dir;

	memset(uses, 0, sizeof(*uses));
	snprintf(sub, sizeof(sub), "partitions/%u", id);
	fd = sysfs_open(SYSFS_ROOT, uuid, sub);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	uses->place_rate = read_file(dirfd(dir), ".", "place_rate");
	uses->move_waits = read_file(dirfd(dir), ".", "move_waits");
	while (!ret && (entry = readdir(dir)))
		ret = add_node(uses, dirfd(dir), entry->d_name);
	closedir(dir);
	if (ret)
		node_uses_free(uses);
	return ret;
}

void node_uses_free(struct node_uses *uses)
{
	free(uses->items);
	memset(uses, 0, sizeof(*uses));
}

struct node_use node_uses_find(const struct node_uses *uses, __u32 node)
{
	unsigned int i;

	for (i = 0; i < uses->count; i++) {
		if (uses->items[i].node == node)
			return uses->items[i];
	}
	return (struct node_use){ .node = node };
}

uint64_t node_use_accessed(const char *uuid, __u32 id, __u32 node)
{
	char dir[256];

	snprintf(dir, sizeof(dir), "%s/%s/partitions/%u/node%u", SYSFS_ROOT,
		 uuid, id, node);
	return read_file(AT_FDCWD, dir, "accessed");
}

void local_share_add(struct local_share *share, const struct node_uses *uses,
		     const struct homes *homes)
{
	unsigned int i;

	if (!homes_any(homes))
		return;
	for (i = 0; i < uses->count; i++) {
		const struct node_use *use = &uses->items[i];
		const struct tarn_home *home = homes_find(homes, use->node);

		share->all += use->accessed_lately;
		if (home && home->flags & TARN_NODE_IS_HOME)
			share->home += use->accessed_lately;
	}
}

int local_share_percent(const struct local_share *share)
{
	return share->all ? (int)(100.0 * share->home / share->all + .5) : -1;
}
