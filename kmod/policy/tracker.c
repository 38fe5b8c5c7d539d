// SPDX-License-Identifier: GPL-2.0-only
/* See tracker.h. */
#include <linux/capability.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/user_namespace.h>

#include "policy/tracker.h"
#include "pool/chunk.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* ---- what is noted ------------------------------------------------------ */

/* Nothing was moved so far. */
void tarn_tracker_begin(struct tarn_tracker *t)
{
	tarn_tracker_at(t, TARN_OWNER_NOBODY);
	t->moved = 0;
	t->tried = 0;
	memset(t->blocked, 0, sizeof(t->blocked));
}

/* A page of the granule goes: the first one that does is told of. */
void tarn_tracker_note_target(struct tarn_tracker *t,
			      const struct tarn_partition *part, u64 index,
			      u64 to)
{
	if (t->try.to != TARN_FRAME_NONE)
		return;
	tarn_tracker_at(t, tarn_owner_page(part->id, index));
	/* Pairs with tarn_tracker_look(). */
	smp_store_release(&t->try.to, to);
}

/* The translation of the granule is blocked no more. Returns for how long it was, in ns. */
u64 tarn_tracker_note_blocked(struct tarn_tracker *t, ktime_t since)
{
	u64 ns = max_t(s64, 1, ktime_to_ns(ktime_sub(ktime_get(), since)));
	u64 us = max_t(u64, 1, ns / NSEC_PER_USEC);
	unsigned int bucket = min(ilog2(us), TARN_BLOCKED_BUCKETS - 1);

	WRITE_ONCE(t->blocked[bucket], t->blocked[bucket] + 1);
	return ns;
}

/*
 * It was tried to have a block elsewhere, which may have been blocked for nothing. Returns
 * for how long it was, in ns, 0: it was not.
 */
u64 tarn_tracker_note_try(struct tarn_tracker *t)
{
	if (!t->try.since)
		return 0;
	tarn_tracker_note_tried(t);
	return tarn_tracker_note_blocked(t, t->try.since);
}

/* ---- what is told ------------------------------------------------------- */

/* What it is at just now. Context: any. */
struct tarn_tracked tarn_tracker_look(const struct tarn_tracker *t)
{
	struct tarn_tracked at;

	do {
		/* Pairs with tarn_tracker_at(), and with who sets a target. */
		at.to = smp_load_acquire(&t->try.to);
		/* Pairs with tarn_tracker_at(). */
		at.owner = smp_load_acquire(&t->owner);
	} while (READ_ONCE(t->try.to) != at.to);
	return at;
}

/* What it counted. No granule is in @blocked that is not in @tried. Context: any. */
void tarn_tracker_count(const struct tarn_tracker *t, u64 *moved, u64 *tried,
			u64 *blocked)
{
	unsigned int i;

	for (i = 0; i < TARN_BLOCKED_BUCKETS; i++)
		blocked[i] = READ_ONCE(t->blocked[i]);
	*tried = READ_ONCE(t->tried);
	*moved = READ_ONCE(t->moved);
}

/* Of a frame that may be going away; no reference is taken, that would hold it. */
static void tell_place(struct tarn_pool *pool, u64 frame, u64 *address, s32 *node)
{
	struct tarn_chunk *chunk;

	if (frame == TARN_FRAME_NONE)
		return;
	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	if (chunk) {
		*address = page_to_phys(chunk->page +
					(frame & (TARN_CHUNK_FRAMES - 1)));
		*node = chunk->node;
	}
	rcu_read_unlock();
}

static void look_at_pages(struct tarn_pool *pool, struct tarn_leaf *leaf,
			  struct tarn_relocation_block *b)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		unsigned int granule = i / b->granule;
		u64 bit = BIT_ULL(granule % 64);

		if (tarn_entry_is_brief(e))
			b->blocked[granule / 64] |= bit;
		if (!tarn_entry_has_frame(e) ||
		    !tarn_frame_peek_held(pool, tarn_entry_payload(e)))
			continue;
		b->held[granule / 64] |= bit;
		b->pins[granule]++;
		b->held_pages++;
	}
}

/**
 * tarn_tracker_tell() - the block that a tracker is at
 * @part: the partition of the page, referenced
 * @at: that page
 * @b: is filled; all 0 but @granule, not 0, and @target_node, as far as that is known without
 *	a frame
 *
 * Where in memory that is nobody but the administrator of the host learns.
 *
 * Context: process.
 */
void tarn_tracker_tell(struct tarn_partition *part,
		       const struct tarn_tracked *at,
		       struct tarn_relocation_block *b)
{
	u64 page = tarn_owner_index(at->owner), e = 0;
	struct tarn_leaf *leaf = tarn_partition_leaf(part, page, false);

	if (leaf)
		e = atomic64_read(tarn_leaf_entry(leaf, page));
	b->first = ALIGN_DOWN(page, TARN_BLOCK_PAGES);
	b->page = page;
	b->source_node = TARN_NODE_NONE;
	tell_place(part->pool, at->to, &b->target, &b->target_node);
	if (tarn_entry_has_frame(e))
		tell_place(part->pool, tarn_entry_payload(e), &b->source,
			   &b->source_node);
	if (leaf)
		look_at_pages(part->pool, leaf, b);
	/* Where memory is helps who attacks it. */
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return;
	b->source = 0;
	b->target = 0;
}
