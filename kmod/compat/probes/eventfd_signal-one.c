// SPDX-License-Identifier: GPL-2.0-only
/* 6.8 and later: a signal of an eventfd always adds 1. */
#include <linux/eventfd.h>
#include <linux/module.h>

void probe(struct eventfd_ctx *ctx);
void probe(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}

MODULE_LICENSE("GPL");
