// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process with more memory than it is given: threads access checked 4 KiB
 * pages drawn from a zipf distribution (theta 0.99, 20 % of them also write
 * the page; hot pages lie scattered). Prints accesses a second over a fixed
 * number of accesses after a warm-up. See work.h for what an access is.
 *
 * Each thread has its own part of the pages. All kinds of memory see the same
 * accesses in the same order.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "work.h"

struct options {
	const char *memory;
	size_t size;
	unsigned int threads;
	unsigned int write_percent;
	uint64_t warm;
	uint64_t ops;
	double theta;
	uint64_t seed;
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *step;
	const struct options *opt;
	struct work work;
};

static void *worker_main(void *arg)
{
	struct worker *me = arg;
	const struct options *opt = me->opt;
	uint64_t i;
	uint32_t page;

	for (page = 0; page < me->work.pages; page++)
		work_fill(&me->work, page);
	for (i = 0; i < opt->warm / opt->threads; i++)
		work_step(&me->work);
	pthread_barrier_wait(me->step);
	pthread_barrier_wait(me->step);
	for (i = 0; i < opt->ops / opt->threads; i++)
		work_step(&me->work);
	pthread_barrier_wait(me->step);
	return NULL;
}

static int workers_init(const struct options *opt, struct worker *workers,
			pthread_barrier_t *step, void *base)
{
	unsigned int i;
	int ret;

	for (i = 0; i < opt->threads; i++) {
		workers[i].opt = opt;
		workers[i].step = step;
		ret = work_init(&workers[i].work, base, opt->size, opt->threads,
				i, opt->theta, opt->write_percent, opt->seed);
		if (ret)
			return ret;
	}
	for (i = 0; i < opt->threads; i++) {
		ret = pthread_create(&workers[i].thread, NULL, worker_main,
				     &workers[i]);
		if (ret)
			return -ret;
	}
	return 0;
}

static int run_workers(const struct options *opt, struct memory *memory,
		       struct worker *workers)
{
	uint64_t before, after, wrong = 0;
	pthread_barrier_t step;
	unsigned int i;
	int ret;

	pthread_barrier_init(&step, NULL, opt->threads + 1);
	ret = workers_init(opt, workers, &step, memory->base);
	if (ret)
		return ret;
	pthread_barrier_wait(&step);
	before = clock_ns();
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	after = clock_ns();
	printf("resident %ld\n", memory_resident(memory));
	for (i = 0; i < opt->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		wrong += workers[i].work.wrong_bytes;
		work_exit(&workers[i].work);
	}
	printf("ops %.0f\n",
	       (double)opt->ops * NSEC_PER_SEC / (double)(after - before));
	printf("wrong %llu\n", (unsigned long long)wrong);
	return wrong ? -EILSEQ : 0;
}

static int run(const struct options *opt)
{
	struct worker *workers = calloc(opt->threads, sizeof(*workers));
	struct memory memory;
	int ret;

	if (!workers)
		return -ENOMEM;
	ret = memory_open(&memory, opt->memory, opt->size);
	if (!ret) {
		ret = run_workers(opt, &memory, workers);
		memory_close(&memory);
	}
	free(workers);
	return ret;
}

static int parse(struct options *opt, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "write", required_argument, NULL, 'w' },
		{ "warm", required_argument, NULL, 'W' },
		{ "ops", required_argument, NULL, 'o' },
		{ "theta", required_argument, NULL, 'z' },
		{ "seed", required_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			opt->memory = optarg;
			break;
		case 's':
			opt->size = memory_parse_size(optarg);
			break;
		case 't':
			opt->threads = (unsigned int)atoi(optarg);
			break;
		case 'w':
			opt->write_percent = (unsigned int)atoi(optarg);
			break;
		case 'W':
			opt->warm = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			opt->ops = strtoull(optarg, NULL, 0);
			break;
		case 'z':
			opt->theta = atof(optarg);
			break;
		case 'x':
			opt->seed = strtoull(optarg, NULL, 0);
			break;
		default:
			return -EINVAL;
		}
	}
	return opt->memory && opt->size && opt->threads ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct options opt = {
		.size = 128UL << 20, .threads = 4, .write_percent = 20,
		.warm = 60000, .ops = 60000, .theta = 0.99, .seed = 1,
	};
	int ret;

	if (parse(&opt, argc, argv)) {
		fprintf(stderr, "usage: zipf --memory KIND [--size N] "
				"[--threads N] [--write PERCENT] [--warm OPS] "
				"[--ops OPS] [--theta T] [--seed N]\n");
		return 2;
	}
	ret = run(&opt);
	if (ret)
		fprintf(stderr, "zipf: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
