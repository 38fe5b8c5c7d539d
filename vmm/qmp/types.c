// SPDX-License-Identifier: GPL-2.0-only
/*
 * The types that there are and what they take, from the tables of devices, of
 * objects and of options.
 */
#include <string.h>

#include "arch/x86/x86.h"
#include "config.h"
#include "device.h"
#include "object.h"
#include "qmp/commands.h"

/*
 * Parts of the machine that no -device makes, under the names that managers look
 * for, and the properties that -global may state of them.
 */
static const struct {
	const char *name;
	const char *props;
} board_types[] = {
	{"i8042", ""},
	{"mc146818rtc", ""},
	{"kvm-pit", "lost_tick_policy"},
	{"PIIX4_PM", "disable_s3 disable_s4"}, /* there is soft-off alone */
	{X86_CPU_TYPE, ""},
};

/*
 * The second is what those for PCs have in common. libvirt 11.3 asks for it and
 * ends when it is not there.
 */
static const char *const machine_types[] = {"pc-machine", "generic-pc-machine",
					    "none-machine"};

static const char *board_props(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(board_types); i++)
		if (!strcmp(board_types[i].name, name))
			return board_types[i].props;
	return NULL;
}

static void add_type(json_t *list, const char *name)
{
	json_array_append_new(list, json_pack("{ss}", "name", name));
}

static void qom_list_types(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < nr_device_classes; i++)
		add_type(list, device_classes[i].name);
	for (i = 0; i < nr_object_classes; i++)
		add_type(list, object_classes[i].name);
	for (i = 0; i < ARRAY_SIZE(board_types); i++)
		add_type(list, board_types[i].name);
	for (i = 0; i < ARRAY_SIZE(machine_types); i++)
		add_type(list, machine_types[i]);
	qmp_reply(call, list);
}

/* Words with blanks between, as properties. */
static void add_props(json_t *list, const char *words)
{
	size_t len;

	for (; *words; words += len + !!words[len]) {
		len = strcspn(words, " ");
		json_array_append_new(list,
				      json_pack("{ss%ss}", "name", words, len,
						"type", "str"));
	}
}

static void device_list_properties(struct vm *vm, struct qmp_call *call,
				   json_t *args)
{
	const char *name = json_string_value(json_object_get(args, "typename"));
	const struct device_class *class = device_class_find(name);
	const char *props = class ? class->props : board_props(name);
	json_t *list;

	if (!props) {
		qmp_error(call, QMP_DEVICE_NOT_FOUND,
			  "Device '%.100s' not found", name);
		return;
	}
	list = json_array();
	add_props(list, props);
	if (class && class->pci)
		add_props(list, DEVICE_PCI_PROPS);
	qmp_reply(call, list);
}

static const char *machine_keys(const char *name)
{
	struct config_option_info info;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(machine_types); i++)
		if (!strcmp(name, machine_types[i]))
			break;
	if (i == ARRAY_SIZE(machine_types))
		return NULL;
	for (i = 0; config_option_info(i, &info); i++)
		if (!strcmp(info.name, "machine"))
			return info.keys;
	return NULL;
}

static void qom_list_properties(struct vm *vm, struct qmp_call *call,
				json_t *args)
{
	const char *name = json_string_value(json_object_get(args, "typename"));
	const struct device_class *device = device_class_find(name);
	const struct object_class *object = object_class_find(name);
	const char *keys = machine_keys(name);
	json_t *list;

	if (!device && !object && !keys) {
		qmp_error(call, QMP_DEVICE_NOT_FOUND, "Class '%.100s' not found",
			  name);
		return;
	}
	list = json_array();
	add_props(list, device ? device->props : object ? object->props : keys);
	qmp_reply(call, list);
}

static const struct qmp_member typename_arg[] = {
	{"typename", QMP_STR, false, NULL},
	{0},
};

static const struct qmp_command commands[] = {
	{
		.name = "qom-list-types",
		.run = qom_list_types,
		.args = (const struct qmp_member[]){
			{"implements", QMP_STR, QMP_OPTIONAL, NULL},
			{"abstract", QMP_BOOL, QMP_OPTIONAL, NULL},
			{0},
		},
		.no_machine = true,
	},
	{
		.name = "device-list-properties",
		.run = device_list_properties,
		.args = typename_arg,
		.no_machine = true,
	},
	{
		.name = "qom-list-properties",
		.run = qom_list_properties,
		.args = typename_arg,
		.no_machine = true,
	},
	{0},
};

const struct qmp_table qmp_types_table = {.commands = commands};
