/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of QEMU's machine protocol, as far as to save a guest and to restore one. All
 * return 0 or a negative errno, and say on standard error what a VMM refused.
 */
#ifndef TARN_BENCH_QMP_H
#define TARN_BENCH_QMP_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct qmp - a connection
 * @fd: of it
 * @used: bytes of @buffer that came
 * @buffer: of which no line was taken yet
 * @line: the last one that was, without blanks
 * @migration: what the last event said of a save or restore
 */
struct qmp {
	int fd;
	size_t used;
	char buffer[16384];
	char line[16384];
	char migration[32];
};

/*
 * As soon as the VMM listens there; -ESRCH if it is @gone before that. From then on it tells
 * of a migration by events.
 */
int qmp_open(struct qmp *qmp, const char *path, const bool *gone);
void qmp_close(struct qmp *qmp);

/* @arguments: a JSON object, as text */
int qmp_command(struct qmp *qmp, const char *command, const char *arguments);

/* The VMM has @fd from now on, under a name for its fd: URIs. */
int qmp_pass(struct qmp *qmp, int fd, const char *name);

/* Begin @command, which saves or restores by @uri, and return when that has ended well. */
int qmp_migrate(struct qmp *qmp, const char *command, const char *uri);

#endif
