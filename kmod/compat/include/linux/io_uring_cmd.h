/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands of io_uring. 6.7 moved them to <linux/io_uring/cmd.h>; 6.6 had a
 * command point to its submission entry instead of to the payload in it.
 *
 * 6.7 lets a command that waits be cancelled. Before, threads of io_uring's own
 * wait at their exit for what never ends: no command waits for them. And an exec
 * waits for all commands of its process, so somebody has to end them.
 *
 * 6.18 leaves a command one result; the second one is for rings of larger entries,
 * which Tarn does not ask for.
 *
 * 6.19 hands to what runs in the task of a command a request and a token, of which
 * the command is made.
 */
#ifndef TARN_COMPAT_IO_URING_CMD_H
#define TARN_COMPAT_IO_URING_CMD_H

#include <linux/sched.h>

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

#ifdef HAVE_URING_CANCEL
static inline bool tarn_uring_can_wait(void)
{
	return true;
}

static inline bool tarn_uring_is_cancel(unsigned int issue_flags)
{
	return issue_flags & IO_URING_F_CANCEL;
}

static inline bool tarn_uring_stops_exec(const struct task_struct *task)
{
	return false;
}
#else

static inline bool tarn_uring_can_wait(void)
{
	return !(current->flags & PF_IO_WORKER);
}

static inline bool tarn_uring_is_cancel(unsigned int issue_flags)
{
	return false;
}

/* It may also be one that is going to fail, or an exec that waits for something else. */
static inline bool tarn_uring_stops_exec(const struct task_struct *task)
{
	/* A bit among others of the task's own; the next look sees it right. */
	return data_race(task->in_execve);
}

static inline void io_uring_cmd_mark_cancelable(struct io_uring_cmd *cmd,
						unsigned int issue_flags)
{
}
#endif

#ifdef HAVE_URING_DONE_TWO
#define io_uring_cmd_done(cmd, ret, flags)	io_uring_cmd_done(cmd, ret, 0, flags)
#endif

/* TARN_URING_TASK(fn): fn_in_task(), which calls fn(cmd, issue_flags). */
#ifdef HAVE_URING_TASK_TOKEN
#define TARN_URING_TASK(fn)						\
static void fn##_in_task(struct io_tw_req req, io_tw_token_t token)	\
{									\
	fn(io_uring_cmd_from_tw(req), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS); \
}
#else
#define TARN_URING_TASK(fn)						\
static void fn##_in_task(struct io_uring_cmd *cmd, unsigned int issue_flags) \
{									\
	fn(cmd, issue_flags);						\
}
#endif

#endif
