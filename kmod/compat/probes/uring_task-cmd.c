// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.18: what runs in the task of a command gets the command. */
#if __has_include(<linux/io_uring/cmd.h>)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif
#include <linux/module.h>

static void called(struct io_uring_cmd *cmd, unsigned int flags)
{
}

void probe(struct io_uring_cmd *cmd);
void probe(struct io_uring_cmd *cmd)
{
	io_uring_cmd_complete_in_task(cmd, called);
}

MODULE_LICENSE("GPL");
