// SPDX-License-Identifier: GPL-2.0-only
/*
 * See config_key.h. Values are checked as far as that can be done without the pool:
 * a file is checked before it is mounted, and on another machine.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <linux/tarn_pager.h>

#include "area.h"
#include "config_key.h"
#include "home.h"
#include "home_mark.h"
#include "huge.h"
#include "placement.h"
#include "sharing.h"
#include "size.h"
#include "suggest.h"

#define READAHEAD_MAX 256
#define PRIORITY_MAX 1000
#define NODES_MAX 1024
#define DEVICE_SIZE_MIN (8ULL << 20)
/* What the pager can name in a cookie. */
#define DEVICE_SIZE_MAX (1ULL << (TARN_COOKIE_SLOT_BITS + TARN_PAGE_SHIFT))

/* ---- values ------------------------------------------------------------------- */

/* "0" is the only number that means the same in all units. */
static bool is_bare(const char *value)
{
	size_t len = strlen(value);

	return strspn(value, "0123456789.") == len && strcmp(value, "0");
}

int config_amount(const char *value, uint64_t whole, uint64_t *pages)
{
	return is_bare(value) ? -EINVAL : size_parse_pages(value, whole, pages);
}

static const char *check_amount(const char *value)
{
	uint64_t pages;
	/* A thousand pages stand for any pool. */
	int ret = config_amount(value, 1000, &pages);

	if (!ret && (!strchr(value, '%') || pages <= 1000))
		return NULL;
	if (is_bare(value))
		return "a number needs a unit, as in 64M, or % for a part of the pool";
	return "wants a size of whole pages of 4 KiB, as in 64M, or a part of the pool, as in 2%";
}

static const char *check_readahead(const char *value)
{
	uint64_t pages;

	if (!config_amount(value, 0, &pages) && pages <= READAHEAD_MAX)
		return NULL;
	return "wants a size from 0 to 1M of whole pages of 4 KiB, as in 128K";
}

/* As mount options have it: whole parts of the host's memory; zero is no pool. */
static int size_bytes(const char *word, bool zero, char *buf, size_t room)
{
	size_t digits = strspn(word, "0123456789");
	uint64_t bytes;

	if (digits && digits <= 3 && !strcmp(word + digits, "%"))
		return strtoul(word, NULL, 10) > 100 ? -EINVAL :
		       snprintf(buf, room, "%s", word);
	if (!strcmp(word, "0"))
		bytes = 0;
	else if (size_parse_bytes(word, &bytes))
		return -EINVAL;
	if (!bytes && !zero)
		return -EINVAL;
	return snprintf(buf, room, "%llu", (unsigned long long)bytes);
}

static const char *check_size(const char *value)
{
	char buf[32];

	return size_bytes(value, false, buf, sizeof(buf)) > 0 &&
	       strcmp(value, "0%") ? NULL :
		"wants a size with a unit, as in 8G, or a whole part of the host's memory, as in 60%";
}

static int print_sizes(FILE *f, char *sizes)
{
	char buf[32], *word;
	size_t count = 0;

	while ((word = strsep(&sizes, ":"))) {
		if (size_bytes(word, true, buf, sizeof(buf)) < 0 ||
		    ++count > NODES_MAX)
			return -EINVAL;
		fprintf(f, "%s%s", count > 1 ? ":" : "", buf);
	}
	return 0;
}

char *config_mount_size(const char *value)
{
	char *copy = strdup(value), *text = NULL;
	size_t size;
	FILE *f = copy ? open_memstream(&text, &size) : NULL;
	int ret = f ? print_sizes(f, copy) : -ENOMEM;

	if (f && fclose(f))
		ret = -ENOMEM;
	free(copy);
	if (!ret)
		return text;
	free(text);
	return NULL;
}

static const char *check_nodes(const char *value)
{
	char *text = config_mount_size(value);
	bool good = text && strspn(text, "0:%") != strlen(text);

	free(text);
	return good ? NULL :
		"wants a size for each NUMA node from node 0 on, with colons between, as in 8G:8G or 0:16G";
}

static const char *check_device_size(const char *value)
{
	uint64_t bytes;

	if (!size_parse_bytes(value, &bytes) && bytes >= DEVICE_SIZE_MIN &&
	    bytes <= DEVICE_SIZE_MAX)
		return NULL;
	return "wants a size with a unit, from 8M to 4P, as in 64G";
}

static const char *check_mode(const char *value)
{
	size_t len = strlen(value);

	if (len && len <= 5 && strspn(value, "01234567") == len &&
	    strtoul(value, NULL, 8) <= 07777)
		return NULL;
	return "wants permissions in octal digits, as in 0755";
}

/* A number, or -1. */
static long parse_number(const char *value, long min, long max)
{
	char *end;
	long number;

	if ((value[0] < '0' || value[0] > '9') && value[0] != '-')
		return LONG_MIN;
	errno = 0;
	number = strtol(value, &end, 10);
	return errno || end == value || *end || number < min || number > max ?
		       LONG_MIN : number;
}

long config_uid(const char *value)
{
	long number = parse_number(value, 0, UINT_MAX - 1L);
	const struct passwd *entry;

	if (number >= 0)
		return number;
	entry = getpwnam(value);
	return entry ? (long)entry->pw_uid : -1;
}

long config_gid(const char *value)
{
	long number = parse_number(value, 0, UINT_MAX - 1L);
	const struct group *entry;

	if (number >= 0)
		return number;
	entry = getgrnam(value);
	return entry ? (long)entry->gr_gid : -1;
}

static const char *check_uid(const char *value)
{
	return config_uid(value) >= 0 ? NULL :
		"there is no such user; give its name or number ('getent passwd' lists them)";
}

static const char *check_gid(const char *value)
{
	return config_gid(value) >= 0 ? NULL :
		"there is no such group; give its name or number ('getent group' lists them)";
}

/* USER or USER:GROUP, which a host where the pager does not run may lack. */
static const char *check_user(const char *value)
{
	size_t len = strlen(value), colon = strcspn(value, ":");

	if (colon && colon + 1 != len && !strpbrk(value, " \t,") &&
	    !strchr(value + colon + (colon < len), ':'))
		return NULL;
	return "wants the name of a user, or USER:GROUP";
}

static const char *check_paging(const char *value)
{
	return !strcmp(value, "pager") || !strcmp(value, "none") ? NULL :
		"wants pager or none";
}

static const char *check_huge(const char *value)
{
	uint32_t huge;

	return huge_find(value, &huge) ? "wants auto, never, advise or always" :
					 NULL;
}

int config_share(const char *value)
{
	double share;
	char *end;

	if (!strcmp(value, "0"))
		return 0;
	if (value[0] < '0' || value[0] > '9' || strpbrk(value, "xX"))
		return -EINVAL;
	share = strtod(value, &end);
	if (strcmp(end, "%") || !(share >= 0 && share <= 100))
		return -EINVAL;
	/* Little is not nothing. */
	if (share > 0 && share < 0.1)
		return 1;
	return share * 10 + 0.5;
}

static const char *check_share(const char *value)
{
	return config_share(value) < 0 ?
		"wants a share of one processor, from 0 to 100%, as in 2% or 0.5%" :
		NULL;
}

static const char *check_placement(const char *value)
{
	__u32 i;

	for (i = 0; i < TARN_PLACEMENTS; i++) {
		if (!strcmp(value, placement_name(i)))
			return NULL;
	}
	return "wants class, density or refault";
}

static const char *check_policy(const char *value)
{
	return pin_policy_find(value) < 0 ? "wants critical, always or never" :
					    NULL;
}

static const char *check_switch(const char *value)
{
	return strcmp(value, "on") && strcmp(value, "off") ? "wants on or off" :
							     NULL;
}

static const char *check_queues(const char *value)
{
	return parse_number(value, 1, 64) < 0 ? "wants a number from 1 to 64" :
						NULL;
}

static const char *check_depth(const char *value)
{
	long depth = parse_number(value, 16, 4096);

	return depth < 0 || depth & (depth - 1) ?
		"wants a power of two from 16 to 4096" : NULL;
}

static const char *check_wait(const char *value)
{
	return parse_number(value, 0, 3600) < 0 ?
		"wants seconds, from 0 to 3600" : NULL;
}

static const char *check_cpus(const char *value)
{
	return strspn(value, "0123456789,-") == strlen(value) &&
	       value[0] >= '0' && value[0] <= '9' ? NULL :
		"wants numbers of processors, as in 0-3,6";
}

static const char *check_priority(const char *value)
{
	return parse_number(value, -PRIORITY_MAX, PRIORITY_MAX) == LONG_MIN ?
		"wants a number from -1000 to 1000" : NULL;
}

static const char *check_path(const char *value)
{
	size_t len = strlen(value);

	if (value[0] != '/')
		return "wants a path from the root, as in /dev/disk/by-id/...";
	return value[len - 1] == '/' || len >= PATH_MAX ?
		"is no path of a file or block device" : NULL;
}

static const char *check_weight(const char *value)
{
	return parse_number(value, 1, TARN_WEIGHT_MAX) < 0 ?
		"wants a number from 1 to 10000" : NULL;
}

/* Pools have no names that begin or end so. */
static const char *check_owner(const char *value)
{
	return !*value || strpbrk(value, " \t/:,") ?
		"wants a user, by name or number, or * for any" : NULL;
}

static const char *check_pattern(const char *value)
{
	return value[0] == '/' || value[strlen(value) - 1] == '/' ?
		"wants a name in the pool, or a pattern of * and ?, as in web-*" :
		NULL;
}

/* NODE or NODE=AMOUNT */
static bool is_home(char *word)
{
	char *amount = strchr(word, '=');

	if (amount)
		*amount++ = '\0';
	return parse_number(word, 0, NODE_MAX) >= 0 &&
	       (!amount || (strcmp(amount, "0") && !check_amount(amount)));
}

static const char *check_home(const char *value)
{
	char *copy = strdup(value), *rest = copy, *word;
	bool good = copy;

	if (!strcmp(value, "none") || !strcmp(value, "auto"))
		rest = NULL;
	while (good && (word = strsep(&rest, ",")))
		good = is_home(word);
	free(copy);
	return good ? NULL :
		"wants none, auto, or numbers of NUMA nodes, as in 0,1 or 0=4G,1=2G";
}

static const char *check_dispatch(const char *value)
{
	enum home_dispatch dispatch;

	return home_dispatch_parse(value, &dispatch) ?
		"wants soft, strict, off or default" : NULL;
}

static const char *check_domain(const char *value)
{
	return sharing_is_name(value) ? NULL :
		"wants none, or a name of at most 31 letters, digits and signs";
}

/* ---- tables ------------------------------------------------------------------- */

static const struct config_key pool_keys[] = {
	{ "size", 1, check_size },	  { "nodes", 1, check_nodes },
	{ "mode", 1, check_mode },	  { "uid", 1, check_uid },
	{ "gid", 1, check_gid },	  { "paging", 1, check_paging },
	{ "huge", 1, check_huge },	  { "low", 1, check_amount },
	{ "high", 1, check_amount },	  { "readahead", 1, check_readahead },
	{ "scan", 1, check_share },	  { "promote", 1, check_share },
	{ "placement", 1, check_placement },
	{ 0 },
};

static const struct config_key pins_keys[] = {
	{ "cpu", 1, check_policy },	    { "clock", 1, check_policy },
	{ "steal", 1, check_policy },	    { "async-fault", 1, check_policy },
	{ "eoi", 1, check_policy },	    { "ring", 1, check_policy },
	{ "dma", 1, check_policy },	    { "metrics", 1, check_policy },
	{ "tables", 1, check_policy },	    { "other", 1, check_policy },
	{ 0 },
};

static const struct config_key pager_keys[] = {
	{ "user", 1, check_user },	{ "queues", 1, check_queues },
	{ "depth", 1, check_depth },	{ "cpus", 1, check_cpus },
	{ "wait", 1, check_wait },	{ "control", 1, check_path },
	{ "grant", 1, check_switch },	{ "mlock", 1, check_switch },
	{ "seccomp", 1, check_switch }, { "debug", 1, check_switch },
	{ 0 },
};

static const struct config_key device_keys[] = {
	{ "path", 1, check_path },
	{ "priority", 1, check_priority },
	{ "size", 1, check_device_size },
	{ "discard", 1, check_switch },
	{ 0 },
};

static const struct config_key mirror_keys[] = {
	{ "path", 2, check_path },
	{ "priority", 1, check_priority },
	{ "size", 1, check_device_size },
	{ "discard", 1, check_switch },
	{ "degraded", 1, check_switch },
	{ 0 },
};

static const struct config_key partition_keys[] = {
	{ "name", UINT_MAX, check_pattern },
	{ "owner", UINT_MAX, check_owner },
	{ "weight", 1, check_weight },
	{ "min", 1, check_amount },
	{ "desired", 1, check_amount },
	{ "huge", 1, check_huge },
	{ "home", 1, check_home },
	{ "dispatch", 1, check_dispatch },
	{ "domain", 1, check_domain },
	{ 0 },
};

static const struct {
	const char *name;
	const struct config_key *keys;
	enum config_about about;
} kinds[CONFIG_KINDS] = {
	[CONFIG_POOL] = { "pool", pool_keys },
	[CONFIG_PINS] = { "pins", pins_keys },
	[CONFIG_PAGER] = { "pager", pager_keys },
	[CONFIG_DEVICE] = { "device", device_keys },
	[CONFIG_MIRROR] = { "mirror", mirror_keys },
	[CONFIG_PARTITION] = { "partition", partition_keys },
	[CONFIG_ADAPTER] = { "adapter", config_adapter_keys, CONFIG_OF_ADAPTER },
	[CONFIG_GROUP] = { "group", config_group_keys, CONFIG_OF_ADAPTER },
};

const char *config_kind_name(enum config_kind kind)
{
	return kinds[kind].name;
}

enum config_kind config_kind_find(enum config_about about, const char *name)
{
	unsigned int i;

	for (i = 0; i < CONFIG_KINDS; i++) {
		if (kinds[i].about == about && !strcasecmp(kinds[i].name, name))
			break;
	}
	return i;
}

const struct config_key *config_key_find(enum config_kind kind, const char *name)
{
	const struct config_key *key;

	for (key = kinds[kind].keys; key->name; key++) {
		if (!strcasecmp(key->name, name))
			return key;
	}
	return NULL;
}

static const char *in_other_section(enum config_kind kind, const char *name)
{
	unsigned int i;

	for (i = 0; i < CONFIG_KINDS; i++) {
		if (i != kind && kinds[i].about == kinds[kind].about &&
		    config_key_find(i, name))
			return kinds[i].name;
	}
	return NULL;
}

const char *config_key_suggest(enum config_kind kind, const char *name,
			       char *buf, size_t size)
{
	const struct config_key *key;
	const char *near, *other;
	struct suggest s;
	size_t len = 0;

	suggest_begin(&s, name);
	for (key = kinds[kind].keys; key->name; key++)
		suggest_offer(&s, key->name);
	near = suggest_end(&s);
	other = in_other_section(kind, name);
	if (other) {
		snprintf(buf, size, "it belongs in [%s]", other);
		return buf;
	}
	if (near) {
		snprintf(buf, size, "did you mean '%s'?", near);
		return buf;
	}
	len = snprintf(buf, size, "there is");
	for (key = kinds[kind].keys; key->name && len < size; key++)
		len += snprintf(buf + len, size - len, "%s %s",
				key == kinds[kind].keys ? "" : ",", key->name);
	return buf;
}

const char *config_kind_suggest(enum config_about about, const char *name,
				char *buf, size_t size)
{
	const char *near;
	struct suggest s;
	unsigned int i;

	suggest_begin(&s, name);
	for (i = 0; i < CONFIG_KINDS; i++) {
		if (kinds[i].about == about)
			suggest_offer(&s, kinds[i].name);
	}
	near = suggest_end(&s);
	if (near)
		snprintf(buf, size, "did you mean [%s]?", near);
	else if (about == CONFIG_OF_ADAPTER)
		snprintf(buf, size, "there is [adapter] and [group]");
	else
		snprintf(buf, size,
			 "there is [pool], [pins], [pager], [device], [mirror] and [partition]");
	return buf;
}
