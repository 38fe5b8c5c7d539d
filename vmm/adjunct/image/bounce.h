/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounce pages of a queue: all memory of requests that its device reaches. Which pages are
 * free, and which belong to a request, is kept outside of them, as the device could write
 * there.
 */
#ifndef TARN_ADJUNCT_IMAGE_BOUNCE_H
#define TARN_ADJUNCT_IMAGE_BOUNCE_H

#include "adjunct/layout.h"

#define BOUNCE_MAX 1024
#define BOUNCE_NONE 0xffff

/**
 * struct bounce - the pages of a queue.
 * @base: the first one
 * @nr_free: how many are free
 * @free: the first free one, or BOUNCE_NONE
 * @next: the page behind each in its list
 */
struct bounce {
	u64 base;
	u16 nr_free;
	u16 free;
	u16 next[BOUNCE_MAX];
};

/** bounce_init() - @nr pages at @base, all of them free. */
void bounce_init(struct bounce *b, u64 base, u32 nr);

/** bounce_get() - put a free page in front of @list; there is one. */
void bounce_get(struct bounce *b, u16 *list);

/** bounce_put() - give all pages of @list back. */
void bounce_put(struct bounce *b, u16 *list);

static inline void *bounce_page(const struct bounce *b, u16 page)
{
	return (void *)(b->base + page * (u64)ADJUNCT_PAGE);
}

#endif
