// SPDX-License-Identifier: GPL-2.0-only
/* Histograms in the history: written and read back, and bytes that are none. */
#include <stdint.h>

#include "../../tools/tarnctl/latency_pack.c"
#include "tap.h"

static void round_trip(const __u64 *in, size_t want)
{
	unsigned char buf[LATENCY_PACK_MAX];
	__u64 out[TARN_LATENCY_BUCKETS];
	size_t len = latency_pack(buf, in);

	CHECK_EQ(len, want);
	CHECK_EQ(latency_unpack(out, buf, len), 0);
	CHECK(!memcmp(in, out, sizeof(out)));
}

static void test_round_trips(void)
{
	__u64 in[TARN_LATENCY_BUCKETS] = { 0 };
	unsigned char buf[LATENCY_PACK_MAX];
	int i;

	round_trip(in, 0);
	in[3] = 127;
	round_trip(in, 4);
	in[3] = 128;
	round_trip(in, 5);
	in[TARN_LATENCY_BUCKETS - 1] = UINT64_MAX;
	round_trip(in, 3 + 2 + 27 + 10);
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		in[i] = UINT64_MAX >> i;
	in[31] = UINT64_MAX;
	CHECK(latency_pack(buf, in) <= LATENCY_PACK_MAX);
}

static void refused(const unsigned char *buf, size_t len)
{
	__u64 out[TARN_LATENCY_BUCKETS];
	int i;

	memset(out, 0xff, sizeof(out));
	CHECK_EQ(latency_unpack(out, buf, len), -EINVAL);
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		CHECK_EQ(out[i], 0);
}

static void test_no_histograms(void)
{
	unsigned char buf[64];

	memset(buf, 0x80, sizeof(buf));
	refused(buf, 1);
	refused(buf, 5);
	refused(buf, 64);
	/* Ten digits, the last one with more than a bit. */
	memset(buf, 0xff, 9);
	buf[9] = 2;
	refused(buf, 10);
	/* A bucket too many. */
	memset(buf, 1, sizeof(buf));
	refused(buf, TARN_LATENCY_BUCKETS + 1);
}

/* Whatever there is: no byte beyond the end is read (ASan), and nothing is half done. */
static void test_random_bytes(void)
{
	unsigned int round, i;

	srandom(1);
	for (round = 0; round < 20000; round++) {
		size_t len = random() % 80;
		unsigned char *buf = malloc(len ? len : 1);
		__u64 out[TARN_LATENCY_BUCKETS];

		for (i = 0; i < len; i++)
			buf[i] = random() % 3 ? random() : 0xff;
		if (latency_unpack(out, buf, len)) {
			for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
				CHECK_EQ(out[i], 0);
		}
		free(buf);
	}
}

static const struct tap_test tests[] = {
	{ "histograms come back", test_round_trips },
	{ "what is none is refused", test_no_histograms },
	{ "random bytes", test_random_bytes },
};

TAP_MAIN(tests)
