// SPDX-License-Identifier: GPL-2.0-only
/* See workers.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/thread.h"
#include "sandbox.h"
#include "save/workers.h"

/* How often somebody who waits looks whether it is still wanted, ns. */
#define LOOK 200000000L

TAILQ_HEAD(work_list, work);

/** struct worker - one of the threads; @id: which one. */
struct worker {
	struct workers *all;
	unsigned int id;
	pthread_t thread;
};

/**
 * struct workers - the threads and what they have to do.
 * @lock: over all that follows
 * @todo: there is something to be begun, or @end
 * @over: something was done, or a thread has come to where it is confined
 * @posted: in their order, until they are taken back
 * @queue: of these, not begun
 * @ready: threads that are confined
 * @failed: why one is not
 */
struct workers {
	pthread_mutex_t lock;
	pthread_cond_t todo;
	pthread_cond_t over;
	struct work_list posted;
	struct work_list queue;
	unsigned int nr;
	unsigned int ready;
	int failed;
	bool end;
	struct worker worker[WORKERS_MAX];
};

/* Under the lock, which it lets go of meanwhile. */
static void work_on(struct worker *me, struct work *work)
{
	struct workers *w = me->all;

	TAILQ_REMOVE(&w->queue, work, next);
	pthread_mutex_unlock(&w->lock);
	work->run(work, me->id);
	pthread_mutex_lock(&w->lock);
	work->done = true;
	pthread_cond_signal(&w->over);
}

static void *worker_main(void *arg)
{
	struct worker *me = arg;
	struct workers *w = me->all;
	int ret = sandbox_enter(SANDBOX_TRANSFER);

	pthread_mutex_lock(&w->lock);
	w->ready++;
	if (ret)
		w->failed = ret;
	pthread_cond_signal(&w->over);
	while (!w->end) {
		struct work *work = TAILQ_FIRST(&w->queue);

		if (work)
			work_on(me, work);
		else
			pthread_cond_wait(&w->todo, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

unsigned int workers_suit(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return min_t(long, max_t(long, cpus, WORKERS_MIN), WORKERS_MAX);
}

static void init(struct workers *w)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->todo, NULL);
	pthread_cond_init(&w->over, &attr);
	pthread_condattr_destroy(&attr);
	TAILQ_INIT(&w->posted);
	TAILQ_INIT(&w->queue);
}

static int start(struct workers *w, unsigned int nr)
{
	int ret = 0;

	while (w->nr < nr && !ret) {
		struct worker *worker = &w->worker[w->nr];

		worker->all = w;
		worker->id = w->nr;
		/* Compressing takes more of a stack than other threads have. */
		ret = thread_create_deep(&worker->thread, "transfer-work",
					 worker_main, worker);
		w->nr += !ret;
	}
	pthread_mutex_lock(&w->lock);
	while (w->ready < w->nr)
		pthread_cond_wait(&w->over, &w->lock);
	ret = ret ?: w->failed;
	pthread_mutex_unlock(&w->lock);
	return ret;
}

struct workers *workers_create(unsigned int nr)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	init(w);
	if (!start(w, min_t(unsigned int, nr, WORKERS_MAX)))
		return w;
	workers_destroy(w);
	return NULL;
}

void workers_destroy(struct workers *w)
{
	unsigned int i;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->end = true;
	pthread_cond_broadcast(&w->todo);
	pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->nr; i++)
		pthread_join(w->worker[i].thread, NULL);
	pthread_cond_destroy(&w->over);
	pthread_cond_destroy(&w->todo);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

unsigned int workers_nr(const struct workers *w)
{
	return w->nr;
}

void workers_post(struct workers *w, struct work *work)
{
	pthread_mutex_lock(&w->lock);
	work->done = false;
	TAILQ_INSERT_TAIL(&w->posted, work, link);
	TAILQ_INSERT_TAIL(&w->queue, work, next);
	pthread_cond_signal(&w->todo);
	pthread_mutex_unlock(&w->lock);
}

static void wait_a_while(struct workers *w)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&w->over, &w->lock, &until);
}

int workers_take(struct workers *w, const bool *cancel, struct work **work)
{
	struct work *first;
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	while ((first = TAILQ_FIRST(&w->posted)) && !first->done && !ret) {
		if (cancel && READ_ONCE(*cancel))
			ret = -ECANCELED;
		else
			wait_a_while(w);
	}
	if (first && !ret) {
		TAILQ_REMOVE(&w->posted, first, link);
		*work = first;
		ret = 1;
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void workers_drop(struct workers *w)
{
	struct work *work;

	pthread_mutex_lock(&w->lock);
	while ((work = TAILQ_FIRST(&w->queue))) {
		TAILQ_REMOVE(&w->queue, work, next);
		TAILQ_REMOVE(&w->posted, work, link);
	}
	while ((work = TAILQ_FIRST(&w->posted))) {
		while (!work->done)
			pthread_cond_wait(&w->over, &w->lock);
		TAILQ_REMOVE(&w->posted, work, link);
	}
	pthread_mutex_unlock(&w->lock);
}
