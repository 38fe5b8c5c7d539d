// SPDX-License-Identifier: GPL-2.0-only
/* See amount.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/amount.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* strtod() would take "inf", hex and signs, and lose the low bits of exact sizes. */
int amount_take_number(const char **text, struct amount_number *number)
{
	const char *p = *text;
	uint64_t val = 0, div = 1;
	bool fraction = false;

	for (;; p++) {
		if (*p == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (!is_digit(*p))
			break;
		if (__builtin_mul_overflow(val, 10, &val) ||
		    __builtin_add_overflow(val, *p - '0', &val))
			return -ERANGE;
		if (fraction && __builtin_mul_overflow(div, 10, &div))
			return -ERANGE;
	}
	/* Neither nothing nor a point at the end. */
	if (p == *text || !is_digit(p[-1]))
		return -EINVAL;
	*text = p;
	number->mantissa = val;
	number->scale = div;
	return 0;
}

int amount_scale(const struct amount_number *number, uint64_t factor,
		 uint64_t *result)
{
	unsigned __int128 wide = (unsigned __int128)number->mantissa * factor /
				 number->scale;

	if (wide > UINT64_MAX)
		return -ERANGE;
	*result = wide;
	return 0;
}

/* There is half a kilobyte, and no half byte. */
static int scale_bytes(const struct amount_number *number, uint64_t factor,
		       uint64_t *bytes)
{
	if (factor == 1 && number->scale != 1)
		return -EINVAL;
	return amount_scale(number, factor, bytes);
}

int amount_apply_unit(const struct amount_number *number, const char *unit,
		      uint64_t *bytes)
{
	char upper = *unit >= 'a' && *unit <= 'z' ? *unit - 0x20 : *unit;
	const char *name = upper ? strchr(AMOUNT_UNITS, upper) : NULL;

	if (!name)
		return -EINVAL;
	unit++;
	if (upper != 'B' && (!strcmp(unit, "iB") || !strcmp(unit, "B")))
		unit += strlen(unit);
	if (*unit)
		return -EINVAL;
	return scale_bytes(number, 1ULL << 10 * (name - AMOUNT_UNITS), bytes);
}

int amount_parse(const char *text, uint64_t bare, uint64_t *bytes)
{
	struct amount_number number;
	int ret = amount_take_number(&text, &number);

	if (ret)
		return ret;
	if (*text)
		return amount_apply_unit(&number, text, bytes);
	return bare ? scale_bytes(&number, bare, bytes) : -EINVAL;
}
