// SPDX-License-Identifier: GPL-2.0-only
/*
 * Near matches of a mistyped word: restricted Damerau-Levenshtein distance, and
 * a word cut short counts as near to what it begins.
 */
#include <limits.h>
#include <string.h>

#include "suggest.h"

#define WORD_MAX 32

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int min = a < b ? a : b;

	return min < c ? min : c;
}

unsigned int suggest_distance(const char *a, const char *b)
{
	unsigned int d[WORD_MAX + 1][WORD_MAX + 1];
	size_t alen = strlen(a), blen = strlen(b), i, j;

	if (alen > WORD_MAX || blen > WORD_MAX)
		return UINT_MAX;
	for (i = 0; i <= alen; i++)
		d[i][0] = i;
	for (j = 0; j <= blen; j++)
		d[0][j] = j;
	for (i = 1; i <= alen; i++) {
		for (j = 1; j <= blen; j++) {
			unsigned int cost = a[i - 1] != b[j - 1];

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[alen][blen];
}

void suggest_begin(struct suggest *s, const char *word)
{
	s->word = word;
	s->best = NULL;
	s->distance = UINT_MAX;
}

void suggest_offer(struct suggest *s, const char *candidate)
{
	size_t len = strlen(s->word);
	unsigned int distance = suggest_distance(s->word, candidate);

	if (len >= 2 && !strncmp(s->word, candidate, len))
		distance = 1;
	if (distance < s->distance) {
		s->distance = distance;
		s->best = candidate;
	}
}

const char *suggest_end(const struct suggest *s)
{
	/* A third of the letters wrong is a typing error, more is another word. */
	unsigned int limit = (strlen(s->word) + 2) / 3;

	return s->best && s->distance <= limit ? s->best : NULL;
}
