/* SPDX-License-Identifier: GPL-2.0-only */
/* The time of a line that is printed. */
#ifndef TARNCTL_STAMP_H
#define TARNCTL_STAMP_H

#include <time.h>

/** Room for a time. */
#define STAMP_MAX 40

/** stamp_full() - A time as programs take it: "2026-11-21T12:00:00+0100". */
const char *stamp_full(char *buf, time_t when);

/** stamp_date() - For people: "2026-11-21T12:00:00". */
const char *stamp_date(char *buf, time_t when);

/** stamp_clock() - The time of day: "12:00:00". */
const char *stamp_clock(char *buf, time_t when);

#endif
