/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One QMP client: bytes in, commands out of them, answers and events back. What
 * carries the bytes is the user's (monitor.c has a chardev).
 */
#ifndef TARN_QMP_SESSION_H
#define TARN_QMP_SESSION_H

#include "lib/types.h"

struct qmp_session;
struct vm;

/* What a client can make the VMM hold for it. */
#define QMP_COMMAND_MAX (1U << 20) /* bytes of one command */
#define QMP_DEPTH_MAX 64 /* nesting of its JSON */
#define QMP_OUTPUT_MAX (8U << 20) /* bytes that it does not read */
#define QMP_FDS_MAX 16 /* descriptors that wait for a command */

/**
 * qmp_session_create() - a client that is not there yet.
 * @vm: the machine
 * @write: sends up to @len bytes, returns how many were taken
 * @wake: qmp_session_room() was 0 and is not any more
 * @arg: for both
 */
struct qmp_session *
qmp_session_create(struct vm *vm,
		   size_t (*write)(void *arg, const void *buf, size_t len),
		   void (*wake)(void *arg), void *arg);
void qmp_session_destroy(struct qmp_session *s);

/** qmp_session_open() - the client has come: greet it. */
void qmp_session_open(struct qmp_session *s);

/** qmp_session_close() - it has gone; what it asked for last goes on. */
void qmp_session_close(struct qmp_session *s);

/** qmp_session_room() - how many bytes it may send now. */
size_t qmp_session_room(const struct qmp_session *s);

/** qmp_session_input() - it sent @len bytes. */
void qmp_session_input(struct qmp_session *s, const u8 *buf, size_t len);

/** qmp_session_fd() - a descriptor came with the next bytes; taken over. */
void qmp_session_fd(struct qmp_session *s, int fd);

/** qmp_session_writable() - there is room again after a short write. */
void qmp_session_writable(struct qmp_session *s);

#endif
