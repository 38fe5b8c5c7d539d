// SPDX-License-Identifier: GPL-2.0-only
/* How often monitors hear of what a guest does; see limit.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "loop.h"
#include "qmp/command.h"
#include "qmp/limit.h"

#define PERIOD_NS 1000000000ULL

/*
 * One kind of event about one thing. There are as many as the machine has things,
 * for the guest chooses neither names nor keys.
 */
struct limit {
	const char *name;
	char *key;
	json_t *data; /* waits, or NULL */
	u64 next; /* not before that, CLOCK_MONOTONIC in ns */
	struct loop_timer *timer;
	LIST_ENTRY(limit) link;
};

static LIST_HEAD(, limit) limits = LIST_HEAD_INITIALIZER(limits);
static struct loop *main_loop;

static void raise_now(struct limit *l, json_t *data)
{
	l->next = loop_now() + PERIOD_NS;
	qmp_event(l->name, data);
}

static void due(void *arg)
{
	struct limit *l = arg;
	json_t *data = l->data;

	l->data = NULL;
	raise_now(l, data);
}

static struct limit *find(const char *name, const char *key)
{
	struct limit *l;

	LIST_FOREACH(l, &limits, link)
		if (!strcmp(l->name, name) && !strcmp(l->key, key))
			break;
	return l;
}

static struct limit *create(const char *name, const char *key)
{
	struct limit *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->name = name;
	l->key = strdup(key);
	l->timer = loop_timer_add(main_loop, due, l);
	if (l->key && l->timer) {
		LIST_INSERT_HEAD(&limits, l, link);
		return l;
	}
	loop_timer_del(l->timer);
	free(l->key);
	free(l);
	return NULL;
}

void qmp_event_limited(const char *name, const char *key, json_t *data)
{
	struct limit *l = find(name, key);

	if (!l && main_loop)
		l = create(name, key);
	if (!l) {
		json_decref(data);
	} else if (l->data) {
		json_decref(l->data);
		l->data = data;
	} else if (loop_now() >= l->next) {
		raise_now(l, data);
	} else {
		l->data = data;
		loop_timer_set(l->timer, l->next);
	}
}

void qmp_limit_init(struct loop *loop)
{
	main_loop = loop;
}

void qmp_limit_exit(void)
{
	struct limit *l;

	main_loop = NULL;
	while ((l = LIST_FIRST(&limits))) {
		LIST_REMOVE(l, link);
		loop_timer_del(l->timer);
		json_decref(l->data);
		free(l->key);
		free(l);
	}
}
