// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading from granted devices.
 *
 * A bio may end in the thread that submits it, in an interrupt, or anywhere
 * between; a load has to be settled in process context. Who of submitter and
 * end of I/O comes second does it: the submitter at once, so that a device that
 * completes in place costs no switch of context, or else a work item.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "grant.h"
#include "io.h"
#include "pager.h"
#include "partition.h"

static struct workqueue_struct *grant_wq;

enum { READ_SUBMITTING, READ_ASYNC, READ_ENDED };

/* ---- granting ----------------------------------------------------------- */

static void grant_free(struct tarn_grant *grant)
{
	if (!grant)
		return;
	fput(grant->file);
	kfree_rcu(grant, rcu);
}

static struct tarn_grant *grant_create(const struct tarn_pager_grant *g)
{
	struct tarn_grant *grant;
	struct file *file = fget(g->fd);
	int ret = -EOPNOTSUPP;

	if (!file)
		return ERR_PTR(-EBADF);
	if (!S_ISBLK(file_inode(file)->i_mode))
		goto err_file;
	if (bdev_logical_block_size(I_BDEV(file->f_mapping->host)) > PAGE_SIZE)
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

static void reads_dec(struct tarn_pool *pool)
{
	if (atomic_dec_and_test(&pool->reads))
		wake_up(&pool->store_wait);
}

static void read_settle(struct tarn_io *io)
{
	struct tarn_pool *pool = tarn_pool_get(io->part->pool);

	fput(io->file);
	put_page(tarn_frame_page(pool, io->frame));
	tarn_io_read_done(io, io->result);
	reads_dec(pool);
	tarn_pool_put(pool);
}

static void read_work(struct work_struct *work)
{
	read_settle(container_of(work, struct tarn_io, work));
}

static void read_end(struct bio *bio)
{
	struct tarn_io *io = bio->bi_private;

	io->result = blk_status_to_errno(bio->bi_status);
	bio_put(bio);
	/* Ordered by the exchange: the second one sees the result. */
	if (atomic_xchg(&io->read, READ_ENDED) == READ_ASYNC) {
		INIT_WORK(&io->work, read_work);
		queue_work(grant_wq, &io->work);
	}
}

/*
 * The device of @io's cookie, open, and where on it; NULL if it isn't granted.
 * The read counts from here on: after a grace period, a pager that detached is
 * asked for no more of them.
 */
static struct file *find_device(struct tarn_io *io, u64 *at)
{
	u64 slot = io->cookie & (BIT_ULL(TARN_COOKIE_SLOT_BITS) - 1);
	struct tarn_grant *grant = NULL;
	struct file *file = NULL;
	struct tarn_pager *pager;

	rcu_read_lock();
	pager = rcu_dereference(io->part->pool->pager);
	if (pager && READ_ONCE(pager->started))
		grant = rcu_dereference(pager->grants[io->cookie >>
						      TARN_COOKIE_SLOT_BITS]);
	if (grant) {
		atomic_inc(&io->part->pool->reads);
		file = get_file(grant->file);
		*at = grant->offset + (slot << PAGE_SHIFT);
	}
	rcu_read_unlock();
	return file;
}

/**
 * tarn_grant_read() - read a page without the pager, if its device is granted
 * @io: a load; settled by tarn_io_read_done() if true is returned
 *
 * Context: process. Does not wait for the device.
 * Return: false if the pager has to be asked.
 */
bool tarn_grant_read(struct tarn_io *io)
{
	struct block_device *bdev;
	struct page *page;
	struct bio *bio;
	u64 at;

	io->file = find_device(io, &at);
	if (!io->file)
		return false;
	bdev = I_BDEV(io->file->f_mapping->host);
	if (at + PAGE_SIZE > bdev_nr_bytes(bdev) || at + PAGE_SIZE < at) {
		fput(io->file);
		reads_dec(io->part->pool);
		return false;
	}
	page = tarn_frame_page(io->part->pool, io->frame);
	get_page(page);
	atomic_set(&io->read, READ_SUBMITTING);
	bio = bio_alloc(bdev, 1, REQ_OP_READ | REQ_SYNC, GFP_NOIO);
	bio->bi_iter.bi_sector = at >> SECTOR_SHIFT;
	bio->bi_private = io;
	bio->bi_end_io = read_end;
	__bio_add_page(bio, page, PAGE_SIZE, 0);
	submit_bio(bio);
	if (atomic_cmpxchg(&io->read, READ_SUBMITTING, READ_ASYNC) ==
	    READ_ENDED)
		read_settle(io);
	return true;
}

int tarn_grant_init(void)
{
	grant_wq = alloc_workqueue("tarn_read", WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	return grant_wq ? 0 : -ENOMEM;
}

void tarn_grant_exit(void)
{
	destroy_workqueue(grant_wq);
}
