// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures in the kernel's log: each event that an operator has to know of, even if
 * nobody listens, with where it happened and what to do. Each kind has a rate limit
 * of its own, so many of one do not hide another. Of those that it leaves out the kernel
 * says how many, and which function's they were, so their names are Tarn's. Listed in
 * Documentation/admin/failure-modes.rst.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "pool/log.h"
#include "pool/pool.h"

static void tarn_log_page(const struct tarn_pool *pool,
			  enum tarn_event_type type, u32 partition, u64 index,
			  int error)
{
	switch (type) {
	case TARN_EVENT_LOAD_ERROR:
		pr_err_ratelimited("pool %pU, partition %u, page %llu: cannot be read (%pe). A guest that touches it gets SIGBUS; repair the paging device, the next touch tries again\n",
				   &pool->uuid, partition, index,
				   ERR_PTR(error));
		break;
	case TARN_EVENT_CHECKSUM:
		pr_err_ratelimited("pool %pU, partition %u, page %llu: what was read is not what was stored. A guest that touches it gets SIGBUS; replace the paging device\n",
				   &pool->uuid, partition, index);
		break;
	case TARN_EVENT_IMPORT_ERROR:
		pr_err_ratelimited("pool %pU, partition %u, page %llu: the file that it was restored from cannot be read, or has changed (%pe). A guest that touches it gets SIGBUS; end the guest and start it anew from its disks\n",
				   &pool->uuid, partition, index,
				   ERR_PTR(error));
		break;
	default:
		pr_err_ratelimited("pool %pU, partition %u, page %llu: cannot be stored (%pe). It stays in memory; look after the paging devices\n",
				   &pool->uuid, partition, index,
				   ERR_PTR(error));
	}
}

static void tarn_log_full(const struct tarn_pool *pool, bool full)
{
	if (full)
		pr_warn_ratelimited("pool %pU: paging space is full. Guests that touch new pages wait; add a paging device, or end a guest\n",
				    &pool->uuid);
	else
		pr_info_ratelimited("pool %pU: there is paging space again\n",
				    &pool->uuid);
}

static void tarn_log_degraded(const struct tarn_pool *pool, bool degraded)
{
	if (degraded)
		pr_warn_ratelimited("pool %pU: its pager lost a paging device. Look at 'tarnctl pager show', and replace it\n",
				    &pool->uuid);
	else
		pr_info_ratelimited("pool %pU: its paging devices are whole again\n",
				    &pool->uuid);
}

static void tarn_log_poison(const struct tarn_pool *pool, u32 partition,
			    u64 index, u64 frame)
{
	if (partition == TARN_PARTITION_NONE)
		pr_err_ratelimited("pool %pU: frame %llu, which held nothing, has a memory error and is not used any more. Replace the memory\n",
				   &pool->uuid, frame);
	else
		pr_err_ratelimited("pool %pU, partition %u, page %llu: its frame %llu has a memory error and is not used any more. A guest that touches the page gets SIGBUS unless the pager has it; replace the memory\n",
				   &pool->uuid, partition, index, frame);
}

/**
 * tarn_log() - write an event to the log, if it is one for operators
 * @pool: of this pool
 * @type: what happened
 * @partition: see tarn_event()
 * @index: likewise
 * @value: likewise
 *
 * Context: process.
 */
void tarn_log(const struct tarn_pool *pool, enum tarn_event_type type,
	      u32 partition, u64 index, s64 value)
{
	switch (type) {
	case TARN_EVENT_LOAD_ERROR:
	case TARN_EVENT_CHECKSUM:
	case TARN_EVENT_STORE_ERROR:
	case TARN_EVENT_IMPORT_ERROR:
		tarn_log_page(pool, type, partition, index, value);
		break;
	case TARN_EVENT_PAGER_ATTACHED:
		pr_info_ratelimited("pool %pU: a pager serves\n", &pool->uuid);
		break;
	case TARN_EVENT_PAGER_LOST:
		pr_warn_ratelimited("pool %pU: its pager is gone. A guest that touches a paged page waits; start it again\n",
				    &pool->uuid);
		break;
	case TARN_EVENT_PAGING_FULL:
		tarn_log_full(pool, value);
		break;
	case TARN_EVENT_DEGRADED:
		tarn_log_degraded(pool, value);
		break;
	case TARN_EVENT_MEMORY_ERROR:
		tarn_log_poison(pool, partition, index, value);
		break;
	default:
		break;
	}
}
