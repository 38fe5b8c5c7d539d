// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast the module looks for patterns among pages that are none, and user space reads
 * the same pages through its mapping: MB of memory a second, by the clock of who calls.
 *
 * All of a page is one word, but for the word before the last one: so all of each page is
 * read, and none is given up. (The last word would not do: it is among those that who
 * looks for zeroes by vectors looks at first.) With --zero that one word is 0. The
 * module's time is that of the call, TARN_PARTITION_PATTERNS: search_ns of the pool is the
 * scanner's alone.
 *
 * Rounds of both in turn, and the median of each. In the end the word that differs is made
 * like the others, and the module has to find all pages: so it did look at that word.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "content.h"
#include "memory.h"
#include "onewords.h"
#include "partition.h"

#define SEED 7
#define MOST_ROUNDS 31
/* The word that differs. */
#define OTHER (CONTENT_WORDS - 2)

/**
 * struct options - what is asked for
 * @memory: of a kind that is on tarnfs
 * @size: of it
 * @rounds: of each side
 * @zero: pages are zero but for one word, and the peer looks for zeroes by vectors
 */
struct options {
	const char *memory;
	size_t size;
	unsigned int rounds;
	bool zero;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *mbps, unsigned int rounds)
{
	qsort(mbps, rounds, sizeof(*mbps), by_value);
	return mbps[rounds / 2];
}

static double mbps(size_t size, uint64_t ns)
{
	return (double)size * 1000 / (double)ns;
}

/* What page @page is made of. */
static uint64_t word_of(const struct options *opt, uint64_t page)
{
	return opt->zero ? 0 : content_word(SEED, page, 0) | 1;
}

/* What its one word differs by. */
static uint64_t difference_of(uint64_t page)
{
	return content_word(SEED, page, 1) | 1;
}

static void fill(const struct options *opt, uint64_t *word)
{
	uint64_t page;
	size_t i;

	for (page = 0; page < opt->size / CONTENT_PAGE; page++) {
		for (i = 0; i < CONTENT_WORDS; i++)
			word[i] = word_of(opt, page);
		word[OTHER] ^= difference_of(page);
		word += CONTENT_WORDS;
	}
}

/* Are they what fill() made, with the words that differ or without? */
static bool is_filled(const struct options *opt, const uint64_t *word, bool differs)
{
	uint64_t page, other;
	size_t i;

	for (page = 0; page < opt->size / CONTENT_PAGE; page++) {
		other = differs ? difference_of(page) : 0;
		for (i = 0; i < CONTENT_WORDS; i++)
			if (word[i] != (word_of(opt, page) ^
					(i == OTHER ? other : 0)))
				return false;
		word += CONTENT_WORDS;
	}
	return true;
}

/* All words of a page XORed leave its difference, as their number is even. */
static uint64_t xor_of_all(const struct options *opt)
{
	uint64_t page, sum = 0;

	for (page = 0; page < opt->size / CONTENT_PAGE; page++)
		sum ^= difference_of(page);
	return sum;
}

/* The module looks, and finds nothing. */
static int look(const struct options *opt, const struct memory *memory, double *at)
{
	uint64_t began = clock_ns(), done;
	int ret = partition_range(memory, TARN_PARTITION_PATTERNS, &done);

	*at = mbps(opt->size, clock_ns() - began);
	return ret ? ret : done ? -EILSEQ : 0;
}

/* User space reads, and sees what is there. */
static int look_by_peer(const struct options *opt, const struct memory *memory,
			double *at)
{
	size_t pages = opt->size / CONTENT_PAGE;
	uint64_t expected = opt->zero ? pages : xor_of_all(opt), found, began;

	began = clock_ns();
	found = opt->zero ? onewords_not_zero(memory->base, pages) :
			    onewords_xor((const uint64_t *)memory->base,
					 pages * CONTENT_WORDS);
	*at = mbps(opt->size, clock_ns() - began);
	return found == expected ? 0 : -EILSEQ;
}

/* Every page has a frame and is mapped, before and after. */
static int check_resident(const struct options *opt, struct memory *memory)
{
	struct tarn_partition_info info;
	int ret = partition_info(memory, &info);
	long mapped = memory_mapped(memory->base, opt->size);

	if (ret || mapped < 0)
		return ret ? ret : (int)mapped;
	if (info.resident_pages == opt->size / CONTENT_PAGE &&
	    (size_t)mapped == info.resident_pages)
		return 0;
	fprintf(stderr, "search: %llu pages have frames, %ld are mapped\n",
		(unsigned long long)info.resident_pages, mapped);
	return -EILSEQ;
}

/* Without the difference all pages are patterns, and the same call finds them. */
static int check_found(const struct options *opt, struct memory *memory)
{
	uint64_t pages = opt->size / CONTENT_PAGE, page, done;
	uint64_t *word = (uint64_t *)memory->base;
	int ret;

	for (page = 0; page < pages; page++)
		word[page * CONTENT_WORDS + OTHER] ^= difference_of(page);
	ret = partition_range(memory, TARN_PARTITION_PATTERNS, &done);
	if (ret)
		return ret;
	if (done != pages) {
		fprintf(stderr, "search: %llu of %llu pages were found\n",
			(unsigned long long)done, (unsigned long long)pages);
		return -EILSEQ;
	}
	if (opt->zero && onewords_not_zero(memory->base, pages))
		return -EILSEQ;
	return is_filled(opt, word, false) ? 0 : -EILSEQ;
}

static int run_rounds(const struct options *opt, struct memory *memory)
{
	double ours[MOST_ROUNDS], peer[MOST_ROUNDS];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < opt->rounds && !ret; i++) {
		ret = look(opt, memory, &ours[i]);
		if (!ret)
			ret = look_by_peer(opt, memory, &peer[i]);
	}
	if (ret)
		return ret;
	printf("mbps %.2f\n", median(ours, opt->rounds));
	printf("peer_mbps %.2f\n", median(peer, opt->rounds));
	if (opt->zero)
		printf("vectors %s\n", onewords_vectors());
	return 0;
}

static int run(const struct options *opt)
{
	struct memory memory;
	int ret = memory_open(&memory, opt->memory, opt->size);

	if (ret)
		return ret;
	if (!memory.path) {
		memory_close(&memory);
		return -EINVAL;
	}
	fill(opt, (uint64_t *)memory.base);
	ret = check_resident(opt, &memory);
	if (!ret)
		ret = run_rounds(opt, &memory);
	if (!ret && !is_filled(opt, (uint64_t *)memory.base, true))
		ret = -EILSEQ;
	if (!ret)
		ret = check_resident(opt, &memory);
	if (!ret)
		ret = check_found(opt, &memory);
	memory_close(&memory);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "zero", no_argument, NULL, 'z' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { .size = 64UL << 20, .rounds = 5 };
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			opt.memory = optarg;
		else if (c == 's')
			opt.size = memory_parse_size(optarg);
		else if (c == 'r')
			opt.rounds = (unsigned int)strtoul(optarg, NULL, 0);
		else if (c == 'z')
			opt.zero = true;
		else
			return 2;
	}
	if (!opt.memory || !opt.size || !opt.rounds || opt.rounds > MOST_ROUNDS) {
		fprintf(stderr, "usage: search --memory tarn:FILE [--size N] "
				"[--rounds N] [--zero]\n");
		return 2;
	}
	ret = run(&opt);
	if (ret)
		fprintf(stderr, "search: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
