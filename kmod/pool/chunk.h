/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: 2 MiB of a pool, of one NUMA node, as the kernel gave them.
 *
 * A chunk is split: TARN_CHUNK_FRAMES pages with a reference count of their own, of
 * which the pool holds one for as long as it has the chunk. To take a reference of any
 * frame is safe at any time, whoever uses it at that moment.
 *
 * Or it is whole, as one block of 512 pages of a partition: its pages are one compound
 * page, which a page table maps with one entry. Then they have one lock and one
 * reference count, and one bit says that any of them is dirty; all else is kept by
 * frame. It was split before and is split again when its pages go their own ways
 * (page/block.h). That happens where it lies, when nobody else has a reference, and
 * under the lock of the page: who holds that knows which of the two it is.
 */
#ifndef TARN_CHUNK_H
#define TARN_CHUNK_H

#include <linux/bitmap.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "pool/frame.h"
#include "pool/pool.h"

/**
 * struct tarn_chunk - 2 MiB of frames
 * @page: the first of TARN_CHUNK_FRAMES pages; the head of all if the chunk is whole
 * @frames: what is known of each
 * @number: place in the pool's table
 * @node: the chunk's NUMA node
 * @leaving: the pool shrinks: what becomes free is not given out again
 * @whole: it is one block, none of whose pages went its own way; under its page lock
 * @asked: one request is about all of it, whose pager may map it though its pages are
 *	one; changed under its page lock
 * @link: on the node's list of chunks that have a free frame; of detached ones
 * @awkward: it was free and could not be made whole, and was not used since
 * @nr_free: frames on the free list; none of a whole chunk
 * @nr_retired: frames that were given up with a memory error
 * @free: first of them, an index into @frames, TARN_CHUNK_FRAMES if none
 * @poisoned: frames known to have a memory error, atomic
 *
 * Each access to a frame reads the first fields, each change of the free list
 * writes those behind: they lie apart.
 *
 * Locking: @leaving and what follows under tarn_node.lock, but @poisoned.
 */
struct tarn_chunk {
	struct page *page;
	struct tarn_frame *frames;
	u64 number;
	int node;
	bool leaving;
	bool whole;
	bool asked;

	struct list_head link ____cacheline_aligned_in_smp;
	bool awkward;
	u16 nr_free;
	u16 nr_retired;
	u16 free;
	DECLARE_BITMAP(poisoned, TARN_CHUNK_FRAMES);
};

void tarn_chunk_init(void);
int tarn_chunk_create(struct tarn_pool *pool, u64 number, int node);
void tarn_chunk_set_leaving(struct tarn_pool *pool, struct tarn_chunk *chunk,
			    bool leaving);
unsigned int tarn_chunk_used(struct tarn_pool *pool, struct tarn_chunk *chunk);
void tarn_chunk_detach(struct tarn_pool *pool, u64 number,
		       struct list_head *gone);
void tarn_chunk_destroy(struct tarn_pool *pool, struct tarn_chunk *chunk);

void tarn_chunk_push(struct tarn_node *node, struct tarn_chunk *chunk,
		     unsigned int i);
unsigned int tarn_chunk_pop(struct tarn_node *node, struct tarn_chunk *chunk);

bool tarn_chunk_any(struct tarn_node *node);
bool tarn_chunk_room(struct tarn_node *node, u64 spare);
struct tarn_chunk *tarn_chunk_take(struct tarn_node *node, u64 spare);
void tarn_chunk_give(struct tarn_node *node, struct tarn_chunk *chunk);
bool tarn_chunk_join(struct tarn_chunk *chunk);
bool tarn_chunk_split(struct tarn_chunk *chunk, unsigned int held);
bool tarn_chunk_split_idle(struct tarn_chunk *chunk);
bool tarn_chunk_break(struct tarn_chunk *chunk);
bool tarn_chunk_spoilt(const struct tarn_chunk *chunk);

static inline struct tarn_chunk *tarn_chunk_of(struct tarn_pool *pool,
					       u64 frame)
{
	return READ_ONCE(pool->chunks[frame >> TARN_CHUNK_SHIFT]);
}

static inline bool tarn_chunk_exists(struct tarn_pool *pool, u64 number)
{
	return READ_ONCE(pool->chunks[number]);
}

/*
 * Of a frame whose page the caller has locked: is it of a block that is one frame? A bad
 * one may be retired while its lock is waited for, and its chunk gone.
 */
static inline bool tarn_chunk_is_one(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	bool one;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	one = chunk && chunk->whole;
	rcu_read_unlock();
	return one;
}

static inline u64 tarn_chunk_first(const struct tarn_chunk *chunk)
{
	return chunk->number << TARN_CHUNK_SHIFT;
}

#endif
