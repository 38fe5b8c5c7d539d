// SPDX-License-Identifier: GPL-2.0-only
/* Parsing and printing of memory sizes, durations and rates. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/tarn.h>

#include "size.h"

#define PAGE_BYTES (1ULL << TARN_PAGE_SHIFT)
#define UNITS "BKMGTPE"

/*
 * A decimal number with an optional fraction, as mantissa / scale. strtod()
 * would take "inf", hex and signs, and lose the low bits of exact sizes.
 */
static int parse_number(const char **text, uint64_t *mantissa, uint64_t *scale)
{
	const char *p = *text;
	uint64_t val = 0, div = 1;
	bool fraction = false, any = false;

	for (;; p++) {
		if (*p == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (*p < '0' || *p > '9')
			break;
		any = true;
		if (__builtin_mul_overflow(val, 10, &val) ||
		    __builtin_add_overflow(val, *p - '0', &val))
			return -ERANGE;
		if (fraction && __builtin_mul_overflow(div, 10, &div))
			return -ERANGE;
	}
	if (!any)
		return -EINVAL;
	*text = p;
	*mantissa = val;
	*scale = div;
	return 0;
}

/* @mantissa * @factor / @scale, rounded down. */
static int scale_number(uint64_t mantissa, uint64_t scale, uint64_t factor,
			uint64_t *result)
{
	unsigned __int128 wide = (unsigned __int128)mantissa * factor / scale;

	if (wide > UINT64_MAX)
		return -ERANGE;
	*result = wide;
	return 0;
}

/* Power of 1024 that "K", "KiB" or "KB" stand for, -1 for none. */
static int parse_unit(const char *text)
{
	const char *unit;
	char upper = *text >= 'a' && *text <= 'z' ? *text - 0x20 : *text;

	unit = upper ? strchr(UNITS, upper) : NULL;
	if (!unit)
		return -1;
	text++;
	if (upper != 'B') {
		if (!strcmp(text, "iB") || !strcmp(text, "B"))
			text += strlen(text);
	}
	return *text ? -1 : (int)(unit - UNITS);
}

static int parse_suffixed(const char *text, uint64_t mantissa, uint64_t scale,
			  uint64_t *bytes)
{
	int unit = parse_unit(text);

	if (unit < 0)
		return -EINVAL;
	if (unit == 0 && scale != 1)
		return -EINVAL;
	return scale_number(mantissa, scale, 1ULL << (10 * unit), bytes);
}

int size_parse_pages(const char *text, uint64_t whole, uint64_t *pages)
{
	uint64_t mantissa, scale, bytes;
	int ret;

	ret = parse_number(&text, &mantissa, &scale);
	if (ret)
		return ret;
	if (!*text) {
		if (scale != 1)
			return -EINVAL;
		*pages = mantissa;
		return 0;
	}
	if (!strcmp(text, "%")) {
		if (!whole || scale > UINT64_MAX / 100)
			return -EINVAL;
		return scale_number(mantissa, scale * 100, whole, pages);
	}
	ret = parse_suffixed(text, mantissa, scale, &bytes);
	if (ret)
		return ret;
	if (bytes % PAGE_BYTES)
		return -EINVAL;
	*pages = bytes / PAGE_BYTES;
	return 0;
}

int size_parse_bytes(const char *text, uint64_t *bytes)
{
	uint64_t mantissa, scale;
	int ret;

	ret = parse_number(&text, &mantissa, &scale);
	return ret ? ret : parse_suffixed(text, mantissa, scale, bytes);
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
	while (val >= 1023.5 && UNITS[unit + 1]) {
		val /= 1024;
		unit++;
	}
	/* A whole number needs no fraction: 4K, but 4.5K. */
	if (val >= 9.95 || val == floor(val))
		snprintf(buf, SIZE_TEXT_MAX, "%.0f%c", val, UNITS[unit]);
	else
		snprintf(buf, SIZE_TEXT_MAX, "%.1f%c", val, UNITS[unit]);
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
