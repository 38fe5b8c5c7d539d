/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QMP commands and events, as the files that have some see them.
 *
 * A file describes its commands and events in one const table and is named in
 * the list in commands.c; nothing registers itself. What the table says about
 * arguments is checked before the command runs and is what query-qmp-schema
 * tells, so neither can be forgotten.
 *
 * All of this is used under the VM's lock. Commands run in the main thread, or in
 * the worker where they may wait, in the order in which a monitor sent them, one at a
 * time for each monitor.
 */
#ifndef TARN_QMP_COMMAND_H
#define TARN_QMP_COMMAND_H

#include <jansson.h>

#include "lib/types.h"

struct qmp_call;
struct vm;

/** enum qmp_type - the type of an argument, a member or a result. */
enum qmp_type {
	QMP_STR,
	QMP_INT,
	QMP_BOOL,
	QMP_NUMBER, /* an integer or a fraction */
	QMP_OBJECT,
	QMP_ARRAY,
	QMP_ANY,
};

/**
 * struct qmp_member - an argument of a command, or a member of an event's data.
 * @name: NULL ends a list of them
 * @type: what it must be
 * @optional: may be left out
 * @values: of a QMP_STR that is one of these, NULL at the end; else NULL
 */
struct qmp_member {
	const char *name;
	enum qmp_type type;
	bool optional;
	const char *const *values;
};

#define QMP_OPTIONAL true

/**
 * struct qmp_command - one command.
 * @name: as in "execute"
 * @run: carries it out. @args is never NULL, fits @args of the table, and
 *	 belongs to the caller (json_incref() what is kept). Ends with exactly
 *	 one of qmp_reply(), qmp_error(), qmp_fail() and qmp_defer().
 * @args: what it takes, NULL for nothing
 * @open: takes further arguments, which @run checks itself
 * @features: for the schema: NULL at the end, or NULL
 * @no_machine: also runs under "-machine none", where there is no guest
 * @waits: may wait for pages or disks, so the worker runs it (later.c)
 * @late: what a client hears for an error that has no answer to one in time, as it
 *	  is still under way; NULL: that all is well. Of @waits only.
 */
struct qmp_command {
	const char *name;
	void (*run)(struct vm *vm, struct qmp_call *call, json_t *args);
	const struct qmp_member *args;
	bool open;
	const char *const *features;
	bool no_machine;
	bool waits;
	const char *late;
};

/** struct qmp_event_type - an event, for query-events and the schema. */
struct qmp_event_type {
	const char *name;
	const struct qmp_member *data; /* NULL for none */
};

/**
 * struct qmp_table - what one file offers.
 * @commands: ends with one without a name
 * @events: the same, or NULL
 */
struct qmp_table {
	const struct qmp_command *commands;
	const struct qmp_event_type *events;
};

/* Classes of errors that a client may tell apart. */
#define QMP_GENERIC "GenericError"
#define QMP_COMMAND_NOT_FOUND "CommandNotFound"
#define QMP_DEVICE_NOT_FOUND "DeviceNotFound"
#define QMP_DEVICE_NOT_ACTIVE "DeviceNotActive"

/** qmp_reply() - success. @result is taken over; NULL stands for {}. */
void qmp_reply(struct qmp_call *call, json_t *result);

/** qmp_error() - failure of the class @class, with a sentence for the user. */
void qmp_error(struct qmp_call *call, const char *class, const char *fmt, ...)
	__printf(3, 4);

/**
 * qmp_fail() - failure with what the code below has reported.
 * @ret: the -errno it returned
 *
 * The text is the first err() of this command, or strerror(-@ret) when there
 * was none. err() alone does: it needs no word about QMP in the code below.
 */
void qmp_fail(struct qmp_call *call, int ret);

/**
 * qmp_defer() - answer later.
 *
 * @call stays valid until qmp_reply(), qmp_error() or qmp_fail() is called with
 * it under the VM's lock, which must happen; when the monitor has gone meanwhile
 * the answer goes nowhere. Until then the monitor runs no other command.
 * Arguments that are needed later must be kept with json_incref().
 */
void qmp_defer(struct qmp_call *call);

/**
 * qmp_event() - tell all monitors. Any thread, under the VM's lock.
 * @name: one of a table's events
 * @data: taken over; NULL for none
 *
 * An event that a command raises before it answers is sent before the answer.
 * Does nothing when there is no monitor.
 */
void qmp_event(const char *name, json_t *data);

/* File descriptors that came along */

/**
 * qmp_fd_take() - take a descriptor over that "getfd" gave a name to.
 *
 * Return: it, no longer known by its name and the caller's to close, or
 * -ENOENT, reported.
 */
int qmp_fd_take(const char *name);

/**
 * qmp_fdset_open() - a descriptor of a set that "add-fd" made.
 * @path: "/dev/fdset/N"
 * @flags: O_RDONLY, O_WRONLY or O_RDWR; one opened like that is picked
 *
 * Return: a duplicate, the caller's to close; or -errno, reported.
 */
int qmp_fdset_open(const char *path, int flags);

#endif
