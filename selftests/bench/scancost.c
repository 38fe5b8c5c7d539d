// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to see whether a page was used: processor time of the thread
 * that looks, a page and look. A thread of the process goes on touching all the
 * pages, so each look finds each page used and clears its accessed bit again.
 *
 * On tarn: the pool's scanner, by its own counters. On anything else: DAMON with
 * a region a page; the kernel must have it.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "damon.h"
#include "memory.h"
#include "partition.h"

#define PAGE_SIZE 4096UL
#define INTERVAL_US 1000000UL
#define LOOKS 6

struct toucher {
	pthread_t thread;
	struct memory *memory;
	bool stop;
};

static void *touch(void *arg)
{
	struct toucher *t = arg;
	size_t i;

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		for (i = 0; i < t->memory->size; i += PAGE_SIZE)
			(void)*(volatile unsigned char *)(t->memory->base + i);
		usleep(INTERVAL_US / 10);
	}
	return NULL;
}

static int run_tarn(struct memory *memory, double *ns)
{
	uint64_t pages = memory->size / PAGE_SIZE;
	struct tarn_pool_info before, now;
	int ret = partition_pool_info(memory, &before);

	/* The first round finds pages that are new. */
	for (now = before; !ret && now.scanned_pages < 2 * pages;) {
		usleep(INTERVAL_US / 10);
		ret = partition_pool_info(memory, &now);
	}
	before = now;
	while (!ret && now.scanned_pages - before.scanned_pages <
		       LOOKS * pages) {
		usleep(INTERVAL_US / 10);
		ret = partition_pool_info(memory, &now);
	}
	*ns = (double)(now.scan_ns - before.scan_ns) /
	      (double)(now.scanned_pages - before.scanned_pages);
	return ret;
}

static int run_damon(struct memory *memory, double *ns)
{
	uint64_t pages = memory->size / PAGE_SIZE, began, took;
	int64_t before, after;
	int ret = damon_start(memory->base, pages, INTERVAL_US);

	if (ret)
		return ret;
	/* Its own beginning is not counted, and half a look at each end. */
	usleep(INTERVAL_US + INTERVAL_US / 2);
	began = clock_ns();
	before = damon_cpu_ns();
	usleep(LOOKS * INTERVAL_US);
	after = damon_cpu_ns();
	took = clock_ns() - began;
	damon_stop();
	if (before < 0 || after < 0)
		return (int)(before < 0 ? before : after);
	/* A look takes the interval and the time that it runs. */
	took = took / (1000 * INTERVAL_US +
		       (uint64_t)(after - before) / LOOKS);
	if (!took)
		return -ETIME;
	*ns = (double)(after - before) / (double)(took * pages);
	return 0;
}

static int run(const char *kind, size_t size)
{
	struct memory memory;
	struct toucher t = { .memory = &memory };
	double ns = 0;
	size_t at;
	int ret = memory_open(&memory, kind, size);

	if (ret)
		return ret;
	memset(memory.base, 1, size);
	/* No page of one word over and over, which would give up its frame. */
	for (at = 0; at < size; at += PAGE_SIZE)
		*(uint64_t *)(memory.base + at) = at;
	if (pthread_create(&t.thread, NULL, touch, &t))
		return -EAGAIN;
	ret = memory.path ? run_tarn(&memory, &ns) : run_damon(&memory, &ns);
	__atomic_store_n(&t.stop, true, __ATOMIC_RELAXED);
	pthread_join(t.thread, NULL);
	memory_close(&memory);
	if (!ret)
		printf("ns %.1f\n", ns);
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
			memory = NULL;
	}
	if (!memory || !size) {
		fprintf(stderr, "usage: scancost --memory KIND [--size N]\n");
		return 2;
	}
	ret = run(memory, size);
	if (ret)
		fprintf(stderr, "scancost: %s\n", strerror(-ret));
	/* Not every kernel has DAMON. */
	if (ret == -EOPNOTSUPP)
		return 4;
	return ret ? 1 : 0;
}
