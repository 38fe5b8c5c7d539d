// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys of the file of an adapter, and what each takes: tarn-adapter(8). Whether there is
 * enough of it all is for who knows the adapter to say.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config_key.h"

#define NAME_MAX_BYTES 64
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* Whether @value is a number from @min to @max, written as people do. */
static bool is_number(const char *value, unsigned long min, unsigned long max)
{
	unsigned long number;
	size_t digits = strspn(value, "0123456789");

	if (!digits || value[digits] || digits > 9)
		return false;
	number = strtoul(value, NULL, 10);
	return number >= min && number <= max;
}

static const char *check_count(const char *value)
{
	return is_number(value, 0, 65535) ? NULL : "wants a number from 0 to 65535";
}

static const char *check_some(const char *value)
{
	return is_number(value, 1, 65535) ? NULL : "wants a number from 1 to 65535";
}

static const char *check_weight(const char *value)
{
	return is_number(value, 1, 10000) ? NULL : "wants a number from 1 to 10000";
}

static const char *check_seconds(const char *value)
{
	return is_number(value, 1, 600) ? NULL : "wants seconds, from 1 to 600";
}

static const char *check_share(const char *value)
{
	return strcmp(value, "relative") && strcmp(value, "absolute") &&
	       strcmp(value, "first-come") ?
		"wants relative, absolute or first-come" : NULL;
}

static const char *check_name(const char *value)
{
	size_t len = strlen(value);

	return !len || len > NAME_MAX_BYTES || strspn(value, NAME_CHARS) != len ?
		"wants at most 64 letters, digits, '.', '_' and '-'" : NULL;
}

static const char *check_user(const char *value)
{
	return config_uid(value) >= 0 ? NULL :
		"there is no such user; give its name or number ('getent passwd' lists them)";
}

/* Numbers with commas between. */
static const char *check_namespaces(const char *value)
{
	char *copy = strdup(value), *rest = copy, *word;
	unsigned int count = 0;
	bool good = copy;

	while (good && (word = strsep(&rest, ","))) {
		good = is_number(word, 1, 999999999);
		count++;
	}
	free(copy);
	return good && count <= 16 ? NULL :
		"wants numbers of namespaces, 16 at most, as in 1 or 1,4";
}

const struct config_key config_adapter_keys[] = {
	{ "vfs", 1, check_some },
	{ "primary-queues", 1, check_count },
	{ "primary-interrupts", 1, check_count },
	{ "spare-queues", 1, check_count },
	{ "spare-interrupts", 1, check_count },
	{ "rejoin", 1, check_seconds },
	{ "deadline", 1, check_seconds },
	{ "faults", 1, check_count },
	{ 0 },
};

const struct config_key config_group_keys[] = {
	{ "name", 1, check_name },
	{ "share", 1, check_share },
	{ "weight", 1, check_weight },
	{ "queues", 1, check_some },
	{ "interrupts", 1, check_some },
	{ "guest", 1, check_name },
	{ "user", 1, check_user },
	{ "namespaces", 1, check_namespaces },
	{ 0 },
};
