// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's option syntax as a tree of values; see opts.h.
 *
 * A dictionary is a list of entries in the order given: an option has a dozen
 * keys, so a search from the front is the fastest thing there is. Text stays
 * text until a getter knows which type is wanted; native types come from
 * feeders other than the text parser.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "lib/amount.h"
#include "lib/opts.h"

enum opt_kind { OPT_STR, OPT_BOOL, OPT_INT, OPT_DICT };

struct opt {
	struct opt *next;
	char *key;
	enum opt_kind kind;
	bool used;
	union {
		char *str;
		bool flag;
		s64 num;
		struct opts *dict;
	};
};

struct opts {
	struct opt *first;
	struct opts *root;
	/* Full path with a trailing dot; "" at the root. */
	char *prefix;
	/* Only in the root: the option's name, and the last message. */
	const char *name;
	char error[256];
};

int opts_fail(struct opts *opts, const char *fmt, ...)
{
	struct opts *root = opts->root;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(root->error, sizeof(root->error), fmt, ap);
	va_end(ap);
	if (root->name)
		err("%s: %s", root->name, root->error);
	else
		err("%s", root->error);
	return -EINVAL;
}

void opts_set_name(struct opts *opts, const char *name)
{
	opts->root->name = name;
}

static struct opts *dict_create(struct opts *parent, const char *key)
{
	struct opts *opts = calloc(1, sizeof(*opts));

	if (!opts)
		return NULL;
	opts->root = parent ? parent->root : opts;
	if (!parent)
		opts->prefix = strdup("");
	else if (asprintf(&opts->prefix, "%s%s.", parent->prefix, key) < 0)
		opts->prefix = NULL;
	if (!opts->prefix) {
		free(opts);
		return NULL;
	}
	return opts;
}

struct opts *opts_create(void)
{
	return dict_create(NULL, NULL);
}

static void value_clear(struct opt *opt)
{
	if (opt->kind == OPT_STR)
		free(opt->str);
	else if (opt->kind == OPT_DICT)
		opts_destroy(opt->dict);
}

void opts_destroy(struct opts *opts)
{
	struct opt *opt, *next;

	if (!opts)
		return;
	for (opt = opts->first; opt; opt = next) {
		next = opt->next;
		value_clear(opt);
		free(opt->key);
		free(opt);
	}
	free(opts->prefix);
	free(opts);
}

const char *opts_error(const struct opts *opts)
{
	return opts ? opts->root->error : "out of memory";
}

static struct opt *opt_find(const struct opts *opts, const char *key)
{
	struct opt *opt;

	for (opt = opts->first; opt; opt = opt->next)
		if (!strcmp(opt->key, key))
			return opt;
	return NULL;
}

/* The entry of @key, made when it is not there; the value is for the caller. */
static struct opt *opt_get(struct opts *opts, const char *key)
{
	struct opt *opt = opt_find(opts, key), **tail;

	if (opt)
		return opt;
	opt = calloc(1, sizeof(*opt));
	if (!opt)
		return NULL;
	opt->key = strdup(key);
	if (!opt->key) {
		free(opt);
		return NULL;
	}
	for (tail = &opts->first; *tail; tail = &(*tail)->next)
		;
	*tail = opt;
	return opt;
}

static bool key_ok(const char *key)
{
	size_t len = strlen(key);

	if (!len || len >= OPTS_KEY_MAX)
		return false;
	for (; *key; key++)
		if (!isalnum((unsigned char)*key) && *key != '-' && *key != '_')
			return false;
	return true;
}

/* Step down one dotted component, making the dictionary on the way. */
static int dict_enter(struct opts *opts, const char *key, struct opts **sub)
{
	struct opt *opt;

	if (!key_ok(key))
		return opts_fail(opts, "invalid parameter name '%s%s'",
				 opts->prefix, key);
	opt = opt_find(opts, key);
	if (opt && opt->kind != OPT_DICT)
		return opts_fail(opts,
				 "parameters '%s%s.*' used inconsistently",
				 opts->prefix, key);
	if (!opt) {
		opt = opt_get(opts, key);
		if (!opt)
			return -ENOMEM;
		opt->dict = dict_create(opts, key);
		if (!opt->dict)
			return -ENOMEM;
		opt->kind = OPT_DICT;
	}
	*sub = opt->dict;
	return 0;
}

/* Find or make the leaf of a dotted key, emptied and ready for a value. */
static int leaf_prepare(struct opts *opts, const char *path, struct opt **leaf)
{
	char part[OPTS_KEY_MAX];
	struct opt *opt;
	const char *dot;
	int depth, ret;

	for (depth = 0; (dot = strchr(path, '.')); depth++, path = dot + 1) {
		if (depth == OPTS_DEPTH_MAX)
			return opts_fail(opts, "parameter '%s%s' is too deep",
					 opts->prefix, path);
		if ((size_t)(dot - path) >= sizeof(part))
			return opts_fail(opts, "invalid parameter name '%s%s'",
					 opts->prefix, path);
		memcpy(part, path, dot - path);
		part[dot - path] = '\0';
		ret = dict_enter(opts, part, &opts);
		if (ret)
			return ret;
	}
	if (!key_ok(path))
		return opts_fail(opts, "invalid parameter name '%s%s'",
				 opts->prefix, path);
	opt = opt_find(opts, path);
	if (opt && opt->kind == OPT_DICT)
		return opts_fail(opts,
				 "parameters '%s%s.*' used inconsistently",
				 opts->prefix, path);
	opt = opt_get(opts, path);
	if (!opt)
		return -ENOMEM;
	value_clear(opt);
	opt->kind = OPT_BOOL;
	*leaf = opt;
	return 0;
}

int opts_set_str(struct opts *opts, const char *key, const char *val)
{
	struct opt *opt;
	char *copy = strdup(val);
	int ret;

	if (!copy)
		return -ENOMEM;
	ret = leaf_prepare(opts, key, &opt);
	if (ret) {
		free(copy);
		return ret;
	}
	opt->kind = OPT_STR;
	opt->str = copy;
	return 0;
}

int opts_set_bool(struct opts *opts, const char *key, bool val)
{
	struct opt *opt;
	int ret = leaf_prepare(opts, key, &opt);

	if (!ret)
		opt->flag = val;
	return ret;
}

int opts_set_int(struct opts *opts, const char *key, s64 val)
{
	struct opt *opt;
	int ret = leaf_prepare(opts, key, &opt);

	if (!ret) {
		opt->kind = OPT_INT;
		opt->num = val;
	}
	return ret;
}

/* Take one value up to a single comma; a doubled comma becomes one. */
static const char *take_value(const char *s, char *out)
{
	while (*s) {
		if (*s == ',') {
			if (s[1] != ',')
				break;
			s++;
		}
		*out++ = *s++;
	}
	*out = '\0';
	return *s == ',' ? s + 1 : s;
}

static int set_flag(struct opts *opts, const char *word)
{
	if (!strncmp(word, "no", 2) && word[2])
		return opts_set_str(opts, word + 2, "off");
	return opts_set_str(opts, word, "on");
}

static int parse_items(struct opts *opts, const char *s, const char *implied,
		       char *buf)
{
	size_t len;
	int ret;

	for (; *s; implied = NULL) {
		len = strcspn(s, "=,");
		if (s[len] == '=') {
			char *val = buf + len + 1;

			memcpy(buf, s, len);
			buf[len] = '\0';
			s = take_value(s + len + 1, val);
			ret = opts_set_str(opts, buf, val);
		} else {
			s = take_value(s, buf);
			ret = implied ? opts_set_str(opts, implied, buf) :
					set_flag(opts, buf);
		}
		if (ret)
			return ret;
	}
	return 0;
}

int opts_parse(struct opts **out, const char *name, const char *text,
	       const char *implied)
{
	struct opts *opts = opts_create();
	char *buf = malloc(strlen(text) + 1);
	int ret = -ENOMEM;

	if (opts && buf) {
		opts->name = name;
		ret = parse_items(opts, text, implied, buf);
	}
	free(buf);
	*out = opts;
	return ret;
}

/* Follow a dotted key without making anything; @use marks the way as used. */
static struct opt *opt_walk(const struct opts *opts, const char *path, bool use)
{
	char part[OPTS_KEY_MAX];
	struct opt *opt;
	size_t len;

	for (;;) {
		len = strcspn(path, ".");
		if (len >= sizeof(part))
			return NULL;
		memcpy(part, path, len);
		part[len] = '\0';
		opt = opt_find(opts, part);
		if (!opt)
			return NULL;
		opt->used |= use;
		if (!path[len])
			return opt;
		if (opt->kind != OPT_DICT)
			return NULL;
		opts = opt->dict;
		path += len + 1;
	}
}

bool opts_has(const struct opts *opts, const char *key)
{
	return opt_walk(opts, key, false);
}

bool opts_has_dict(const struct opts *opts, const char *key)
{
	struct opt *opt = opt_walk(opts, key, false);

	return opt && opt->kind == OPT_DICT;
}

static struct opt *opt_use(struct opts *opts, const char *key)
{
	return opt_walk(opts, key, true);
}

static int opt_mismatch(struct opts *opts, const char *key, const char *want)
{
	return opts_fail(opts, "parameter '%s%s' expects %s", opts->prefix, key,
			 want);
}

int opts_get_str(struct opts *opts, const char *key, const char **val)
{
	struct opt *opt = opt_use(opts, key);

	if (!opt)
		return 0;
	if (opt->kind != OPT_STR)
		return opt_mismatch(opts, key, "a string");
	*val = opt->str;
	return 0;
}

int opts_need_str(struct opts *opts, const char *key, const char **val)
{
	int ret;

	*val = NULL;
	ret = opts_get_str(opts, key, val);
	if (ret)
		return ret;
	if (!*val || !**val)
		return opts_fail(opts, "parameter '%s%s' is missing",
				 opts->prefix, key);
	return 0;
}

static bool word_in(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

int opts_get_bool(struct opts *opts, const char *key, bool *val)
{
	static const char *const yes[] = { "on", "yes", "true", "y", NULL };
	static const char *const no[] = { "off", "no", "false", "n", NULL };
	struct opt *opt = opt_use(opts, key);

	if (!opt)
		return 0;
	if (opt->kind == OPT_BOOL) {
		*val = opt->flag;
		return 0;
	}
	if (opt->kind == OPT_STR && word_in(opt->str, yes)) {
		*val = true;
		return 0;
	}
	if (opt->kind == OPT_STR && word_in(opt->str, no)) {
		*val = false;
		return 0;
	}
	return opt_mismatch(opts, key, "'on' or 'off'");
}

/* The whole text as a number; strtoull() would take a sign and blanks. */
static int text_to_uint(const char *text, u64 *val)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*val = strtoull(text, &end, 0);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

int opts_get_uint(struct opts *opts, const char *key, u64 max,
		  u64 *val)
{
	struct opt *opt = opt_use(opts, key);
	u64 num = 0;
	int ret;

	if (!opt)
		return 0;
	if (opt->kind == OPT_INT && opt->num >= 0) {
		num = opt->num;
		ret = 0;
	} else if (opt->kind == OPT_STR) {
		ret = text_to_uint(opt->str, &num);
	} else {
		ret = -EINVAL;
	}
	if (ret == -EINVAL)
		return opt_mismatch(opts, key, "a number");
	if (ret || num > max)
		return opts_fail(opts, "parameter '%s%s' is above %llu",
				 opts->prefix, key, (unsigned long long)max);
	*val = num;
	return 0;
}

int opts_parse_size(const char *text, u64 unit, u64 *val)
{
	u64 whole;
	int ret;

	/* Hexadecimal has neither a fraction nor a suffix: B and E are digits. */
	if (strncasecmp(text, "0x", 2))
		return amount_parse(text, unit, val);
	ret = text_to_uint(text, &whole);
	if (ret)
		return ret;
	return __builtin_mul_overflow(whole, unit, val) ? -ERANGE : 0;
}

int opts_get_size(struct opts *opts, const char *key, u64 *val)
{
	struct opt *opt = opt_use(opts, key);
	int ret = -EINVAL;

	if (!opt)
		return 0;
	if (opt->kind == OPT_INT && opt->num >= 0) {
		*val = opt->num;
		return 0;
	}
	if (opt->kind == OPT_STR)
		ret = opts_parse_size(opt->str, 1, val);
	if (ret)
		return opt_mismatch(opts, key,
				    "a size, as in 64M or 1.5GiB");
	return 0;
}

int opts_get_enum(struct opts *opts, const char *key, const char *const *names,
		  int *val)
{
	struct opt *opt = opt_use(opts, key);
	int i;

	if (!opt)
		return 0;
	if (opt->kind != OPT_STR)
		return opt_mismatch(opts, key, "a word");
	for (i = 0; names[i]; i++) {
		if (!strcmp(opt->str, names[i])) {
			*val = i;
			return 0;
		}
	}
	return opts_fail(opts, "parameter '%s%s' does not accept value '%s'",
			 opts->prefix, key, opt->str);
}

int opts_get_dict(struct opts *opts, const char *key, struct opts **val)
{
	struct opt *opt = opt_use(opts, key);

	*val = NULL;
	if (!opt)
		return 0;
	if (opt->kind != OPT_DICT)
		return opt_mismatch(opts, key, "nested parameters");
	*val = opt->dict;
	return 0;
}

size_t opts_count(const struct opts *opts)
{
	struct opt *opt;
	size_t n = 0;

	for (opt = opts->first; opt; opt = opt->next)
		n++;
	return n;
}

static void use_all(struct opts *opts)
{
	struct opt *opt;

	for (opt = opts->first; opt; opt = opt->next) {
		opt->used = true;
		if (opt->kind == OPT_DICT)
			use_all(opt->dict);
	}
}

int opts_for_each(struct opts *opts,
		  int (*fn)(const char *key, struct opts *opts, void *arg),
		  void *arg)
{
	struct opt *opt;
	int ret;

	for (opt = opts->first; opt; opt = opt->next) {
		ret = fn(opt->key, opts, arg);
		if (ret)
			return ret;
	}
	return 0;
}

void opts_ignore(struct opts *opts, const char *key)
{
	struct opt *opt = opt_use(opts, key);

	if (opt && opt->kind == OPT_DICT)
		use_all(opt->dict);
}

int opts_check_used(struct opts *opts)
{
	struct opt *opt;
	int ret;

	for (opt = opts->first; opt; opt = opt->next) {
		if (!opt->used)
			return opts_fail(opts, "unknown parameter '%s%s'",
					 opts->prefix, opt->key);
		if (opt->kind == OPT_DICT) {
			ret = opts_check_used(opt->dict);
			if (ret)
				return ret;
		}
	}
	return 0;
}
