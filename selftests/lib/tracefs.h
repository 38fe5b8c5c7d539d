/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own tracing, for tests of what it does about the module. */
#ifndef SELFTESTS_LIB_TRACEFS_H
#define SELFTESTS_LIB_TRACEFS_H

#include "harness.h"

/** Write @value to a file of tracefs, opened with the flags @how; false: it is refused. */
bool trace_put(const char *file, const char *value, int how);
/** The same, in place of what was there. */
bool trace_write(const char *file, const char *value);
/** Lines of the trace that contain @what. */
int trace_lines(const char *what);

#endif /* SELFTESTS_LIB_TRACEFS_H */
