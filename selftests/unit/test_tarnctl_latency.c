// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: percentiles and the histogram. */
#include "../../tools/tarnctl/latency.c"
#include "../../tools/tarnctl/size.c"
#include "tap.h"

static void test_empty(void)
{
	__u64 buckets[TARN_LATENCY_BUCKETS] = { 0 };

	CHECK_EQ(latency_total(buckets), 0);
	CHECK_EQ(latency_percentile(buckets, 50), 0);
	CHECK_EQ(latency_percentile(buckets, 99), 0);
}

static void test_single(void)
{
	__u64 buckets[TARN_LATENCY_BUCKETS] = { [16] = 1 };

	/* The one there is lies in its bucket. */
	CHECK(latency_percentile(buckets, 0) >= 65536);
	CHECK(latency_percentile(buckets, 50) >= 65536);
	CHECK(latency_percentile(buckets, 100) <= 131072);
}

static void test_percentiles(void)
{
	__u64 buckets[TARN_LATENCY_BUCKETS] = { [10] = 98, [20] = 2 };

	CHECK_EQ(latency_total(buckets), 100);
	CHECK_EQ(latency_percentile(buckets, 49), 1024 + 512);
	CHECK_EQ(latency_percentile(buckets, 98), 2048);
	CHECK_EQ(latency_percentile(buckets, 99), 1048576 + 524288);
	CHECK_EQ(latency_percentile(buckets, 100), 2097152);
}

static void test_order(void)
{
	__u64 buckets[TARN_LATENCY_BUCKETS];
	uint64_t last = 0;
	int i;

	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		buckets[i] = (i * 7) % 5;
	for (i = 0; i <= 100; i++) {
		uint64_t now = latency_percentile(buckets, i);

		CHECK(now >= last);
		last = now;
	}
	CHECK(last <= 1ULL << TARN_LATENCY_BUCKETS);
}

static char *draw(const __u64 *buckets, unsigned int width)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	latency_print(f, buckets, width);
	fclose(f);
	return text;
}

static void test_histogram(void)
{
	__u64 buckets[TARN_LATENCY_BUCKETS] = { [16] = 30, [18] = 1 };
	char *text = draw(buckets, 80);
	char *line = strtok(text, "\n");
	int lines = 0;

	/* From the first to the last that has any, the gap too. */
	for (; line; line = strtok(NULL, "\n")) {
		size_t bars = strlen(line) - strcspn(line, "#");

		CHECK(strlen(line) <= 80);
		if (lines == 0)
			CHECK_EQ(bars, 80 - LEGEND_WIDTH);
		if (lines == 1)
			CHECK_EQ(bars, 0);
		/* What is there at all is seen. */
		if (lines == 2)
			CHECK(bars >= 1);
		lines++;
	}
	CHECK_EQ(lines, 3);
	free(text);
}

static void test_narrow(void)
{
	__u64 buckets[TARN_LATENCY_BUCKETS] = { [0] = 1, [31] = UINT32_MAX };
	char *text = draw(buckets, 1);

	CHECK(strstr(text, "##########\n") != NULL);
	free(text);
	/* No latencies, no lines. */
	memset(buckets, 0, sizeof(buckets));
	text = draw(buckets, 80);
	CHECK_STR(text, "");
	free(text);
}

static const struct tap_test tests[] = {
	{ "no latencies", test_empty },
	{ "a single latency", test_single },
	{ "percentiles within buckets", test_percentiles },
	{ "percentiles ascend", test_order },
	{ "histogram", test_histogram },
	{ "histogram without room, and without latencies", test_narrow },
};

TAP_MAIN(tests)
