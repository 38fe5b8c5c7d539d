/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the VMM says on stderr. One line a call, prefixed with the program's
 * name. Functions report where they know the reason and return -errno; their
 * callers only pass the errno on, so that one failure is one message.
 */
#ifndef TARN_ERROR_H
#define TARN_ERROR_H

#include "lib/types.h"

/** err() - report something that makes the current operation fail. */
void err(const char *fmt, ...) __printf(1, 2);

/**
 * err_errno() - report like err(), append ": strerror(-@ret)", return @ret.
 * @ret: a negative errno, so that `return err_errno(-errno, "...")` works.
 */
int err_errno(int ret, const char *fmt, ...) __printf(2, 3);

/**
 * error_capture() - keep the text of this thread's next error in @buf, too.
 *
 * For one who passes it on to somebody else than stderr's reader. The first
 * message counts; @buf is empty while there was none. NULL ends it.
 */
void error_capture(char *buf, size_t size);

/** warn() - report something odd after which work goes on. */
void warn(const char *fmt, ...) __printf(1, 2);

/** info() - report progress; silent unless -d or TARN_DEBUG is given. */
void info(const char *fmt, ...) __printf(1, 2);

/**
 * guest_warn() - report misbehaviour of the guest, at most a few per second.
 *
 * A guest can repeat what it does wrong a million times; the log must not be
 * its tool to fill a disk.
 */
void guest_warn(const char *fmt, ...) __printf(1, 2);

/** error_set_name() - prefix every message with @name (the guest's name). */
void error_set_name(const char *name);

/** error_set_debug() - make info() speak. */
void error_set_debug(bool on);

#endif
