// SPDX-License-Identifier: GPL-2.0-only
/*
 * See io.h. What goes wrong, in order of the measures taken:
 *
 * - An error that passes (EAGAIN, EINTR, ENOMEM) is tried again.
 * - A mirror's leg that fails is done without: a load reads the other one, a
 *   store is good if it reached one good leg.
 * - An I/O of several pages that fails is split into single ones.
 * - A load is answered with EIO then. A store marks its slot bad and goes to
 *   another device, and is answered with EIO when all have been tried.
 * - ENOSPC of a file closes its device to stores until there is room.
 */
#include "io.h"
#include "attach.h"
#include "log.h"
#include "mirror.h"
#include "status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IO_RETRIES 8

static bool error_passes(s32 error)
{
	return error == -EAGAIN || error == -EINTR || error == -ENOMEM;
}

static bool error_is_room(s32 error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

static struct io *io_get(struct queue *q)
{
	struct io *io = q->free_ios;

	/* As many as tasks, and each has one at least. */
	if (!io)
		abort();
	q->free_ios = io->next;
	q->nr_ios++;
	return io;
}

static void io_put(struct queue *q, struct io *io)
{
	io->next = q->free_ios;
	q->free_ios = io;
	q->nr_ios--;
}

/* Cut @tasks after @nr; returns the rest. */
static struct task *split_tasks(struct task *tasks, u32 nr)
{
	struct task *rest;

	while (--nr)
		tasks = tasks->next;
	rest = tasks->next;
	tasks->next = NULL;
	return rest;
}

static void fill_iov(struct queue *q, struct io *io)
{
	struct iovec *iov = NULL;
	struct task *task;
	u8 *page;

	io->niov = 0;
	for (task = io->tasks; task; task = task->next) {
		page = q->at->window + (task->frame << PAGER_PAGE_SHIFT);
		if (iov && (u8 *)iov->iov_base + iov->iov_len == page) {
			iov->iov_len += PAGER_PAGE_SIZE;
			continue;
		}
		iov = &io->iov[io->niov++];
		iov->iov_base = page;
		iov->iov_len = PAGER_PAGE_SIZE;
	}
}

/* The ring's table learns of a leg when it is first used. */
static bool register_leg(struct queue *q, unsigned int index,
			 const struct leg *leg)
{
	int fd = leg->fd;
	int ret;

	if (q->registered[index] == leg->serial)
		return true;
	ret = io_uring_register_files_update(&q->ring, index, &fd, 1);
	if (ret != 1)
		return false;
	q->registered[index] = leg->serial;
	return true;
}

static void ask_leg(struct queue *q, struct io *io, unsigned int leg_number)
{
	struct device *dev = io->ext.dev;
	struct leg *leg = &dev->legs[leg_number];
	unsigned int index = dev->number * LAYOUT_MAX_LEGS + leg_number;
	struct io_uring_sqe *sqe = queue_get_sqe(q);
	u64 offset = io->ext.slot << PAGER_PAGE_SHIFT;
	bool fixed = register_leg(q, index, leg);
	int fd = fixed ? (int)index : leg->fd;

	if (io->niov > 1 && io->write)
		io_uring_prep_writev(sqe, fd, io->iov, io->niov, offset);
	else if (io->niov > 1)
		io_uring_prep_readv(sqe, fd, io->iov, io->niov, offset);
	else if (io->write)
		io_uring_prep_write(sqe, fd, io->iov[0].iov_base,
				    io->iov[0].iov_len, offset);
	else
		io_uring_prep_read(sqe, fd, io->iov[0].iov_base,
				   io->iov[0].iov_len, offset);
	if (fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, (uintptr_t)io | leg_number);
	counter_add(&q->counters.ios, 1);
}

static void ask_legs(struct queue *q, struct io *io, unsigned int legs)
{
	unsigned int i;

	io->legs = legs;
	io->failed = 0;
	io->error = 0;
	io->pending = __builtin_popcount(legs);
	for (i = 0; i < LAYOUT_MAX_LEGS; i++)
		if (legs & 1 << i)
			ask_leg(q, io, i);
}

static void begin_io(struct queue *q, struct task *tasks,
		     const struct extent *ext, bool write)
{
	struct io *io = io_get(q);

	io->tasks = tasks;
	io->ext = *ext;
	io->write = write;
	io->retries = 0;
	fill_iov(q, io);
	if (write)
		ask_legs(q, io, mirror_write_legs(ext->dev));
	else
		ask_legs(q, io, 1U << mirror_read_leg(ext->dev, ext->slot));
}

/* Complete all tasks with @result. */
static void answer_tasks(struct queue *q, struct task *tasks, s32 result)
{
	struct task *next;

	for (; tasks; tasks = next) {
		next = tasks->next;
		if (result && tasks->op == TARN_OP_LOAD)
			counter_add(&q->counters.load_errors, 1);
		else if (result)
			counter_add(&q->counters.store_errors, 1);
		queue_complete(q, tasks, result, TARN_COOKIE_NONE);
	}
}

/* ---- loads --------------------------------------------------------------- */

/*
 * The content that was read before was wrong. A plain device has nothing else;
 * a mirror has the other leg, and does without the first from now on.
 */
static bool load_other_copy(struct queue *q, const struct extent *ext)
{
	unsigned int wrong = mirror_read_leg(ext->dev, ext->slot);

	mirror_mismatch(ext->dev, ext->slot);
	if (ext->dev->nr_legs == 1 ||
	    leg_state(&ext->dev->legs[!wrong]) != LEG_GOOD)
		return false;
	if (mirror_leg_failed(ext->dev, wrong))
		status_poke();
	return true;
}

/**
 * io_load() - read pages whose cookies follow each other
 * @nr: length of @tasks; 1 where one has TARN_REQ_MISMATCH
 */
void io_load(struct queue *q, struct task *tasks, u32 nr)
{
	u64 cookie = tasks->cookie;
	struct extent ext = {
		.dev = devices_of_cookie(q->devices, cookie),
		.slot = cookie_slot(cookie),
		.count = nr,
	};

	counter_add(&q->counters.loads, nr);
	if (!ext.dev || ext.slot + nr - 1 > ext.dev->slots.count) {
		log_limited(LOG_ERR, "asked for cookie %#llx, which is none",
			    (unsigned long long)cookie);
		answer_tasks(q, tasks, -EIO);
		return;
	}
	if (tasks->flags & TARN_REQ_MISMATCH && !load_other_copy(q, &ext)) {
		answer_tasks(q, tasks, -EILSEQ);
		return;
	}
	begin_io(q, tasks, &ext, false);
}

static void split_io(struct queue *q, struct io *io);

static void load_failed(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	unsigned int leg = __builtin_ctz(io->legs);
	struct leg *other = &dev->legs[!leg];

	/* A frame that is gone is no fault of the device. */
	if (io->error != -EFAULT) {
		atomic_fetch_add(&dev->legs[leg].read_errors, 1);
		log_limited(LOG_ERR, "%s: read of slot %llu: %s",
			    dev->legs[leg].path,
			    (unsigned long long)io->ext.slot,
			    strerror(-io->error));
		if (mirror_leg_failed(dev, leg))
			status_poke();
		/* Preferred before now, and not asked for a second time. */
		if (dev->nr_legs > 1 && leg_state(other) == LEG_GOOD) {
			ask_legs(q, io, 1 << !leg);
			return;
		}
	}
	if (io->ext.count > 1) {
		split_io(q, io);
		return;
	}
	answer_tasks(q, io->tasks, -EIO);
	io_put(q, io);
}

static void load_done(struct queue *q, struct io *io)
{
	if (io->failed) {
		load_failed(q, io);
		return;
	}
	answer_tasks(q, io->tasks, 0);
	io_put(q, io);
}

/* ---- stores -------------------------------------------------------------- */

/* How many tasks from the first on replace copies that follow each other. */
static u32 outdated_run(const struct task *task)
{
	u64 cookie = task->cookie;
	u32 nr = 0;

	if (!cookie)
		return 0;
	do {
		nr++;
		task = task->next;
	} while (task && task->cookie == cookie + nr);
	return nr;
}

/*
 * Find slots for the first tasks: new ones, which follow those of the pages
 * that went out before, else the outdated copies' own.
 */
static bool place(struct queue *q, struct task *tasks, u32 nr,
		  struct extent *ext)
{
	const struct device_set *but = tasks->retried ? &tasks->tried : NULL;
	struct device *dev;
	u32 run;

	if (devices_alloc(q->devices, nr, but, ext))
		return true;
	run = outdated_run(tasks);
	if (!run)
		return false;
	dev = devices_of_cookie(q->devices, tasks->cookie);
	if (!dev || (but && device_set_has(but, dev)))
		return false;
	return device_rewrite(dev, cookie_slot(tasks->cookie), run, ext);
}

static void refuse_store(struct queue *q, struct task *task)
{
	task->next = NULL;
	if (!task->retried)
		q->refused = true;
	answer_tasks(q, task, task->retried ? -EIO : -ENOSPC);
}

static void place_stores(struct queue *q, struct task *tasks, u32 nr)
{
	struct task *rest;
	struct extent ext;

	while (nr) {
		if (place(q, tasks, nr, &ext)) {
			rest = split_tasks(tasks, ext.count);
			begin_io(q, tasks, &ext, true);
			nr -= ext.count;
		} else {
			rest = tasks->next;
			refuse_store(q, tasks);
			nr--;
		}
		tasks = rest;
	}
}

/**
 * io_store() - write pages, to neighbouring slots as far as there are any
 * @nr: length of @tasks
 */
void io_store(struct queue *q, struct task *tasks, u32 nr)
{
	counter_add(&q->counters.stores, nr);
	place_stores(q, tasks, nr);
}

/* A slot that was written anew must not be given back: its page keeps it. */
static bool is_rewrite(const struct io *io)
{
	return io->tasks->cookie ==
	       device_cookie(io->ext.dev, io->ext.slot);
}

static void store_no_room(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	struct task *tasks = io->tasks;
	bool rewrite = is_rewrite(io);
	u32 nr = io->ext.count, i;

	if (!atomic_exchange(&dev->no_space, true)) {
		log_warn("device %u: its filesystem is full", dev->number);
		status_poke();
	}
	if (!rewrite)
		for (i = 0; i < nr; i++)
			device_free(dev, io->ext.slot + i);
	device_end_writes(dev, io->ext.parity);
	io_put(q, io);
	if (rewrite) {
		q->refused = true;
		answer_tasks(q, tasks, -ENOSPC);
		return;
	}
	place_stores(q, tasks, nr);
}

static void store_elsewhere(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	struct task *task = io->tasks;

	device_write_result(dev, false);
	if (!is_rewrite(io))
		device_mark_bad(dev);
	if (!task->retried)
		task->tried = (struct device_set){};
	task->retried = true;
	device_set_add(&task->tried, dev);
	device_end_writes(dev, io->ext.parity);
	io_put(q, io);
	place_stores(q, task, 1);
}

/* A frame that can't be read is no fault of the device. */
static void store_no_frame(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;

	log_limited(LOG_ERR, "frame %llu can't be read",
		    (unsigned long long)io->tasks->frame);
	if (!is_rewrite(io))
		device_free(dev, io->ext.slot);
	device_end_writes(dev, io->ext.parity);
	answer_tasks(q, io->tasks, -EIO);
	io_put(q, io);
}

static void store_failed(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;

	if (error_is_room(io->error)) {
		store_no_room(q, io);
		return;
	}
	if (io->ext.count > 1) {
		split_io(q, io);
		return;
	}
	if (io->error == -EFAULT) {
		store_no_frame(q, io);
		return;
	}
	log_limited(LOG_ERR, "device %u: write of slot %llu: %s", dev->number,
		    (unsigned long long)io->ext.slot, strerror(-io->error));
	store_elsewhere(q, io);
}

static void store_commit(struct queue *q, struct io *io)
{
	u64 cookie = device_cookie(io->ext.dev, io->ext.slot);
	struct task *task, *next;

	for (task = io->tasks; task; task = next, cookie++) {
		next = task->next;
		if (task->cookie && task->cookie != cookie)
			queue_free_cookie(q, task->cookie);
		queue_complete(q, task, 0, cookie);
	}
	device_write_result(io->ext.dev, true);
	device_end_writes(io->ext.dev, io->ext.parity);
	io_put(q, io);
}

/*
 * A store is good if one leg has it that was good before: the others are given
 * up, which is on record in the superblock before the store is committed.
 */
static void store_done(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	unsigned int i;
	bool good = false;

	for (i = 0; i < dev->nr_legs; i++) {
		if (!(io->legs & 1 << i))
			continue;
		if (!(io->failed & 1 << i))
			good |= leg_state(&dev->legs[i]) == LEG_GOOD;
		else
			atomic_fetch_add(&dev->legs[i].write_errors, 1);
	}
	if (!good) {
		store_failed(q, io);
		return;
	}
	for (i = 0; i < dev->nr_legs; i++)
		if (io->failed & 1 << i && mirror_leg_failed(dev, i))
			status_poke();
	store_commit(q, io);
}

/* ---- both ---------------------------------------------------------------- */

/* Try each page of a failed I/O alone. */
static void split_io(struct queue *q, struct io *io)
{
	struct extent ext = io->ext;
	struct task *task = io->tasks, *next;
	bool write = io->write;

	if (write)
		atomic_fetch_add(&ext.dev->writes[ext.parity], ext.count - 1);
	ext.count = 1;
	io_put(q, io);
	for (; task; task = next, ext.slot++) {
		next = task->next;
		task->next = NULL;
		begin_io(q, task, &ext, write);
	}
}

/**
 * io_done() - a leg has answered
 * @result: bytes or -errno
 */
void io_done(struct queue *q, struct io *io, unsigned int leg, s32 result)
{
	if (result != (s32)(io->ext.count << PAGER_PAGE_SHIFT)) {
		io->failed |= 1 << leg;
		/* A short transfer ends where the error is, or the room. */
		io->error = result < 0 ? result :
			    io->write && result ? -EAGAIN : -EIO;
	}
	if (--io->pending)
		return;
	if (io->failed && error_passes(io->error) &&
	    io->retries++ < IO_RETRIES) {
		ask_legs(q, io, io->legs);
		return;
	}
	if (io->write)
		store_done(q, io);
	else
		load_done(q, io);
}
