// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON values as option trees: the path of keys is kept in one buffer, list
 * elements are keys "0", "1" and so on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "lib/json.h"
#include "lib/opts.h"

struct walk {
	struct opts *opts;
	char path[OPTS_DEPTH_MAX * (OPTS_KEY_MAX + 1)];
	size_t len;
	unsigned int depth;
};

static int add_value(struct walk *w, const json_t *val);

static int add_member(struct walk *w, const char *key, const json_t *val)
{
	size_t mark = w->len, len = strlen(key);
	int ret;

	if (!len || len >= OPTS_KEY_MAX || strchr(key, '.') ||
	    w->len + len + 2 > sizeof(w->path))
		return opts_fail(w->opts, "bad key '%.80s'", key);
	if (w->len)
		w->path[w->len++] = '.';
	memcpy(w->path + w->len, key, len + 1);
	w->len += len;
	ret = add_value(w, val);
	w->len = mark;
	w->path[mark] = '\0';
	return ret;
}

static int add_object(struct walk *w, const json_t *obj)
{
	const char *key;
	json_t *val;
	int ret;

	json_object_foreach((json_t *)obj, key, val) {
		ret = add_member(w, key, val);
		if (ret)
			return ret;
	}
	return 0;
}

static int add_array(struct walk *w, const json_t *array)
{
	char key[24];
	json_t *val;
	size_t i;
	int ret;

	json_array_foreach(array, i, val) {
		snprintf(key, sizeof(key), "%zu", i);
		ret = add_member(w, key, val);
		if (ret)
			return ret;
	}
	return 0;
}

static int add_container(struct walk *w, const json_t *val)
{
	int ret;

	if (++w->depth >= OPTS_DEPTH_MAX)
		return opts_fail(w->opts, "'%.80s' is nested too deep",
				 w->path);
	ret = json_is_object(val) ? add_object(w, val) : add_array(w, val);
	w->depth--;
	return ret;
}

/* Whether the last key of @path is @key. */
static bool ends_with(const char *path, const char *key)
{
	const char *dot = strrchr(path, '.');

	return !strcmp(dot ? dot + 1 : path, key);
}

static int add_value(struct walk *w, const json_t *val)
{
	switch (json_typeof(val)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return add_container(w, val);
	case JSON_STRING:
		return opts_set_str(w->opts, w->path, json_string_value(val));
	case JSON_INTEGER:
		return opts_set_int(w->opts, w->path, json_integer_value(val));
	case JSON_TRUE:
	case JSON_FALSE:
		return opts_set_bool(w->opts, w->path, json_is_true(val));
	case JSON_NULL:
		/* The one key of which it means something: there is none. */
		if (ends_with(w->path, "backing"))
			return opts_set_str(w->opts, w->path, "");
		/* fallthrough */
	default:
		return opts_fail(w->opts,
				 "'%.80s' is neither text, an integer, a boolean nor made of those",
				 w->path);
	}
}

int json_value_to_opts(struct opts **out, const char *name, const json_t *val)
{
	struct walk w = {.opts = opts_create()};
	int ret;

	*out = NULL;
	if (!w.opts)
		return -ENOMEM;
	opts_set_name(w.opts, name);
	ret = add_object(&w, val);
	if (ret) {
		opts_destroy(w.opts);
		return ret;
	}
	*out = w.opts;
	return 0;
}

int json_to_opts(struct opts **out, const char *text)
{
	json_error_t error;
	json_t *val = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	int ret = -EINVAL;

	*out = NULL;
	if (!val)
		err("JSON: %s at offset %d of '%.40s'", error.text,
		    error.position, text);
	else if (!json_is_object(val))
		err("JSON: '%.40s' is not an object", text);
	else
		ret = json_value_to_opts(out, NULL, val);
	json_decref(val);
	return ret;
}
