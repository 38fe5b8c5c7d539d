// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands that may wait for pages of the guest, or for disks: the worker carries
 * them out, and its client gets the answer then. That can take for ever, so no client
 * waits longer than a time for it:
 *
 * - a command that is still behind others is taken back, and never was;
 * - one that is under way goes on. Its client hears so, and events tell the rest.
 *
 * A disk may be slow and all right, so more time is given to it, also where what it
 * waits for may be a page of its buffer.
 */
#include <stdlib.h>

#include "error.h"
#include "loop.h"
#include "qmp/command.h"
#include "qmp/internal.h"
#include "vm.h"
#include "worker.h"

#define LATE_NS 1000000000ULL
#define LATE_DISK_NS (10 * LATE_NS)

/* What waits is what the client asked for, or what is before it. */
static const char *waits_for(struct vm *vm)
{
	return worker_waits(vm) == WAIT_DISKS
		       ? "for disks, or for pages of its memory that they read and write"
		       : "for pages of its memory, or for CPUs or devices that do";
}

/* The client goes on; the worker may still have the call. */
static void let_go(struct qmp_call *call)
{
	struct qmp_session *s = call->session;

	call->session = NULL;
	if (s)
		qmp_session_continue(s);
}

static void call_free(struct qmp_call *call)
{
	loop_timer_del(call->timer);
	json_decref(call->args);
	json_decref(call->id);
	free(call);
}

static void carry_out(struct vm *vm, struct vm_job *job)
{
	struct qmp_call *call = container_of(job, struct qmp_call, job);

	error_capture(call->error, sizeof(call->error));
	call->command->run(vm, call, call->args);
	error_capture(NULL, 0);
	if (!call->done)
		qmp_error(call, QMP_GENERIC, "%s gave no answer",
			  call->command->name);
}

static void carried_out(struct vm *vm, struct vm_job *job)
{
	struct qmp_call *call = container_of(job, struct qmp_call, job);

	let_go(call);
	call_free(call);
}

static void take_back(struct qmp_call *call)
{
	qmp_error(call, QMP_GENERIC,
		  "%s cannot be done now: something else is under way with the guest, which waits %s",
		  call->command->name, waits_for(call->vm));
	let_go(call);
	call_free(call);
}

static void too_late(void *arg)
{
	struct qmp_call *call = arg;
	struct vm *vm = call->vm;
	u64 now = loop_now();

	/* What it has run is over, and carried_out() comes. */
	if (call->done)
		return;
	if (worker_waits(vm) == WAIT_DISKS && now - call->asked < LATE_DISK_NS) {
		loop_timer_set(call->timer, now + LATE_NS);
		return;
	}
	if (worker_cancel(vm, &call->job)) {
		take_back(call);
		return;
	}
	if (call->command->late)
		qmp_error(call, QMP_GENERIC, "%s, which waits %s",
			  call->command->late, waits_for(vm));
	else
		qmp_reply(call, NULL);
	let_go(call);
}

int qmp_later(struct qmp_call *call, json_t *args)
{
	struct vm *vm = call->vm;

	call->timer = loop_timer_add(vm->loop, too_late, call);
	if (!call->timer)
		return -1;
	call->asked = loop_now();
	loop_timer_set(call->timer, call->asked + LATE_NS);
	call->deferred = true;
	call->args = json_incref(args);
	call->job.run = carry_out;
	call->job.done = carried_out;
	worker_post(vm, &call->job);
	return 0;
}
