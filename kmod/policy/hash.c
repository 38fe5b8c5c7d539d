// SPDX-License-Identifier: GPL-2.0-only
/* See hash.h. */
#include "policy/hash.h"

/* Words of one turn, a power of two: there are more additions than jumps then. */
#define TURN	8

/**
 * tarn_hash_words() - the hash of a page
 * @key: of whoever compares hashes
 * @words: what it holds; somebody may be writing to it, who gets the hash of nothing then
 *
 * Context: any.
 */
u64 tarn_hash_words(const struct tarn_hash_key *key, const u64 *words)
{
	unsigned __int128 sum = 0;
	const u64 *k = key->word;
	unsigned int i, j;

	BUILD_BUG_ON(TARN_HASH_WORDS % TURN);
	for (i = 0; i < TARN_HASH_WORDS; i += TURN)
#pragma GCC unroll 4
		for (j = i; j < i + TURN; j += 2)
			sum += (unsigned __int128)(words[j] + k[j]) *
			       (words[j + 1] + k[j + 1]);
	return siphash_2u64(sum >> 64, sum, &key->last);
}
