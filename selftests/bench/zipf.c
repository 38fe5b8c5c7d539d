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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "workers.h"

struct options {
	const char *memory;
	size_t size;
	struct workers_options work;
};

static int run_workers(const struct options *opt, struct memory *memory)
{
	struct workers *workers;
	uint64_t before, after, wrong;
	int ret;

	ret = workers_create(&workers, &opt->work, memory->base, opt->size);
	if (ret)
		return ret;
	workers_wait_warm(workers);
	before = clock_ns();
	workers_go(workers);
	workers_wait(workers);
	after = clock_ns();
	wrong = workers_wrong(workers);
	workers_destroy(workers);
	printf("resident %ld\n", memory_resident(memory));
	printf("ops %.0f\n", (double)opt->work.ops * NSEC_PER_SEC /
				     (double)(after - before));
	printf("wrong %llu\n", (unsigned long long)wrong);
	return wrong ? -EILSEQ : 0;
}

static int run(const struct options *opt)
{
	struct memory memory;
	int ret = memory_open(&memory, opt->memory, opt->size);

	if (!ret) {
		ret = run_workers(opt, &memory);
		memory_close(&memory);
	}
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
			opt->work.threads = (unsigned int)atoi(optarg);
			break;
		case 'w':
			opt->work.write_percent = (unsigned int)atoi(optarg);
			break;
		case 'W':
			opt->work.warm = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			opt->work.ops = strtoull(optarg, NULL, 0);
			break;
		case 'z':
			opt->work.theta = atof(optarg);
			break;
		case 'x':
			opt->work.seed = strtoull(optarg, NULL, 0);
			break;
		default:
			return -EINVAL;
		}
	}
	return opt->memory && opt->size && opt->work.threads ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct options opt = {
		.size = 128UL << 20, .work = WORKERS_DEFAULTS,
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
