// SPDX-License-Identifier: GPL-2.0-only
/* See alert.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert.h"
#include "error.h"
#include "sample.h"

#define SECOND_NS 1000000000ULL
#define MS_NS 1000000ULL
#define ENV_MAX 20

/* ---- the environment ---------------------------------------------------- */

static void env_free(char **env)
{
	size_t i;

	for (i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}

static void env_add(char **env, const char *fmt, ...) __printf(2, 3);
static void env_add(char **env, const char *fmt, ...)
{
	va_list args;
	size_t i = 0;

	while (env[i])
		i++;
	va_start(args, fmt);
	if (i >= ENV_MAX - 1 || vasprintf(&env[i], fmt, args) < 0)
		env[i] = NULL;
	va_end(args);
}

static void env_add_time(char **env, uint64_t time_ns)
{
	time_t time = time_ns / SECOND_NS;
	char text[40];
	struct tm tm;

	if (localtime_r(&time, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm))
		env_add(env, "TARN_TIME=%s", text);
}

static char **env_make(const struct notice *notice)
{
	const struct history_event *event = &notice->event;
	char **env = calloc(ENV_MAX, sizeof(*env));
	char host[256] = "";

	if (!env)
		return NULL;
	gethostname(host, sizeof(host) - 1);
	env_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env_add(env, "LANG=C.UTF-8");
	env_add(env, "TARN_HOST=%s", host);
	env_add(env, "TARN_EVENT=%s", event->event);
	env_add(env, "TARN_STATE=%s", event->state);
	env_add(env, "TARN_PRIORITY=%d", event->priority);
	env_add(env, "TARN_POOL=%s", notice->mount);
	env_add(env, "TARN_POOL_UUID=%s", event->uuid);
	env_add(env, "TARN_PARTITION=%s", notice->path ? notice->path : "");
	env_add(env, "TARN_DOMAIN=%s", notice->domain ? notice->domain : "");
	env_add(env, "TARN_PAGE=%llu", (unsigned long long)event->page);
	env_add(env, "TARN_VALUE=%lld", (long long)event->value);
	env_add(env, "TARN_MESSAGE=%s", notice->message);
	env_add_time(env, event->time_ns);
	return env;
}

/* ---- the queue ---------------------------------------------------------- */

/* Takes over @env. */
static void enqueue(struct alerts *alerts, char **env)
{
	if (alerts->queued == ALERT_QUEUE_MAX) {
		env_free(env);
		if (!alerts->dropped++)
			err("scripts of %s are too slow: alerts are dropped",
			    alerts->rules.dir);
		return;
	}
	if (alerts->dropped)
		env_add(env, "TARN_DROPPED=%u", alerts->dropped);
	alerts->dropped = 0;
	alerts->queue[alerts->queued++] = env;
}

static void dequeue(struct alerts *alerts)
{
	env_free(alerts->queue[0]);
	alerts->queued--;
	memmove(alerts->queue, alerts->queue + 1,
		alerts->queued * sizeof(*alerts->queue));
	script_list_free(&alerts->list);
	alerts->next = 0;
}

/* ---- what was told ------------------------------------------------------ */

/* The beginning and the end of a condition are of one kind here. */
static bool is_same_kind(const struct kind *a, const struct kind *b)
{
	return a == b || (a->condition && a->condition == b->condition);
}

static struct alert_seen *find_seen(struct alerts *alerts,
				    const struct notice *notice)
{
	int i;

	for (i = 0; i < ALERT_SEEN_MAX; i++) {
		struct alert_seen *seen = &alerts->seen[i];

		if (seen->until && is_same_kind(seen->kind, notice->kind) &&
		    seen->partition == notice->partition &&
		    !strcmp(seen->uuid, notice->event.uuid))
			return seen;
	}
	return NULL;
}

/* One that is free, or that was told the longest while ago and keeps nothing. */
static struct alert_seen *take_seen(struct alerts *alerts)
{
	struct alert_seen *best = NULL;
	int i;

	for (i = 0; i < ALERT_SEEN_MAX; i++) {
		struct alert_seen *seen = &alerts->seen[i];

		if (!seen->until)
			return seen;
		if (!seen->env && (!best || seen->until < best->until))
			best = seen;
	}
	return best;
}

static void hold_back(struct alert_seen *seen, char **env)
{
	env_free(seen->env);
	seen->env = env;
	seen->count++;
}

void alerts_add(struct alerts *alerts, const struct notice *notice)
{
	struct alert_seen *seen = find_seen(alerts, notice);
	char **env = env_make(notice);

	if (!env) {
		err_nomem();
		return;
	}
	if (seen) {
		hold_back(seen, env);
		return;
	}
	seen = take_seen(alerts);
	if (seen && alerts->repeat) {
		memset(seen, 0, sizeof(*seen));
		strcpy(seen->uuid, notice->event.uuid);
		seen->kind = notice->kind;
		seen->partition = notice->partition;
		seen->until = sample_clock() + alerts->repeat * SECOND_NS;
	}
	enqueue(alerts, env);
}

static void tell_held_back(struct alerts *alerts, struct alert_seen *seen)
{
	env_add(seen->env, "TARN_SUPPRESSED=%u", seen->count - 1);
	enqueue(alerts, seen->env);
	seen->env = NULL;
	seen->count = 0;
}

/* A while is over: what was held back is told, and another one begins. */
static void tell_again(struct alerts *alerts, uint64_t now)
{
	int i;

	for (i = 0; i < ALERT_SEEN_MAX; i++) {
		struct alert_seen *seen = &alerts->seen[i];

		if (!seen->until || seen->until > now)
			continue;
		if (!seen->env) {
			seen->until = 0;
			continue;
		}
		tell_held_back(alerts, seen);
		seen->until = now + alerts->repeat * SECOND_NS;
	}
}

void alerts_flush(struct alerts *alerts)
{
	int i;

	for (i = 0; i < ALERT_SEEN_MAX; i++) {
		if (alerts->seen[i].env)
			tell_held_back(alerts, &alerts->seen[i]);
	}
}

/* ---- going on ----------------------------------------------------------- */

/* Run scripts until one takes time, or all have run for all. */
static void go_on(struct alerts *alerts)
{
	while (alerts->queued && script_look(&alerts->script, &alerts->rules)) {
		if (!alerts->next)
			script_list_read(&alerts->list, &alerts->rules);
		if (alerts->next >= alerts->list.count) {
			dequeue(alerts);
			continue;
		}
		script_start(&alerts->script, &alerts->rules,
			     alerts->list.names[alerts->next++],
			     alerts->queue[0]);
	}
}

void alerts_look(struct alerts *alerts)
{
	tell_again(alerts, sample_clock());
	go_on(alerts);
}

bool alerts_busy(const struct alerts *alerts)
{
	return alerts->queued || alerts->script.pid;
}

static int until(uint64_t when, uint64_t now)
{
	uint64_t ms = when > now ? (when - now) / MS_NS + 1 : 0;

	return ms < 3600000 ? ms : 3600000;
}

int alerts_timeout(const struct alerts *alerts)
{
	uint64_t now = sample_clock();
	int timeout = -1, i;

	if (alerts->script.pid)
		timeout = until(alerts->script.deadline, now);
	else if (alerts->queued)
		return 0;
	for (i = 0; i < ALERT_SEEN_MAX; i++) {
		const struct alert_seen *seen = &alerts->seen[i];
		int left = until(seen->until, now);

		if (seen->until && (timeout < 0 || left < timeout))
			timeout = left;
	}
	return timeout;
}

void alerts_end(struct alerts *alerts)
{
	int i;

	script_end(&alerts->script);
	while (alerts->queued)
		dequeue(alerts);
	for (i = 0; i < ALERT_SEEN_MAX; i++) {
		env_free(alerts->seen[i].env);
		alerts->seen[i].env = NULL;
	}
}
