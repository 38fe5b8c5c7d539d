/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work on checked memory: an access reads a whole 4 KiB page and compares
 * every word with what must be there, a part of them then writes the page
 * anew. Which page is drawn from a zipf distribution.
 *
 * The content follows from seed, page and a version that is kept outside the
 * page, so an outdated copy, a page of somebody else and a torn page are all
 * seen. A page belongs to one worker, so workers take no locks.
 */
#ifndef TARN_BENCH_WORK_H
#define TARN_BENCH_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "random.h"

#define WORK_PAGE_SIZE 4096U

/**
 * struct work - what one worker does, and how far it is
 * @base: of the memory, shared by all workers
 * @stride: number of workers; this one owns pages first, first + stride, ...
 * @first: its number
 * @pages: pages it owns
 * @write_percent: accesses that write
 * @seed: of contents
 * @version: of each page it owns
 * @ops: accesses done
 * @wrong_bytes: bytes that differed
 */
struct work {
	unsigned char *base;
	uint32_t stride;
	uint32_t first;
	uint32_t pages;
	uint32_t write_percent;
	uint64_t seed;
	uint16_t *version;
	struct zipf zipf;
	struct rng rng;
	uint64_t ops;
	uint64_t wrong_bytes;
};

int work_init(struct work *work, void *base, size_t size, uint32_t workers,
	      uint32_t number, double theta, uint32_t write_percent,
	      uint64_t seed);
void work_exit(struct work *work);

/* Write page @i of the worker's own pages for the first time. */
void work_fill(struct work *work, uint32_t i);

/* One access. */
void work_step(struct work *work);

/* Read every page once and compare. */
void work_verify(struct work *work);

#endif
