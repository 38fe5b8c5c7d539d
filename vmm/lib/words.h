/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of words in one string, with a blank between two. */
#ifndef TARN_LIB_WORDS_H
#define TARN_LIB_WORDS_H

#include <string.h>

#include "lib/types.h"

/** words_have() - whether @word is one of @words. */
static inline bool words_have(const char *words, const char *word)
{
	size_t len = strlen(word), n;

	for (; *words; words += n + !!words[n]) {
		n = strcspn(words, " ");
		if (n == len && !strncmp(words, word, n))
			return true;
	}
	return false;
}

#endif
