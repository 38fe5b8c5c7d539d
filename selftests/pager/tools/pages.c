// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a partition with content that tells which page and which version of
 * it they are: the hand of the shell tests in this folder.
 *
 *	pages FILE write FIRST COUNT VERSION	write them
 *	pages FILE check FIRST COUNT VERSION	exit 1 if one is different
 *	pages FILE out FIRST COUNT		have them paged out
 *	pages FILE in FIRST COUNT		have them read
 *	pages FILE states FIRST COUNT		how many are in which state
 *	pages FILE churn FIRST COUNT OPERATIONS	check and rewrite random ones;
 *						0: until SIGTERM
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/tarn.h>

#define PAGE 4096UL
#define WORDS (PAGE / sizeof(uint64_t))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static int file;
static uint64_t *memory;
static sigjmp_buf lost;
static volatile sig_atomic_t stopped;

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static uint64_t word_of(uint64_t page, uint64_t version, unsigned int i)
{
	return mix(page << 32 ^ version << 12 ^ i) | 1;
}

static void write_page(uint64_t page, uint64_t version)
{
	uint64_t *p = memory + page * WORDS;
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		p[i] = word_of(page, version, i);
}

static void on_sigbus(int signo)
{
	siglongjmp(lost, 1);
}

static void on_sigterm(int signo)
{
	stopped = 1;
}

/* 0: as it was written; 1: different; 2: it can't be had (SIGBUS). */
static int look_at_page(uint64_t page, uint64_t version)
{
	volatile uint64_t *p = memory + page * WORDS;
	unsigned int i;

	if (sigsetjmp(lost, 1))
		return 2;
	for (i = 0; i < WORDS; i++)
		if (p[i] != word_of(page, version, i))
			return 1;
	return 0;
}

static int run_write(uint64_t first, uint64_t count, uint64_t version)
{
	uint64_t page;

	for (page = first; page < first + count; page++)
		write_page(page, version);
	return 0;
}

static int run_check(uint64_t first, uint64_t count, uint64_t version)
{
	uint64_t page, wrong = 0, gone = 0;

	for (page = first; page < first + count; page++) {
		int ret = look_at_page(page, version);

		wrong += ret == 1;
		gone += ret == 2;
	}
	printf("wrong %llu lost %llu\n", (unsigned long long)wrong,
	       (unsigned long long)gone);
	return wrong || gone;
}

static int run_range(unsigned long call, uint64_t first, uint64_t count)
{
	struct tarn_partition_range range = {
		.size = sizeof(range),
		.start = first,
		.count = count,
	};

	if (ioctl(file, call, &range))
		error(2, errno, "page out or in");
	printf("%llu\n", (unsigned long long)range.done);
	return 0;
}

static int run_out(uint64_t first, uint64_t count, uint64_t unused)
{
	return run_range(TARN_PARTITION_PAGE_OUT, first, count);
}

static int run_in(uint64_t first, uint64_t count, uint64_t unused)
{
	return run_range(TARN_PARTITION_PAGE_IN, first, count);
}

static int run_states(uint64_t first, uint64_t count, uint64_t unused)
{
	uint64_t seen[TARN_PAGE_STATE_MASK + 1] = {}, clean = 0, i;
	struct tarn_partition_pages pages = {
		.size = sizeof(pages),
		.start = first,
		.count = count,
	};
	uint8_t *states = calloc(count, 1);

	if (!states)
		error(2, errno, "states");
	pages.states = (uintptr_t)states;
	if (ioctl(file, TARN_PARTITION_PAGES, &pages))
		error(2, errno, "TARN_PARTITION_PAGES");
	for (i = 0; i < pages.count; i++) {
		seen[states[i] & TARN_PAGE_STATE_MASK]++;
		clean += !!(states[i] & TARN_PAGE_CLEAN);
	}
	printf("empty %llu resident %llu clean %llu paged %llu\n",
	       (unsigned long long)seen[TARN_PAGE_EMPTY],
	       (unsigned long long)seen[TARN_PAGE_RESIDENT],
	       (unsigned long long)clean,
	       (unsigned long long)seen[TARN_PAGE_PAGED]);
	return 0;
}

/* Whatever becomes of the pager meanwhile, no page is ever different. */
static int run_churn(uint64_t first, uint64_t count, uint64_t operations)
{
	uint32_t *versions = calloc(count, sizeof(*versions));
	uint64_t state = 88172645463325252ULL ^ getpid();
	uint64_t seen[3] = {}, i, page;

	if (!versions)
		error(2, errno, "churn");
	run_write(first, count, 0);
	for (i = 0; operations ? i < operations : !stopped; i++) {
		state = mix(state + i);
		page = state % count;
		seen[look_at_page(first + page, versions[page])]++;
		if (state >> 60 & 1)
			write_page(first + page, ++versions[page]);
	}
	for (page = 0; page < count; page++)
		seen[look_at_page(first + page, versions[page])]++;
	printf("good %llu wrong %llu lost %llu\n", (unsigned long long)seen[0],
	       (unsigned long long)seen[1], (unsigned long long)seen[2]);
	return seen[1] || seen[2];
}

static const struct {
	const char *name;
	int (*run)(uint64_t first, uint64_t count, uint64_t third);
	int args;
} commands[] = {
	{ "write", run_write, 6 }, { "check", run_check, 6 },
	{ "out", run_out, 5 },	   { "in", run_in, 5 },
	{ "states", run_states, 5 }, { "churn", run_churn, 6 },
};

static void map(const char *path, uint64_t pages)
{
	struct stat st;

	file = open(path, O_RDWR | O_CREAT, 0600);
	if (file < 0 || fstat(file, &st))
		error(2, errno, "%s", path);
	if ((uint64_t)st.st_size < pages * PAGE && ftruncate(file, pages * PAGE))
		error(2, errno, "%s", path);
	memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      file, 0);
	if (memory == MAP_FAILED)
		error(2, errno, "%s", path);
	signal(SIGBUS, on_sigbus);
	signal(SIGTERM, on_sigterm);
}

int main(int argc, char **argv)
{
	uint64_t first, count;
	size_t i;

	for (i = 0; argc > 2 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[2], commands[i].name) ||
		    argc != commands[i].args)
			continue;
		first = strtoull(argv[3], NULL, 0);
		count = strtoull(argv[4], NULL, 0);
		map(argv[1], first + count);
		return commands[i].run(first, count,
				       argc > 5 ? strtoull(argv[5], NULL, 0) :
						  0);
	}
	error(2, 0, "usage: pages FILE COMMAND FIRST COUNT [NUMBER]");
}
