// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool sharing: what most pages share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "guest.h"
#include "json.h"
#include "partition.h"
#include "pool.h"
#include "size.h"
#include "table.h"
#include "text.h"

#define LIST_DEFAULT 20

static const struct table_column columns[] = {
	{ .title = "SHARERS" },
	{ .title = "SAVED" },
	{ .title = "DOMAIN", .left = true, .whole = true },
	{ .title = "STATE", .left = true, .whole = true },
	{ .title = "PARTITION", .left = true },
	{ .title = "PAGE" },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* struct sharing - what is shown of a pool */
struct sharing {
	struct tarn_pool_info info;
	struct tarn_shared *list;
	__u32 count;
	struct partition_list parts;
};

static const char *state_text(const struct tarn_shared *s)
{
	return s->state == TARN_PAGE_RESIDENT ? "resident" : "paged";
}

/* The kernel ends them with a 0. */
static const char *domain_text(const struct tarn_shared *s)
{
	return (const char *)s->domain;
}

static int read_all(const struct pool *pool, struct sharing *sharing)
{
	struct tarn_pool_sharing s = {
		.size = sizeof(s),
		.list = (uintptr_t)sharing->list,
		.count = sharing->count,
	};
	int fd = pool_open(pool), ret = 0;

	if (fd < 0)
		return fd;
	sharing->info.size = sizeof(sharing->info);
	if (ioctl(fd, TARN_POOL_INFO, &sharing->info) ||
	    ioctl(fd, TARN_POOL_SHARING, &s))
		ret = pool_fail(pool, -errno, "list what is shared in");
	sharing->count = s.count;
	close(fd);
	return ret;
}

/* What those who share it would need besides. */
static __u64 saved_pages(const struct tarn_shared *s)
{
	return s->sharers - 1;
}

static int add_row(struct table *table, const struct tarn_shared *s,
		   const struct partition_list *parts)
{
	const struct partition *part = partition_list_find(parts, s->partition);
	const struct partition gone = { .info.id = s->partition };
	char *name = partition_title(part ? part : &gone);

	if (!name)
		return -ENOMEM;
	table_number(table, s->sharers);
	table_pages(table, saved_pages(s));
	table_cell(table, "%s", domain_text(s));
	table_cell(table, "%s", state_text(s));
	table_cell(table, "%s", name);
	table_number(table, s->index);
	free(name);
	return 0;
}

static void print_sums(const struct tarn_pool_info *info, bool bytes)
{
	__u64 saved = info->shared_pages > info->shared_contents ?
			      info->shared_pages - info->shared_contents : 0;
	char shared[SIZE_TEXT_MAX], has[SIZE_TEXT_MAX], less[SIZE_TEXT_MAX];

	printf("%s shared in %s: %s less; %llu merged, %llu broken, in %u sharing domains\n",
	       size_format_pages(shared, info->shared_pages, bytes),
	       size_format_pages(has, info->shared_contents, bytes),
	       size_format_pages(less, saved, bytes), info->share_merges,
	       info->share_breaks, info->domains);
}

static int print_table(const struct sharing *sharing, const struct options *opts)
{
	struct table *table;
	int ret = 0;
	__u32 i;

	/* For programs there are no lines but those of the table. */
	if (!opts->headless && !opts->raw)
		print_sums(&sharing->info, opts->bytes);
	if (!sharing->count)
		return 0;
	table = table_create(columns, NR_COLUMNS, opts);
	if (!table)
		return err_nomem();
	for (i = 0; !ret && i < sharing->count; i++)
		ret = add_row(table, &sharing->list[i], &sharing->parts);
	if (ret)
		err_nomem();
	else
		ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

static json_t *json_shared(const struct tarn_shared *s,
			   const struct partition_list *parts)
{
	const struct partition *part = partition_list_find(parts, s->partition);

	return json_pack("{s:I, s:o, s:s, s:I, s:o, s:o, s:I}",
			 "sharers", (json_int_t)s->sharers,
			 "domain", json_text(domain_text(s)),
			 "state", state_text(s),
			 "partition", (json_int_t)s->partition,
			 "name", part && part->name ? json_text(part->name) :
						      json_null(),
			 "path", part && part->path ? json_text(part->path) :
						      json_null(),
			 "index", (json_int_t)s->index);
}

static int print_json(const struct sharing *sharing)
{
	const struct tarn_pool_info *info = &sharing->info;
	json_t *array = json_array();
	__u32 i;

	for (i = 0; i < sharing->count; i++) {
		if (json_array_append_new(array, json_shared(&sharing->list[i],
							     &sharing->parts))) {
			json_decref(array);
			return err_nomem();
		}
	}
	return json_print(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
				    "shared_pages", (json_int_t)info->shared_pages,
				    "shared_contents",
				    (json_int_t)info->shared_contents,
				    "shared_frames",
				    (json_int_t)info->shared_frames,
				    "share_merges", (json_int_t)info->share_merges,
				    "share_breaks", (json_int_t)info->share_breaks,
				    "domains", (json_int_t)info->domains,
				    "shared", array), JSON_INDENT(2));
}

static int show(const struct pool *pool, const struct options *opts)
{
	struct sharing sharing = {
		.count = !opts->count ? LIST_DEFAULT :
			 opts->count < TARN_SHARED_MAX ? opts->count :
							 TARN_SHARED_MAX,
	};
	int ret;

	sharing.list = calloc(sharing.count, sizeof(*sharing.list));
	if (!sharing.list)
		return err_nomem();
	ret = read_all(pool, &sharing);
	if (!ret && sharing.count)
		ret = partition_list_read(&sharing.parts, pool);
	if (!ret && sharing.parts.count)
		ret = guests_name_list(pool, &sharing.parts);
	if (!ret) {
		ret = opts->json ? print_json(&sharing) :
				   print_table(&sharing, opts);
		partition_list_free(&sharing.parts);
	}
	free(sharing.list);
	return ret;
}

int pool_sharing_main(int argc, char **argv, const struct options *opts)
{
	struct pool pool;
	int ret;

	if (table_check(columns, NR_COLUMNS, opts))
		return EXIT_USAGE;
	ret = pool_get(&pool, argv[0]);
	if (ret)
		return ret;
	ret = show(&pool, opts);
	pool_put(&pool);
	return ret;
}
