/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hash of what a page holds, by which equal ones are found (match.c).
 *
 * It is NH, the universal hash of UMAC (RFC 4418), on words of 64 bits, and SipHash of what
 * that gives: whatever two pages differ in, only one key in 2^64 has NH say the same of both,
 * and SipHash tells nothing of the key. So nobody makes pages that hash the same on purpose. NH
 * takes a multiplication for two words, and SipHash of the page would take ten times as long.
 */
#ifndef TARN_HASH_H
#define TARN_HASH_H

#include <linux/mm.h>
#include <linux/siphash.h>
#include <linux/types.h>

#define TARN_HASH_WORDS		(PAGE_SIZE / sizeof(u64))

/**
 * struct tarn_hash_key - random, and secret
 * @word: of NH, one for each word of a page
 * @last: of SipHash
 */
struct tarn_hash_key {
	u64 word[TARN_HASH_WORDS];
	siphash_key_t last;
};

u64 tarn_hash_words(const struct tarn_hash_key *key, const u64 *words);

#endif
