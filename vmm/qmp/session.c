// SPDX-License-Identifier: GPL-2.0-only
/*
 * QMP sessions: input is cut into commands, answers and events wait until the
 * client reads them.
 *
 * A client can be slow, wrong or hostile. One that does not read its answers is
 * not listened to any more, and loses events when too many wait. A command that
 * answers later stops the client's next ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "qmp/internal.h"

#define INPUT_CHUNK 4096
/* Answers beyond this are read before another command is. */
#define OUTPUT_BUSY (256U << 10)

static LIST_HEAD(, qmp_session) sessions = LIST_HEAD_INITIALIZER(sessions);

/* Output */

static void flush(struct qmp_session *s)
{
	size_t n;

	if (!s->out.len)
		return;
	n = s->write(s->arg, s->out.data, s->out.len);
	buffer_drop(&s->out, min_t(size_t, n, s->out.len));
	if (!s->out.len)
		buffer_free(&s->out);
}

void qmp_session_send(struct qmp_session *s, json_t *msg)
{
	char *text = msg ? json_dumps(msg, JSON_COMPACT) : NULL;

	json_decref(msg);
	if (!text || buffer_add(&s->out, text, strlen(text)) ||
	    buffer_add(&s->out, "\r\n", 2))
		err("QMP: out of memory, a message is lost");
	free(text);
	flush(s);
}

static json_t *timestamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack("{sIsI}", "seconds", (json_int_t)now.tv_sec,
			 "microseconds", (json_int_t)now.tv_nsec / 1000);
}

void qmp_event(const char *name, json_t *data)
{
	struct qmp_session *s;
	json_t *msg;

	msg = json_pack("{soss}", "timestamp", timestamp(), "event", name);
	if (data)
		json_object_set_new(msg, "data", data);
	LIST_FOREACH(s, &sessions, link) {
		if (!s->negotiated)
			continue;
		if (s->out.len < QMP_OUTPUT_MAX)
			qmp_session_send(s, json_incref(msg));
		else if (!s->events_lost++)
			warn("a QMP client does not read its events; they are dropped");
	}
	json_decref(msg);
}

/* Input */

static void close_fds(struct qmp_session *s)
{
	while (s->nr_fds)
		close(s->fds[--s->nr_fds]);
}

static void take_byte(struct qmp_session *s, u8 c)
{
	enum qmp_framing what = qmp_frame_byte(&s->frame, c);

	if (what == QMP_FRAME_BETWEEN)
		return;
	if (what == QMP_FRAME_BAD) {
		buffer_free(&s->value);
		qmp_refuse(s, "this is no JSON object");
		return;
	}
	if (s->value.len == QMP_COMMAND_MAX ||
	    buffer_add(&s->value, &c, 1)) {
		buffer_free(&s->value);
		qmp_frame_refuse(&s->frame);
		qmp_refuse(s, "the command is too long");
		return;
	}
	if (what == QMP_FRAME_MORE)
		return;
	qmp_dispatch(s, s->value.data, s->value.len);
	buffer_free(&s->value);
}

static bool busy(const struct qmp_session *s)
{
	return s->call || s->out.len > OUTPUT_BUSY;
}

static void run_input(struct qmp_session *s)
{
	size_t done = 0;

	if (s->running)
		return;
	s->running = true;
	while (done < s->in.len && s->open && !busy(s))
		take_byte(s, s->in.data[done++]);
	s->running = false;
	if (!s->open)
		return;
	buffer_drop(&s->in, done);
	if (s->in.len)
		return;
	buffer_free(&s->in);
	/* What no command took has nobody who could ask for it. */
	if (!s->value.len && !s->call)
		close_fds(s);
}

size_t qmp_session_room(const struct qmp_session *s)
{
	return s->open && !busy(s) && !s->in.len ? INPUT_CHUNK : 0;
}

void qmp_session_input(struct qmp_session *s, const u8 *buf, size_t len)
{
	if (!s->open)
		return;
	if (buffer_add(&s->in, buf, len)) {
		err("QMP: out of memory, input is lost");
		return;
	}
	run_input(s);
}

void qmp_session_fd(struct qmp_session *s, int fd)
{
	if (!s->open || s->nr_fds == QMP_FDS_MAX)
		close(fd);
	else
		s->fds[s->nr_fds++] = fd;
}

void qmp_session_continue(struct qmp_session *s)
{
	s->call = NULL;
	run_input(s);
	if (qmp_session_room(s))
		s->wake(s->arg);
}

void qmp_session_writable(struct qmp_session *s)
{
	flush(s);
	run_input(s);
}

int qmp_call_fd(struct qmp_call *call)
{
	struct qmp_session *s = call->session;
	int fd;

	if (!s || !s->nr_fds)
		return -ENOENT;
	fd = s->fds[0];
	memmove(s->fds, s->fds + 1, --s->nr_fds * sizeof(*s->fds));
	return fd;
}

/* Coming and going */

void qmp_session_open(struct qmp_session *s)
{
	s->open = true;
	s->frame = (struct qmp_frame){0};
	s->events_lost = 0;
	qmp_session_send(s, qmp_greeting());
}

void qmp_session_close(struct qmp_session *s)
{
	s->open = false;
	s->negotiated = false;
	buffer_free(&s->in);
	buffer_free(&s->out);
	/* Within a command its text is still being looked at. */
	if (!s->running)
		buffer_free(&s->value);
	close_fds(s);
	if (s->call)
		s->call->session = NULL;
	s->call = NULL;
}

struct qmp_session *
qmp_session_create(struct vm *vm,
		   size_t (*write)(void *arg, const void *buf, size_t len),
		   void (*wake)(void *arg), void *arg)
{
	struct qmp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->vm = vm;
	s->write = write;
	s->wake = wake;
	s->arg = arg;
	LIST_INSERT_HEAD(&sessions, s, link);
	return s;
}

void qmp_session_destroy(struct qmp_session *s)
{
	qmp_session_close(s);
	LIST_REMOVE(s, link);
	buffer_free(&s->value);
	free(s);
}
