// SPDX-License-Identifier: GPL-2.0-only
/* See content.h. */
#include "content.h"

void content_fill(void *base, size_t size, uint64_t seed)
{
	uint64_t *word = base, page;
	size_t i;

	for (page = 0; page < size / CONTENT_PAGE; page++)
		for (i = 0; i < CONTENT_WORDS; i++)
			*word++ = content_word(seed, page, i);
}

uint64_t content_first(uint64_t seed, uint64_t page)
{
	return content_word(seed, page, 0);
}

bool content_is(const void *base, size_t size, uint64_t seed,
		uint64_t (*first)(uint64_t seed, uint64_t page))
{
	const uint64_t *word = base;
	uint64_t page;
	size_t i;

	for (page = 0; page < size / CONTENT_PAGE; page++) {
		if (*word++ != first(seed, page))
			return false;
		for (i = 1; i < CONTENT_WORDS; i++)
			if (*word++ != content_word(seed, page, i))
				return false;
	}
	return true;
}

bool content_is_zero(const void *base, size_t size)
{
	const uint64_t *word = base, *end = word + size / sizeof(*word);

	while (word < end)
		if (*word++)
			return false;
	return true;
}
