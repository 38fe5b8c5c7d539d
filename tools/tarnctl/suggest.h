/* SPDX-License-Identifier: GPL-2.0-only */
/* Guesses which word was meant, for hints in error messages. */
#ifndef TARNCTL_SUGGEST_H
#define TARNCTL_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *word;
	const char *best;
	unsigned int distance;
};

/**
 * suggest_distance() - Letters to insert, delete, replace or swap with their
 * neighbour to get from @a to @b; UINT_MAX when one is unreasonably long.
 */
unsigned int suggest_distance(const char *a, const char *b);

/** suggest_begin() - Look for words near @word. */
void suggest_begin(struct suggest *s, const char *word);

/** suggest_offer() - @candidate is a word that would have been accepted. */
void suggest_offer(struct suggest *s, const char *candidate);

/** suggest_end() - The nearest one, or NULL when none comes near. */
const char *suggest_end(const struct suggest *s);

#endif
