// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cost of the first write to a page of a shared mapping: nanoseconds a page that a
 * thread takes, each page once, in ascending order; several threads each have a part of
 * the mapping, and begin together.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

#define PAGE_SIZE 4096UL

#define MOST_THREADS 64

/**
 * struct part - what one thread touches
 * @thread: it
 * @start: where all wait for each other
 * @base: of its part
 * @size: of it, in bytes
 * @began: when it began
 * @ended: when it ended
 */
struct part {
	pthread_t thread;
	pthread_barrier_t *start;
	unsigned char *base;
	size_t size;
	uint64_t began;
	uint64_t ended;
};

static void *touch(void *arg)
{
	struct part *part = arg;
	size_t at;

	pthread_barrier_wait(part->start);
	part->began = clock_ns();
	for (at = 0; at < part->size; at += PAGE_SIZE)
		*(volatile unsigned char *)(part->base + at) = 1;
	part->ended = clock_ns();
	return NULL;
}

/* Nanoseconds from when the first one begins to when the last one ends. */
static uint64_t touch_all(const struct memory *memory, size_t size,
			  unsigned int threads)
{
	struct part parts[MOST_THREADS];
	uint64_t began = UINT64_MAX, ended = 0;
	pthread_barrier_t start;
	unsigned int i;

	pthread_barrier_init(&start, NULL, threads);
	for (i = 0; i < threads; i++) {
		parts[i] = (struct part){
			.start = &start,
			.base = memory->base + i * (size / threads),
			.size = size / threads,
		};
		if (pthread_create(&parts[i].thread, NULL, touch, &parts[i]))
			abort();
	}
	for (i = 0; i < threads; i++) {
		pthread_join(parts[i].thread, NULL);
		if (parts[i].began < began)
			began = parts[i].began;
		if (parts[i].ended > ended)
			ended = parts[i].ended;
	}
	pthread_barrier_destroy(&start);
	return ended - began;
}

static int run(const char *spec, size_t size, unsigned int threads)
{
	struct memory memory;
	uint64_t took;
	int ret = memory_open(&memory, spec, size);

	if (ret)
		return ret;
	took = touch_all(&memory, size, threads);
	printf("ns %.0f\n",
	       (double)took / (double)(size / threads / PAGE_SIZE));
	printf("resident %ld\n", memory_resident(&memory));
	memory_close(&memory);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	const char *memory = NULL;
	size_t size = 128UL << 20;
	unsigned int threads = 1;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			memory = optarg;
		else if (c == 's')
			size = memory_parse_size(optarg);
		else if (c == 't')
			threads = (unsigned int)strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	if (!memory || !size || !threads || threads > MOST_THREADS) {
		fprintf(stderr, "usage: firsttouch --memory KIND [--size N] [--threads N]\n");
		return 2;
	}
	ret = run(memory, size, threads);
	if (ret)
		fprintf(stderr, "firsttouch: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
