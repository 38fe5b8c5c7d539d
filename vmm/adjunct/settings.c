// SPDX-License-Identifier: GPL-2.0-only
/* -object tarn-adjunct: how the adjunct of a function is to be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adjunct/internal.h"
#include "error.h"
#include "lib/opts.h"

#define BUDGET_MAX 65536
#define POLL_US_MAX 100000
#define WATCHDOG_MS_MIN 50
#define WATCHDOG_MS_MAX 60000

static const struct adjunct_settings defaults = {
	.donated = true,
	.poll_us = 50,
	.budget = 64,
	.memory = MIB(4),
	.watchdog_ms = 500,
};

static struct adjunct_settings *all;

static const struct adjunct_settings *find(const char *device)
{
	const struct adjunct_settings *s;

	for (s = all; s; s = s->next)
		if (!strcmp(s->device, device))
			return s;
	return NULL;
}

static int get_numbers(struct adjunct_settings *s, struct opts *opts)
{
	u64 poll = s->poll_us, budget = s->budget, ms = s->watchdog_ms;
	int ret;

	if ((ret = opts_get_uint(opts, "poll-us", POLL_US_MAX, &poll)) ||
	    (ret = opts_get_uint(opts, "budget", BUDGET_MAX, &budget)) ||
	    (ret = opts_get_uint(opts, "watchdog-ms", WATCHDOG_MS_MAX, &ms)) ||
	    (ret = opts_get_size(opts, "memory", &s->memory)))
		return ret;
	if (!budget)
		return opts_fail(opts, "a budget of 0 takes no request at all");
	if (ms < WATCHDOG_MS_MIN || ms < 2 * poll / 1000)
		return opts_fail(opts, "watchdog-ms is at least %u, and twice of poll-us",
				 WATCHDOG_MS_MIN);
	if (s->memory < ADJUNCT_MEMORY_MIN || s->memory > ADJUNCT_MEMORY_MAX ||
	    !IS_ALIGNED(s->memory, ADJUNCT_PAGE))
		return opts_fail(opts, "memory is from 2M to 64M, in pages of 4K");
	s->poll_us = poll;
	s->budget = budget;
	s->watchdog_ms = ms;
	return 0;
}

static int get_settings(struct adjunct_settings *s, struct opts *opts)
{
	static const char *const dispatches[] = {"donated", "thread", NULL};
	const char *id = NULL, *device = NULL, *image = NULL;
	int dispatch = 0, ret;

	opts_ignore(opts, "qom-type");
	if ((ret = opts_need_str(opts, "id", &id)) ||
	    (ret = opts_need_str(opts, "device", &device)) ||
	    (ret = opts_get_str(opts, "image", &image)) ||
	    (ret = opts_get_enum(opts, "dispatch", dispatches, &dispatch)) ||
	    (ret = get_numbers(s, opts)))
		return ret;
	if (find(device))
		return opts_fail(opts, "there is a tarn-adjunct for '%s' already", device);
	s->donated = !dispatch;
	s->id = strdup(id);
	s->device = strdup(device);
	s->image = image ? strdup(image) : NULL;
	return s->id && s->device && (s->image || !image) ? 0 : -ENOMEM;
}

int adjunct_settings_create(struct opts *opts)
{
	struct adjunct_settings *s = malloc(sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	*s = defaults;
	ret = get_settings(s, opts);
	if (ret) {
		adjunct_settings_free(s);
		free(s);
		return ret;
	}
	s->next = all;
	all = s;
	return 0;
}

int adjunct_settings_get(const char *device, struct adjunct_settings *settings)
{
	const struct adjunct_settings *s = find(device);

	*settings = s ? *s : defaults;
	settings->next = NULL;
	settings->device = strdup(device);
	settings->id = s ? strdup(s->id) : NULL;
	settings->image = s && s->image ? strdup(s->image) : NULL;
	if (settings->device && (!s || settings->id) &&
	    (!s || !s->image || settings->image))
		return 0;
	adjunct_settings_free(settings);
	return -ENOMEM;
}

void adjunct_settings_free(struct adjunct_settings *settings)
{
	free(settings->id);
	free(settings->device);
	free(settings->image);
	settings->id = settings->device = settings->image = NULL;
}

void adjunct_settings_destroy_all(void)
{
	struct adjunct_settings *s;

	while ((s = all)) {
		all = s->next;
		adjunct_settings_free(s);
		free(s);
	}
}
