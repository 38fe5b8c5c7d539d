// SPDX-License-Identifier: GPL-2.0-only
/*
 * See command.h. All run in the main thread, one at a time. A handler fills in
 * the answer and returns 0, or -errno with a message.
 */
#include "command.h"
#include "control.h"
#include "log.h"
#include "mirror.h"
#include "options.h"
#include "pager.h"
#include "status.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * struct command_call - one request under way
 * @pager: ours
 * @request: what came
 * @reply: what goes
 * @fd: descriptor that came with it; -1 once it is used
 * @error: message, where it fails
 * @text: for a message that has to be made
 */
struct command_call {
	struct pager *pager;
	json_t *request;
	json_t *reply;
	int *fd;
	const char *error;
	char text[CONTENT_TEXT + 64];
};

struct command {
	const char *name;
	int (*fn)(struct command_call *call);
	const char *members[6];
};

static int fail(struct command_call *call, int error, const char *message)
{
	call->error = message;
	return error;
}

/* What is on a device, if that is the reason, else @message. */
static int fail_content(struct command_call *call, int error, const char *holds,
			const char *message)
{
	if (!*holds)
		return fail(call, error, message);
	snprintf(call->text, sizeof(call->text), "it holds %s%s", holds,
		 error == -EEXIST ? "" : "; --force destroys it");
	return fail(call, error, call->text);
}

static json_t *queue_json(const struct queue *q)
{
	const struct queue_counters *c = &q->counters;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "queue",
			 (json_int_t)q->number, "loads",
			 (json_int_t)atomic_load(&c->loads), "stores",
			 (json_int_t)atomic_load(&c->stores), "drops",
			 (json_int_t)atomic_load(&c->drops), "load_errors",
			 (json_int_t)atomic_load(&c->load_errors),
			 "store_errors",
			 (json_int_t)atomic_load(&c->store_errors), "ios",
			 (json_int_t)atomic_load(&c->ios), "in_flight",
			 (json_int_t)atomic_load(&c->in_flight));
}

static int run_status(struct command_call *call)
{
	struct pager *pager = call->pager;
	const struct status_report *now;
	json_t *queues = json_array();
	unsigned int i;

	status_refresh();
	now = status_current();
	for (i = 0; i < pager->at.queues; i++)
		json_array_append_new(queues, queue_json(&pager->queues[i]));
	call->reply = json_pack(
		"{s:b,s:i,s:s,s:s,s:b,s:b,s:I,s:I,s:o}", "ok", 1, "pid",
		(int)getpid(), "pool", pager->opts.pool, "uuid",
		pager->at.uuid_text, "full", now->full, "degraded",
		now->degraded, "capacity_pages", (json_int_t)now->capacity,
		"used_pages", (json_int_t)now->used, "queues", queues);
	return 0;
}

static json_t *leg_json(const struct leg *leg)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:I,s:I,s:I,s:I}", "path", leg->path, "type",
			 leg->fd < 0  ? "missing" :
			 leg->block ? "block" :
				      "file",
			 "state", leg_state_name(leg_state(leg)), "no_space",
			 (int)atomic_load(&leg->no_space), "read_errors",
			 (json_int_t)atomic_load(&leg->read_errors),
			 "write_errors",
			 (json_int_t)atomic_load(&leg->write_errors),
			 "mismatches",
			 (json_int_t)atomic_load(&leg->mismatches), "repaired",
			 (json_int_t)atomic_load(&leg->repaired));
}

static json_t *device_json(struct device *dev)
{
	json_t *legs = json_array();
	u64 used = device_used(dev);
	unsigned int i;

	for (i = 0; i < dev->nr_legs; i++)
		json_array_append_new(legs, leg_json(&dev->legs[i]));
	return json_pack(
		"{s:I,s:i,s:I,s:I,s:I,s:I,s:b,s:b,s:b,s:b,s:b,s:I,s:o}", "device",
		(json_int_t)dev->number, "priority", dev->priority, "slots",
		(json_int_t)slots_count(&dev->slots), "used", (json_int_t)used, "bad",
		(json_int_t)dev->bad, "lost",
		(json_int_t)lost_count(&dev->lost), "discard", dev->discard, "granted",
		dev->granted, "draining", (int)atomic_load(&dev->draining),
		"no_space", (int)atomic_load(&dev->no_space), "write_failed",
		(int)atomic_load(&dev->write_failed), "resilvered",
		(json_int_t)dev->resilvered, "legs", legs);
}

static int run_devices(struct command_call *call)
{
	json_t *list = json_array();
	struct device *dev;
	unsigned int i;

	devices_for_each(&call->pager->devices, dev, i)
		json_array_append_new(list, device_json(dev));
	call->reply = json_pack("{s:b,s:o}", "ok", 1, "devices", list);
	return 0;
}

static const char *why_not_open(int error)
{
	switch (error) {
	case -ERANGE:
		return "it has less than " LAYOUT_MIN_TEXT;
	case -ESTALE:
		return "the file is not at its path any more";
	default:
		return "can't open the device";
	}
}

static int run_add(struct command_call *call)
{
	struct device_option opt = { .nr_paths = 1 };
	struct pager *pager = call->pager;
	json_int_t size = 0;
	int discard = 0, force = 0, ret;
	struct device *dev;

	if (json_unpack(call->request, "{s:s,s?i,s?I,s?b,s?b}", "path",
			&opt.paths[0], "priority", &opt.priority, "size", &size,
			"discard", &discard, "force", &force) ||
	    size < 0)
		return fail(call, -EINVAL,
			    "add wants path, and may have priority, size, discard, force");
	opt.size = size;
	opt.discard = discard;
	if (devices_check_paths(&pager->devices, &opt))
		return fail(call, -EEXIST, "it is a device of this pager already");
	dev = device_create(&opt, 0, *call->fd, &ret);
	if (!dev)
		return fail(call, ret, why_not_open(ret));
	/* It is the device's now. */
	*call->fd = -1;
	ret = devices_add(&pager->devices, dev, pager->at.uuid, force);
	if (ret) {
		ret = fail_content(call, ret, dev->legs[0].holds,
				   "can't use the device, see the log");
		device_destroy(dev);
		return ret;
	}
	log_info("device %u: %s added", dev->number, dev->legs[0].path);
	if (pager->opts.grant)
		attach_grant(&pager->at, dev);
	status_refresh();
	call->reply = json_pack("{s:b,s:I}", "ok", 1, "device",
				(json_int_t)dev->number);
	return 0;
}

static struct device *find_device(struct command_call *call, json_int_t number)
{
	return number < 0 || number >= DEVICE_MAX ?
		       NULL :
		       devices_find(&call->pager->devices, number);
}

static int run_drain(struct command_call *call)
{
	struct device *dev;
	json_int_t number;
	int on;

	if (json_unpack(call->request, "{s:I,s:b}", "device", &number, "on",
			&on))
		return fail(call, -EINVAL, "drain wants device and on");
	dev = find_device(call, number);
	if (!dev)
		return fail(call, -ENOENT, "there is no such device");
	if (device_drain(dev, on))
		log_warn("device %u: the next pager will not know whether it drains",
			 dev->number);
	log_info("device %u: %s", dev->number,
		 on ? "draining" : "taking stores again");
	status_refresh();
	call->reply = json_pack("{s:b}", "ok", 1);
	return 0;
}

static const char *why_not_replaced(int error)
{
	switch (error) {
	case -EFBIG:
		return "it is too small for the mirror";
	case -EEXIST:
		return "it is the other leg";
	default:
		return "can't replace the failed leg";
	}
}

static const char *why_not_resilvered(int error)
{
	switch (error) {
	case -EBUSY:
		return "it is being re-silvered";
	case -ENXIO:
		return "the leg is missing, give its path";
	case -EIO:
		return "what is on the leg can't be read; its path with --force destroys it";
	case -EFBIG:
		return "the leg is too small for the mirror, give the path of another one";
	case -EROFS:
		return "the leg's superblock can't be written";
	default:
		return "no leg has failed";
	}
}

static int resilver_one(struct command_call *call, json_int_t number,
			const char *path, bool force)
{
	struct device *dev = find_device(call, number);
	char holds[CONTENT_TEXT] = "";
	int ret;

	if (!dev)
		return fail(call, -ENOENT, "there is no such device");
	if (path) {
		ret = mirror_replace(&call->pager->devices, dev, path, *call->fd,
				     force, holds);
		if (ret)
			return fail_content(call, ret, holds, why_not_replaced(ret));
		*call->fd = -1;
	}
	ret = mirror_resilver(dev);
	return ret ? fail(call, ret, why_not_resilvered(ret)) : 1;
}

static int run_resilver(struct command_call *call)
{
	const char *path = NULL;
	int force = 0, started, error;
	json_int_t number = -1;

	if (json_unpack(call->request, "{s?I,s?s,s?b}", "device", &number, "path",
			&path, "force", &force) ||
	    (path && number < 0))
		return fail(call, -EINVAL,
			    "resilver may have device, and path and force beside it");
	if (json_object_get(call->request, "device")) {
		started = resilver_one(call, number, path, force);
	} else {
		started = mirror_resilver_all(&call->pager->devices, &error);
		if (!started)
			return fail(call, error, why_not_resilvered(error));
	}
	if (started < 0)
		return started;
	call->reply = json_pack("{s:b,s:i}", "ok", 1, "started", started);
	return 0;
}

static const struct command commands[] = {
	{ "status", run_status, { "cmd" } },
	{ "devices", run_devices, { "cmd" } },
	{ "add", run_add, { "cmd", "path", "priority", "size", "discard", "force" } },
	{ "drain", run_drain, { "cmd", "device", "on" } },
	{ "resilver", run_resilver, { "cmd", "device", "path", "force" } },
};

static bool knows_members(const struct command *command, json_t *request)
{
	const char *key;
	json_t *value;
	unsigned int i;

	json_object_foreach(request, key, value) {
		for (i = 0; i < ARRAY_SIZE(command->members); i++)
			if (command->members[i] &&
			    !strcmp(command->members[i], key))
				break;
		if (i == ARRAY_SIZE(command->members))
			return false;
	}
	return true;
}

static int run(struct command_call *call)
{
	const char *name;
	unsigned int i;

	if (!json_is_object(call->request) ||
	    json_unpack(call->request, "{s:s}", "cmd", &name))
		return fail(call, -EINVAL, "no JSON object with cmd");
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		if (!knows_members(&commands[i], call->request))
			return fail(call, -EINVAL, "unknown member");
		return commands[i].fn(call);
	}
	return fail(call, -EOPNOTSUPP, "unknown command");
}

/**
 * command_run() - answer one line
 * @fd: descriptor that came with it, or -1; set to -1 if it is kept
 *
 * Return: the answer, to be freed, without a newline; NULL: no memory.
 */
char *command_run(struct pager *pager, const char *line, int *fd)
{
	struct command_call call = { .pager = pager, .fd = fd };
	const char *code;
	char *text = NULL;
	int ret;

	call.request = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	ret = run(&call);
	if (ret < 0) {
		code = strerrorname_np(-ret);
		call.reply = json_pack("{s:b,s:s,s:s}", "ok", 0, "error",
				       call.error, "errno", code ? code : "EIO");
	}
	if (call.reply)
		text = json_dumps(call.reply, JSON_COMPACT);
	json_decref(call.reply);
	json_decref(call.request);
	return text;
}
