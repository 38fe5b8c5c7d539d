// SPDX-License-Identifier: GPL-2.0-only
/*
 * See notify.h. A partition has a reference of what the descriptor stands for, not
 * of the descriptor: if user space closes that, signals go nowhere until the
 * eventfd is replaced or the partition ends.
 */
#include <linux/eventfd.h>
#include <linux/rcupdate.h>

#include "page/notify.h"
#include "pool/partition.h"

static void replace(struct eventfd_ctx __rcu **slot, struct eventfd_ctx *ctx)
{
	struct eventfd_ctx *old;

	old = unrcu_pointer(xchg(slot, RCU_INITIALIZER(ctx)));
	if (!old)
		return;
	/* Somebody may be signalling it. */
	synchronize_rcu();
	eventfd_ctx_put(old);
}

/**
 * tarn_notify_set() - TARN_PARTITION_NOTIFY
 * @part: the partition
 * @n: checked here
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL the arguments, or the descriptor is no eventfd; -EBADF.
 */
long tarn_notify_set(struct tarn_partition *part,
		     const struct tarn_partition_notify *n)
{
	struct eventfd_ctx *ctx = NULL;

	if (n->flags & ~TARN_NOTIFY_BALLOON || n->reserved || n->eventfd < -1)
		return -EINVAL;
	if (n->eventfd >= 0) {
		ctx = eventfd_ctx_fdget(n->eventfd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	replace(n->flags & TARN_NOTIFY_BALLOON ? &part->balloon.told :
						 &part->notify, ctx);
	return 0;
}

/* The partition ends. */
void tarn_notify_clear(struct tarn_partition *part)
{
	replace(&part->notify, NULL);
	replace(&part->balloon.told, NULL);
}

static void signal(struct eventfd_ctx __rcu **slot)
{
	struct eventfd_ctx *ctx;

	rcu_read_lock();
	ctx = rcu_dereference(*slot);
	if (ctx)
		eventfd_signal(ctx);
	rcu_read_unlock();
}

/* A page-in that somebody waits for begins or ends. Context: any. */
void tarn_notify(struct tarn_partition *part)
{
	signal(&part->notify);
}

/* The balloon of the guest is gone. Context: any. */
void tarn_notify_gone(struct tarn_partition *part)
{
	signal(&part->balloon.told);
}
