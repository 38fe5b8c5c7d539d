// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast pages that hold the same come to share a frame: frames that are freed, a second
 * of processor time of who looks.
 *
 *   tarn:FILE    two partitions of a domain; who calls TARN_PARTITION_SHARE, until all of
 *                it is shared
 *   swap         two anonymous mappings under KSM; its thread, until all of it is
 *
 * All pages of one are random and differ, and the other holds the same. Both sides look at
 * each page twice, as one that changes is not worth it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "content.h"
#include "ksm.h"
#include "memory.h"
#include "twins.h"

static int merge_by_tarn(struct twins *twins, uint64_t *cpu_ns)
{
	int ret = twins_share(twins, cpu_ns);

	return ret ? ret : twins_check_shared(twins);
}

static int merge_by_ksm(struct twins *twins, uint64_t *cpu_ns)
{
	uint64_t pages = twins->memory[0].size / CONTENT_PAGE;
	int i, ret = ksm_setup(2 * pages);

	if (ret)
		return ret;
	for (i = 0; i < 2 && !ret; i++)
		if (madvise(twins->memory[i].base, twins->memory[i].size,
			    MADV_MERGEABLE))
			ret = -errno;
	if (!ret)
		ret = ksm_run(pages, cpu_ns);
	/* While they are merged; once more when they are not. */
	if (!ret)
		ret = twins_check(twins);
	ksm_reset();
	return ret;
}

static int run(const char *spec, size_t size)
{
	size_t pages = size / CONTENT_PAGE;
	uint64_t cpu_ns = 0;
	struct twins twins;
	int ret = twins_open(&twins, spec, size);

	if (ret)
		return ret;
	ret = twins.memory[0].path ? merge_by_tarn(&twins, &cpu_ns) :
				     merge_by_ksm(&twins, &cpu_ns);
	if (!ret)
		ret = twins_check(&twins);
	twins_close(&twins);
	if (ret)
		return ret;
	printf("cpu_ms %.1f\n", (double)cpu_ns / 1000000);
	printf("rate %.1f\n", (double)pages * NSEC_PER_SEC / (double)cpu_ns);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	const char *memory = NULL;
	size_t size = 32UL << 20;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			memory = optarg;
		else if (c == 's')
			size = memory_parse_size(optarg);
		else
			return 2;
	}
	if (!memory || !size ||
	    (strcmp(memory, "swap") && strncmp(memory, "tarn:", 5))) {
		fprintf(stderr, "usage: merges --memory tarn:FILE|swap [--size N]\n");
		return 2;
	}
	ret = run(memory, size);
	if (ret)
		fprintf(stderr, "merges: %s\n", strerror(-ret));
	/* Not every kernel has KSM. */
	if (ret == -EOPNOTSUPP)
		return 4;
	return ret ? 1 : 0;
}
