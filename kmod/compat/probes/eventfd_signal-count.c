// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.7: a signal of an eventfd says how much is added. */
#include <linux/eventfd.h>
#include <linux/module.h>

__u64 probe(struct eventfd_ctx *ctx);
__u64 probe(struct eventfd_ctx *ctx)
{
	return eventfd_signal(ctx, 1);
}

MODULE_LICENSE("GPL");
