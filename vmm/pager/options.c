// SPDX-License-Identifier: GPL-2.0-only
/* See options.h and tarn-pager.8. */
#include "options.h"
#include "control.h"
#include "lib/amount.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/tarn_pager.h>

#define PRIORITY_MAX 1000
#define DEPTH_DEFAULT 128
#define WAIT_DEFAULT 10
#define WAIT_MAX 3600
#define SIZE_MAX_BYTES (1ULL << (TARN_COOKIE_SLOT_BITS + PAGER_PAGE_SHIFT))

static const char help_text[] =
	"Usage: tarn-pager --pool DIR --device DEVICE... [OPTION]...\n"
	"Page the memory pool mounted at DIR to files and block devices.\n"
	"\n"
	"  --pool DIR           mount point of the pool\n"
	"  --device [path=]PATH[,priority=N][,size=SIZE][,discard=on|off]\n"
	"                       page to a block device or a file; a file that is\n"
	"                       not there is created with SIZE bytes\n"
	"  --mirror PATH,PATH[,priority=N][,size=SIZE][,discard=on|off]\n"
	"      [,degraded=on]   write to both, read from either; degraded: start\n"
	"                       with a half that may not have all that was stored\n"
	"  --queues N           threads that serve requests (default: one per\n"
	"                       CPU, at most 4)\n"
	"  --depth N            requests in flight per queue, a power of two\n"
	"                       (default 128)\n"
	"  --cpus LIST          run the queues' threads on these CPUs, as 0-3,6\n"
	"  --user USER[:GROUP]  run as this user once all is open\n"
	"  --control PATH       control socket (default: DIR.pager)\n"
	"  --wait SECONDS       for a pool or a device in use (default 10)\n"
	"  --force              use devices whatever is on them: destroys it\n"
	"  --no-grant           all reads go through the pager\n"
	"  --no-mlock           don't keep the pager itself in memory\n"
	"  --no-seccomp         don't confine system calls\n"
	"  --debug              say more\n"
	"  -h, --help, --version\n"
	"\n"
	"Devices of a higher priority are filled first, those of one priority\n"
	"in turn. SIZE is as in 64G or 1.5TiB, or in bytes. See tarn-pager(8).\n";

const char *options_help(void)
{
	return help_text;
}

__attribute__((format(printf, 2, 3))) static int fail(char *error,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, OPTIONS_ERROR, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int parse_number(const char *text, long long min, long long max,
			long long *value)
{
	char *end;

	if (!*text || *text == ' ' || *text == '+')
		return -EINVAL;
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (errno || *end)
		return -EINVAL;
	return *value < min || *value > max ? -ERANGE : 0;
}

/**
 * options_parse_size() - read an amount of memory, in bytes where it has no unit
 *
 * Return: 0, -EINVAL, or -ERANGE past what a cookie can address.
 */
int options_parse_size(const char *text, u64 *size)
{
	u64 bytes;
	int ret = amount_parse(text, 1, &bytes);

	if (ret)
		return ret;
	if (bytes > SIZE_MAX_BYTES)
		return -ERANGE;
	*size = bytes;
	return 0;
}

/* Cut the next item off *@rest: up to a comma; two commas stand for one. */
static char *next_item(char **rest)
{
	char *item = *rest, *from = item, *to = item;

	if (!item)
		return NULL;
	*rest = NULL;
	while (*from) {
		if (*from == ',') {
			if (from[1] != ',') {
				*rest = from + 1;
				break;
			}
			from++;
		}
		*to++ = *from++;
	}
	*to = '\0';
	return item;
}

static int set_path(struct device_option *dev, const char *what,
		    const char *path, unsigned int max, char *error)
{
	if (!*path)
		return fail(error, "%s: empty path", what);
	if (dev->nr_paths == max)
		return fail(error, "%s: '%s' is one path too many", what, path);
	dev->paths[dev->nr_paths] = strdup(path);
	if (!dev->paths[dev->nr_paths])
		return -ENOMEM;
	dev->nr_paths++;
	return 0;
}

static int set_switch(bool *on, const char *what, const char *key,
		      const char *value, char *error)
{
	*on = !strcmp(value, "on");
	if (!*on && strcmp(value, "off"))
		return fail(error, "%s: %s is on or off, not '%s'", what, key,
			    value);
	return 0;
}

static int set_key(struct device_option *dev, const char *what, const char *key,
		   const char *value, unsigned int max, char *error)
{
	long long number;

	if (!strcmp(key, "path"))
		return set_path(dev, what, value, max, error);
	if (!strcmp(key, "priority")) {
		if (parse_number(value, -PRIORITY_MAX, PRIORITY_MAX, &number))
			return fail(error, "%s: priority '%s' is not in %d..%d",
				    what, value, -PRIORITY_MAX, PRIORITY_MAX);
		dev->priority = number;
		return 0;
	}
	if (!strcmp(key, "size")) {
		if (options_parse_size(value, &dev->size) || !dev->size)
			return fail(error, "%s: '%s' is no size", what, value);
		return 0;
	}
	if (!strcmp(key, "discard"))
		return set_switch(&dev->discard, what, key, value, error);
	if (!strcmp(key, "degraded"))
		return set_switch(&dev->degraded, what, key, value, error);
	return fail(error, "%s: no option '%s'", what, key);
}

static int parse_device(struct options *opts, const char *what,
			const char *value, unsigned int legs, char *error)
{
	struct device_option *dev = &opts->devices[opts->nr_devices];
	char *copy, *rest, *item, *equals;
	int ret = 0;

	if (opts->nr_devices == OPTIONS_MAX_DEVICES)
		return fail(error, "more than %d devices", OPTIONS_MAX_DEVICES);
	copy = rest = strdup(value);
	if (!copy)
		return -ENOMEM;
	opts->nr_devices++;
	while (!ret && (item = next_item(&rest))) {
		/* A path is absolute or has no '=': keys are neither. */
		equals = *item == '/' ? NULL : strchr(item, '=');
		if (equals) {
			*equals = '\0';
			ret = set_key(dev, what, item, equals + 1, legs, error);
		} else {
			ret = set_path(dev, what, item, legs, error);
		}
	}
	free(copy);
	if (!ret && dev->nr_paths != legs)
		ret = fail(error, "%s needs %s", what,
			   legs == 1 ? "a path" : "two paths");
	return ret;
}

static int parse_cpus(struct options *opts, const char *value, char *error)
{
	const char *at = value;
	unsigned int first, last;
	int used;

	do {
		used = 0;
		if (*at < '0' || *at > '9' ||
		    sscanf(at, "%4u%n", &first, &used) < 1)
			return fail(error, "--cpus: '%s' is no list", value);
		at += used;
		last = first;
		if (*at == '-') {
			at++;
			if (*at < '0' || *at > '9' ||
			    sscanf(at, "%4u%n", &last, &used) < 1)
				return fail(error, "--cpus: '%s' is no list",
					    value);
			at += used;
		}
		for (; first <= last; first++) {
			if (opts->nr_cpus == OPTIONS_MAX_CPUS)
				return fail(error, "--cpus: more than %d",
					    OPTIONS_MAX_CPUS);
			opts->cpus[opts->nr_cpus++] = first;
		}
	} while (*at++ == ',');
	if (at[-1])
		return fail(error, "--cpus: '%s' is no list", value);
	return 0;
}

enum option_kind {
	OPT_STRING,
	OPT_NUMBER,
	OPT_FLAG,
	OPT_OTHER,
};

struct option_rule {
	const char *name;
	enum option_kind kind;
	size_t offset;
	long long min, max;
	bool flag;
};

#define RULE(name_, kind_, field_, ...)                                         \
	{                                                                      \
		.name = (name_), .kind = (kind_),                              \
		.offset = offsetof(struct options, field_), __VA_ARGS__        \
	}

static const struct option_rule rules[] = {
	RULE("--pool", OPT_STRING, pool),
	RULE("--user", OPT_STRING, user),
	RULE("--control", OPT_STRING, control),
	RULE("--queues", OPT_NUMBER, queues, .min = 1,
	     .max = TARN_PAGER_MAX_QUEUES),
	RULE("--depth", OPT_NUMBER, depth, .min = 16,
	     .max = TARN_PAGER_MAX_DEPTH),
	RULE("--wait", OPT_NUMBER, wait, .min = 0, .max = WAIT_MAX),
	RULE("--force", OPT_FLAG, force, .flag = true),
	RULE("--no-grant", OPT_FLAG, grant, .flag = false),
	RULE("--no-mlock", OPT_FLAG, mlock, .flag = false),
	RULE("--no-seccomp", OPT_FLAG, seccomp, .flag = false),
	RULE("--debug", OPT_FLAG, debug, .flag = true),
	RULE("--device", OPT_OTHER, devices),
	RULE("--mirror", OPT_OTHER, devices),
	RULE("--cpus", OPT_OTHER, cpus),
};

static int apply_rule(struct options *opts, const struct option_rule *rule,
		      const char *value, char *error)
{
	void *field = (char *)opts + rule->offset;
	long long number;
	char *copy;

	switch (rule->kind) {
	case OPT_FLAG:
		*(bool *)field = rule->flag;
		return 0;
	case OPT_NUMBER:
		if (parse_number(value, rule->min, rule->max, &number))
			return fail(error, "%s: '%s' is not in %lld..%lld",
				    rule->name, value, rule->min, rule->max);
		*(unsigned int *)field = number;
		return 0;
	case OPT_STRING:
		if (!*value)
			return fail(error, "%s: empty", rule->name);
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
		free(*(char **)field);
		*(char **)field = copy;
		return 0;
	case OPT_OTHER:
		break;
	}
	if (!strcmp(rule->name, "--cpus"))
		return parse_cpus(opts, value, error);
	return parse_device(opts, rule->name, value,
			    strcmp(rule->name, "--mirror") ? 1 : 2, error);
}

/* Both "--name value" and "--name=value". */
static const struct option_rule *find_rule(const char *arg, const char **value)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		len = strlen(rules[i].name);
		if (strncmp(arg, rules[i].name, len))
			continue;
		*value = arg[len] == '=' ? arg + len + 1 : NULL;
		if (!arg[len] || (*value && rules[i].kind != OPT_FLAG))
			return &rules[i];
	}
	return NULL;
}

static int check_paths(const struct options *opts, char *error)
{
	const char *seen[OPTIONS_MAX_DEVICES * 2];
	unsigned int nr = 0, i, j, k;

	for (i = 0; i < opts->nr_devices; i++) {
		for (j = 0; j < opts->devices[i].nr_paths; j++) {
			const char *path = opts->devices[i].paths[j];

			for (k = 0; k < nr; k++)
				if (!strcmp(seen[k], path))
					return fail(error, "%s is given twice",
						    path);
			seen[nr++] = path;
		}
	}
	return 0;
}

static int check(struct options *opts, char *error)
{
	size_t len;

	if (!opts->pool)
		return fail(error, "--pool is missing");
	if (!opts->nr_devices)
		return fail(error, "give at least one --device or --mirror");
	if (opts->depth & (opts->depth - 1))
		return fail(error, "--depth: %u is not a power of two",
			    opts->depth);
	len = strlen(opts->pool);
	while (len > 1 && opts->pool[len - 1] == '/')
		opts->pool[--len] = '\0';
	if (!opts->control &&
	    asprintf(&opts->control, "%s" CONTROL_SUFFIX, opts->pool) < 0)
		return -ENOMEM;
	return check_paths(opts, error);
}

/**
 * options_parse() - read the command line
 * @error: OPTIONS_ERROR bytes for a message
 *
 * Return: 0, OPTIONS_HELP, OPTIONS_VERSION, -EINVAL with a message, -ENOMEM.
 * options_free() is due in each case.
 */
int options_parse(struct options *opts, int argc, char **argv, char *error)
{
	const struct option_rule *rule;
	const char *value;
	int i, ret;

	*opts = (struct options){
		.depth = DEPTH_DEFAULT,
		.wait = WAIT_DEFAULT,
		.grant = true,
		.mlock = true,
		.seccomp = true,
	};
	*error = '\0';
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return OPTIONS_HELP;
		if (!strcmp(argv[i], "--version"))
			return OPTIONS_VERSION;
		rule = find_rule(argv[i], &value);
		if (!rule)
			return fail(error, "no option '%s'", argv[i]);
		if (rule->kind != OPT_FLAG && !value) {
			if (++i == argc)
				return fail(error, "%s needs a value",
					    rule->name);
			value = argv[i];
		}
		ret = apply_rule(opts, rule, value, error);
		if (ret)
			return ret;
	}
	return check(opts, error);
}

void options_free(struct options *opts)
{
	unsigned int i, j;

	for (i = 0; i < opts->nr_devices; i++)
		for (j = 0; j < opts->devices[i].nr_paths; j++)
			free(opts->devices[i].paths[j]);
	free(opts->pool);
	free(opts->user);
	free(opts->control);
	*opts = (struct options){};
}
