// SPDX-License-Identifier: GPL-2.0-only
/* The switches of saving and moving a guest: see capabilities.h. */
#include <errno.h>
#include <string.h>

#include "qmp/capabilities.h"
#include "qmp/commands.h"

static const char *const names[QMP_NR_CAPS] = {
	[QMP_CAP_EVENTS] = "events",
	[QMP_CAP_PAUSE_BEFORE_SWITCHOVER] = "pause-before-switchover",
};

static bool enabled[QMP_NR_CAPS];

bool qmp_capability(enum qmp_capability cap)
{
	return enabled[cap];
}

static void query(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < QMP_NR_CAPS; i++)
		json_array_append_new(list,
				      json_pack("{sssb}", "capability",
						names[i], "state",
						enabled[i]));
	qmp_reply(call, list);
}

static int find(const char *name)
{
	int i;

	for (i = 0; name && i < QMP_NR_CAPS; i++)
		if (!strcmp(names[i], name))
			return i;
	return -ENOENT;
}

/* All are looked at before the first is switched. */
static void set(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_object_get(args, "capabilities"), *entry, *state;
	bool wanted[QMP_NR_CAPS];
	const char *name;
	size_t i;
	int cap;

	memcpy(wanted, enabled, sizeof(wanted));
	json_array_foreach(list, i, entry) {
		name = json_string_value(json_object_get(entry, "capability"));
		state = json_object_get(entry, "state");
		cap = find(name);
		if (!name || !json_is_boolean(state)) {
			qmp_error(call, QMP_GENERIC,
				  "each of 'capabilities' needs 'capability', a string, and 'state', a boolean");
			return;
		}
		if (cap < 0) {
			qmp_error(call, QMP_GENERIC,
				  "there is no capability '%.100s'", name);
			return;
		}
		wanted[cap] = json_is_true(state);
	}
	memcpy(enabled, wanted, sizeof(wanted));
	qmp_reply(call, NULL);
}

static const struct qmp_command commands[] = {
	{
		.name = "query-migrate-capabilities",
		.run = query,
		.no_machine = true,
	},
	{
		.name = "migrate-set-capabilities",
		.run = set,
		.args = (const struct qmp_member[]){
			{"capabilities", QMP_ARRAY, false, NULL},
			{0},
		},
	},
	{0},
};

const struct qmp_table qmp_capabilities_table = {.commands = commands};
