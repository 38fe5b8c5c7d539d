/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slots of one device: which pages of it hold a copy. Slot n lies at byte
 * n * 4096; the first ones are not for pages (layout.h) and never given out.
 *
 * A bitmap with a summary (a bit a word that is full), searched from where the
 * last search ended, so that runs of stores lie next to each other. The caller
 * has a lock (device.c).
 */
#ifndef TARN_PAGER_SLOTS_H
#define TARN_PAGER_SLOTS_H

#include "types.h"

/**
 * struct slots - allocator of a device
 * @first: the first slot for pages
 * @end: the first one after the last
 * @used: slots given out
 * @cursor: where the next search begins
 * @bar_first: first slot of a range from which nothing is given out
 * @bar_end: first one after it; equal to @bar_first if there is none
 * @words: length of @map
 * @map: a bit a slot, set: used; also set in front of @first and past the end
 * @full: a bit a word of @map, set: all ones; also set past the end
 */
struct slots {
	u64 first;
	u64 end;
	u64 used;
	u64 cursor;
	u64 bar_first;
	u64 bar_end;
	u64 words;
	u64 *map;
	u64 *full;
};

int slots_init(struct slots *slots, u64 first, u64 end);
void slots_reset(struct slots *slots);
void slots_exit(struct slots *slots);
u64 slots_alloc(struct slots *slots, u32 want, u32 *got);
int slots_take(struct slots *slots, u64 slot);
int slots_free(struct slots *slots, u64 slot);
bool slots_is_used(const struct slots *slots, u64 slot);
u64 slots_next_used(const struct slots *slots, u64 from, u64 end);

/** slots_count() - how many there are, used or not */
static inline u64 slots_count(const struct slots *slots)
{
	return slots->end - slots->first;
}

/** slots_has() - whether @slot is one of them */
static inline bool slots_has(const struct slots *slots, u64 slot)
{
	return slot >= slots->first && slot < slots->end;
}

/* Keep slots of [first, end) from being given out; used ones stay used. */
static inline void slots_bar(struct slots *slots, u64 first, u64 end)
{
	slots->bar_first = first;
	slots->bar_end = end;
}

static inline bool slots_is_barred(const struct slots *slots, u64 first,
				   u64 end)
{
	return slots->bar_first < slots->bar_end && first < slots->bar_end &&
	       end > slots->bar_first;
}

#endif
