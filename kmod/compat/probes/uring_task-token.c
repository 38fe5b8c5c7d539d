// SPDX-License-Identifier: GPL-2.0-only
/* 6.19 and later: what runs in the task of a command gets a request and a token. */
#if __has_include(<linux/io_uring/cmd.h>)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif
#include <linux/module.h>

static void called(struct io_tw_req req, io_tw_token_t token)
{
}

void probe(struct io_uring_cmd *cmd);
void probe(struct io_uring_cmd *cmd)
{
	io_uring_cmd_complete_in_task(cmd, called);
}

MODULE_LICENSE("GPL");
