/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a file or block device holds that no pager wrote: filesystems, volumes
 * and partition tables, as far as libblkid knows them, and data without a
 * signature, as far as samples of a disk, or what a file's filesystem knows, tell.
 */
#ifndef TARN_PAGER_CONTENT_H
#define TARN_PAGER_CONTENT_H

#include "types.h"

/** Room for the name of what was found. */
#define CONTENT_TEXT 128

/** struct content_area - bytes [@from, @end), of which a pager knows */
struct content_area {
	u64 from;
	u64 end;
};

int content_find(int fd, const struct content_area *known, bool any, char *text);

#endif
