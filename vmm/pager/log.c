// SPDX-License-Identifier: GPL-2.0-only
/*
 * See log.h. A line is formatted on the stack and written by one call, so that
 * lines of several threads don't mix and nothing is allocated.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE 512
#define LOG_BURST 10
#define LOG_PERIOD 10

static bool log_journal;
static int log_max_level = LOG_INFO;
static _Thread_local unsigned int log_nr_errors;

/* JOURNAL_STREAM names the socket that is the journal, "device:inode". */
static bool stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return env && sscanf(env, "%llu:%llu", &dev, &ino) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == dev &&
	       st.st_ino == ino;
}

void log_init(bool debug)
{
	log_journal = stderr_is_journal();
	if (debug)
		log_max_level = LOG_DEBUG;
}

void log_at(int level, const char *fmt, ...)
{
	char line[LOG_LINE];
	int saved = errno;
	int head, len;
	va_list ap;

	if (level > log_max_level)
		return;
	if (level <= LOG_ERR)
		log_nr_errors++;
	if (log_journal)
		head = snprintf(line, sizeof(line), "<%d>", level);
	else
		head = snprintf(line, sizeof(line), "tarn-pager: ");
	va_start(ap, fmt);
	len = vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
	va_end(ap);
	if (len < 0)
		goto out;
	len = min_t(int, head + len, sizeof(line) - 2);
	line[len++] = '\n';
	/* A terminal or a pipe answers ENOTSOCK and is written to. */
	if (send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno == ENOTSOCK && write(STDERR_FILENO, line, len) < 0)
		goto out;
out:
	/* Whoever logs an error goes on to return it. */
	errno = saved;
}

/* How many errors this thread has logged: whether what failed has been told. */
unsigned int log_errors(void)
{
	return log_nr_errors;
}

bool log_limit_pass(struct log_limit *limit)
{
	struct timespec now;
	long long since = atomic_load(&limit->since);
	unsigned int dropped;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((!since || now.tv_sec - since >= LOG_PERIOD) &&
	    atomic_compare_exchange_strong(&limit->since, &since, now.tv_sec)) {
		atomic_store(&limit->count, 0);
		dropped = atomic_exchange(&limit->dropped, 0);
		if (dropped)
			log_warn("%u messages of the next kind were left out",
				 dropped);
	}
	if (atomic_fetch_add(&limit->count, 1) < LOG_BURST)
		return true;
	atomic_fetch_add(&limit->dropped, 1);
	return false;
}
