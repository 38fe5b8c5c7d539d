// SPDX-License-Identifier: GPL-2.0-only
/*
 * See slots.h. A search looks at a bounded number of free extents and takes the
 * first that is long enough, else the longest of these: neighbourhood is worth
 * some search, but not a walk through a device of many gigabytes.
 */
#include "slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64
#define SEARCH_EXTENTS 16

static u64 div_up(u64 n, u64 by)
{
	return (n + by - 1) / by;
}

static bool bit_test(const u64 *map, u64 bit)
{
	return map[bit / WORD_BITS] >> (bit % WORD_BITS) & 1;
}

static void bit_set(u64 *map, u64 bit)
{
	map[bit / WORD_BITS] |= 1ULL << (bit % WORD_BITS);
}

static void bit_clear(u64 *map, u64 bit)
{
	map[bit / WORD_BITS] &= ~(1ULL << (bit % WORD_BITS));
}

static void mark_used(struct slots *slots, u64 slot)
{
	bit_set(slots->map, slot);
	if (slots->map[slot / WORD_BITS] == ~0ULL)
		bit_set(slots->full, slot / WORD_BITS);
}

/* Slots are [@first, @end); what is in front of them is for others. */
int slots_init(struct slots *slots, u64 first, u64 end)
{
	u64 words = div_up(end, WORD_BITS);
	u64 summary = div_up(words, WORD_BITS);

	*slots = (struct slots){
		.first = first,
		.end = end,
		.cursor = first,
		.words = words,
	};
	slots->map = calloc(words, sizeof(u64));
	slots->full = calloc(summary, sizeof(u64));
	if (!slots->map || !slots->full) {
		slots_exit(slots);
		return -ENOMEM;
	}
	slots_reset(slots);
	return 0;
}

/* All slots are free; what is in front of them and past the end looks used. */
void slots_reset(struct slots *slots)
{
	u64 summary = div_up(slots->words, WORD_BITS);
	u64 i;

	memset(slots->map, 0, slots->words * sizeof(u64));
	memset(slots->full, 0, summary * sizeof(u64));
	slots->used = 0;
	slots->cursor = slots->first;
	for (i = 0; i < slots->first; i++)
		mark_used(slots, i);
	for (i = slots->end; i < slots->words * WORD_BITS; i++)
		mark_used(slots, i);
	for (i = slots->words; i < summary * WORD_BITS; i++)
		bit_set(slots->full, i);
}

void slots_exit(struct slots *slots)
{
	free(slots->map);
	free(slots->full);
	slots->map = NULL;
	slots->full = NULL;
}

/* First word at or after @word that is not full, or slots->words. */
static u64 next_open_word(const struct slots *slots, u64 word)
{
	u64 summary = div_up(slots->words, WORD_BITS);
	u64 i = word / WORD_BITS;
	u64 open;

	if (word >= slots->words)
		return slots->words;
	open = ~slots->full[i] & (~0ULL << (word % WORD_BITS));
	while (!open) {
		if (++i == summary)
			return slots->words;
		open = ~slots->full[i];
	}
	return i * WORD_BITS + __builtin_ctzll(open);
}

/* First free slot of [from, end), or @end. */
static u64 next_free(const struct slots *slots, u64 from, u64 end)
{
	u64 word, open, slot;

	for (;;) {
		if (from >= slots->bar_first && from < slots->bar_end)
			from = slots->bar_end;
		if (from >= end)
			return end;
		word = from / WORD_BITS;
		open = ~slots->map[word] & (~0ULL << (from % WORD_BITS));
		if (!open) {
			word = next_open_word(slots, word + 1);
			if (word == slots->words)
				return end;
			open = ~slots->map[word];
		}
		slot = word * WORD_BITS + __builtin_ctzll(open);
		if (slot < slots->bar_first || slot >= slots->bar_end)
			return slot < end ? slot : end;
		from = slots->bar_end;
	}
}

/* Free slots from @slot on, which is free, at most @want. */
static u32 extent_length(const struct slots *slots, u64 slot, u32 want)
{
	u64 end = min_t(u64, slot + want, slots->end);
	u64 at = slot;

	if (slots->bar_first < slots->bar_end && slot < slots->bar_first &&
	    end > slots->bar_first)
		end = slots->bar_first;
	while (at < end) {
		u64 bits = slots->map[at / WORD_BITS] >> (at % WORD_BITS);
		u64 left = WORD_BITS - at % WORD_BITS;

		if (bits) {
			at += __builtin_ctzll(bits);
			break;
		}
		at += left;
	}
	return (at < end ? at : end) - slot;
}

/**
 * slots_alloc() - take free slots that follow each other
 * @want: how many would be good, at least 1
 * @got: how many were taken, 1 to @want
 *
 * Return: the first, or 0 if there is no free slot.
 */
u64 slots_alloc(struct slots *slots, u32 want, u32 *got)
{
	u64 at = slots->cursor, end = slots->end;
	u64 best = 0, i;
	u32 best_length = 0;
	int extents = 0;
	bool wrapped = false;

	while (extents < SEARCH_EXTENTS && best_length < want) {
		u64 slot = next_free(slots, at, end);
		u32 length;

		if (slot == end) {
			if (wrapped)
				break;
			wrapped = true;
			at = slots->first;
			end = slots->cursor;
			continue;
		}
		length = extent_length(slots, slot, want);
		if (length > best_length) {
			best = slot;
			best_length = length;
		}
		at = slot + length;
		extents++;
	}
	if (!best)
		return 0;
	for (i = 0; i < best_length; i++)
		mark_used(slots, best + i);
	slots->used += best_length;
	slots->cursor = best + best_length;
	if (slots->cursor == slots->end)
		slots->cursor = slots->first;
	*got = best_length;
	return best;
}

/**
 * slots_take() - take one given slot
 *
 * Return: 0, -ERANGE if there is no such slot, -EEXIST if it is used.
 */
int slots_take(struct slots *slots, u64 slot)
{
	if (!slots_has(slots, slot))
		return -ERANGE;
	if (bit_test(slots->map, slot))
		return -EEXIST;
	mark_used(slots, slot);
	slots->used++;
	return 0;
}

/**
 * slots_free() - give a slot back
 *
 * Return: 0, -ERANGE if there is no such slot, -ENOENT if it is free.
 */
int slots_free(struct slots *slots, u64 slot)
{
	if (!slots_has(slots, slot))
		return -ERANGE;
	if (!bit_test(slots->map, slot))
		return -ENOENT;
	bit_clear(slots->map, slot);
	bit_clear(slots->full, slot / WORD_BITS);
	slots->used--;
	return 0;
}

bool slots_is_used(const struct slots *slots, u64 slot)
{
	return slots_has(slots, slot) && bit_test(slots->map, slot);
}

/* First used slot of [from, end), or @end. */
u64 slots_next_used(const struct slots *slots, u64 from, u64 end)
{
	u64 word, bits, slot;

	if (from < slots->first)
		from = slots->first;
	if (end > slots->end)
		end = slots->end;
	if (from >= end)
		return end;
	word = from / WORD_BITS;
	bits = slots->map[word] & (~0ULL << (from % WORD_BITS));
	while (!bits) {
		if (++word * WORD_BITS >= end)
			return end;
		bits = slots->map[word];
	}
	slot = word * WORD_BITS + __builtin_ctzll(bits);
	return slot < end ? slot : end;
}
