// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: each listener has a ring of its own; one that reads too slowly loses
 * the newest events and is told how many.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kfifo.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "pool/event.h"
#include "pool/log.h"
#include "pool/pool.h"
#include "trace.h"

#define LISTENER_EVENTS	256
/* What users make happen leaves room for what is important. */
#define AT_WILL_EVENTS	(LISTENER_EVENTS / 2)

/**
 * struct listener - an open descriptor of events
 * @link: on pool->listeners
 * @pool: referenced
 * @wait: readers
 * @read_lock: one reader at a time
 * @lost: events that found no room, under pool->events_lock
 * @hangup: the pool is gone
 * @events: filled under pool->events_lock
 */
struct listener {
	struct list_head link;
	struct tarn_pool *pool;
	wait_queue_head_t wait;
	struct mutex read_lock;
	u64 lost;
	bool hangup;
	DECLARE_KFIFO(events, struct tarn_event, LISTENER_EVENTS);
};

/* Say how many were lost as soon as there is room for that. */
static void tell_lost_locked(struct listener *l)
{
	const struct tarn_event lost = {
		.time_ns = ktime_get_real_ns(),
		.type = TARN_EVENT_LOST,
		.value = l->lost,
	};

	lockdep_assert_held(&l->pool->events_lock);
	if (l->lost && kfifo_put(&l->events, lost))
		l->lost = 0;
}

static void tell_lost(struct listener *l)
{
	spin_lock(&l->pool->events_lock);
	tell_lost_locked(l);
	spin_unlock(&l->pool->events_lock);
}

/* Users make it happen, as often as they like. */
static bool is_at_will(const struct tarn_event *ev)
{
	return ev->type == TARN_EVENT_PARTITION_CREATED ||
	       ev->type == TARN_EVENT_PARTITION_DESTROYED ||
	       ev->type == TARN_EVENT_BALLOON_GONE ||
	       ev->type == TARN_EVENT_IMPORT_ERROR;
}

static void deliver(struct listener *l, const struct tarn_event *ev)
{
	lockdep_assert_held(&l->pool->events_lock);
	/* Not even the number of those that are lost takes that room. */
	if (is_at_will(ev) && kfifo_len(&l->events) >= AT_WILL_EVENTS) {
		l->lost++;
		return;
	}
	tell_lost_locked(l);
	if (l->lost || !kfifo_put(&l->events, *ev))
		l->lost++;
	wake_up(&l->wait);
}

/**
 * tarn_event() - tell those who listen, and the kernel's log what it should have
 * @pool: of this pool
 * @type: what happened
 * @partition: to which partition, or TARN_PARTITION_NONE
 * @index: to which page
 * @value: see enum tarn_event_type
 *
 * Context: process.
 */
void tarn_event(struct tarn_pool *pool, enum tarn_event_type type,
		u32 partition, u64 index, s64 value)
{
	const struct tarn_event ev = {
		.time_ns = ktime_get_real_ns(),
		.type = type,
		.partition = partition,
		.index = index,
		.value = value,
	};
	struct listener *l;

	trace_tarn_event(type, partition, index, value);
	spin_lock(&pool->events_lock);
	list_for_each_entry(l, &pool->listeners, link)
		deliver(l, &ev);
	spin_unlock(&pool->events_lock);
	/* Last: a console can take milliseconds for a line. */
	tarn_log(pool, type, partition, index, value);
}

/* The pool is gone: readers get what is left, then the end of the file. */
void tarn_event_hangup(struct tarn_pool *pool)
{
	struct listener *l;

	spin_lock(&pool->events_lock);
	list_for_each_entry(l, &pool->listeners, link) {
		WRITE_ONCE(l->hangup, true);
		wake_up(&l->wait);
	}
	spin_unlock(&pool->events_lock);
}

static bool readable(struct listener *l)
{
	return !kfifo_is_empty(&l->events) || READ_ONCE(l->hangup);
}

/* Whole records, as many as there are and fit. */
static ssize_t take_events(struct listener *l, char __user *buf, size_t size)
{
	struct tarn_event ev;
	ssize_t done = 0;

	lockdep_assert_held(&l->read_lock);
	while (size - done >= sizeof(ev) && kfifo_peek(&l->events, &ev)) {
		if (copy_to_user(buf + done, &ev, sizeof(ev)))
			return done ? done : -EFAULT;
		kfifo_skip(&l->events);
		done += sizeof(ev);
	}
	return done;
}

static ssize_t event_read(struct file *file, char __user *buf, size_t size,
			  loff_t *pos)
{
	struct listener *l = file->private_data;
	ssize_t done = 0;
	int ret;

	if (size < sizeof(struct tarn_event))
		return -EINVAL;
	/* Another reader may take what this one was woken for. */
	while (!done) {
		if (!readable(l) && file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(l->wait, readable(l));
		if (ret)
			return ret;
		mutex_lock(&l->read_lock);
		done = take_events(l, buf, size);
		tell_lost(l);
		mutex_unlock(&l->read_lock);
		if (!done && READ_ONCE(l->hangup))
			break;
	}
	return done;
}

static __poll_t event_poll(struct file *file, poll_table *wait)
{
	struct listener *l = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &l->wait, wait);
	if (!kfifo_is_empty(&l->events))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(l->hangup))
		mask |= EPOLLHUP;
	return mask;
}

static int event_release(struct inode *inode, struct file *file)
{
	struct listener *l = file->private_data;

	spin_lock(&l->pool->events_lock);
	list_del(&l->link);
	spin_unlock(&l->pool->events_lock);
	tarn_pool_put(l->pool);
	kfree(l);
	return 0;
}

static const struct file_operations event_fops = {
	.owner = THIS_MODULE,
	.read = event_read,
	.poll = event_poll,
	.release = event_release,
	.llseek = noop_llseek,
};

/**
 * tarn_event_open() - TARN_POOL_EVENTS
 * @pool: whose events
 *
 * Return: a descriptor, or a negative errno.
 */
int tarn_event_open(struct tarn_pool *pool)
{
	struct listener *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	int fd;

	if (!l)
		return -ENOMEM;
	init_waitqueue_head(&l->wait);
	mutex_init(&l->read_lock);
	INIT_KFIFO(l->events);
	l->pool = tarn_pool_get(pool);
	spin_lock(&pool->events_lock);
	list_add(&l->link, &pool->listeners);
	spin_unlock(&pool->events_lock);
	fd = anon_inode_getfd("[tarn-events]", &event_fops, l,
			      O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		goto err_listener;
	return fd;

err_listener:
	spin_lock(&pool->events_lock);
	list_del(&l->link);
	spin_unlock(&pool->events_lock);
	tarn_pool_put(pool);
	kfree(l);
	return fd;
}
