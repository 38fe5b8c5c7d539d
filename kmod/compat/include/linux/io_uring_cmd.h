/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands of io_uring. 6.7 moved them to <linux/io_uring/cmd.h>; 6.6 had a
 * command point to its submission entry instead of to the payload in it.
 */
#ifndef TARN_COMPAT_IO_URING_CMD_H
#define TARN_COMPAT_IO_URING_CMD_H

#ifdef HAVE_URING_PAYLOAD_SQE
#include <linux/io_uring/cmd.h>

static inline const void *tarn_uring_payload(const struct io_uring_cmd *cmd)
{
	return cmd->sqe->cmd;
}
#else
#include <linux/io_uring.h>

static inline const void *tarn_uring_payload(const struct io_uring_cmd *cmd)
{
	return cmd->cmd;
}
#endif

#endif
