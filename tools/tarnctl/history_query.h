/* SPDX-License-Identifier: GPL-2.0-only */
/* Which part of the history is meant, by options. */
#ifndef TARNCTL_HISTORY_QUERY_H
#define TARNCTL_HISTORY_QUERY_H

#include "history.h"
#include "option.h"

/**
 * struct history_query - what is meant
 * @history: open
 * @mount: of the pool
 * @period: HISTORY_*
 * @since: the first moment, in seconds
 * @until: the one behind the last
 */
struct history_query {
	struct history *history;
	char *mount;
	unsigned int period;
	int64_t since;
	int64_t until;
};

/**
 * history_query_init() - Read what options say.
 * @command: for messages ("tarnctl history")
 * @name: of the pool, or NULL for the only one in the history
 * Return: 0, -EINVAL: the options make no sense, or another errno; all reported.
 */
int history_query_init(struct history_query *query, const char *command,
		       const char *name, const struct options *opts);
void history_query_exit(struct history_query *query);

#endif
