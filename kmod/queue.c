// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: publishing requests, waking the pager, taking completions. The
 * protocol is described with its structures in uapi/linux/tarn_pager.h and drawn in
 * Documentation/design/pager-protocol.rst.
 */
#include <linux/io_uring_cmd.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "io.h"
#include "pager.h"
#include "partition.h"
#include "queue.h"

/* In the slot of a drop, which has no request of its own. */
static struct tarn_io drop_in_flight;
#define DROP_IN_FLIGHT	(&drop_in_flight)

static size_t requests_offset(void)
{
	return sizeof(struct tarn_queue_area);
}

static size_t completions_offset(u32 depth)
{
	return requests_offset() + depth * sizeof(struct tarn_request);
}

size_t tarn_queue_bytes(u32 depth)
{
	return PAGE_ALIGN(completions_offset(depth) +
			  depth * sizeof(struct tarn_completion));
}

int tarn_queue_init(struct tarn_queue *q, struct tarn_pager *pager, u32 depth)
{
	u32 i;

	q->pager = pager;
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->loads);
	INIT_LIST_HEAD(&q->stores);
	q->depth = depth;
	q->area = vmalloc_user(tarn_queue_bytes(depth));
	q->slots = kvcalloc(depth, sizeof(*q->slots), GFP_KERNEL);
	q->free_tags = kvcalloc(depth, sizeof(*q->free_tags), GFP_KERNEL);
	if (!q->area || !q->slots || !q->free_tags)
		return -ENOMEM;
	q->area->depth = depth;
	q->area->requests_offset = requests_offset();
	q->area->completions_offset = completions_offset(depth);
	q->requests = (void *)q->area + requests_offset();
	q->completions = (void *)q->area + completions_offset(depth);
	for (i = 0; i < depth; i++)
		q->free_tags[i] = depth - 1 - i;
	q->nr_free = depth;
	return 0;
}

void tarn_queue_exit(struct tarn_queue *q)
{
	vfree(q->area);
	kvfree(q->slots);
	kvfree(q->free_tags);
}

int tarn_queue_mmap(struct tarn_queue *q, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != tarn_queue_bytes(q->depth))
		return -EINVAL;
	return remap_vmalloc_range(vma, q->area, 0);
}

/* ---- to the pager ------------------------------------------------------- */

static void publish(struct tarn_queue *q, struct tarn_io *io,
		    const struct tarn_request *req)
{
	u32 tag = q->free_tags[--q->nr_free];
	struct tarn_request *slot = &q->requests[q->tail & (q->depth - 1)];

	lockdep_assert_held(&q->lock);
	q->slots[tag] = io;
	*slot = *req;
	slot->tag = tag;
	/* Pairs with the pager's acquire: the entry is whole before it shows. */
	smp_store_release(&q->area->request_tail, ++q->tail);
}

static void publish_io(struct tarn_queue *q, struct tarn_io *io)
{
	const struct tarn_request req = {
		.op = io->op,
		.flags = io->flags,
		/* What has no tag yet does not follow directly. */
		.run = min_t(u32, io->run, q->nr_free - 1),
		.frame = io->frame,
		.cookie = io->cookie,
		.index = io->index,
		.partition = io->part->id,
	};

	publish(q, io, &req);
}

static void publish_list(struct tarn_queue *q, struct list_head *list)
{
	while (q->nr_free && !list_empty(list)) {
		struct tarn_io *io = list_first_entry(list, struct tarn_io,
						      link);

		/* What does not fit now comes later, behind other requests. */
		io->run = min_t(u32, io->run, q->nr_free - 1);
		list_del_init(&io->link);
		publish_io(q, io);
	}
}

static void publish_drops(struct tarn_queue *q)
{
	u64 cookie;

	while (q->nr_free && (cookie = tarn_drop_next(q->pager))) {
		const struct tarn_request req = {
			.op = TARN_OP_DROP,
			.cookie = cookie,
		};

		publish(q, DROP_IN_FLIGHT, &req);
	}
}

/* Publish what there are tags for: who waits first, then who makes room. */
static struct io_uring_cmd *advance(struct tarn_queue *q)
{
	struct io_uring_cmd *cmd = NULL;
	u32 tail = q->tail;

	lockdep_assert_held(&q->lock);
	if (!q->live)
		return NULL;
	publish_list(q, &q->loads);
	publish_list(q, &q->stores);
	if (q == q->pager->queues)
		publish_drops(q);
	if (q->tail != tail) {
		cmd = q->parked;
		q->parked = NULL;
	}
	return cmd;
}

static void wake_in_pager(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	/* How much there is the pager reads in the ring: it moved on. */
	io_uring_cmd_done(cmd, 1, 0, issue_flags);
}

static void dismiss_in_pager(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, -ENOTCONN, 0, issue_flags);
}

static void wake_pager(struct io_uring_cmd *cmd)
{
	/*
	 * In the pager's own context: completing from here would take its
	 * ring's locks below the faulting thread's.
	 */
	if (cmd)
		io_uring_cmd_complete_in_task(cmd, wake_in_pager);
}

void tarn_queue_kick(struct tarn_queue *q)
{
	struct io_uring_cmd *cmd;

	spin_lock(&q->lock);
	cmd = advance(q);
	spin_unlock(&q->lock);
	wake_pager(cmd);
}

/* Loads go by CPU, the stores of a partition together. */
static struct tarn_queue *pick(struct tarn_pager *pager, struct tarn_io *io)
{
	u32 n = io->op == TARN_OP_LOAD ? raw_smp_processor_id() : io->part->id;

	return &pager->queues[n % pager->nr_queues];
}

static bool submit_to_pager(struct tarn_pool *pool, struct list_head *ios)
{
	struct io_uring_cmd *cmd = NULL;
	struct tarn_pager *pager;
	struct tarn_queue *q;
	struct tarn_io *io;
	bool sent = false;

	rcu_read_lock();
	pager = rcu_dereference(pool->pager);
	if (!pager)
		goto out;
	io = list_first_entry(ios, struct tarn_io, link);
	q = pick(pager, io);
	spin_lock(&q->lock);
	if (q->live) {
		list_splice_tail_init(ios, io->op == TARN_OP_LOAD ? &q->loads :
				      &q->stores);
		cmd = advance(q);
		sent = true;
	}
	spin_unlock(&q->lock);
out:
	rcu_read_unlock();
	wake_pager(cmd);
	return sent;
}

/**
 * tarn_queue_submit_batch() - send requests
 * @pool: of this pool
 * @ios: all loads, or all stores of one partition
 *
 * Without a pager they are aborted at once: a store's page stays in memory, a
 * load is asked for anew by whoever needs it, once there is a pager.
 *
 * Context: process.
 */
void tarn_queue_submit_batch(struct tarn_pool *pool, struct list_head *ios)
{
	struct tarn_io *io, *next;

	if (submit_to_pager(pool, ios))
		return;
	list_for_each_entry_safe(io, next, ios, link) {
		list_del_init(&io->link);
		tarn_io_abort(io);
	}
}

void tarn_queue_submit(struct tarn_pool *pool, struct tarn_io *io)
{
	LIST_HEAD(one);

	list_add(&io->link, &one);
	tarn_queue_submit_batch(pool, &one);
}

void tarn_queue_start(struct tarn_queue *q)
{
	spin_lock(&q->lock);
	q->live = true;
	spin_unlock(&q->lock);
}

/* The pager is gone: hand back all that it had, and its command. */
void tarn_queue_stop(struct tarn_queue *q, struct list_head *orphans)
{
	struct io_uring_cmd *cmd;
	u32 tag;

	spin_lock(&q->lock);
	q->live = false;
	for (tag = 0; tag < q->depth; tag++) {
		struct tarn_io *io = q->slots[tag];

		q->slots[tag] = NULL;
		if (io && io != DROP_IN_FLIGHT)
			list_add_tail(&io->link, orphans);
	}
	list_splice_tail_init(&q->loads, orphans);
	list_splice_tail_init(&q->stores, orphans);
	cmd = q->parked;
	q->parked = NULL;
	spin_unlock(&q->lock);
	if (cmd)
		io_uring_cmd_complete_in_task(cmd, dismiss_in_pager);
}

/* ---- from the pager ----------------------------------------------------- */

/* Take the request with this tag off the queue, NULL if there is none. */
static struct tarn_io *take(struct tarn_queue *q, u32 tag)
{
	struct tarn_io *io = NULL;

	if (tag >= q->depth)
		return NULL;
	tag = array_index_nospec(tag, q->depth);
	spin_lock(&q->lock);
	io = q->slots[tag];
	if (io) {
		q->slots[tag] = NULL;
		q->free_tags[q->nr_free++] = tag;
	}
	spin_unlock(&q->lock);
	return io;
}

/* What the pager says is looked at here, once. */
static int complete_one(struct tarn_queue *q, u32 i)
{
	struct tarn_completion *slot = &q->completions[i];
	const struct tarn_completion c = {
		.tag = READ_ONCE(slot->tag),
		.result = READ_ONCE(slot->result),
		.cookie = READ_ONCE(slot->cookie),
	};
	struct tarn_io *io = take(q, c.tag);
	int result = c.result;

	if (!io)
		return -EINVAL;
	if (io == DROP_IN_FLIGHT) {
		tarn_pool_room_made(q->pager->pool);
		return 0;
	}
	if (result > 0 || result < -MAX_ERRNO)
		result = -EIO;
	if (io->op == TARN_OP_STORE && !result &&
	    (!c.cookie || c.cookie >> TARN_COOKIE_BITS))
		result = -EIO;
	tarn_io_complete(io, result, c.cookie);
	return 0;
}

static int park(struct tarn_queue *q, struct io_uring_cmd *cmd, u32 seen,
		unsigned int issue_flags)
{
	u32 unseen = 0;
	int ret = -EIOCBQUEUED;

	spin_lock(&q->lock);
	if (!q->live)
		ret = -ENOTCONN;
	else if (q->parked)
		ret = -EBUSY;
	else if (q->tail != seen)
		unseen = min(q->tail - seen, q->depth);
	else
		q->parked = cmd;
	spin_unlock(&q->lock);
	/* Not by return value: 6.1 takes a positive one for a failure. */
	if (unseen)
		io_uring_cmd_done(cmd, unseen, 0, issue_flags);
	return ret;
}

/**
 * tarn_queue_serve() - TARN_CMD_SERVE
 * @pager: attached
 * @cmd: the command
 * @issue_flags: io_uring's
 *
 * Context: the pager's thread; sleeps for memory, not for I/O.
 * Return: see struct tarn_serve; -EIOCBQUEUED parked, or completed already.
 */
int tarn_queue_serve(struct tarn_pager *pager, struct io_uring_cmd *cmd,
		     unsigned int issue_flags)
{
	const struct tarn_serve *sqe = tarn_uring_payload(cmd);
	const struct tarn_serve s = {
		.queue = READ_ONCE(sqe->queue),
		.flags = READ_ONCE(sqe->flags),
		.completions = READ_ONCE(sqe->completions),
		.seen = READ_ONCE(sqe->seen),
		.reserved = READ_ONCE(sqe->reserved),
	};
	struct tarn_queue *q;
	int section, ret = 0;
	u32 i;

	BUILD_BUG_ON(sizeof(struct tarn_serve) != 16);
	if (s.queue >= pager->nr_queues || s.flags & ~TARN_SERVE_ALL ||
	    s.reserved)
		return -EINVAL;
	q = &pager->queues[array_index_nospec(s.queue, pager->nr_queues)];
	if (s.completions > q->depth)
		return -EINVAL;
	if (!READ_ONCE(q->live))
		return -ENOTCONN;
	section = tarn_cookie_begin();
	for (i = 0; i < s.completions && !ret; i++)
		ret = complete_one(q, i);
	tarn_cookie_end(section);
	if (s.completions)
		tarn_queue_kick(q);
	if (ret || !(s.flags & TARN_SERVE_PARK))
		return ret;
	return park(q, cmd, s.seen, issue_flags);
}
