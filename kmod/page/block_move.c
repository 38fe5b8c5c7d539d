// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving a block that is one frame to another one: all of its translation is blocked
 * meanwhile, and it is mapped by one entry afterwards as before.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "page/block.h"
#include "pool/copy.h"
#include "pool/poison.h"
#include "pool/pool.h"

/* Who waited for the page lock lets go of his reference when he sees the mark. */
#define TRIES	3

/**
 * struct block - one that moves
 * @part: its partition
 * @leaf: its leaf
 * @first: its first page
 * @from: where it is
 * @to: where it goes
 */
struct block {
	struct tarn_partition *part;
	struct tarn_leaf *leaf;
	u64 first;
	struct tarn_chunk *from;
	struct tarn_chunk *to;
};

/* With the page lock, dropped meanwhile: unmapped, and nobody's but the pool's and ours. */
static bool is_alone(const struct block *b)
{
	struct page *head = b->from->page;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		unlock_page(head);
		tarn_block_unmap(b->part, b->first, b->from);
		lock_page(head);
		if (page_ref_count(head) == 2)
			return true;
		cond_resched();
	}
	return false;
}

static bool copy(const struct block *b)
{
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		if (!tarn_poison_copy(b->to->page + i, b->from->page + i))
			return false;
		b->to->frames[i] = b->from->frames[i];
	}
	if (tarn_frame_dirty(b->from->page))
		tarn_frame_set_dirty(b->to->page);
	return true;
}

/* Who lists copies finds each at the old frame until its entry changes. */
static void switch_entries(const struct block *b)
{
	u64 frame = tarn_chunk_first(b->to);
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		atomic64_t *entry = &b->leaf->entry[i];
		u64 e = atomic64_read(entry);

		while (!tarn_entry_change(b->part, b->first + i, entry, &e,
				tarn_entry_make(TARN_PAGE_RESIDENT, frame + i) |
				(e & (TARN_ENTRY_HINT | TARN_ENTRY_FLAG))))
			;
		tarn_entry_wake(entry);
	}
	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		b->from->frames[i].owner = TARN_OWNER_NOBODY;
		b->from->frames[i].copy = TARN_COPY_NONE;
	}
}

static void account(const struct block *b)
{
	tarn_partition_came_all(b->part, b->leaf, b->to->node);
	tarn_partition_left_all(b->part, b->from->node);
	tarn_stats_moved(b->part->pool, b->from->node, b->to->node,
			 TARN_BLOCK_PAGES);
}

/* With the page lock and all entries marked. */
static bool move_marked(struct block *b)
{
	struct page *new = b->to->page;

	/* Somebody may have wanted it parted meanwhile. */
	if (!is_alone(b) || !b->from->whole || tarn_chunk_spoilt(b->from) ||
	    !copy(b) || tarn_chunk_spoilt(b->to))
		return false;
	b->from->whole = false;
	b->to->whole = true;
	/* Nobody maps the block before it is all there. */
	lock_page(new);
	switch_entries(b);
	unlock_page(new);
	account(b);
	return true;
}

/**
 * tarn_block_try_move() - move a block that is one frame to a node
 * @part: partition; the caller holds its pin, and no page lock
 * @leaf: the block's
 * @index: a page of it
 * @nid: the node, which has 2 MiB in one piece that nobody else needs
 * @try: how far it came
 *
 * Context: process; waits for what is brief.
 * Return: whether it was. If not it is as it was, and its pages may be moved one by one.
 */
bool tarn_block_try_move(struct tarn_partition *part, struct tarn_leaf *leaf,
			 u64 index, int nid, struct tarn_block_try *try)
{
	DECLARE_BITMAP(marked, TARN_LEAF_PAGES);
	atomic64_t *entry = tarn_leaf_entry(leaf, index);
	struct block b = {
		.part = part,
		.leaf = leaf,
		.first = ALIGN_DOWN(index, TARN_BLOCK_PAGES),
	};
	struct tarn_pool *pool = part->pool;
	bool moved = false;
	struct page *head;

	lockdep_assert_held_read(&part->pin);
	tarn_block_try_begin(try);
	if (!tarn_block_is_whole(pool, atomic64_read(entry)))
		return false;
	/* To put frames together for what is held for long takes long, again and again. */
	if (tarn_frame_peek_held(pool, tarn_entry_payload(atomic64_read(entry))))
		return false;
	b.to = tarn_block_take(pool, nid);
	if (!b.to)
		return false;
	tarn_block_try_to(try, b.to);
	head = tarn_block_lock(pool, entry);
	if (!head) {
		tarn_block_give(pool, b.to);
		return false;
	}
	b.from = tarn_chunk_of(pool, tarn_entry_payload(atomic64_read(entry)));
	if (b.from->whole && !tarn_frame_held_by(head, 1)) {
		tarn_block_try_mark(try);
		tarn_block_mark(part, leaf, b.first, b.from, marked);
		moved = bitmap_full(marked, TARN_LEAF_PAGES) && move_marked(&b);
		if (!moved)
			tarn_block_unmark(part, leaf, b.first, marked);
	}
	unlock_page(head);
	put_page(head);
	tarn_block_give(pool, moved ? b.from : b.to);
	return moved;
}
