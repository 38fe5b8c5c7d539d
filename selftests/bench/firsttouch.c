// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cost of the first write to a page of a shared mapping: nanoseconds a page,
 * each page once, in ascending order, by one thread.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

#define PAGE_SIZE 4096UL

static int run(const char *spec, size_t size)
{
	struct memory memory;
	uint64_t began, took;
	size_t at;
	int ret = memory_open(&memory, spec, size);

	if (ret)
		return ret;
	began = clock_ns();
	for (at = 0; at < size; at += PAGE_SIZE)
		*(volatile unsigned char *)(memory.base + at) = 1;
	took = clock_ns() - began;
	printf("ns %.0f\n", (double)took / (double)(size / PAGE_SIZE));
	printf("resident %ld\n", memory_resident(&memory));
	memory_close(&memory);
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
	size_t size = 128UL << 20;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			memory = optarg;
		else if (c == 's')
			size = memory_parse_size(optarg);
		else
			return 2;
	}
	if (!memory || !size) {
		fprintf(stderr, "usage: firsttouch --memory KIND [--size N]\n");
		return 2;
	}
	ret = run(memory, size);
	if (ret)
		fprintf(stderr, "firsttouch: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
