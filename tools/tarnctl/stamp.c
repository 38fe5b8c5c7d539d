// SPDX-License-Identifier: GPL-2.0-only
/* See stamp.h. */
#include <stdio.h>
#include <time.h>

#include "stamp.h"

static const char *format(char *buf, const char *how)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!localtime_r(&now, &tm) || !strftime(buf, STAMP_MAX, how, &tm))
		snprintf(buf, STAMP_MAX, "?");
	return buf;
}

const char *stamp_full(char *buf)
{
	return format(buf, "%Y-%m-%dT%H:%M:%S%z");
}

const char *stamp_clock(char *buf)
{
	return format(buf, "%H:%M:%S");
}
