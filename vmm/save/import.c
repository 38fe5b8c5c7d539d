// SPDX-License-Identifier: GPL-2.0-only
/* See import.h. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "save/import.h"
#include "save/pool.h"

bool import_fits(const struct import *im, unsigned int which)
{
	return im->ch->file && !(im->refused & 1U << which);
}

u64 import_pages(struct import *im, const struct mem_range *range,
		 unsigned int which, u64 off, u64 count, u64 pos,
		 const u32 *sums)
{
	s64 ret;

	if (!import_fits(im, which))
		return 0;
	ret = pool_import(range, off, count, im->ch->fd, pos, sums);
	if (!pool_is_of_one_page(ret)) {
		info("memory at %#llx is read and does not stay in the file: %s",
		     (unsigned long long)range->gpa, strerror(-ret));
		im->refused |= 1U << which;
	}
	im->pages += max_t(s64, ret, 0);
	return max_t(s64, ret, 0);
}
