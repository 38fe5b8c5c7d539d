// SPDX-License-Identifier: GPL-2.0-only
/* See waiting.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "waiting.h"

#define POLL_NS 100000000

/*
 * What ends the waiting comes from a wait for it, not by a handler, so that nothing
 * lies between the last look and the sleep. What the caller ignores, as a shell
 * does for what runs behind it, stays ignored.
 */
void waiting_begin(sigset_t *signals)
{
	static const int ends[] = { SIGINT, SIGTERM };
	struct sigaction old;
	size_t i;

	sigemptyset(signals);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!sigaction(ends[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaddset(signals, ends[i]);
	}
	sigprocmask(SIG_BLOCK, signals, NULL);
}

bool waiting_on(const sigset_t *signals)
{
	static const struct timespec interval = { .tv_nsec = POLL_NS };

	return sigtimedwait(signals, NULL, &interval) < 0;
}

void waiting_tell(const char *text)
{
	static int width;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%-*s%s", width, text ? text : "", text ? "" : "\r");
	width = text ? strlen(text) : 0;
}
