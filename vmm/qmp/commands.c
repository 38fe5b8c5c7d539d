// SPDX-License-Identifier: GPL-2.0-only
/* The list of all tables of QMP commands, and the check of arguments. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "qmp/commands.h"

const struct qmp_table *const qmp_tables[] = {
	&qmp_session_table,
	&qmp_about_table,
	&qmp_schema_table,
	&qmp_types_table,
	&qmp_run_table,
	&qmp_threads_table,
	&qmp_qom_table,
	&qmp_balloon_table,
	&qmp_block_table,
	&qmp_adjunct_table,
	&qmp_fds_table,
	&qmp_capabilities_table,
	&qmp_migrate_table,
	&qmp_device_table,
	NULL,
};

const struct qmp_command *qmp_command_find(const char *name)
{
	const struct qmp_table *const *table;
	const struct qmp_command *command;

	for (table = qmp_tables; *table; table++)
		for (command = (*table)->commands; command->name; command++)
			if (!strcmp(command->name, name))
				return command;
	return NULL;
}

static const struct qmp_member *member_find(const struct qmp_member *member,
					    const char *name)
{
	for (; member && member->name; member++)
		if (!strcmp(member->name, name))
			return member;
	return NULL;
}

static bool type_fits(const struct qmp_member *member, const json_t *val)
{
	switch (member->type) {
	case QMP_STR:
		return json_is_string(val);
	case QMP_INT:
		return json_is_integer(val);
	case QMP_BOOL:
		return json_is_boolean(val);
	case QMP_NUMBER:
		return json_is_number(val);
	case QMP_OBJECT:
		return json_is_object(val);
	case QMP_ARRAY:
		return json_is_array(val);
	case QMP_ANY:
		return true;
	}
	return false;
}

static const char *type_name(enum qmp_type type)
{
	static const char *const names[] = {
		"string", "integer", "boolean", "number",
		"object", "array",   "any value"};

	return names[type];
}

static bool value_fits(const struct qmp_member *member, const json_t *val)
{
	const char *const *name = member->values;

	for (; name && *name; name++)
		if (!strcmp(*name, json_string_value(val)))
			return true;
	return !member->values;
}

static int member_check(const struct qmp_member *member, const json_t *val,
			char *msg, size_t size)
{
	if (!type_fits(member, val)) {
		snprintf(msg, size,
			 "Invalid parameter type for '%s', expected: %s",
			 member->name, type_name(member->type));
		return -EINVAL;
	}
	if (!value_fits(member, val)) {
		snprintf(msg, size,
			 "Parameter '%s' does not accept value '%.100s'",
			 member->name, json_string_value(val));
		return -EINVAL;
	}
	return 0;
}

int qmp_args_check(const struct qmp_command *command, json_t *args, char *msg,
		   size_t size)
{
	const struct qmp_member *member;
	const char *key;
	json_t *val;
	int ret;

	json_object_foreach(args, key, val) {
		member = member_find(command->args, key);
		if (!member && command->open)
			continue;
		if (!member) {
			snprintf(msg, size, "Parameter '%.100s' is unexpected",
				 key);
			return -EINVAL;
		}
		ret = member_check(member, val, msg, size);
		if (ret)
			return ret;
	}
	for (member = command->args; member && member->name; member++) {
		if (member->optional || json_object_get(args, member->name))
			continue;
		snprintf(msg, size, "Parameter '%s' is missing", member->name);
		return -EINVAL;
	}
	return 0;
}
