// SPDX-License-Identifier: GPL-2.0-only
/* See twins.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "content.h"
#include "partition.h"
#include "twins.h"

#define DOMAIN "bench"
/* Two looks at each are enough, and one more is for pages that somebody had in hand. */
#define MOST_LOOKS 8

static int open_one(struct memory *memory, const char *spec, size_t size)
{
	int ret = memory_open(memory, spec, size);

	if (ret)
		return ret;
	content_fill(memory->base, size, TWINS_SEED);
	return memory->path ? partition_set_domain(memory, DOMAIN) : 0;
}

int twins_open(struct twins *twins, const char *spec, size_t size)
{
	char second[256];
	int ret;

	memset(twins, 0, sizeof(*twins));
	twins->memory[0].fd = -1;
	twins->memory[1].fd = -1;
	ret = snprintf(second, sizeof(second), strchr(spec, ':') ? "%s2" : "%s",
		       spec);
	if (ret >= (int)sizeof(second))
		return -ENAMETOOLONG;
	ret = open_one(&twins->memory[0], spec, size);
	if (!ret)
		ret = open_one(&twins->memory[1], second, size);
	if (ret)
		twins_close(twins);
	return ret;
}

void twins_close(struct twins *twins)
{
	memory_close(&twins->memory[0]);
	memory_close(&twins->memory[1]);
}

static uint64_t thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Pages of both that share. */
static int count_shared(struct twins *twins, uint64_t *count)
{
	struct tarn_partition_info info;
	int i, ret = 0;

	*count = 0;
	for (i = 0; i < 2 && !ret; i++) {
		ret = partition_info(&twins->memory[i], &info);
		*count += info.shared_pages;
	}
	return ret;
}

/* One look at each, and what it takes. */
static int look(struct twins *twins, uint64_t *cpu_ns)
{
	uint64_t began = thread_ns(), done;
	int i, ret = 0;

	for (i = 0; i < 2 && !ret; i++)
		ret = partition_range(&twins->memory[i], TARN_PARTITION_SHARE,
				      &done);
	*cpu_ns += thread_ns() - began;
	return ret;
}

int twins_share(struct twins *twins, uint64_t *cpu_ns)
{
	uint64_t pages = 2 * twins->memory[0].size / CONTENT_PAGE, shared = 0;
	unsigned int i;
	int ret = 0;

	*cpu_ns = 0;
	for (i = 0; i < MOST_LOOKS && shared < pages && !ret; i++) {
		ret = look(twins, cpu_ns);
		if (!ret)
			ret = count_shared(twins, &shared);
	}
	if (ret || shared == pages)
		return ret;
	fprintf(stderr, "twins: %llu of %llu pages share after %u looks\n",
		(unsigned long long)shared, (unsigned long long)pages, i);
	return -EILSEQ;
}

int twins_check(struct twins *twins)
{
	int i;

	for (i = 0; i < 2; i++)
		if (!content_is(twins->memory[i].base, twins->memory[i].size,
				TWINS_SEED, content_first))
			return -EILSEQ;
	return 0;
}

/* Each page of both shares, and there is one frame for two of them. */
int twins_check_shared(struct twins *twins)
{
	uint64_t pages = twins->memory[0].size / CONTENT_PAGE;
	struct tarn_pool_info info;
	int ret = partition_pool_info(&twins->memory[0], &info);

	if (ret)
		return ret;
	if (info.shared_pages == 2 * pages && info.shared_frames == pages &&
	    info.frames - info.free_frames == pages)
		return 0;
	fprintf(stderr,
		"twins: %llu pages share %llu frames, and %llu are in use\n",
		(unsigned long long)info.shared_pages,
		(unsigned long long)info.shared_frames,
		(unsigned long long)(info.frames - info.free_frames));
	return -EILSEQ;
}
