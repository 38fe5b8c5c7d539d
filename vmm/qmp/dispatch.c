// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the text of a command to its answer: the envelope, the negotiation, the
 * check against the command's table, and the ways to answer.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "error.h"
#include "qmp/commands.h"
#include "qmp/internal.h"
#include "vm.h"

json_t *qmp_text(const char *text)
{
	json_t *val = json_string(text);
	char *copy, *p;

	if (val)
		return val;
	/* Bytes that are no UTF-8: a file name, or a text cut within a letter. */
	copy = strdup(text);
	if (!copy)
		return json_string("");
	for (p = copy; *p; p++)
		if (*p & 0x80)
			*p = '?';
	val = json_string(copy);
	free(copy);
	return val;
}

/* Answers */

static void send_answer(struct qmp_session *s, json_t *id, const char *key,
			json_t *body)
{
	json_t *msg = json_object();

	json_object_set_new(msg, key, body);
	if (id)
		json_object_set(msg, "id", id);
	qmp_session_send(s, msg);
}

/* Takes @body over, of which @key is what it is: "return" or "error". */
static void finish(struct qmp_call *call, const char *key, json_t *body)
{
	struct qmp_session *s = call->session;

	if (call->done || !s)
		json_decref(body);
	else
		send_answer(s, call->id, key, body);
	call->done = true;
	if (!call->deferred || call->in_run)
		return;
	json_decref(call->id);
	free(call);
	if (s)
		qmp_session_continue(s);
}

static json_t *error_body(const char *class, const char *desc)
{
	return json_pack("{ssso}", "class", class, "desc", qmp_text(desc));
}

void qmp_reply(struct qmp_call *call, json_t *result)
{
	finish(call, "return", result ? result : json_object());
}

void qmp_error(struct qmp_call *call, const char *class, const char *fmt, ...)
{
	char desc[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(desc, sizeof(desc), fmt, ap);
	va_end(ap);
	finish(call, "error", error_body(class, desc));
}

void qmp_fail(struct qmp_call *call, int ret)
{
	const char *why = *call->error ? call->error : strerror(-ret);

	finish(call, "error", error_body(QMP_GENERIC, why));
}

void qmp_defer(struct qmp_call *call)
{
	call->deferred = true;
}

void qmp_refuse(struct qmp_session *s, const char *why)
{
	send_answer(s, NULL, "error", error_body(QMP_GENERIC, why));
}

/* Commands */

static void run(struct qmp_call *call, json_t *args)
{
	const struct qmp_command *command = call->command;

	if (qmp_args_check(command, args, call->error, sizeof(call->error))) {
		qmp_fail(call, -EINVAL);
		return;
	}
	if (command->waits) {
		if (qmp_later(call, args))
			qmp_fail(call, -ENOMEM);
		return;
	}
	error_capture(call->error, sizeof(call->error));
	command->run(call->vm, call, args);
	error_capture(NULL, 0);
}

static void run_call(struct qmp_session *s, const struct qmp_command *command,
		     json_t *args, json_t *id)
{
	struct qmp_call *call = calloc(1, sizeof(*call));

	if (!call) {
		qmp_refuse(s, "out of memory");
		return;
	}
	call->vm = s->vm;
	call->command = command;
	call->session = s;
	call->id = json_incref(id);
	call->in_run = true;
	s->call = call;
	run(call, args);
	if (command->waits && call->deferred)
		return;
	call->in_run = false;
	if (call->deferred && !call->done)
		return;
	if (!call->done)
		qmp_error(call, QMP_GENERIC, "%s gave no answer",
			  command->name);
	s->call = NULL;
	json_decref(call->id);
	free(call);
}

/* Why @command cannot be run now, or NULL. */
static const char *not_now(const struct qmp_session *s,
			   const struct qmp_command *command)
{
	bool negotiation = !strcmp(command->name, "qmp_capabilities");

	if (!s->negotiated && !negotiation)
		return "expecting capabilities negotiation with 'qmp_capabilities'";
	if (s->negotiated && negotiation)
		return "capabilities negotiation is already complete, command ignored";
	if (s->vm->config->no_machine && !command->no_machine)
		return "there is no machine with '-machine none'";
	return NULL;
}

/* A key that has no meaning in a command, or NULL. */
static const char *strange_key(const json_t *msg)
{
	static const char *const keys[] = {"execute", "arguments", "id"};
	const char *key;
	json_t *val;
	size_t i;

	json_object_foreach((json_t *)msg, key, val) {
		for (i = 0; i < ARRAY_SIZE(keys); i++)
			if (!strcmp(key, keys[i]))
				break;
		if (i == ARRAY_SIZE(keys))
			return key;
	}
	return NULL;
}

static void refuse_with(struct qmp_session *s, json_t *id, const char *class,
			const char *fmt, const char *what)
{
	char desc[256];

	snprintf(desc, sizeof(desc), fmt, what);
	send_answer(s, id, "error", error_body(class, desc));
}

static void run_message(struct qmp_session *s, const json_t *msg)
{
	json_t *id = json_object_get(msg, "id");
	json_t *args = json_object_get(msg, "arguments");
	const char *name = json_string_value(json_object_get(msg, "execute"));
	const char *key = strange_key(msg), *why;
	const struct qmp_command *command;
	json_t *none;

	if (key || !name || (args && !json_is_object(args))) {
		refuse_with(s, id, QMP_GENERIC,
			    key ? "QMP input member '%.100s' is unexpected" :
				  "QMP input needs 'execute', a string, and takes 'arguments', an object%.0s",
			    key ? key : "");
		return;
	}
	command = qmp_command_find(name);
	if (!command) {
		refuse_with(s, id, QMP_COMMAND_NOT_FOUND,
			    "The command %.100s has not been found", name);
		return;
	}
	why = not_now(s, command);
	if (why) {
		refuse_with(s, id,
			    s->negotiated ? QMP_GENERIC : QMP_COMMAND_NOT_FOUND,
			    "%s", why);
		return;
	}
	none = json_object();
	run_call(s, command, args ? args : none, id);
	json_decref(none);
}

void qmp_dispatch(struct qmp_session *s, const char *text, size_t len)
{
	json_error_t error;
	json_t *msg = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (!msg)
		qmp_refuse(s, error.text);
	else if (!json_is_object(msg))
		qmp_refuse(s, "QMP input must be a JSON object");
	else
		run_message(s, msg);
	json_decref(msg);
}

/* The negotiation, which is about the session itself */

static void qmp_capabilities(struct vm *vm, struct qmp_call *call,
			     json_t *args)
{
	/* None was offered, so none can be enabled. */
	if (json_array_size(json_object_get(args, "enable"))) {
		qmp_error(call, QMP_GENERIC,
			  "there is no capability to enable");
		return;
	}
	call->session->negotiated = true;
	qmp_reply(call, NULL);
}

static const struct qmp_command commands[] = {
	{
		.name = "qmp_capabilities",
		.run = qmp_capabilities,
		.args = (const struct qmp_member[]){
			{"enable", QMP_ARRAY, QMP_OPTIONAL, NULL},
			{0},
		},
		.no_machine = true,
	},
	{0},
};

const struct qmp_table qmp_session_table = {.commands = commands};
