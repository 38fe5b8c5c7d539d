// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the file of a pool by libinih, which is handed the lines one by one: thus it
 * is known in which a pair stands, and each that is wrong can be told, not only the
 * first. Headings are looked at here, as sections of one name are several things.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "config.h"
#include "config_key.h"
#include "error.h"

#define BLANKS " \t\v\f\r\n"
#define BOM "\xef\xbb\xbf"

/**
 * struct parser - a file that is being read
 * @config: where it goes
 * @f: the file
 * @section: the last heading, NULL: none, or one that is wrong
 * @skip: pairs of a section whose heading is wrong say nothing
 * @line: number of the line that libinih has
 * @open: that line has to give a pair
 * @text: memory of getline()
 * @room: of @text
 * @ret: an errno, which ends it
 */
struct parser {
	struct config *config;
	FILE *f;
	struct config_section *section;
	bool skip;
	unsigned int line;
	bool open;
	char *text;
	size_t room;
	int ret;
};

/* No value has control characters: nothing that takes one would be right. */
static bool is_text(const char *line)
{
	for (; *line; line++) {
		if ((unsigned char)*line < ' ' && *line != '\t')
			return false;
		if (*line == 0x7f)
			return false;
	}
	return true;
}

static bool is_single(enum config_kind kind)
{
	return kind == CONFIG_POOL || kind == CONFIG_PINS ||
	       kind == CONFIG_PAGER || kind == CONFIG_ADAPTER;
}

static void begin_section(struct parser *p, const char *name)
{
	enum config_kind kind = config_kind_find(p->config->about, name);
	const struct config_section *before;
	char near[128];

	p->section = NULL;
	p->skip = true;
	if (kind == CONFIG_KINDS) {
		config_complain(p->config, NULL, p->line,
				"there is no section [%.40s]; %s", name,
				config_kind_suggest(p->config->about, name, near,
						    sizeof(near)));
		return;
	}
	before = is_single(kind) ? config_find(p->config, kind) : NULL;
	if (before) {
		config_complain(p->config, NULL, p->line,
				"[%s] begins in line %u already; put all of it there",
				config_kind_name(kind), before->line);
		return;
	}
	p->section = config_add_section(p->config, kind, p->line);
	p->skip = false;
	if (!p->section)
		p->ret = -ENOMEM;
}

/* "[device]", and a comment at most behind it. */
static void take_heading(struct parser *p, char *text)
{
	char *name = text + 1 + strspn(text + 1, BLANKS);
	char *end = strchr(text, ']');
	const char *rest = end ? end + 1 + strspn(end + 1, BLANKS) : "";
	size_t len;

	if (!end || (*rest && *rest != ';' && *rest != '#')) {
		p->section = NULL;
		p->skip = true;
		config_complain(p->config, NULL, p->line,
				"a heading is a word in brackets, as in [device], and nothing else");
		return;
	}
	*end = '\0';
	len = strlen(name);
	while (len && strchr(BLANKS, name[len - 1]))
		name[--len] = '\0';
	begin_section(p, name);
}

/* A line that libinih got gave no pair. */
static void end_line(struct parser *p)
{
	if (p->open)
		config_complain(p->config, p->section, p->line,
				"is no KEY=VALUE, no [heading] and no comment, which begins with #");
	p->open = false;
}

/* Return: the next line that is text, without blanks at its ends, or NULL. */
static char *read_line(struct parser *p)
{
	ssize_t len;
	char *text;

	for (;;) {
		errno = 0;
		len = getline(&p->text, &p->room, p->f);
		if (len < 0) {
			if (!feof(p->f))
				p->ret = errno ? -errno : -EIO;
			return NULL;
		}
		text = p->text;
		if (!p->line++ && !strncmp(text, BOM, strlen(BOM))) {
			text += strlen(BOM);
			len -= strlen(BOM);
		}
		while (len && strchr(BLANKS, text[len - 1]) && text[len - 1])
			text[--len] = '\0';
		if (strlen(text) == (size_t)len && is_text(text))
			return text + strspn(text, BLANKS);
		config_complain(p->config, p->section, p->line,
				"has characters that are no text; write the line anew");
	}
}

/* As fgets(), for libinih. */
static char *next_line(char *buf, int room, void *arg)
{
	struct parser *p = arg;
	char *text;

	end_line(p);
	while (!p->ret && (text = read_line(p))) {
		if (!*text || *text == '#' || *text == ';')
			continue;
		if (*text == '[') {
			take_heading(p, text);
			continue;
		}
		/* It adds a newline, and wants to see the end of the line. */
		if (strlen(text) + 3 <= (size_t)room) {
			p->open = true;
			return strcpy(buf, text);
		}
		config_complain(p->config, p->section, p->line,
				"is too long: a line has %d bytes at most",
				room - 3);
	}
	return NULL;
}

static int take_pair(void *arg, const char *unused, const char *key,
		     const char *value)
{
	struct parser *p = arg;

	p->open = false;
	if (p->section) {
		if (config_add(p->config, p->section, key, value, p->line) ==
		    -ENOMEM)
			p->ret = -ENOMEM;
	} else if (!p->skip) {
		config_complain(p->config, NULL, p->line,
				"stands before any heading; put [%s] above it",
				p->config->about == CONFIG_OF_POOL ? "pool" : "adapter");
	}
	return 1;
}

int config_parse(struct config *config, FILE *f)
{
	struct parser p = { .config = config, .f = f };
	int ret = ini_parse_stream(next_line, &p, take_pair, &p);

	if (!p.ret)
		end_line(&p);
	free(p.text);
	if (ret == -2)
		return err_nomem();
	if (p.ret && p.ret != -ENOMEM)
		err_errno(p.ret, "%s", config->path);
	return p.ret;
}
