// SPDX-License-Identifier: GPL-2.0-only
/* What is told of the block that a relocation is at: see relocate.c. */
#include <linux/capability.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/user_namespace.h>

#include "policy/relocation.h"
#include "pool/partition.h"
#include "pool/pool.h"

static u64 page_under_way(const struct tarn_relocation *r, u64 *to)
{
	u64 page;

	do {
		/* Pairs with tarn_relocation_page(), and with who sets a target. */
		*to = smp_load_acquire(&r->try.to);
		/* Pairs with tarn_relocation_page(). */
		page = smp_load_acquire(&r->page);
	} while (READ_ONCE(r->try.to) != *to);
	return page;
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

static u32 granule_at(const struct tarn_relocation *r, u64 page, u64 e)
{
	u64 end = r->range.start + r->range.count;

	if (tarn_relocation_compacts(r) || (tarn_relocation_is_block(r, page, end) &&
			    tarn_block_is_whole(r->part->pool, e)))
		return TARN_BLOCK_PAGES;
	return tarn_relocation_granule(r);
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
		b->held_pages++;
	}
}

/**
 * tarn_relocation_tell() - what it is at just now
 * @r: a relocation, which runs or has just ended
 * @b: is filled
 *
 * Where in memory that is nobody but the administrator of the host learns.
 *
 * Context: process.
 */
void tarn_relocation_tell(const struct tarn_relocation *r,
		       struct tarn_relocation_block *b)
{
	struct tarn_pool *pool = r->part->pool;
	u64 to, page = page_under_way(r, &to), e = 0;
	struct tarn_leaf *leaf = tarn_partition_leaf(r->part, page, false);

	if (leaf)
		e = atomic64_read(tarn_leaf_entry(leaf, page));
	*b = (struct tarn_relocation_block) {
		.first = ALIGN_DOWN(page, TARN_BLOCK_PAGES),
		.page = page,
		.source_node = TARN_NODE_NONE,
		.target_node = r->range.flags & (TARN_RELOCATE_AWAY |
						 TARN_RELOCATE_COMPACT) ?
			       TARN_NODE_NONE : (s32)r->range.node,
		.granule = granule_at(r, page, e),
	};
	tell_place(pool, to, &b->target, &b->target_node);
	if (tarn_entry_has_frame(e))
		tell_place(pool, tarn_entry_payload(e), &b->source,
			   &b->source_node);
	if (leaf)
		look_at_pages(pool, leaf, b);
	/* Where memory is helps who attacks it. */
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return;
	b->source = 0;
	b->target = 0;
}
