// SPDX-License-Identifier: GPL-2.0-only
/* The memory balloon: its target, and the guest's statistics. */
#include <string.h>

#include "qmp/balloon.h"
#include "qmp/commands.h"
#include "qmp/limit.h"
#include "virtio/balloon.h"
#include "vm.h"

#define INTERVAL_MAX 86400

static void no_balloon(struct qmp_call *call)
{
	qmp_error(call, QMP_DEVICE_NOT_ACTIVE,
		  "No balloon device has been activated");
}

static void on_change(u64 actual, void *arg)
{
	qmp_event_limited("BALLOON_CHANGE", "",
			  json_pack("{sI}", "actual", (json_int_t)actual));
}

void qmp_balloon_listen(void)
{
	balloon_set_listener(on_change, NULL);
}

/* Properties */

bool qmp_balloon_has(const char *name)
{
	return !strcmp(name, QMP_BALLOON_STATS) ||
	       !strcmp(name, QMP_BALLOON_INTERVAL);
}

static json_t *stats(const struct balloon_info *info)
{
	static const char *const names[VIRTIO_BALLOON_S_NR] = {
		[VIRTIO_BALLOON_S_SWAP_IN] = "stat-swap-in",
		[VIRTIO_BALLOON_S_SWAP_OUT] = "stat-swap-out",
		[VIRTIO_BALLOON_S_MAJFLT] = "stat-major-faults",
		[VIRTIO_BALLOON_S_MINFLT] = "stat-minor-faults",
		[VIRTIO_BALLOON_S_MEMFREE] = "stat-free-memory",
		[VIRTIO_BALLOON_S_MEMTOT] = "stat-total-memory",
		[VIRTIO_BALLOON_S_AVAIL] = "stat-available-memory",
		[VIRTIO_BALLOON_S_CACHES] = "stat-disk-caches",
		[VIRTIO_BALLOON_S_HTLB_PGALLOC] = "stat-htlb-pgalloc",
		[VIRTIO_BALLOON_S_HTLB_PGFAIL] = "stat-htlb-pgfail",
	};
	json_t *list = json_object();
	unsigned int i;

	/* What the guest did not tell is all ones, which reads as -1. */
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i])
			json_object_set_new(list, names[i],
					    json_integer(info->stats[i]));
	return json_pack("{sosI}", "stats", list, "last-update",
			 (json_int_t)info->updated);
}

void qmp_balloon_get(struct qmp_call *call, const char *name)
{
	struct balloon_info info;

	if (balloon_get(&info))
		no_balloon(call);
	else if (!strcmp(name, QMP_BALLOON_INTERVAL))
		qmp_reply(call, json_integer(info.interval));
	else
		qmp_reply(call, stats(&info));
}

void qmp_balloon_set(struct qmp_call *call, const char *name,
		     const json_t *value)
{
	json_int_t seconds = json_integer_value(value);

	if (strcmp(name, QMP_BALLOON_INTERVAL)) {
		qmp_error(call, QMP_GENERIC, "Property '%s' is read-only",
			  name);
		return;
	}
	if (!json_is_integer(value) || seconds < 0 || seconds > INTERVAL_MAX) {
		qmp_error(call, QMP_GENERIC,
			  "'%s' is a number of seconds from 0 to %d", name,
			  INTERVAL_MAX);
		return;
	}
	if (balloon_set_interval(seconds))
		no_balloon(call);
	else
		qmp_reply(call, NULL);
}

/* Commands */

static void balloon(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_int_t value = json_integer_value(json_object_get(args, "value"));

	if (value <= 0)
		qmp_error(call, QMP_GENERIC,
			  "'value' must be a size in bytes above 0");
	else if (balloon_set_target(value))
		no_balloon(call);
	else
		qmp_reply(call, NULL);
}

static void query_balloon(struct vm *vm, struct qmp_call *call, json_t *args)
{
	struct balloon_info info;

	if (balloon_get(&info))
		no_balloon(call);
	else
		qmp_reply(call, json_pack("{sI}", "actual",
					  (json_int_t)info.actual));
}

static void query_memory_size(struct vm *vm, struct qmp_call *call,
			      json_t *args)
{
	qmp_reply(call, json_pack("{sIsI}", "base-memory",
				  (json_int_t)vm->mem.size, "plugged-memory",
				  (json_int_t)0));
}

static const struct qmp_command commands[] = {
	{
		.name = "balloon",
		.run = balloon,
		.args = (const struct qmp_member[]){
			{"value", QMP_INT, false, NULL},
			{0},
		},
	},
	{.name = "query-balloon", .run = query_balloon},
	{.name = "query-memory-size-summary", .run = query_memory_size},
	{0},
};

static const struct qmp_event_type events[] = {
	{
		"BALLOON_CHANGE",
		(const struct qmp_member[]){
			{"actual", QMP_INT, false, NULL},
			{0},
		},
	},
	{0},
};

const struct qmp_table qmp_balloon_table = {
	.commands = commands,
	.events = events,
};
