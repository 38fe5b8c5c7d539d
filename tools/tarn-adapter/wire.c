// SPDX-License-Identifier: GPL-2.0-only
/*
 * See wire.h. A message is read by a table of its members: what is not in the table, is
 * there twice, or is of another type, is an error. Nothing in a message is nested, which
 * is seen before a library looks at it.
 */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "wire.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:@+"

enum member_kind {
	MEMBER_NAME,
	MEMBER_NUMBER,
	MEMBER_BOOL,
};

/**
 * struct member - a member of messages
 * @name: its key
 * @kind: what it is
 * @offset: where it goes
 * @may: bits of types that can have it
 * @must: bits of types that have it
 */
struct member {
	const char *name;
	enum member_kind kind;
	size_t offset;
	unsigned int may;
	unsigned int must;
};

#define BIT(type) (1u << WIRE_##type)
#define AT(field) offsetof(struct wire_message, field)

static const struct member members[] = {
	{ "guest", MEMBER_NAME, AT(guest), BIT(HELLO), BIT(HELLO) },
	{ "name", MEMBER_NAME, AT(name), BIT(HELLO), 0 },
	{ "generation", MEMBER_NUMBER, AT(generation), BIT(HELLO), 0 },
	{ "holding", MEMBER_NAME, AT(holding), BIT(HELLO), 0 },
	{ "group", MEMBER_NAME, AT(group),
	  BIT(HELLO) | BIT(GRANT) | BIT(SHARE) | BIT(REVOKE) | BIT(DESTROY),
	  BIT(GRANT) | BIT(SHARE) | BIT(REVOKE) | BIT(DESTROY) },
	{ "open", MEMBER_BOOL, AT(open), BIT(GRANT), 0 },
	{ "gen", MEMBER_NUMBER, AT(gen), BIT(ACK) | BIT(DONE), BIT(ACK) | BIT(DONE) },
	{ "queues", MEMBER_NUMBER, AT(queues), BIT(SHARE), 0 },
	{ "interrupts", MEMBER_NUMBER, AT(interrupts), BIT(SHARE), 0 },
	{ "from", MEMBER_NAME, AT(from), BIT(SHARE), 0 },
	{ "dry", MEMBER_BOOL, AT(dry), BIT(SHARE), 0 },
};

#define NR_MEMBERS (sizeof(members) / sizeof(members[0]))

static const char *const type_names[WIRE_TYPES] = {
	[WIRE_HELLO] = "hello",	    [WIRE_GRANT] = "grant",	[WIRE_ACK] = "ack",
	[WIRE_DONE] = "done",	    [WIRE_SHOW] = "show",	[WIRE_PLAN] = "plan",
	[WIRE_SHARE] = "share",	    [WIRE_REVOKE] = "revoke",	[WIRE_DESTROY] = "destroy",
	[WIRE_RESET] = "reset",	    [WIRE_EVENTS] = "events",
};

const char *wire_type_name(enum wire_type type)
{
	return type_names[type];
}

/* What a library would have to recurse for, or could be told to read for long. */
static bool is_flat(const char *text, size_t len)
{
	unsigned int depth = 0;
	bool string = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (string) {
			if (text[i] == '\\')
				i++;
			else
				string = text[i] != '"';
		} else if (text[i] == '"') {
			string = true;
		} else if (text[i] == '[' || (text[i] == '{' && depth++)) {
			return false;
		}
	}
	return depth;
}

static bool take_name(char *to, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = text ? json_string_length(value) : 0;

	if (!len || len >= WIRE_NAME_MAX || strspn(text, NAME_CHARS) != len)
		return false;
	memcpy(to, text, len + 1);
	return true;
}

static const char *take_member(struct wire_message *message, const struct member *member,
			       const json_t *value)
{
	void *to = (char *)message + member->offset;

	switch (member->kind) {
	case MEMBER_NAME:
		return take_name(to, value) ? NULL :
			"a name is at most 64 letters, digits and any of . _ - : @ +";
	case MEMBER_NUMBER:
		*(int64_t *)to = json_integer_value(value);
		return json_is_integer(value) && json_integer_value(value) >= 0 ? NULL :
			"a number is whole and not negative";
	case MEMBER_BOOL:
		*(bool *)to = json_is_true(value);
		return json_is_boolean(value) ? NULL : "a member is to be true or false";
	}
	return "a member makes no sense";
}

static const struct member *find_member(const char *key, enum wire_type type)
{
	size_t i;

	for (i = 0; i < NR_MEMBERS; i++) {
		if (!strcmp(members[i].name, key) && members[i].may & 1u << type)
			return &members[i];
	}
	return NULL;
}

static const char *take_all(struct wire_message *message, json_t *object)
{
	const char *key, *why;
	unsigned int type = 1u << message->type;
	json_t *value;
	size_t i;

	json_object_foreach(object, key, value) {
		const struct member *member = find_member(key, message->type);

		if (!strcmp(key, "type"))
			continue;
		if (!member)
			return "it has a member that its type has not";
		why = take_member(message, member, value);
		if (why)
			return why;
	}
	for (i = 0; i < NR_MEMBERS; i++) {
		if (members[i].must & type && !json_object_get(object, members[i].name))
			return "it lacks a member that its type has";
	}
	return NULL;
}

static const char *take_type(struct wire_message *message, const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "type"));
	unsigned int i;

	for (i = 0; name && i < WIRE_TYPES; i++) {
		if (!strcmp(type_names[i], name)) {
			message->type = i;
			return NULL;
		}
	}
	return name ? "its type is not known" : "it has no type";
}

int wire_parse(const char *text, size_t len, struct wire_message *message, const char **why)
{
	json_error_t error;
	json_t *object;

	*message = (struct wire_message){
		.generation = -1, .gen = -1, .queues = -1, .interrupts = -1,
	};
	*why = "it is too long";
	if (len > WIRE_MAX)
		return -EPROTO;
	*why = "it is no flat object";
	if (!is_flat(text, len))
		return -EPROTO;
	*why = "it is no JSON";
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EPROTO;
	*why = json_is_object(object) ? take_type(message, object) : "it is no object";
	if (!*why)
		*why = take_all(message, object);
	json_decref(object);
	return *why ? -EPROTO : 0;
}
