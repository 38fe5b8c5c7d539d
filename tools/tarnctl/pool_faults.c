// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool faults: page-ins under way, oldest first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "fault.h"
#include "guest.h"
#include "json.h"
#include "partition.h"
#include "pool.h"
#include "table.h"

/* What the module gives at most. */
#define FAULTS_MAX 4096

static const struct table_column columns[] = {
	{ .title = "NUMBER", .rank = 2 },
	{ .title = "PARTITION", .left = true },
	{ .title = "PAGE", .rank = 1 },
	{ .title = "WAITS FOR", .left = true },
	{ .title = "WAITING" },
	{ .title = "AGE" },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static int read_faults(const struct pool *pool, struct tarn_pool_faults *f)
{
	int fd = pool_open(pool), ret = 0;

	if (fd < 0)
		return fd;
	if (ioctl(fd, TARN_POOL_FAULTS, f))
		ret = pool_fail(pool, -errno, "list the page-ins of");
	close(fd);
	return ret;
}

static int add_row(struct table *table, const struct tarn_fault *fault,
		   const struct partition_list *list)
{
	const struct partition *part = partition_list_find(list,
							   fault->partition);
	const struct partition gone = { .info.id = fault->partition };
	char *name = partition_title(part ? part : &gone);

	if (!name)
		return -ENOMEM;
	table_number(table, fault->number);
	table_cell(table, "%s", name);
	free(name);
	table_number(table, fault->index);
	table_cell(table, "%s", fault_state_text(fault->state));
	table_time(table, fault->waiting_ns);
	table_time(table, fault->age_ns);
	return 0;
}

static int print_table(const struct tarn_pool_faults *f,
		       const struct tarn_fault *faults,
		       const struct partition_list *list,
		       const struct options *opts)
{
	/* For programs there are no lines but those of the table. */
	bool prose = !opts->headless && !opts->raw;
	struct table *table;
	int ret = 0;
	__u32 i;

	if (prose)
		printf("%llu pending, %llu done since the pool was mounted\n",
		       f->pending, f->done);
	if (!f->count)
		return 0;
	table = table_create(columns, NR_COLUMNS, opts);
	if (!table)
		return err_nomem();
	for (i = 0; !ret && i < f->count; i++)
		ret = add_row(table, &faults[i], list);
	if (ret)
		err_nomem();
	else
		ret = table_print(table, stdout);
	table_destroy(table);
	if (!ret && prose && f->count < f->pending)
		printf("and %llu younger ones\n", f->pending - f->count);
	return ret;
}

static json_t *json_fault(const struct tarn_fault *fault,
			  const struct partition_list *list)
{
	const struct partition *part = partition_list_find(list,
							   fault->partition);

	return json_pack("{s:I, s:I, s:o, s:o, s:I, s:s, s:I, s:I}",
			 "number", (json_int_t)fault->number,
			 "partition", (json_int_t)fault->partition,
			 "name", part && part->name ? json_text(part->name) :
						      json_null(),
			 "path", part && part->path ? json_text(part->path) :
						      json_null(),
			 "index", (json_int_t)fault->index,
			 "state", fault_state_name(fault->state),
			 "age_ns", (json_int_t)fault->age_ns,
			 "waiting_ns", (json_int_t)fault->waiting_ns);
}

static int print_json(const struct tarn_pool_faults *f,
		      const struct tarn_fault *faults,
		      const struct partition_list *list)
{
	json_t *array = json_array();
	__u32 i;

	for (i = 0; i < f->count; i++) {
		if (json_array_append_new(array, json_fault(&faults[i], list))) {
			json_decref(array);
			return err_nomem();
		}
	}
	return json_print(json_pack("{s:I, s:I, s:o}",
				    "pending", (json_int_t)f->pending,
				    "done", (json_int_t)f->done,
				    "faults", array), JSON_INDENT(2));
}

static int show(const struct pool *pool, const struct options *opts)
{
	struct partition_list list = { 0 };
	struct tarn_fault *faults;
	struct tarn_pool_faults f = {
		.size = sizeof(f),
		.count = opts->count && opts->count < FAULTS_MAX ?
				 opts->count : FAULTS_MAX,
	};
	int ret;

	faults = calloc(f.count, sizeof(*faults));
	if (!faults)
		return err_nomem();
	f.faults = (uintptr_t)faults;
	ret = read_faults(pool, &f);
	/* Names only: a page-in may be of a partition that went since. */
	if (!ret && f.count)
		ret = partition_list_read(&list, pool);
	if (!ret && list.count)
		ret = guests_name_list(pool, &list);
	if (!ret) {
		ret = opts->json ? print_json(&f, faults, &list) :
				   print_table(&f, faults, &list, opts);
		partition_list_free(&list);
	}
	free(faults);
	return ret;
}

int pool_faults_main(int argc, char **argv, const struct options *opts)
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
