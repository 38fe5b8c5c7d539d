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

#include "pager/drop.h"
#include "pager/io.h"
#include "pager/pager.h"
#include "pager/queue.h"
#include "pool/copy.h"
#include "pool/partition.h"

/* This part of a queue's tags is for loads alone; of the least depth it is 4. */
#define LOAD_PART	4
/* This part of queue 0's for drops, of the least depth 2. */
#define DROP_PART	8

/*
 * A drop has no request of its own. In its slot is how many copies it is about, in a form
 * that no pointer has.
 */
static struct tarn_io *drop_in_flight(unsigned int count)
{
	return (struct tarn_io *)(((unsigned long)count << 1) | 1);
}

static unsigned int drops_in_flight(const struct tarn_io *io)
{
	return (unsigned long)io & 1 ? (unsigned long)io >> 1 : 0;
}

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
	INIT_LIST_HEAD(&q->reads);
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

/*
 * Tags that stores and drops leave to loads: those may hang, as their device does, while
 * another one can be read.
 */
static u32 load_tags(const struct tarn_queue *q)
{
	return q->depth / LOAD_PART;
}

static bool tells_drops(const struct tarn_queue *q)
{
	return q == q->pager->queues;
}

/*
 * Tags that stores leave to drops that may come: those make room, also while stores hang
 * or come without end.
 */
static u32 drop_tags(const struct tarn_queue *q)
{
	u32 share = tells_drops(q) ? q->depth / DROP_PART : 0;

	lockdep_assert_held(&q->lock);
	return share > q->drops ? share - q->drops : 0;
}

/* Tags that a request of this kind may still take. */
static u32 tags_for(const struct tarn_queue *q, enum tarn_op op)
{
	u32 kept = op == TARN_OP_LOAD ? 0 : load_tags(q);

	lockdep_assert_held(&q->lock);
	if (op == TARN_OP_STORE)
		kept += drop_tags(q);
	return q->nr_free > kept ? q->nr_free - kept : 0;
}

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
		.run = io->run,
		.frame = io->frame,
		.cookie = io->cookie,
		.index = io->index,
		.partition = io->part->id,
		.sum = io->sum,
	};

	/* A page whose copy is in a file is read from there, and has none once it is stored. */
	WARN_ON_ONCE(tarn_cookie_where(io->cookie) == TARN_COPY_IN_FILE);
	publish(q, io, &req);
}

static void publish_list(struct tarn_queue *q, struct list_head *list,
			 enum tarn_op op)
{
	u32 tags = tags_for(q, op);

	while (tags && !list_empty(list)) {
		struct tarn_io *io = list_first_entry(list, struct tarn_io,
						      link);

		/* What does not fit now comes later, behind other requests. */
		tags--;
		if (!(io->flags & TARN_REQ_WIDE))
			io->run = min_t(u32, io->run, tags);
		list_del_init(&io->link);
		publish_io(q, io);
	}
}

/* No more than their share while stores wait, as they come without end, too. */
static bool drop_allowed(const struct tarn_queue *q)
{
	return tags_for(q, TARN_OP_DROP) &&
	       (list_empty(&q->stores) || drop_tags(q));
}

static void publish_drops(struct tarn_queue *q)
{
	unsigned int count;
	u64 cookie;

	while (drop_allowed(q) && (count = tarn_drop_next(q->pager, &cookie))) {
		const struct tarn_request req = {
			.op = TARN_OP_DROP,
			.flags = count > 1 ? TARN_REQ_WIDE : 0,
			.run = count - 1,
			.cookie = cookie,
		};

		publish(q, drop_in_flight(count), &req);
		q->drops++;
	}
}

/* Publish what there are tags for: who waits first, then what makes room. */
static struct io_uring_cmd *advance(struct tarn_queue *q)
{
	struct io_uring_cmd *cmd = NULL;
	u32 tail = q->tail;

	lockdep_assert_held(&q->lock);
	if (!q->live)
		return NULL;
	publish_list(q, &q->loads, TARN_OP_LOAD);
	if (tells_drops(q))
		publish_drops(q);
	publish_list(q, &q->stores, TARN_OP_STORE);
	if (q->tail != tail) {
		cmd = q->parked;
		q->parked = NULL;
	}
	return cmd;
}

static void wake(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	/* How much there is the pager reads in the ring: it moved on. */
	io_uring_cmd_done(cmd, 1, issue_flags);
}
TARN_URING_TASK(wake)

static void dismiss(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, -ENOTCONN, issue_flags);
}
TARN_URING_TASK(dismiss)

static void cancel(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, -ECANCELED, issue_flags);
}
TARN_URING_TASK(cancel)

static void wake_pager(struct io_uring_cmd *cmd)
{
	/*
	 * In the pager's own context: completing from here would take its
	 * ring's locks below the faulting thread's.
	 */
	if (cmd)
		io_uring_cmd_complete_in_task(cmd, wake_in_task);
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
	/* It was another one that takes such. */
	if (io->flags & TARN_REQ_WIDE && !pager->wide)
		goto out;
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
		tarn_io_end(io, TARN_IO_ABORTED, TARN_COOKIE_NONE);
	}
}

void tarn_queue_submit(struct tarn_pool *pool, struct tarn_io *io)
{
	LIST_HEAD(one);

	list_add(&io->link, &one);
	tarn_queue_submit_batch(pool, &one);
}

/**
 * tarn_queue_add_read() - a granted device is going to be read for a load
 * @pool: of this pool
 * @io: the load; as one that the pager has, it is aborted if the pager goes
 * @queue: where to put the queue that has it
 *
 * Context: process, in a section of cookies: the pager is that of the grant.
 * Return: false if no pager serves.
 */
bool tarn_queue_add_read(struct tarn_pool *pool, struct tarn_io *io,
			 struct tarn_queue **queue)
{
	struct tarn_pager *pager;
	struct tarn_queue *q;
	bool added = false;

	tarn_cookie_assert();
	rcu_read_lock();
	pager = rcu_dereference(pool->pager);
	if (!pager)
		goto out;
	q = pick(pager, io);
	spin_lock(&q->lock);
	if (q->live) {
		*queue = q;
		list_add_tail(&io->link, &q->reads);
		added = true;
	}
	spin_unlock(&q->lock);
out:
	rcu_read_unlock();
	return added;
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
	struct tarn_io *read;
	u32 tag;

	spin_lock(&q->lock);
	q->live = false;
	for (tag = 0; tag < q->depth; tag++) {
		struct tarn_io *io = q->slots[tag];

		q->slots[tag] = NULL;
		if (io && !drops_in_flight(io))
			list_add_tail(&io->link, orphans);
	}
	list_splice_tail_init(&q->loads, orphans);
	list_splice_tail_init(&q->stores, orphans);
	list_for_each_entry(read, &q->reads, link)
		tarn_read_abandon(read->read);
	list_splice_tail_init(&q->reads, orphans);
	cmd = q->parked;
	q->parked = NULL;
	spin_unlock(&q->lock);
	if (cmd)
		io_uring_cmd_complete_in_task(cmd, dismiss_in_task);
}

/* Where io_uring has no way to give up a command that waits, see tarn_queue_cancel(). */
void tarn_queue_unpark(struct tarn_queue *q)
{
	struct io_uring_cmd *cmd;

	spin_lock(&q->lock);
	cmd = q->parked;
	q->parked = NULL;
	spin_unlock(&q->lock);
	if (cmd)
		io_uring_cmd_complete_in_task(cmd, cancel_in_task);
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
	if (drops_in_flight(io))
		q->drops--;
	spin_unlock(&q->lock);
	return io;
}

/* Can they be those of the copies that a store made? */
static bool are_cookies(const struct tarn_io *io, u64 first)
{
	/* From there on they are the module's own. */
	const u64 end = TARN_COOKIE_FILES;

	return first && first < end && end - first >= tarn_io_pages(io);
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
	if (drops_in_flight(io)) {
		tarn_pool_room_made(q->pager->pool, drops_in_flight(io));
		return 0;
	}
	if (result > 0 || result < -MAX_ERRNO)
		result = -EIO;
	if (io->op == TARN_OP_STORE && !result && !are_cookies(io, c.cookie))
		result = -EIO;
	tarn_io_end(io, result, c.cookie);
	return 0;
}

/*
 * The command can be cancelled from here on, so it ends by io_uring_cmd_done() and
 * not by a return value. (6.1 takes a positive one for a failure, too.)
 */
static int park(struct tarn_queue *q, struct io_uring_cmd *cmd, u32 seen,
		unsigned int issue_flags)
{
	int result = 0;

	if (!tarn_uring_can_wait())
		return -EOPNOTSUPP;
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
	spin_lock(&q->lock);
	if (!q->live)
		result = -ENOTCONN;
	else if (q->parked)
		result = -EBUSY;
	else if (q->tail != seen)
		result = min(q->tail - seen, q->depth);
	else
		q->parked = cmd;
	spin_unlock(&q->lock);
	if (result)
		io_uring_cmd_done(cmd, result, issue_flags);
	return -EIOCBQUEUED;
}

/**
 * tarn_queue_cancel() - io_uring gives up a command
 * @pager: whose
 * @cmd: the command, which may be parked, or about to be completed
 * @issue_flags: io_uring's
 *
 * Its ring goes, or the thread that issued it. The queue goes on without.
 *
 * Context: process, with the ring locked.
 */
void tarn_queue_cancel(struct tarn_pager *pager, struct io_uring_cmd *cmd,
		       unsigned int issue_flags)
{
	bool parked = false;
	u32 i;

	for (i = 0; i < pager->nr_queues && !parked; i++) {
		struct tarn_queue *q = &pager->queues[i];

		spin_lock(&q->lock);
		parked = q->parked == cmd;
		if (parked)
			q->parked = NULL;
		spin_unlock(&q->lock);
	}
	if (parked)
		io_uring_cmd_done(cmd, -ECANCELED, issue_flags);
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
