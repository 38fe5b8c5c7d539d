// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: sizes, durations and rates, read and written. */
#include "../../tools/tarnctl/size.c"
#include "tap.h"

static void check_pages(const char *text, uint64_t whole, uint64_t want)
{
	uint64_t pages = 0;
	int ret = size_parse_pages(text, whole, &pages);

	if (ret || pages != want)
		printf("# '%s': %d, %llu\n", text, ret,
		       (unsigned long long)pages);
	CHECK_EQ(ret, 0);
	CHECK_EQ(pages, want);
}

static void check_bad_pages(const char *text, uint64_t whole, int want)
{
	uint64_t pages = 77;
	int ret = size_parse_pages(text, whole, &pages);

	if (ret != want)
		printf("# '%s': %d\n", text, ret);
	CHECK_EQ(ret, want);
}

static void test_pages(void)
{
	check_pages("0", 0, 0);
	check_pages("1", 0, 1);
	check_pages("4096", 0, 4096);
	check_pages("18446744073709551615", 0, UINT64_MAX);
	check_pages("4096B", 0, 1);
	check_pages("4K", 0, 1);
	check_pages("4k", 0, 1);
	check_pages("16M", 0, 4096);
	check_pages("16MiB", 0, 4096);
	check_pages("16MB", 0, 4096);
	check_pages("1.5G", 0, 393216);
	check_pages("0.5M", 0, 128);
	check_pages("2T", 0, 536870912);
	check_pages("1P", 0, 1ULL << 38);
	check_pages("4E", 0, 1ULL << 50);
}

static void test_percent(void)
{
	check_pages("25%", 1000, 250);
	check_pages("100%", 12345, 12345);
	check_pages("0%", 1000, 0);
	check_pages("2.5%", 1000, 25);
	check_pages("0.1%", 999, 0);
	check_pages("200%", 1000, 2000);
	/* Large wholes keep their low bits. */
	check_pages("100%", (1ULL << 60) + 1, (1ULL << 60) + 1);
	check_bad_pages("25%", 0, -EINVAL);
	check_bad_pages("25%%", 1000, -EINVAL);
	check_bad_pages("%", 1000, -EINVAL);
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"", " ", "x", "-1", "1.", "1.G", "+1", " 1", "1 ", "K", ".", ".K", "1.5",
		"1..5G", "1.2.3G", "0x10", "1e3", "inf", "nan", "4KK", "4Ki",
		"4KiBx", "4Q", "1.5B", "4BB", "4%K",
		/* No whole pages. */
		"1B", "4097B", "1K", "0.5K", "4.5K",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_bad_pages(bad[i], 0, -EINVAL);
	check_bad_pages("18446744073709551616", 0, -ERANGE);
	check_bad_pages("99999999999999999999999", 0, -ERANGE);
	check_bad_pages("16E", 0, -ERANGE);
	check_bad_pages("18446744073709551615K", 0, -ERANGE);
	check_bad_pages("1.000000000000000000000001G", 0, -ERANGE);
	check_bad_pages("18446744073709551615%", 1000, -ERANGE);
}

static void test_bytes(void)
{
	uint64_t bytes;

	CHECK_EQ(size_parse_bytes("8G", &bytes), 0);
	CHECK_EQ(bytes, 8ULL << 30);
	CHECK_EQ(size_parse_bytes("123B", &bytes), 0);
	CHECK_EQ(bytes, 123);
	CHECK_EQ(size_parse_bytes("512", &bytes), -EINVAL);
	CHECK_EQ(size_parse_bytes("30%", &bytes), -EINVAL);
	CHECK_EQ(size_parse_bytes("", &bytes), -EINVAL);
}

static void check_size(uint64_t bytes, const char *want)
{
	char buf[SIZE_TEXT_MAX];

	CHECK_STR(size_format(buf, bytes, false), want);
}

static void test_format(void)
{
	char buf[SIZE_TEXT_MAX];

	check_size(0, "0");
	check_size(1, "1");
	check_size(1023, "1023");
	check_size(1024, "1K");
	check_size(1536, "1.5K");
	check_size(4096, "4K");
	check_size(10188, "9.9K");
	check_size(10189, "10K");
	check_size(1023 * 1024, "1023K");
	/* Rounding up must not print 1024K. */
	check_size(1048575, "1.0M");
	check_size(1048576, "1M");
	check_size(410ULL << 20, "410M");
	check_size(3ULL << 29, "1.5G");
	check_size(UINT64_MAX, "16E");
	CHECK_STR(size_format(buf, 1536, true), "1536");
	CHECK_STR(size_format(buf, UINT64_MAX, true), "18446744073709551615");
	CHECK_STR(size_format_pages(buf, 3, true), "12288");
	CHECK_STR(size_format_pages(buf, 131072, false), "512M");
	/* A product that does not fit. */
	CHECK_STR(size_format_pages(buf, UINT64_MAX, false), "16E");
}

static void test_round_trip(void)
{
	uint64_t pages, back;

	for (pages = 1; pages; pages <<= 1) {
		char buf[SIZE_TEXT_MAX];

		if (pages >= 1ULL << 52)
			break;
		size_format_pages(buf, pages, false);
		CHECK_EQ(size_parse_pages(buf, 0, &back), 0);
		CHECK_EQ(back, pages);
	}
}

static void test_time(void)
{
	char buf[SIZE_TEXT_MAX];

	CHECK_STR(time_format(buf, 0), "0ns");
	CHECK_STR(time_format(buf, 850), "850ns");
	CHECK_STR(time_format(buf, 999), "999ns");
	CHECK_STR(time_format(buf, 1000), "1us");
	CHECK_STR(time_format(buf, 1500), "1.5us");
	CHECK_STR(time_format(buf, 80000), "80us");
	CHECK_STR(time_format(buf, 999999), "1.0ms");
	CHECK_STR(time_format(buf, 1234567), "1.2ms");
	CHECK_STR(time_format(buf, 2100000000), "2.1s");
	CHECK_STR(time_format(buf, 4294967296), "4.3s");
	CHECK_STR(time_format(buf, 86400000000000), "86400s");
}

static void test_time_parse(void)
{
	static const char *const bad[] = {
		"", "2", "ms", "2 ms", "2m", "-1ms", "2msx", "1e3us",
		"99999999999999999999s", "18446744073709551615s",
	};
	uint64_t ns;
	size_t i;

	CHECK_EQ(time_parse("2ms", &ns), 0);
	CHECK_EQ(ns, 2000000);
	CHECK_EQ(time_parse("1.5s", &ns), 0);
	CHECK_EQ(ns, 1500000000);
	CHECK_EQ(time_parse("800us", &ns), 0);
	CHECK_EQ(ns, 800000);
	CHECK_EQ(time_parse("7ns", &ns), 0);
	CHECK_EQ(ns, 7);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(time_parse(bad[i], &ns), -EINVAL);
}

static void test_rate(void)
{
	char buf[SIZE_TEXT_MAX];

	CHECK_STR(rate_format(buf, 0), "0");
	CHECK_STR(rate_format(buf, 0.5), "0.5");
	CHECK_STR(rate_format(buf, 3), "3");
	CHECK_STR(rate_format(buf, 12.4), "12");
	CHECK_STR(rate_format(buf, 8431.2), "8431");
	CHECK_STR(rate_format(buf, 999499), "999499");
	CHECK_STR(rate_format(buf, 999999), "1.0M");
	CHECK_STR(rate_format(buf, 1.25e9), "1.2G");
}

static const struct tap_test tests[] = {
	{ "amounts in pages and with units", test_pages },
	{ "parts of a whole", test_percent },
	{ "what is no amount is refused", test_bad },
	{ "sizes that need a unit", test_bytes },
	{ "sizes are written short and exactly", test_format },
	{ "powers of two survive writing and reading", test_round_trip },
	{ "durations", test_time },
	{ "durations that are read", test_time_parse },
	{ "rates", test_rate },
};

TAP_MAIN(tests)
