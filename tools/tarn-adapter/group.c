// SPDX-License-Identifier: GPL-2.0-only
/* See group.h. Values were checked one by one when they were read; here, together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_key.h"
#include "error.h"
#include "group.h"

#define REJOIN_SECONDS 10
#define DEADLINE_SECONDS 5
#define FAULTS 32

static const char *const share_names[] = {
	[PLAN_RELATIVE] = "relative",
	[PLAN_ABSOLUTE] = "absolute",
	[PLAN_FIRST_COME] = "first-come",
};

const char *group_share_name(enum plan_share share)
{
	return share_names[share];
}

struct group *group_find(const struct group_file *file, const char *name)
{
	size_t i;

	for (i = 0; i < file->count; i++) {
		if (!strcmp(file->groups[i].name, name))
			return &file->groups[i];
	}
	return NULL;
}

static bool has_all(const struct group *group, const struct group *of)
{
	size_t i, j;

	for (i = 0; i < of->nr_namespaces; i++) {
		for (j = 0; j < group->nr_namespaces; j++) {
			if (group->namespaces[j] == of->namespaces[i])
				break;
		}
		if (j == group->nr_namespaces)
			return false;
	}
	return true;
}

bool group_has_same(const struct group *a, const struct group *b)
{
	return has_all(a, b) && has_all(b, a);
}

static uint32_t number(const struct config_section *section, const char *key, uint32_t otherwise)
{
	const char *value = config_get(section, key);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static void take_adapter(struct group_file *file, const struct config_section *section)
{
	file->vfs = number(section, "vfs", 0);
	file->keep.of[RESOURCE_QUEUES] = number(section, "primary-queues", 0);
	file->keep.of[RESOURCE_INTERRUPTS] = number(section, "primary-interrupts", 0);
	file->spare.of[RESOURCE_QUEUES] = number(section, "spare-queues", 0);
	file->spare.of[RESOURCE_INTERRUPTS] = number(section, "spare-interrupts", 0);
	file->rejoin_ms = number(section, "rejoin", REJOIN_SECONDS) * 1000LL;
	file->deadline_ms = number(section, "deadline", DEADLINE_SECONDS) * 1000LL;
	file->faults = number(section, "faults", FAULTS);
}

static void take_namespaces(struct group *group, const char *value)
{
	while (value && *value && group->nr_namespaces < GROUP_NAMESPACES) {
		char *end;

		group->namespaces[group->nr_namespaces++] = strtoul(value, &end, 10);
		value = *end ? end + 1 : end;
	}
}

static void take_text(char *to, const char *value)
{
	if (value)
		strncpy(to, value, WIRE_NAME_MAX - 1);
}

static void take_group(struct group *group, const struct config_section *section)
{
	const char *share = config_get(section, "share"), *user = config_get(section, "user");

	take_text(group->name, config_get(section, "name"));
	take_text(group->guest, config_get(section, "guest"));
	while (share && strcmp(share, share_names[group->share]))
		group->share++;
	group->weight = number(section, "weight", 1);
	group->want.of[RESOURCE_QUEUES] = number(section, "queues", 0);
	group->want.of[RESOURCE_INTERRUPTS] = number(section, "interrupts", 0);
	group->user = user ? config_uid(user) : 0;
	take_namespaces(group, config_get(section, "namespaces"));
}

/* ---- what makes no sense together ------------------------------------------------- */

static void check_share(struct config *config, struct config_section *section,
			const struct group *group)
{
	bool amount = config_get(section, "queues") || config_get(section, "interrupts");

	if (group->share == PLAN_ABSOLUTE && !config_get(section, "queues"))
		config_complain(config, section, section->line,
				"group '%s' has an absolute share and no queues=: say how many",
				group->name);
	if (group->share == PLAN_RELATIVE && amount)
		config_complain(config, section, section->line,
				"group '%s' has a relative share, and queues= or interrupts=; write share=absolute, or weight= in their place",
				group->name);
	if (group->share != PLAN_RELATIVE && config_get(section, "weight"))
		config_complain(config, section, section->line,
				"group '%s' has weight=, which is for share=relative",
				group->name);
}

/* A disk that two guests write to is none. */
static const struct group *who_else_has(const struct group_file *file,
					const struct group *group, uint32_t nsid)
{
	size_t i, j;

	for (i = 0; &file->groups[i] != group; i++) {
		for (j = 0; j < file->groups[i].nr_namespaces; j++) {
			if (file->groups[i].namespaces[j] == nsid)
				return &file->groups[i];
		}
	}
	return NULL;
}

static void check_alone(struct config *config, struct config_section *section,
			const struct group_file *file, const struct group *group)
{
	const struct group *other;
	size_t i;

	if (group_find(file, group->name) != group)
		config_complain(config, section, section->line,
				"there are two groups '%s'; give one another name", group->name);
	for (i = 0; i < group->nr_namespaces; i++) {
		other = who_else_has(file, group, group->namespaces[i]);
		if (other)
			config_complain(config, section, section->line,
					"groups '%s' and '%s' both have namespace %u; a guest would write to the other one's disk",
					other->name, group->name, group->namespaces[i]);
	}
}

static int take_all(struct group_file *file, struct config *config)
{
	size_t i;

	take_adapter(file, config_find(config, CONFIG_ADAPTER));
	file->groups = calloc(config->count + 1, sizeof(*file->groups));
	if (!file->groups)
		return err_nomem();
	for (i = 0; i < config->count; i++) {
		struct config_section *section = &config->sections[i];
		struct group *group = &file->groups[file->count];

		if (section->kind != CONFIG_GROUP || section->wrong)
			continue;
		take_group(group, section);
		file->count++;
		check_share(config, section, group);
		check_alone(config, section, file, group);
	}
	return 0;
}

int group_file_read(struct group_file *file, const char *path)
{
	struct config config;
	int ret = config_read_adapter(&config, path);

	*file = (struct group_file){ 0 };
	if (!ret)
		ret = take_all(file, &config);
	if (!ret && !file->count && !config.wrong)
		config_complain(&config, NULL, 0, "there is no [group] in it");
	if (!ret && config.wrong)
		ret = -EINVAL;
	config_free(&config);
	if (ret)
		group_file_free(file);
	return ret;
}

void group_file_free(struct group_file *file)
{
	free(file->groups);
	*file = (struct group_file){ 0 };
}
