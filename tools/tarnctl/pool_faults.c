// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool faults: page-ins under way, oldest first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "commands.h"
#include "error.h"
#include "json.h"
#include "partition.h"
#include "pool.h"
#include "size.h"
#include "table.h"

/* What the module gives at most. */
#define FAULTS_MAX 4096

static const struct table_column columns[] = {
	{ "NUMBER", false }, { "PARTITION", true }, { "PAGE", false },
	{ "WAITS FOR", true }, { "AND SO FOR", false }, { "IN ALL", false },
};

/* Indexed by enum tarn_fault_state: for people, and in JSON. */
static const struct {
	const char *text;
	const char *name;
} states[] = {
	[TARN_FAULT_FRAME] = { "a free frame", "frame" },
	[TARN_FAULT_NO_PAGER] = { "a pager", "no-pager" },
	[TARN_FAULT_READ] = { "the read", "read" },
	[TARN_FAULT_MOVE] = { "a move", "move" },
	[TARN_FAULT_DONE] = { "nothing", "done" },
};

static const char *state_text(__u32 state)
{
	return state && state < sizeof(states) / sizeof(states[0]) ?
		       states[state].text : "?";
}

static const char *state_name(__u32 state)
{
	return state && state < sizeof(states) / sizeof(states[0]) ?
		       states[state].name : "?";
}

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
	char *name = partition_name(part ? part : &gone);
	char waiting[SIZE_TEXT_MAX], age[SIZE_TEXT_MAX];

	if (!name)
		return -ENOMEM;
	table_cell(table, "%llu", fault->number);
	table_cell(table, "%s", name);
	free(name);
	table_cell(table, "%llu", fault->index);
	table_cell(table, "%s", state_text(fault->state));
	table_cell(table, "%s", time_format(waiting, fault->waiting_ns));
	table_cell(table, "%s", time_format(age, fault->age_ns));
	return 0;
}

static int print_table(const struct tarn_pool_faults *f,
		       const struct tarn_fault *faults,
		       const struct partition_list *list)
{
	struct table *table;
	int ret = 0;
	__u32 i;

	printf("%llu pending, %llu done since the pool was mounted\n",
	       f->pending, f->done);
	if (!f->count)
		return 0;
	table = table_create(columns, sizeof(columns) / sizeof(columns[0]));
	if (!table)
		return err_nomem();
	for (i = 0; !ret && i < f->count; i++)
		ret = add_row(table, &faults[i], list);
	if (!ret)
		ret = table_print(table, stdout);
	table_destroy(table);
	if (ret)
		return err_nomem();
	if (f->count < f->pending)
		printf("and %llu younger ones\n", f->pending - f->count);
	return 0;
}

static json_t *json_fault(const struct tarn_fault *fault,
			  const struct partition_list *list)
{
	const struct partition *part = partition_list_find(list,
							   fault->partition);

	return json_pack("{s:I, s:I, s:o, s:I, s:s, s:I, s:I}",
			 "number", (json_int_t)fault->number,
			 "partition", (json_int_t)fault->partition,
			 "path", part && part->path ? json_text(part->path) :
						      json_null(),
			 "index", (json_int_t)fault->index,
			 "state", state_name(fault->state),
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
	if (!ret) {
		ret = opts->json ? print_json(&f, faults, &list) :
				   print_table(&f, faults, &list);
		partition_list_free(&list);
	}
	free(faults);
	return ret;
}

int pool_faults_main(int argc, char **argv, const struct options *opts)
{
	struct pool pool;
	int ret;

	ret = pool_get(&pool, argv[0]);
	if (ret)
		return ret;
	ret = show(&pool, opts);
	pool_put(&pool);
	return ret;
}
