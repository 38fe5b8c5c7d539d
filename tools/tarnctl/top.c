// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl top: on the screen, or as a table an interval. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "replay.h"
#include "size.h"
#include "table.h"
#include "text.h"
#include "top.h"

static int print_rows(const struct sample *sample, bool bytes)
{
	struct table_column heads[COLUMN_COUNT];
	struct table *table;
	enum column_id id;
	size_t i;
	int ret;

	for (id = 0; id < COLUMN_COUNT; id++) {
		heads[id].title = columns[id].title;
		heads[id].left = id == COLUMN_NAME;
	}
	table = table_create(heads, COLUMN_COUNT);
	if (!table)
		return err_nomem();
	for (i = 0; i < sample->list.count; i++) {
		for (id = 0; id < COLUMN_COUNT; id++) {
			char buf[SIZE_TEXT_MAX];

			table_cell(table, "%s",
				   column_text(id, &sample->rows[i], buf,
					       bytes));
		}
	}
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret ? err_nomem() : 0;
}

static void print_head(const struct sample *sample, bool bytes)
{
	const struct tarn_pool_info *info = &sample->pool.info;
	char size[SIZE_TEXT_MAX], left[SIZE_TEXT_MAX], logical[SIZE_TEXT_MAX];
	char ins[SIZE_TEXT_MAX], outs[SIZE_TEXT_MAX], when[32] = "?";
	struct tm tm;
	char *mount = text_clean(sample->pool.mount);

	if (localtime_r(&sample->wall, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S%z", &tm);
	printf("%s: %s, %s free, logical %s, %s, in %s pages/s, out %s pages/s, %s\n",
	       mount ? mount : "?",
	       size_format_pages(size, info->frames, bytes),
	       size_format_pages(left, info->free_frames, bytes),
	       size_format_pages(logical, info->logical_pages, bytes),
	       pool_state(info), rate_format(ins, sample->rates.page_ins),
	       rate_format(outs, sample->rates.page_outs), when);
	free(mount);
}

int top_plain(const struct pool *pool, enum column_id sort,
	      const struct options *opts)
{
	struct sample before, now;
	unsigned int round;
	int ret;

	ret = sample_take(&before, pool, NULL);
	if (ret)
		return ret;
	for (round = 0; !ret && (!opts->count || round < opts->count);
	     round++) {
		/* What was is printed as fast as it is read. */
		if (!replay_runs())
			sample_sleep(before.time, opts->delay);
		ret = sample_take(&now, pool, &before);
		sample_free(&before);
		if (ret)
			return ret == -ENODATA ? 0 : ret;
		before = now;
		column_sort(&before, sort, false);
		if (round)
			putchar('\n');
		print_head(&before, opts->bytes);
		ret = print_rows(&before, opts->bytes);
		if (fflush(stdout))
			ret = err_errno(-errno, "write to stdout");
	}
	sample_free(&before);
	return ret;
}

int top_main(int argc, char **argv, const struct options *opts)
{
	enum column_id sort = COLUMN_NAME;
	struct pool pool;
	int ret;

	if (!opts->replay && (opts->since || opts->until || opts->by ||
			      opts->history)) {
		err("tarnctl top: --since, --until, --by and --history go with --replay");
		return EXIT_USAGE;
	}

	if (opts->sort) {
		sort = column_find(opts->sort);
		if (sort == COLUMN_COUNT)
			return EXIT_USAGE;
	}
	ret = opts->replay ? replay_begin(&pool, argv[0], opts) :
			     pool_get(&pool, argv[0]);
	if (ret)
		return ret == -EINVAL ? EXIT_USAGE : ret;
	if (opts->plain || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		ret = top_plain(&pool, sort, opts);
	else
		ret = top_screen(&pool, sort, opts);
	pool_put(&pool);
	if (opts->replay)
		replay_end();
	return ret;
}
