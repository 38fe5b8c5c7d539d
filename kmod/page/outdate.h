/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page that has content is about to differ from its copy, if it has one: the one place where
 * such a page becomes dirty. A copy with the pager is kept, for the next store to replace it.
 * One in a file is forgotten: nothing is written there, and the file is let go with its last
 * copy. So no page that is dirty has a copy in a file, but one whose copy is a request's.
 */
#ifndef TARN_OUTDATE_H
#define TARN_OUTDATE_H

#include <linux/types.h>

struct page;
struct tarn_partition;

void tarn_page_outdate(struct tarn_partition *part, u64 frame, struct page *page);

#endif
