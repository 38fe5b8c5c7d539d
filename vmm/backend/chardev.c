// SPDX-License-Identifier: GPL-2.0-only
/*
 * Character devices by their id, and the joint between a front end and its
 * backend; see chardev.h. What a backend does is in chardev-*.c.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/chardev-fd.h"
#include "error.h"
#include "lib/opts.h"
#include "loop.h"
#include "vm.h"
#include "wait.h"

static struct chardev *chardevs;

/* null: takes everything, says nothing */

static size_t null_write(struct chardev *chr, const void *buf, size_t len)
{
	return len;
}

static void null_accept_input(struct chardev *chr)
{
}

static void null_destroy(struct chardev *chr)
{
	free(chr);
}

static const struct chardev_ops null_ops = {
	.name = "null",
	.write = null_write,
	.accept_input = null_accept_input,
	.destroy = null_destroy,
};

static int chr_null_create(struct vm *vm, struct opts *opts,
			   struct chardev **out)
{
	struct chardev *chr = calloc(1, sizeof(*chr));

	if (!chr)
		return -ENOMEM;
	chr->ops = &null_ops;
	chr->loop = vm->loop;
	chr->open = true;
	*out = chr;
	return 0;
}

static const struct chr_type types[] = {
	{"stdio", chr_stdio_create},   {"pty", chr_pty_create},
	{"file", chr_file_create},     {"socket", chr_socket_create},
	{"null", chr_null_create},
};

static const struct chr_type *type_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

struct chardev *chardev_find(const char *id)
{
	struct chardev *chr;

	for (chr = chardevs; chr; chr = chr->next)
		if (!strcmp(chr->id, id))
			return chr;
	return NULL;
}

static void chr_free(struct chardev *chr)
{
	char *id = chr->id, *path = chr->path;

	chr->handler = NULL;
	chr->ops->destroy(chr);
	free(id);
	free(path);
}

static int add(struct vm *vm, struct opts *opts, const struct chr_type *type,
	       const char *id)
{
	struct chardev *chr, **tail;
	int ret;

	if (chardev_find(id))
		return opts_fail(opts, "duplicate id '%s'", id);
	/* A pipe or socket that breaks is an error code, not the end. */
	signal(SIGPIPE, SIG_IGN);
	ret = type->create(vm, opts, &chr);
	if (ret)
		return ret;
	ret = -ENOMEM;
	chr->id = strdup(id);
	if (!chr->id)
		goto err_free;
	ret = opts_check_used(opts);
	if (ret)
		goto err_free;
	if (!strcmp(type->name, "pty"))
		fprintf(stderr, "char device redirected to %s (label %s)\n",
			chr->path, id);
	for (tail = &chardevs; *tail; tail = &(*tail)->next)
		;
	*tail = chr;
	return 0;

err_free:
	chr_free(chr);
	return ret;
}

int chardev_create(struct vm *vm, struct opts *opts)
{
	const struct chr_type *type;
	const char *name, *id;
	int ret;

	if ((ret = opts_need_str(opts, "backend", &name)) ||
	    (ret = opts_need_str(opts, "id", &id)))
		return ret;
	type = type_find(name);
	if (!type)
		return opts_fail(opts, "'%s' is not a backend (stdio, pty, "
				 "file, socket, null)", name);
	return add(vm, opts, type, id);
}

/* "file:PATH" and "unix:PATH,server=on" as the options they stand for. */
static int parse_shorthand(const char *str, const char **type,
			   struct opts **opts)
{
	static const struct {
		const char *prefix;
		const char *type;
	} paths[] = {
		{"file:", "file"},
		{"unix:", "socket"},
	};
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		len = strlen(paths[i].prefix);
		if (strncmp(str, paths[i].prefix, len))
			continue;
		*type = paths[i].type;
		return opts_parse(opts, str, str + len, "path");
	}
	*type = strcmp(str, "none") ? str : "null";
	return opts_parse(opts, str, "", NULL);
}

int chardev_create_str(struct vm *vm, const char *id, const char *str)
{
	const struct chr_type *type;
	struct opts *opts = NULL;
	const char *name;
	int ret;

	ret = parse_shorthand(str, &name, &opts);
	if (ret)
		goto out;
	type = type_find(name);
	ret = type ? add(vm, opts, type, id) :
		     opts_fail(opts, "this is not a character device");
out:
	opts_destroy(opts);
	return ret;
}

void chardev_for_each(void (*fn)(struct chardev *chr, void *arg), void *arg)
{
	struct chardev *chr;

	for (chr = chardevs; chr; chr = chr->next)
		fn(chr, arg);
}

int chardev_attach(struct chardev *chr, const struct chardev_handler *handler,
		   void *arg)
{
	if (chr->handler)
		return -EBUSY;
	chr->handler = handler;
	chr->arg = arg;
	if (chr->open && handler->event)
		handler->event(arg, CHARDEV_OPENED);
	chr->ops->accept_input(chr);
	return 0;
}

void chardev_detach(struct chardev *chr)
{
	chr->handler = NULL;
	chr->arg = NULL;
}

static void leave(void *arg)
{
	struct chardev *chr = arg;

	if (chr->ops->leave)
		chr->ops->leave(chr);
}

static void enter(void *arg)
{
	struct chardev *chr = arg;

	if (chr->ops->enter)
		chr->ops->enter(chr);
}

/* The VM's lock stands for the main loop's thread. */
static void call(struct vm *vm, struct chardev *chr, void (*fn)(void *arg))
{
	if (chr->loop == vm->loop) {
		fn(chr);
		return;
	}
	wait_begin(WAIT_PAGES);
	loop_call(chr->loop, fn, chr);
	wait_end();
}

void chardev_move(struct vm *vm, struct chardev *chr, struct loop *loop)
{
	call(vm, chr, leave);
	chr->loop = loop;
	call(vm, chr, enter);
}

size_t chardev_write(struct chardev *chr, const void *buf, size_t len)
{
	return chr->ops->write(chr, buf, len);
}

void chardev_accept_input(struct chardev *chr)
{
	chr->ops->accept_input(chr);
}

void chardev_destroy_all(void)
{
	struct chardev *chr;

	while ((chr = chardevs)) {
		chardevs = chr->next;
		chr_free(chr);
	}
}
