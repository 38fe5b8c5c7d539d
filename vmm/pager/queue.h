/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue: one area of requests and completions shared with the module, one
 * thread that serves it and one ring that all its I/O goes through.
 *
 * Nothing is allocated, locked for long or copied for a request. A turn of the
 * loop takes what is there, starts its I/O, hands back what is done and waits,
 * all with one io_uring_enter().
 */
#ifndef TARN_PAGER_QUEUE_H
#define TARN_PAGER_QUEUE_H

#include <liburing.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <linux/tarn_pager.h>
#include "device.h"
#include "devices.h"

struct attachment;
struct options;

/** Most pages in one read or write, but for those of a wide request. */
#define IO_MAX_PAGES 64
/** Registered files: a leg each. */
#define QUEUE_FILES (DEVICE_MAX * LAYOUT_MAX_LEGS)

/**
 * struct task - a request that has been taken
 * @next: of the same I/O, or free
 * @tag: from the request, here and below
 * @op: see there
 * @flags: see there
 * @retried: @tried counts
 * @sum: see there
 * @frame: see there
 * @cookie: see there
 * @pages: that it is about
 * @tried: devices that a store failed on
 */
struct task {
	struct task *next;
	u32 tag;
	u8 op;
	u8 flags;
	bool retried;
	u32 sum;
	u64 frame;
	u64 cookie;
	u32 pages;
	struct device_set tried;
};

/**
 * struct io - a read or write of slots that follow each other
 * @next: in the list of free ones, or of those that are read by themselves
 * @tasks: a task a slot, or a wide one for all
 * @ext: the slots
 * @write: or read
 * @legs: those asked
 * @failed: of these, failed
 * @asked: a load: legs that were asked so far
 * @alone: a load: legs that were asked for nothing else at that time
 * @check: a load: see whether it is what was stored
 * @repair: a load: legs that could not give it
 * @repairing: that is being done
 * @pending: answers to come
 * @retries: for errors that pass
 * @errors: of the legs that failed
 * @niov: length of @iov; 1: the frames follow each other as well
 * @iov: where in the frame window
 */
struct io {
	struct io *next;
	struct task *tasks;
	struct extent ext;
	bool write;
	u8 legs;
	u8 failed;
	u8 asked;
	u8 alone;
	bool check;
	u8 repair;
	bool repairing;
	u8 pending;
	u8 retries;
	s32 errors[LAYOUT_MAX_LEGS];
	unsigned int niov;
	struct iovec iov[IO_MAX_PAGES];
};

/**
 * struct queue_counters - written by the queue's thread, read by anybody
 */
struct queue_counters {
	atomic_ullong loads;
	atomic_ullong stores;
	atomic_ullong drops;
	atomic_ullong load_errors;
	atomic_ullong store_errors;
	atomic_ullong ios;
	atomic_uint in_flight;
};

/**
 * struct queue - see above
 * @number: in the protocol
 * @cpu: to run on, or -1
 * @at: the attachment
 * @devices: where pages go
 * @ring: for all that the queue does
 * @area: shared with the module
 * @requests: in it
 * @completions: in it
 * @depth: most requests in flight
 * @head: requests taken so far
 * @parked: a TARN_CMD_SERVE waits for requests
 * @nr_done: completions written
 * @nr_committed: of these, named in the TARN_CMD_SERVE that is in the ring
 * @freed: copies to free when the module has taken their completions
 * @nr_freed: how many
 * @nr_freed_committed: as @nr_committed
 * @refused: a store among the completions was answered with ENOSPC
 * @refused_committed: as @nr_committed
 * @nr_ios: I/Os in flight
 * @free_tasks: not in use
 * @free_ios: not in use
 * @alone: loads to be read by themselves, the first one is
 * @registered: serial number of the leg that is in the ring's table
 * @counters: for the control socket
 * @memory_tasks: all tasks
 * @memory_ios: all I/Os
 */
struct queue {
	unsigned int number;
	int cpu;
	struct attachment *at;
	struct devices *devices;
	struct io_uring ring;

	const struct tarn_queue_area *area;
	const struct tarn_request *requests;
	struct tarn_completion *completions;
	u32 depth;
	u32 head;
	bool parked;

	u32 nr_done;
	u32 nr_committed;
	struct slot_run *freed;
	u32 nr_freed;
	u32 nr_freed_committed;
	bool refused;
	bool refused_committed;

	unsigned int nr_ios;
	struct task *free_tasks;
	struct io *free_ios;
	struct io *alone;
	unsigned int registered[QUEUE_FILES];
	struct queue_counters counters;
	struct task *memory_tasks;
	struct io *memory_ios;
};

/** What is in user_data; an I/O adds the number of the leg. */
#define QUEUE_DATA_LEGS 1ULL
#define QUEUE_DATA_PARK 2ULL
#define QUEUE_DATA_COMMIT 4ULL

int queues_create(struct queue **queues, struct attachment *at,
		  struct devices *devices, const struct options *opts);
void queues_go(unsigned int nr);

struct io_uring_sqe *queue_get_sqe(struct queue *q);
void queue_complete(struct queue *q, struct task *task, s32 result,
		    u64 cookie);
void queue_free_cookies(struct queue *q, u64 cookie, u32 count);

static inline struct task *queue_get_task(struct queue *q)
{
	struct task *task = q->free_tasks;

	if (task)
		q->free_tasks = task->next;
	return task;
}

/* For counters with one writer. */
static inline void counter_add(atomic_ullong *counter, u64 n)
{
	u64 now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

#endif
