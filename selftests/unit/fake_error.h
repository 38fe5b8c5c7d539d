/* SPDX-License-Identifier: GPL-2.0-only */
/* error.h for unit tests: the last message is kept instead of printed. */
#ifndef TARN_UNIT_FAKE_ERROR_H
#define TARN_UNIT_FAKE_ERROR_H

#include <stdarg.h>
#include <stdio.h>

#include "error.h"

static char fake_error[512];
static unsigned int fake_guest_warnings;

#define FAKE_REPORT()                                                          \
	do {                                                                   \
		va_list ap;                                                    \
									       \
		va_start(ap, fmt);                                             \
		vsnprintf(fake_error, sizeof(fake_error), fmt, ap);            \
		va_end(ap);                                                    \
	} while (0)

void err(const char *fmt, ...)
{
	FAKE_REPORT();
}

int err_errno(int ret, const char *fmt, ...)
{
	FAKE_REPORT();
	return ret;
}

void warn(const char *fmt, ...)
{
	FAKE_REPORT();
}

void info(const char *fmt, ...)
{
	FAKE_REPORT();
}

void guest_warn(const char *fmt, ...)
{
	FAKE_REPORT();
	fake_guest_warnings++;
}

#endif
