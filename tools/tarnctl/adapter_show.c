// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl adapter list, show, group and plan: adapters, and who has what of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter_client.h"
#include "client.h"
#include "commands.h"
#include "error.h"
#include "field.h"
#include "json.h"
#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *ask(const char *name, const char *type)
{
	return adapter_client_once(name, json_pack("{s:s}", "type", type));
}

/* A text that may not be there, or be empty. */
static const char *or_none(const json_t *object, const char *key)
{
	const char *text = client_text(object, key);

	return *text ? text : "-";
}

/* ---- list ------------------------------------------------------------------------------- */

static const struct table_column list_columns[] = {
	{ .title = "ADAPTER", .left = true },
	{ .title = "VFS" },
	{ .title = "LEASED" },
	{ .title = "QUEUES" },
	{ .title = "INTERRUPTS" },
	{ .title = "FAULTS", .rank = 1 },
	{ .title = "DIVIDED", .left = true, .rank = 2 },
	{ .title = "STATE", .left = true, .whole = true },
};

static bool is_leased(const json_t *vf)
{
	return json_object_get(vf, "guest");
}

static json_int_t sum_of(const json_t *vfs, const char *key)
{
	json_int_t sum = 0;
	json_t *vf;
	size_t i;

	json_array_foreach(vfs, i, vf)
		sum += client_number(vf, key);
	return sum;
}

/* What is given to functions of what could be. */
static void add_resource(struct table *table, const json_t *answer, const char *name)
{
	const json_t *resource = json_object_get(answer, name);

	if (resource)
		table_cell(table, "%lld/%lld", sum_of(json_object_get(answer, "vfs"), name),
			   client_number(resource, "flexible") -
				   client_number(resource, "primary"));
	else
		table_cell(table, "-");
}

static const char *state_of(const json_t *answer)
{
	if (!client_flag(answer, "settled"))
		return "starting";
	if (*client_text(answer, "change"))
		return client_text(answer, "change");
	return *client_text(answer, "no_plan") ? "no plan" : "ready";
}

static void add_adapter(struct table *table, const json_t *answer)
{
	json_t *vfs = json_object_get(answer, "vfs"), *vf;
	unsigned int leased = 0;
	size_t i;

	json_array_foreach(vfs, i, vf)
		leased += is_leased(vf);
	table_cell(table, "%s", client_text(answer, "adapter"));
	table_number(table, json_array_size(vfs));
	table_number(table, leased);
	add_resource(table, answer, "queues");
	add_resource(table, answer, "interrupts");
	table_number(table, sum_of(vfs, "faults"));
	table_cell(table, "%s", client_text(answer, "divided"));
	table_cell(table, "%s", state_of(answer));
}

/* One that does not answer has said why, and others are listed all the same. */
static int gather(json_t *array)
{
	struct adapter_names names;
	int ret = adapter_names_read(&names);
	size_t i;

	for (i = 0; !ret && i < names.count; i++) {
		json_t *answer = ask(names.items[i], "show");

		if (answer)
			json_array_append_new(array, answer);
	}
	adapter_names_free(&names);
	return ret;
}

static int print_list(const json_t *array, const struct options *opts)
{
	struct table *table = table_create(list_columns, COUNT(list_columns), opts);
	json_t *answer;
	size_t i;
	int ret;

	if (!table)
		return err_nomem();
	json_array_foreach(array, i, answer)
		add_adapter(table, answer);
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

int adapter_list_main(int argc, char **argv, const struct options *opts)
{
	json_t *array;
	int ret;

	if (table_check(list_columns, COUNT(list_columns), opts))
		return EXIT_USAGE;
	array = json_array();
	ret = array ? gather(array) : err_nomem();
	if (!ret && opts->json)
		return json_print(array, JSON_INDENT(2));
	if (!ret)
		ret = print_list(array, opts);
	json_decref(array);
	return ret;
}

/* ---- show ------------------------------------------------------------------------------- */

static const struct table_column show_columns[] = {
	{ .title = "VF" },
	{ .title = "ADDRESS", .left = true, .whole = true },
	{ .title = "STATE", .left = true, .whole = true },
	{ .title = "QUEUES" },
	{ .title = "INTERRUPTS" },
	{ .title = "FAULTS", .rank = 2 },
	{ .title = "GROUP", .left = true },
	{ .title = "GUEST", .left = true },
	{ .title = "PID", .rank = 1 },
};

static int print_vfs(const json_t *vfs)
{
	struct table *table = table_create(show_columns, COUNT(show_columns), NULL);
	json_t *vf;
	size_t i;
	int ret;

	if (!table)
		return err_nomem();
	json_array_foreach(vfs, i, vf) {
		table_cell(table, "%lld", client_number(vf, "vf"));
		table_cell(table, "%s", client_text(vf, "bdf"));
		table_cell(table, "%s", client_text(vf, "state"));
		table_cell(table, "%lld", client_number(vf, "queues"));
		table_cell(table, "%lld", client_number(vf, "interrupts"));
		table_cell(table, "%lld", client_number(vf, "faults"));
		table_cell(table, "%s", or_none(vf, "group"));
		table_cell(table, "%s", or_none(vf, "guest"));
		if (is_leased(vf))
			table_cell(table, "%lld", client_number(vf, "pid"));
		else
			table_cell(table, "-");
	}
	putchar('\n');
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

static void print_resource(const json_t *answer, const char *name)
{
	const json_t *r = json_object_get(answer, name);
	json_int_t most = client_number(r, "most");

	if (!r)
		return;
	printf("  " FIELD_LABEL " %lld to give, %lld kept, ", name,
	       client_number(r, "flexible") - client_number(r, "primary"),
	       client_number(r, "primary") + client_number(r, "private"));
	if (most)
		printf("%lld at most for one\n", most);
	else
		puts("no limit for one");
}

static void print_whys(const json_t *vfs)
{
	json_t *vf;
	size_t i;

	json_array_foreach(vfs, i, vf) {
		if (json_object_get(vf, "why"))
			printf("%s: %s\n", client_text(vf, "bdf"), client_text(vf, "why"));
	}
}

static int print_show(const json_t *answer)
{
	json_t *vfs = json_object_get(answer, "vfs");
	int ret;

	printf("%s\n", client_text(answer, "adapter"));
	printf("  " FIELD_LABEL " %s\n", "divided by", client_text(answer, "divided"));
	printf("  " FIELD_LABEL " %s\n", "state", state_of(answer));
	if (*client_text(answer, "no_plan"))
		printf("  " FIELD_LABEL " %s\n", "why", client_text(answer, "no_plan"));
	print_resource(answer, "queues");
	print_resource(answer, "interrupts");
	ret = print_vfs(vfs);
	if (!ret)
		print_whys(vfs);
	return ret;
}

int adapter_show_main(int argc, char **argv, const struct options *opts)
{
	json_t *answer = ask(argv[0], "show");
	int ret;

	if (!answer)
		return -EIO;
	json_object_del(answer, "type");
	if (opts->json)
		return json_print(answer, JSON_INDENT(2));
	ret = print_show(answer);
	json_decref(answer);
	return ret;
}

/* ---- group ------------------------------------------------------------------------------ */

static const struct table_column group_columns[] = {
	{ .title = "GROUP", .left = true },
	{ .title = "SHARE", .left = true, .whole = true },
	{ .title = "WEIGHT", .rank = 1 },
	{ .title = "QUEUES" },
	{ .title = "INTERRUPTS" },
	{ .title = "NAMESPACES", .left = true },
	{ .title = "FOR", .left = true },
	{ .title = "UID", .rank = 2 },
	{ .title = "ADDRESS", .left = true, .whole = true },
	{ .title = "BARRED", .left = true },
};

static void add_namespaces(struct table *table, const json_t *array)
{
	char text[256] = "";
	size_t len = 0, i;
	json_t *nsid;

	json_array_foreach(array, i, nsid) {
		if (len < sizeof(text))
			len += snprintf(text + len, sizeof(text) - len, "%s%lld", i ? "," : "",
					json_integer_value(nsid));
	}
	table_cell(table, "%s", *text ? text : "-");
}

static void add_group(struct table *table, const json_t *group)
{
	table_cell(table, "%s", client_text(group, "group"));
	table_cell(table, "%s", client_text(group, "share"));
	if (!strcmp(client_text(group, "share"), "relative"))
		table_cell(table, "%lld", client_number(group, "weight"));
	else
		table_cell(table, "-");
	table_cell(table, "%lld", client_number(group, "queues"));
	table_cell(table, "%lld", client_number(group, "interrupts"));
	add_namespaces(table, json_object_get(group, "namespaces"));
	table_cell(table, "%s", or_none(group, "guest"));
	table_cell(table, "%lld", client_number(group, "uid"));
	table_cell(table, "%s", or_none(group, "bdf"));
	table_cell(table, "%s", or_none(group, "barred"));
}

int adapter_group_main(int argc, char **argv, const struct options *opts)
{
	json_t *answer, *group;
	struct table *table;
	size_t i;
	int ret;

	if (table_check(group_columns, COUNT(group_columns), opts))
		return EXIT_USAGE;
	answer = ask(argv[0], "show");
	if (!answer)
		return -EIO;
	if (opts->json) {
		ret = json_print(json_incref(json_object_get(answer, "groups")), JSON_INDENT(2));
		json_decref(answer);
		return ret;
	}
	table = table_create(group_columns, COUNT(group_columns), opts);
	if (table) {
		json_array_foreach(json_object_get(answer, "groups"), i, group)
			add_group(table, group);
	}
	ret = table ? table_print(table, stdout) : err_nomem();
	table_destroy(table);
	json_decref(answer);
	return ret;
}

/* ---- plan ------------------------------------------------------------------------------- */

static const struct table_column plan_columns[] = {
	{ .title = "GROUP", .left = true },
	{ .title = "SHARE", .left = true, .whole = true },
	{ .title = "QUEUES-NOW" },
	{ .title = "QUEUES" },
	{ .title = "INTERRUPTS-NOW" },
	{ .title = "INTERRUPTS" },
	{ .title = "ADDRESS", .left = true, .whole = true },
};

int adapter_print_plan(json_t *answer, const struct options *opts)
{
	static const char *const numbers[] = { "queues_now", "queues", "interrupts_now",
					       "interrupts" };
	struct table *table;
	json_t *group;
	size_t i, j;
	int ret;

	if (opts->json)
		return json_print(json_incref(json_object_get(answer, "plan")), JSON_INDENT(2));
	table = table_create(plan_columns, COUNT(plan_columns), NULL);
	if (!table)
		return err_nomem();
	json_array_foreach(json_object_get(answer, "plan"), i, group) {
		table_cell(table, "%s", client_text(group, "group"));
		table_cell(table, "%s", client_text(group, "share"));
		for (j = 0; j < COUNT(numbers); j++)
			table_cell(table, "%lld", client_number(group, numbers[j]));
		table_cell(table, "%s", or_none(group, "bdf"));
	}
	ret = table_print(table, stdout);
	table_destroy(table);
	return ret;
}

int adapter_plan_main(int argc, char **argv, const struct options *opts)
{
	json_t *answer = ask(argv[0], "plan");
	int ret;

	if (!answer)
		return -EIO;
	ret = adapter_print_plan(answer, opts);
	json_decref(answer);
	return ret;
}
