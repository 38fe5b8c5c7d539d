// SPDX-License-Identifier: GPL-2.0-only
/* Parser of page ranges. */
#include <errno.h>

#include "error.h"
#include "range.h"
#include "size.h"

int range_parse(struct range *range, const char *cmd, int argc, char **argv,
		uint64_t whole)
{
	int i;

	range->start = 0;
	range->count = whole;
	if (!argc)
		return 0;
	if (argc != 2) {
		err("%s: a range is its first page and a count, as in '0 512' or '16M 2M'",
		    cmd);
		return -EINVAL;
	}
	for (i = 0; i < 2; i++) {
		if (size_parse_pages(argv[i], whole,
				     i ? &range->count : &range->start)) {
			err("%s: '%s' is neither a number of pages nor a size of whole pages",
			    cmd, argv[i]);
			return -EINVAL;
		}
	}
	if (range->start >= whole) {
		err("%s: page %llu lies behind the end, there are %llu pages",
		    cmd, (unsigned long long)range->start,
		    (unsigned long long)whole);
		return -EINVAL;
	}
	if (range->count > whole - range->start)
		range->count = whole - range->start;
	return 0;
}
