// SPDX-License-Identifier: GPL-2.0-only
/* Home nodes: as they are written, as the kernel has them, and their sums. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "error.h"
#include "home.h"
#include "size.h"

/* Most machines have fewer nodes. */
#define ROOM_FIRST 8

#ifndef HOME_NODES
#define HOME_NODES "/sys/devices/system/node"
#endif

bool home_has_choice(void)
{
	bool several;
	glob_t found;

	if (glob(HOME_NODES "/node[0-9]*", 0, NULL, &found))
		return false;
	several = found.gl_pathc > 1;
	globfree(&found);
	return several;
}

static int parse_number(const char *text, __u32 *node)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || n > NODE_MAX)
		return -EINVAL;
	*node = n;
	return 0;
}

int node_parse(const char *what, const char *text, __u32 *node)
{
	int ret = parse_number(text, node);

	if (ret)
		err("%s: wants the number of a NUMA node, from 0 to %u, not '%s'",
		    what, NODE_MAX, text);
	return ret;
}

/* ---- parsing ------------------------------------------------------------ */

/* Append a node. Return: it, or NULL. */
static struct tarn_home *add_node(struct homes *homes, __u32 node)
{
	struct tarn_home *items;

	items = reallocarray(homes->items, homes->count + 1, sizeof(*items));
	if (!items)
		return NULL;
	homes->items = items;
	items += homes->count++;
	*items = (struct tarn_home){ .node = node };
	return items;
}

/* "0" or "0=4G", which is cut in two. */
static int parse_home(struct homes *homes, const char *what, char *text,
		      uint64_t whole)
{
	char *size = strchr(text, '=');
	struct tarn_home *home;
	uint64_t wanted = 0;
	__u32 node;

	if (size)
		*size++ = '\0';
	if (parse_number(text, &node)) {
		err("%s: '%s' is no NUMA node; it takes 'none', 'auto', or nodes as in 0,1 or 0=4G,1=2G",
		    what, text);
		return -EINVAL;
	}
	if (homes_find(homes, node)) {
		err("%s: node %u is given twice", what, node);
		return -EINVAL;
	}
	/* 0 is to the kernel what no number is to us. */
	if (size && (size_parse_pages(size, whole, &wanted) || !wanted)) {
		err("%s: '%s' for node %u: wants pages (4096), a size of whole pages (4G) or a part of the pool (25%%)",
		    what, size, node);
		return -EINVAL;
	}
	home = add_node(homes, node);
	if (!home)
		return err_nomem();
	home->flags = TARN_NODE_IS_HOME;
	home->wanted_frames = wanted;
	return 0;
}

int homes_parse(struct homes *homes, const char *what, const char *text,
		uint64_t whole)
{
	char *copy, *rest, *part;
	int ret = 0;

	memset(homes, 0, sizeof(*homes));
	if (!strcmp(text, "none"))
		return 0;
	copy = rest = strdup(text);
	if (!copy)
		return err_nomem();
	while (!ret && (part = strsep(&rest, ",")))
		ret = parse_home(homes, what, part, whole);
	free(copy);
	if (ret)
		homes_free(homes);
	return ret;
}

/* ---- the kernel --------------------------------------------------------- */

int homes_read(int fd, struct homes *homes)
{
	struct tarn_partition_homes call = { .size = sizeof(call) };
	unsigned int room = ROOM_FIRST;
	int ret;

	memset(homes, 0, sizeof(*homes));
	/* Pages may come to more nodes meanwhile. */
	for (;; room = call.count) {
		struct tarn_home *items;

		items = reallocarray(homes->items, room, sizeof(*items));
		if (!items) {
			ret = -ENOMEM;
			break;
		}
		homes->items = items;
		call.count = room;
		call.homes = (uintptr_t)items;
		if (ioctl(fd, TARN_PARTITION_HOMES, &call)) {
			ret = -errno;
			break;
		}
		if (call.count > room)
			continue;
		homes->count = call.count;
		homes->misplaced_pages = call.misplaced_pages;
		homes->moved_pages = call.moved_pages;
		return 0;
	}
	homes_free(homes);
	return ret;
}

int homes_set(int fd, const struct homes *homes)
{
	struct tarn_partition_homes call = {
		.size = sizeof(call),
		.flags = TARN_HOMES_SET,
		.count = homes->count,
		.homes = (uintptr_t)homes->items,
	};

	return ioctl(fd, TARN_PARTITION_HOMES, &call) ? -errno : 0;
}

/* ---- what is there ------------------------------------------------------ */

static struct tarn_home *find_node(const struct homes *homes, __u32 node)
{
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		if (homes->items[i].node == node)
			return &homes->items[i];
	}
	return NULL;
}

const struct tarn_home *homes_find(const struct homes *homes, __u32 node)
{
	return find_node(homes, node);
}

static int compare_nodes(const void *a, const void *b)
{
	const struct tarn_home *p = a, *q = b;

	return (p->node > q->node) - (p->node < q->node);
}

int homes_add(struct homes *sum, const struct homes *homes)
{
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		const struct tarn_home *from = &homes->items[i];
		struct tarn_home *to = find_node(sum, from->node);

		if (!to)
			to = add_node(sum, from->node);
		if (!to)
			return -ENOMEM;
		to->flags |= from->flags;
		to->wanted_frames += from->wanted_frames;
		to->resident_pages += from->resident_pages;
	}
	sum->misplaced_pages += homes->misplaced_pages;
	sum->moved_pages += homes->moved_pages;
	if (sum->count)
		qsort(sum->items, sum->count, sizeof(*sum->items),
		      compare_nodes);
	return 0;
}

bool homes_any(const struct homes *homes)
{
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		if (homes->items[i].flags & TARN_NODE_IS_HOME)
			return true;
	}
	return false;
}

void homes_print(FILE *f, const struct homes *homes, bool exact)
{
	const char *comma = "";
	char size[SIZE_TEXT_MAX];
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		const struct tarn_home *home = &homes->items[i];

		if (!(home->flags & TARN_NODE_IS_HOME))
			continue;
		fprintf(f, "%s%u", comma, home->node);
		if (home->wanted_frames)
			fprintf(f, "=%s",
				size_format_pages(size, home->wanted_frames,
						  exact));
		comma = ",";
	}
	if (!*comma)
		fputs("none", f);
}

void homes_free(struct homes *homes)
{
	free(homes->items);
	memset(homes, 0, sizeof(*homes));
}
