// SPDX-License-Identifier: GPL-2.0-only
/* See file_reads.h. */
#include <linux/bvec.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "pager/drop.h"
#include "pager/file_reads.h"
#include "pager/import.h"
#include "pager/io.h"
#include "pool/partition.h"

/* Reads of a file under way at once; of these, such as nobody waits for. */
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
/* And behind which a guess is none: who wants one of them looks at no more. */
#define GUESSES_END	(8 * WAITING_MOST)

/**
 * struct run - loads of pages that follow each other in the file
 * @count: how many
 * @bytes: that they are about
 * @io: them, in that order
 * @page: of the file, of each
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
 * struct file_read - a file being read, one run after the other
 * @work: does it
 * @reads: on whose list it is; NULL: the pool ended. Changed under their lock, to which RCU
 *	leads
 * @link: on that list
 * @file: referenced
 * @shift: theirs
 * @turn: which of @run is being read; the other one is settled meanwhile
 * @run: loads; without @reads they are not the read's any more either
 */
struct file_read {
	struct work_struct work;
	struct tarn_file_reads *reads;
	struct list_head link;
	struct file *file;
	unsigned int shift;
	unsigned int turn;
	struct run run[2];
};

static struct workqueue_struct *read_wq;

/* ---- which loads -------------------------------------------------------- */

static void set_waiting(struct tarn_file_reads *reads, unsigned int waiting)
{
	lockdep_assert_held(&reads->lock);
	WRITE_ONCE(reads->waiting, waiting);
}

static void set_under_way(struct tarn_file_reads *reads, unsigned int nr)
{
	lockdep_assert_held(&reads->lock);
	WRITE_ONCE(reads->nr_under_way, nr);
}

static void add(struct run *run, struct tarn_io *io)
{
	struct page *page = tarn_frame_page(io->part->pool, io->frame);
	size_t bytes = (size_t)tarn_io_pages(io) << PAGE_SHIFT;

	get_page(page);
	run->vec[run->count] = (struct bio_vec) {
		.bv_page = page,
		.bv_len = bytes,
	};
	run->page[run->count] = tarn_import_page(io->cookie);
	run->io[run->count++] = io;
	run->bytes += bytes;
}

/* Does a load go on in the file where a run ends? */
static bool follows(const struct run *run, const struct tarn_io *io)
{
	return tarn_import_page(io->cookie) ==
	       run->page[0] + (run->bytes >> PAGE_SHIFT);
}

/* Mostly those that somebody waits for. With @others reads under way. */
static struct list_head *next_list(struct tarn_file_reads *reads, unsigned int others)
{
	bool guess = list_empty(&reads->asked) ||
		     !(reads->turns % GUESS_TURN);

	lockdep_assert_held(&reads->lock);
	return guess && !list_empty(&reads->guessed) && others < GUESSES_MOST ?
	       &reads->guessed : &reads->asked;
}

/* The next ones. False: there are none for now. */
static bool take_run(struct tarn_file_reads *reads, struct run *run,
		     unsigned int others)
{
	struct list_head *list = next_list(reads, others);
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
	reads->turns++;
	set_waiting(reads, reads->waiting - run->count);
	/* Pairs with the barrier of who waits, in prepare_to_wait_event(). */
	smp_mb();
	wake_up_var(&reads->waiting);
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
static int read_some(const struct file_read *read, const struct run *run,
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
static void read_run(struct file_read *read, struct run *run)
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

/* The next run is read in its turn, or there is none: then it ends. */
static bool go_on(struct tarn_file_reads *reads, struct file_read *read)
{
	if (take_run(reads, &read->run[!read->turn], reads->nr_under_way - 1)) {
		read->turn = !read->turn;
		return true;
	}
	list_del(&read->link);
	set_under_way(reads, reads->nr_under_way - 1);
	return false;
}

/*
 * Without its list a run is somebody else's. @more: there is another one to be read, in its
 * turn from now on.
 */
static bool is_ours(struct file_read *read, bool *more)
{
	struct tarn_file_reads *reads;
	bool ours = false;

	*more = false;
	/* Whoever takes the run may let the file go at once. */
	rcu_read_lock();
	reads = READ_ONCE(read->reads);
	if (reads) {
		spin_lock(&reads->lock);
		ours = read->reads;
		if (ours)
			*more = go_on(reads, read);
		spin_unlock(&reads->lock);
	}
	rcu_read_unlock();
	return ours;
}

static void read_free(struct file_read *read)
{
	if (!read)
		return;
	fput(read->file);
	kfree(read);
}

static void read_work(struct work_struct *work)
{
	struct file_read *read = container_of(work, struct file_read, work);
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
		queue_work(read_wq, &read->work);
	for (i = 0; ours && i < run->count; i++)
		tarn_io_end(run->io[i], result_of(run->result[i]), TARN_COOKIE_NONE);
	tarn_cookie_end(section);
	if (more)
		return;
	read_free(read);
	if (!ours)
		module_put(THIS_MODULE);
}

/* For who may need one; NULL: enough are under way, or there is no memory. */
static struct file_read *read_create(struct tarn_file_reads *reads)
{
	struct file_read *read;

	if (READ_ONCE(reads->nr_under_way) >= READS_MOST)
		return NULL;
	read = kzalloc(sizeof(*read), GFP_KERNEL);
	if (!read)
		return NULL;
	INIT_WORK(&read->work, read_work);
	read->reads = reads;
	read->file = get_file(reads->file);
	read->shift = reads->shift;
	return read;
}

/* One that was not needed is given back. */
static struct file_read *begin(struct tarn_file_reads *reads, struct file_read *read)
{
	lockdep_assert_held(&reads->lock);
	if (!read || reads->nr_under_way == READS_MOST ||
	    !take_run(reads, &read->run[0], reads->nr_under_way))
		return read;
	list_add_tail(&read->link, &reads->under_way);
	set_under_way(reads, reads->nr_under_way + 1);
	queue_work(read_wq, &read->work);
	return NULL;
}

/* ---- for imports -------------------------------------------------------- */

void tarn_file_reads_begin(struct tarn_file_reads *reads, struct file *file,
			   unsigned int shift)
{
	reads->file = get_file(file);
	reads->shift = shift;
	spin_lock_init(&reads->lock);
	INIT_LIST_HEAD(&reads->asked);
	INIT_LIST_HEAD(&reads->guessed);
	INIT_LIST_HEAD(&reads->under_way);
}

static bool may_wait(const struct tarn_file_reads *reads, const struct tarn_io *io)
{
	return !reads->ended && (io->asked || reads->waiting < GUESSES_END);
}

/**
 * tarn_file_reads_submit() - have a page read
 * @reads: of the file that it is in
 * @io: a load of it; if true is returned, not the caller's any more
 *
 * Context: process, in a section of cookies. Does not wait for the file.
 * Return: false: the pool has ended, nobody would read it, or it is a guess too many.
 */
bool tarn_file_reads_submit(struct tarn_file_reads *reads, struct tarn_io *io)
{
	struct file_read *read = read_create(reads);
	bool taken = false;

	/* As soon as it is on the list it may be read, and have been the last one of the file. */
	rcu_read_lock();
	spin_lock(&reads->lock);
	/* Only those that are under way look at the lists when they end, and some may hang. */
	if (may_wait(reads, io) && (read || reads->nr_under_way == READS_MOST)) {
		list_add_tail(&io->link, io->asked ? &reads->asked :
						     &reads->guessed);
		set_waiting(reads, reads->waiting + 1);
		read = begin(reads, read);
		taken = true;
	}
	spin_unlock(&reads->lock);
	rcu_read_unlock();
	read_free(read);
	return taken;
}

/**
 * tarn_file_reads_want() - somebody waits for a load that was begun as a guess
 * @reads: of the file; the caller has a copy in it
 * @part: partition
 * @index: page
 * @cookie: its copy's, which the caller saw
 *
 * Context: process.
 */
void tarn_file_reads_want(struct tarn_file_reads *reads, struct tarn_partition *part,
			  u64 index, u64 cookie)
{
	struct file_read *read;
	struct tarn_io *io;

	/* Mostly it was begun for who waits. */
	if (list_empty_careful(&reads->guessed))
		return;
	read = read_create(reads);
	spin_lock(&reads->lock);
	list_for_each_entry(io, &reads->guessed, link) {
		if (io->index != index || io->cookie != cookie || io->part != part)
			continue;
		list_move_tail(&io->link, &reads->asked);
		break;
	}
	read = begin(reads, read);
	spin_unlock(&reads->lock);
	read_free(read);
}

/**
 * tarn_file_reads_wait() - wait until a file may be asked for more that nobody waits for
 * @reads: of the file; the caller has a copy in it
 *
 * Context: process.
 * Return: 0; -ETIME: the file is slow, and who called may look whether he still wants to
 * wait; -ERESTARTSYS a signal.
 */
int tarn_file_reads_wait(struct tarn_file_reads *reads)
{
	/* Jiffies that are left, none, or the signal. */
	long left = ___wait_var_event(&reads->waiting,
			___wait_cond_timeout(READ_ONCE(reads->waiting) < WAITING_MOST),
			TASK_INTERRUPTIBLE, 0, WAIT_MOST,
			__ret = schedule_timeout(__ret));

	return left > 0 ? 0 : left ?: -ETIME;
}

/**
 * tarn_file_reads_end() - the pool ends
 * @reads: what is read goes on by itself, what waits is not begun
 * @loads: loads of either, that the caller aborts, are added here
 *
 * Context: any, under RCU.
 */
void tarn_file_reads_end(struct tarn_file_reads *reads, struct list_head *loads)
{
	struct file_read *read, *next;
	unsigned int i;

	spin_lock(&reads->lock);
	reads->ended = true;
	list_splice_tail_init(&reads->asked, loads);
	list_splice_tail_init(&reads->guessed, loads);
	set_waiting(reads, 0);
	list_for_each_entry_safe(read, next, &reads->under_way, link) {
		struct run *run = &read->run[read->turn];

		list_del(&read->link);
		WRITE_ONCE(read->reads, NULL);
		__module_get(THIS_MODULE);
		for (i = 0; i < run->count; i++)
			list_add_tail(&run->io[i]->link, loads);
	}
	set_under_way(reads, 0);
	spin_unlock(&reads->lock);
}

/* ---- life --------------------------------------------------------------- */

int tarn_file_reads_init(void)
{
	read_wq = alloc_workqueue("tarn_import", WQ_UNBOUND | WQ_HIGHPRI,
				  WQ_MAX_ACTIVE);
	return read_wq ? 0 : -ENOMEM;
}

void tarn_file_reads_exit(void)
{
	destroy_workqueue(read_wq);
}
