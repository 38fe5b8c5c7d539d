/* SPDX-License-Identifier: GPL-2.0-only */
/* When what is done: rounds a few times a minute, a look at guests twice a second. */
#ifndef TARN_BALANCED_SERVE_H
#define TARN_BALANCED_SERVE_H

#include <stdbool.h>

#include "home_mark.h"

/**
 * struct serve_options - what the command line says
 * @interval: seconds from round to round
 * @dispatch: how vCPUs follow homes, where nothing else is said
 * @dry: print and set nothing
 * @json: print JSON
 * @once: one round
 */
struct serve_options {
	double interval;
	enum home_dispatch dispatch;
	bool dry;
	bool json;
	bool once;
};

/** serve() - Until a signal ends it. Return: 0 or an errno, reported. */
int serve(const struct serve_options *opts);

#endif
