// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that work on memory. See workers.h.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "work.h"
#include "workers.h"

#define MAX_THREADS 64

struct worker {
	pthread_t thread;
	struct workers *all;
	struct work work;
	uint64_t filled;
};

struct workers {
	struct workers_options opt;
	/* Met by all threads and the owner: warm, go, done. */
	pthread_barrier_t step;
	bool stop;
	struct worker worker[];
};

static void worker_run(struct worker *me)
{
	const struct workers_options *opt = &me->all->opt;
	uint64_t ops = opt->ops == WORKERS_ENDLESS ? WORKERS_ENDLESS :
						     opt->ops / opt->threads;
	uint64_t i;

	for (i = 0; i < ops; i++) {
		if (__atomic_load_n(&me->all->stop, __ATOMIC_RELAXED))
			break;
		work_step(&me->work);
	}
}

static void *worker_main(void *arg)
{
	struct worker *me = arg;
	struct workers *all = me->all;
	uint64_t warm = all->opt.warm / all->opt.threads, i;

	for (i = 0; i < me->work.pages; i++) {
		work_fill(&me->work, (uint32_t)i);
		__atomic_store_n(&me->filled, i + 1, __ATOMIC_RELAXED);
	}
	for (i = 0; i < warm; i++)
		work_step(&me->work);
	pthread_barrier_wait(&all->step);
	pthread_barrier_wait(&all->step);
	worker_run(me);
	pthread_barrier_wait(&all->step);
	return NULL;
}

int workers_create(struct workers **out, const struct workers_options *opt,
		   void *base, size_t size)
{
	struct workers *all;
	unsigned int i;
	int ret;

	if (!opt->threads || opt->threads > MAX_THREADS)
		return -EINVAL;
	all = calloc(1, sizeof(*all) + opt->threads * sizeof(all->worker[0]));
	if (!all)
		return -ENOMEM;
	all->opt = *opt;
	pthread_barrier_init(&all->step, NULL, opt->threads + 1);
	for (i = 0; i < opt->threads; i++) {
		struct worker *me = &all->worker[i];

		me->all = all;
		ret = work_init(&me->work, base, size, opt->threads, i,
				opt->theta, opt->write_percent, opt->seed);
		if (ret)
			return ret;
	}
	/* From here on a failure leaves threads waiting: the caller exits. */
	for (i = 0; i < opt->threads; i++) {
		ret = pthread_create(&all->worker[i].thread, NULL, worker_main,
				     &all->worker[i]);
		if (ret)
			return -ret;
	}
	*out = all;
	return 0;
}

void workers_wait_warm(struct workers *all)
{
	pthread_barrier_wait(&all->step);
}

void workers_go(struct workers *all)
{
	pthread_barrier_wait(&all->step);
}

void workers_stop(struct workers *all)
{
	__atomic_store_n(&all->stop, true, __ATOMIC_RELAXED);
}

void workers_wait(struct workers *all)
{
	pthread_barrier_wait(&all->step);
}

uint64_t workers_filled(const struct workers *all)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < all->opt.threads; i++)
		sum += __atomic_load_n(&all->worker[i].filled,
				       __ATOMIC_RELAXED);
	return sum;
}

uint64_t workers_ops(const struct workers *all)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < all->opt.threads; i++)
		sum += __atomic_load_n(&all->worker[i].work.ops,
				       __ATOMIC_RELAXED);
	return sum;
}

uint64_t workers_wrong(const struct workers *all)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < all->opt.threads; i++)
		sum += __atomic_load_n(&all->worker[i].work.wrong_bytes,
				       __ATOMIC_RELAXED);
	return sum;
}

void workers_destroy(struct workers *all)
{
	unsigned int i;

	for (i = 0; i < all->opt.threads; i++) {
		pthread_join(all->worker[i].thread, NULL);
		work_exit(&all->worker[i].work);
	}
	free(all);
}
