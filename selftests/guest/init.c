// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only program of a small Linux guest: its init. What follows "--" on the
 * kernel's command line says what to do, in lines on the console:
 *
 *   boot			"guest: up", then power off
 *   zipf [KEY=VALUE]...	accesses of bench/zipf.c; "ops N" and "wrong N"
 *   demo [KEY=VALUE]...	the same until the time is over; a line a second:
 *				"fill PAGES PAGES", then "work OPS WRONG", at
 *				the end "done OPS WRONG"
 *   touch [KEY=VALUE]...	write to each page of memory once, in ascending order, then
 *				read from it at random: "touch_ns N" a page, "walk_ns N" a read
 *   wait			"guest: up", then do nothing
 *
 * Keys: size (of the memory worked on, in MiB), threads, write, warm, ops,
 * seed, seconds. "guest: failed: ..." tells what did not work.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../bench/clock.h"
#include "../bench/workers.h"
#include "console.h"

#define PAGE_SIZE 4096UL

struct job {
	unsigned long size_mib;
	unsigned long seconds;
	struct workers_options work;
};

static void job_set(struct job *job, const char *arg)
{
	const char *equal = strchr(arg, '=');
	unsigned long long value;
	size_t len;

	if (!equal)
		guest_fail("no such word: %s", arg);
	value = strtoull(equal + 1, NULL, 0);
	len = (size_t)(equal - arg);
	if (!strncmp(arg, "size", len))
		job->size_mib = value;
	else if (!strncmp(arg, "threads", len))
		job->work.threads = (unsigned int)value;
	else if (!strncmp(arg, "write", len))
		job->work.write_percent = (unsigned int)value;
	else if (!strncmp(arg, "warm", len))
		job->work.warm = value;
	else if (!strncmp(arg, "ops", len))
		job->work.ops = value;
	else if (!strncmp(arg, "seed", len))
		job->work.seed = value;
	else if (!strncmp(arg, "seconds", len))
		job->seconds = value;
	else
		guest_fail("no such key: %s", arg);
}

static void *memory_of(const struct job *job)
{
	void *base = mmap(NULL, job->size_mib << 20, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		guest_fail("no %lu MiB: %s", job->size_mib, strerror(errno));
	return base;
}

static struct workers *workers_on_memory(const struct job *job)
{
	struct workers *workers;
	int ret;

	ret = workers_create(&workers, &job->work, memory_of(job),
			     job->size_mib << 20);
	if (ret)
		guest_fail("workers: %s", strerror(-ret));
	return workers;
}

static void do_zipf(const struct job *job)
{
	struct workers *workers = workers_on_memory(job);
	uint64_t before, after;

	workers_wait_warm(workers);
	printf("guest: warm\n");
	before = clock_ns();
	workers_go(workers);
	workers_wait(workers);
	after = clock_ns();
	printf("ops %.0f\n", (double)job->work.ops * NSEC_PER_SEC /
				     (double)(after - before));
	printf("wrong %llu\n", (unsigned long long)workers_wrong(workers));
}

static void *release_when_warm(void *workers)
{
	workers_wait_warm(workers);
	workers_go(workers);
	return NULL;
}

static void do_demo(struct job *job)
{
	unsigned long long pages = job->size_mib << 20 >> 12, filled;
	struct workers *workers;
	pthread_t thread;
	uint64_t end = 0;

	job->work.ops = WORKERS_ENDLESS;
	job->work.warm = 0;
	workers = workers_on_memory(job);
	if (pthread_create(&thread, NULL, release_when_warm, workers))
		guest_fail("no thread");
	for (;;) {
		filled = workers_filled(workers);
		if (filled < pages)
			printf("fill %llu %llu\n", filled, pages);
		else
			printf("work %llu %llu\n",
			       (unsigned long long)workers_ops(workers),
			       (unsigned long long)workers_wrong(workers));
		if (filled >= pages && !end)
			end = clock_ns() + job->seconds * NSEC_PER_SEC;
		if (end && clock_ns() >= end)
			break;
		sleep(1);
	}
	workers_stop(workers);
	pthread_join(thread, NULL);
	workers_wait(workers);
	printf("done %llu %llu\n", (unsigned long long)workers_ops(workers),
	       (unsigned long long)workers_wrong(workers));
}

static double ns_since(uint64_t began, uint64_t times)
{
	return (double)(clock_ns() - began) / (double)times;
}

/* Reads that nothing but their addresses makes slow. */
static void do_touch(const struct job *job)
{
	uint64_t size = job->size_mib << 20, began, at, i, x = job->work.seed;
	volatile unsigned char *base = memory_of(job);

	began = clock_ns();
	for (at = 0; at < size; at += PAGE_SIZE)
		base[at] = 1;
	printf("touch_ns %.1f\n", ns_since(began, size / PAGE_SIZE));
	began = clock_ns();
	for (i = 0; i < job->work.ops; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		(void)base[(x >> 20) % size];
	}
	printf("walk_ns %.1f\n", ns_since(began, job->work.ops));
}

int main(int argc, char **argv)
{
	struct job job = { 64, 60, WORKERS_DEFAULTS };
	const char *what = argc > 1 ? argv[1] : "boot";
	int i;

	console_open();
	for (i = 2; i < argc; i++)
		job_set(&job, argv[i]);
	if (!strcmp(what, "zipf"))
		do_zipf(&job);
	else if (!strcmp(what, "demo"))
		do_demo(&job);
	else if (!strcmp(what, "touch"))
		do_touch(&job);
	else if (!strcmp(what, "wait"))
		pause();
	else if (strcmp(what, "boot"))
		guest_fail("nothing is called %s", what);
	guest_off();
}
