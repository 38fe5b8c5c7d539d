/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways of user space to read whole pages, to be compared with the module's search for
 * patterns. Each reads all bytes of a page of which only a word near the end differs.
 */
#ifndef TARN_BENCH_ONEWORDS_H
#define TARN_BENCH_ONEWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All words of a range XORed, read by 64 bits. */
uint64_t onewords_xor(const uint64_t *word, size_t count);

/* How many pages of a range are not zero, each looked at by vectors of the processor. */
size_t onewords_not_zero(const void *base, size_t pages);

/* Those vectors: "avx2" or "sse2". */
const char *onewords_vectors(void);

#endif
