// SPDX-License-Identifier: GPL-2.0-only
/* See instant.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"

#define DAY 86400
/* No moment of interest is further away: a hundred years. */
#define AGO_MAX (100LL * 366 * DAY)

static int parse_number(const char *text, const char **end, long long *val)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*val = strtoll(text, &stop, 10);
	*end = stop;
	return errno ? -EINVAL : 0;
}

static int parse_ago(const char *text, time_t now, time_t *result)
{
	static const char units[] = "smhdw";
	static const long long seconds[] = { 1, 60, 3600, DAY, 7 * DAY };
	const char *unit, *end;
	long long val;

	if (parse_number(text, &end, &val) || !*end || end[1])
		return -EINVAL;
	unit = strchr(units, *end);
	if (!unit || val > AGO_MAX / seconds[unit - units])
		return -EINVAL;
	*result = now - val * seconds[unit - units];
	return 0;
}

static int parse_epoch(const char *text, time_t *result)
{
	const char *end;
	long long val;

	if (*text != '@' || parse_number(text + 1, &end, &val) || *end)
		return -EINVAL;
	*result = val;
	return 0;
}

static int parse_clock(const char *text, time_t now, time_t *result)
{
	static const char *const formats[] = { "%H:%M:%S", "%H:%M" };
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm;
		char *end;

		if (!localtime_r(&now, &tm))
			return -EINVAL;
		tm.tm_sec = 0;
		end = strptime(text, formats[i], &tm);
		if (!end || *end)
			continue;
		tm.tm_isdst = -1;
		*result = mktime(&tm);
		if (*result > now) {
			tm.tm_mday--;
			tm.tm_isdst = -1;
			*result = mktime(&tm);
		}
		return 0;
	}
	return -EINVAL;
}

static int parse_date(const char *text, time_t *result)
{
	static const char *const formats[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M", "%Y-%m-%d",
	};
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		char *end = strptime(text, formats[i], &tm);

		if (!end || *end)
			continue;
		*result = mktime(&tm);
		return *result == (time_t)-1 ? -EINVAL : 0;
	}
	return -EINVAL;
}

int instant_parse(const char *text, time_t now, time_t *result)
{
	if (parse_ago(text, now, result) && parse_epoch(text, result) &&
	    parse_clock(text, now, result) && parse_date(text, result))
		return -EINVAL;
	if (*result < 0)
		*result = 0;
	return *result > INSTANT_MAX ? -EINVAL : 0;
}
