// SPDX-License-Identifier: GPL-2.0-only
/* See pool_watch.h. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "drain.h"
#include "pool_watch.h"
#include "waiting.h"

#define INTERVAL_NS 100000000

/* False: it is to end. */
static bool pause_on(struct pool_watch *w)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += INTERVAL_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (sem_clockwait(&w->end, CLOCK_MONOTONIC, &until)) {
		if (errno != EINTR)
			return true;
	}
	return false;
}

static void *watch(void *arg)
{
	struct pool_watch *w = arg;
	struct tarn_pool_drain d;
	char text[DRAIN_TEXT_MAX];

	while (pause_on(w)) {
		if (!drain_read(w->fd, &d) && d.why == TARN_DRAIN_WHY_SIZE &&
		    d.state == TARN_RELOCATION_RUNNING)
			waiting_tell(drain_progress(text, &d, false));
	}
	waiting_tell(NULL);
	return NULL;
}

void pool_watch_begin(struct pool_watch *w, const struct pool *pool)
{
	w->runs = false;
	if (!isatty(STDERR_FILENO))
		return;
	w->fd = open(pool->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->fd < 0)
		return;
	sem_init(&w->end, 0, 0);
	w->runs = !pthread_create(&w->thread, NULL, watch, w);
	if (w->runs)
		return;
	sem_destroy(&w->end);
	close(w->fd);
}

void pool_watch_end(struct pool_watch *w)
{
	if (!w->runs)
		return;
	sem_post(&w->end);
	pthread_join(w->thread, NULL);
	sem_destroy(&w->end);
	close(w->fd);
}
