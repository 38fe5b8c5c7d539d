// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of the client's device, as the VMM sees them: begun and stopped by the
 * configuration, which the image reads, and looked after by the log, which it writes.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "adjunct/internal.h"
#include "virtio/virtqueue.h"
#include "wait.h"

/* Of a chain that is not known to be old: later than now, for the image's clock. */
#define TAKEN_NEW INT64_MAX
/* Whoever waits looks so often, as what the image writes wakes nobody. */
#define LOOK_NS 20000000ULL

int adjunct_attach(struct adjunct *adj, const struct adjunct_client_ops *ops, void *arg)
{
	if (adj->ops)
		return -EBUSY;
	adj->arg = arg;
	adj->ops = ops;
	return 0;
}

static void detach(void *arg)
{
	struct adjunct *adj = arg;

	loop_work_cancel(adj->loop, &adj->told_work);
	adj->more = 0;
	adj->broken = 0;
	adj->ops = NULL;
}

void adjunct_detach(struct adjunct *adj)
{
	/* The loop may be bringing a device up, or down, as long as that takes. */
	wait_begin(WAIT_DISKS);
	adjunct_wait_unused(adj);
	loop_call(adj->loop, detach, adj);
	wait_end();
}

void adjunct_configure(struct adjunct *adj, const struct adjunct_client_config *config)
{
	struct adjunct_config *to = adj->config;

	to->nr_queues = config->nr_queues;
	to->read_only = adj->read_only || config->read_only;
	WRITE_ONCE(to->writeback, config->writeback);
	to->discard = config->discard;
	to->zeroes = config->zeroes;
	memcpy(to->serial, config->serial, sizeof(to->serial));
}

/* What was taken before, by whoever had the ring, is in flight. */
static void begin_log(struct adjunct_log *log, const struct virtqueue *vq, const u16 *kept,
		      u16 nr_kept)
{
	u16 i;

	memset(log, 0, sizeof(*log));
	log->used_idx = vq->used_idx;
	log->batch = ADJUNCT_LOG_END;
	for (i = 0; i < nr_kept; i++)
		log->entry[kept[i] % ADJUNCT_QUEUE_SIZE] = (struct adjunct_log_entry){
			.seq = ++log->seq,
			.taken = TAKEN_NEW,
			.inflight = 1,
		};
}

void adjunct_queue_start(struct adjunct *adj, u16 index, const struct virtqueue *vq,
			 const u16 *kept, u16 nr_kept)
{
	struct adjunct_queue_config *q = &adj->config->queue[index];

	begin_log(adjunct_log(adj, index), vq, kept, nr_kept);
	q->desc = vq->desc_gpa;
	q->avail = vq->avail_gpa;
	q->used = vq->used_gpa;
	q->size = vq->size;
	q->event_idx = vq->event_idx;
	q->indirect = vq->indirect;
	/*
	 * All of it before the number, and @live last: somebody may be inside, for another queue
	 * or late, and must not take from this ring as the one that was before. Pairs with the
	 * image's is_live().
	 */
	__atomic_store_n(&q->generation, q->generation + 1 ?: 1, __ATOMIC_RELEASE);
	__atomic_store_n(&q->attached, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&q->live, 1, __ATOMIC_RELEASE);
	__atomic_or_fetch(&adj->attached, 1U << index, __ATOMIC_SEQ_CST);
}

void adjunct_queue_resume(struct adjunct *adj, u16 index)
{
	__atomic_store_n(&adj->config->queue[index].live, 1, __ATOMIC_SEQ_CST);
}

u32 adjunct_queues_attached(const struct adjunct *adj)
{
	return __atomic_load_n(&adj->attached, __ATOMIC_SEQ_CST);
}

void adjunct_queue_stop(struct adjunct *adj, u16 index)
{
	__atomic_store_n(&adj->config->queue[index].live, 0, __ATOMIC_SEQ_CST);
}

static bool busy(struct adjunct *adj, u32 queues)
{
	u16 i;

	if (adjunct_has_failed(adj))
		return false;
	if (adjunct_anybody_inside(adj, queues))
		return true;
	for (i = 0; i < ADJUNCT_QUEUES; i++)
		if (queues & 1U << i && READ_ONCE(adjunct_log(adj, i)->busy))
			return true;
	return false;
}

/* Until somebody has left, or for a moment. */
static void wait_a_moment(struct adjunct *adj, u32 queues)
{
	u64 ns = loop_now() + LOOK_NS;
	const struct timespec ts = {
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};

	pthread_mutex_lock(&adj->lock);
	__atomic_add_fetch(&adj->waiting, 1, __ATOMIC_SEQ_CST);
	if (busy(adj, queues))
		pthread_cond_clockwait(&adj->cond, &adj->lock, CLOCK_MONOTONIC, &ts);
	__atomic_sub_fetch(&adj->waiting, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&adj->lock);
}

int adjunct_queues_drain(struct adjunct *adj, u32 queues, unsigned int ms)
{
	u64 end = loop_now() + ms * 1000000ULL;
	u16 i;

	while (busy(adj, queues)) {
		if (loop_now() >= end)
			return -ETIMEDOUT;
		adjunct_reap(adj);
		wait_a_moment(adj, queues);
	}
	for (i = 0; i < ADJUNCT_QUEUES; i++)
		if (queues & 1U << i)
			WRITE_ONCE(adj->config->queue[i].attached, 0);
	__atomic_and_fetch(&adj->attached, ~queues, __ATOMIC_SEQ_CST);
	return 0;
}

void adjunct_queues_end(struct adjunct *adj, u32 queues, unsigned int ms)
{
	if (!adjunct_queues_drain(adj, queues, ms))
		return;
	adjunct_crashed(adj, "it does not come to an end with its requests");
	if (!adjunct_queues_drain(adj, queues, ms))
		return;
	/* The image says what is busy, and one that always is would have the driver wait. */
	adjunct_give_up(adj, "it does not come to an end with its requests");
	adjunct_queues_drain(adj, queues, 0);
}

/*
 * The last batch, which its image may not have come to clear: entries of it that the ring
 * shows to be returned. struct adjunct_log has the rule. Returns how many.
 */
static u16 find_returned(const struct adjunct_log *log, const struct virtqueue *vq, u16 stands,
			 bool *returned)
{
	u16 size = min_t(u16, vq->size, ADJUNCT_QUEUE_SIZE), n = 0, i, at;
	u16 batch[ADJUNCT_QUEUE_SIZE];

	/* The image's word, which may go in circles or change: each link is read once. */
	at = READ_ONCE(log->batch);
	while (at < size && n < size) {
		batch[n++] = at;
		at = READ_ONCE(log->entry[at].next);
	}
	if (le16toh(READ_ONCE(vq->used->idx)) != (u16)(stands + n))
		return 0;
	for (i = 0; i < n; i++)
		returned[batch[i]] = true;
	return n;
}

u16 adjunct_queue_left(const struct adjunct *adj, u16 index, const struct virtqueue *vq,
		       u16 *heads, u16 *nr)
{
	const struct adjunct_log *log = adjunct_log(adj, index);
	u16 size = min_t(u16, vq->size, ADJUNCT_QUEUE_SIZE), i, at;
	u16 stands = READ_ONCE(log->used_idx);
	bool returned[ADJUNCT_QUEUE_SIZE] = {false};

	stands += find_returned(log, vq, stands, returned);
	*nr = 0;
	/* By their order; they are few, and this is seldom. */
	for (i = 0; i < size; i++) {
		if (returned[i] || !READ_ONCE(log->entry[i].inflight))
			continue;
		for (at = (*nr)++; at && log->entry[heads[at - 1]].seq > log->entry[i].seq; at--)
			heads[at] = heads[at - 1];
		heads[at] = i;
	}
	return stands;
}

void adjunct_serve(struct adjunct *adj, u16 index)
{
	adjunct_enter(adjunct_service(adj), ADJUNCT_SERVE, 1U << index);
}

struct sync {
	struct adjunct *adj;
	int ret;
};

static void sync_now(void *arg)
{
	struct sync *sync = arg;

	sync->ret = adjunct_enter(adjunct_service(sync->adj), ADJUNCT_SYNC, 0);
}

int adjunct_sync(struct adjunct *adj)
{
	struct sync sync = {.adj = adj};

	if (!adj->disk.cache)
		return 0;
	loop_call(adj->loop, sync_now, &sync);
	return sync.ret;
}

void adjunct_tell(struct loop_work *work)
{
	struct adjunct *adj = container_of(work, struct adjunct, told_work);
	u32 more = __atomic_exchange_n(&adj->more, 0, __ATOMIC_SEQ_CST);
	u32 broken = __atomic_exchange_n(&adj->broken, 0, __ATOMIC_SEQ_CST);
	u16 i;

	if (!adj->ops)
		return;
	for (i = 0; i < ADJUNCT_QUEUES; i++) {
		if (broken & adj->attached & 1U << i)
			adj->ops->broken(adj->arg, i);
		else if (more & adj->attached & 1U << i)
			adj->ops->more(adj->arg, i);
	}
}
