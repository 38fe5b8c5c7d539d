// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on stderr. Each is formatted into one buffer and written with one
 * write(2), so that lines of several threads do not mix and no stdio lock is
 * shared with vCPU threads.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"

#define GUEST_WARN_PER_SEC 5

static char prefix[80] = "tarn-vmm: ";
static bool debug;

/* Where this thread's first message since error_capture() goes, too. */
static __thread char *capture;
static __thread size_t capture_size;

void error_set_name(const char *name)
{
	snprintf(prefix, sizeof(prefix), "tarn-vmm: %.60s: ", name);
}

void error_set_debug(bool on)
{
	debug = on;
}

void error_capture(char *buf, size_t size)
{
	capture = buf;
	capture_size = size;
	if (buf)
		*buf = '\0';
}

static void capture_message(int errnum, const char *fmt, va_list ap)
{
	int len;

	if (!capture || *capture)
		return;
	len = vsnprintf(capture, capture_size, fmt, ap);
	if (errnum && len >= 0 && (size_t)len < capture_size)
		snprintf(capture + len, capture_size - len, ": %s",
			 strerror(errnum));
}

static void emit(const char *kind, int errnum, const char *fmt, va_list ap)
{
	char buf[1024];
	size_t len;

	len = snprintf(buf, sizeof(buf), "%s%s", prefix, kind);
	len += vsnprintf(buf + len, sizeof(buf) - len, fmt, ap);
	len = min_t(size_t, len, sizeof(buf) - 128);
	if (errnum)
		len += snprintf(buf + len, 100, ": %s", strerror(errnum));
	buf[len++] = '\n';
	while (write(STDERR_FILENO, buf, len) < 0 && errno == EINTR)
		;
}

void err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	capture_message(0, fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	emit("error: ", 0, fmt, ap);
	va_end(ap);
}

int err_errno(int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	capture_message(-ret, fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	emit("error: ", -ret, fmt, ap);
	va_end(ap);
	return ret;
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("warning: ", 0, fmt, ap);
	va_end(ap);
}

void info(const char *fmt, ...)
{
	va_list ap;

	if (!debug)
		return;
	va_start(ap, fmt);
	emit("", 0, fmt, ap);
	va_end(ap);
}

void guest_warn(const char *fmt, ...)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static time_t second;
	static unsigned int count;
	struct timespec now;
	bool quiet;
	va_list ap;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&lock);
	if (now.tv_sec != second) {
		second = now.tv_sec;
		count = 0;
	}
	quiet = count++ >= GUEST_WARN_PER_SEC;
	pthread_mutex_unlock(&lock);
	if (quiet)
		return;

	va_start(ap, fmt);
	emit("guest: ", 0, fmt, ap);
	va_end(ap);
}
