// SPDX-License-Identifier: GPL-2.0-only
/* See block_load.h. */
#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "page/block.h"
#include "page/block_load.h"
#include "page/load.h"
#include "pager/io.h"
#include "pager/window.h"
#include "pool/home.h"
#include "pool/pins.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/**
 * struct tarn_block_load - the loads of a block
 * @part: the partition, kept by the loads
 * @chunk: into whose frames
 * @first: first page
 * @lock: protects @read
 * @read: loads that ended well
 * @nr_read: how many
 * @left: loads that have not ended, and who begins them
 */
struct tarn_block_load {
	struct tarn_partition *part;
	struct tarn_chunk *chunk;
	u64 first;
	spinlock_t lock;
	struct list_head read;
	unsigned int nr_read;
	atomic_t left;
};

/* Nobody has a reference of what was just read but the pager, by its window. */
static bool make_whole(struct tarn_block_load *load)
{
	struct tarn_pool *pool = load->part->pool;

	if (load->nr_read < TARN_BLOCK_PAGES)
		return false;
	tarn_window_unmap(pool, tarn_chunk_first(load->chunk),
			  TARN_CHUNK_FRAMES);
	return tarn_chunk_join(load->chunk);
}

/* False: some page was cut away while it was read. */
static bool settle_all(struct tarn_block_load *load)
{
	struct tarn_io *io, *next;
	bool all = true;

	list_for_each_entry_safe(io, next, &load->read, link) {
		list_del_init(&io->link);
		all &= tarn_load_settle(io);
		tarn_io_destroy(io);
	}
	return all;
}

/*
 * While its page is locked nobody maps the block. If a page of it is missing it must not
 * be mapped as a whole, and none of its pages is what was cut away.
 */
static void settle_whole(struct tarn_block_load *load)
{
	struct page *head = load->chunk->page;

	lock_page(head);
	load->chunk->whole = true;
	if (settle_all(load))
		tarn_stats_add(load->part, TARN_STAT_BLOCK_LOADS, 1);
	else
		tarn_chunk_break(load->chunk);
	unlock_page(head);
}

static void recheck_pins(struct tarn_partition *part, u64 first)
{
	u64 i;

	for (i = first; i < first + TARN_BLOCK_PAGES; i++)
		tarn_pin_recheck(part, i, tarn_pin_hint(part, i, 0));
}

/* All have ended. */
static void finish(struct tarn_block_load *load)
{
	struct tarn_partition *part = load->part;

	if (make_whole(load))
		settle_whole(load);
	else
		settle_all(load);
	recheck_pins(part, load->first);
	tarn_partition_put(part);
	kfree(load);
}

static void one_less(struct tarn_block_load *load)
{
	if (atomic_dec_and_test(&load->left))
		finish(load);
}

/**
 * tarn_block_load_ended() - a load of a block has ended
 * @load: the block's
 * @io: a load that ended well, and has its page still to be settled; NULL: one that did not,
 *	with nothing left to be done
 *
 * Context: process.
 */
void tarn_block_load_ended(struct tarn_block_load *load, struct tarn_io *io)
{
	if (io) {
		spin_lock(&load->lock);
		list_add_tail(&io->link, &load->read);
		load->nr_read++;
		spin_unlock(&load->lock);
	}
	one_less(load);
}

/* Did all of it go out, and was it whole before? */
static bool is_out(const struct tarn_leaf *leaf)
{
	unsigned int i;

	if (!READ_ONCE(leaf->was_whole))
		return false;
	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (!tarn_entry_is_stored(e) || tarn_entry_mark(e) ||
		    e & TARN_ENTRY_FAILED)
			return false;
	}
	return true;
}

static struct tarn_block_load *load_create(struct tarn_partition *part, u64 first)
{
	struct tarn_block_load *load = kmalloc(sizeof(*load), GFP_KERNEL);
	struct tarn_node *n = tarn_pool_node(part->pool, tarn_home_pick(part));

	if (!load)
		return NULL;
	load->chunk = n && !tarn_waiters_any(part->pool) ? tarn_chunk_take(n) :
							   NULL;
	if (!load->chunk) {
		kfree(load);
		return NULL;
	}
	load->part = tarn_partition_get(part);
	load->first = first;
	spin_lock_init(&load->lock);
	INIT_LIST_HEAD(&load->read);
	load->nr_read = 0;
	atomic_set(&load->left, TARN_BLOCK_PAGES + 1);
	return load;
}

/**
 * tarn_block_load() - have a block read that went out whole
 * @part: partition; the caller has its inode
 * @leaf: the block's
 * @index: page of it that is wanted
 *
 * Only where the home has a chunk that is free as a whole.
 *
 * Context: process. Does not wait for the loads.
 * Return: false if nothing has begun.
 */
bool tarn_block_load(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 index)
{
	struct tarn_block_load *load;
	struct blk_plug plug;
	u64 frame;
	unsigned int i;

	if (!is_out(leaf))
		return false;
	load = load_create(part, ALIGN_DOWN(index, TARN_BLOCK_PAGES));
	if (!load)
		return false;
	frame = tarn_chunk_first(load->chunk);
	blk_start_plug(&plug);
	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		u64 at = load->first + i;

		if (!tarn_load_for_block(part, at, frame + i, at != index, load))
			continue;
		tarn_frame_free(part->pool, frame + i);
		one_less(load);
	}
	blk_finish_plug(&plug);
	one_less(load);
	return true;
}
