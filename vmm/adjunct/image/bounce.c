// SPDX-License-Identifier: GPL-2.0-only
/* See bounce.h. */
#include "adjunct/image/bounce.h"

void bounce_init(struct bounce *b, u64 base, u32 nr)
{
	u16 i;

	b->base = base;
	b->nr_free = min_t(u32, nr, BOUNCE_MAX);
	b->free = b->nr_free ? 0 : BOUNCE_NONE;
	for (i = 0; i < b->nr_free; i++)
		b->next[i] = i + 1 < b->nr_free ? i + 1 : BOUNCE_NONE;
}

void bounce_get(struct bounce *b, u16 *list)
{
	u16 page = b->free;

	b->free = b->next[page];
	b->nr_free--;
	b->next[page] = *list;
	*list = page;
}

void bounce_put(struct bounce *b, u16 *list)
{
	while (*list != BOUNCE_NONE) {
		u16 page = *list;

		*list = b->next[page];
		b->next[page] = b->free;
		b->free = page;
		b->nr_free++;
	}
}
