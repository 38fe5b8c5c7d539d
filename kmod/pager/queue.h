/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queues between the module and its pager: a ring of requests in memory
 * that both map, and one parked io_uring command that tells the pager to look.
 */
#ifndef TARN_QUEUE_H
#define TARN_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/tarn_pager.h>

struct io_uring_cmd;
struct tarn_io;
struct tarn_pager;
struct tarn_pool;
struct vm_area_struct;

/**
 * struct tarn_queue - one queue of a pager
 * @pager: whose
 * @lock: protects the rest
 * @area: what the pager maps; the module only ever writes requests and the
 *	tail and reads completions, each field once
 * @requests: in @area
 * @completions: in @area
 * @depth: entries of both, a power of two
 * @live: requests may be published
 * @tail: requests published so far
 * @slots: by tag, the request in flight; of a drop how many copies it is about
 * @free_tags: stack of tags
 * @nr_free: its height
 * @drops: drops in flight
 * @loads: loads that wait for a tag
 * @stores: stores that wait for a tag
 * @reads: loads that granted devices are read for (grant.c)
 * @parked: the pager's command that waits for requests
 */
struct tarn_queue {
	struct tarn_pager *pager;
	spinlock_t lock;
	struct tarn_queue_area *area;
	struct tarn_request *requests;
	struct tarn_completion *completions;
	u32 depth;
	bool live;
	u32 tail;
	struct tarn_io **slots;
	u16 *free_tags;
	u32 nr_free;
	u32 drops;
	struct list_head loads;
	struct list_head stores;
	struct list_head reads;
	struct io_uring_cmd *parked;
};

size_t tarn_queue_bytes(u32 depth);
int tarn_queue_init(struct tarn_queue *q, struct tarn_pager *pager, u32 depth);
void tarn_queue_exit(struct tarn_queue *q);
void tarn_queue_start(struct tarn_queue *q);
void tarn_queue_stop(struct tarn_queue *q, struct list_head *orphans);
int tarn_queue_mmap(struct tarn_queue *q, struct vm_area_struct *vma);
void tarn_queue_kick(struct tarn_queue *q);

bool tarn_queue_add_read(struct tarn_pool *pool, struct tarn_io *io,
			 struct tarn_queue **queue);
void tarn_queue_submit(struct tarn_pool *pool, struct tarn_io *io);
void tarn_queue_submit_batch(struct tarn_pool *pool, struct list_head *ios);
void tarn_queue_unpark(struct tarn_queue *q);
void tarn_queue_cancel(struct tarn_pager *pager, struct io_uring_cmd *cmd,
		       unsigned int issue_flags);
int tarn_queue_serve(struct tarn_pager *pager, struct io_uring_cmd *cmd,
		     unsigned int issue_flags);

#endif
