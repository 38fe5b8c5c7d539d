// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast memory of a guest is given back that goes into its balloon: MiB a second, from
 * the numbers of pages that the guest's driver sends to frames that are free.
 *
 *   tarn:FILE    as tarn-vmm's device does it: numbers of a buffer are sorted, neighbours
 *                are one range, and a range is one call of TARN_PARTITION_BALLOON
 *   memfd        as QEMU's does it with a guest on a shared memfd: for each page a hole is
 *                punched in the file, and then the mapping is told that it is gone
 *
 * Buffers have 256 numbers, as those of Linux, and are the same on both sides. What a
 * buffer has are --run pages that lie side by side, and so many again elsewhere; by default
 * all of it, in an order by chance. VMMs do more around that: they find the memory of each
 * page by its address, count, and answer the guest. None of it is here.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "clock.h"
#include "content.h"
#include "memory.h"
#include "partition.h"
#include "random.h"

#define BUFFER 256U
#define ROUNDS 5
#define SEED 13

/**
 * struct run - what is done
 * @memory: of the guest
 * @pages: of it
 * @pfns: what the driver sends, buffer after buffer
 * @sent: a buffer of it, as the device has it in hand
 */
struct run {
	struct memory memory;
	uint32_t pages;
	uint32_t *pfns;
	uint32_t sent[BUFFER];
};

/* ---- the guest ---------------------------------------------------------- */

/* Runs of so many pages: first those with even numbers, then the others. */
static void choose_pages(struct run *run, uint32_t length)
{
	uint32_t runs = run->pages / length, i, n = 0, odd, at;

	for (odd = 0; odd < 2; odd++)
		for (at = odd; at < runs; at += 2)
			for (i = 0; i < length; i++)
				run->pfns[n++] = at * length + i;
}

static void shuffle_buffers(struct run *run)
{
	struct rng rng = { .state = SEED };
	uint32_t at, i, other, pfn;

	for (at = 0; at < run->pages; at += BUFFER) {
		for (i = BUFFER - 1; i; i--) {
			other = at + rng_below(&rng, i + 1);
			pfn = run->pfns[at + i];
			run->pfns[at + i] = run->pfns[other];
			run->pfns[other] = pfn;
		}
	}
}

/* Every page has content, and is mapped. */
static int fill(struct run *run)
{
	uint64_t *word = (uint64_t *)run->memory.base;
	uint32_t page;
	long mapped;

	for (page = 0; page < run->pages; page++)
		word[page * CONTENT_WORDS] = content_word(SEED, page, 0) | 1;
	mapped = memory_mapped(run->memory.base, run->memory.size);
	if (mapped < 0)
		return (int)mapped;
	return (uint32_t)mapped == run->pages ? 0 : -EILSEQ;
}

/* ---- the devices -------------------------------------------------------- */

static int compare_pfn(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int give_back_ranges(struct run *run, uint64_t *done)
{
	unsigned int i, first = 0;
	uint64_t some;
	int ret = 0;

	qsort(run->sent, BUFFER, sizeof(*run->sent), compare_pfn);
	for (i = 1; i <= BUFFER && !ret; i++) {
		if (i < BUFFER && run->sent[i] - run->sent[i - 1] <= 1)
			continue;
		ret = partition_balloon(&run->memory, TARN_BALLOON_INFLATE,
					run->sent[first], i - first, &some);
		*done += some;
		first = i;
	}
	return ret;
}

static int give_back_pages(struct run *run, uint64_t *done)
{
	unsigned int i;
	off_t at;

	for (i = 0; i < BUFFER; i++) {
		at = (off_t)(run->sent[i] * CONTENT_PAGE);
		if (fallocate(run->memory.fd,
			      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
			      CONTENT_PAGE) ||
		    madvise(run->memory.base + at, CONTENT_PAGE, MADV_DONTNEED))
			return -errno;
	}
	*done += BUFFER;
	return 0;
}

/* ---- what there is ------------------------------------------------------ */

static int wrong(const char *what, uint64_t is, uint64_t expected)
{
	fprintf(stderr, "inflate: %s: %llu, not %llu\n", what,
		(unsigned long long)is, (unsigned long long)expected);
	return -EILSEQ;
}

static int check_partition(struct run *run, uint64_t resident, uint64_t ballooned)
{
	struct tarn_partition_info info;
	struct tarn_pool_info pool;
	int ret = partition_info(&run->memory, &info);

	if (!ret)
		ret = partition_pool_info(&run->memory, &pool);
	if (ret)
		return ret;
	if (info.resident_pages != resident)
		return wrong("pages with frames", info.resident_pages, resident);
	if (info.balloon_pages != ballooned)
		return wrong("pages in the balloon", info.balloon_pages, ballooned);
	if (pool.frames - pool.free_frames != resident)
		return wrong("frames in use", pool.frames - pool.free_frames,
			     resident);
	return 0;
}

static int check_file(struct run *run, uint64_t resident)
{
	struct stat st;
	uint64_t pages;

	if (fstat(run->memory.fd, &st))
		return -errno;
	pages = (uint64_t)st.st_blocks * 512 / CONTENT_PAGE;
	return pages == resident ? 0 : wrong("pages of the file", pages, resident);
}

/* Before and after: so many pages are there, and the others were given back. */
static int check(struct run *run, uint64_t resident)
{
	return run->memory.path ?
		       check_partition(run, resident, run->pages - resident) :
		       check_file(run, resident);
}

/* ---- a round ------------------------------------------------------------ */

static int give_back_all(struct run *run, double *mibps)
{
	bool ours = run->memory.path;
	uint64_t done = 0, took, began = clock_ns();
	uint32_t at;
	int ret = 0;

	for (at = 0; at < run->pages && !ret; at += BUFFER) {
		memcpy(run->sent, run->pfns + at, sizeof(run->sent));
		ret = ours ? give_back_ranges(run, &done) :
			     give_back_pages(run, &done);
	}
	took = clock_ns() - began;
	*mibps = (double)(run->memory.size >> 20) * NSEC_PER_SEC / (double)took;
	if (!ret && done != run->pages)
		ret = wrong("pages given back", done, run->pages);
	return ret;
}

/* The guest takes all of it back. */
static int deflate(struct run *run)
{
	uint64_t done;

	if (!run->memory.path)
		return 0;
	return partition_balloon(&run->memory, TARN_BALLOON_DEFLATE, 0,
				 run->pages, &done);
}

static int run_round(struct run *run, double *mibps)
{
	int ret = fill(run);

	if (!ret)
		ret = check(run, run->pages);
	if (!ret)
		ret = give_back_all(run, mibps);
	if (!ret)
		ret = check(run, 0);
	if (!ret && !content_is_zero(run->memory.base, run->memory.size))
		ret = -EILSEQ;
	return ret ? ret : deflate(run);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int run_all(struct run *run, uint32_t length)
{
	double mibps[ROUNDS];
	unsigned int i;
	int ret = 0;

	run->pfns = calloc(run->pages, sizeof(*run->pfns));
	if (!run->pfns)
		return -ENOMEM;
	choose_pages(run, length);
	shuffle_buffers(run);
	for (i = 0; i < ROUNDS && !ret; i++)
		ret = run_round(run, &mibps[i]);
	if (!ret) {
		qsort(mibps, ROUNDS, sizeof(*mibps), by_value);
		printf("mibps %.1f\n", mibps[ROUNDS / 2]);
	}
	free(run->pfns);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "run", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	size_t size = 64UL << 20;
	uint32_t length = BUFFER;
	const char *memory = NULL;
	struct run run = {};
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			memory = optarg;
		else if (c == 's')
			size = memory_parse_size(optarg);
		else if (c == 'r')
			length = (uint32_t)strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	run.pages = (uint32_t)(size / CONTENT_PAGE);
	if (!memory || !run.pages || run.pages % BUFFER || !length ||
	    run.pages % length ||
	    (strcmp(memory, "memfd") && strncmp(memory, "tarn:", 5))) {
		fprintf(stderr, "usage: inflate --memory tarn:FILE|memfd [--size N] "
				"[--run PAGES]\n");
		return 2;
	}
	ret = memory_open(&run.memory, memory, size);
	if (!ret)
		ret = run_all(&run, length);
	memory_close(&run.memory);
	if (ret)
		fprintf(stderr, "inflate: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
