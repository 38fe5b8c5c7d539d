/* SPDX-License-Identifier: GPL-2.0-only */
/* What session.c, dispatch.c and fds.c share. */
#ifndef TARN_QMP_INTERNAL_H
#define TARN_QMP_INTERNAL_H

#include <sys/queue.h>

#include "lib/buffer.h"
#include "qmp/command.h"
#include "qmp/frame.h"
#include "qmp/session.h"
#include "worker.h"

struct loop_timer;

/**
 * struct qmp_session - a client.
 * @negotiated: it has sent qmp_capabilities, so commands and events are open
 * @running: within run_input(), which must not be entered again
 * @in: bytes that were not looked at yet
 * @value: the command that is being received
 * @out: bytes that the client did not take yet
 * @call: the command that answers later, or NULL
 * @fds: descriptors that came with the bytes, for the next command
 */
struct qmp_session {
	struct vm *vm;
	size_t (*write)(void *arg, const void *buf, size_t len);
	void (*wake)(void *arg);
	void *arg;
	bool open;
	bool negotiated;
	bool running;
	struct buffer in;
	struct buffer value;
	struct buffer out;
	struct qmp_frame frame;
	struct qmp_call *call;
	u64 events_lost;
	int fds[QMP_FDS_MAX];
	unsigned int nr_fds;
	LIST_ENTRY(qmp_session) link;
};

/**
 * struct qmp_call - a command that is being carried out.
 * @session: NULL when the client has gone
 * @id: to be sent back, or NULL
 * @error: the first message of the code below
 * @in_run: it may still be answered by its command's run(), and stays
 * @done: it was answered
 * @job, @args, @timer, @asked: of one that the worker carries out (later.c)
 */
struct qmp_call {
	struct vm *vm;
	const struct qmp_command *command;
	struct qmp_session *session;
	json_t *id;
	char error[512];
	bool in_run;
	bool deferred;
	bool done;
	struct vm_job job;
	json_t *args;
	struct loop_timer *timer;
	u64 asked;
};

/** qmp_text() - a JSON string, whatever bytes @text has. */
json_t *qmp_text(const char *text);

/** qmp_session_send() - queue a message, which is taken over, and send. */
void qmp_session_send(struct qmp_session *s, json_t *msg);

/** qmp_session_continue() - the deferred command was answered. */
void qmp_session_continue(struct qmp_session *s);

/** qmp_dispatch() - carry out the command in @text, or refuse it. */
void qmp_dispatch(struct qmp_session *s, const char *text, size_t len);

/**
 * qmp_later() - have the worker carry @call out, with @args.
 *
 * Return: 0, or -1 without memory: nothing has happened.
 */
int qmp_later(struct qmp_call *call, json_t *args);

/** qmp_refuse() - answer what is no command. */
void qmp_refuse(struct qmp_session *s, const char *why);

/** qmp_greeting() - what a client gets first. */
json_t *qmp_greeting(void);

/** qmp_call_fd() - take the first descriptor that came along, or -ENOENT. */
int qmp_call_fd(struct qmp_call *call);

#endif
