/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon: follows all pools, tells what happens to them, keeps their history. */
#ifndef TARN_LOGD_LOGD_H
#define TARN_LOGD_LOGD_H

#include <stdint.h>

#include "script.h"

/**
 * struct logd_options - of the command line
 * @history: file of the history, NULL: none is kept
 * @history_size: its limit in bytes
 * @scripts: for alerts
 * @repeat: seconds from one alert to the next of the same
 */
struct logd_options {
	const char *history;
	uint64_t history_size;
	struct script_rules scripts;
	unsigned int repeat;
};

/** logd_run() - Serve until a signal ends it. Return: 0 or an errno, reported. */
int logd_run(const struct logd_options *opts);

#endif
