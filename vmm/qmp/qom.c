// SPDX-License-Identifier: GPL-2.0-only
/*
 * The object model as far as managers look into it: the devices that have a
 * name, the vCPUs, and the balloon's properties.
 */
#include <stdio.h>
#include <string.h>

#include "qmp/balloon.h"
#include "qmp/commands.h"
#include "qmp/internal.h"
#include "qmp/qom.h"
#include "vm.h"

enum node_kind { NODE_NONE, NODE_ROOT, NODE_MACHINE, NODE_PERIPHERAL,
		 NODE_UNATTACHED, NODE_DEVICE, NODE_CPU };

struct node {
	enum node_kind kind;
	const char *type;
	struct device *dev; /* of NODE_DEVICE */
};

static struct node find_cpu(struct vm *vm, const char *path)
{
	unsigned int index;
	char again[64];

	if (sscanf(path, QOM_CPU_FORMAT, &index) != 1 || index >= vm->nr_vcpus)
		return (struct node){NODE_NONE, NULL, NULL};
	snprintf(again, sizeof(again), QOM_CPU_FORMAT, index);
	if (strcmp(path, again))
		return (struct node){NODE_NONE, NULL, NULL};
	return (struct node){NODE_CPU, X86_CPU_TYPE, NULL};
}

static struct node find(struct vm *vm, const char *path)
{
	static const struct {
		const char *path;
		enum node_kind kind;
		const char *type;
	} fixed[] = {
		{"/", NODE_ROOT, "container"},
		{"/machine", NODE_MACHINE, "pc-machine"},
		{QOM_PERIPHERAL, NODE_PERIPHERAL, "container"},
		{"/machine/unattached", NODE_UNATTACHED, "container"},
	};
	size_t i, len = strlen(QOM_PERIPHERAL "/");
	struct device *dev;

	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (!strcmp(path, fixed[i].path))
			return (struct node){fixed[i].kind, fixed[i].type,
					     NULL};
	if (strncmp(path, QOM_PERIPHERAL "/", len))
		return find_cpu(vm, path);
	dev = device_find(vm, path + len);
	if (!dev)
		return (struct node){NODE_NONE, NULL, NULL};
	return (struct node){NODE_DEVICE, dev->ops->name, dev};
}

static bool is_balloon(const struct node *node)
{
	return node->kind == NODE_DEVICE &&
	       !strcmp(node->type, "virtio-balloon-pci");
}

static void add_property(json_t *list, const char *name, const char *type)
{
	json_array_append_new(list, json_pack("{soso}", "name", qmp_text(name),
					      "type", qmp_text(type)));
}

static void add_child(json_t *list, const char *name, const char *type)
{
	char child[128];

	snprintf(child, sizeof(child), "child<%s>", type);
	add_property(list, name, child);
}

static void add_devices(struct vm *vm, json_t *list)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &vm->devices, link)
	if (dev->id)
		add_child(list, dev->id, dev->ops->name);
}

static void add_cpus(struct vm *vm, json_t *list)
{
	unsigned int i;
	char name[32];

	for (i = 0; i < vm->nr_vcpus; i++) {
		snprintf(name, sizeof(name), "device[%u]", i);
		add_child(list, name, X86_CPU_TYPE);
	}
}

static void add_node(struct vm *vm, const struct node *node, json_t *list)
{
	add_property(list, "type", "string");
	switch (node->kind) {
	case NODE_ROOT:
		add_child(list, "machine", "pc-machine");
		break;
	case NODE_MACHINE:
		add_child(list, "peripheral", "container");
		add_child(list, "unattached", "container");
		break;
	case NODE_PERIPHERAL:
		add_devices(vm, list);
		break;
	case NODE_UNATTACHED:
		add_cpus(vm, list);
		break;
	default:
		break;
	}
	if (!is_balloon(node))
		return;
	add_property(list, QMP_BALLOON_STATS, "guest statistics");
	add_property(list, QMP_BALLOON_INTERVAL, "int");
}

/* The node of the argument "path"; answers when there is none. */
static bool find_arg(struct vm *vm, struct qmp_call *call, json_t *args,
		     struct node *node)
{
	const char *path = json_string_value(json_object_get(args, "path"));

	*node = find(vm, path);
	if (node->kind == NODE_NONE)
		qmp_error(call, QMP_DEVICE_NOT_FOUND, "Device '%.200s' not found",
			  path);
	return node->kind != NODE_NONE;
}

static void qom_list(struct vm *vm, struct qmp_call *call, json_t *args)
{
	struct node node;
	json_t *list;

	if (!find_arg(vm, call, args, &node))
		return;
	list = json_array();
	add_node(vm, &node, list);
	qmp_reply(call, list);
}

static const char *property(json_t *args)
{
	return json_string_value(json_object_get(args, "property"));
}

static void no_property(struct qmp_call *call, const struct node *node,
			json_t *args)
{
	qmp_error(call, QMP_GENERIC, "Property '%s.%.100s' not found",
		  node->type, property(args));
}

static void qom_get(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *name = property(args);
	struct node node;

	if (!find_arg(vm, call, args, &node))
		return;
	if (!strcmp(name, "type"))
		qmp_reply(call, qmp_text(node.type));
	else if (is_balloon(&node) && qmp_balloon_has(name))
		qmp_balloon_get(call, name);
	else
		no_property(call, &node, args);
}

static void qom_set(struct vm *vm, struct qmp_call *call, json_t *args)
{
	struct node node;

	if (!find_arg(vm, call, args, &node))
		return;
	if (is_balloon(&node) && qmp_balloon_has(property(args)))
		qmp_balloon_set(call, property(args),
				json_object_get(args, "value"));
	else
		no_property(call, &node, args);
}

static const struct qmp_command commands[] = {
	{
		.name = "qom-list",
		.run = qom_list,
		.args = (const struct qmp_member[]){
			{"path", QMP_STR, false, NULL},
			{0},
		},
	},
	{
		.name = "qom-get",
		.run = qom_get,
		.args = (const struct qmp_member[]){
			{"path", QMP_STR, false, NULL},
			{"property", QMP_STR, false, NULL},
			{0},
		},
	},
	{
		.name = "qom-set",
		.run = qom_set,
		.args = (const struct qmp_member[]){
			{"path", QMP_STR, false, NULL},
			{"property", QMP_STR, false, NULL},
			{"value", QMP_ANY, false, NULL},
			{0},
		},
	},
	{0},
};

const struct qmp_table qmp_qom_table = {.commands = commands};
