// SPDX-License-Identifier: GPL-2.0-only
/* See latency_pack.h. */
#include <errno.h>
#include <string.h>

#include "latency_pack.h"

#define MORE 0x80
#define DIGIT 0x7f
#define DIGIT_BITS 7

size_t latency_pack(unsigned char *buf, const __u64 *buckets)
{
	int count = TARN_LATENCY_BUCKETS, i;
	size_t len = 0;

	while (count && !buckets[count - 1])
		count--;
	for (i = 0; i < count; i++) {
		__u64 val = buckets[i];

		for (; val > DIGIT; val >>= DIGIT_BITS)
			buf[len++] = (val & DIGIT) | MORE;
		buf[len++] = val;
	}
	return len;
}

static int unpack_one(__u64 *val, const unsigned char *buf, size_t len,
		      size_t *at)
{
	unsigned int shift = 0;
	unsigned char byte;

	*val = 0;
	do {
		if (*at == len || shift > 63)
			return -EINVAL;
		byte = buf[(*at)++];
		/* The last digit has one bit of room. */
		if (shift == 63 && byte > 1)
			return -EINVAL;
		*val |= (__u64)(byte & DIGIT) << shift;
		shift += DIGIT_BITS;
	} while (byte & MORE);
	return 0;
}

int latency_unpack(__u64 *buckets, const unsigned char *buf, size_t len)
{
	size_t at = 0;
	int i;

	memset(buckets, 0, TARN_LATENCY_BUCKETS * sizeof(*buckets));
	for (i = 0; at < len; i++) {
		if (i == TARN_LATENCY_BUCKETS ||
		    unpack_one(&buckets[i], buf, len, &at)) {
			memset(buckets, 0,
			       TARN_LATENCY_BUCKETS * sizeof(*buckets));
			return -EINVAL;
		}
	}
	return 0;
}
