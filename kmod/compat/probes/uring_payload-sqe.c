// SPDX-License-Identifier: GPL-2.0-only
/* 6.6 and later: an io_uring command points to its submission entry. */
#include <linux/io_uring/cmd.h>
#include <linux/module.h>

const void *probe(struct io_uring_cmd *cmd);
const void *probe(struct io_uring_cmd *cmd)
{
	return cmd->sqe->cmd;
}

MODULE_LICENSE("GPL");
