// SPDX-License-Identifier: GPL-2.0-only
/* Parsing and printing of memory sizes, durations and rates. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/tarn.h>

#include "lib/amount.h"
#include "size.h"

#define PAGE_BYTES (1ULL << TARN_PAGE_SHIFT)
int size_parse_pages(const char *text, uint64_t whole, uint64_t *pages)
{
	struct amount_number number;
	uint64_t bytes;
	int ret;

	ret = amount_take_number(&text, &number);
	if (ret)
		return ret;
	if (!*text) {
		if (number.scale != 1)
			return -EINVAL;
		*pages = number.mantissa;
		return 0;
	}
	if (!strcmp(text, "%")) {
		if (!whole ||
		    __builtin_mul_overflow(number.scale, 100, &number.scale))
			return -EINVAL;
		return amount_scale(&number, whole, pages);
	}
	ret = amount_apply_unit(&number, text, &bytes);
	if (ret)
		return ret;
	if (bytes % PAGE_BYTES)
		return -EINVAL;
	*pages = bytes / PAGE_BYTES;
	return 0;
}

int size_parse_bytes(const char *text, uint64_t *bytes)
{
	return amount_parse(text, 0, bytes);
}

const char *size_format(char *buf, uint64_t bytes, bool exact)
{
	double val = bytes;
	int unit = 0;

	if (exact || bytes < 1024) {
		snprintf(buf, SIZE_TEXT_MAX, "%llu", (unsigned long long)bytes);
		return buf;
	}
	/* 1023.7K would print as 1024K. */
	while (val >= 1023.5 && AMOUNT_UNITS[unit + 1]) {
		val /= 1024;
		unit++;
	}
	/* A whole number needs no fraction: 4K, but 4.5K. */
	if (val >= 9.95 || val == floor(val))
		snprintf(buf, SIZE_TEXT_MAX, "%.0f%c", val, AMOUNT_UNITS[unit]);
	else
		snprintf(buf, SIZE_TEXT_MAX, "%.1f%c", val, AMOUNT_UNITS[unit]);
	return buf;
}

const char *size_format_pages(char *buf, uint64_t pages, bool exact)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(pages, PAGE_BYTES, &bytes))
		bytes = UINT64_MAX;
	return size_format(buf, bytes, exact);
}

const char *time_format(char *buf, uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double val = ns;
	unsigned int unit = 0;

	while (val >= 999.5 && unit < 3) {
		val /= 1000;
		unit++;
	}
	if (val >= 9.95 || val == floor(val))
		snprintf(buf, SIZE_TEXT_MAX, "%.0f%s", val, units[unit]);
	else
		snprintf(buf, SIZE_TEXT_MAX, "%.1f%s", val, units[unit]);
	return buf;
}

int time_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 },
		{ "s", 1000000000 },
	};
	struct amount_number number;
	size_t i;

	if (amount_take_number(&text, &number))
		return -EINVAL;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(text, units[i].name))
			return amount_scale(&number, units[i].ns, ns) ? -EINVAL :
									0;
	}
	return -EINVAL;
}

const char *rate_format(char *buf, double rate)
{
	if (rate >= 999.5e6)
		snprintf(buf, SIZE_TEXT_MAX, "%.1fG", rate / 1e9);
	else if (rate >= 999.5e3)
		snprintf(buf, SIZE_TEXT_MAX, "%.1fM", rate / 1e6);
	else if (rate >= 9.95 || rate == floor(rate))
		snprintf(buf, SIZE_TEXT_MAX, "%.0f", rate);
	else
		snprintf(buf, SIZE_TEXT_MAX, "%.1f", rate);
	return buf;
}
