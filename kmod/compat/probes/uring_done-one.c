// SPDX-License-Identifier: GPL-2.0-only
/* 6.18 and later: a command ends with one result. */
#if __has_include(<linux/io_uring/cmd.h>)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif
#include <linux/module.h>

void probe(struct io_uring_cmd *cmd, unsigned int flags);
void probe(struct io_uring_cmd *cmd, unsigned int flags)
{
	io_uring_cmd_done(cmd, 0, flags);
}

MODULE_LICENSE("GPL");
