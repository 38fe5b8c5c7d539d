// SPDX-License-Identifier: GPL-2.0-only
/*
 * See queue.h. The order within a turn: what the turn before has committed is
 * freed; completed I/O is looked at; requests are taken; TARN_CMD_SERVE, which
 * was put in front of this turn's I/O, gets its numbers; all is submitted.
 */
#include "queue.h"
#include "attach.h"
#include "io.h"
#include "log.h"
#include "options.h"
#include "status.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* With less room than this part of all, slots are freed without delay. */
#define SCARCE_PART 16

static struct {
	sem_t ready;
	sem_t go;
	atomic_int error;
} start;

/*
 * A queue that can't go on ends the process: the module keeps what is in
 * flight for the next pager.
 */
static _Noreturn void give_up(const struct queue *q, const char *what,
			      int error)
{
	log_crit("queue %u: %s: %s", q->number, what, strerror(error));
	_exit(EXIT_FAILURE);
}

/* There is room: at most two a task, four a wide one, and the commands. */
struct io_uring_sqe *queue_get_sqe(struct queue *q)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->ring);

	if (!sqe)
		give_up(q, "submission ring", ENOBUFS);
	return sqe;
}

/* Write a completion; the task may be used again. */
void queue_complete(struct queue *q, struct task *task, s32 result, u64 cookie)
{
	q->completions[q->nr_done++] = (struct tarn_completion){
		.tag = task->tag,
		.result = result,
		.cookie = cookie,
	};
	task->next = q->free_tasks;
	q->free_tasks = task;
}

/* Free copies once the completion written next, or last, is committed. */
void queue_free_cookies(struct queue *q, u64 cookie, u32 count)
{
	q->freed[q->nr_freed++] = (struct slot_run){ cookie, count };
}

/* ---- taking requests ----------------------------------------------------- */

static const struct tarn_request *request_at(const struct queue *q, u32 n)
{
	return &q->requests[n & (q->depth - 1)];
}

static bool is_wide(const struct tarn_request *req)
{
	return req->flags & TARN_REQ_WIDE;
}

static struct task *take_task(struct queue *q)
{
	const struct tarn_request *req = request_at(q, q->head);
	struct task *task = queue_get_task(q);

	/* As many tasks as requests may be in flight. */
	if (!task)
		give_up(q, "too many requests", EPROTO);
	q->head++;
	task->next = NULL;
	task->tag = req->tag;
	task->op = req->op;
	task->flags = req->flags;
	task->retried = false;
	task->sum = req->sum;
	task->frame = req->frame;
	task->cookie = req->cookie;
	task->pages = req->flags & TARN_REQ_WIDE ? req->run + 1 : 1;
	return task;
}

/*
 * Loads of one kind from slots in a row. A load that somebody waits for is not
 * held up by those that are read ahead.
 */
static void take_loads(struct queue *q, u32 tail)
{
	struct task *first = take_task(q), *last = first;
	u32 nr = 1;

	while (q->head != tail && nr < IO_MAX_PAGES &&
	       !(first->flags & TARN_REQ_MISMATCH)) {
		const struct tarn_request *req = request_at(q, q->head);

		if (req->op != TARN_OP_LOAD || req->flags != first->flags ||
		    req->cookie != last->cookie + 1)
			break;
		last->next = take_task(q);
		last = last->next;
		nr++;
	}
	io_load(q, first, nr);
}

/*
 * Stores that come together go to slots in a row whether or not they are one
 * run: what went out together often comes in together. A run is not cut by the
 * limit of an I/O if it can be the first of the next one.
 */
static void take_stores(struct queue *q, u32 tail)
{
	struct task *first = NULL, **last = &first;
	u32 nr = 0, run, i;

	while (q->head != tail && nr < IO_MAX_PAGES) {
		const struct tarn_request *req = request_at(q, q->head);

		if (req->op != TARN_OP_STORE || is_wide(req))
			break;
		run = min_t(u32, (u32)req->run + 1, tail - q->head);
		if (nr && nr + run > IO_MAX_PAGES)
			break;
		run = min_t(u32, run, IO_MAX_PAGES);
		for (i = 0; i < run; i++) {
			if (request_at(q, q->head)->op != TARN_OP_STORE ||
			    is_wide(request_at(q, q->head)))
				break;
			*last = take_task(q);
			last = &(*last)->next;
			nr++;
		}
	}
	io_store(q, first, nr);
}

static void take_drop(struct queue *q)
{
	struct task *task = take_task(q);

	counter_add(&q->counters.drops, task->pages);
	queue_free_cookies(q, task->cookie, task->pages);
	queue_complete(q, task, 0, TARN_COOKIE_NONE);
}

static void take_requests(struct queue *q)
{
	/* Pairs with the module's release of the entries before the tail. */
	u32 tail = __atomic_load_n(&q->area->request_tail, __ATOMIC_ACQUIRE);

	if (tail - q->head > q->depth)
		give_up(q, "request ring", EPROTO);
	while (q->head != tail) {
		const struct tarn_request *req = request_at(q, q->head);

		switch (req->op) {
		case TARN_OP_LOAD:
			if (is_wide(req))
				io_load_wide(q, take_task(q));
			else
				take_loads(q, tail);
			break;
		case TARN_OP_STORE:
			if (is_wide(req))
				io_store_wide(q, take_task(q));
			else
				take_stores(q, tail);
			break;
		case TARN_OP_DROP:
			take_drop(q);
			break;
		default:
			give_up(q, "unknown request", EPROTO);
		}
	}
}

/* ---- the ring ------------------------------------------------------------ */

static void parked_returned(struct queue *q, s32 result)
{
	q->parked = false;
	if (result < 0 && result != -EINTR && result != -EAGAIN)
		give_up(q, "the module", -result);
}

static void reap(struct queue *q)
{
	struct io_uring_cqe *cqe;
	unsigned int head, nr = 0;
	u64 data;

	io_uring_for_each_cqe(&q->ring, head, cqe) {
		nr++;
		data = io_uring_cqe_get_data64(cqe);
		if (data == QUEUE_DATA_PARK)
			parked_returned(q, cqe->res);
		else if (data == QUEUE_DATA_COMMIT && cqe->res < 0)
			give_up(q, "commit", -cqe->res);
		else if (data != QUEUE_DATA_COMMIT)
			io_done(q,
				(struct io *)(uintptr_t)(data &
							 ~QUEUE_DATA_LEGS),
				data & QUEUE_DATA_LEGS, cqe->res);
	}
	io_uring_cq_advance(&q->ring, nr);
}

/* The completions that were named in a TARN_CMD_SERVE have been taken. */
static void committed(struct queue *q)
{
	u32 left = q->nr_done - q->nr_committed;

	memmove(q->completions, q->completions + q->nr_committed,
		left * sizeof(*q->completions));
	q->nr_done = left;
	q->nr_committed = 0;
	if (q->nr_freed_committed) {
		devices_free(q->devices, q->freed, q->nr_freed_committed);
		left = q->nr_freed - q->nr_freed_committed;
		memmove(q->freed, q->freed + q->nr_freed_committed,
			left * sizeof(*q->freed));
		q->nr_freed = left;
		q->nr_freed_committed = 0;
		status_note_room();
	}
	if (q->refused_committed) {
		q->refused_committed = false;
		status_note_full();
	}
}

static void fill_serve(struct queue *q, struct io_uring_sqe *sqe)
{
	struct tarn_serve *serve = (struct tarn_serve *)sqe->cmd;
	bool park = !q->parked;

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, 0, NULL, 0, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->cmd_op = TARN_CMD_SERVE;
	*serve = (struct tarn_serve){
		.queue = q->number,
		.flags = park ? TARN_SERVE_PARK : 0,
		.completions = q->nr_done,
		.seen = q->head,
	};
	sqe->fd = QUEUE_FILES;
	if (!park)
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe,
				park ? QUEUE_DATA_PARK : QUEUE_DATA_COMMIT);
	q->parked = true;
	q->nr_committed = q->nr_done;
	q->nr_freed_committed = q->nr_freed;
	q->refused_committed = q->refused;
	q->refused = false;
}

/* Submit all, and wait for @wait answers. */
static void enter(struct queue *q, unsigned int wait)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	int ret;

	do {
		ret = io_uring_submit_and_wait(&q->ring, wait);
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY)
			give_up(q, "io_uring_enter", -ret);
		/* No memory for a request; the completions must be taken. */
		if (io_uring_sq_ready(&q->ring) && ret != -EINTR)
			nanosleep(&pause, NULL);
	} while (io_uring_sq_ready(&q->ring));
}

static bool is_scarce(struct queue *q)
{
	const struct status_report *status = status_current();

	return status->capacity - status->used <
	       status->capacity / SCARCE_PART;
}

/*
 * To wait, or, where slots become free by what is being committed and either
 * nothing else would wake us or others are short of them, to come back at once.
 */
static unsigned int answers_to_wait_for(struct queue *q)
{
	if ((q->nr_freed_committed || q->refused_committed) &&
	    (!q->nr_ios || is_scarce(q)))
		return 0;
	return 1;
}

static void turn(struct queue *q)
{
	struct io_uring_sqe *sqe = NULL;

	reap(q);
	if (!q->parked || q->nr_done)
		sqe = queue_get_sqe(q);
	take_requests(q);
	if (!sqe && q->nr_done)
		sqe = queue_get_sqe(q);
	if (sqe)
		fill_serve(q, sqe);
	atomic_store_explicit(&q->counters.in_flight, q->nr_ios,
			      memory_order_relaxed);
	enter(q, answers_to_wait_for(q));
	committed(q);
}

/* ---- beginning ----------------------------------------------------------- */

/*
 * Work of completions is put off until we wait, which spares interrupts of the
 * thread; kernels that can't do that get by without.
 */
static int setup_ring(struct queue *q)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	struct io_uring_params params;
	unsigned int i;
	int ret = -EINVAL;

	for (i = 0; i < ARRAY_SIZE(flags) && ret == -EINVAL; i++) {
		params = (struct io_uring_params){
			.flags = flags[i] | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP |
				 IORING_SETUP_R_DISABLED,
			.cq_entries = q->depth * 8,
		};
		ret = io_uring_queue_init_params(q->depth * 4, &q->ring,
						 &params);
	}
	if (ret)
		return ret;
	return io_uring_ring_dontfork(&q->ring);
}

/* Legs come in when they are used; the last entry is /dev/tarn. */
static int register_files(struct queue *q)
{
	int fds[QUEUE_FILES + 1];
	int i;

	for (i = 0; i < QUEUE_FILES; i++)
		fds[i] = -1;
	fds[QUEUE_FILES] = q->at->fd;
	return io_uring_register_files(&q->ring, fds, QUEUE_FILES + 1);
}

/*
 * Whoever gets hold of the thread gets no more out of its ring than the queue
 * does: a ring goes past the filter of system calls.
 */
static int restrict_ring(struct queue *q)
{
	struct io_uring_restriction rules[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		  .sqe_op = IORING_OP_READ },
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		  .sqe_op = IORING_OP_READV },
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		  .sqe_op = IORING_OP_WRITE },
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		  .sqe_op = IORING_OP_WRITEV },
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		  .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		  .sqe_op = IORING_OP_URING_CMD },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
		  .sqe_flags = IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_ENABLE_RINGS },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_FILES_UPDATE },
	};
	int fd = q->ring.ring_fd, ret;

	/* liburing 2.3 has calls for these, but does not export them. */
	ret = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, rules,
				ARRAY_SIZE(rules));
	return ret ? ret : io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS,
					     NULL, 0);
}

static void pin(const struct queue *q)
{
	cpu_set_t set;

	if (q->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(q->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		log_warn("queue %u: can't run on CPU %d: %s", q->number, q->cpu,
			 strerror(errno));
}

static void *queue_thread(void *arg)
{
	struct queue *q = arg;
	int ret;

	pin(q);
	ret = setup_ring(q);
	if (!ret)
		ret = register_files(q);
	if (!ret)
		ret = restrict_ring(q);
	if (ret) {
		log_err("queue %u: no ring: %s", q->number, strerror(-ret));
		atomic_store(&start.error, ret);
	}
	sem_post(&start.ready);
	if (ret)
		return NULL;
	while (sem_wait(&start.go))
		;
	for (;;)
		turn(q);
	return NULL;
}

static int alloc_memory(struct queue *q)
{
	u32 i;

	q->memory_tasks = calloc(q->depth, sizeof(*q->memory_tasks));
	q->memory_ios = calloc(q->depth, sizeof(*q->memory_ios));
	q->freed = calloc(q->depth * 2, sizeof(*q->freed));
	if (!q->memory_tasks || !q->memory_ios || !q->freed)
		return -ENOMEM;
	for (i = 0; i < q->depth; i++) {
		q->memory_tasks[i].next = q->free_tasks;
		q->free_tasks = &q->memory_tasks[i];
		q->memory_ios[i].next = q->free_ios;
		q->free_ios = &q->memory_ios[i];
	}
	return 0;
}

static int map_area(struct queue *q)
{
	u8 *area = attach_map_queue(q->at, q->number);

	if (!area)
		return -errno;
	q->area = (const struct tarn_queue_area *)area;
	q->requests = (const void *)(area + q->area->requests_offset);
	q->completions = (void *)(area + q->area->completions_offset);
	q->depth = q->area->depth;
	return q->depth == q->at->depth ? 0 : -EPROTO;
}

static int start_queue(struct queue *q)
{
	char name[32];
	int ret = map_area(q);

	if (!ret)
		ret = alloc_memory(q);
	if (ret) {
		log_err("queue %u: %s", q->number, strerror(-ret));
		return ret;
	}
	snprintf(name, sizeof(name), "tarn-queue/%u", q->number);
	ret = thread_create(name, queue_thread, q);
	if (ret)
		log_err("queue %u: no thread: %s", q->number, strerror(-ret));
	return ret;
}

/**
 * queues_create() - make the threads and rings, which wait for queues_go()
 *
 * What fails here ends the pager, so nothing is undone.
 */
int queues_create(struct queue **queues, struct attachment *at,
		  struct devices *devices, const struct options *opts)
{
	struct queue *q;
	unsigned int i;
	int ret;

	q = calloc(at->queues, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*queues = q;
	sem_init(&start.ready, 0, 0);
	sem_init(&start.go, 0, 0);
	for (i = 0; i < at->queues; i++) {
		q[i].number = i;
		q[i].at = at;
		q[i].devices = devices;
		q[i].cpu = opts->nr_cpus ? (int)opts->cpus[i % opts->nr_cpus] :
					   -1;
		ret = start_queue(&q[i]);
		if (ret)
			return ret;
	}
	for (i = 0; i < at->queues; i++)
		while (sem_wait(&start.ready))
			;
	return atomic_load(&start.error);
}

void queues_go(unsigned int nr)
{
	while (nr--)
		sem_post(&start.go);
}
