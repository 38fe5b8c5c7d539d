// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-in rate and latency: a mapping is filled, pushed out of memory, then
 * threads read one word in each of a random part of its pages. Every kind of
 * memory sees the same pages in the same order by the same number of threads,
 * and each word read is compared with what was written.
 *
 * Only a part of the pages (an eighth by default) is touched, so pages that a
 * peer reads ahead by chance rarely pay.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "latency.h"
#include "memory.h"
#include "random.h"

#define PAGE_SIZE 4096UL
#define WORDS (PAGE_SIZE / sizeof(uint64_t))
#define FILL_SEED 0x7461726eULL

struct options {
	const char *memory;
	size_t size;
	unsigned int threads;
	unsigned int part;
	uint64_t seed;
};

struct toucher {
	pthread_t thread;
	pthread_barrier_t *start;
	const uint64_t *base;
	const uint32_t *page;
	uint64_t *ns;
	size_t count;
	size_t wrong;
};

static uint64_t word_value(uint64_t page, uint64_t word)
{
	return mix64(FILL_SEED ^ page * WORDS ^ word);
}

static void memory_fill(uint64_t *base, size_t pages)
{
	size_t page, word;

	for (page = 0; page < pages; page++)
		for (word = 0; word < WORDS; word++)
			base[page * WORDS + word] = word_value(page, word);
}

static void *toucher_main(void *arg)
{
	struct toucher *me = arg;
	uint64_t before, after;
	size_t i;

	/* So that a profile tells this part from the page-out before it. */
	pthread_setname_np(pthread_self(), "toucher");
	pthread_barrier_wait(me->start);
	for (i = 0; i < me->count; i++) {
		size_t page = me->page[i], word = page % WORDS;
		uint64_t value;

		before = clock_ns();
		value = *(const volatile uint64_t *)(me->base + page * WORDS +
						     word);
		after = clock_ns();
		me->ns[i] = after - before;
		me->wrong += value != word_value(page, word);
	}
	return NULL;
}

static int touch(const struct options *opt, struct memory *memory)
{
	size_t pages = memory->size / PAGE_SIZE, i;
	size_t count = pages / opt->part / opt->threads;
	struct toucher *touchers = calloc(opt->threads, sizeof(*touchers));
	uint32_t *order = calloc(pages, sizeof(*order));
	uint64_t *ns = calloc(count * opt->threads, sizeof(*ns));
	struct rng rng = { .state = opt->seed };
	pthread_barrier_t start;
	uint64_t began, took;
	size_t wrong = 0;

	if (!touchers || !order || !ns)
		return -ENOMEM;
	/* Also brings the array into memory before the clock runs. */
	memset(ns, 1, count * opt->threads * sizeof(*ns));
	rng_permutation(&rng, order, (uint32_t)pages);
	pthread_barrier_init(&start, NULL, opt->threads + 1);
	for (i = 0; i < opt->threads; i++) {
		struct toucher *me = &touchers[i];

		me->start = &start;
		me->base = (const uint64_t *)memory->base;
		me->page = order + i * count;
		me->ns = ns + i * count;
		me->count = count;
		if (pthread_create(&me->thread, NULL, toucher_main, me))
			return -EAGAIN;
	}
	pthread_barrier_wait(&start);
	began = clock_ns();
	for (i = 0; i < opt->threads; i++) {
		pthread_join(touchers[i].thread, NULL);
		wrong += touchers[i].wrong;
	}
	took = clock_ns() - began;
	printf("touched %zu\n", count * opt->threads);
	printf("rate %.0f\n",
	       (double)(count * opt->threads) * NSEC_PER_SEC / (double)took);
	latency_print(ns, count * opt->threads);
	printf("wrong %zu\n", wrong);
	free(ns);
	free(order);
	free(touchers);
	return wrong ? -EILSEQ : 0;
}

static int run(const struct options *opt)
{
	struct memory memory;
	int ret = memory_open(&memory, opt->memory, opt->size);

	if (ret)
		return ret;
	memory_fill((uint64_t *)memory.base, opt->size / PAGE_SIZE);
	ret = memory_page_out(&memory);
	if (ret) {
		fprintf(stderr, "page-out: %s\n", strerror(-ret));
		goto out;
	}
	printf("resident_before %ld\n", memory_resident(&memory));
	ret = touch(opt, &memory);
	printf("resident_after %ld\n", memory_resident(&memory));
out:
	memory_close(&memory);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "part", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { NULL, 256UL << 20, 8, 8, 1 };
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			opt.memory = optarg;
			break;
		case 's':
			opt.size = memory_parse_size(optarg);
			break;
		case 't':
			opt.threads = (unsigned int)atoi(optarg);
			break;
		case 'p':
			opt.part = (unsigned int)atoi(optarg);
			break;
		case 'x':
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (!opt.memory || !opt.size || !opt.threads || !opt.part) {
		fprintf(stderr, "usage: pagein --memory KIND [--size N] "
				"[--threads N] [--part N] [--seed N]\n");
		return 2;
	}
	ret = run(&opt);
	if (ret)
		fprintf(stderr, "pagein: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
