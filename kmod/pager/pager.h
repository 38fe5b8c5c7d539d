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
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "pager/grant.h"
#include "pager/queue.h"
#include "pool/pool.h"

/**
 * struct tarn_pager - an attached pager
 * @rcu: for its end
 * @pool: which it serves, referenced
 * @path: keeps the mount busy
 * @mapping: of the device, in which its window lies; others' windows lie there
 *	too, so what is unmapped is only ever what a fault brings back
 * @tgid: process that attached; its end detaches
 * @pid: the same
 * @death: on what tells of its death
 * @look: looks whether it is still there
 * @files: its descriptors, only compared; closing the pager's detaches
 * @mm: its address space, the only one that may use a window
 * @gone: it detached, nobody may use a window any more
 * @wide: it takes wide requests
 * @drop_lock: protects the four after it; inside queue->lock
 * @takes_drops: START has those before; what is dropped is told as a request
 * @drops_lost: before that, more was dropped than START can tell: list anew
 * @nr_drops: how many @drops has
 * @drops: cookies to drop: since the list of what is stored began, for START;
 *	later for queue 0
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
	struct pid *pid;
	wait_queue_entry_t death;
	struct delayed_work look;
	fl_owner_t files;
	struct mm_struct *mm;
	bool gone;
	bool wide;
	spinlock_t drop_lock;
	bool takes_drops;
	bool drops_lost;
	u64 nr_drops;
	struct list_head drops;
	struct tarn_grant __rcu *grants[TARN_GRANT_MAX_DEVICES];
	u32 nr_queues;
	struct tarn_queue queues[];
};

long tarn_pager_attach(struct tarn_pool *pool, const struct path *path,
		       struct file *file, struct tarn_pager_attach *a);
long tarn_pager_stored(struct tarn_pager *pager, struct tarn_pager_stored *s);
long tarn_pager_start(struct tarn_pager *pager, struct tarn_pager_start *s);
long tarn_pager_status(struct tarn_pager *pager,
		       const struct tarn_pager_status *s);
void tarn_pager_detach(struct tarn_pager *pager);
void tarn_pager_unpark(struct tarn_pager *pager);
bool tarn_pager_takes_wide(struct tarn_pool *pool);
long tarn_pager_force(struct tarn_pool *pool);
void tarn_pager_free(struct tarn_pager *pager);

#endif
