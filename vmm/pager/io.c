// SPDX-License-Identifier: GPL-2.0-only
/*
 * See io.h. What goes wrong, in order of the measures taken:
 *
 * - An error that passes (EAGAIN, EINTR, ENOMEM) is tried again, on the
 *   leg that has it.
 * - A mirror's leg that fails a store is done without: the store is good if it
 *   reached one good leg.
 * - An I/O of several pages that fails is split into single ones.
 * - A page that can't be read is read once more, with no other one of the queue's beside
 *   it that can't: the block layer merges reads, and all that it merges fail together.
 * - A load reads the other leg of a mirror and, where the checksum says that this
 *   is what was stored, writes the page anew on the first, which fails when it
 *   can't be written or has had many of these.
 * - A load is answered with EIO then. A store marks its slot bad and goes to
 *   another device, and is answered with EIO when all have been tried.
 * - ENOSPC of one leg closes its device to stores until there is room.
 * - A device that was removed is closed to stores for good: those under way go to
 *   another one.
 */
#include "io.h"
#include "attach.h"
#include "log.h"
#include "mirror.h"
#include "status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define IO_RETRIES 8
/** Pages of the largest bio. */
#define BIO_PAGES 256U

static bool error_passes(s32 error)
{
	return error == -EAGAIN || error == -EINTR || error == -ENOMEM;
}

static bool is_without_room(const struct io *io, unsigned int leg)
{
	return io->failed & 1 << leg && leg_error_is_room(io->errors[leg]) &&
	       !leg_is_gone(&io->ext.dev->legs[leg]);
}

/* The failed legs that are worth another try. */
static unsigned int legs_to_retry(const struct io *io)
{
	unsigned int i, legs = 0;

	for (i = 0; i < LAYOUT_MAX_LEGS; i++)
		if (io->failed & 1 << i && error_passes(io->errors[i]))
			legs |= 1 << i;
	return legs;
}

/* What to say where one error has to do. */
static s32 first_error(const struct io *io)
{
	return io->errors[__builtin_ctz(io->failed)];
}

/* Any leg tells: the frame is the same for all. */
static bool has_no_frame(const struct io *io)
{
	unsigned int i;

	for (i = 0; i < LAYOUT_MAX_LEGS; i++)
		if (io->failed & 1 << i && io->errors[i] == -EFAULT)
			return true;
	return false;
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

void io_put(struct queue *q, struct io *io)
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
		size_t bytes = (size_t)task->pages << PAGER_PAGE_SHIFT;

		page = q->at->window + (task->frame << PAGER_PAGE_SHIFT);
		if (iov && (u8 *)iov->iov_base + iov->iov_len == page) {
			iov->iov_len += bytes;
			continue;
		}
		iov = &io->iov[io->niov++];
		iov->iov_base = page;
		iov->iov_len = bytes;
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

/*
 * What is larger than one bio the kernel does not begin at once, but hands to a thread of its
 * own, which costs more than two requests.
 */
static unsigned int parts_of(const struct io *io)
{
	return io->ext.count > BIO_PAGES ? io->ext.count / BIO_PAGES : 1;
}

static void ask_part(struct queue *q, struct io *io, unsigned int leg_number,
		     const struct iovec *iov, unsigned int niov, u64 offset)
{
	struct device *dev = io->ext.dev;
	struct leg *leg = &dev->legs[leg_number];
	unsigned int index = dev->number * LAYOUT_MAX_LEGS + leg_number;
	struct io_uring_sqe *sqe = queue_get_sqe(q);
	bool fixed = register_leg(q, index, leg);
	int fd = fixed ? (int)index : leg->fd;

	if (niov > 1 && io->write)
		io_uring_prep_writev(sqe, fd, iov, niov, offset);
	else if (niov > 1)
		io_uring_prep_readv(sqe, fd, iov, niov, offset);
	else if (io->write)
		io_uring_prep_write(sqe, fd, iov->iov_base, iov->iov_len,
				    offset);
	else
		io_uring_prep_read(sqe, fd, iov->iov_base, iov->iov_len, offset);
	if (fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, (uintptr_t)io | leg_number);
	counter_add(&q->counters.ios, 1);
}

static void ask_leg(struct queue *q, struct io *io, unsigned int leg_number)
{
	unsigned int parts = parts_of(io), i;
	size_t bytes = ((size_t)io->ext.count << PAGER_PAGE_SHIFT) / parts;
	u64 offset = io->ext.slot << PAGER_PAGE_SHIFT;
	u8 *from = io->iov[0].iov_base;

	if (parts == 1) {
		ask_part(q, io, leg_number, io->iov, io->niov, offset);
		return;
	}
	for (i = 0; i < parts; i++) {
		const struct iovec part = { from + i * bytes, bytes };

		ask_part(q, io, leg_number, &part, 1, offset + i * bytes);
	}
}

/* Ask some of @io's legs; what the others answered stands. */
static void ask_again(struct queue *q, struct io *io, unsigned int legs)
{
	unsigned int i;

	io->failed &= ~legs;
	io->pending = __builtin_popcount(legs) * parts_of(io);
	for (i = 0; i < LAYOUT_MAX_LEGS; i++)
		if (legs & 1 << i)
			ask_leg(q, io, i);
}

static void ask_legs(struct queue *q, struct io *io, unsigned int legs)
{
	io->legs = legs;
	io->failed = 0;
	ask_again(q, io, legs);
}

/*
 * The last leg has failed since the slots were taken. The answer comes by the ring as
 * any other: whoever is behind us may be answering stores of this device himself.
 */
static void ask_nobody(struct queue *q, struct io *io)
{
	struct io_uring_sqe *sqe = queue_get_sqe(q);

	io->legs = 0;
	io->failed = 0;
	io->pending = 1;
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, (uintptr_t)io);
}

static struct io *new_io(struct queue *q, struct task *tasks,
			 const struct extent *ext, bool write)
{
	struct io *io = io_get(q);

	io->tasks = tasks;
	io->ext = *ext;
	io->write = write;
	io->retries = 0;
	io->asked = 0;
	io->alone = 0;
	io->check = !write && tasks->flags & TARN_REQ_MISMATCH;
	io->repair = 0;
	io->repairing = false;
	fill_iov(q, io);
	return io;
}

void io_begin(struct queue *q, struct task *tasks,
		     const struct extent *ext, bool write)
{
	struct io *io = new_io(q, tasks, ext, write);
	unsigned int legs;

	if (write) {
		legs = mirror_write_legs(ext->dev);
	} else {
		legs = 1U << mirror_read_leg(ext->dev, ext->slot, ext->count);
		io->asked = legs;
	}
	if (legs)
		ask_legs(q, io, legs);
	else
		ask_nobody(q, io);
}

/* Complete all tasks with @result. */
void io_answer(struct queue *q, struct task *tasks, s32 result)
{
	struct task *next;

	for (; tasks; tasks = next) {
		next = tasks->next;
		/* Of a wide one those that are asked for then by themselves count. */
		if (result && tasks->flags & TARN_REQ_WIDE)
			;
		else if (result && tasks->op == TARN_OP_LOAD)
			counter_add(&q->counters.load_errors, 1);
		else if (result)
			counter_add(&q->counters.store_errors, 1);
		queue_complete(q, tasks, result, TARN_COOKIE_NONE);
	}
}

static void split_io(struct queue *q, struct io *io);

/* ---- loads --------------------------------------------------------------- */

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
	struct task *rest;

	counter_add(&q->counters.loads, nr);
	if (!ext.dev || ext.slot + nr > ext.dev->slots.end) {
		log_limited(LOG_ERR, "asked for cookie %#llx, which is none",
			    (unsigned long long)cookie);
		io_answer(q, tasks, -EIO);
		return;
	}
	if (tasks->flags & TARN_REQ_MISMATCH && ext.dev->nr_legs == 1) {
		mirror_mismatch(ext.dev, 0, ext.slot);
		io_answer(q, tasks, -EILSEQ);
		return;
	}
	for (; nr; nr -= ext.count, ext.slot += ext.count, tasks = rest) {
		ext.count = mirror_run(ext.dev, ext.slot, nr);
		rest = split_tasks(tasks, ext.count);
		io_begin(q, tasks, &ext, false);
	}
}

/* The device can't give the page. */
static void load_note_error(struct queue *q, const struct io *io,
			    unsigned int leg)
{
	struct device *dev = io->ext.dev;

	atomic_fetch_add(&dev->legs[leg].read_errors, 1);
	log_limited(LOG_ERR, "%s: read of slot %llu: %s", dev->legs[leg].path,
		    (unsigned long long)io->ext.slot,
		    strerror(-io->errors[leg]));
	if (mirror_leg_gone(dev, leg) || device_check_gone(dev))
		status_poke();
}

/* @leg could not give the page: ask the other one if that has it. */
static bool ask_other_leg(struct queue *q, struct io *io, unsigned int leg)
{
	struct device *dev = io->ext.dev;

	if (dev->nr_legs == 1 || io->asked & 1 << !leg ||
	    !mirror_has_copy(dev, !leg, io->ext.slot))
		return false;
	io->asked |= 1 << !leg;
	io->repair |= 1 << leg;
	io->check = true;
	ask_legs(q, io, 1 << !leg);
	return true;
}

/* Whether a page that @leg could not give is to be read by itself. */
static bool read_alone(struct queue *q, struct io *io, unsigned int leg)
{
	struct io **at = &q->alone;

	if (io->alone & 1 << leg || leg_is_gone(&io->ext.dev->legs[leg]))
		return false;
	io->alone |= 1 << leg;
	io->next = NULL;
	while (*at)
		at = &(*at)->next;
	*at = io;
	if (q->alone == io)
		ask_legs(q, io, io->legs);
	return true;
}

/* The first one has been read. */
static void alone_done(struct queue *q)
{
	q->alone = q->alone->next;
	if (q->alone)
		ask_legs(q, q->alone, q->alone->legs);
}

static void load_failed(struct queue *q, struct io *io)
{
	unsigned int leg = __builtin_ctz(io->legs);
	/* A frame that is gone is no fault of the device. */
	bool no_frame = has_no_frame(io);

	if (io->ext.count > 1) {
		split_io(q, io);
		return;
	}
	if (!no_frame) {
		if (read_alone(q, io, leg))
			return;
		load_note_error(q, io, leg);
		if (ask_other_leg(q, io, leg))
			return;
	}
	io_answer(q, io->tasks, -EIO);
	io_put(q, io);
}

/*
 * Whether a page is what was stored. Of a frame that is gone, or has a memory
 * error, this call tells; at a look of our own we would be killed.
 */
static bool is_right(const struct queue *q, const struct task *task)
{
	u64 page[PAGER_PAGE_SIZE / sizeof(u64)];
	struct iovec to = { page, sizeof(page) };
	struct iovec from = {
		q->at->window + (task->frame << PAGER_PAGE_SHIFT), sizeof(page),
	};

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) ==
		       (ssize_t)sizeof(page) &&
	       tarn_page_sum(page) == task->sum;
}

/* The leg has another content. With no other copy the module is told, or sees it. */
static void load_wrong(struct queue *q, struct io *io)
{
	bool asked_again = io->tasks->flags & TARN_REQ_MISMATCH;
	unsigned int leg = __builtin_ctz(io->legs);
	struct device *dev = io->ext.dev;

	mirror_mismatch(dev, leg, io->ext.slot);
	if (ask_other_leg(q, io, leg))
		return;
	io_answer(q, io->tasks, asked_again ? -EILSEQ : 0);
	io_put(q, io);
}

/*
 * Write the page, which was checked, anew where it could not be had. Its slot keeps
 * its content as long as the load is not answered, so this comes first.
 */
static bool begin_repair(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	struct extent ext;

	if (!io->repair ||
	    leg_state(&dev->legs[__builtin_ctz(io->repair)]) != LEG_GOOD ||
	    !device_rewrite(dev, io->ext.slot, 1, &ext))
		return false;
	io->ext = ext;
	io->write = true;
	io->repairing = true;
	io->retries = 0;
	ask_legs(q, io, io->repair);
	return true;
}

static void repair_done(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	unsigned int leg = __builtin_ctz(io->legs);

	device_end_writes(dev, io->ext.parity);
	if (!io->failed) {
		atomic_fetch_add(&dev->legs[leg].repaired, 1);
		log_limited(LOG_WARNING, "%s: slot %llu written anew",
			    dev->legs[leg].path,
			    (unsigned long long)io->ext.slot);
	} else if (io->errors[leg] != -EFAULT && !is_without_room(io, leg)) {
		atomic_fetch_add(&dev->legs[leg].write_errors, 1);
		if (mirror_leg_failed(dev, leg))
			status_poke();
	}
	io_answer(q, io->tasks, 0);
	io_put(q, io);
}

static void load_done(struct queue *q, struct io *io)
{
	if (io->failed) {
		load_failed(q, io);
		return;
	}
	if (io->check && !is_right(q, io->tasks)) {
		load_wrong(q, io);
		return;
	}
	if (io->repair &&
	    mirror_page_failed(io->ext.dev, __builtin_ctz(io->repair)))
		status_poke();
	if (begin_repair(q, io))
		return;
	io_answer(q, io->tasks, 0);
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
	io_answer(q, task, task->retried ? -EIO : -ENOSPC);
}

static void place_stores(struct queue *q, struct task *tasks, u32 nr)
{
	struct task *rest;
	struct extent ext;

	while (nr) {
		if (place(q, tasks, nr, &ext)) {
			rest = split_tasks(tasks, ext.count);
			io_begin(q, tasks, &ext, true);
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
bool io_is_rewrite(const struct io *io)
{
	return io->tasks->cookie ==
	       device_cookie(io->ext.dev, io->ext.slot);
}

/* The device takes no stores at present: find other slots, on other ones. */
static void store_again(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	struct task *tasks = io->tasks;
	bool rewrite = io_is_rewrite(io);
	u32 nr = io->ext.count;

	if (!rewrite)
		device_free(dev, io->ext.slot, nr);
	device_end_writes(dev, io->ext.parity);
	io_put(q, io);
	if (rewrite) {
		q->refused = true;
		io_answer(q, tasks, -ENOSPC);
		return;
	}
	place_stores(q, tasks, nr);
}

static void store_elsewhere(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	struct task *task = io->tasks;

	device_write_result(dev, false);
	if (!io_is_rewrite(io))
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
	if (!io_is_rewrite(io))
		device_free(dev, io->ext.slot, 1);
	device_end_writes(dev, io->ext.parity);
	io_answer(q, io->tasks, -EIO);
	io_put(q, io);
}

static void store_failed(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;

	if (has_no_frame(io)) {
		store_no_frame(q, io);
		return;
	}
	log_limited(LOG_ERR, "device %u: write of slot %llu: %s", dev->number,
		    (unsigned long long)io->ext.slot,
		    strerror(-first_error(io)));
	store_elsewhere(q, io);
}

void io_store_commit(struct queue *q, struct io *io)
{
	u64 cookie = device_cookie(io->ext.dev, io->ext.slot);
	struct task *task, *next;

	for (task = io->tasks; task; task = next, cookie++) {
		next = task->next;
		if (task->cookie && task->cookie != cookie)
			queue_free_cookies(q, task->cookie, task->pages);
		queue_complete(q, task, 0, cookie);
	}
	device_write_result(io->ext.dev, true);
	device_end_writes(io->ext.dev, io->ext.parity);
	io_put(q, io);
}

/* Legs that are good and have no room: no fault of theirs. */
static unsigned int legs_without_room(const struct io *io)
{
	unsigned int i, legs = 0;

	for (i = 0; i < io->ext.dev->nr_legs; i++)
		if (leg_state(&io->ext.dev->legs[i]) == LEG_GOOD &&
		    is_without_room(io, i))
			legs |= 1 << i;
	return legs;
}

/* Whether a leg that was good before has it, or could if it had room. */
static bool has_good_leg(const struct io *io, unsigned int failed)
{
	unsigned int i;

	for (i = 0; i < io->ext.dev->nr_legs; i++)
		if (io->legs & ~failed & 1 << i &&
		    leg_state(&io->ext.dev->legs[i]) == LEG_GOOD)
			return true;
	return false;
}

/* Whether a page that some legs lack may count: that they do has to be on record. */
static bool is_on_record(const struct io *io, unsigned int failed)
{
	unsigned int all = (1U << io->ext.dev->nr_legs) - 1;

	return (io->legs & ~failed) == all || device_is_stamped(io->ext.dev);
}

/* It went well on all legs, and one of them was good before. */
bool io_is_stored(const struct io *io)
{
	return !io->failed && has_good_leg(io, 0) && is_on_record(io, 0);
}

/*
 * A store is good if one leg has it that was good before: the others are given
 * up, which is on record in the superblock before the store is committed, or it is
 * not. Where a good leg has no room, all legs wait for it: they stay copies of each
 * other.
 */
static void store_done(struct queue *q, struct io *io)
{
	struct device *dev = io->ext.dev;
	unsigned int full = legs_without_room(io);
	unsigned int failed = io->failed & ~full, i;

	if (failed && device_check_gone(dev)) {
		status_poke();
		store_again(q, io);
		return;
	}
	/* Of several pages, what came short may be for want of room. */
	if (failed && io->ext.count > 1) {
		split_io(q, io);
		return;
	}
	for (i = 0; i < dev->nr_legs; i++)
		if (failed & 1 << i)
			atomic_fetch_add(&dev->legs[i].write_errors, 1);
	if (!has_good_leg(io, failed)) {
		store_failed(q, io);
		return;
	}
	for (i = 0; i < dev->nr_legs; i++)
		if ((failed & 1 << i && mirror_leg_failed(dev, i)) ||
		    (full & 1 << i && device_no_space(dev, i)))
			status_poke();
	if (full || !is_on_record(io, failed))
		store_again(q, io);
	else
		io_store_commit(q, io);
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
		io_begin(q, task, &ext, write);
	}
}

/**
 * io_done() - a leg has answered
 * @result: bytes or -errno
 */
void io_done(struct queue *q, struct io *io, unsigned int leg, s32 result)
{
	unsigned int retry;

	if (!io->legs) {
		io->failed = 1;
		io->errors[0] = -ENODEV;
	} else if (result != (s32)(io->ext.count << PAGER_PAGE_SHIFT) /
				     (s32)parts_of(io)) {
		io->failed |= 1 << leg;
		/* A short transfer ends where the error is, or the room. */
		io->errors[leg] = result < 0 ? result :
				  io->write && result ? -EAGAIN : -EIO;
	}
	if (--io->pending)
		return;
	retry = legs_to_retry(io);
	if (retry && io->retries++ < IO_RETRIES) {
		ask_again(q, io, retry);
		return;
	}
	if (io == q->alone)
		alone_done(q);
	if (io->tasks->flags & TARN_REQ_WIDE)
		io_wide_done(q, io);
	else if (io->repairing)
		repair_done(q, io);
	else if (io->write)
		store_done(q, io);
	else
		load_done(q, io);
}
