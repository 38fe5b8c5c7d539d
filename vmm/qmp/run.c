// SPDX-License-Identifier: GPL-2.0-only
/* The run state: stop, cont, reset, power button, quit, and its events. */
#include <errno.h>
#include <string.h>

#include "qmp/balloon.h"
#include "qmp/block.h"
#include "qmp/commands.h"
#include "qmp/limit.h"
#include "qmp/monitor.h"
#include "vm.h"

/* Events */

static json_t *cause(const char *reason)
{
	bool guest = !strncmp(reason, "guest", 5);

	return json_pack("{sbss}", "guest", guest, "reason", reason);
}

static void on_event(struct vm *vm, enum vm_event event, const char *reason)
{
	switch (event) {
	case VM_EVENT_STOP:
		qmp_event("STOP", NULL);
		break;
	case VM_EVENT_RESUME:
		qmp_event("RESUME", NULL);
		break;
	case VM_EVENT_RESET:
		qmp_event("RESET", cause(reason));
		break;
	case VM_EVENT_POWERDOWN:
		qmp_event("POWERDOWN", NULL);
		break;
	case VM_EVENT_SHUTDOWN:
		qmp_event("SHUTDOWN", cause(reason));
		break;
	case VM_EVENT_CRASH:
		qmp_event("GUEST_PANICKED",
			  json_pack("{ss}", "action",
				    vm->actions.crash_stays ? "pause"
							    : "poweroff"));
		break;
	}
}

void monitor_listen(struct vm *vm)
{
	vm->on_event = on_event;
	qmp_limit_init(vm->loop);
	qmp_balloon_listen();
	qmp_block_listen();
}

/* Commands */

static void query_status(struct vm *vm, struct qmp_call *call, json_t *args)
{
	qmp_reply(call, json_pack("{sssbsb}", "status",
				  vm_state_name(vm->state), "running",
				  vm->state == VM_RUNNING, "singlestep", 0));
}

static void stop(struct vm *vm, struct qmp_call *call, json_t *args)
{
	int ret = vm_pause(vm);

	if (ret)
		qmp_fail(call, ret);
	else
		qmp_reply(call, NULL);
}

static void cont(struct vm *vm, struct qmp_call *call, json_t *args)
{
	int ret = vm_resume(vm);

	if (ret)
		qmp_fail(call, ret);
	else
		qmp_reply(call, NULL);
}

static void system_reset(struct vm *vm, struct qmp_call *call, json_t *args)
{
	int ret;

	if (vm->held || vm->state == VM_INMIGRATE) {
		qmp_error(call, QMP_GENERIC,
			  "the guest is being saved or restored; reset it when that is over");
		return;
	}
	ret = vm_reboot(vm, VM_BY_MONITOR_RESET);

	if (!ret) {
		qmp_reply(call, NULL);
		return;
	}
	/* Half of it is reset; nothing sensible could go on. */
	qmp_fail(call, ret);
	vm_quit(vm, 1);
}

static void system_powerdown(struct vm *vm, struct qmp_call *call, json_t *args)
{
	vm_power_button(vm);
	qmp_reply(call, NULL);
}

static void quit(struct vm *vm, struct qmp_call *call, json_t *args)
{
	vm_end(vm, VM_BY_MONITOR_QUIT);
	qmp_reply(call, NULL);
}

static bool arg_is(json_t *args, const char *key, const char *word)
{
	const char *text = json_string_value(json_object_get(args, key));

	return text && !strcmp(text, word);
}

static void set_action(struct vm *vm, struct qmp_call *call, json_t *args)
{
	struct vm_actions *actions = &vm->actions;

	if (json_object_get(args, "reboot"))
		actions->reboot_ends = arg_is(args, "reboot", "shutdown");
	if (json_object_get(args, "shutdown"))
		actions->shutdown_stays = arg_is(args, "shutdown", "pause");
	if (json_object_get(args, "panic"))
		actions->crash_stays = arg_is(args, "panic", "pause");
	qmp_reply(call, NULL);
}

static const char *const reboot_actions[] = {"reset", "shutdown", NULL};
static const char *const shutdown_actions[] = {"poweroff", "pause", NULL};
static const char *const panic_actions[] = {"pause", "exit-failure", NULL};

static const struct qmp_command commands[] = {
	{.name = "query-status", .run = query_status},
	{
		.name = "stop",
		.run = stop,
		.waits = true,
		.late = "the guest is being stopped",
	},
	{
		.name = "cont",
		.run = cont,
		.waits = true,
		.late = "the guest is being made to go on",
	},
	{.name = "system_reset", .run = system_reset, .waits = true},
	{.name = "system_powerdown", .run = system_powerdown},
	{.name = "quit", .run = quit, .no_machine = true},
	{
		.name = "set-action",
		.run = set_action,
		.args = (const struct qmp_member[]){
			{"reboot", QMP_STR, QMP_OPTIONAL, reboot_actions},
			{"shutdown", QMP_STR, QMP_OPTIONAL, shutdown_actions},
			{"panic", QMP_STR, QMP_OPTIONAL, panic_actions},
			{0},
		},
	},
	{0},
};

static const struct qmp_member cause_members[] = {
	{"guest", QMP_BOOL, false, NULL},
	{"reason", QMP_STR, false, NULL},
	{0},
};

static const struct qmp_event_type events[] = {
	{"STOP", NULL},
	{"RESUME", NULL},
	{"RESET", cause_members},
	{"POWERDOWN", NULL},
	{"SHUTDOWN", cause_members},
	{
		"GUEST_PANICKED",
		(const struct qmp_member[]){
			{"action", QMP_STR, false, NULL},
			{0},
		},
	},
	{0},
};

const struct qmp_table qmp_run_table = {
	.commands = commands,
	.events = events,
};
