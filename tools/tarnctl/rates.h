/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates for programs, alike in all that prints them. */
#ifndef TARNCTL_RATES_H
#define TARNCTL_RATES_H

#include <jansson.h>
#include <stdio.h>

#include "sample.h"

#define RATES_CSV_TITLES                                                       \
	"page_ins_per_s,page_outs_per_s,drops_per_s,refaults_per_s,"           \
	"waits_per_s,interval_p50_ns,interval_p99_ns,breaks_per_s"

/** rates_csv() - Write them in the order of the titles. */
void rates_csv(FILE *f, const struct sample_rates *rates);

/** rates_json() - Add them to an object, by these names. Return: 0 or -ENOMEM. */
int rates_json(json_t *object, const struct sample_rates *rates);

#endif
