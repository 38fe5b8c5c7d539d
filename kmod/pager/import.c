// SPDX-License-Identifier: GPL-2.0-only
/*
 * See import.h. A file is read by work items: to read one may wait for its filesystem, and who
 * faults may hold mmap_lock. Loads wait in their import until it is their turn, those that
 * somebody waits for first; some that follow each other in the file are one read. Each import
 * has a few reads under way at most, so a file that hangs keeps nobody but its own partition
 * waiting.
 *
 * A read can't be taken back. So when the pool ends its loads are aborted, and the read goes
 * on with nothing but its pages, its file and the module; the frames stay in limbo until then.
 */
#include <linux/blkdev.h>
#include <linux/bvec.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfs2_ondisk.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "pager/drop.h"
#include "pager/import.h"
#include "pager/io.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Reads of an import under way at once; of these, such as nobody waits for. */
#define READS_MOST	8
#define GUESSES_MOST	6
/* Loads of one read, and bytes behind which no more are added. */
#define LOADS_MOST	32
#define BYTES_MOST	(1U << 20)
/* Of so many reads one is of loads that nobody waits for, if there are any. */
#define GUESS_TURN	8
/* Loads that wait, behind which guesses do, and for how long. */
#define WAITING_MOST	(4 * LOADS_MOST)
#define WAIT_MOST	(HZ / 10)

/**
 * struct tarn_import - a file that pages of a partition are in
 * @rcu: for its end
 * @pool: of the partition
 * @part: its id
 * @id: in the pool's table of imports
 * @file: keeps it open; nobody may open it to write
 * @shift: bytes that its pages lie behind those of the file
 * @copies: cookies that name it, and one for each who uses it; with the last one it ends
 * @asked: loads that wait, and somebody for them
 * @guessed: loads that wait, and nobody for them
 * @waiting: how many they are together
 * @turns: reads that were begun
 * @reads: under way, struct import_read
 * @nr_reads: how many
 * @end: lets the file go
 *
 * Whoever has a cookie of it finds it in the table. From @asked to @nr_reads all is under
 * reads_lock.
 */
struct tarn_import {
	struct rcu_head rcu;
	struct tarn_pool *pool;
	u32 part;
	u32 id;
	struct file *file;
	unsigned int shift;
	atomic64_t copies;
	struct list_head asked;
	struct list_head guessed;
	unsigned int waiting;
	unsigned int turns;
	struct list_head reads;
	unsigned int nr_reads;
	struct work_struct end;
};

/**
 * struct run - loads of pages that follow each other in the file
 * @count: how many
 * @bytes: that they are about
 * @io: them, in that order
 * @page: of the import, of each
 * @vec: their frames, of which each first page is referenced
 * @result: how they went
 */
struct run {
	unsigned int count;
	size_t bytes;
	struct tarn_io *io[LOADS_MOST];
	u32 page[LOADS_MOST];
	struct bio_vec vec[LOADS_MOST];
	int result[LOADS_MOST];
};

/**
 * struct import_read - a file being read, one run after the other
 * @work: does it
 * @import: of the file, on whose list it is; NULL: the pool ended
 * @link: on that list
 * @file: referenced
 * @shift: the import's
 * @turn: which of @run is being read; the other one is settled meanwhile
 * @run: loads; without the import they are not the read's any more either
 */
struct import_read {
	struct work_struct work;
	struct tarn_import *import;
	struct list_head link;
	struct file *file;
	unsigned int shift;
	unsigned int turn;
	struct run run[2];
};

/* Who is in a table: one call at a time puts an import there. */
static DEFINE_MUTEX(imports_lock);
/* Loads and reads of all imports; held for a moment where a file is read. */
static DEFINE_SPINLOCK(reads_lock);
static struct workqueue_struct *import_wq;

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
	const struct inode *inode = file_inode(file);

	if (!S_ISREG(inode->i_mode))
		return 0;
	if (!uid_eq(current_fsuid(), inode->i_uid) && !capable(CAP_FOWNER))
		return -EPERM;
	return file->f_mode & FMODE_WRITE ? -ETXTBSY : deny_write_access(file);
}

static void let_change(struct file *file)
{
	if (S_ISREG(file_inode(file)->i_mode))
		allow_write_access(file);
}

/* ---- imports ------------------------------------------------------------ */

/* One that is not ending, with a copy for the caller. @others: how many the partition has. */
static struct tarn_import *find(struct tarn_partition *part, const struct file *file,
				unsigned int shift, unsigned int *others)
{
	struct tarn_import *import, *found = NULL;
	unsigned long id;

	lockdep_assert_held(&imports_lock);
	*others = 0;
	rcu_read_lock();
	xa_for_each(&part->pool->imports, id, import) {
		if (import->part != part->id || !atomic64_read(&import->copies))
			continue;
		++*others;
		if (import->file == file && import->shift == shift &&
		    atomic64_inc_not_zero(&import->copies)) {
			found = import;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* Not by who put the last copy: of a file without a name that may take long. */
static void end_work(struct work_struct *work)
{
	struct tarn_import *import = container_of(work, struct tarn_import, end);

	let_change(import->file);
	fput(import->file);
	kfree_rcu(import, rcu);
}

static struct tarn_import *create(struct tarn_partition *part, struct file *file,
				  unsigned int shift)
{
	struct tarn_import *import = kzalloc(sizeof(*import), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!import)
		return ERR_PTR(-ENOMEM);
	ret = keep_unchanged(file);
	if (ret)
		goto err_import;
	import->pool = part->pool;
	import->part = part->id;
	import->file = get_file(file);
	import->shift = shift;
	atomic64_set(&import->copies, 1);
	INIT_LIST_HEAD(&import->asked);
	INIT_LIST_HEAD(&import->guessed);
	INIT_LIST_HEAD(&import->reads);
	INIT_WORK(&import->end, end_work);
	ret = xa_alloc(&part->pool->imports, &import->id, import,
		       XA_LIMIT(0, TARN_IMPORTS_MOST - 1), GFP_KERNEL_ACCOUNT);
	if (!ret)
		return import;
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
	unsigned int others;

	if (IS_ERR(file))
		return ERR_CAST(file);
	mutex_lock(&imports_lock);
	import = find(part, file, shift, &others);
	if (!import)
		import = others < TARN_IMPORT_FILES ? create(part, file, shift) :
						      ERR_PTR(-EMFILE);
	mutex_unlock(&imports_lock);
	fput(file);
	return import;
}

/* With the last one the file is let go, a moment later. Context: process. */
void tarn_import_put(struct tarn_import *import, u64 copies)
{
	if (!atomic64_sub_and_test(copies, &import->copies))
		return;
	xa_erase(&import->pool->imports, import->id);
	queue_work(import_wq, &import->end);
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

/* ---- which loads -------------------------------------------------------- */

static void add(struct run *run, struct tarn_io *io)
{
	struct page *page = tarn_frame_page(io->part->pool, io->frame);
	size_t bytes = (size_t)tarn_io_pages(io) << PAGE_SHIFT;

	get_page(page);
	run->vec[run->count] = (struct bio_vec) {
		.bv_page = page,
		.bv_len = bytes,
	};
	run->page[run->count] = (u32)io->cookie;
	run->io[run->count++] = io;
	run->bytes += bytes;
}

/* Does a load go on in the file where a run ends? */
static bool follows(const struct run *run, const struct tarn_io *io)
{
	return (u32)io->cookie == run->page[0] + (run->bytes >> PAGE_SHIFT);
}

/* Mostly those that somebody waits for. With @others reads under way. */
static struct list_head *next_list(struct tarn_import *import, unsigned int others)
{
	bool guess = list_empty(&import->asked) ||
		     !(import->turns % GUESS_TURN);

	lockdep_assert_held(&reads_lock);
	return guess && !list_empty(&import->guessed) && others < GUESSES_MOST ?
	       &import->guessed : &import->asked;
}

/* The next ones of an import. False: there are none for now. */
static bool take_run(struct tarn_import *import, struct run *run,
		     unsigned int others)
{
	struct list_head *list = next_list(import, others);
	struct tarn_io *io, *next;

	run->count = 0;
	run->bytes = 0;
	list_for_each_entry_safe(io, next, list, link) {
		if (run->count == LOADS_MOST || run->bytes >= BYTES_MOST ||
		    (run->count && !follows(run, io)))
			break;
		list_del_init(&io->link);
		add(run, io);
	}
	import->turns++;
	import->waiting -= run->count;
	/* Pairs with the barrier of who waits, in prepare_to_wait_event(). */
	smp_mb();
	wake_up_var(&import->waiting);
	return run->count;
}

/* ---- reading ------------------------------------------------------------ */

/*
 * Past the page cache if the file is opened so, and its pages lie as devices want them. Who gave
 * it was allowed to read it, and as a kernel thread there is nobody else to ask about.
 */
static ssize_t read_at(struct file *file, struct iov_iter *iter, loff_t *at)
{
	struct kiocb iocb;
	ssize_t n;

	init_sync_kiocb(&iocb, file);
	if (!PAGE_ALIGNED(*at))
		iocb.ki_flags &= ~IOCB_DIRECT;
	iocb.ki_pos = *at;
	n = file->f_op->read_iter(&iocb, iter);
	*at = iocb.ki_pos;
	return n;
}

/* 0 or an errno. A file that has become shorter is one that can't be read. */
static int read_some(const struct import_read *read, const struct run *run,
		     unsigned int from, unsigned int count, size_t bytes)
{
	loff_t at = ((loff_t)run->page[from] << PAGE_SHIFT) + read->shift;
	struct iov_iter iter;
	ssize_t n;

	iov_iter_bvec(&iter, ITER_DEST, run->vec + from, count, bytes);
	do {
		n = read_at(read->file, &iter, &at);
	} while (n > 0 && iov_iter_count(&iter));
	if (n < 0)
		return n;
	return iov_iter_count(&iter) ? -EIO : 0;
}

/* What can't be read together may be read alone, but for what is bad. */
static void read_run(struct import_read *read, struct run *run)
{
	int ret = read_some(read, run, 0, run->count, run->bytes);
	unsigned int i;

	for (i = 0; i < run->count; i++) {
		run->result[i] = ret;
		if (ret && run->count > 1)
			run->result[i] = read_some(read, run, i, 1,
						   run->vec[i].bv_len);
	}
	for (i = 0; i < run->count; i++)
		put_page(run->vec[i].bv_page);
}

/* A lack of memory, or a kernel thread's signal, says nothing of the file: who waits asks anew. */
static int result_of(int result)
{
	return result == -ENOMEM || result == -EINTR || result == -EAGAIN ?
	       TARN_IO_ABORTED : result;
}

/*
 * Without its import a run is somebody else's. @more: there is another one to be read, in
 * its turn from now on.
 */
static bool is_ours(struct import_read *read, bool *more)
{
	struct tarn_import *import;
	bool ours;

	spin_lock(&reads_lock);
	import = read->import;
	ours = import;
	*more = false;
	if (ours) {
		*more = take_run(import, &read->run[!read->turn],
				 import->nr_reads - 1);
		if (*more) {
			read->turn = !read->turn;
		} else {
			list_del(&read->link);
			import->nr_reads--;
		}
	}
	spin_unlock(&reads_lock);
	return ours;
}

static void read_work(struct work_struct *work)
{
	struct import_read *read = container_of(work, struct import_read, work);
	struct run *run = &read->run[read->turn];
	bool ours, more;
	unsigned int i;
	int section;

	read_run(read, run);
	/* As a completion of a pager's: it may leave a cookie to drop. */
	section = tarn_cookie_begin();
	ours = is_ours(read, &more);
	/* Which begins when this function has ended. */
	if (more)
		queue_work(import_wq, &read->work);
	for (i = 0; ours && i < run->count; i++)
		tarn_io_end(run->io[i], result_of(run->result[i]), TARN_COOKIE_NONE);
	tarn_cookie_end(section);
	if (more)
		return;
	fput(read->file);
	kfree(read);
	if (!ours)
		module_put(THIS_MODULE);
}

static struct import_read *read_create(struct tarn_import *import)
{
	struct import_read *read = kzalloc(sizeof(*read), GFP_KERNEL);

	if (!read)
		return NULL;
	INIT_WORK(&read->work, read_work);
	read->import = import;
	read->file = get_file(import->file);
	read->shift = import->shift;
	return read;
}

static void read_free(struct import_read *read)
{
	if (!read)
		return;
	fput(read->file);
	kfree(read);
}

/* One that was not needed is given back. */
static struct import_read *begin(struct tarn_import *import, struct import_read *read)
{
	lockdep_assert_held(&reads_lock);
	if (!read || import->nr_reads == READS_MOST ||
	    !take_run(import, &read->run[0], import->nr_reads))
		return read;
	list_add_tail(&read->link, &import->reads);
	import->nr_reads++;
	queue_work(import_wq, &read->work);
	return NULL;
}

/* False: the pool has ended, or nobody would read it. */
static bool submit(struct tarn_import *import, struct tarn_io *io,
		   struct import_read **read)
{
	bool taken = false;

	spin_lock(&reads_lock);
	if (!import->pool->no_imports && (*read || import->nr_reads)) {
		list_add_tail(&io->link, io->asked ? &import->asked :
						     &import->guessed);
		import->waiting++;
		*read = begin(import, *read);
		taken = true;
	}
	spin_unlock(&reads_lock);
	return taken;
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
	struct import_read *read = NULL;
	bool taken = false;

	if (!WARN_ON_ONCE(!import)) {
		if (READ_ONCE(import->nr_reads) < READS_MOST)
			read = read_create(import);
		taken = submit(import, io, &read);
	}
	read_free(read);
	/* Who waits asks anew. */
	if (!taken)
		tarn_io_end(io, TARN_IO_ABORTED, TARN_COOKIE_NONE);
}

/* The import of a cookie that somebody had, with a copy for the caller; NULL: it is gone. */
static struct tarn_import *get_import_of(struct tarn_pool *pool, u64 cookie)
{
	struct tarn_import *import;

	rcu_read_lock();
	import = import_of(pool, cookie);
	if (import && !atomic64_inc_not_zero(&import->copies))
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
	struct tarn_import *import = get_import_of(part->pool, cookie);
	struct import_read *read = NULL;
	struct tarn_io *io;

	if (!import)
		return;
	/* Mostly it was begun for who waits. */
	if (list_empty_careful(&import->guessed))
		goto out;
	if (READ_ONCE(import->nr_reads) < READS_MOST)
		read = read_create(import);
	spin_lock(&reads_lock);
	list_for_each_entry(io, &import->guessed, link) {
		if (io->index != index || io->part != part)
			continue;
		list_move_tail(&io->link, &import->asked);
		break;
	}
	read = begin(import, read);
	spin_unlock(&reads_lock);
	read_free(read);
out:
	tarn_import_put(import, 1);
}

/* Jiffies that are left, none, or -ERESTARTSYS. */
static long wait_for_room(struct tarn_import *import)
{
	return ___wait_var_event(&import->waiting,
			___wait_cond_timeout(READ_ONCE(import->waiting) < WAITING_MOST),
			TASK_INTERRUPTIBLE, 0, WAIT_MOST,
			__ret = schedule_timeout(__ret));
}

/**
 * tarn_import_wait() - wait until a file may be asked for more that nobody waits for
 * @pool: of this pool
 * @cookie: of a copy in it, which the caller saw
 *
 * Context: process, with the inode of a partition whose page it was.
 * Return: 0; -ETIME: the file is slow, and who called may look whether he still wants to
 * wait; -ERESTARTSYS a signal.
 */
int tarn_import_wait(struct tarn_pool *pool, u64 cookie)
{
	struct tarn_import *import = get_import_of(pool, cookie);
	long left;

	if (!import)
		return 0;
	left = wait_for_room(import);
	tarn_import_put(import, 1);
	return left > 0 ? 0 : left ?: -ETIME;
}

/* ---- life --------------------------------------------------------------- */

/* What is read goes on by itself, what waits is not begun. */
static void abandon(struct tarn_import *import, struct list_head *loads)
{
	struct import_read *read, *next;
	unsigned int i;

	lockdep_assert_held(&reads_lock);
	list_splice_tail_init(&import->asked, loads);
	list_splice_tail_init(&import->guessed, loads);
	import->waiting = 0;
	list_for_each_entry_safe(read, next, &import->reads, link) {
		struct run *run = &read->run[read->turn];

		list_del(&read->link);
		read->import = NULL;
		__module_get(THIS_MODULE);
		for (i = 0; i < run->count; i++)
			list_add_tail(&run->io[i]->link, loads);
	}
	import->nr_reads = 0;
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
	spin_lock(&reads_lock);
	pool->no_imports = true;
	xa_for_each(&pool->imports, id, import)
		abandon(import, &loads);
	spin_unlock(&reads_lock);
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
	import_wq = alloc_workqueue("tarn_import", WQ_UNBOUND | WQ_HIGHPRI,
				    WQ_MAX_ACTIVE);
	return import_wq ? 0 : -ENOMEM;
}

void tarn_import_exit(void)
{
	destroy_workqueue(import_wq);
}
