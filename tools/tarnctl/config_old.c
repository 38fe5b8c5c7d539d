// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads /etc/tarn/NAME.conf as earlier versions had it, two variables of a service:
 *
 *	TARN_POOL_OPTIONS=size=60%,mode=0755
 *	TARN_PAGER_OPTIONS=--device /dev/nvme0n1,priority=10 --user tarn
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_key.h"
#include "error.h"

#define BLANKS " \t\r\n"

static int add_to(struct config *config, enum config_kind kind, const char *key,
		  const char *value, unsigned int line)
{
	struct config_section *section = config_section_of(config, kind, line);

	return section ? config_add(config, section, key, value, line) :
			 -ENOMEM;
}

/* Sizes of mount options may be bytes. */
static int add_pool_option(struct config *config, const char *key, char *value,
			   unsigned int line)
{
	char size[40];

	if (!strcmp(key, "size") &&
	    strspn(value, "0123456789") == strlen(value) && strlen(value) < 30) {
		snprintf(size, sizeof(size), "%sB", value);
		value = size;
	}
	return add_to(config, CONFIG_POOL, key, value, line);
}

static int parse_pool(struct config *config, char *text, unsigned int line)
{
	char *word;
	int ret = 0;

	while (ret != -ENOMEM && (word = strsep(&text, ","))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		ret = add_pool_option(config, word, value, line);
	}
	return ret == -ENOMEM ? ret : 0;
}

static int parse_option(struct config *config, const char *option, char *value,
			unsigned int line)
{
	if (!strcmp(option, "--device"))
		return config_add_device(config, CONFIG_DEVICE, value, line);
	if (!strcmp(option, "--mirror"))
		return config_add_device(config, CONFIG_MIRROR, value, line);
	return add_to(config, CONFIG_PAGER, option + 2, value, line);
}

static bool takes_value(const char *option)
{
	return strncmp(option, "--no-", 5) && strcmp(option, "--debug") &&
	       strcmp(option, "--force");
}

static int parse_flag(struct config *config, const char *option,
		      unsigned int line)
{
	if (!strcmp(option, "--debug"))
		return add_to(config, CONFIG_PAGER, "debug", "on", line);
	if (strcmp(option, "--force"))
		return add_to(config, CONFIG_PAGER, option + 5, "off", line);
	config_complain(config, config_section_of(config, CONFIG_PAGER, line), line,
			"--force would overwrite whatever a device holds at each start; take it away");
	return -EINVAL;
}

static int parse_pager(struct config *config, char *text, unsigned int line)
{
	char *save, *word = strtok_r(text, BLANKS, &save);
	int ret = 0;

	for (; word && ret != -ENOMEM; word = strtok_r(NULL, BLANKS, &save)) {
		char *value = strchr(word, '=');

		if (strncmp(word, "--", 2)) {
			config_complain(config, NULL, line,
					"%s is no option of tarn-pager", word);
			continue;
		}
		if (!takes_value(word)) {
			ret = parse_flag(config, word, line);
			continue;
		}
		if (value)
			*value++ = '\0';
		else
			value = strtok_r(NULL, BLANKS, &save);
		if (value)
			ret = parse_option(config, word, value, line);
		else
			config_complain(config, NULL, line, "%s wants a value",
					word);
	}
	return ret == -ENOMEM ? ret : 0;
}

static char *unquote(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len && strchr(BLANKS, text[len - 1]))
		text[--len] = '\0';
	if (len >= 2 && strchr("'\"", text[0]) && text[len - 1] == text[0]) {
		text[len - 1] = '\0';
		text++;
	}
	return text;
}

static int parse_line(struct config *config, char *text, unsigned int line)
{
	static const char pool[] = "TARN_POOL_OPTIONS=";
	static const char pager[] = "TARN_PAGER_OPTIONS=";

	text += strspn(text, BLANKS);
	if (!strncmp(text, pool, strlen(pool)))
		return parse_pool(config, unquote(text + strlen(pool)), line);
	if (!strncmp(text, pager, strlen(pager)))
		return parse_pager(config, unquote(text + strlen(pager)), line);
	return 0;
}

/* A backslash at the end of a line continues it, as in files of the environment. */
static ssize_t read_line(char **text, size_t *room, FILE *f, unsigned int *line)
{
	char *more = NULL, *joined;
	size_t more_room = 0;
	ssize_t len = getline(text, room, f), next;

	*line += len >= 0;
	while (len >= 2 && (*text)[len - 1] == '\n' && (*text)[len - 2] == '\\') {
		next = getline(&more, &more_room, f);
		if (next < 0)
			break;
		++*line;
		joined = realloc(*text, len + next + 1);
		if (!joined)
			break;
		*text = joined;
		*room = len + next + 1;
		memcpy(*text + len - 2, more, next + 1);
		len += next - 2;
	}
	free(more);
	return len;
}

int config_parse_old(struct config *config, FILE *f)
{
	unsigned int line = 0;
	char *text = NULL;
	size_t room = 0;
	int ret = 0;

	config->old = true;
	errno = 0;
	while (!ret && read_line(&text, &room, f, &line) >= 0)
		ret = parse_line(config, text, line);
	if (!ret && ferror(f))
		ret = err_errno(errno ? -errno : -EIO, "%s", config->path);
	free(text);
	return ret;
}
