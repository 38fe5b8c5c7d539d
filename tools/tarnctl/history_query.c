// SPDX-License-Identifier: GPL-2.0-only
/* See history_query.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "error.h"
#include "history_query.h"
#include "instant.h"
#include "text.h"

/* Without --since: so much of the past. */
#define SINCE_DEFAULT 3600
/* Up to so much of it is shown by seconds where they are kept. */
#define SECONDS_SHOWN 600

/* ---- the pool ----------------------------------------------------------- */

/**
 * struct choice - the pools that the history knows
 * @name: that is looked for, or NULL
 * @dir: where a pool of that name is mounted
 * @found: the one that is meant
 * @count: of all
 * @list: of all, for a message
 */
struct choice {
	const char *name;
	char dir[PATH_MAX];
	char *found;
	unsigned int count;
	char list[512];
};

static int consider(const char *mount, void *arg)
{
	struct choice *choice = arg;
	size_t len = strlen(choice->list);
	char *clean = text_clean(mount);

	if (!clean)
		return err_nomem();
	snprintf(choice->list + len, sizeof(choice->list) - len, "%s%s",
		 len ? ", " : "", clean);
	free(clean);
	choice->count++;
	if (choice->name ? strcmp(choice->dir, mount) : choice->count > 1)
		return 0;
	free(choice->found);
	choice->found = strdup(mount);
	return choice->found ? 0 : err_nomem();
}

/* A pool is where it was last. */
static int consider_uuid(const char *uuid, const char *mount, void *arg)
{
	struct choice *choice = arg;

	if (strncasecmp(uuid, choice->name, strlen(choice->name)))
		return 0;
	if (choice->found) {
		err("'%s' begins the uuids of several pools of the history, give more of it",
		    choice->name);
		return -ENOENT;
	}
	choice->found = strdup(mount);
	return choice->found ? 0 : err_nomem();
}

static int no_choice(const struct choice *choice)
{
	if (!choice->count)
		err("the history is empty: tarn-logd has seen no pool yet");
	else if (choice->name)
		err("'%s' is no pool of the history (where it is mounted, its name below /run/tarn or the beginning of its uuid); there is %s",
		    choice->name, choice->list);
	else
		err("there were %u pools, name the one that is meant with --pool: %s",
		    choice->count, choice->list);
	return -ENOENT;
}

static int choose_pool(struct history_query *query, const char *name)
{
	struct choice choice = { .name = name };
	int ret;

	if (name)
		pool_dir(choice.dir, name);
	ret = history_mounts(query->history, consider, &choice);
	if (!ret && name && !choice.found && pool_is_uuid(name))
		ret = history_pools(query->history, consider_uuid, &choice);
	if (!ret && (!choice.found || (!name && choice.count > 1)))
		ret = no_choice(&choice);
	if (ret) {
		free(choice.found);
		return ret;
	}
	query->mount = choice.found;
	return 0;
}

/* ---- time --------------------------------------------------------------- */

static int parse_time(const char *command, const char *option, const char *text,
		      time_t now, int64_t *result)
{
	time_t time;

	if (instant_parse(text, now, &time)) {
		err("%s: --%s: '%s' is no time; write 30m, 2h, 3d (ago), 20:15 or '2026-11-29 20:15'",
		    command, option, text);
		return -EINVAL;
	}
	*result = time;
	return 0;
}

static int parse_period(const char *command, const char *text,
			unsigned int *period)
{
	if (!strcmp(text, "second"))
		*period = HISTORY_SECOND;
	else if (!strcmp(text, "minute"))
		*period = HISTORY_MINUTE;
	else {
		err("%s: --by wants second or minute, not '%s'", command, text);
		return -EINVAL;
	}
	return 0;
}

static int parse_times(struct history_query *query, const char *command,
		       const struct options *opts, time_t now)
{
	int ret = 0;

	query->since = now - SINCE_DEFAULT;
	query->until = (int64_t)now + 1;
	if (opts->since)
		ret = parse_time(command, "since", opts->since, now,
				 &query->since);
	if (!ret && opts->until)
		ret = parse_time(command, "until", opts->until, now,
				 &query->until);
	if (!ret && query->since >= query->until) {
		err("%s: --since is not before --until", command);
		ret = -EINVAL;
	}
	return ret;
}

/* Seconds as far as they are kept, where these are not too many to look at. */
static unsigned int choose_period(const struct history_query *query)
{
	if (query->until - query->since > SECONDS_SHOWN + 1)
		return HISTORY_MINUTE;
	return history_first_second(query->history, query->mount) <
			query->until ? HISTORY_SECOND : HISTORY_MINUTE;
}

int history_query_init(struct history_query *query, const char *command,
		       const char *name, const struct options *opts)
{
	int ret;

	memset(query, 0, sizeof(*query));
	ret = parse_times(query, command, opts, time(NULL));
	if (!ret && opts->by)
		ret = parse_period(command, opts->by, &query->period);
	if (!ret)
		ret = history_open(&query->history,
				   opts->history ? opts->history : HISTORY_PATH);
	if (!ret)
		ret = choose_pool(query, name);
	if (ret) {
		history_query_exit(query);
		return ret;
	}
	if (!query->period)
		query->period = choose_period(query);
	return 0;
}

void history_query_exit(struct history_query *query)
{
	history_close(query->history);
	free(query->mount);
	memset(query, 0, sizeof(*query));
}
