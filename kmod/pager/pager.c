// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching a pager, what is stored, and the end of a pager however it comes. What user
 * space has of it is /dev/tarn (fs/dev.c). See Documentation/design/pager-protocol.rst.
 *
 * A descriptor attaches once. The pager detaches when the process that attached
 * closes it, dies or becomes another program (process.c), or when an operator has it
 * detach because it hangs. Parked io_uring commands keep the file open, so a close is
 * seen in ->flush, which runs for every one, and not in ->release. The struct
 * tarn_pager stays until ->release, as commands may be on their way in.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/slab.h>

#include "pager/drop.h"
#include "pager/io.h"
#include "pager/pager.h"
#include "pager/process.h"
#include "pager/window.h"
#include "pool/copy.h"
#include "pool/event.h"
#include "pool/partition.h"

#define MIN_DEPTH	16

/* ---- attach, start, detach ---------------------------------------------- */

void tarn_pager_free(struct tarn_pager *pager)
{
	u32 i;

	tarn_process_forget(pager);
	for (i = 0; i < pager->nr_queues; i++)
		tarn_queue_exit(&pager->queues[i]);
	tarn_drops_free(&pager->drops);
	tarn_pool_put(pager->pool);
	kfree_rcu(pager, rcu);
}

static struct tarn_pager *pager_create(struct tarn_pool *pool, u32 queues,
				       u32 depth)
{
	struct tarn_pager *pager;
	u32 i;

	pager = kzalloc(struct_size(pager, queues, queues), GFP_KERNEL);
	if (!pager)
		return NULL;
	pager->pool = tarn_pool_get(pool);
	spin_lock_init(&pager->drop_lock);
	INIT_LIST_HEAD(&pager->drops);
	tarn_process_watch(pager);
	pager->nr_queues = queues;
	for (i = 0; i < queues; i++) {
		if (tarn_queue_init(&pager->queues[i], pager, depth)) {
			tarn_pager_free(pager);
			return NULL;
		}
	}
	return pager;
}

static u64 count_stored(struct tarn_pool *pool)
{
	/* Paged pages, and at most as many resident ones with a copy. */
	return tarn_stats_paged(pool) + tarn_stats_resident(pool);
}

/**
 * tarn_pager_attach() - TARN_PAGER_ATTACH
 * @pool: to this pool
 * @path: in its mount, which is kept busy
 * @file: of /dev/tarn; the pager becomes its private data
 * @a: the call; checked here
 *
 * Context: process.
 * Return: 0; -EINVAL; -ENODEV the pool is one without paging; -EBUSY it has a pager, or
 * the file attached before; -ENOMEM.
 */
long tarn_pager_attach(struct tarn_pool *pool, const struct path *path,
		       struct file *file, struct tarn_pager_attach *a)
{
	struct tarn_pager *pager;

	if (a->flags & ~TARN_PAGER_ALL || a->reserved || !a->queues ||
	    a->queues > TARN_PAGER_MAX_QUEUES || a->depth < MIN_DEPTH ||
	    a->depth > TARN_PAGER_MAX_DEPTH || !is_power_of_2(a->depth))
		return -EINVAL;
	if (!pool->paging)
		return -ENODEV;
	pager = pager_create(pool, a->queues, a->depth);
	if (!pager)
		return -ENOMEM;
	pager->wide = a->flags & TARN_PAGER_WIDE;

	mutex_lock(&pool->pager_lock);
	if (rcu_access_pointer(pool->pager) ||
	    cmpxchg(&file->private_data, NULL, pager)) {
		mutex_unlock(&pool->pager_lock);
		tarn_pager_free(pager);
		return -EBUSY;
	}
	pager->mapping = file->f_mapping;
	pager->path = *path;
	path_get(&pager->path);
	rcu_assign_pointer(pool->pager, pager);
	mutex_unlock(&pool->pager_lock);

	a->window_bytes = pool->max_chunks << (TARN_CHUNK_SHIFT + PAGE_SHIFT);
	a->queue_bytes = tarn_queue_bytes(a->depth);
	a->stored_pages = count_stored(pool);
	export_uuid(a->uuid, &pool->uuid);
	return 0;
}

/* May it be asked for many pages at once? Another pager may come at any time. */
bool tarn_pager_takes_wide(struct tarn_pool *pool)
{
	struct tarn_pager *pager;
	bool wide;

	rcu_read_lock();
	pager = rcu_dereference(pool->pager);
	wide = pager && pager->wide;
	rcu_read_unlock();
	return wide;
}

static long still_attached(struct tarn_pager *pager)
{
	lockdep_assert_held(&pager->pool->pager_lock);
	return rcu_access_pointer(pager->pool->pager) == pager ? 0 : -ENOTCONN;
}

/* What is dropped in a section that began before is told when the drops are taken. */
static long start_begin(struct tarn_pager *pager, u32 room,
			struct list_head *drops)
{
	struct tarn_pool *pool = pager->pool;
	long ret;

	mutex_lock(&pool->pager_lock);
	ret = still_attached(pager);
	if (!ret && pool->served)
		ret = -EBUSY;
	if (!ret) {
		tarn_cookie_synchronize();
		ret = tarn_drops_take(pager, room, drops);
	}
	mutex_unlock(&pool->pager_lock);
	return ret;
}

static long start_end(struct tarn_pager *pager)
{
	struct tarn_pool *pool = pager->pool;
	long ret;
	u32 i;

	mutex_lock(&pool->pager_lock);
	ret = still_attached(pager);
	if (ret)
		goto out;
	for (i = 0; i < pager->nr_queues; i++)
		tarn_queue_start(&pager->queues[i]);
	tarn_pool_set_full(pool, false);
	tarn_stores_try(&pool->stores);
	WRITE_ONCE(pool->served, true);
	/* Drops that were told when no queue took them yet. */
	tarn_queue_kick(&pager->queues[0]);
out:
	mutex_unlock(&pool->pager_lock);
	return ret;
}

/*
 * TARN_PAGER_START: from here on there are requests.
 *
 * What was dropped is copied without locks: the pager's memory may be somebody's who
 * lets it wait. Until that is done there is no second start.
 */
long tarn_pager_start(struct tarn_pager *pager, struct tarn_pager_start *s)
{
	struct tarn_pool *pool = pager->pool;
	LIST_HEAD(drops);
	long ret;

	if (s->flags || s->reserved)
		return -EINVAL;
	ret = start_begin(pager, s->count, &drops);
	if (ret)
		return ret;
	ret = tarn_drops_copy(&drops, s);
	tarn_drops_free(&drops);
	if (ret) {
		tarn_drops_lose(pager);
		return ret;
	}
	ret = start_end(pager);
	if (ret)
		return ret;
	wake_up_var(&pool->pager);
	tarn_event(pool, TARN_EVENT_PAGER_ATTACHED, TARN_PARTITION_NONE, 0, 0);
	tarn_pool_kick(pool);
	return 0;
}

static void detach_locked(struct tarn_pager *pager)
{
	struct tarn_pool *pool = pager->pool;
	struct tarn_io *io, *next;
	LIST_HEAD(orphans);
	u32 i;

	lockdep_assert_held(&pool->pager_lock);
	WRITE_ONCE(pool->served, false);
	rcu_assign_pointer(pool->pager, NULL);
	for (i = 0; i < pager->nr_queues; i++)
		tarn_queue_stop(&pager->queues[i], &orphans);
	synchronize_rcu();
	tarn_cookie_synchronize();
	tarn_grant_clear(pager);
	tarn_window_close(pager);
	/*
	 * A load is asked for anew by whoever waits for it, into another frame: a read
	 * that the pager left behind may still write to this one.
	 */
	list_for_each_entry_safe(io, next, &orphans, link)
		tarn_io_end(io, TARN_IO_ABORTED, TARN_COOKIE_NONE);
}

/* @pager, or whichever is attached, if it still is. */
static bool pool_detach(struct tarn_pool *pool, struct tarn_pager *pager)
{
	struct tarn_pager *now;
	struct path path = {};

	mutex_lock(&pool->pager_lock);
	now = rcu_dereference_protected(pool->pager,
					lockdep_is_held(&pool->pager_lock));
	if (now && (!pager || now == pager)) {
		detach_locked(now);
		path = now->path;
	}
	mutex_unlock(&pool->pager_lock);
	if (!path.mnt)
		return false;
	tarn_event(pool, TARN_EVENT_PAGER_LOST, TARN_PARTITION_NONE, 0, 0);
	path_put(&path);
	return true;
}

void tarn_pager_detach(struct tarn_pager *pager)
{
	pool_detach(pager->pool, pager);
}

/* Commands that wait end, with ECANCELED. It may have new ones wait. */
void tarn_pager_unpark(struct tarn_pager *pager)
{
	u32 i;

	for (i = 0; i < pager->nr_queues; i++)
		tarn_queue_unpark(&pager->queues[i]);
}

/**
 * tarn_pager_force() - TARN_POOL_DETACH: have a pager detach that hangs
 * @pool: of this pool
 *
 * Context: process.
 * Return: 0; -ENOTCONN: no pager is attached.
 */
long tarn_pager_force(struct tarn_pool *pool)
{
	return pool_detach(pool, NULL) ? 0 : -ENOTCONN;
}

/* ---- what is stored ----------------------------------------------------- */

static u64 cookie_of(struct tarn_pool *pool, u64 e)
{
	if (tarn_entry_is_stored(e))
		return tarn_entry_payload(e);
	if (!tarn_entry_has_frame(e))
		return TARN_COOKIE_NONE;
	return tarn_copy_cookie(tarn_frame_peek_copy(pool, tarn_entry_payload(e)));
}

/* The copy that a pager has of a page, or none. The page may change hands while we look. */
static u64 stored_cookie(struct tarn_pool *pool, u64 e)
{
	u64 cookie = cookie_of(pool, e);

	return tarn_cookie_where(cookie) == TARN_COPY_WITH_PAGER ? cookie : TARN_COOKIE_NONE;
}

static u32 list_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first, struct tarn_stored_page *pages)
{
	u32 i, n = 0;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		atomic64_t *entry = &leaf->entry[i];
		u64 e, cookie;

		do {
			e = atomic64_read(entry);
			cookie = stored_cookie(part->pool, e);
		} while (e != atomic64_read(entry));
		if (!cookie)
			continue;
		pages[n++] = (struct tarn_stored_page) {
			.cookie = cookie,
			.index = first + i,
			.partition = part->id,
		};
	}
	return n;
}

/*
 * The cursor is partition id << 40 | leaf; a call lists whole leaves, so there
 * must be room for one.
 */
#define CURSOR_LEAF_BITS	40

static long list_partition(struct tarn_partition *part, u64 *leaf_number,
			   struct tarn_stored_page *buf,
			   struct tarn_pager_stored *s)
{
	struct tarn_stored_page __user *to = u64_to_user_ptr(s->pages);
	unsigned long at = *leaf_number;
	struct tarn_leaf *leaf;
	u32 room = s->reserved, n;

	xa_for_each_start(&part->leaves, at, leaf, *leaf_number) {
		*leaf_number = at;
		if (room - s->count < TARN_LEAF_PAGES)
			return 1;
		n = list_leaf(part, leaf, (u64)at << TARN_LEAF_SHIFT, buf);
		if (copy_to_user(to + s->count, buf, n * sizeof(*buf)))
			return -EFAULT;
		s->count += n;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* TARN_PAGER_STORED: what is stored, from a cursor on. */
long tarn_pager_stored(struct tarn_pager *pager, struct tarn_pager_stored *s)
{
	struct tarn_pool *pool = pager->pool;
	u64 leaf = s->cursor & (BIT_ULL(CURSOR_LEAF_BITS) - 1);
	u32 id = s->cursor >> CURSOR_LEAF_BITS;
	struct tarn_stored_page *buf;
	struct tarn_partition *part;
	long ret = 0;

	if (s->flags || s->reserved || s->count < TARN_LEAF_PAGES)
		return -EINVAL;
	if (READ_ONCE(pager->takes_drops))
		return -EBUSY;
	buf = kvmalloc_array(TARN_LEAF_PAGES, sizeof(*buf), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (!s->cursor)
		tarn_drops_forget(pager);
	s->reserved = s->count;
	s->count = 0;
	while (!ret && (part = tarn_partition_from(pool, id))) {
		if (part->id != id)
			leaf = 0;
		id = part->id;
		ret = list_partition(part, &leaf, buf, s);
		tarn_partition_put(part);
		if (!ret) {
			id++;
			leaf = 0;
		}
	}
	s->reserved = 0;
	s->cursor = (u64)id << CURSOR_LEAF_BITS | leaf;
	kvfree(buf);
	return ret < 0 ? ret : 0;
}

/* ---- status ------------------------------------------------------------- */

/* TARN_PAGER_STATUS: how the paging devices are. */
long tarn_pager_status(struct tarn_pager *pager,
		       const struct tarn_pager_status *s)
{
	struct tarn_pool *pool = pager->pool;
	bool degraded = s->flags & TARN_PAGER_IS_DEGRADED;
	long ret = 0;

	if (s->flags & ~TARN_PAGER_IS_ALL)
		return -EINVAL;
	mutex_lock(&pool->pager_lock);
	/* The pool may have another one by now, whose status this is not. */
	if (rcu_access_pointer(pool->pager) != pager) {
		ret = -ENOTCONN;
		goto out;
	}
	WRITE_ONCE(pool->capacity, s->capacity_pages);
	WRITE_ONCE(pool->used, s->used_pages);
	if (xchg(&pool->degraded, degraded) != degraded)
		tarn_event(pool, TARN_EVENT_DEGRADED, TARN_PARTITION_NONE, 0,
			   degraded);
	tarn_pool_set_full(pool, s->flags & TARN_PAGER_IS_FULL);
out:
	mutex_unlock(&pool->pager_lock);
	return ret;
}
