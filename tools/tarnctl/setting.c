// SPDX-License-Identifier: GPL-2.0-only
/* Parser of KEY=VALUE words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "setting.h"
#include "size.h"
#include "suggest.h"

#define KEY_CHARS "abcdefghijklmnopqrstuvwxyz_-"

bool setting_is(const char *word)
{
	size_t len = strspn(word, KEY_CHARS);

	return len && word[len] == '=';
}

static int unknown_key(const struct setting *table, const char *cmd,
		       const char *word)
{
	char key[32], keys[128] = "";
	struct suggest s;
	const char *near;
	size_t len = 0;

	snprintf(key, sizeof(key), "%.*s", (int)strcspn(word, "="), word);
	suggest_begin(&s, key);
	for (; table->key && !table->instead; table++) {
		suggest_offer(&s, table->key);
		if (len < sizeof(keys))
			len += snprintf(keys + len, sizeof(keys) - len,
					"%s%s", len ? ", " : "", table->key);
	}
	near = suggest_end(&s);
	if (near)
		err("%s: unknown setting '%s', did you mean '%s'?", cmd, key,
		    near);
	else
		err("%s: unknown setting '%s', there is %s", cmd, key, keys);
	return -EINVAL;
}

static int parse_one(struct setting *table, const char *cmd, const char *word)
{
	size_t len = strcspn(word, "=");
	struct setting *s;

	if (!setting_is(word)) {
		err("%s: '%s' is no setting of the form KEY=VALUE", cmd, word);
		return -EINVAL;
	}
	for (s = table; s->key; s++) {
		if (strlen(s->key) == len && !strncmp(s->key, word, len))
			break;
	}
	if (!s->key)
		return unknown_key(table, cmd, word);
	if (s->instead) {
		err("%s: '%s' is not set so, but by %s", cmd, s->key,
		    s->instead);
		return -EINVAL;
	}
	if (s->value) {
		err("%s: '%s' is given twice", cmd, s->key);
		return -EINVAL;
	}
	s->value = word + len + 1;
	if (!*s->value) {
		err("%s: '%s=' has no value", cmd, s->key);
		return -EINVAL;
	}
	return 0;
}

int settings_parse(struct setting *table, const char *cmd, int argc,
		   char **argv)
{
	int i, ret;

	for (i = 0; i < argc; i++) {
		ret = parse_one(table, cmd, argv[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int setting_number(const struct setting *setting, uint64_t min, uint64_t max,
		   uint64_t *val)
{
	char *end;

	errno = 0;
	*val = strtoull(setting->value, &end, 10);
	if (!errno && setting->value[0] >= '0' && setting->value[0] <= '9' &&
	    !*end && *val >= min && *val <= max)
		return 0;
	err("%s=%s: wants a number from %llu to %llu", setting->key,
	    setting->value, (unsigned long long)min, (unsigned long long)max);
	return -EINVAL;
}

int setting_pages(const struct setting *setting, uint64_t whole, uint64_t *val)
{
	int ret = size_parse_pages(setting->value, whole, val);

	if (ret)
		err("%s=%s: wants pages (4096), a size of whole pages (16M) or a part of the pool (2%%)",
		    setting->key, setting->value);
	return ret;
}
