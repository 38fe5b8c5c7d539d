/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames: the physical memory of a pool. A frame is numbered; its number is
 * its place in the frame window that a pager maps. TARN_CHUNK_FRAMES of them are a
 * chunk (chunk.h).
 *
 * A frame is in one of these hands: free (on its chunk's free list), a
 * resident page's, a request's (being read into, or orphaned while written),
 * or in limbo: given up, but somebody outside still holds a reference (DMA, a
 * read in flight of a pager that died). Only an idle frame becomes free; one
 * with a memory error is retired instead (poison.h).
 */
#ifndef TARN_FRAME_H
#define TARN_FRAME_H

#include <linux/bitmap.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#define TARN_CHUNK_SHIFT	9
#define TARN_CHUNK_FRAMES	(1U << TARN_CHUNK_SHIFT)
#define TARN_FRAME_NONE		U64_MAX

struct tarn_node;
struct tarn_pool;

/*
 * Who has a frame, in one word: a kind in the upper bits and who of that kind in the
 * lower ones. The kind of a page is the id of its partition, the lower bits its index;
 * nobody is 0. The last kinds are no ids: TARN_OWNER_KINDS of them are kept for owners
 * that are no pages of one partition.
 */
#define TARN_OWNER_ID_BITS	24
#define TARN_OWNER_INDEX_BITS	(64 - TARN_OWNER_ID_BITS)
#define TARN_OWNER_KINDS	16
#define TARN_OWNER_ID_MAX	(BIT(TARN_OWNER_ID_BITS) - 1 - TARN_OWNER_KINDS)
#define TARN_OWNER_NOBODY	0

/**
 * struct tarn_frame - what is known of a frame, 16 bytes
 * @owner: who has it: of a page its partition's id and index, see tarn_owner_page()
 * @copy: of a page, where its content is besides (copy.h); it is outdated if the page is dirty
 * @next: of a free frame or one in limbo, the next of its list
 *
 * Locking: a page's under its page lock; a free one's under the node's lock; a request's
 * by the request.
 */
struct tarn_frame {
	u64 owner;
	union {
		u64 copy;
		u64 next;
	};
};

unsigned int tarn_node_take(struct tarn_node *n, u64 keep, u64 *frames,
			    unsigned int want);
void tarn_node_give(struct tarn_node *n, const u64 *frames, unsigned int count);
u64 tarn_node_free_frames(struct tarn_node *n);

int tarn_frame_node(struct tarn_pool *pool, u64 frame);
struct page *tarn_frame_page(struct tarn_pool *pool, u64 frame);
struct page *tarn_page_get(struct page *page);
struct page *tarn_frame_get(struct tarn_pool *pool, u64 frame);
struct tarn_frame *tarn_frame(struct tarn_pool *pool, u64 frame);
bool tarn_frame_mark_poisoned(struct tarn_pool *pool, u64 frame);
u64 tarn_frame_alloc(struct tarn_pool *pool, int node);
u64 tarn_frame_spare(struct tarn_pool *pool, int nid);
void tarn_frame_free(struct tarn_pool *pool, u64 frame);
void tarn_frame_release(struct tarn_pool *pool, u64 frame);
bool tarn_frame_idle(struct page *page);
bool tarn_frame_held(struct page *page);
bool tarn_frame_held_by(struct page *page, unsigned int known);
bool tarn_frame_peek_held(struct tarn_pool *pool, u64 frame);
bool tarn_frame_peek_dma(struct tarn_pool *pool, u64 frame);
bool tarn_frame_peek_dirty(struct tarn_pool *pool, u64 frame);
u64 tarn_frame_peek_copy(struct tarn_pool *pool, u64 frame);
u64 tarn_frame_limbo_scan(struct tarn_pool *pool);

/*
 * Does a resident page differ from its copy, or has it none? Changed under the
 * page lock, or by a request that owns the frame. PG_dirty can't tell: whoever
 * had a frame mapped sets it when the mapping goes, and a pager's window maps
 * all of them. PG_checked is its owner's, and in the word of the page lock: it is of all
 * pages of a whole chunk together, as one mapping is.
 */
static inline bool tarn_frame_dirty(struct page *page)
{
	return folio_test_checked(page_folio(page));
}

static inline void tarn_frame_set_dirty(struct page *page)
{
	if (!tarn_frame_dirty(page))
		folio_set_checked(page_folio(page));
}

static inline void tarn_frame_clear_dirty(struct page *page)
{
	if (tarn_frame_dirty(page))
		folio_clear_checked(page_folio(page));
}

static inline u64 tarn_owner_page(u32 id, u64 index)
{
	return (u64)id << TARN_OWNER_INDEX_BITS | index;
}

/* The id of the partition whose page it is; 0 if it is none. */
static inline u32 tarn_owner_id(u64 owner)
{
	u32 id = owner >> TARN_OWNER_INDEX_BITS;

	return id <= TARN_OWNER_ID_MAX ? id : 0;
}

static inline u64 tarn_owner_index(u64 owner)
{
	return owner & (BIT_ULL(TARN_OWNER_INDEX_BITS) - 1);
}

#endif
