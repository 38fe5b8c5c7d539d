/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's side of a paging service: an open /dev/tarn that attached to a
 * pool.
 */
#ifndef TARN_PAGER_H
#define TARN_PAGER_H

#include <linux/kref.h>
#include <linux/path.h>
#include <linux/rcupdate.h>

#include "grant.h"
#include "pool.h"
#include "queue.h"

#define TARN_DROP_BATCH	(PAGE_SIZE / sizeof(u64) - 4)

/**
 * struct tarn_drop_batch - cookies that the pager may forget, one page
 * @link: on tarn_pager.drops
 * @count: how many
 * @cookies: them
 */
struct tarn_drop_batch {
	struct list_head link;
	u64 count;
	u64 cookies[TARN_DROP_BATCH];
};

/**
 * struct tarn_pager - an attached pager
 * @rcu: for its end
 * @pool: which it serves, referenced
 * @path: keeps the mount busy
 * @mapping: of the device, in which its window lies; others' windows lie there
 *	too, so what is unmapped is only ever what a fault brings back
 * @tgid: process that attached; its death detaches
 * @started: requests may come, under pool->pager_lock
 * @takes_drops: drops are told, under @drop_lock
 * @listed_at: pool->drop_generation when TARN_PAGER_STORED began
 * @drop_lock: protects @drops; inside queue->lock
 * @drops: cookies to drop, for queue 0
 * @grants: devices that the module reads by itself, RCU; changed under
 *	pool->pager_lock
 * @nr_queues: how many
 * @queues: them
 */
struct tarn_pager {
	struct rcu_head rcu;
	struct tarn_pool *pool;
	struct path path;
	struct address_space *mapping;
	pid_t tgid;
	bool started;
	bool takes_drops;
	u64 listed_at;
	spinlock_t drop_lock;
	struct list_head drops;
	struct tarn_grant __rcu *grants[TARN_GRANT_MAX_DEVICES];
	u32 nr_queues;
	struct tarn_queue queues[];
};

void tarn_pager_forget_chunk(struct tarn_pool *pool, u64 number,
			     struct page *page);
int tarn_cookie_begin(void);
void tarn_cookie_end(int section);
u64 tarn_drop_next(struct tarn_pager *pager);

int tarn_pager_init(void);
void tarn_pager_exit(void);

#endif
