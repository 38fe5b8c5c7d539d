// SPDX-License-Identifier: GPL-2.0-only
/* See bdf.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bdf.h"

#define HEX "0123456789abcdefABCDEF"

/* Take @digits digits and the sign behind them. Return: where it goes on, or NULL. */
static const char *take(const char *text, size_t digits, char sign, unsigned int *value)
{
	size_t i;

	if (strspn(text, HEX) != digits || text[digits] != sign)
		return NULL;
	for (*value = i = 0; i < digits; i++) {
		unsigned char c = text[i] | 0x20;

		*value = *value << 4 | (c >= 'a' ? c - 'a' + 10u : c - '0' + 0u);
	}
	return text + digits + !!sign;
}

int bdf_parse(const char *text, struct bdf *bdf)
{
	unsigned int domain = 0, bus, device, function;
	const char *rest = take(text, 4, ':', &domain);

	if (!rest)
		rest = text;
	rest = take(rest, 2, ':', &bus);
	if (rest)
		rest = take(rest, 2, '.', &device);
	if (rest)
		rest = take(rest, 1, '\0', &function);
	if (!rest || device > 31 || function > 7)
		return -EINVAL;
	*bdf = (struct bdf){ .domain = domain, .bus = bus, .devfn = device << 3 | function };
	return 0;
}

char *bdf_format(char *buf, const struct bdf *bdf)
{
	snprintf(buf, BDF_TEXT_MAX, "%04x:%02x:%02x.%x", bdf->domain, bdf->bus,
		 bdf->devfn >> 3, bdf->devfn & 7);
	return buf;
}
