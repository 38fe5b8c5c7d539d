// SPDX-License-Identifier: GPL-2.0-only
/* See block_load.h. */
#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "page/block.h"
#include "page/block_load.h"
#include "page/block_read.h"
#include "page/load.h"
#include "pager/drop.h"
#include "pager/io.h"
#include "pager/window.h"
#include "pool/home.h"
#include "pool/pins.h"
#include "pool/pool.h"
#include "pool/waiter.h"

/* So long pages that are there wait for those that are not. */
#define PATIENCE	HZ
/* Blocks of a partition that come at a time: their frames are in no account yet. */
#define AT_ONCE		2

/* ---- the end ------------------------------------------------------------- */

/* What was read has its page, or is nobody's as that was cut away. */
static void settle(struct tarn_io *io)
{
	if (tarn_load_settle(io))
		tarn_load_recheck(io);
	else
		tarn_load_orphan(io);
	tarn_io_destroy(io);
}

static void settle_singly(struct list_head *read)
{
	struct tarn_io *io, *next;

	list_for_each_entry_safe(io, next, read, link) {
		list_del_init(&io->link);
		settle(io);
	}
}

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

/* An area may have come since it was looked for. No page is locked. */
void tarn_block_load_part(struct tarn_block_load *load)
{
	struct tarn_partition *part = load->part;
	u64 first = load->first;

	if (!tarn_pin_any(part, first, TARN_BLOCK_PAGES))
		return;
	down_read(&part->pin);
	if (part->inode)
		tarn_block_part(part, tarn_partition_leaf(part, first, false),
				first);
	up_read(&part->pin);
}

/*
 * While its page is locked nobody maps the block. If a page of it was cut away it must not
 * be mapped as a whole. What needs memory is done when it is unlocked.
 */
static void settle_whole(struct tarn_block_load *load)
{
	struct page *head = load->chunk->page;
	struct tarn_io *io, *next;
	LIST_HEAD(settled);

	lock_page(head);
	load->chunk->whole = true;
	list_for_each_entry_safe(io, next, &load->read, link)
		if (tarn_load_settle(io))
			list_move_tail(&io->link, &settled);
	if (list_empty(&load->read))
		tarn_stats_add(load->part, TARN_STAT_BLOCK_LOADS, 1);
	else
		tarn_chunk_break(load->chunk);
	unlock_page(head);
	list_for_each_entry_safe(io, next, &settled, link) {
		tarn_load_recheck(io);
		tarn_io_destroy(io);
	}
	list_for_each_entry_safe(io, next, &load->read, link) {
		tarn_load_orphan(io);
		tarn_io_destroy(io);
	}
	tarn_block_load_part(load);
}

void tarn_block_load_free(struct tarn_block_load *load)
{
	atomic_dec(&load->part->block_loads);
	tarn_partition_put(load->part);
	kfree(load);
}

/* All have ended. */
static void finish(struct tarn_block_load *load)
{
	cancel_delayed_work_sync(&load->timer);
	if (make_whole(load))
		settle_whole(load);
	else
		settle_singly(&load->read);
	tarn_block_load_free(load);
}

static void one_less(struct tarn_block_load *load)
{
	if (atomic_dec_and_test(&load->left))
		finish(load);
}

/* A device hangs, perhaps: who wants the other pages shall not wait for that. */
static void end_patience(struct work_struct *work)
{
	struct tarn_block_load *load = container_of(to_delayed_work(work),
						    struct tarn_block_load, timer);
	int section = tarn_cookie_begin();
	LIST_HEAD(read);

	spin_lock(&load->lock);
	load->late = true;
	list_splice_init(&load->read, &read);
	load->nr_read = 0;
	spin_unlock(&load->lock);
	settle_singly(&read);
	tarn_cookie_end(section);
}

static bool keep(struct tarn_block_load *load, struct tarn_io *io)
{
	bool kept;

	spin_lock(&load->lock);
	kept = !load->late;
	if (kept) {
		list_add_tail(&io->link, &load->read);
		load->nr_read++;
	}
	spin_unlock(&load->lock);
	return kept;
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
	if (io && !keep(load, io))
		settle(io);
	one_less(load);
}

/* ---- the beginning ------------------------------------------------------- */

/* Did all of it go out, and was it whole before? */
static bool is_out(const struct tarn_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);

		if (!tarn_entry_is_stored(e) || tarn_entry_mark(e) ||
		    e & TARN_ENTRY_FAILED)
			return false;
	}
	return true;
}

/*
 * One page is asked for, and all others of its block come, too. While reclaim is at work
 * they would cost the pages of others, so there has to be more room than it makes by having
 * a block go: each of its threads may.
 */
static u64 room_to_leave(struct tarn_node *n)
{
	return min_t(u64, (u64)n->nr_reclaimers * TARN_CHUNK_FRAMES,
		     READ_ONCE(n->frames) / 8);
}

static struct tarn_chunk *take_chunk(struct tarn_pool *pool, int nid)
{
	struct tarn_node *n = tarn_pool_node(pool, nid);
	struct tarn_chunk *chunk;
	u64 spare;

	if (!n || tarn_waiters_any(pool))
		return NULL;
	spare = room_to_leave(n);
	chunk = tarn_chunk_take(n, spare);
	if (chunk)
		tarn_stats_taken(pool, nid, tarn_chunk_first(chunk),
				 TARN_CHUNK_FRAMES);
	else if (tarn_chunk_room(n, spare))
		pool->ops->compact(n);
	return chunk;
}

static struct tarn_block_load *load_create(struct tarn_partition *part,
					   const struct tarn_leaf *leaf, u64 index)
{
	struct tarn_block_load *load = kzalloc(sizeof(*load), GFP_KERNEL);

	if (!load)
		return NULL;
	load->chunk = take_chunk(part->pool, tarn_home_pick_page(part, index, leaf));
	if (!load->chunk) {
		kfree(load);
		return NULL;
	}
	load->part = tarn_partition_get(part);
	load->first = ALIGN_DOWN(index, TARN_BLOCK_PAGES);
	load->index = index;
	spin_lock_init(&load->lock);
	INIT_LIST_HEAD(&load->read);
	INIT_DELAYED_WORK(&load->timer, end_patience);
	atomic_set(&load->left, TARN_BLOCK_PAGES + 1);
	return load;
}

/* Requests for all pages, which own the frames. False: no memory, and none are there. */
static bool create_all(struct tarn_block_load *load, struct list_head *ios)
{
	u64 frame = tarn_chunk_first(load->chunk);
	struct tarn_io *io, *next;
	unsigned int i;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		io = tarn_load_create(load->part, load->first + i, frame + i,
				      load->first + i == load->index, load);
		if (!io)
			break;
		list_add_tail(&io->link, ios);
	}
	if (i == TARN_BLOCK_PAGES)
		return true;
	list_for_each_entry_safe(io, next, ios, link) {
		list_del_init(&io->link);
		tarn_io_destroy(io);
	}
	return false;
}

/*
 * Mark all entries, so that whoever comes finds the block on its way, or none: then those
 * that were are as before.
 */
static bool claim_all(struct tarn_block_load *load, struct list_head *ios)
{
	struct tarn_io *io, *next;
	bool all = true;

	list_for_each_entry(io, ios, link) {
		all = tarn_load_claim(io);
		if (!all)
			break;
	}
	if (all)
		return true;
	next = io;
	list_for_each_entry(io, ios, link) {
		if (io == next)
			break;
		tarn_load_abort(io);
	}
	if (list_is_first(&next->link, ios))
		tarn_block_give(load->part->pool, load->chunk);
	else
		list_for_each_entry_from(next, ios, link)
			tarn_frame_free(load->part->pool, next->frame);
	list_for_each_entry_safe(io, next, ios, link) {
		list_del_init(&io->link);
		tarn_io_destroy(io);
	}
	return false;
}

/* Send requests for all pages, which are marked. */
static void submit_all(struct tarn_block_load *load, struct list_head *ios)
{
	struct tarn_io *io, *next;
	struct blk_plug plug;

	queue_delayed_work(system_dfl_wq, &load->timer, PATIENCE);
	blk_start_plug(&plug);
	list_for_each_entry_safe(io, next, ios, link) {
		list_del_init(&io->link);
		tarn_load_submit(io);
	}
	blk_finish_plug(&plug);
	one_less(load);
}

/*
 * In one section of cookies: what was read and waits for others is in no queue that a pager
 * which ends would wait for.
 */
static bool begin(struct tarn_block_load *load, struct list_head *ios)
{
	int section = tarn_cookie_begin();
	bool begun = claim_all(load, ios);

	if (begun)
		submit_all(load, ios);
	tarn_cookie_end(section);
	return begun;
}

/**
 * tarn_block_load_singly() - a block that could not be read as a whole is read page by page
 * @load: the block's, its pages marked for it, its chunk split
 * @leaf: its leaf
 * @cookie: of the first copy, the others follow
 *
 * Context: process, in the section of cookies of the load that has ended.
 * Return: false if there is no memory: nothing has begun.
 */
bool tarn_block_load_singly(struct tarn_block_load *load,
			    const struct tarn_leaf *leaf, u64 cookie)
{
	struct tarn_io *io;
	LIST_HEAD(ios);

	if (!create_all(load, &ios))
		return false;
	/* Of a page that was cut away nobody looks at the checksum. */
	list_for_each_entry(io, &ios, link) {
		io->cookie = cookie + (io->index - load->first);
		io->sum = READ_ONCE(leaf->sum[io->index - load->first]);
	}
	submit_all(load, &ios);
	return true;
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
	LIST_HEAD(ios);

	if (!is_out(leaf) ||
	    tarn_pin_any(part, ALIGN_DOWN(index, TARN_BLOCK_PAGES),
			 TARN_BLOCK_PAGES))
		return false;
	if (atomic_inc_return(&part->block_loads) > AT_ONCE)
		goto err_count;
	load = load_create(part, leaf, index);
	if (!load)
		goto err_count;
	switch (tarn_block_read(load, leaf)) {
	case TARN_BLOCK_READ_BEGUN:
		return true;
	case TARN_BLOCK_READ_NOT:
		if (create_all(load, &ios)) {
			if (begin(load, &ios))
				return true;
			break;
		}
		tarn_block_give(part->pool, load->chunk);
		break;
	case TARN_BLOCK_READ_LATE:
		break;
	}
	tarn_block_load_free(load);
	return false;

err_count:
	atomic_dec(&part->block_loads);
	return false;
}
