// SPDX-License-Identifier: GPL-2.0-only
/* What the program and the machine are: versions, machines, CPU models. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch/x86/x86.h"
#include "chardev.h"
#include "config.h"
#include "qmp/commands.h"
#include "qmp/internal.h"
#include "vm.h"

/*
 * The version of QEMU whose protocol is spoken: clients choose what they ask for
 * by it.
 */
#define PROTOCOL_MAJOR 7
#define PROTOCOL_MINOR 2

static json_t *version(void)
{
	return json_pack("{s{sisisi}ss}", "qemu", "major", PROTOCOL_MAJOR,
			 "minor", PROTOCOL_MINOR, "micro", 0, "package",
			 "tarn-vmm " TARN_VERSION);
}

json_t *qmp_greeting(void)
{
	return json_pack("{s{sos[]}}", "QMP", "version", version(),
			 "capabilities");
}

static void query_version(struct vm *vm, struct qmp_call *call, json_t *args)
{
	qmp_reply(call, version());
}

static void query_target(struct vm *vm, struct qmp_call *call, json_t *args)
{
	qmp_reply(call, json_pack("{ss}", "arch", "x86_64"));
}

static void query_kvm(struct vm *vm, struct qmp_call *call, json_t *args)
{
	/* There is no guest without it; asked alone, whether one could be. */
	int fd = vm->config->no_machine ? open("/dev/kvm", O_RDWR | O_CLOEXEC) :
					  -1;
	bool usable = !vm->config->no_machine || fd >= 0;

	qmp_reply(call, json_pack("{sbsb}", "enabled", usable, "present",
				  usable));
	if (fd >= 0)
		close(fd);
}

static void query_name(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *result = json_object();

	if (vm->config->name)
		json_object_set_new(result, "name", qmp_text(vm->config->name));
	qmp_reply(call, result);
}

static void query_uuid(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const u8 *u = vm->config->uuid;
	char text[40];

	snprintf(text, sizeof(text),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
	qmp_reply(call, json_pack("{ss}", "UUID", text));
}

static void query_machines(struct vm *vm, struct qmp_call *call, json_t *args)
{
	qmp_reply(call, json_pack("[{sssisbsbsbsssssb}{sssisbsbsb}]",
				  "name", "pc",
				  "cpu-max", CONFIG_MAX_CPUS,
				  "hotpluggable-cpus", 0,
				  "numa-mem-supported", 1,
				  "deprecated", 0,
				  "default-ram-id", "ram",
				  "default-cpu-type", X86_CPU_TYPE,
				  "is-default", 1,
				  "name", "none",
				  "cpu-max", 1,
				  "hotpluggable-cpus", 0,
				  "numa-mem-supported", 0,
				  "deprecated", 0));
}

static void query_cpu_definitions(struct vm *vm, struct qmp_call *call,
				  json_t *args)
{
	/* The host's CPU is the only model, and migrates to its like alone. */
	qmp_reply(call, json_pack("[{sssssbsbs[]}]", "name", "host",
				  "typename", X86_CPU_TYPE, "static", 0,
				  "migration-safe", 0, "unavailable-features"));
}

static void query_current_machine(struct vm *vm, struct qmp_call *call,
				  json_t *args)
{
	qmp_reply(call, json_pack("{sb}", "wakeup-suspend-support", 0));
}

static int add_parameter(json_t *list, const char *name, size_t len)
{
	return json_array_append_new(list,
				     json_pack("{ss%ss}", "name", name, len,
					       "type", "string"));
}

static json_t *option_info(const struct config_option_info *info)
{
	json_t *list = json_array();
	const char *keys = info->keys;
	size_t len;

	for (; *keys; keys += len + !!keys[len]) {
		len = strcspn(keys, " ");
		add_parameter(list, keys, len);
	}
	return json_pack("{ssso}", "option", info->name, "parameters", list);
}

static void query_command_line_options(struct vm *vm, struct qmp_call *call,
				       json_t *args)
{
	const char *want = json_string_value(json_object_get(args, "option"));
	struct config_option_info info;
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; config_option_info(i, &info); i++)
		if (!want || !strcmp(want, info.name))
			json_array_append_new(list, option_info(&info));
	if (!want || json_array_size(list)) {
		qmp_reply(call, list);
		return;
	}
	json_decref(list);
	qmp_error(call, QMP_GENERIC, "there is no option '%.100s'", want);
}

static void add_chardev(struct chardev *chr, void *arg)
{
	char name[256];

	snprintf(name, sizeof(name), "%s%s%s", chr->ops->name,
		 chr->path ? ":" : "", chr->path ? chr->path : "");
	json_array_append_new(arg, json_pack("{sososb}", "label",
					     qmp_text(chr->id), "filename",
					     qmp_text(name), "frontend-open",
					     chr->handler && !chr->unheard));
}

static void query_chardev(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_array();

	chardev_for_each(add_chardev, list);
	qmp_reply(call, list);
}

static const struct qmp_command commands[] = {
	{.name = "query-version", .run = query_version, .no_machine = true},
	{.name = "query-target", .run = query_target, .no_machine = true},
	{.name = "query-kvm", .run = query_kvm, .no_machine = true},
	{.name = "query-machines", .run = query_machines, .no_machine = true},
	{
		.name = "query-cpu-definitions",
		.run = query_cpu_definitions,
		.no_machine = true,
	},
	{
		.name = "query-command-line-options",
		.run = query_command_line_options,
		.args = (const struct qmp_member[]){
			{"option", QMP_STR, QMP_OPTIONAL, NULL},
			{0},
		},
		.no_machine = true,
	},
	{.name = "query-chardev", .run = query_chardev, .no_machine = true},
	{.name = "query-name", .run = query_name},
	{.name = "query-uuid", .run = query_uuid},
	{.name = "query-current-machine", .run = query_current_machine},
	{0},
};

const struct qmp_table qmp_about_table = {.commands = commands};
