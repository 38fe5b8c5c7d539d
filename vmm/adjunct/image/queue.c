// SPDX-License-Identifier: GPL-2.0-only
/*
 * Serving a queue; see queue.h.
 *
 * No kick is lost, although who finds the queue locked goes away: he sets @again before he
 * tries the lock. If he does not get it, the holder's release comes later than his store, and
 * the holder looks at @again after the release: he sees it set, or has cleared it himself,
 * which he does before he looks at the ring. What the kick was for was in the ring before.
 *
 *	who comes			the holder
 *	ring gets an entry		again = 0
 *	again = 1			looks at the ring
 *	xchg(locked, 1) is 1		locked = 0
 *	goes				again? then from the beginning
 *
 * All of these are sequentially consistent. The holder goes round a few times only; if
 * somebody has come again by then he says that there is more, and the VMM has the queue served.
 */
#include <errno.h>
#include <string.h>

#include "adjunct/image/queue.h"

/* For a flush of the VMM's. */
#define SYNC_MS 20000

/* How often who has a queue looks whether somebody came meanwhile. */
#define ROUNDS 4

static bool try_lock(struct queue *q)
{
	return !__atomic_exchange_n(&q->locked, 1, __ATOMIC_SEQ_CST);
}

static void unlock(struct queue *q)
{
	__atomic_store_n(&q->locked, 0, __ATOMIC_SEQ_CST);
}

/* Attaching: a ring was set up, or this image is a new one. */

static void ring_setup(struct queue *q, struct tarn_mem *mem)
{
	const struct adjunct_queue_config *set = q->set;

	vq_init(&q->vq, mem, ADJUNCT_QUEUE_SIZE);
	q->vq.size = set->size;
	q->vq.desc_gpa = set->desc;
	q->vq.avail_gpa = set->avail;
	q->vq.used_gpa = set->used;
	q->vq.event_idx = set->event_idx;
	q->vq.indirect = set->indirect;
}

/* Do again what was in flight. */
static int replay(struct queue *q)
{
	u64 seq = 0;
	u16 head;

	while ((head = log_next(q, seq)) != REQUEST_NONE) {
		seq = q->log->entry[head].seq;
		q->chain.head = head;
		if (vq_reread(&q->vq, &q->chain) || request_begin(q))
			return -EIO;
	}
	return 0;
}

static int attach(struct queue *q, struct image *image)
{
	const struct adjunct_config *config = q->config;
	const struct adjunct_info *info = &((struct adjunct_shared *)config->shared)->info;
	u32 pages = config->bounce_size / ADJUNCT_PAGE /
		    max_t(u32, 1, min_t(u32, config->nr_queues, ADJUNCT_QUEUES));
	int ret;

	if (q->index >= image->nvme.nr_queues)
		return -ENODEV;
	memset(q->requests, 0, sizeof(q->requests));
	q->busy = 0;
	q->dirty = false;
	q->wait_first = REQUEST_NONE;
	q->wait_last = REQUEST_NONE;
	q->io = &image->nvme.io[q->index];
	q->shift = image->nvme.shift;
	q->transfer = info->transfer;
	q->features = info->features;
	q->log = (struct adjunct_log *)config->log + q->index;
	q->chain.iov = q->iov;
	q->chain.iov_max = ARRAY_SIZE(q->iov);
	bounce_init(&q->bounce,
		    config->bounce + q->index * (u64)pages * ADJUNCT_PAGE, pages);
	ring_setup(q, &image->mem);
	ret = log_recover(q);
	return ret < 0 ? vq_break(&q->vq, "a ring of bad size, alignment or address")
		       : replay(q);
}

/* Work */

/* Take up to @budget chains; what is left of it. */
static u32 take(struct queue *q, u32 budget)
{
	while (budget && vq_pop(&q->vq, &q->chain) > 0) {
		log_take(q, q->chain.head);
		budget--;
		if (request_begin(q))
			break;
	}
	return budget;
}

static bool reap(struct queue *q)
{
	struct nvme_completion cqe;
	bool any = false;

	while (nvme_take(q->io, &cqe)) {
		any = true;
		request_completed(q, &cqe);
	}
	if (!any)
		return false;
	nvme_taken(q->io);
	request_retry(q);
	nvme_ring(q->io);
	return true;
}

/* Until @poll cycles after @since. */
static void wait_for_device(struct queue *q, u64 since, u64 poll)
{
	while (q->io->sent && !q->vq.broken) {
		if (reap(q))
			continue;
		if (clock_past(since, poll))
			return;
		clock_relax();
	}
}

static void publish(struct queue *q, struct adjunct_mailbox *box)
{
	if (!q->dirty || q->vq.broken)
		return;
	q->dirty = false;
	if (log_publish(q))
		box->notify |= 1U << q->index;
}

/* What waits in a queue that makes no sense is nobody's any more. */
static void forget(struct queue *q)
{
	u16 i;

	for (i = 0; i < ADJUNCT_QUEUE_SIZE; i++)
		if (q->requests[i].state == REQUEST_WAITING) {
			q->requests[i].state = REQUEST_FREE;
			q->busy--;
		}
	q->wait_first = REQUEST_NONE;
}

/*
 * Whether requests may be taken, of the ring that is known. The VMM sets a queue up anew by
 * its number first and @live last; here it is the other way round, so that of a queue that
 * goes live meanwhile the number has been seen to be another one.
 */
static bool is_live(const struct queue *q)
{
	return __atomic_load_n(&q->set->live, __ATOMIC_ACQUIRE) &&
	       READ_ONCE(q->set->generation) == q->generation;
}

static void work(struct queue *q, struct adjunct_mailbox *box, u64 poll)
{
	u32 budget = max_t(u32, q->config->budget, 1);
	u64 since = clock_cycles();
	bool again = false;

	do {
		if (is_live(q)) {
			vq_kick_off(&q->vq);
			budget = take(q, budget);
		}
		nvme_ring(q->io);
		reap(q);
		wait_for_device(q, since, poll);
		publish(q, box);
		if (q->vq.broken || !is_live(q))
			break;
		again = vq_kick_on(&q->vq);
	} while (again && budget);
	if (again && !budget)
		box->more |= 1U << q->index;
	if (!q->vq.broken)
		return;
	forget(q);
	box->broken |= 1U << q->index;
}

static void account(struct queue *q, struct adjunct_mailbox *box)
{
	struct adjunct_shared *shared = (struct adjunct_shared *)q->config->shared;

	box->requests += q->returned;
	__atomic_add_fetch(&shared->info.errors, q->errors, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->info.stray, q->stray, __ATOMIC_RELAXED);
	q->returned = 0;
	q->errors = 0;
	q->stray = 0;
	if (q->log)
		WRITE_ONCE(q->log->busy, q->busy);
	if (q->busy)
		box->pending |= 1U << q->index;
}

static int serve(struct queue *q, struct image *image, struct adjunct_mailbox *box, u64 poll,
		 bool tick)
{
	u32 generation = __atomic_load_n(&q->set->generation, __ATOMIC_ACQUIRE);

	if (generation != q->generation && READ_ONCE(q->set->attached)) {
		q->generation = generation;
		attach(q, image);
	}
	if (!q->generation || !q->io)
		return 0;
	work(q, box, poll);
	account(q, box);
	if (!tick || !q->io->sent)
		return 0;
	if (nvme_dead(&image->nvme))
		return -EIO;
	return request_late(q) ? -ETIMEDOUT : 0;
}

int queue_serve(struct image *image, u16 index, const struct adjunct_config *config,
		struct adjunct_mailbox *box, u64 poll, bool tick)
{
	struct queue *q = &image->queues[index];
	unsigned int round;
	int ret;

	__atomic_store_n(&q->again, 1, __ATOMIC_SEQ_CST);
	for (round = 0; round < ROUNDS; round++) {
		if (!__atomic_load_n(&q->again, __ATOMIC_SEQ_CST) || !try_lock(q))
			return 0;
		__atomic_store_n(&q->again, 0, __ATOMIC_SEQ_CST);
		q->index = index;
		q->config = config;
		q->set = &config->queue[index];
		ret = serve(q, image, box, poll, tick);
		unlock(q);
		if (ret)
			return ret;
	}
	/* Others come and come: that is no reason to keep this one inside. */
	if (__atomic_load_n(&q->again, __ATOMIC_SEQ_CST))
		box->more |= 1U << index;
	return 0;
}

static int sync_wait(struct queue *q, const struct adjunct_config *config)
{
	struct nvme_command cmd = {
		.opcode = NVME_FLUSH,
		.cid = QUEUE_SYNC,
		.nsid = config->namespace,
	};
	u64 since = clock_cycles();

	q->synced = -EINPROGRESS;
	nvme_add(q->io, &cmd);
	nvme_ring(q->io);
	while (q->synced == -EINPROGRESS) {
		reap(q);
		if (clock_past(since, config->tsc_khz * SYNC_MS))
			return -ETIMEDOUT;
		clock_relax();
	}
	return q->synced;
}

int queue_sync(struct image *image, u16 index, const struct adjunct_config *config)
{
	struct queue *q = &image->queues[index];
	int ret;

	if (!try_lock(q))
		return -EBUSY;
	q->index = index;
	q->config = config;
	q->set = &config->queue[index];
	if (!q->io) {
		q->io = &image->nvme.io[index];
		q->wait_first = REQUEST_NONE;
	}
	ret = nvme_full(q->io) ? -EBUSY : sync_wait(q, config);
	unlock(q);
	return ret;
}
