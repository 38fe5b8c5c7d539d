/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to stderr: with the journal's <n> prefix where stderr is a journal
 * stream, with the program's name elsewhere. A message never blocks a thread
 * that serves requests: what a journal stream does not take at once is lost.
 */
#ifndef TARN_PAGER_LOG_H
#define TARN_PAGER_LOG_H

#include <stdatomic.h>
#include <syslog.h>
#include "types.h"

/** struct log_limit - lets a burst of messages through every ten seconds */
struct log_limit {
	atomic_llong since;
	atomic_uint count;
	atomic_uint dropped;
};

void log_init(bool debug);
void log_at(int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
unsigned int log_errors(void);
bool log_limit_pass(struct log_limit *limit);

#define log_crit(...) log_at(LOG_CRIT, __VA_ARGS__)
#define log_err(...) log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#define log_limited(level, ...)                                                \
	do {                                                                   \
		static struct log_limit limit__;                               \
		if (log_limit_pass(&limit__))                                  \
			log_at(level, __VA_ARGS__);                            \
	} while (0)

#endif
