// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does one sweep over all memory throw out what is hot? A process uses an eighth
 * of its pages, scattered, much more often than the others, then reads all of
 * its memory once in order. Printed is how many of the hot pages are in memory
 * afterwards, in percent.
 *
 * All kinds of memory see the same accesses in the same order, each of which
 * checks a word of the page.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "random.h"

#define PAGE_SIZE 4096UL
#define WORDS (PAGE_SIZE / sizeof(uint64_t))

/**
 * struct options - what is asked for
 * @memory: see memory.h
 * @size: of it
 * @part: one page in so many is hot
 * @cold: of 100 accesses, those to any page
 * @ops: accesses before the sweep
 * @seed: of their sequence
 */
struct options {
	const char *memory;
	size_t size;
	unsigned int part;
	unsigned int cold;
	uint64_t ops;
	uint64_t seed;
};

struct hotset {
	struct memory memory;
	uint32_t pages;
	uint32_t *order;
	uint32_t hot;
	uint64_t wrong;
};

static uint64_t *word_of(struct hotset *set, uint32_t page)
{
	return (uint64_t *)set->memory.base + page * WORDS + page % WORDS;
}

static void fill(struct hotset *set)
{
	uint32_t i;
	size_t w;

	for (i = 0; i < set->pages; i++) {
		uint64_t *page = (uint64_t *)set->memory.base + i * WORDS;

		/* No page is like another, or compresses to nothing. */
		for (w = 0; w < WORDS; w++)
			page[w] = mix64((uint64_t)i * WORDS + w);
	}
}

static void check(struct hotset *set, uint32_t page)
{
	uint64_t expected = mix64(page * WORDS + page % WORDS);

	set->wrong += *(volatile uint64_t *)word_of(set, page) != expected;
}

static void use(struct hotset *set, const struct options *opt)
{
	struct rng rng = { .state = opt->seed };
	uint64_t i;

	for (i = 0; i < opt->ops; i++) {
		if (rng_below(&rng, 100) < opt->cold)
			check(set, rng_below(&rng, set->pages));
		else
			check(set, set->order[rng_below(&rng, set->hot)]);
	}
}

static int count_hits(struct hotset *set, double *hits)
{
	unsigned char *vec = malloc(set->pages);
	uint32_t i, in = 0;
	int ret;

	if (!vec)
		return -ENOMEM;
	ret = memory_residency(&set->memory, vec);
	for (i = 0; i < set->hot; i++)
		in += vec[set->order[i]] & 1;
	*hits = 100.0 * in / set->hot;
	free(vec);
	return ret;
}

static int run(const struct options *opt)
{
	struct rng rng = { .state = ~opt->seed };
	struct hotset set = { .pages = opt->size / PAGE_SIZE };
	double before, after;
	uint32_t i;
	int ret;

	set.hot = set.pages / opt->part;
	set.order = calloc(set.pages, sizeof(*set.order));
	if (!set.order)
		return -ENOMEM;
	rng_permutation(&rng, set.order, set.pages);
	ret = memory_open(&set.memory, opt->memory, opt->size);
	if (ret)
		return ret;
	fill(&set);
	use(&set, opt);
	ret = count_hits(&set, &before);
	for (i = 0; i < set.pages; i++)
		check(&set, i);
	if (!ret)
		ret = count_hits(&set, &after);
	if (!ret)
		printf("before %.1f\nhits %.1f\nwrong %llu\n", before, after,
		       (unsigned long long)set.wrong);
	memory_close(&set.memory);
	free(set.order);
	return ret ? ret : set.wrong ? -EILSEQ : 0;
}

static int parse(struct options *opt, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "part", required_argument, NULL, 'p' },
		{ "cold", required_argument, NULL, 'c' },
		{ "ops", required_argument, NULL, 'o' },
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
		case 'p':
			opt->part = (unsigned int)atoi(optarg);
			break;
		case 'c':
			opt->cold = (unsigned int)atoi(optarg);
			break;
		case 'o':
			opt->ops = strtoull(optarg, NULL, 0);
			break;
		case 'x':
			opt->seed = strtoull(optarg, NULL, 0);
			break;
		default:
			return -EINVAL;
		}
	}
	return opt->memory && opt->size && opt->part ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct options opt = {
		.size = 96UL << 20, .part = 8, .cold = 2, .ops = 100000,
		.seed = 1,
	};
	int ret;

	if (parse(&opt, argc, argv)) {
		fprintf(stderr, "usage: hotset --memory KIND [--size N] "
				"[--part N] [--cold PERCENT] [--ops N] "
				"[--seed N]\n");
		return 2;
	}
	ret = run(&opt);
	if (ret)
		fprintf(stderr, "hotset: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
