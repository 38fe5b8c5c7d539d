/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tarnctl says on stderr: one sentence a failure, with what to do about it
 * where that is known. A function reports where it knows the reason and returns
 * -errno; its callers only pass that on.
 */
#ifndef TARNCTL_ERROR_H
#define TARNCTL_ERROR_H

#include <stdbool.h>

/* Exit status of a command line that makes no sense. */
#define EXIT_USAGE 2

/* In place of -errno where the command line makes no sense; past all errnos. */
#define ERR_USAGE (-10000)

#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

/** err_program() - Say which program reports, where it is not tarnctl. */
void err_program(const char *name);

/** err_about() - Have what follows begin with the name of a file; NULL ends that. */
void err_about(const char *name);

/** err() - Report a failure. */
void err(const char *fmt, ...) __printf(1, 2);

/**
 * err_errno() - Report like err(), append ": strerror(-@ret)", return @ret.
 * @ret: a negative errno, so that `return err_errno(-errno, "...")` works
 */
int err_errno(int ret, const char *fmt, ...) __printf(2, 3);

/**
 * err_stdout() - Write out what is buffered of stdout; report once if that, or anything
 * before, failed.
 * Return: 0 or an errno.
 */
int err_stdout(void);

/** err_nomem() - Report that memory ran out, return -ENOMEM. */
int err_nomem(void);

/**
 * err_status() - The exit status that a result means.
 * @ret: 0, -errno, ERR_USAGE, or an exit status
 */
int err_status(int ret);

/**
 * err_finish() - The same once all is written to stdout: a disk that is full must not
 * pass for success.
 */
int err_finish(int ret);

/**
 * err_defer() - Keep the last message back while something else has the
 * terminal; it is written when that ends.
 */
void err_defer(bool defer);

/** err_take() - The message that is kept back, which is not written then; "": none. */
const char *err_take(void);

#endif
