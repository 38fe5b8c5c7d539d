// SPDX-License-Identifier: GPL-2.0-only
/* See stamp.h. */
#include <stdio.h>

#include "stamp.h"

static const char *format(char *buf, time_t when, const char *how)
{
	struct tm tm;

	if (!localtime_r(&when, &tm) || !strftime(buf, STAMP_MAX, how, &tm))
		snprintf(buf, STAMP_MAX, "?");
	return buf;
}

const char *stamp_full(char *buf, time_t when)
{
	return format(buf, when, "%Y-%m-%dT%H:%M:%S%z");
}

const char *stamp_date(char *buf, time_t when)
{
	return format(buf, when, "%Y-%m-%dT%H:%M:%S");
}

const char *stamp_clock(char *buf, time_t when)
{
	return format(buf, when, "%H:%M:%S");
}
