// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways of user space to read whole pages. See onewords.h.
 *
 * That by vectors does what is known of QEMU's buffer_is_zero(): the words at the head, in
 * the middle and at the tail first, which settles most pages, then four vectors an
 * iteration, one test for all four.
 */
#include <immintrin.h>

#include "onewords.h"

#define PAGE_BYTES 4096UL
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
/* Words an iteration, and vectors. */
#define WORDS 8
#define VECTORS 4

uint64_t onewords_xor(const uint64_t *word, size_t count)
{
	/* Volatile, so that no compiler makes vectors of them. */
	const volatile uint64_t *w = word, *end = w + count;
	uint64_t sum = 0;

	for (; w < end; w += WORDS)
		sum ^= w[0] ^ w[1] ^ w[2] ^ w[3] ^ w[4] ^ w[5] ^ w[6] ^ w[7];
	return sum;
}

static bool sampled(const void *page)
{
	const uint64_t *word = page;

	return !(word[0] | word[PAGE_WORDS / 2] | word[PAGE_WORDS - 1]);
}

static bool is_zero_sse2(const void *page)
{
	const __m128i *v = page, *end = v + PAGE_BYTES / sizeof(*v);
	const __m128i zero = _mm_setzero_si128();

	if (!sampled(page))
		return false;
	for (; v < end; v += VECTORS) {
		__m128i any = _mm_or_si128(_mm_or_si128(v[0], v[1]),
					   _mm_or_si128(v[2], v[3]));

		if (_mm_movemask_epi8(_mm_cmpeq_epi8(any, zero)) != 0xffff)
			return false;
	}
	return true;
}

__attribute__((target("avx2"))) static bool is_zero_avx2(const void *page)
{
	const __m256i *v = page, *end = v + PAGE_BYTES / sizeof(*v);

	if (!sampled(page))
		return false;
	for (; v < end; v += VECTORS) {
		__m256i any = _mm256_or_si256(_mm256_or_si256(v[0], v[1]),
					      _mm256_or_si256(v[2], v[3]));

		if (!_mm256_testz_si256(any, any))
			return false;
	}
	return true;
}

/* By CPUID, and by whether the kernel saves them. */
static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

const char *onewords_vectors(void)
{
	return has_avx2() ? "avx2" : "sse2";
}

size_t onewords_not_zero(const void *base, size_t pages)
{
	bool (*is_zero)(const void *page) = has_avx2() ? is_zero_avx2 :
							 is_zero_sse2;
	const char *page = base, *end = page + pages * PAGE_BYTES;
	size_t count = 0;

	for (; page < end; page += PAGE_BYTES)
		count += !is_zero(page);
	return count;
}
