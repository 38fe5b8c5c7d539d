/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine by which pages that have frames are worked on: a few of one partition are
 * taken in hand one by one, unmapped together and settled one by one. Giving pages up
 * (evict.c), moving them (move.c) and taking them away (truncate.c) differ in which they
 * take, in the mark, and in how each one is settled.
 *
 *	lock	the frame's page, by trying: a batch waits for nobody
 *	mark	the entry, so that others see who has the page in hand
 *	unmap	in runs, as each run costs one pass over the mappings, with one round of
 *		TLB flushes and MMU notifiers; only then it shows whether somebody holds
 *		a page by other means
 *	settle	what the user of the engine does with each: it changes the entry, wakes
 *		who waits, and unlocks the page
 */
#ifndef TARN_BATCH_H
#define TARN_BATCH_H

#include <linux/bitmap.h>
#include <linux/types.h>

#include "pool/entry.h"

struct page;
struct tarn_partition;

#define TARN_BATCH_MOST	64

/**
 * struct tarn_batch - pages taken in hand, in ascending order
 * @part: their partition; the caller has its inode or holds its pin, or the inode is gone
 * @mark: of each entry. It keeps the frame, of which no reference is held: that would
 *	make it look held by somebody. With TARN_MARK_NONE the lock alone says who has
 *	the page, and a reference is held
 * @count: how many
 * @joined: by page: what lies between the one before and it may be unmapped as well
 * @page: which, and where
 */
struct tarn_batch {
	struct tarn_partition *part;
	enum tarn_mark mark;
	unsigned int count;
	DECLARE_BITMAP(joined, TARN_BATCH_MOST);
	struct {
		u64 index;
		u64 frame;
	} page[TARN_BATCH_MOST];
};

static inline void tarn_batch_begin(struct tarn_batch *b,
				    struct tarn_partition *part,
				    enum tarn_mark mark)
{
	b->part = part;
	b->mark = mark;
	b->count = 0;
}

static inline bool tarn_batch_is_full(const struct tarn_batch *b)
{
	return b->count == TARN_BATCH_MOST;
}

struct page *tarn_batch_lock(struct tarn_batch *b, atomic64_t *entry, u64 e);
struct page *tarn_batch_lock_wait(struct tarn_batch *b, atomic64_t *entry,
				  u64 e);
void tarn_batch_unlock(struct page *page);
bool tarn_batch_add(struct tarn_batch *b, struct page *page, u64 index,
		    atomic64_t *entry, u64 e, bool joined);
unsigned int tarn_batch_unmap(struct tarn_batch *b);
struct page *tarn_batch_page(const struct tarn_batch *b, unsigned int i);
void tarn_batch_settle(struct tarn_partition *part, u64 index, u64 to);
void tarn_batch_let_go(const struct tarn_batch *b, unsigned int i);

#endif
