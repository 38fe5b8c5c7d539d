// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-flight log; struct adjunct_log says in which order things are written. An image
 * may end between any two of these writes, and what is read here was written by another one,
 * so numbers are checked. Stores of one processor are seen in their order by whoever comes
 * later, so that it is the compiler alone that must keep it.
 */
#include <errno.h>

#include "adjunct/image/queue.h"

static void in_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void log_take(struct queue *q, u16 head)
{
	struct adjunct_log_entry *e = &q->log->entry[head];

	e->seq = ++q->log->seq;
	e->taken = clock_cycles();
	in_order();
	WRITE_ONCE(e->inflight, 1);
}

void log_return(struct queue *q, u16 head)
{
	q->log->entry[head].next = q->log->batch;
	in_order();
	WRITE_ONCE(q->log->batch, head);
}

bool log_publish(struct queue *q)
{
	struct adjunct_log *log = q->log;
	bool notify = vq_publish(&q->vq);
	u16 head = log->batch, n;

	in_order();
	for (n = 0; head < q->vq.size && n < q->vq.size; n++) {
		WRITE_ONCE(log->entry[head].inflight, 0);
		head = log->entry[head].next;
	}
	in_order();
	WRITE_ONCE(log->used_idx, q->vq.used_idx);
	in_order();
	WRITE_ONCE(log->batch, ADJUNCT_LOG_END);
	return notify;
}

/* The batch that was being returned, if the ring shows that it was. */
static void finish_batch(struct queue *q)
{
	struct adjunct_log *log = q->log;
	u16 size = q->vq.size, n = 0, i;

	for (i = log->batch; i < size && n < size; i = log->entry[i].next)
		n++;
	if (n && le16toh(READ_ONCE(q->vq.used->idx)) == (u16)(log->used_idx + n)) {
		for (i = log->batch; n; n--, i = log->entry[i].next)
			log->entry[i].inflight = 0;
		log->used_idx = le16toh(READ_ONCE(q->vq.used->idx));
	}
	log->batch = ADJUNCT_LOG_END;
}

int log_recover(struct queue *q)
{
	u16 i, nr = 0;
	int ret = vq_enable(&q->vq);

	if (ret)
		return ret;
	finish_batch(q);
	for (i = 0; i < q->vq.size; i++)
		nr += !!q->log->entry[i].inflight;
	ret = vq_restore(&q->vq, q->log->used_idx + nr, q->log->used_idx);
	q->vq.inflight = nr;
	return ret ?: nr;
}

u16 log_next(const struct queue *q, u64 seq)
{
	u16 i, next = REQUEST_NONE;

	for (i = 0; i < q->vq.size; i++) {
		const struct adjunct_log_entry *e = &q->log->entry[i];

		if (e->inflight && e->seq > seq &&
		    (next == REQUEST_NONE || e->seq < q->log->entry[next].seq))
			next = i;
	}
	return next;
}
