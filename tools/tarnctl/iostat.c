// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl iostat: what pools page, an interval a line. Columns have a width of their own,
 * as lines are printed as they come; where a terminal is narrow the least needed are left
 * out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "csv.h"
#include "error.h"
#include "json.h"
#include "pool.h"
#include "rates.h"
#include "sample.h"
#include "size.h"
#include "stamp.h"
#include "table.h"
#include "text.h"

#define GAP		2
#define INTERVAL_MIN	0.1
#define INTERVAL_MAX	86400.0
#define INTERVAL_ONCE	1.0
/* Titles come again where these would have left the screen. */
#define LINES_DEFAULT	24
#define WIDTH_EXACT	12

/* From left to right. */
enum {
	COL_TIME,
	COL_POOL,
	COL_FREE,
	COL_PAGED,
	COL_USED,
	COL_IN,
	COL_OUT,
	COL_DROP,
	COL_REFAULT,
	COL_WAIT,
	COL_P50,
	COL_P99,
	COL_COUNT,
};

/**
 * struct io_column - a column
 * @title: in the first line
 * @width: of it at least
 * @rank: those of the highest go first where the terminal is narrow
 */
static const struct io_column {
	const char *title;
	unsigned int width;
	unsigned int rank;
} io_columns[COL_COUNT] = {
	[COL_TIME] = { "TIME", 8, 0 },
	[COL_POOL] = { "POOL", 8, 0 },
	[COL_FREE] = { "FREE", 5, 1 },
	[COL_PAGED] = { "PAGED", 5, 6 },
	[COL_USED] = { "USED", 5, 5 },
	[COL_IN] = { "IN/s", 5, 0 },
	[COL_OUT] = { "OUT/s", 5, 0 },
	[COL_DROP] = { "DROP/s", 6, 7 },
	[COL_REFAULT] = { "REFLT/s", 7, 4 },
	[COL_WAIT] = { "WAIT/s", 6, 2 },
	[COL_P50] = { "P50", 5, 8 },
	[COL_P99] = { "P99", 5, 3 },
};

/**
 * struct io_pool - a pool
 * @pool: with its counters
 * @before: those of the interval before
 * @rates: since then
 */
struct io_pool {
	struct pool pool;
	struct tarn_pool_info before;
	struct sample_rates rates;
};

/**
 * struct iostat - what is printed, and how
 * @pools: the pools
 * @count: number of them
 * @opts: the options
 * @interval: seconds
 * @rounds: 0: without end
 * @width: of each column, 0: it is left out
 * @left: lines until the titles come again, 0: never, as they came once
 * @page: lines a screen, 0: it is none
 */
struct iostat {
	struct io_pool *pools;
	size_t count;
	const struct options *opts;
	double interval;
	unsigned int rounds;
	unsigned int width[COL_COUNT];
	unsigned int left;
	unsigned int page;
};

/* ---- the table ------------------------------------------------------------- */

static void choose_columns(struct iostat *io)
{
	unsigned int width = terminal_width(stdout), sum = 0, i, worst;

	for (i = 0; i < COL_COUNT; i++) {
		io->width[i] = io_columns[i].width;
		if (i > COL_POOL && io->opts->bytes &&
		    io->width[i] < WIDTH_EXACT)
			io->width[i] = WIDTH_EXACT;
	}
	for (i = 0; i < io->count; i++) {
		unsigned int len = text_width(pool_title(&io->pools[i].pool));

		if (len > io->width[COL_POOL])
			io->width[COL_POOL] = len;
	}
	if (!io->opts->time)
		io->width[COL_TIME] = 0;
	for (i = 0; i < COL_COUNT; i++)
		sum += io->width[i] ? io->width[i] + GAP : 0;
	while (width && sum - GAP > width) {
		for (worst = 0, i = 0; i < COL_COUNT; i++) {
			if (io->width[i] &&
			    io_columns[i].rank > io_columns[worst].rank)
				worst = i;
		}
		if (!io_columns[worst].rank)
			break;
		sum -= io->width[worst] + GAP;
		io->width[worst] = 0;
	}
}

/* Left are the time and the name; no text is cut. */
static void print_cell(const struct iostat *io, unsigned int at,
		       const char *text, bool *any)
{
	int pad = (int)io->width[at] - (int)text_width(text);

	if (!io->width[at])
		return;
	if (io->opts->headless) {
		printf("%s%s", *any ? "\t" : "", text);
	} else {
		if (*any)
			printf("%*s", GAP, "");
		if (at > COL_POOL)
			printf("%*s%s", pad > 0 ? pad : 0, "", text);
		else
			printf("%s%*s", text, pad > 0 ? pad : 0, "");
	}
	*any = true;
}

static void print_titles(const struct iostat *io)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < COL_COUNT; i++)
		print_cell(io, i, io_columns[i].title, &any);
	putchar('\n');
}

static const char *rate_text(char *buf, double rate, bool exact)
{
	if (!exact)
		return rate_format(buf, rate);
	snprintf(buf, SIZE_TEXT_MAX, "%.1f", rate);
	return buf;
}

static const char *latency_text(char *buf, uint64_t ns, bool exact)
{
	if (!ns)
		return "-";
	if (!exact)
		return time_format(buf, ns);
	snprintf(buf, SIZE_TEXT_MAX, "%llu", (unsigned long long)ns);
	return buf;
}

static const char *cell_text(unsigned int at, const struct io_pool *pool,
			     char *buf, bool exact)
{
	const struct tarn_pool_info *info = &pool->pool.info;
	const struct sample_rates *rates = &pool->rates;

	switch (at) {
	case COL_FREE:
		return size_format_pages(buf, info->free_frames, exact);
	case COL_PAGED:
		return size_format_pages(buf, info->paged_pages, exact);
	case COL_USED:
		return size_format_pages(buf, info->paging_used, exact);
	case COL_IN:
		return rate_text(buf, rates->page_ins, exact);
	case COL_OUT:
		return rate_text(buf, rates->page_outs, exact);
	case COL_DROP:
		return rate_text(buf, rates->drops, exact);
	case COL_REFAULT:
		return rate_text(buf, rates->refaults, exact);
	case COL_WAIT:
		return rate_text(buf, rates->waits, exact);
	case COL_P50:
		return latency_text(buf, rates->p50, exact);
	case COL_P99:
		return latency_text(buf, rates->p99, exact);
	}
	return "?";
}

static int print_line(const struct iostat *io, const struct io_pool *pool)
{
	char buf[SIZE_TEXT_MAX], clock[STAMP_MAX];
	char *name = text_clean(pool_title(&pool->pool));
	bool any = false;
	unsigned int i;

	if (!name)
		return err_nomem();
	print_cell(io, COL_TIME, stamp_clock(clock, time(NULL)), &any);
	print_cell(io, COL_POOL, name, &any);
	for (i = COL_POOL + 1; i < COL_COUNT; i++)
		print_cell(io, i, cell_text(i, pool, buf, io->opts->bytes),
			   &any);
	putchar('\n');
	free(name);
	return 0;
}

static unsigned int screen_lines(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return 0;
	return size.ws_row > 3 ? size.ws_row : LINES_DEFAULT;
}

/* ---- for programs ----------------------------------------------------------- */

static void print_csv(const struct io_pool *pool)
{
	const struct tarn_pool_info *info = &pool->pool.info;
	char clock[STAMP_MAX];

	printf("%s,", stamp_full(clock, time(NULL)));
	csv_text(stdout, pool->pool.mount);
	printf(",%s,%llu,%llu,%llu,%llu,%llu,%llu,", pool->pool.uuid,
	       info->frames, info->free_frames, info->resident_pages,
	       info->paged_pages, info->paging_used, info->paging_capacity);
	rates_csv(stdout, &pool->rates);
	putchar('\n');
}

static int print_json(const struct io_pool *pool)
{
	const struct tarn_pool_info *info = &pool->pool.info;
	char clock[STAMP_MAX];
	json_t *object;

	object = json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
			   "time", stamp_full(clock, time(NULL)),
			   "mount", json_text(pool->pool.mount),
			   "uuid", pool->pool.uuid,
			   "frames", (json_int_t)info->frames,
			   "free_frames", (json_int_t)info->free_frames,
			   "resident_pages", (json_int_t)info->resident_pages,
			   "paged_pages", (json_int_t)info->paged_pages,
			   "paging_used", (json_int_t)info->paging_used,
			   "paging_capacity", (json_int_t)info->paging_capacity);
	if (!object || rates_json(object, &pool->rates)) {
		json_decref(object);
		return err_nomem();
	}
	return json_print(object, JSON_COMPACT);
}

/* ---- intervals --------------------------------------------------------------- */

static int print_pool(struct iostat *io, const struct io_pool *pool)
{
	if (io->opts->json)
		return print_json(pool);
	if (io->opts->csv) {
		print_csv(pool);
		return 0;
	}
	return print_line(io, pool);
}

/* Before the first line, and on a screen before they are out of sight. */
static void maybe_titles(struct iostat *io, unsigned int round)
{
	bool again = io->page && io->left < io->count + 1;

	if (io->opts->json || io->opts->headless || (round && !again))
		return;
	if (!io->opts->csv)
		print_titles(io);
	else if (!round)
		puts("time,pool,uuid,frames,free_frames,resident_pages,paged_pages,paging_used,paging_capacity," RATES_CSV_TITLES);
	io->left = io->page ? io->page - 1 : 0;
}

static int run_round(struct iostat *io, double seconds, unsigned int round)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < io->count; i++) {
		struct io_pool *pool = &io->pools[i];

		pool->before = pool->pool.info;
		ret = pool_refresh(&pool->pool);
		if (!ret)
			sample_pool_rates(&pool->rates, &pool->pool.info,
					  &pool->before, seconds);
	}
	if (ret)
		return ret;
	maybe_titles(io, round);
	for (i = 0; !ret && i < io->count; i++)
		ret = print_pool(io, &io->pools[i]);
	io->left -= io->left > io->count ? io->count : io->left;
	return ret ? ret : err_stdout();
}

static int run(struct iostat *io)
{
	uint64_t before = sample_clock(), now;
	unsigned int round;
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < io->count; i++)
		ret = pool_refresh(&io->pools[i].pool);
	for (round = 0; !ret && (!io->rounds || round < io->rounds); round++) {
		sample_sleep(before, io->interval);
		now = sample_clock();
		ret = run_round(io, (now - before) / 1e9, round);
		before = now;
	}
	return ret;
}

/* ---- the command line --------------------------------------------------------- */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text);
}

static int parse_interval(struct iostat *io, const char *text)
{
	char *end;

	io->interval = strtod(text, &end);
	if (end != text && !*end && io->interval >= INTERVAL_MIN &&
	    io->interval <= INTERVAL_MAX)
		return 0;
	err("tarnctl iostat: an interval is seconds from %.1f to %.0f, not '%s'",
	    INTERVAL_MIN, INTERVAL_MAX, text);
	return -EINVAL;
}

static int parse_count(struct iostat *io, const char *text)
{
	unsigned long count;
	char *end;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end && count &&
	    count <= UINT32_MAX) {
		io->rounds = count;
		return 0;
	}
	err("tarnctl iostat: a count of lines is a number from 1 on, not '%s'",
	    text);
	return -EINVAL;
}

/* [POOL] [INTERVAL [COUNT]] */
static int parse(struct iostat *io, int argc, char **argv, const char **name)
{
	io->interval = INTERVAL_ONCE;
	io->rounds = 1;
	if (io->opts->json && io->opts->csv) {
		err("tarnctl iostat: --json and --csv are two formats, give one of them");
		return -EINVAL;
	}
	if (argc && !is_number(argv[0])) {
		*name = *argv++;
		argc--;
	}
	if (argc > 2) {
		err("tarnctl iostat: '%s' is too much: [POOL] [INTERVAL [COUNT]]",
		    argv[2]);
		return -EINVAL;
	}
	if (argc && parse_interval(io, argv[0]))
		return -EINVAL;
	if (argc > 1)
		return parse_count(io, argv[1]);
	if (argc)
		io->rounds = 0;
	return 0;
}

int iostat_main(int argc, char **argv, const struct options *opts)
{
	struct iostat io = { .opts = opts };
	const char *name = NULL;
	struct pool_list list;
	int ret;

	if (parse(&io, argc, argv, &name))
		return EXIT_USAGE;
	ret = pools_get(&list, name);
	if (ret)
		return ret;
	io.pools = calloc(list.count, sizeof(*io.pools));
	if (!io.pools)
		ret = err_nomem();
	for (; !ret && io.count < list.count; io.count++)
		io.pools[io.count].pool = list.items[io.count];
	if (!ret) {
		choose_columns(&io);
		io.page = screen_lines();
		ret = run(&io);
	}
	free(io.pools);
	pool_list_free(&list);
	return ret;
}
