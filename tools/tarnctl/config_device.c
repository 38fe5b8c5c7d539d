// SPDX-License-Identifier: GPL-2.0-only
/* Devices as options of tarn-pager have them: /dev/sdc,/dev/sdd,priority=10. */
#include <errno.h>
#include <string.h>

#include "config.h"

/* Cut off what comes before a comma; two stand for one. */
static char *next_item(char **rest)
{
	char *item = *rest, *from = item, *to = item;

	*rest = NULL;
	for (; from && *from; from++) {
		if (*from == ',' && *++from != ',') {
			*rest = from;
			break;
		}
		*to++ = *from;
	}
	if (item)
		*to = '\0';
	return item;
}

int config_add_device(struct config *config, enum config_kind kind, char *text,
		      unsigned int line)
{
	struct config_section *section = config_add_section(config, kind, line);
	char *item;
	int ret = section ? 0 : -ENOMEM;

	while (ret != -ENOMEM && (item = next_item(&text))) {
		char *value = *item == '/' ? NULL : strchr(item, '=');

		if (value)
			*value++ = '\0';
		ret = config_add(config, section, value ? item : "path",
				 value ? value : item, line);
	}
	return ret;
}

void config_print_device(FILE *f, const struct config_section *section)
{
	const char *before = "", *at;
	size_t i;

	for (i = 0; i < section->count; i++) {
		const struct config_pair *pair = &section->pairs[i];

		fputs(before, f);
		before = ",";
		if (strcmp(pair->key, "path"))
			fprintf(f, "%s=", pair->key);
		for (at = pair->value; *at; at++)
			fprintf(f, "%c%s", *at, *at == ',' ? "," : "");
	}
}
