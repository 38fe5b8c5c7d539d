// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cost of the first write to a page that others hold as well, and that the writer has
 * mapped for reading: nanoseconds a page, in ascending order, by one thread.
 *
 *   tarn:FILE    a page that two partitions of a domain share
 *   memfd        a page of a memfd, mapped privately
 *
 * Either way there is one frame before, which somebody else holds, and the write makes a
 * copy for the writer. Only the writes are timed. Then the writer has to see what it
 * wrote, beside what was there, and the other one what was there.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "content.h"
#include "memory.h"
#include "partition.h"
#include "twins.h"

/* What is written to the first word of a page. */
static uint64_t written(uint64_t seed, uint64_t page)
{
	return ~content_word(seed, page, 0);
}

/* Every page is mapped by that, and known to hold what it should. */
static int read_all(const void *base, size_t size)
{
	long mapped;

	if (!content_is(base, size, TWINS_SEED, content_first))
		return -EILSEQ;
	mapped = memory_mapped(base, size);
	if (mapped < 0)
		return (int)mapped;
	if ((size_t)mapped == size / CONTENT_PAGE)
		return 0;
	fprintf(stderr, "breaks: only %ld pages are mapped\n", mapped);
	return -EILSEQ;
}

/* What is written was made up before. */
static double write_all(void *base, size_t size, const uint64_t *words)
{
	size_t pages = size / CONTENT_PAGE, i;
	volatile uint64_t *at = base;
	uint64_t began = clock_ns();

	for (i = 0; i < pages; i++, at += CONTENT_WORDS)
		*at = words[i];
	return (double)(clock_ns() - began) / (double)pages;
}

/* @ours is written to, and nothing of that is seen by who has @other. */
static int measure(void *ours, const void *other, size_t size)
{
	size_t pages = size / CONTENT_PAGE, i;
	uint64_t *words = calloc(pages, sizeof(*words));
	double ns;
	int ret;

	if (!words)
		return -ENOMEM;
	for (i = 0; i < pages; i++)
		words[i] = written(TWINS_SEED, i);
	ret = read_all(ours, size);
	if (!ret) {
		ns = write_all(ours, size, words);
		if (!content_is(ours, size, TWINS_SEED, written) ||
		    !content_is(other, size, TWINS_SEED, content_first))
			ret = -EILSEQ;
		else
			printf("ns %.1f\n", ns);
	}
	free(words);
	return ret;
}

/* Each of them was shared, and is no more by the writes. */
static int check_broken(const struct memory *memory)
{
	struct tarn_partition_info info;
	int ret = partition_info(memory, &info);

	if (ret)
		return ret;
	if (!info.shared_pages && info.share_breaks == memory->size / CONTENT_PAGE)
		return 0;
	fprintf(stderr, "breaks: %llu pages were given frames, %llu share\n",
		(unsigned long long)info.share_breaks,
		(unsigned long long)info.shared_pages);
	return -EILSEQ;
}

static int run_tarn(const char *spec, size_t size)
{
	struct twins twins;
	uint64_t cpu_ns;
	int ret = twins_open(&twins, spec, size);

	if (ret)
		return ret;
	ret = twins_share(&twins, &cpu_ns);
	if (!ret)
		ret = twins_check_shared(&twins);
	if (!ret)
		ret = measure(twins.memory[0].base, twins.memory[1].base, size);
	if (!ret)
		ret = check_broken(&twins.memory[0]);
	twins_close(&twins);
	return ret;
}

static int run_memfd(size_t size)
{
	struct memory memory;
	void *mapping;
	int ret = memory_open(&memory, "memfd", size);

	if (ret)
		return ret;
	content_fill(memory.base, size, TWINS_SEED);
	mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		       memory.fd, 0);
	if (mapping == MAP_FAILED) {
		ret = -errno;
	} else {
		/* Refused where the kernel has no huge pages, which is as good. */
		madvise(mapping, size, MADV_NOHUGEPAGE);
		ret = measure(mapping, memory.base, size);
		munmap(mapping, size);
	}
	memory_close(&memory);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	const char *memory = NULL;
	size_t size = 16UL << 20;
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
	    (strcmp(memory, "memfd") && strncmp(memory, "tarn:", 5))) {
		fprintf(stderr, "usage: breaks --memory tarn:FILE|memfd [--size N]\n");
		return 2;
	}
	ret = strcmp(memory, "memfd") ? run_tarn(memory, size) : run_memfd(size);
	if (ret)
		fprintf(stderr, "breaks: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
