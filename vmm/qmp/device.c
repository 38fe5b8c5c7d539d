// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices, objects and network backends that come and go while the guest runs.
 * What a device takes and how it is made are the same as on the command line.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch/x86/x86.h"
#include "backend/block.h"
#include "backend/net.h"
#include "error.h"
#include "lib/json.h"
#include "lib/opts.h"
#include "object.h"
#include "pci.h"
#include "qmp/balloon.h"
#include "qmp/commands.h"
#include "qmp/internal.h"
#include "qmp/limit.h"
#include "qmp/monitor.h"
#include "qmp/qom.h"
#include "virtio/devices.h"
#include "vm.h"

static const char *text_arg(json_t *args, const char *key)
{
	return json_string_value(json_object_get(args, key));
}

/* Make something of @args with @create, all of whose keys must be used. */
static int create(json_t *args, const char *what,
		  int (*create)(struct vm *vm, struct opts *opts),
		  struct vm *vm)
{
	struct opts *opts;
	int ret = json_value_to_opts(&opts, what, args);

	if (!ret)
		ret = create(vm, opts);
	if (!ret)
		ret = opts_check_used(opts);
	opts_destroy(opts);
	return ret;
}

static void answer(struct qmp_call *call, int ret)
{
	if (ret)
		qmp_fail(call, ret);
	else
		qmp_reply(call, NULL);
}

/* Devices */

static void say_deleted(const char *id)
{
	char path[256];
	json_t *data = json_object();

	snprintf(path, sizeof(path), QOM_PERIPHERAL "/%.200s", id ? id : "");
	if (id)
		json_object_set_new(data, "device", qmp_text(id));
	json_object_set_new(data, "path", qmp_text(path));
	qmp_event("DEVICE_DELETED", data);
}

/* A disk is gone when others can have its image. */
static void on_unplug(struct vm *vm, const char *id)
{
	if (!id || !block_is_closing(id))
		say_deleted(id);
}

/* Why a device of this class cannot come now, or NULL. */
static const char *no_plug(struct vm *vm, const char *driver)
{
	const struct device_class *class = device_class_find(driver);

	if (class && !class->pci)
		return "it can only be there from the start";
	return NULL;
}

static void device_add(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *driver = text_arg(args, "driver");
	const char *why = no_plug(vm, driver);
	int ret;

	if (why) {
		qmp_error(call, QMP_GENERIC,
			  "Device '%.100s' cannot be added: %s", driver, why);
		return;
	}
	ret = create(args, "device_add", x86_pci_plug, vm);
	/* It may be the balloon. */
	if (!ret)
		qmp_balloon_listen();
	answer(call, ret);
}

static void device_del(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *id = text_arg(args, "id");
	struct pci_device *pdev;
	struct device *dev;

	/* A path of the object model will do, too. */
	if (!strncmp(id, QOM_PERIPHERAL "/", strlen(QOM_PERIPHERAL "/")))
		id += strlen(QOM_PERIPHERAL "/");
	dev = device_find(vm, id);
	if (!dev) {
		qmp_error(call, QMP_DEVICE_NOT_FOUND,
			  "Device '%.100s' not found", id);
		return;
	}
	if (no_plug(vm, dev->ops->name)) {
		qmp_error(call, QMP_GENERIC, "Device '%.100s' stays: %s", id,
			  no_plug(vm, dev->ops->name));
		return;
	}
	pdev = to_pci_device(dev);
	if (x86_pci_asked(vm, pdev->slot)) {
		qmp_error(call, QMP_GENERIC,
			  "Device %.100s is already in the process of unplug",
			  id);
		return;
	}
	x86_pci_remove(vm, pdev->slot);
	qmp_reply(call, NULL);
}

/* Objects */

static int create_object(struct vm *vm, struct opts *opts)
{
	return object_create(opts);
}

static void object_add(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *type = text_arg(args, "qom-type");
	const struct object_class *class = object_class_find(type);

	if (class && !class->late) {
		qmp_error(call, QMP_GENERIC,
			  "Object '%s' can only be there from the start",
			  type);
		return;
	}
	answer(call, create(args, "object-add", create_object, vm));
}

/* All classes are asked, since ids are unique over them only by use. */
static void object_del(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *id = text_arg(args, "id");
	unsigned int i;
	int ret = -ENOENT;

	for (i = 0; i < nr_object_classes && ret == -ENOENT; i++)
		if (object_classes[i].destroy)
			ret = object_classes[i].destroy(id);
	if (ret == -ENOENT)
		qmp_error(call, QMP_GENERIC,
			  "object '%.100s' not found, or of a kind that stays",
			  id);
	else if (ret == -EBUSY)
		qmp_error(call, QMP_GENERIC, "object '%.100s' is in use", id);
	else
		answer(call, ret);
}

/* Network backends */

static int create_netdev(struct vm *vm, struct opts *opts)
{
	return netdev_create(opts);
}

/*
 * A name that getfd gave becomes the descriptor itself. A number is refused: it
 * could be any of those that this program has open for itself.
 */
static int resolve_fd(json_t *args, const char *key)
{
	json_t *val = json_object_get(args, key);
	const char *name = json_string_value(val);
	int fd;

	if (!val)
		return 0;
	if (!name || isdigit((unsigned char)*name)) {
		err("netdev_add: '%s' must be a name that getfd has given", key);
		return -EINVAL;
	}
	fd = qmp_fd_take(name);
	if (fd < 0)
		return fd;
	return json_object_set_new(args, key, json_integer(fd)) ? -ENOMEM : 0;
}

/* A backend that was not made leaves its descriptors to us. */
static void drop_fd(const json_t *args, const char *key)
{
	const json_t *val = json_object_get(args, key);

	if (json_is_integer(val))
		close(json_integer_value(val));
}

static void netdev_add(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *copy = json_copy(args);
	int ret = resolve_fd(copy, "fd");

	if (ret) {
		json_decref(copy);
		qmp_fail(call, ret);
		return;
	}
	ret = resolve_fd(copy, "vhostfd");
	if (!ret)
		ret = create(copy, "netdev_add", create_netdev, vm);
	/* What is no integer by now was never ours. */
	if (ret) {
		drop_fd(copy, "fd");
		if (!json_equal(json_object_get(copy, "vhostfd"),
				json_object_get(args, "vhostfd")))
			drop_fd(copy, "vhostfd");
	}
	json_decref(copy);
	answer(call, ret);
}

static void netdev_del(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *id = text_arg(args, "id");
	int ret = netdev_delete(id);

	if (ret == -EBUSY)
		qmp_error(call, QMP_GENERIC,
			  "Network backend '%.100s' is in use", id);
	else if (ret)
		qmp_error(call, QMP_DEVICE_NOT_FOUND,
			  "Device '%.100s' not found", id);
	else
		qmp_reply(call, NULL);
}

static void set_link(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *name = text_arg(args, "name");
	bool up = json_is_true(json_object_get(args, "up"));

	if (virtio_net_set_link(name, up))
		qmp_error(call, QMP_DEVICE_NOT_FOUND,
			  "Device '%.100s' not found", name);
	else
		qmp_reply(call, NULL);
}

static void on_port(const char *id, bool open)
{
	qmp_event_limited("VSERPORT_CHANGE", id,
			  json_pack("{sosb}", "id", qmp_text(id), "open",
				    open));
}

void monitor_listen_devices(struct vm *vm)
{
	virtio_serial_set_listener(on_port);
	vm->on_unplug = on_unplug;
	block_set_closed(say_deleted);
}

static const char *const object_types[] = {
	"memory-backend-ram", "memory-backend-memfd", "memory-backend-file",
	"iothread", "rng-random", "rng-builtin", "secret", NULL};
static const char *const json_features[] = {"json-cli", "json-cli-hotplug",
					    NULL};
static const struct qmp_member id_arg[] = {
	{"id", QMP_STR, false, NULL},
	{0},
};

static const struct qmp_command commands[] = {
	{
		.name = "device_add",
		.run = device_add,
		.args = (const struct qmp_member[]){
			{"driver", QMP_STR, false, NULL},
			{"bus", QMP_STR, QMP_OPTIONAL, NULL},
			{"id", QMP_STR, QMP_OPTIONAL, NULL},
			{0},
		},
		.open = true,
		.features = json_features,
		.waits = true,
		.late = "the device is being added",
	},
	{.name = "device_del", .run = device_del, .args = id_arg},
	{
		.name = "object-add",
		.run = object_add,
		.args = (const struct qmp_member[]){
			{"qom-type", QMP_STR, false, object_types},
			{"id", QMP_STR, false, NULL},
			{0},
		},
		.open = true,
	},
	{.name = "object-del", .run = object_del, .args = id_arg},
	{
		.name = "netdev_add",
		.run = netdev_add,
		.args = (const struct qmp_member[]){
			{"type", QMP_STR, false, NULL},
			{"id", QMP_STR, false, NULL},
			{0},
		},
		.open = true,
	},
	{.name = "netdev_del", .run = netdev_del, .args = id_arg},
	{
		.name = "set_link",
		.run = set_link,
		.args = (const struct qmp_member[]){
			{"name", QMP_STR, false, NULL},
			{"up", QMP_BOOL, false, NULL},
			{0},
		},
		.waits = true,
		.late = "the cable is being plugged in or out",
	},
	{0},
};

static const struct qmp_event_type events[] = {
	{
		"DEVICE_DELETED",
		(const struct qmp_member[]){
			{"device", QMP_STR, QMP_OPTIONAL, NULL},
			{"path", QMP_STR, false, NULL},
			{0},
		},
	},
	{
		"VSERPORT_CHANGE",
		(const struct qmp_member[]){
			{"id", QMP_STR, false, NULL},
			{"open", QMP_BOOL, false, NULL},
			{0},
		},
	},
	{0},
};

const struct qmp_table qmp_device_table = {
	.commands = commands,
	.events = events,
};
