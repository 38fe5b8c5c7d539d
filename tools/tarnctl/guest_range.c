// SPDX-License-Identifier: GPL-2.0-only
/* Parser of GPA:BYTES:OFFSET. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "guest_range.h"

#define PAGE_MASK ((1ULL << TARN_PAGE_SHIFT) - 1)

/*
 * A size with a unit, or an address in hex. A bare number in decimal would be pages
 * everywhere else, and is refused unless it is 0.
 */
static bool parse_number(const char **text, char end, __u64 *val)
{
	bool hex = !strncasecmp(*text, "0x", 2);
	static const char units[] = "BKMGT";
	const char *unit;
	char *rest;
	int shift = 0;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*val = strtoull(*text, &rest, 0);
	if (errno)
		return false;
	unit = *rest ? strchr(units, *rest) : NULL;
	if (!unit && !hex && *val)
		return false;
	if (unit) {
		shift = 10 * (unit - units);
		rest++;
	}
	if (*rest != end || *val > UINT64_MAX >> shift)
		return false;
	*val <<= shift;
	*text = rest + 1;
	return !(*val & PAGE_MASK);
}

static int parse_range(const char *text, struct tarn_vm_range *range)
{
	const char *at = text;

	if (parse_number(&at, ':', &range->gpa) &&
	    parse_number(&at, ':', &range->bytes) &&
	    parse_number(&at, '\0', &range->offset) && range->bytes &&
	    range->gpa + range->bytes > range->gpa &&
	    range->offset + range->bytes > range->offset)
		return 0;
	err("--range %s: wants GPA:BYTES:OFFSET, multiples of 4096 with a unit or in hex, as in 0x100000000:1G:3G",
	    text);
	return -EINVAL;
}

static int compare(const void *a, const void *b)
{
	const struct tarn_vm_range *p = a, *q = b;

	return (p->gpa > q->gpa) - (p->gpa < q->gpa);
}

static bool overlap(__u64 a, __u64 b, const struct tarn_vm_range *p,
		    const struct tarn_vm_range *q)
{
	return a < b + q->bytes && b < a + p->bytes;
}

static int check_overlap(const struct tarn_vm_range *ranges, int count)
{
	int i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++) {
			const struct tarn_vm_range *p = &ranges[i];
			const struct tarn_vm_range *q = &ranges[j];

			if (!overlap(p->gpa, q->gpa, p, q) &&
			    !overlap(p->offset, q->offset, p, q))
				continue;
			err("--range: %#llx:%#llx:%#llx and %#llx:%#llx:%#llx overlap",
			    q->gpa, q->bytes, q->offset, p->gpa, p->bytes,
			    p->offset);
			return -EINVAL;
		}
	}
	return count;
}

int guest_ranges_parse(const struct option_list *list,
		       struct tarn_vm_range *ranges)
{
	unsigned int i;
	int ret;

	for (i = 0; i < list->count; i++) {
		ret = parse_range(list->items[i], &ranges[i]);
		if (ret)
			return ret;
	}
	qsort(ranges, list->count, sizeof(*ranges), compare);
	return check_overlap(ranges, list->count);
}
