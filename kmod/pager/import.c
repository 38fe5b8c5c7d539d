// SPDX-License-Identifier: GPL-2.0-only
/*
 * See import.h. How a file is read is file_reads.c's.
 */
#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfs2_ondisk.h>
#include <linux/log2.h>
#include <linux/magic.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "pager/drop.h"
#include "pager/file_reads.h"
#include "pager/import.h"
#include "pager/io.h"
#include "pool/pool.h"

/* None has the number of another one, or of what is no import. */
static_assert(!(TARN_COOKIE_FILES & (TARN_IMPORTS_MOST - 1) << TARN_IMPORT_ID_SHIFT));
static_assert(ilog2(TARN_IMPORT_PAGES) == TARN_IMPORT_ID_SHIFT);

/**
 * struct tarn_import - a file that pages of a partition are in
 * @rcu: for its end
 * @part: the partition, which whoever has a copy of it has, too: an entry, a frame or a request
 *	of its has that
 * @id: in the pool's table of imports
 * @copies: cookies that name it, and one for each who uses it; with the last one it ends
 * @reads: of the file, which nobody may open to write
 * @end: lets the file go
 *
 * Whoever has a cookie of it finds it in the pool's table, who has the partition in that.
 */
struct tarn_import {
	struct rcu_head rcu;
	struct tarn_partition *part;
	u32 id;
	atomic64_t copies;
	struct tarn_file_reads reads;
	struct work_struct end;
};

/* To let a file go may take long, and loads have nothing to do with that. */
static struct workqueue_struct *end_wq;

/* ---- which files -------------------------------------------------------- */

/* Of the kernel's own mounts, as memfds, not all who write to it are counted. */
static bool is_local(const struct super_block *sb)
{
	switch (sb->s_magic) {
	case TMPFS_MAGIC:
		return !(sb->s_flags & SB_KERNMOUNT);
	case FUSE_SUPER_MAGIC:
	case OCFS2_SUPER_MAGIC:
	case GFS2_MAGIC:
		return false;
	}
	return sb->s_type->fs_flags & FS_REQUIRES_DEV && sb->s_bdev;
}

/* Page by page, also past the page cache. */
static bool has_small_blocks(const struct file *file)
{
	const struct inode *inode = file_inode(file);
	struct block_device *bdev = S_ISBLK(inode->i_mode) ?
				    I_BDEV(file->f_mapping->host) :
				    inode->i_sb->s_bdev;

	return !bdev || bdev_logical_block_size(bdev) <= PAGE_SIZE;
}

/* A read must not depend on somebody who may let it wait. */
static bool can_be_read(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	if (!file->f_op->read_iter)
		return false;
	return (S_ISBLK(inode->i_mode) ||
		(S_ISREG(inode->i_mode) && is_local(inode->i_sb))) &&
	       has_small_blocks(file);
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

/*
 * It stays as it is: nobody has it open to write, or will. That is not for everybody to
 * decide who may read it. Of a block device the operator sees to that.
 */
static int keep_unchanged(struct file *file)
{
	if (!S_ISREG(file_inode(file)->i_mode))
		return 0;
	if (!file_owner_or_capable(file))
		return -EPERM;
	return file->f_mode & FMODE_WRITE ? -ETXTBSY : deny_write_access(file);
}

static void let_change(struct file *file)
{
	if (S_ISREG(file_inode(file)->i_mode))
		allow_write_access(file);
}

/* ---- imports ------------------------------------------------------------ */

/*
 * One that is not ending, with a copy for the caller; or NULL, and a place for it: as many as
 * there are, if there is none.
 */
static struct tarn_import *find(struct tarn_partition *part, const struct file *file,
				unsigned int shift, unsigned int *place)
{
	struct tarn_import *import, *found = NULL;
	unsigned int i;

	lockdep_assert_held(&part->import_lock);
	*place = TARN_IMPORT_FILES;
	rcu_read_lock();
	for (i = 0; i < TARN_IMPORT_FILES && !found; i++) {
		import = rcu_dereference(part->imports[i]);
		if (!import || !atomic64_read(&import->copies))
			*place = i;
		else if (import->reads.file == file && import->reads.shift == shift &&
			 atomic64_inc_not_zero(&import->copies))
			found = import;
	}
	rcu_read_unlock();
	return found;
}

/* Not by who put the last copy: of a file without a name that may take long. */
static void end_work(struct work_struct *work)
{
	struct tarn_import *import = container_of(work, struct tarn_import, end);

	let_change(import->reads.file);
	fput(import->reads.file);
	kfree_rcu(import, rcu);
}

static struct tarn_import *create(struct tarn_partition *part, struct file *file,
				  unsigned int shift, unsigned int place)
{
	struct tarn_import *import = kzalloc(sizeof(*import), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!import)
		return ERR_PTR(-ENOMEM);
	ret = keep_unchanged(file);
	if (ret)
		goto err_import;
	import->part = part;
	atomic64_set(&import->copies, 1);
	tarn_file_reads_begin(&import->reads, file, shift);
	INIT_WORK(&import->end, end_work);
	ret = xa_alloc(&part->pool->imports, &import->id, import,
		       XA_LIMIT(0, TARN_IMPORTS_MOST - 1), GFP_KERNEL_ACCOUNT);
	if (ret)
		goto err_file;
	rcu_assign_pointer(part->imports[place], import);
	return import;

err_file:
	let_change(file);
	fput(file);
err_import:
	kfree(import);
	return ERR_PTR(ret == -EBUSY ? -EMFILE : ret);
}

/**
 * tarn_import_get() - the import of a file, which is made if need be
 * @part: partition; the caller has its inode
 * @fd: of the file
 * @shift: bytes that its pages lie behind those of the file, less than a page
 *
 * Context: process.
 * Return: it, with a copy that the caller gives back by tarn_import_put(); or an ERR_PTR, see
 * struct tarn_partition_import.
 */
struct tarn_import *tarn_import_get(struct tarn_partition *part, int fd,
				    unsigned int shift)
{
	struct file *file = get_file_of(fd);
	struct tarn_import *import;
	unsigned int place;

	if (IS_ERR(file))
		return ERR_CAST(file);
	mutex_lock(&part->import_lock);
	import = find(part, file, shift, &place);
	if (!import)
		import = place < TARN_IMPORT_FILES ?
			 create(part, file, shift, place) : ERR_PTR(-EMFILE);
	mutex_unlock(&part->import_lock);
	fput(file);
	return import;
}

/* Its place may be another one's already. */
static void leave_place(struct tarn_import *import)
{
	unsigned int i;

	for (i = 0; i < TARN_IMPORT_FILES; i++)
		cmpxchg(&import->part->imports[i], RCU_INITIALIZER(import), NULL);
}

/* With the last one the file is let go, a moment later. Context: process; does not wait. */
void tarn_import_put(struct tarn_import *import, u64 copies)
{
	if (!atomic64_sub_and_test(copies, &import->copies))
		return;
	leave_place(import);
	xa_erase(&import->part->pool->imports, import->id);
	queue_work(end_wq, &import->end);
}

/* A copy of its is named by an entry from now on, by this cookie. */
u64 tarn_import_add(struct tarn_import *import, u64 page)
{
	atomic64_inc(&import->copies);
	return TARN_COOKIE_FILES | (u64)import->id << TARN_IMPORT_ID_SHIFT | page;
}

/* Of a cookie that somebody has; so it is there. */
static struct tarn_import *import_of(struct tarn_pool *pool, u64 cookie)
{
	return xa_load(&pool->imports,
		       (cookie - TARN_COOKIE_FILES) >> TARN_IMPORT_ID_SHIFT);
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
	unsigned int i;
	u64 count = 0;

	rcu_read_lock();
	for (i = 0; i < TARN_IMPORT_FILES; i++) {
		import = rcu_dereference(part->imports[i]);
		if (import)
			count += atomic64_read(&import->copies);
	}
	rcu_read_unlock();
	return count;
}

/* ---- their pages -------------------------------------------------------- */

/**
 * tarn_import_read() - have a copy read that is in a file
 * @io: a load of it; not the caller's any more
 *
 * Context: process, in a section of cookies. Does not wait for the file.
 */
void tarn_import_read(struct tarn_io *io)
{
	struct tarn_import *import = import_of(io->part->pool, io->cookie);

	tarn_cookie_assert();
	/* Who waits asks anew. */
	if (WARN_ON_ONCE(!import) || !tarn_file_reads_submit(&import->reads, io))
		tarn_io_end(io, TARN_IO_ABORTED, TARN_COOKIE_NONE);
}

/*
 * The import of a cookie that a page of the partition had, with a copy for the caller. NULL: it
 * is gone, or its number is another one's.
 */
static struct tarn_import *get_import_of(struct tarn_partition *part, u64 cookie)
{
	struct tarn_import *import;

	rcu_read_lock();
	import = import_of(part->pool, cookie);
	if (import && (import->part != part ||
		       !atomic64_inc_not_zero(&import->copies)))
		import = NULL;
	rcu_read_unlock();
	return import;
}

/**
 * tarn_import_want() - somebody waits for a load that was begun as a guess
 * @part: partition
 * @index: page
 * @cookie: its copy's, which the caller saw
 *
 * Context: process.
 */
void tarn_import_want(struct tarn_partition *part, u64 index, u64 cookie)
{
	struct tarn_import *import = get_import_of(part, cookie);

	if (!import)
		return;
	tarn_file_reads_want(&import->reads, part, index, cookie);
	tarn_import_put(import, 1);
}

/**
 * tarn_import_wait() - wait until a file may be asked for more that nobody waits for
 * @part: partition; the caller has its inode
 * @cookie: of a copy of a page of its, which the caller saw
 *
 * Context: process.
 * Return: 0, -ETIME or -ERESTARTSYS, see tarn_file_reads_wait().
 */
int tarn_import_wait(struct tarn_partition *part, u64 cookie)
{
	struct tarn_import *import = get_import_of(part, cookie);
	int ret;

	if (!import)
		return 0;
	ret = tarn_file_reads_wait(&import->reads);
	tarn_import_put(import, 1);
	return ret;
}

/* ---- life --------------------------------------------------------------- */

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
		tarn_file_reads_end(&import->reads, &loads);
	rcu_read_unlock();
	section = tarn_cookie_begin();
	list_for_each_entry_safe(io, next, &loads, link) {
		list_del_init(&io->link);
		tarn_io_end(io, TARN_IO_ABORTED, TARN_COOKIE_NONE);
	}
	tarn_cookie_end(section);
	/* Loads that had ended, and are just being settled, have frames of the pool. */
	tarn_cookie_synchronize();
	WARN_ON_ONCE(!xa_empty(&pool->imports));
}

int tarn_import_init(void)
{
	int ret = tarn_file_reads_init();

	if (ret)
		return ret;
	end_wq = alloc_workqueue("tarn_import_end", WQ_UNBOUND, 0);
	if (end_wq)
		return 0;
	tarn_file_reads_exit();
	return -ENOMEM;
}

void tarn_import_exit(void)
{
	/* Reads may have the last copies. */
	tarn_file_reads_exit();
	destroy_workqueue(end_wq);
}
