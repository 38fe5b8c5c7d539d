// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-out throughput: a mapping is filled, then pushed out of memory as a
 * whole. The clock runs from the call until every page is written and its
 * frame is free. Then all pages are read back and compared.
 *
 * The first round finds nothing on the device, each later one overwrites what
 * the one before stored; the median of the rounds is printed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "work.h"

struct options {
	const char *memory;
	size_t size;
	unsigned int rounds;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int run_round(struct memory *memory, struct work *work, double *mbps)
{
	uint64_t began, took;
	uint32_t i;
	int ret;

	for (i = 0; i < work->pages; i++) {
		work->version[i]++;
		work_fill(work, i);
	}
	began = clock_ns();
	ret = memory_page_out(memory);
	took = clock_ns() - began;
	*mbps = (double)memory->size * 1000 / (double)took;
	return ret;
}

static int run(const struct options *opt)
{
	double *mbps = calloc(opt->rounds, sizeof(*mbps));
	struct memory memory;
	struct work work;
	unsigned int i;
	int ret;

	if (!mbps)
		return -ENOMEM;
	ret = memory_open(&memory, opt->memory, opt->size);
	if (ret)
		goto out;
	ret = work_init(&work, memory.base, opt->size, 1, 0, 0.99, 100, 1);
	for (i = 0; i < opt->rounds && !ret; i++)
		ret = run_round(&memory, &work, &mbps[i]);
	if (ret)
		goto out_close;
	printf("resident %ld\n", memory_resident(&memory));
	printf("first_mbps %.1f\n", mbps[0]);
	qsort(mbps, opt->rounds, sizeof(*mbps), by_value);
	printf("mbps %.1f\n", mbps[opt->rounds / 2]);
	work_verify(&work);
	printf("wrong %llu\n", (unsigned long long)work.wrong_bytes);
	if (work.wrong_bytes)
		ret = -EILSEQ;
out_close:
	work_exit(&work);
	memory_close(&memory);
out:
	free(mbps);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { NULL, 64UL << 20, 3 };
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			opt.memory = optarg;
			break;
		case 's':
			opt.size = memory_parse_size(optarg);
			break;
		case 'r':
			opt.rounds = (unsigned int)atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (!opt.memory || !opt.size || !opt.rounds) {
		fprintf(stderr, "usage: pageout --memory KIND [--size N] "
				"[--rounds N]\n");
		return 2;
	}
	ret = run(&opt);
	if (ret)
		fprintf(stderr, "pageout: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
