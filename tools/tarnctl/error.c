// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on stderr. A message is written with one call, so that two programs
 * that share a terminal or a journal do not mix their lines.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static const char *program = "tarnctl";
static const char *about;
static bool deferring;
static char deferred[1200];

void err_program(const char *name)
{
	program = name;
}

void err_about(const char *name)
{
	about = name;
}

static void report(int errnum, const char *fmt, va_list args)
{
	char text[1024], line[1200];
	const char *prefix;

	vsnprintf(text, sizeof(text), fmt, args);
	/* What is about a subcommand begins with all of its words already. */
	prefix = strncmp(text, "tarnctl", 7) ? program : "";
	snprintf(line, sizeof(line), "%s%s%s%s%s%s%s\n", prefix,
		 *prefix ? ": " : "", about ? about : "", about ? ": " : "", text,
		 errnum ? ": " : "", errnum ? strerror(errnum) : "");
	if (deferring)
		strcpy(deferred, line);
	else
		fputs(line, stderr);
}

void err_defer(bool defer)
{
	deferring = defer;
	if (defer)
		deferred[0] = '\0';
	else
		fputs(deferred, stderr);
}

const char *err_take(void)
{
	static char taken[sizeof(deferred)];

	strcpy(taken, deferred);
	deferred[0] = '\0';
	return taken;
}

void err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(0, fmt, args);
	va_end(args);
}

int err_errno(int ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(-ret, fmt, args);
	va_end(args);
	return ret;
}

int err_stdout(void)
{
	static bool said;
	int ret;

	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	ret = -(errno ? errno : EIO);
	if (!said)
		err_errno(ret, "write to stdout");
	said = true;
	return ret;
}

int err_status(int ret)
{
	if (ret == ERR_USAGE)
		return EXIT_USAGE;
	return ret < 0 ? EXIT_FAILURE : ret;
}

int err_finish(int ret)
{
	return err_stdout() && !ret ? EXIT_FAILURE : err_status(ret);
}

int err_nomem(void)
{
	err("out of memory");
	return -ENOMEM;
}
