/* SPDX-License-Identifier: GPL-2.0-only */
/* Moments of the past as people write them. */
#ifndef TARNCTL_INSTANT_H
#define TARNCTL_INSTANT_H

#include <time.h>

/** Latest moment, in the year 2255: there is room for its nanoseconds. */
#define INSTANT_MAX 9000000000LL

/**
 * instant_parse() - Read a moment.
 * @text: "90s", "10m", "2h", "1d" before @now; "@1700000000"; "20:15", "20:15:30"
 *	  of today, or of yesterday if that is still to come; "2026-11-29",
 *	  "2026-11-29 20:15", "2026-11-29T20:15:30", all local
 * Return: 0, or -EINVAL, not reported.
 */
int instant_parse(const char *text, time_t now, time_t *result);

#endif
