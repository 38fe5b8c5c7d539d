// SPDX-License-Identifier: GPL-2.0-only
/*
 * query-qmp-schema, query-commands and query-events, made of the tables. Types
 * without a name of their own are numbered in the order in which they come up.
 */
#include <stdio.h>

#include "qmp/commands.h"

struct schema {
	json_t *list;
	unsigned int nr;
};

static const struct {
	const char *name;
	const char *json;
} builtins[] = {
	[QMP_STR] = {"str", "string"},	   [QMP_INT] = {"int", "int"},
	[QMP_BOOL] = {"bool", "boolean"},  [QMP_NUMBER] = {"number", "number"},
	[QMP_OBJECT] = {"any", "value"},   [QMP_ARRAY] = {"[any]", NULL},
	[QMP_ANY] = {"any", NULL},
};

static void new_name(struct schema *s, char *buf, size_t size)
{
	snprintf(buf, size, "%u", s->nr++);
}

static json_t *text_list(const char *const *text)
{
	json_t *list = json_array();

	for (; text && *text; text++)
		json_array_append_new(list, json_string(*text));
	return list;
}

static void add_enum(struct schema *s, const char *name,
		     const char *const *values)
{
	json_t *members = json_array();
	const char *const *v;

	for (v = values; *v; v++)
		json_array_append_new(members, json_pack("{ss}", "name", *v));
	json_array_append_new(s->list,
			      json_pack("{sssssoso}", "name", name,
					"meta-type", "enum", "members", members,
					"values", text_list(values)));
}

static json_t *member_info(struct schema *s, const struct qmp_member *member)
{
	char name[16];
	json_t *info;

	if (member->values) {
		new_name(s, name, sizeof(name));
		add_enum(s, name, member->values);
		info = json_pack("{ssss}", "name", member->name, "type", name);
	} else {
		info = json_pack("{ssss}", "name", member->name, "type",
				 builtins[member->type].name);
	}
	if (member->optional)
		json_object_set_new(info, "default", json_null());
	return info;
}

/* Put the object type of @members in the list; its name goes to @name. */
static void add_object(struct schema *s, const struct qmp_member *members,
		       char *name, size_t size)
{
	json_t *list = json_array();

	new_name(s, name, size);
	for (; members && members->name; members++)
		json_array_append_new(list, member_info(s, members));
	json_array_append_new(s->list,
			      json_pack("{ssssso}", "name", name, "meta-type",
					"object", "members", list));
}

static void add_command(struct schema *s, const struct qmp_command *command)
{
	char args[16];
	json_t *info;

	add_object(s, command->args, args, sizeof(args));
	info = json_pack("{sssssssssb}", "name", command->name, "meta-type",
			 "command", "arg-type", args, "ret-type", "any",
			 "allow-oob", 0);
	if (command->features)
		json_object_set_new(info, "features",
				    text_list(command->features));
	json_array_append_new(s->list, info);
}

static void add_event(struct schema *s, const struct qmp_event_type *event)
{
	char data[16];

	add_object(s, event->data, data, sizeof(data));
	json_array_append_new(s->list,
			      json_pack("{ssssss}", "name", event->name,
					"meta-type", "event", "arg-type",
					data));
}

static void add_builtins(struct schema *s)
{
	static const enum qmp_type types[] = {QMP_STR, QMP_INT, QMP_BOOL,
					      QMP_NUMBER, QMP_OBJECT};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		json_array_append_new(
			s->list, json_pack("{ssssss}", "name",
					   builtins[types[i]].name, "meta-type",
					   "builtin", "json-type",
					   builtins[types[i]].json));
	json_array_append_new(s->list,
			      json_pack("{ssssss}", "name", "[any]",
					"meta-type", "array", "element-type",
					"any"));
}

static void query_schema(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const struct qmp_table *const *table;
	struct schema s = {.list = json_array()};
	const struct qmp_event_type *event;
	const struct qmp_command *command;

	add_builtins(&s);
	for (table = qmp_tables; *table; table++) {
		for (command = (*table)->commands; command->name; command++)
			add_command(&s, command);
		event = (*table)->events;
		for (; event && event->name; event++)
			add_event(&s, event);
	}
	qmp_reply(call, s.list);
}

static void query_commands(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const struct qmp_table *const *table;
	const struct qmp_command *command;
	json_t *list = json_array();

	for (table = qmp_tables; *table; table++)
		for (command = (*table)->commands; command->name; command++)
			json_array_append_new(list,
					      json_pack("{ss}", "name",
							command->name));
	qmp_reply(call, list);
}

static void query_events(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const struct qmp_table *const *table;
	const struct qmp_event_type *event;
	json_t *list = json_array();

	for (table = qmp_tables; *table; table++) {
		event = (*table)->events;
		for (; event && event->name; event++)
			json_array_append_new(list,
					      json_pack("{ss}", "name",
							event->name));
	}
	qmp_reply(call, list);
}

static const struct qmp_command commands[] = {
	{.name = "query-qmp-schema", .run = query_schema, .no_machine = true},
	{.name = "query-commands", .run = query_commands, .no_machine = true},
	{.name = "query-events", .run = query_events, .no_machine = true},
	{0},
};

const struct qmp_table qmp_schema_table = {.commands = commands};
