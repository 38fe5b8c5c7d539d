// SPDX-License-Identifier: GPL-2.0-only
/* See pattern.h. */
#include <linux/bitmap.h>

#include "page/pattern.h"
#include "pool/partition.h"
#include "pool/pattern.h"

/* Looks that see a mapping unused before it goes. */
#define IDLE_LOOKS	2

/* False: it is none, or has no mapping, or somebody has it in hand. */
static bool is_mapped(u64 e)
{
	return tarn_entry_is_pattern(e) && e & TARN_ENTRY_MAPPED &&
	       !tarn_entry_mark(e);
}

/* Take in hand a page that nobody else has. */
static bool mark(struct tarn_partition *part, u64 index, atomic64_t *entry, u64 e)
{
	return tarn_entry_change(part, index, entry, &e,
				 tarn_entry_with_mark(e, TARN_MARK_FILL));
}

/* ---- mappings that nobody uses ------------------------------------------ */

/* Note what a look saw of a mapping. True: it is to go, and in hand. */
static bool has_idled(struct tarn_partition *part, u64 index, atomic64_t *entry,
		      u64 e, bool young)
{
	unsigned int looks = young ? 0 : tarn_entry_hint(e) + 1;

	if (looks >= IDLE_LOOKS)
		return mark(part, index, entry, e);
	if (looks != tarn_entry_hint(e))
		tarn_entry_change(part, index, entry, &e,
				  tarn_entry_with_hint(e, looks));
	return false;
}

/**
 * tarn_pattern_look() - see which mappings of a leaf's patterns are used
 * @part: partition; the caller holds its pin
 * @leaf: the leaf
 * @first: its first page
 * @young: a bit a page, set for those that were accessed since the last look
 * @shift: of the first page's bit
 *
 * One that was not for some looks goes: with the last of a pattern goes its frame.
 *
 * Context: process.
 */
void tarn_pattern_look(struct tarn_partition *part, struct tarn_leaf *leaf,
		       u64 first, const unsigned long *young, unsigned int shift)
{
	DECLARE_BITMAP(idle, TARN_LEAF_PAGES) = {};
	unsigned int i, from, to;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (is_mapped(e) && has_idled(part, first + i, &leaf->entry[i],
					      e, test_bit(shift + i, young)))
			__set_bit(i, idle);
	}
	for_each_set_bitrange(from, to, idle, TARN_LEAF_PAGES)
		tarn_partition_unmap(part, first + from, to - from);
	for_each_set_bit(i, idle, TARN_LEAF_PAGES) {
		u64 e = atomic64_read(&leaf->entry[i]);

		tarn_entry_settle(part, first + i, &leaf->entry[i],
		       tarn_entry_make(TARN_PAGE_PATTERN, tarn_entry_payload(e)));
	}
}

/* ---- taking them away --------------------------------------------------- */

/* It has no mapping, or is marked. */
static bool begin(struct tarn_partition *part, u64 index, atomic64_t *entry,
		  bool *marked)
{
	u64 e = atomic64_read(entry), to;

	do {
		if (!tarn_entry_is_pattern(e) || tarn_entry_mark(e))
			return false;
		*marked = e & TARN_ENTRY_MAPPED;
		to = *marked ? tarn_entry_with_mark(e, TARN_MARK_FILL) :
			       tarn_entry_make(TARN_PAGE_EMPTY, 0);
	} while (!tarn_entry_change(part, index, entry, &e, to));
	return true;
}

/**
 * tarn_pattern_remove() - empty those pages of a range that are patterns
 * @part: partition; the caller has its inode, or that has ended
 * @leaf: of the range
 * @first: first page
 * @end: page after the last one, of the same leaf; all of the range is to go
 *
 * Pages that somebody has in hand stay.
 *
 * Context: process.
 * Return: how many there were.
 */
unsigned int tarn_pattern_remove(struct tarn_partition *part,
				 struct tarn_leaf *leaf, u64 first, u64 end)
{
	DECLARE_BITMAP(marked, TARN_LEAF_PAGES) = {};
	unsigned int i, n = 0;

	for (i = 0; i < end - first; i++) {
		bool is_marked;

		if (!begin(part, first + i, tarn_leaf_entry(leaf, first + i),
			   &is_marked))
			continue;
		__assign_bit(i, marked, is_marked);
		n++;
	}
	/* With its inode went all mappings. */
	if (part->inode && !bitmap_empty(marked, TARN_LEAF_PAGES))
		tarn_partition_unmap(part, first, end - first);
	for_each_set_bit(i, marked, TARN_LEAF_PAGES)
		tarn_entry_settle(part, first + i, tarn_leaf_entry(leaf, first + i),
		       tarn_entry_make(TARN_PAGE_EMPTY, 0));
	if (n)
		tarn_partition_add_pattern(part, -(s64)n);
	return n;
}
