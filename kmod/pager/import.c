// SPDX-License-Identifier: GPL-2.0-only
/*
 * See import.h. A file is read by work items: to read one may wait for its filesystem, and who
 * faults may hold mmap_lock. A read can't be taken back, and its device may hang. So when the
 * pool ends its loads are aborted, and the read goes on with nothing but its page, its file and
 * the module; the frame stays in limbo until then.
 */
#include <linux/bvec.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "pager/drop.h"
#include "pager/import.h"
#include "pager/io.h"
#include "pool/partition.h"
#include "pool/pool.h"

/**
 * struct tarn_import - a file that pages of a partition are in
 * @rcu: for its end
 * @pool: of the partition
 * @part: its id
 * @id: in the pool's table of imports
 * @file: keeps it open
 * @copies: cookies that name it, and one for each who adds some; with the last one it ends
 * @reads: under way, under reads_lock
 *
 * Whoever has a cookie of it finds it in the table.
 */
struct tarn_import {
	struct rcu_head rcu;
	struct tarn_pool *pool;
	u32 part;
	u32 id;
	struct file *file;
	atomic64_t copies;
	struct list_head reads;
};

/**
 * struct import_read - a file being read
 * @work: does it
 * @link: on the list of its import
 * @io: the load that waits for it; NULL: its pool ended
 * @page: read into, the first of those of a wide load, referenced
 * @file: referenced
 * @at: where in it, in bytes
 * @bytes: how many
 */
struct import_read {
	struct work_struct work;
	struct list_head link;
	struct tarn_io *io;
	struct page *page;
	struct file *file;
	loff_t at;
	size_t bytes;
};

/* Protects the reads of imports and their loads. Held for a moment, where a file is read. */
static DEFINE_SPINLOCK(reads_lock);
static struct workqueue_struct *import_wq;

/* ---- which files -------------------------------------------------------- */

static bool is_local(const struct super_block *sb)
{
	if (sb->s_magic == TMPFS_MAGIC)
		return true;
	return sb->s_type->fs_flags & FS_REQUIRES_DEV && sb->s_magic != FUSE_SUPER_MAGIC;
}

/* A read must not depend on somebody who may let it wait. */
static bool can_be_read(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	if (!(file->f_mode & FMODE_CAN_READ))
		return false;
	return S_ISBLK(inode->i_mode) ||
	       (S_ISREG(inode->i_mode) && is_local(inode->i_sb));
}

static struct file *get_file_of(int fd)
{
	struct file *file = fget(fd);
	int ret = 0;

	if (!file)
		return ERR_PTR(-EBADF);
	if (!(file->f_mode & FMODE_READ))
		ret = -EBADF;
	else if (!can_be_read(file))
		ret = -EOPNOTSUPP;
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

/* ---- imports ------------------------------------------------------------ */

/* One that is not ending, with a copy for the caller. @others: how many the partition has. */
static struct tarn_import *find(struct tarn_partition *part, const struct file *file,
				unsigned int *others)
{
	struct tarn_import *import, *found = NULL;
	unsigned long id;

	*others = 0;
	rcu_read_lock();
	xa_for_each(&part->pool->imports, id, import) {
		if (import->part != part->id)
			continue;
		++*others;
		if (import->file == file && atomic64_inc_not_zero(&import->copies)) {
			found = import;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static struct tarn_import *create(struct tarn_partition *part, struct file *file)
{
	struct tarn_import *import = kzalloc(sizeof(*import), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!import)
		return ERR_PTR(-ENOMEM);
	import->pool = part->pool;
	import->part = part->id;
	import->file = get_file(file);
	atomic64_set(&import->copies, 1);
	INIT_LIST_HEAD(&import->reads);
	ret = xa_alloc(&part->pool->imports, &import->id, import,
		       XA_LIMIT(0, TARN_IMPORTS_MOST - 1), GFP_KERNEL_ACCOUNT);
	if (!ret)
		return import;
	fput(file);
	kfree(import);
	return ERR_PTR(ret == -EBUSY ? -EMFILE : ret);
}

/**
 * tarn_import_get() - the import of a file, which is made if need be
 * @part: partition; the caller has its inode
 * @fd: of the file
 *
 * Two calls at once may make two of one file, or one more than a partition may have: each is
 * right by itself.
 *
 * Context: process.
 * Return: it, with a copy that the caller gives back by tarn_import_put(); or an ERR_PTR, see
 * struct tarn_partition_import.
 */
struct tarn_import *tarn_import_get(struct tarn_partition *part, int fd)
{
	struct file *file = get_file_of(fd);
	struct tarn_import *import;
	unsigned int others;

	if (IS_ERR(file))
		return ERR_CAST(file);
	import = find(part, file, &others);
	if (!import)
		import = others < TARN_IMPORT_FILES ? create(part, file) :
						      ERR_PTR(-EMFILE);
	fput(file);
	return import;
}

/* With the last one the file is let go. Context: any that may fput(). */
void tarn_import_put(struct tarn_import *import, u64 copies)
{
	if (!atomic64_sub_and_test(copies, &import->copies))
		return;
	xa_erase(&import->pool->imports, import->id);
	fput(import->file);
	kfree_rcu(import, rcu);
}

/* A copy of its is named by an entry from now on, by this cookie. */
u64 tarn_import_add(struct tarn_import *import, u64 page)
{
	atomic64_inc(&import->copies);
	return TARN_IMPORT_COOKIE | (u64)import->id << TARN_IMPORT_ID_SHIFT | page;
}

/* Of a cookie that somebody has; so it is there. */
static struct tarn_import *import_of(struct tarn_pool *pool, u64 cookie)
{
	return xa_load(&pool->imports, cookie >> TARN_IMPORT_ID_SHIFT &
				       (TARN_IMPORTS_MOST - 1));
}

/* A copy is not needed any more; nothing names it now. */
void tarn_import_drop(struct tarn_pool *pool, u64 cookie)
{
	struct tarn_import *import = import_of(pool, cookie);

	if (!WARN_ON_ONCE(!import))
		tarn_import_put(import, 1);
}

/* How many copies of a partition's pages are in files; a hint. */
u64 tarn_import_count(struct tarn_partition *part)
{
	struct tarn_import *import;
	unsigned long id;
	u64 count = 0;

	if (likely(xa_empty(&part->pool->imports)))
		return 0;
	rcu_read_lock();
	xa_for_each(&part->pool->imports, id, import)
		if (import->part == part->id)
			count += atomic64_read(&import->copies);
	rcu_read_unlock();
	return count;
}

/* ---- reading ------------------------------------------------------------ */

/* 0 or an errno. A file that has become shorter is one that can't be read. */
static int read_file(const struct import_read *read)
{
	struct bio_vec vec = {
		.bv_page = read->page,
		.bv_len = read->bytes,
	};
	loff_t at = read->at;
	struct iov_iter iter;
	ssize_t n;

	iov_iter_bvec(&iter, ITER_DEST, &vec, 1, read->bytes);
	do {
		n = vfs_iter_read(read->file, &iter, &at, 0);
	} while (n > 0 && iov_iter_count(&iter));
	if (n < 0)
		return n;
	return iov_iter_count(&iter) ? -EIO : 0;
}

/* Its load, if that was not aborted. */
static struct tarn_io *take_load(struct import_read *read)
{
	struct tarn_io *io;

	spin_lock(&reads_lock);
	io = read->io;
	if (io)
		list_del(&read->link);
	spin_unlock(&reads_lock);
	return io;
}

static void read_work(struct work_struct *work)
{
	struct import_read *read = container_of(work, struct import_read, work);
	int result = read_file(read), section;
	struct tarn_io *io;

	put_page(read->page);
	fput(read->file);
	/* As a completion of a pager's: it may leave a cookie to drop. */
	section = tarn_cookie_begin();
	io = take_load(read);
	kfree(read);
	if (io)
		tarn_io_end(io, result, TARN_COOKIE_NONE);
	tarn_cookie_end(section);
	if (!io)
		module_put(THIS_MODULE);
}

static struct import_read *read_create(struct tarn_io *io,
				       const struct tarn_import *import)
{
	struct import_read *read = kzalloc(sizeof(*read), GFP_KERNEL);

	if (!read)
		return NULL;
	INIT_WORK(&read->work, read_work);
	read->io = io;
	read->page = tarn_frame_page(io->part->pool, io->frame);
	get_page(read->page);
	read->file = get_file(import->file);
	read->at = (loff_t)(u32)io->cookie << PAGE_SHIFT;
	read->bytes = (size_t)tarn_io_pages(io) << PAGE_SHIFT;
	return read;
}

/**
 * tarn_import_read() - have a copy read that is in a file
 * @io: a load of it; not the caller's any more
 *
 * Context: process, in a section of cookies. Does not wait for the file.
 */
void tarn_import_read(struct tarn_io *io)
{
	struct tarn_import *import = import_of(io->part->pool, io->cookie);
	struct import_read *read = import ? read_create(io, import) : NULL;

	if (WARN_ON_ONCE(!import) || !read) {
		/* Who waits asks anew. */
		tarn_io_end(io, TARN_IO_ABORTED, TARN_COOKIE_NONE);
		return;
	}
	spin_lock(&reads_lock);
	list_add_tail(&read->link, &import->reads);
	spin_unlock(&reads_lock);
	queue_work(import_wq, &read->work);
}

/* ---- life --------------------------------------------------------------- */

/* They go on by themselves. */
static void abandon_reads(struct tarn_import *import, struct list_head *loads)
{
	struct import_read *read, *next;

	spin_lock(&reads_lock);
	list_for_each_entry_safe(read, next, &import->reads, link) {
		list_del(&read->link);
		__module_get(THIS_MODULE);
		list_add_tail(&read->io->link, loads);
		read->io = NULL;
	}
	spin_unlock(&reads_lock);
}

/**
 * tarn_imports_end() - the mount is gone
 * @pool: without partitions; what is read is nobody's
 *
 * Context: process.
 */
void tarn_imports_end(struct tarn_pool *pool)
{
	struct tarn_import *import;
	struct tarn_io *io, *next;
	unsigned long id;
	LIST_HEAD(loads);
	int section;

	rcu_read_lock();
	xa_for_each(&pool->imports, id, import)
		abandon_reads(import, &loads);
	rcu_read_unlock();
	section = tarn_cookie_begin();
	list_for_each_entry_safe(io, next, &loads, link)
		tarn_io_end(io, TARN_IO_ABORTED, TARN_COOKIE_NONE);
	tarn_cookie_end(section);
	WARN_ON_ONCE(!xa_empty(&pool->imports));
}

int tarn_import_init(void)
{
	import_wq = alloc_workqueue("tarn_import", WQ_UNBOUND | WQ_HIGHPRI, 0);
	return import_wq ? 0 : -ENOMEM;
}

void tarn_import_exit(void)
{
	destroy_workqueue(import_wq);
}
