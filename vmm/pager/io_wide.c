// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wide requests: one task for many pages, all of which lie in neighbouring slots or are
 * not stored by it. What goes wrong is not looked into: the module asks for the pages one by
 * one then.
 */
#include "io.h"
#include "attach.h"
#include "log.h"
#include "mirror.h"

#include <errno.h>

/*
 * A run of slots for all pages: a new one, else that of the outdated copies. What of a
 * run is too short goes back.
 */
static bool place_wide(struct queue *q, const struct task *task,
		       struct extent *ext)
{
	struct device *dev;

	if (devices_alloc(q->devices, task->pages, NULL, ext)) {
		if (ext->count == task->pages)
			return true;
		device_unalloc(ext);
	}
	dev = task->cookie ? devices_of_cookie(q->devices, task->cookie) : NULL;
	return dev && device_rewrite(dev, cookie_slot(task->cookie),
				     task->pages, ext);
}

/**
 * io_store_wide() - write pages that are stored together, or not by this request
 * @task: with the first page's frame; the other frames follow
 */
void io_store_wide(struct queue *q, struct task *task)
{
	struct extent ext;

	if (place_wide(q, task, &ext)) {
		counter_add(&q->counters.stores, task->pages);
		io_begin(q, task, &ext, true);
	} else {
		io_answer(q, task, -ENOSPC);
	}
}

/*
 * Whatever went wrong, the module stores the pages one by one, which shows which slot,
 * leg or device it was.
 */
static void store_wide_done(struct queue *q, struct io *io)
{
	if (io_is_stored(io)) {
		io_store_commit(q, io);
		return;
	}
	device_end_writes(io->ext.dev, io->ext.parity);
	if (!io_is_rewrite(io))
		device_free(io->ext.dev, io->ext.slot, io->ext.count);
	io_answer(q, io->tasks, -EIO);
	io_put(q, io);
}

/**
 * io_load_wide() - read pages that were stored together
 * @task: with the first page's frame and cookie; the others follow
 *
 * From one leg of a mirror, be it another one than single pages would be read from: no leg
 * is blamed for what is wrong, as the module asks for such pages once more.
 */
void io_load_wide(struct queue *q, struct task *task)
{
	struct extent ext = {
		.dev = devices_of_cookie(q->devices, task->cookie),
		.slot = cookie_slot(task->cookie),
		.count = task->pages,
	};

	if (!ext.dev || ext.slot + ext.count > ext.dev->slots.end) {
		log_limited(LOG_ERR, "asked for cookie %#llx, which is none",
			    (unsigned long long)task->cookie);
		io_answer(q, task, -EIO);
		return;
	}
	counter_add(&q->counters.loads, task->pages);
	io_begin(q, task, &ext, false);
}

static void load_wide_done(struct queue *q, struct io *io)
{
	io_answer(q, io->tasks, io->failed ? -EIO : 0);
	io_put(q, io);
}

/* All legs have answered. */
void io_wide_done(struct queue *q, struct io *io)
{
	if (io->write)
		store_wide_done(q, io);
	else
		load_wide_done(q, io);
}
