// SPDX-License-Identifier: GPL-2.0-only
/* 6.7 and later: a command of io_uring that waits can be cancelled. */
#include <linux/io_uring/cmd.h>
#include <linux/module.h>

int probe(struct io_uring_cmd *cmd, unsigned int issue_flags);
int probe(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	if (issue_flags & IO_URING_F_CANCEL)
		return 1;
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
	return 0;
}

MODULE_LICENSE("GPL");
