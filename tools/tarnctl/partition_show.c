// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition show */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "field.h"
#include "home.h"
#include "home_mark.h"
#include "json.h"
#include "latency.h"
#include "partition.h"
#include "size.h"
#include "text.h"

#define ID_PREFIX "id:"

/* Homes are of interest where there are any, and what is amiss with them. */
static void print_homes(const struct homes *homes,
			const struct home_mark *mark, bool bytes)
{
	char misplaced[SIZE_TEXT_MAX], moved[SIZE_TEXT_MAX];

	if (homes_any(homes) || mark->automatic) {
		printf("  " FIELD_LABEL " ", "home nodes");
		homes_print(stdout, homes, bytes);
		printf("%s; %s misplaced, %s moved\n",
		       mark->automatic ? " (auto)" : "",
		       size_format_pages(misplaced, homes->misplaced_pages,
					 bytes),
		       size_format_pages(moved, homes->moved_pages, bytes));
	}
	if (mark->dispatch)
		printf("  " FIELD_LABEL " %s\n", "vCPUs follow",
		       home_dispatch_name(mark->dispatch));
}

static int print_json(const struct partition *part, const struct homes *homes,
		      const struct home_mark *mark)
{
	json_t *object = json_partition(part);

	if (object && homes->items &&
	    (json_add_homes(object, homes) ||
	     json_add_home_mark(object, mark))) {
		json_decref(object);
		object = NULL;
	}
	return json_print(object, JSON_INDENT(2));
}

static int print_partition(const struct partition *part, const char *name,
			   const struct homes *homes,
			   const struct home_mark *mark,
			   const struct options *opts)
{
	char *clean;

	if (opts->json)
		return print_json(part, homes, mark);
	clean = text_clean(name);
	if (!clean)
		return err_nomem();
	printf("%s\n", clean);
	free(clean);
	if (part->path)
		printf("  " FIELD_LABEL " uid %u, gid %u, mode %04o\n", "owner",
		       part->uid, part->gid, part->mode & 07777);
	field_print_all(partition_fields, &part->info, opts->bytes);
	print_homes(homes, mark, opts->bytes);
	latency_summary(stdout, part->info.latency);
	return 0;
}

static int show_file(const char *path, const struct options *opts)
{
	struct partition part = { .path = (char *)path };
	struct home_mark mark = { 0 };
	char uuid[POOL_UUID_TEXT];
	struct homes homes;
	__u32 id;
	struct stat st;
	int fd, ret;

	fd = partition_open(path, O_RDONLY);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &part.info);
	if (!ret && fstat(fd, &st))
		ret = -errno;
	/* Without them, the module is older. */
	homes_read(fd, &homes);
	if (!ret && !home_mark_find(fd, uuid, &id))
		mark = home_mark_read(uuid, id);
	close(fd);
	if (ret) {
		homes_free(&homes);
		return partition_fail(path, ret, "read the counters of");
	}
	part.uid = st.st_uid;
	part.gid = st.st_gid;
	part.mode = st.st_mode;
	ret = print_partition(&part, path, &homes, &mark, opts);
	homes_free(&homes);
	return ret;
}

/* One without a name can be asked nothing. */
static int show_listed(const struct pool *pool, const struct partition *part,
		       const char *text, const struct options *opts)
{
	struct home_mark mark = home_mark_read(pool->uuid, part->info.id);
	struct homes homes = { 0 };
	int dirfd, fd, ret;

	dirfd = pool_open(pool);
	if (dirfd < 0)
		return dirfd;
	fd = partition_reopen(dirfd, part);
	close(dirfd);
	if (fd >= 0) {
		homes_read(fd, &homes);
		close(fd);
	}
	ret = print_partition(part, part->path ? part->path : text, &homes,
			      &mark, opts);
	homes_free(&homes);
	return ret;
}

static int show_id(const char *text, const struct options *opts)
{
	const struct partition *part;
	struct partition_list list;
	unsigned long id;
	struct pool pool;
	char *end;
	int ret;

	id = strtoul(text + strlen(ID_PREFIX), &end, 10);
	if (!id || id > UINT32_MAX || *end) {
		err("%s: wants the number of a partition, as in id:5", text);
		return EXIT_USAGE;
	}
	ret = pool_get(&pool, opts->pool);
	if (ret)
		return ret;
	ret = partition_list_read(&list, &pool);
	if (ret)
		goto out_pool;
	part = partition_list_find(&list, id);
	if (part) {
		ret = show_listed(&pool, part, text, opts);
	} else {
		err("%s: no such partition in %s", text, pool.mount);
		ret = -ENOENT;
	}
	partition_list_free(&list);
out_pool:
	pool_put(&pool);
	return ret;
}

int partition_show_main(int argc, char **argv, const struct options *opts)
{
	return strncmp(argv[0], ID_PREFIX, strlen(ID_PREFIX)) ?
		       show_file(argv[0], opts) :
		       show_id(argv[0], opts);
}
