// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading from granted devices.
 *
 * A bio may end in the thread that submits it, in an interrupt, or anywhere
 * between; a load has to be settled in process context. Who of submitter and
 * end of I/O comes second does it: the submitter at once, so that a device that
 * completes in place costs no switch of context, or else a work item.
 *
 * While it is read a load is on a queue of the pager, as others are while the
 * pager has them, and is aborted with them when the pager goes: a device that
 * hangs keeps nobody else waiting. The read itself can't be taken back. It goes
 * on with nothing but its page, its device and the module, and when it ends,
 * however late, it is nobody's. The frame stays in limbo until then.
 *
 * Nor does anybody wait for a device to take a read: who faults may hold mmap_lock,
 * and such a wait is not ended by a signal. What a device can't take at once the pager
 * is asked for.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "pager/drop.h"
#include "pager/grant.h"
#include "pager/io.h"
#include "pager/pager.h"
#include "pool/partition.h"

enum { READ_SUBMITTING, READ_ASYNC, READ_ENDED };

/**
 * struct tarn_read - a granted device being read
 * @io: the load that waits for it, on a list of @queue; NULL: its pager went
 * @queue: protects @io by its lock; lasts while there is @io
 * @page: read into, the first of those of a wide load, referenced
 * @file: the device
 * @at: where on it, in bytes
 * @bytes: how many
 * @state: who settles it
 * @result: how it went
 * @work: to settle it
 * @bio: the request; of one that is larger than the device takes, the last part, which
 *	ends when all have
 * @vec: its memory
 */
struct tarn_read {
	struct tarn_io *io;
	struct tarn_queue *queue;
	struct page *page;
	struct file *file;
	u64 at;
	unsigned int bytes;
	atomic_t state;
	int result;
	struct work_struct work;
	struct bio bio;
	struct bio_vec vec;
};

static struct workqueue_struct *grant_wq;
static struct kmem_cache *read_cache;

/* ---- granting ----------------------------------------------------------- */

static void grant_free(struct tarn_grant *grant)
{
	if (!grant)
		return;
	fput(grant->file);
	kfree_rcu(grant, rcu);
}

/* Page by page, and without waiting for its turn. */
static bool can_be_read(const struct file *file)
{
	struct block_device *bdev = I_BDEV(file->f_mapping->host);

	return bdev_logical_block_size(bdev) <= PAGE_SIZE && bdev_nowait(bdev);
}

static struct tarn_grant *grant_create(const struct tarn_pager_grant *g)
{
	struct tarn_grant *grant;
	struct file *file = fget(g->fd);
	int ret = -EOPNOTSUPP;

	if (!file)
		return ERR_PTR(-EBADF);
	if (!S_ISBLK(file_inode(file)->i_mode) || !can_be_read(file))
		goto err_file;
	ret = -EBADF;
	if (!(file->f_mode & FMODE_READ))
		goto err_file;
	ret = -ENOMEM;
	grant = kzalloc(sizeof(*grant), GFP_KERNEL);
	if (!grant)
		goto err_file;
	grant->file = file;
	grant->offset = g->offset;
	return grant;

err_file:
	fput(file);
	return ERR_PTR(ret);
}

/**
 * tarn_grant_set() - TARN_PAGER_GRANT
 * @pager: whose device
 * @g: which one; checked here
 *
 * Context: process.
 * Return: 0 or an errno, see struct tarn_pager_grant.
 */
long tarn_grant_set(struct tarn_pager *pager, const struct tarn_pager_grant *g)
{
	struct tarn_pool *pool = pager->pool;
	struct tarn_grant *grant = NULL, *old;

	if (g->flags || g->device >= TARN_GRANT_MAX_DEVICES || g->fd < -1 ||
	    !PAGE_ALIGNED(g->offset))
		return -EINVAL;
	if (g->fd >= 0) {
		grant = grant_create(g);
		if (IS_ERR(grant))
			return PTR_ERR(grant);
	}
	mutex_lock(&pool->pager_lock);
	if (rcu_access_pointer(pool->pager) != pager) {
		mutex_unlock(&pool->pager_lock);
		grant_free(grant);
		return -ENOTCONN;
	}
	old = rcu_replace_pointer(pager->grants[g->device], grant,
				  lockdep_is_held(&pool->pager_lock));
	mutex_unlock(&pool->pager_lock);
	synchronize_rcu();
	grant_free(old);
	return 0;
}

/* The pager detaches; reads under way hold the device by themselves. */
void tarn_grant_clear(struct tarn_pager *pager)
{
	u32 i;

	lockdep_assert_held(&pager->pool->pager_lock);
	for (i = 0; i < TARN_GRANT_MAX_DEVICES; i++)
		grant_free(rcu_replace_pointer(pager->grants[i], NULL, true));
}

/* ---- reading ------------------------------------------------------------ */

static struct tarn_read *read_create(struct tarn_io *io, struct file *file,
				     u64 at)
{
	struct tarn_read *read = kmem_cache_zalloc(read_cache, GFP_KERNEL);

	if (!read)
		return NULL;
	read->io = io;
	read->page = tarn_frame_page(io->part->pool, io->frame);
	get_page(read->page);
	read->file = get_file(file);
	read->at = at;
	read->bytes = tarn_io_pages(io) << PAGE_SHIFT;
	atomic_set(&read->state, READ_SUBMITTING);
	io->read = read;
	return read;
}

static void read_destroy(struct tarn_read *read)
{
	put_page(read->page);
	fput(read->file);
	kmem_cache_free(read_cache, read);
}

/**
 * tarn_read_abandon() - the pager of a read goes
 * @read: of a load that is on a queue; not to be used any more
 *
 * It ends when its device lets it, in code of the module.
 *
 * Context: queue->lock; then a grace period before the queue goes.
 */
void tarn_read_abandon(struct tarn_read *read)
{
	lockdep_assert_held(&read->queue->lock);
	__module_get(THIS_MODULE);
	WRITE_ONCE(read->io, NULL);
}

/* Its load, off the queue; NULL if it was abandoned. */
static struct tarn_io *read_take_load(struct tarn_read *read)
{
	struct tarn_io *io;

	/* Whoever sees a load here is waited for before its queue goes. */
	rcu_read_lock();
	io = READ_ONCE(read->io);
	if (io) {
		spin_lock(&read->queue->lock);
		io = read->io;
		if (io)
			list_del_init(&io->link);
		spin_unlock(&read->queue->lock);
	}
	rcu_read_unlock();
	return io;
}

/* In a section, as a completion of the pager's: it may leave a cookie to drop. */
static void read_settle(struct tarn_read *read)
{
	int section = tarn_cookie_begin();
	struct tarn_io *io = read_take_load(read);
	int result = read->result;

	read_destroy(read);
	/* What went wrong here may go well there: the pager may have another copy. */
	if (io && result)
		tarn_queue_submit(io->part->pool, io);
	else if (io)
		tarn_io_end(io, 0, TARN_COOKIE_NONE);
	tarn_cookie_end(section);
	if (!io)
		module_put(THIS_MODULE);
}

static void read_work(struct work_struct *work)
{
	read_settle(container_of(work, struct tarn_read, work));
}

static void read_end(struct bio *bio)
{
	struct tarn_read *read = bio->bi_private;

	read->result = blk_status_to_errno(bio->bi_status);
	bio_uninit(bio);
	/* Ordered by the exchange: the second one sees the result. */
	if (atomic_xchg(&read->state, READ_ENDED) == READ_ASYNC) {
		INIT_WORK(&read->work, read_work);
		queue_work(grant_wq, &read->work);
	}
}

/* The device of @io's cookie, referenced, and where on it; NULL if it isn't granted. */
static struct file *find_device(const struct tarn_io *io, u64 *at)
{
	u64 slot = io->cookie & (BIT_ULL(TARN_COOKIE_SLOT_BITS) - 1);
	struct tarn_grant *grant = NULL;
	struct file *file = NULL;
	struct tarn_pager *pager;

	rcu_read_lock();
	pager = rcu_dereference(io->part->pool->pager);
	if (pager)
		grant = rcu_dereference(pager->grants[io->cookie >>
						      TARN_COOKIE_SLOT_BITS]);
	if (grant) {
		file = get_file(grant->file);
		*at = grant->offset + (slot << PAGE_SHIFT);
	}
	rcu_read_unlock();
	return file;
}

static bool on_device(const struct file *file, u64 at, u64 bytes)
{
	struct block_device *bdev = I_BDEV(file->f_mapping->host);

	return at + bytes <= bdev_nr_bytes(bdev) && at + bytes > at;
}

/**
 * tarn_grant_take() - is a page to be read without the pager?
 * @io: a load; if it is, not the caller's any more: the pager may go
 *
 * Context: process, in a section of cookies.
 * Return: the read, for tarn_grant_read(); NULL: its device is not granted, or
 * no pager serves, or there is no memory: the pager has to be asked.
 */
struct tarn_read *tarn_grant_take(struct tarn_io *io)
{
	struct tarn_read *read = NULL;
	struct file *file;
	u64 at;

	file = find_device(io, &at);
	if (!file)
		return NULL;
	if (on_device(file, at, (u64)tarn_io_pages(io) << PAGE_SHIFT))
		read = read_create(io, file, at);
	fput(file);
	if (!read)
		return NULL;
	if (tarn_queue_add_read(io->part->pool, io, &read->queue))
		return read;
	read_destroy(read);
	return NULL;
}

/* A request that may not wait is not cut by the block layer: it has to fit. */
static unsigned int most_bytes(struct block_device *bdev)
{
	struct request_queue *q = bdev_get_queue(bdev);
	u64 bytes = min((u64)queue_max_sectors(q) << SECTOR_SHIFT,
			(u64)queue_max_segments(q) * queue_max_segment_size(q));

	bytes = min_t(u64, bytes, TARN_WIDE_PAGES << PAGE_SHIFT);
	return max_t(u64, ALIGN_DOWN(bytes, PAGE_SIZE), PAGE_SIZE);
}

static void set_part(struct tarn_read *read, struct bio *bio,
		     unsigned int from, unsigned int bytes)
{
	bio->bi_iter.bi_sector = (read->at + from) >> SECTOR_SHIFT;
	__bio_add_page(bio, read->page + (from >> PAGE_SHIFT), bytes, 0);
}

/*
 * All parts but the last. Without memory for one that part of the frames stays as it is, and
 * the read fails.
 */
static unsigned int read_first_parts(struct tarn_read *read, unsigned int most)
{
	struct block_device *bdev = I_BDEV(read->file->f_mapping->host);
	unsigned int from = 0;
	struct bio *bio;

	for (; read->bytes - from > most; from += most) {
		bio = bio_alloc(bdev, 1, read->bio.bi_opf, GFP_NOWAIT);
		if (!bio) {
			read->bio.bi_status = BLK_STS_AGAIN;
			continue;
		}
		set_part(read, bio, from, most);
		bio_chain(bio, &read->bio);
		submit_bio(bio);
	}
	return from;
}

/**
 * tarn_grant_read() - read pages without the pager
 * @read: from tarn_grant_take(); its load is settled when the device is done
 *
 * Context: process. Does not wait for the device, be it that it has no room.
 */
void tarn_grant_read(struct tarn_read *read)
{
	struct bio *bio = &read->bio;
	unsigned int from = 0;

	bio_init(bio, I_BDEV(read->file->f_mapping->host), &read->vec, 1,
		 REQ_OP_READ | REQ_SYNC | REQ_NOWAIT);
	bio->bi_private = read;
	bio->bi_end_io = read_end;
	if (read->bytes > PAGE_SIZE)
		from = read_first_parts(read, most_bytes(bio->bi_bdev));
	set_part(read, bio, from, read->bytes - from);
	submit_bio(bio);
	if (atomic_cmpxchg(&read->state, READ_SUBMITTING, READ_ASYNC) ==
	    READ_ENDED)
		read_settle(read);
}

int tarn_grant_init(void)
{
	read_cache = KMEM_CACHE(tarn_read, SLAB_HWCACHE_ALIGN);
	if (!read_cache)
		return -ENOMEM;
	grant_wq = alloc_workqueue("tarn_read", WQ_HIGHPRI | WQ_MEM_RECLAIM |
				   WQ_PERCPU, 0);
	if (grant_wq)
		return 0;
	kmem_cache_destroy(read_cache);
	return -ENOMEM;
}

void tarn_grant_exit(void)
{
	destroy_workqueue(grant_wq);
	kmem_cache_destroy(read_cache);
}
