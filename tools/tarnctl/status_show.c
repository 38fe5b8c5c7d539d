// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl status: how pools are, once or again and again. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "guest.h"
#include "json.h"
#include "pool.h"
#include "stamp.h"
#include "status.h"
#include "table.h"
#include "text.h"

/* Rates are of so long, in seconds, when they are asked for once. */
#define INTERVAL_ONCE	0.5
/* Columns of the name, the word, and at least of what stands behind. */
#define WIDTH_NAME	14
#define WIDTH_WORD	10
#define WIDTH_TEXT_MIN	30

/**
 * struct judged - a pool
 * @pool: with its counters
 * @before: those before
 * @time: of these counters
 * @status: the last judgement
 * @shown: one has been shown
 */
struct judged {
	struct pool pool;
	struct tarn_pool_info before;
	uint64_t time;
	struct status status;
	bool shown;
};

/* ---- facts ---------------------------------------------------------------- */

static int read_faults(const struct pool *pool, struct tarn_fault *oldest)
{
	struct tarn_pool_faults call = {
		.size = sizeof(call),
		.count = 1,
		.faults = (uintptr_t)oldest,
	};
	int fd = pool_open(pool), ret;

	if (fd < 0)
		return fd;
	/* Who is not root does not get to know. */
	ret = ioctl(fd, TARN_POOL_FAULTS, &call) ? -errno : (int)call.pending;
	close(fd);
	return ret;
}

/* Of the partitions: what they use, and the name of one. */
static int read_partitions(const struct pool *pool, struct status_facts *facts,
			   char **who)
{
	const struct partition *part;
	struct partition_list list;
	int ret = partition_list_read(&list, pool);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < list.count; i++)
		facts->working_set += list.items[i].info.working_set;
	part = facts->faults > 0 ?
		       partition_list_find(&list, facts->oldest.partition) :
		       NULL;
	if (part)
		ret = guests_name_list(pool, &list);
	if (part && !ret)
		*who = partition_name(part);
	partition_list_free(&list);
	return ret;
}

static int judge(struct judged *judged)
{
	char *name = text_clean(pool_title(&judged->pool)), *who = NULL;
	struct status_facts facts = {
		.name = name ? name : "POOL",
		.info = &judged->pool.info,
		.before = &judged->before,
	};
	uint64_t time;
	int ret;

	judged->before = judged->pool.info;
	ret = pool_refresh(&judged->pool);
	time = sample_clock();
	if (!ret) {
		sample_pool_rates(&facts.rates, facts.info, facts.before,
				  (time - judged->time) / 1e9);
		facts.faults = read_faults(&judged->pool, &facts.oldest);
		ret = read_partitions(&judged->pool, &facts, &who);
	}
	judged->time = time;
	facts.who = who;
	if (!ret)
		status_judge(&judged->status, &facts);
	free(who);
	free(name);
	return ret;
}

/* ---- showing --------------------------------------------------------------- */

/* Words from column @x on, as the terminal is wide. */
static void print_wrapped(const char *text, unsigned int x)
{
	unsigned int width = terminal_width(stdout), at = x;

	/* Where there is none a line is a line. */
	if (!width)
		width = UINT_MAX;
	else if (width < x + WIDTH_TEXT_MIN)
		width = x + WIDTH_TEXT_MIN;
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > x && at + 1 + len > width) {
			printf("\n%*s", x, "");
			at = x;
		}
		printf("%s%.*s", at > x ? " " : "", (int)len, text);
		at += len + (at > x);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static int print_text(const struct judged *judged, bool timed)
{
	char *name = text_clean(pool_title(&judged->pool)), clock[STAMP_MAX];
	unsigned int x = WIDTH_NAME + WIDTH_WORD + 2;

	if (!name)
		return err_nomem();
	if (timed)
		printf("%s  ", stamp_full(clock, time(NULL)));
	printf("%-*s %-*s ", WIDTH_NAME, name, WIDTH_WORD,
	       status_word(judged->status.word));
	if (timed) {
		printf("%s\n", judged->status.reason);
	} else {
		print_wrapped(judged->status.reason, x);
		if (*judged->status.advice) {
			printf("%*s-> ", x, "");
			print_wrapped(judged->status.advice, x + 3);
		}
	}
	free(name);
	return 0;
}

static json_t *json_judged(const struct judged *judged)
{
	char clock[STAMP_MAX];

	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}",
			 "time", stamp_full(clock, time(NULL)),
			 "mount", json_text(judged->pool.mount),
			 "uuid", judged->pool.uuid,
			 "status", status_word(judged->status.word),
			 "reason", json_text(judged->status.reason),
			 "advice", *judged->status.advice ?
				 json_text(judged->status.advice) : json_null());
}

static bool is_wanted(const struct judged *judged, const struct options *opts)
{
	return !opts->unhealthy || judged->status.word != STATUS_HEALTHY;
}

static int show_once(const struct judged *pools, size_t count,
		     const struct options *opts)
{
	json_t *array = opts->json ? json_array() : NULL;
	bool any = false;
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < count; i++) {
		if (!is_wanted(&pools[i], opts))
			continue;
		any = true;
		if (!array)
			ret = print_text(&pools[i], false);
		else if (json_array_append_new(array, json_judged(&pools[i])))
			ret = err_nomem();
	}
	if (array && ret)
		json_decref(array);
	else if (array)
		ret = json_print(array, JSON_INDENT(2));
	else if (!any && !ret)
		puts("all pools are healthy");
	return ret;
}

static int show_change(struct judged *judged, const struct options *opts)
{
	int ret = opts->json ?
			  json_print(json_judged(judged), JSON_COMPACT) :
			  print_text(judged, true);

	judged->shown = true;
	return ret ? ret : err_stdout();
}

/* ---- the command ----------------------------------------------------------- */

static int judge_all(struct judged *pools, size_t count, uint64_t since,
		     double seconds)
{
	int ret = 0;
	size_t i;

	sample_sleep(since, seconds);
	for (i = 0; !ret && i < count; i++)
		ret = judge(&pools[i]);
	return ret;
}

/* The first time all are shown, then those that change. */
static int watch(struct judged *pools, size_t count, const struct options *opts)
{
	unsigned int round;
	int ret = 0;

	for (round = 0; !ret && (!opts->count || round < opts->count);
	     round++) {
		enum status_word old;
		size_t i;

		sample_sleep(pools[0].time, round ? opts->delay :
						    INTERVAL_ONCE);
		for (i = 0; !ret && i < count; i++) {
			old = pools[i].status.word;
			ret = judge(&pools[i]);
			/* That it is healthy again is told where it was not. */
			if (!ret && (pools[i].shown ?
				     pools[i].status.word != old :
				     is_wanted(&pools[i], opts)))
				ret = show_change(&pools[i], opts);
		}
	}
	return ret;
}

/* Return: 0 if all are healthy, else EXIT_FAILURE. */
static int sum_up(const struct judged *pools, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (pools[i].status.word != STATUS_HEALTHY)
			return EXIT_FAILURE;
	}
	return 0;
}

static int run(const struct pool_list *list, const struct options *opts)
{
	struct judged *pools = calloc(list->count, sizeof(*pools));
	int ret;
	size_t i;

	if (!pools)
		return err_nomem();
	for (i = 0; i < list->count; i++) {
		pools[i].pool = list->items[i];
		pools[i].time = sample_clock();
	}
	if (opts->watch) {
		ret = watch(pools, list->count, opts);
	} else {
		ret = judge_all(pools, list->count, pools[0].time,
				INTERVAL_ONCE);
		if (!ret)
			ret = show_once(pools, list->count, opts);
	}
	if (!ret)
		ret = sum_up(pools, list->count);
	free(pools);
	return ret;
}

int status_main(int argc, char **argv, const struct options *opts)
{
	struct pool_list list;
	int ret = pools_get(&list, argv[0]);

	if (ret)
		return ret;
	ret = run(&list, opts);
	pool_list_free(&list);
	return ret;
}
