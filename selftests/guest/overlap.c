// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only program of a guest that shows what its tasks get done while others wait
 * for pages that the host has paged out. One task computes all the time. Others
 * touch memory, each page once in a scattered order, in every second slice of
 * time; so what the first one does alone and beside them is measured side by side,
 * in one run, and the median of the pairs does not care for what else the machine
 * does meanwhile.
 *
 *	[size=MIB] [touchers=N] [slices=N] [slice_ms=N] [write=PERCENT]
 *
 * It fills the memory, says "guest: filled" and goes on when a line comes in on
 * the console: by then the host has paged it out. The first slices do not count, as
 * the kernel's own pages come back in them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bench/clock.h"
#include "console.h"

#define PAGE_WORDS 512UL
/* Prime, so that its multiples come by every page. */
#define SCATTER 7919UL

static unsigned long size_mib = 64, touchers = 1, slices = 25, slice_ms = 200;
static unsigned long write_percent;
static uint64_t *memory;
static unsigned long pages;
static _Atomic unsigned long next_page, touched, wrong;
static _Atomic uint64_t computed;
static _Atomic bool finished;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate = PTHREAD_COND_INITIALIZER;
static bool gate_open;

static uint64_t word_of(unsigned long page, unsigned long i)
{
	return (page * PAGE_WORDS + i) * 0x9e3779b97f4a7c15ULL;
}

static void set(const char *arg)
{
	static const struct {
		const char *name;
		unsigned long *value;
	} keys[] = {
		{ "size", &size_mib }, { "touchers", &touchers },
		{ "slices", &slices }, { "slice_ms", &slice_ms },
		{ "write", &write_percent },
	};
	const char *equal = strchr(arg, '=');
	size_t i;

	for (i = 0; equal && i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].name) == (size_t)(equal - arg) &&
		    !strncmp(keys[i].name, arg, (size_t)(equal - arg))) {
			*keys[i].value = strtoul(equal + 1, NULL, 0);
			return;
		}
	}
	guest_fail("no such key: %s", arg);
}

static void *compute(void *unused)
{
	volatile uint64_t x = 1;
	int i;

	while (!finished) {
		for (i = 0; i < 1000; i++)
			x = x * 6364136223846793005ULL + 1;
		computed++;
	}
	return NULL;
}

static void wait_gate(void)
{
	pthread_mutex_lock(&gate_lock);
	while (!gate_open)
		pthread_cond_wait(&gate, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
}

static void set_gate(bool open)
{
	pthread_mutex_lock(&gate_lock);
	gate_open = open;
	pthread_cond_broadcast(&gate);
	pthread_mutex_unlock(&gate_lock);
}

/* First and last word, and one between that tells who wrote the page. */
static void touch_page(unsigned long n)
{
	unsigned long page = n * SCATTER % pages;
	volatile uint64_t *at = memory + page * PAGE_WORDS;

	if (n % 100 < write_percent)
		at[1] = word_of(page, 1) + 1;
	if (at[0] != word_of(page, 0) ||
	    at[PAGE_WORDS - 1] != word_of(page, PAGE_WORDS - 1))
		wrong++;
	if (at[1] != word_of(page, 1) + (n % 100 < write_percent))
		wrong++;
	touched++;
}

static void *toucher(void *unused)
{
	unsigned long n;

	for (;;) {
		wait_gate();
		n = next_page++;
		if (n >= pages)
			return NULL;
		touch_page(n);
	}
}

/* What is computed in a second. */
static double slice(void)
{
	uint64_t before = computed, start = clock_ns();

	usleep(slice_ms * 1000);
	return (double)(computed - before) * 1e9 /
	       (double)(clock_ns() - start);
}

/* Interrupts by which KVM tells that a page is there. */
static unsigned long hypervisor_interrupts(void)
{
	unsigned long sum = 0, n;
	char line[1024], *p, *end;
	FILE *f;

	f = fopen("/proc/interrupts", "r");
	while (f && fgets(line, sizeof(line), f)) {
		p = strstr(line, "HYP:");
		for (p = p ? p + 4 : NULL; p; p = end) {
			n = strtoul(p, &end, 10);
			if (end == p)
				break;
			sum += n;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Median of what is done beside those that wait, in parts of that alone. */
static double measure(void)
{
	double *part = calloc(slices, sizeof(*part)), alone, median;
	unsigned long n;

	if (!part || !slices)
		guest_fail("no slices");
	for (n = 0; n < slices; n++) {
		set_gate(false);
		alone = slice();
		set_gate(true);
		part[n] = slice() / alone;
	}
	set_gate(false);
	qsort(part, slices, sizeof(*part), compare);
	median = part[slices / 2];
	free(part);
	return median;
}

static void fill(void)
{
	unsigned long page, i;

	pages = size_mib << 8;
	memory = mmap(NULL, pages * PAGE_WORDS * 8, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		guest_fail("no %lu MiB: %s", size_mib, strerror(errno));
	for (page = 0; page < pages; page++)
		for (i = 0; i < PAGE_WORDS; i++)
			memory[page * PAGE_WORDS + i] = word_of(page, i);
}

static void start(void *(*fn)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, NULL))
		guest_fail("no thread");
}

int main(int argc, char **argv)
{
	unsigned long n, warm;
	double part;
	int i;

	console_open();
	for (i = 1; i < argc; i++)
		set(argv[i]);
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	fill();
	start(compute);
	for (n = 0; n < touchers; n++)
		start(toucher);
	printf("guest: filled\n");
	getchar();
	set_gate(true);
	for (n = 0; n < 5; n++)
		slice();
	warm = touched;
	part = measure();
	finished = true;
	printf("touched %lu\n", touched - warm);
	printf("interrupts %lu\n", hypervisor_interrupts());
	printf("wrong %lu\n", wrong);
	printf("percent %.0f\n", 100 * part);
	printf("guest: done\n");
	guest_off();
}
