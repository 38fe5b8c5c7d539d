// SPDX-License-Identifier: GPL-2.0-only
/* See tracefs.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tracefs.h"

#define TRACE "/sys/kernel/tracing/"

bool trace_put(const char *file, const char *value, int how)
{
	char path[128];
	size_t len = strlen(value);
	int out;
	bool ok;

	snprintf(path, sizeof(path), TRACE "%s", file);
	out = open(path, O_WRONLY | how);
	if (out < 0)
		return false;
	ok = write(out, value, len) == (ssize_t)len;
	close(out);
	return ok;
}

bool trace_write(const char *file, const char *value)
{
	return trace_put(file, value, O_TRUNC);
}

int trace_lines(const char *what)
{
	FILE *f = fopen(TRACE "trace", "r");
	char line[512];
	int lines = 0;

	ASSERT(f);
	while (fgets(line, sizeof(line), f))
		lines += line[0] != '#' && strstr(line, what);
	fclose(f);
	return lines;
}
