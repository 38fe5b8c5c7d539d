// SPDX-License-Identifier: GPL-2.0-only
/* See config_wish.h. */
#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_wish.h"
#include "error.h"

#define LIBVIRT "domains/"

/* As gitignore(5) has it: without a slash a pattern is about the last part. */
static bool fits(const char *pattern, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!strncmp(path, LIBVIRT, strlen(LIBVIRT)) &&
	    strncmp(pattern, LIBVIRT, strlen(LIBVIRT)))
		return false;
	if (!strchr(pattern, '/') && slash)
		path = slash + 1;
	return !fnmatch(pattern, path, FNM_PATHNAME);
}

/* "alice", "1000" or "*" */
static bool is_owner(const char *owner, uid_t uid)
{
	const struct passwd *pw;

	if (!strcmp(owner, "*"))
		return true;
	if (owner[strspn(owner, "0123456789")] == '\0')
		return strtoul(owner, NULL, 10) == uid;
	pw = getpwnam(owner);
	return pw && pw->pw_uid == uid;
}

/*
 * Users choose the names of their files, and must not choose by that what they get: a
 * section is about files of root, or of those that it names.
 */
static bool owner_fits(const struct config_section *section, uid_t uid)
{
	bool said = false;
	size_t i;

	for (i = 0; i < section->count; i++) {
		if (strcmp(section->pairs[i].key, "owner"))
			continue;
		if (is_owner(section->pairs[i].value, uid))
			return true;
		said = true;
	}
	return !said && !uid;
}

static bool section_fits(const struct config_section *section, const char *path,
			 uid_t uid)
{
	bool owner;
	size_t i;

	if (section->kind != CONFIG_PARTITION)
		return false;
	owner = owner_fits(section, uid);
	/* Those of domains are made by libvirt, for a user of its own. */
	if (!strncmp(path, LIBVIRT, strlen(LIBVIRT)) &&
	    !config_get(section, "owner"))
		owner = true;
	for (i = 0; owner && i < section->count; i++) {
		if (!strcmp(section->pairs[i].key, "name") &&
		    fits(section->pairs[i].value, path))
			return true;
	}
	return false;
}

static int add_word(struct config_wish *wish, const char *key, const char *value)
{
	if (asprintf(&wish->words[wish->count], "%s=%s", key, value) < 0)
		return err_nomem();
	wish->count++;
	return 0;
}

int config_wish(struct config_wish *wish, const struct config *config,
		const char *path, uid_t uid)
{
	static const char *const keys[] = { "weight", "min", "desired", "huge" };
	const char *values[sizeof(keys) / sizeof(keys[0])] = { 0 };
	size_t i, j;
	int any = 0, ret = 0;

	*wish = (struct config_wish){ 0 };
	for (i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];

		if (!section_fits(section, path, uid))
			continue;
		any = 1;
		for (j = 0; j < sizeof(keys) / sizeof(keys[0]); j++)
			values[j] = config_get(section, keys[j]) ?: values[j];
		wish->home = config_get(section, "home") ?: wish->home;
		wish->dispatch = config_get(section, "dispatch") ?:
					 wish->dispatch;
		wish->domain = config_get(section, "domain") ?: wish->domain;
	}
	for (j = 0; !ret && j < sizeof(keys) / sizeof(keys[0]); j++) {
		if (values[j])
			ret = add_word(wish, keys[j], values[j]);
	}
	return ret ? ret : any;
}

void config_wish_free(struct config_wish *wish)
{
	while (wish->count)
		free(wish->words[--wish->count]);
}
