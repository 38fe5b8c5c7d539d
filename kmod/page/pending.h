/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-ins under way (S03): each has a number from the fault to its end.
 *
 * A record belongs to a page, not to a thread or a request: all who want the page
 * share it, and the number stays the same while they wait for a pager, then for a
 * frame, then for the read. It begins when somebody has to wait, so a page that is
 * read ahead gets one when it is asked for.
 *
 * A thread that waits for the page is its holder. A record ends when the page is
 * there, or when it has no holder and is not being read. A fault that may not
 * sleep makes one without becoming its holder: whoever waits in its place (KVM's
 * worker) finds it, and if nobody does for a second it ends.
 */
#ifndef TARN_PENDING_H
#define TARN_PENDING_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/tarn.h>

struct tarn_partition;
struct tarn_pool;

#define TARN_FAULTS_MAX	4096

/**
 * struct tarn_pending - a page-in under way
 * @node: in its bucket, or on its way to be freed
 * @part: of the page
 * @index: page
 * @entry: its entry
 * @number: correlation number
 * @start: when it was asked for
 * @since: when @state was entered
 * @left: when its last holder left, or somebody wanted it who does not wait
 * @holders: threads that wait for the page
 * @state: enum tarn_fault_state
 *
 * Locking: the lock of its bucket. It goes before its partition does.
 */
struct tarn_pending {
	struct hlist_node node;
	struct tarn_partition *part;
	u64 index;
	atomic64_t *entry;
	u64 number;
	ktime_t start;
	ktime_t since;
	ktime_t left;
	u32 holders;
	u32 state;
};

int tarn_pending_init(void);
void tarn_pending_exit(void);
int tarn_pending_create(struct tarn_pool *pool);

u64 tarn_pending_hold(struct tarn_partition *part, u64 index,
		      atomic64_t *entry, enum tarn_fault_state state, u64 held,
		      bool stays);
void tarn_pending_release(struct tarn_partition *part, u64 index, u64 number);
void tarn_pending_settle(struct tarn_partition *part, u64 index);
void tarn_pending_loaded(struct tarn_partition *part, u64 index);
void tarn_pending_aborted(struct tarn_partition *part, u64 index);
void tarn_pending_end_all(struct tarn_partition *part);

u64 tarn_pending_number(struct tarn_partition *part, u64 index);
u64 tarn_pending_count(struct tarn_pool *pool);
long tarn_pending_list(struct tarn_pool *pool, struct tarn_pool_faults *f);

#endif
