/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pages of a benchmark hold, so that they can be looked at afterwards: random
 * words that follow from a seed, the number of the page and that of the word.
 */
#ifndef TARN_BENCH_CONTENT_H
#define TARN_BENCH_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "random.h"

#define CONTENT_PAGE 4096UL
#define CONTENT_WORDS (CONTENT_PAGE / sizeof(uint64_t))

/* Word @i of page @page. */
static inline uint64_t content_word(uint64_t seed, uint64_t page, size_t i)
{
	return mix64(seed + (page * CONTENT_WORDS + i + 1) *
			    0x9e3779b97f4a7c15ULL);
}

/* All of @size bytes are random, the first page is number 0. */
void content_fill(void *base, size_t size, uint64_t seed);

/* Do they hold that still, but for the first word of each page, which is @first of it? */
bool content_is(const void *base, size_t size, uint64_t seed,
		uint64_t (*first)(uint64_t seed, uint64_t page));

/* The first word as content_fill() has it. */
uint64_t content_first(uint64_t seed, uint64_t page);

bool content_is_zero(const void *base, size_t size);

#endif
