// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition show */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "field.h"
#include "guest.h"
#include "home.h"
#include "home_mark.h"
#include "json.h"
#include "latency.h"
#include "partition.h"
#include "sharing.h"
#include "size.h"
#include "text.h"

/**
 * struct shown - what is shown of a partition
 * @pool: its pool
 * @part: with its counters; its path is from the root of the pool
 * @guest: whose it is, or NULL
 * @homes: what it has on which node
 * @uses: what sysfs tells of these, and of how pages come home
 * @mark: who chooses its homes
 * @domain: with whom it shares, or ""
 * @leaves: it is leaving that
 */
struct shown {
	const struct pool *pool;
	struct partition part;
	const struct guest *guest;
	struct homes homes;
	struct node_uses uses;
	struct home_mark mark;
	char domain[TARN_DOMAIN_NAME];
	bool leaves;
};

/* Homes are of interest where there are any, and what is amiss with them. */
static void print_homes(const struct homes *homes, uint64_t rate,
			const struct home_mark *mark, bool bytes)
{
	char misplaced[SIZE_TEXT_MAX], moved[SIZE_TEXT_MAX];

	if (homes_any(homes) || mark->automatic) {
		printf("  " FIELD_LABEL " ", "home nodes");
		homes_print(stdout, homes, bytes);
		printf("%s; %s misplaced, %s moved",
		       mark->automatic ? " (auto)" : "",
		       size_format_pages(misplaced, homes->misplaced_pages,
					 bytes),
		       size_format_pages(moved, homes->moved_pages, bytes));
		if (rate)
			printf(", %s a second at most",
			       size_format_pages(moved, rate, bytes));
		putchar('\n');
	}
	if (mark->dispatch)
		printf("  " FIELD_LABEL " %s\n", "vCPUs follow",
		       home_dispatch_name(mark->dispatch));
}

static void print_nodes(const struct homes *homes, bool bytes)
{
	char size[SIZE_TEXT_MAX];
	bool any = false;
	unsigned int i;

	for (i = 0; i < homes->count; i++) {
		if (!homes->items[i].resident_pages)
			continue;
		if (!any)
			printf("  " FIELD_LABEL " ", "on nodes");
		printf("%s%u: %s", any ? ", " : "", homes->items[i].node,
		       size_format_pages(size, homes->items[i].resident_pages,
					 bytes));
		any = true;
	}
	if (any)
		putchar('\n');
}

static int print_json(const struct shown *shown)
{
	json_t *object = json_partition(&shown->part);

	if (!object ||
	    json_object_set_new(object, "pool", json_text(shown->pool->mount)) ||
	    json_object_set_new(object, "guest", json_guest(shown->guest)) ||
	    json_add_moving(object, &shown->uses) ||
	    (shown->homes.items &&
	     (json_add_homes(object, &shown->homes) ||
	      json_add_home_mark(object, &shown->mark))) ||
	    json_object_set_new(object, "sharing_domain",
				*shown->domain ? json_text(shown->domain) :
						 json_null()) ||
	    json_object_set_new(object, "leaves_sharing_domain",
				json_boolean(shown->leaves))) {
		json_decref(object);
		object = NULL;
	}
	return json_print(object, JSON_INDENT(2));
}

/* A line of text that others chose. */
static int print_word(const char *label, const char *text)
{
	char *clean = text_clean(text);

	if (!clean)
		return err_nomem();
	if (label)
		printf("  " FIELD_LABEL " %s\n", label, clean);
	else
		printf("%s\n", clean);
	free(clean);
	return 0;
}

static int print_guest(const struct guest *guest)
{
	int ret = 0;

	if (guest->name)
		ret = print_word(guest->domain ? "domain" : "guest",
				 guest->name);
	if (*guest->uuid)
		printf("  " FIELD_LABEL " %s\n", "uuid", guest->uuid);
	printf("  " FIELD_LABEL " %d\n", "pid", guest->pid);
	return ret ? ret : print_word("VMM", guest->vmm);
}

static int print_head(const struct shown *shown)
{
	const struct partition *part = &shown->part;
	char *title = partition_title(part);
	int ret;

	if (!title)
		return err_nomem();
	ret = print_word(NULL, title);
	free(title);
	if (!ret)
		ret = print_word("pool", shown->pool->mount);
	if (!ret && part->path)
		ret = print_word("file", part->path);
	if (!ret && part->path)
		printf("  " FIELD_LABEL " uid %u, gid %u, mode %04o\n", "owner",
		       part->uid, part->gid, part->mode & 07777);
	return !ret && shown->guest ? print_guest(shown->guest) : ret;
}

static int print_partition(const struct shown *shown, const struct options *opts)
{
	int ret;

	if (opts->json)
		return print_json(shown);
	ret = print_head(shown);
	if (ret)
		return ret;
	field_print_all(partition_fields, &shown->part.info, opts->bytes);
	print_nodes(&shown->homes, opts->bytes);
	print_homes(&shown->homes, shown->uses.place_rate, &shown->mark,
		    opts->bytes);
	if (*shown->domain)
		printf("  " FIELD_LABEL " %s%s\n", "sharing domain",
		       shown->domain, shown->leaves ? ", which it is leaving" : "");
	latency_summary(stdout, shown->part.info.latency);
	return 0;
}

/* What is to be known of a partition of a list besides its counters. */
static int show_listed(const struct pool *pool, struct partition_list *list,
		       const struct partition *part, const struct options *opts)
{
	const struct pool_list one = { .items = (struct pool *)pool,
				       .count = 1 };
	struct shown shown = { .pool = pool };
	struct guests guests;
	int dirfd, fd, ret;

	ret = guests_read(&guests, &one);
	if (!ret)
		ret = guests_name(&guests, pool, list);
	if (ret)
		goto out_guests;
	shown.part = *part;
	shown.guest = guests_find(&guests, pool->dev, part, NULL);
	shown.mark = home_mark_read(pool->uuid, part->info.id);
	if (node_uses_read(pool->uuid, part->info.id, &shown.uses)) {
		ret = err_nomem();
		goto out_guests;
	}
	dirfd = pool_open(pool);
	if (dirfd < 0) {
		ret = dirfd;
		goto out_guests;
	}
	fd = guests_reach(&guests, pool->dev, dirfd, part);
	close(dirfd);
	/* One that nobody may open tells nothing of its nodes, nor does an older module. */
	if (fd >= 0) {
		homes_read(fd, &shown.homes);
		sharing_read(fd, shown.domain, &shown.leaves);
		close(fd);
	}
	ret = print_partition(&shown, opts);
	homes_free(&shown.homes);
out_guests:
	node_uses_free(&shown.uses);
	guests_free(&guests);
	return ret;
}

/* @name: for a report */
static int show_id(const struct pool *pool, __u32 id, const char *name,
		   const struct options *opts)
{
	const struct partition *part;
	struct partition_list list;
	int ret;

	ret = partition_list_read(&list, pool);
	if (ret)
		return ret;
	part = partition_list_find(&list, id);
	if (part) {
		ret = show_listed(pool, &list, part, opts);
	} else {
		err("%s: no such partition in %s", name, pool->mount);
		ret = -ENOENT;
	}
	partition_list_free(&list);
	return ret;
}

/* One that this user may open is listed by its number at least. */
static int show_file(const char *name, const struct options *opts)
{
	struct tarn_partition_info info;
	struct pool_list pools;
	struct stat st;
	int fd, ret;
	size_t i;

	fd = partition_open(name, O_RDONLY);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &info);
	if (!ret && fstat(fd, &st))
		ret = -errno;
	close(fd);
	if (ret)
		return partition_fail(name, ret, "read the counters of");
	ret = pool_list_read(&pools);
	if (ret)
		return ret;
	for (i = 0; i < pools.count && pools.items[i].dev != st.st_dev; i++)
		;
	if (i < pools.count) {
		ret = show_id(&pools.items[i], info.id, name, opts);
	} else {
		err("%s: its pool is mounted no longer", name);
		ret = -ENOENT;
	}
	pool_list_free(&pools);
	return ret;
}

/* Which of the pools has it; NULL if none or several have, reported. */
static const struct pool *find_id(const struct pool_list *pools, __u32 id,
				  const char *name)
{
	const struct pool *found = NULL;
	struct partition_list list;
	bool several = false;
	size_t i;

	for (i = 0; i < pools->count; i++) {
		if (partition_list_read(&list, &pools->items[i]))
			return NULL;
		if (partition_list_find(&list, id)) {
			several = found;
			found = &pools->items[i];
		}
		partition_list_free(&list);
		if (several) {
			err("%s: several pools have it, as in %s/id:%u", name,
			    pool_title(found), id);
			return NULL;
		}
	}
	if (!found)
		err("%s: no such partition in %s", name,
		    pools->count == 1 ? pools->items[0].mount : "any pool");
	return found;
}

static int show_number(const char *pool_name, __u32 id, const char *name,
		       const struct options *opts)
{
	const struct pool *pool;
	struct pool_list pools;
	int ret = pools_get(&pools, pool_name);

	if (ret)
		return ret;
	pool = find_id(&pools, id, name);
	ret = pool ? show_id(pool, id, name, opts) : -ENOENT;
	pool_list_free(&pools);
	return ret;
}

/* "pool0/id:5", not the "web/id:5" of a guest with several partitions. */
static bool is_pool(const char *name)
{
	struct pool_list pools;
	bool found;

	if (pool_list_read(&pools))
		return false;
	found = pool_list_names(&pools, name);
	pool_list_free(&pools);
	return found;
}

/*
 * One without a file that nobody has mapped can be shown, though not opened: a number,
 * maybe behind the name of a pool, is looked for in lists.
 */
int partition_show_main(int argc, char **argv, const struct options *opts)
{
	const char *slash = strrchr(argv[0], '/');
	char *prefix = NULL;
	__u32 id;
	int ret = partition_id_parse(slash ? slash + 1 : argv[0], &id);

	if (ret == -EINVAL) {
		err("%s: wants the number of a partition, as in id:5", argv[0]);
		return EXIT_USAGE;
	}
	if (ret)
		return show_file(argv[0], opts);
	if (slash) {
		prefix = strndup(argv[0], slash - argv[0]);
		if (!prefix)
			return err_nomem();
	}
	if (prefix && !is_pool(prefix))
		ret = show_file(argv[0], opts);
	else
		ret = show_number(prefix ? prefix : opts->pool, id, argv[0],
				  opts);
	free(prefix);
	return ret;
}
