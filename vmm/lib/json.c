// SPDX-License-Identifier: GPL-2.0-only
/*
 * A JSON reader that feeds an option tree as it goes: the path of keys is kept
 * in one buffer, list elements are keys "0", "1" and so on.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "lib/json.h"
#include "lib/opts.h"

#define STRING_MAX 4096

struct reader {
	const char *start;
	const char *p;
	struct opts *opts;
	char path[OPTS_DEPTH_MAX * (OPTS_KEY_MAX + 1)];
	size_t path_len;
	unsigned int depth;
};

static int read_value(struct reader *r);

static int fail(const struct reader *r, const char *what)
{
	err("JSON: %s at offset %td of '%.40s'", what, r->p - r->start,
	    r->start);
	return -EINVAL;
}

static char peek(struct reader *r)
{
	while (isspace((unsigned char)*r->p))
		r->p++;
	return *r->p;
}

static bool take_char(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->p++;
	return true;
}

static int put_utf8(char *out, unsigned int cp)
{
	if (cp < 0x80) {
		out[0] = cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = 0xc0 | cp >> 6;
		out[1] = 0x80 | (cp & 0x3f);
		return 2;
	}
	out[0] = 0xe0 | cp >> 12;
	out[1] = 0x80 | (cp >> 6 & 0x3f);
	out[2] = 0x80 | (cp & 0x3f);
	return 3;
}

/* Behind a backslash; at most three bytes go to @out. */
static int read_escape(struct reader *r, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit;
	unsigned int cp;
	int n = 0;

	if (*r->p == 'u') {
		/* Surrogates would need a pair; no option has use for one. */
		if (strspn(r->p + 1, "0123456789abcdefABCDEF") < 4 ||
		    sscanf(r->p + 1, "%4x%n", &cp, &n) != 1 || n != 4 || !cp ||
		    (cp >= 0xd800 && cp < 0xe000))
			return fail(r, "bad \\u escape");
		r->p += 5;
		return put_utf8(out, cp);
	}
	hit = *r->p ? strchr(from, *r->p) : NULL;
	if (!hit)
		return fail(r, "bad escape");
	r->p++;
	*out = to[hit - from];
	return 1;
}

static int read_string(struct reader *r, char *buf, size_t size)
{
	size_t len = 0;
	int n;

	if (!take_char(r, '"'))
		return fail(r, "expected a string");
	while (*r->p != '"') {
		if ((unsigned char)*r->p < 0x20)
			return fail(r, "unterminated string");
		if (len + 4 > size)
			return fail(r, "string too long");
		if (*r->p == '\\') {
			r->p++;
			n = read_escape(r, buf + len);
			if (n < 0)
				return n;
			len += n;
		} else {
			buf[len++] = *r->p++;
		}
	}
	r->p++;
	buf[len] = '\0';
	return 0;
}

static int path_push(struct reader *r, const char *key, size_t *mark)
{
	size_t len = strlen(key);

	*mark = r->path_len;
	if (!len || len >= OPTS_KEY_MAX || strchr(key, '.') ||
	    r->path_len + len + 2 > sizeof(r->path))
		return fail(r, "bad key");
	if (r->path_len)
		r->path[r->path_len++] = '.';
	memcpy(r->path + r->path_len, key, len + 1);
	r->path_len += len;
	return 0;
}

static void path_pop(struct reader *r, size_t mark)
{
	r->path_len = mark;
	r->path[mark] = '\0';
}

static int read_member(struct reader *r, const char *key)
{
	size_t mark;
	int ret = path_push(r, key, &mark);

	if (ret)
		return ret;
	ret = read_value(r);
	path_pop(r, mark);
	return ret;
}

static int read_object(struct reader *r)
{
	char key[OPTS_KEY_MAX + 4];
	int ret;

	if (!take_char(r, '{'))
		return fail(r, "expected an object");
	if (take_char(r, '}'))
		return 0;
	do {
		ret = read_string(r, key, sizeof(key));
		if (ret)
			return ret;
		if (!take_char(r, ':'))
			return fail(r, "expected ':'");
		ret = read_member(r, key);
		if (ret)
			return ret;
	} while (take_char(r, ','));
	return take_char(r, '}') ? 0 : fail(r, "expected ',' or '}'");
}

static int read_list(struct reader *r)
{
	char key[16];
	unsigned int i = 0;
	int ret;

	r->p++;
	if (take_char(r, ']'))
		return 0;
	do {
		snprintf(key, sizeof(key), "%u", i++);
		ret = read_member(r, key);
		if (ret)
			return ret;
	} while (take_char(r, ','));
	return take_char(r, ']') ? 0 : fail(r, "expected ',' or ']'");
}

static int read_number(struct reader *r)
{
	char *end;
	long long val;

	errno = 0;
	val = strtoll(r->p, &end, 10);
	if (end == r->p || errno || strchr(".eE", *end))
		return fail(r, "expected a value");
	r->p = end;
	return opts_set_int(r->opts, r->path, val);
}

static int read_word(struct reader *r, const char *word, bool val)
{
	if (strncmp(r->p, word, strlen(word)))
		return fail(r, "expected a value");
	r->p += strlen(word);
	return opts_set_bool(r->opts, r->path, val);
}

static int read_text(struct reader *r)
{
	char *buf = malloc(STRING_MAX);
	int ret = -ENOMEM;

	if (buf)
		ret = read_string(r, buf, STRING_MAX);
	if (!ret)
		ret = opts_set_str(r->opts, r->path, buf);
	free(buf);
	return ret;
}

static int read_value(struct reader *r)
{
	int ret;

	switch (peek(r)) {
	case '{':
	case '[':
		if (++r->depth >= OPTS_DEPTH_MAX)
			return fail(r, "nested too deep");
		ret = *r->p == '{' ? read_object(r) : read_list(r);
		r->depth--;
		return ret;
	case '"':
		return read_text(r);
	case 't':
		return read_word(r, "true", true);
	case 'f':
		return read_word(r, "false", false);
	default:
		return read_number(r);
	}
}

int json_to_opts(struct opts **out, const char *text)
{
	struct reader r = {.start = text, .p = text};
	int ret;

	*out = NULL;
	r.opts = opts_create();
	if (!r.opts)
		return -ENOMEM;
	ret = read_object(&r);
	if (!ret && peek(&r))
		ret = fail(&r, "garbage");
	if (ret) {
		opts_destroy(r.opts);
		return ret;
	}
	*out = r.opts;
	return 0;
}
