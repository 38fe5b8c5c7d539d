/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patterns (S10): pages of which all is one 64-bit word over and over. Such a page needs
 * neither a frame nor a copy. Zero is the pattern of an empty page, which has no word; of
 * any other the entry has the upper half, and the leaf the lower one, where the checksum
 * of a stored page would be. So it costs no memory that is not there anyway, and any
 * number of different words may be about.
 *
 * The lower half is written while who writes it has the page in hand: with its frame's
 * page lock and the mark OUT, or with the mark FILL. Who reads both halves without a mark
 * reads the entry again afterwards.
 *
 * A page that is read is mapped to a frame that all pages of that pattern in its partition
 * share, for reading only. It is the kernel's memory, not the pool's, made when one is read
 * first and given back when none is mapped any more. A partition has at most
 * TARN_PATTERN_FRAMES_MOST of them; while all of these are used, a page of another pattern
 * that is read gets a frame of its own, as if it had been written to.
 */
#ifndef TARN_PATTERN_H
#define TARN_PATTERN_H

#include <linux/atomic.h>
#include <linux/types.h>

struct page;
struct tarn_partition;

#define TARN_PATTERN_FRAMES_MOST	64

bool tarn_pattern_find(struct page *page, u64 *word);
void tarn_pattern_fill(struct page *page, u64 word);

bool tarn_pattern_keep(struct tarn_partition *part, atomic64_t *entry, u64 word);
u64 tarn_pattern_entry(u64 word);
u64 tarn_pattern_word(atomic64_t *entry, u64 e);
bool tarn_pattern_see(atomic64_t *entry, u64 e, u64 *word);

struct page *tarn_pattern_get(struct tarn_partition *part, u64 word);
void tarn_pattern_trim(struct tarn_partition *part);
u64 tarn_pattern_frames(struct tarn_partition *part);
void tarn_pattern_free(struct tarn_partition *part);

#endif
