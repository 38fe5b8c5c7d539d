// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest without a kernel (bare.h) that holds memory, to be saved and restored, in a
 * machine of 256 MiB:
 *
 *	16 MiB and on	64 MiB of random words, which nothing makes smaller. The first 16
 *			of them are hot, and their first words a counter
 *	80 MiB and on	96 MiB of pages of which all is one word of 64 bits, each another
 *	176 MiB and on	64 MiB that are never written to
 *
 * It says '<' on COM1 when all of that is there. Then it goes round the hot pages: each
 * has to have been counted as often as the others, and is counted once more. After each
 * LAPS rounds it says '#'. At the next of these after a 'v' has come it reads all of the
 * three parts: '+' if they are as they were made. What is wrong at any time is a '!',
 * and the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bare.h"

#define MIB		(1U << 20)
#define PAGE		4096U
#define WORDS		(PAGE / sizeof(uint32_t))
#define LAPS		64

#define RANDOM_AT	(16 * MIB)
#define RANDOM_PAGES	(64 * MIB / PAGE)
#define HOT_PAGES	(16 * MIB / PAGE)
#define SAME_AT		(80 * MIB)
#define SAME_PAGES	(96 * MIB / PAGE)
#define EMPTY_AT	(176 * MIB)
#define EMPTY_PAGES	(64 * MIB / PAGE)

static uint32_t *page_at(uint32_t start, uint32_t page)
{
	return (uint32_t *)(uintptr_t)(start + page * PAGE);
}

/* What a page of random words begins with; never 0. */
static uint32_t seed_of(uint32_t page)
{
	return (page + 1) * 0x9e3779b1U;
}

static uint32_t next_word(uint32_t word)
{
	word ^= word << 13;
	word ^= word >> 17;
	return word ^ word << 5;
}

/* The halves of the word of a page that is of one; not 0, and not alike. */
static uint32_t half_of(uint32_t page, size_t i)
{
	return i % 2 ? ~seed_of(page) : seed_of(page);
}

/* The first word of a hot page is its counter. */
static bool counts(uint32_t page, size_t i)
{
	return page < HOT_PAGES && !i;
}

/* ---- filling, and looking at all of it ---------------------------------- */

static void fill(void)
{
	uint32_t page, word, *at;
	size_t i;

	for (page = 0; page < RANDOM_PAGES; page++) {
		at = page_at(RANDOM_AT, page);
		word = seed_of(page);
		for (i = 0; i < WORDS; i++, word = next_word(word))
			at[i] = counts(page, i) ? 0 : word;
	}
	for (page = 0; page < SAME_PAGES; page++) {
		at = page_at(SAME_AT, page);
		for (i = 0; i < WORDS; i++)
			at[i] = half_of(page, i);
	}
}

static bool random_is_right(uint32_t lap)
{
	uint32_t page, word, *at;
	size_t i;

	for (page = 0; page < RANDOM_PAGES; page++) {
		at = page_at(RANDOM_AT, page);
		word = seed_of(page);
		for (i = 0; i < WORDS; i++, word = next_word(word))
			if (at[i] != (counts(page, i) ? lap : word))
				return false;
	}
	return true;
}

static bool rest_is_right(void)
{
	uint32_t page, *at;
	size_t i;

	for (page = 0; page < SAME_PAGES; page++) {
		at = page_at(SAME_AT, page);
		for (i = 0; i < WORDS; i++)
			if (at[i] != half_of(page, i))
				return false;
	}
	for (page = 0; page < EMPTY_PAGES; page++) {
		at = page_at(EMPTY_AT, page);
		for (i = 0; i < WORDS; i++)
			if (at[i])
				return false;
	}
	return true;
}

/* ---- the work ----------------------------------------------------------- */

__attribute__((noreturn)) static void stop(void)
{
	com1_put('!');
	for (;;)
		asm volatile("cli; hlt");
}

/* Each hot page has seen @lap rounds, and sees one more. */
static void go_round(uint32_t lap)
{
	uint32_t page;

	for (page = 0; page < HOT_PAGES; page++) {
		volatile uint32_t *at = page_at(RANDOM_AT, page);

		if (at[0] != lap || at[1] != next_word(seed_of(page)))
			stop();
		at[0] = lap + 1;
	}
}

static bool is_asked(void)
{
	return in8(COM1_STATUS) & COM_FULL && in8(COM1_DATA) == 'v';
}

void guest_main(const struct start_info *info)
{
	uint32_t lap;

	(void)info;
	fill();
	com1_put('<');
	for (lap = 0;; lap++) {
		if (lap && !(lap % LAPS)) {
			com1_put('#');
			if (is_asked()) {
				if (!random_is_right(lap) || !rest_is_right())
					stop();
				com1_put('+');
			}
		}
		go_round(lap);
	}
}
