// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.5: an io_uring command points to its payload. */
#include <linux/io_uring.h>
#include <linux/module.h>

const void *probe(struct io_uring_cmd *cmd);
const void *probe(struct io_uring_cmd *cmd)
{
	return cmd->cmd;
}

MODULE_LICENSE("GPL");
