// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checked accesses to memory. See work.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "work.h"

#define WORDS (WORK_PAGE_SIZE / sizeof(uint64_t))
#define STEP 0x9e3779b97f4a7c15ULL

int work_init(struct work *work, void *base, size_t size, uint32_t workers,
	      uint32_t number, double theta, uint32_t write_percent,
	      uint64_t seed)
{
	struct rng layout = { .state = mix64(seed + number) };

	memset(work, 0, sizeof(*work));
	work->base = base;
	work->stride = workers;
	work->first = number;
	work->pages = (uint32_t)(size / WORK_PAGE_SIZE / workers);
	work->write_percent = write_percent;
	work->seed = seed;
	work->rng.state = mix64(~seed + number);
	work->version = calloc(work->pages, sizeof(*work->version));
	if (!work->version)
		return -ENOMEM;
	return zipf_init(&work->zipf, work->pages, theta, &layout);
}

void work_exit(struct work *work)
{
	zipf_exit(&work->zipf);
	free(work->version);
	work->version = NULL;
}

static uint64_t *work_page(const struct work *work, uint32_t i)
{
	size_t page = (size_t)i * work->stride + work->first;

	return (uint64_t *)(work->base + page * WORK_PAGE_SIZE);
}

/* First word of a page; the others follow in equal steps. Never 0. */
static uint64_t work_key(const struct work *work, uint32_t i)
{
	uint64_t page = (uint64_t)i * work->stride + work->first;

	return mix64(work->seed ^ (page << 16) ^ work->version[i]) | 1;
}

static void page_write(uint64_t *word, uint64_t key)
{
	size_t i;

	for (i = 0; i < WORDS; i++, key += STEP)
		word[i] = key;
}

static uint64_t page_wrong_bytes(const uint64_t *word, uint64_t key)
{
	uint64_t diff, wrong = 0;
	size_t i;

	for (i = 0; i < WORDS; i++, key += STEP) {
		if (__builtin_expect(word[i] == key, 1))
			continue;
		for (diff = word[i] ^ key; diff; diff >>= 8)
			wrong += !!(diff & 0xff);
	}
	return wrong;
}

void work_fill(struct work *work, uint32_t i)
{
	page_write(work_page(work, i), work_key(work, i));
}

void work_step(struct work *work)
{
	uint32_t i = zipf_next(&work->zipf, &work->rng);
	uint64_t *page = work_page(work, i);

	work->wrong_bytes += page_wrong_bytes(page, work_key(work, i));
	if (rng_below(&work->rng, 100) < work->write_percent) {
		work->version[i]++;
		page_write(page, work_key(work, i));
	}
	work->ops++;
}

void work_verify(struct work *work)
{
	uint32_t i;

	for (i = 0; i < work->pages; i++)
		work->wrong_bytes += page_wrong_bytes(work_page(work, i),
						      work_key(work, i));
}
