// SPDX-License-Identifier: GPL-2.0-only
/* Amounts of memory, as all programs read them. */
#include "../../vmm/lib/amount.c"
#include "tap.h"

static void check(const char *text, uint64_t bare, uint64_t want)
{
	uint64_t bytes = 0;
	int ret = amount_parse(text, bare, &bytes);

	if (ret || bytes != want)
		printf("# '%s': %d, %llu\n", text, ret,
		       (unsigned long long)bytes);
	CHECK_EQ(ret, 0);
	CHECK_EQ(bytes, want);
}

static void check_bad(const char *text, uint64_t bare, int want)
{
	uint64_t bytes = 77;
	int ret = amount_parse(text, bare, &bytes);

	if (ret != want)
		printf("# '%s': %d\n", text, ret);
	CHECK_EQ(ret, want);
	CHECK_EQ(bytes, 77);
}

static void test_units(void)
{
	static const char *const forms[] = { "", "B", "iB" };
	static const char units[] = "KMGTPE";
	char text[16];
	size_t i, j;

	check("0B", 0, 0);
	check("9000000B", 0, 9000000);
	check("7b", 0, 7);
	for (i = 0; units[i]; i++) {
		for (j = 0; j < sizeof(forms) / sizeof(forms[0]); j++) {
			snprintf(text, sizeof(text), "3%c%s", units[i], forms[j]);
			check(text, 0, 3ULL << 10 * (i + 1));
			snprintf(text, sizeof(text), "3%c%s",
				 units[i] | 0x20, forms[j]);
			check(text, 0, 3ULL << 10 * (i + 1));
		}
	}
}

static void test_fractions(void)
{
	check("1.5G", 0, 3ULL << 29);
	check(".5K", 0, 512);
	check("0.0009765625K", 0, 1);
	check("1.9999K", 0, 2047);
	/* Sizes near the end keep their low bits. */
	check("15.9999999999999999E", 0, UINT64_MAX - 115);
	check("18446744073709551615B", 0, UINT64_MAX);
}

static void test_bare(void)
{
	check("512", 1, 512);
	check("512", 1 << 20, 512 << 20);
	check("1.5", 1 << 20, 3 << 19);
	check("512M", 1 << 20, 512 << 20);
	check_bad("512", 0, -EINVAL);
	check_bad("1.5", 1, -EINVAL);
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"", " ", "x", "-1K", "+1K", " 1K", "1K ", "K", ".", ".K", "1.",
		"1.K", "1..5G", "1.2.3G", "0x10", "1e3", "inf", "nan", "4KK",
		"4Ki", "4KiBx", "4Kib", "4Q", "1.5B", "4BB", "4BiB", "4%", "4K%",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_bad(bad[i], 1, -EINVAL);
	check_bad("18446744073709551616B", 1, -ERANGE);
	check_bad("16E", 1, -ERANGE);
	check_bad("18446744073709551615K", 1, -ERANGE);
	check_bad("18446744073709551615", 2, -ERANGE);
	check_bad("1.000000000000000000000001G", 1, -ERANGE);
}

static const struct tap_test tests[] = {
	{ "units", test_units },
	{ "fractions", test_fractions },
	{ "numbers without a unit", test_bare },
	{ "what is no amount is refused", test_bad },
};

TAP_MAIN(tests)
