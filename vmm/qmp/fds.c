// SPDX-License-Identifier: GPL-2.0-only
/*
 * File descriptors that clients hand over for later: by a name (getfd) or in a
 * numbered set (add-fd), of which one is picked by how it may be used.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "error.h"
#include "lib/opts.h"
#include "qmp/fds.h"
#include "qmp/commands.h"
#include "qmp/internal.h"

/* A client must not be able to use up all that the process may have. */
#define FDS_MAX 64
#define FDSET "/dev/fdset/"

struct named_fd {
	int fd;
	char *name; /* of getfd; NULL in a set */
	json_int_t set;
	char *opaque; /* of add-fd, or NULL */
	LIST_ENTRY(named_fd) link;
};

static LIST_HEAD(, named_fd) fds = LIST_HEAD_INITIALIZER(fds);
static unsigned int nr_fds;

static struct named_fd *find(const char *name)
{
	struct named_fd *nf;

	LIST_FOREACH(nf, &fds, link)
		if (nf->name && !strcmp(nf->name, name))
			return nf;
	return NULL;
}

static void forget(struct named_fd *nf)
{
	LIST_REMOVE(nf, link);
	nr_fds--;
	free(nf->name);
	free(nf->opaque);
	free(nf);
}

static void drop(struct named_fd *nf)
{
	close(nf->fd);
	forget(nf);
}

/* Take @fd over, or close it. */
static struct named_fd *keep(int fd, const char *name, const char *opaque)
{
	struct named_fd *nf = nr_fds < FDS_MAX ? calloc(1, sizeof(*nf)) : NULL;

	if (!nf)
		goto err_close;
	nf->fd = fd;
	nf->name = name ? strdup(name) : NULL;
	nf->opaque = opaque ? strdup(opaque) : NULL;
	if ((name && !nf->name) || (opaque && !nf->opaque))
		goto err_free;
	LIST_INSERT_HEAD(&fds, nf, link);
	nr_fds++;
	return nf;

err_free:
	free(nf->name);
	free(nf->opaque);
	free(nf);
err_close:
	close(fd);
	err("there are %d file descriptors already; close some with closefd or remove-fd",
	    FDS_MAX);
	return NULL;
}

int qmp_fd_take(const char *name)
{
	struct named_fd *nf = find(name);
	int fd;

	if (!nf) {
		err("no file descriptor has the name '%s'; hand one over with getfd",
		    name);
		return -ENOENT;
	}
	fd = nf->fd;
	forget(nf);
	return fd;
}

/* Whether a descriptor opened with @have can be used as @want. */
static bool mode_fits(int fd, int want)
{
	int have = fcntl(fd, F_GETFL);

	if (have < 0)
		return false;
	have &= O_ACCMODE;
	return have == O_RDWR || have == (want & O_ACCMODE);
}

int qmp_fdset_open(const char *path, int flags)
{
	struct named_fd *nf;
	int fd, end = 0;
	long long set;

	if (sscanf(path, FDSET "%lld%n", &set, &end) != 1 || path[end]) {
		err("'%s' is no set of file descriptors", path);
		return -EINVAL;
	}
	LIST_FOREACH(nf, &fds, link) {
		if (nf->name || nf->set != set || !mode_fits(nf->fd, flags))
			continue;
		fd = fcntl(nf->fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? err_errno(-errno, "cannot duplicate '%s'",
					  path) : fd;
	}
	err("'%s' has no file descriptor that fits", path);
	return -ENOENT;
}

int qmp_fdset_add(struct opts *opts)
{
	u64 fd = INT_MAX, set = INT_MAX;
	const char *opaque = NULL;
	struct named_fd *nf;
	int ret;

	if ((ret = opts_get_uint(opts, "fd", INT_MAX - 1, &fd)) ||
	    (ret = opts_get_uint(opts, "set", INT_MAX - 1, &set)) ||
	    (ret = opts_get_str(opts, "opaque", &opaque)))
		return ret;
	if (fd <= STDERR_FILENO || fd == INT_MAX || set == INT_MAX)
		return opts_fail(opts, "give fd=, above %d, and set=",
				 STDERR_FILENO);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC))
		return err_errno(-errno, "cannot use descriptor %d", (int)fd);
	nf = keep(fd, NULL, opaque);
	if (!nf)
		return -EMFILE;
	nf->set = set;
	return 0;
}

int qmp_open(const char *path, int flags, mode_t mode)
{
	int fd;

	if (!strncmp(path, FDSET, strlen(FDSET)))
		return qmp_fdset_open(path, flags);
	fd = open(path, flags | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

void qmp_fds_close(void)
{
	while (!LIST_EMPTY(&fds))
		drop(LIST_FIRST(&fds));
}

/* Commands */

static const char *text_arg(json_t *args, const char *key)
{
	return json_string_value(json_object_get(args, key));
}

/* The descriptor that came along, or -1 and the answer is given. */
static int need_fd(struct qmp_call *call)
{
	int fd = qmp_call_fd(call);

	if (fd < 0)
		qmp_error(call, QMP_GENERIC,
			  "No file descriptor supplied via SCM_RIGHTS");
	return fd;
}

static void getfd(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *name = text_arg(args, "fdname");
	struct named_fd *old;
	int fd;

	/* Names that are numbers would be taken for descriptors. */
	if (*name >= '0' && *name <= '9') {
		qmp_error(call, QMP_GENERIC,
			  "Parameter 'fdname' expects a name not starting with a digit");
		return;
	}
	fd = need_fd(call);
	if (fd < 0)
		return;
	old = find(name);
	if (old)
		drop(old);
	if (keep(fd, name, NULL))
		qmp_reply(call, NULL);
	else
		qmp_fail(call, -EMFILE);
}

static void closefd(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *name = text_arg(args, "fdname");
	struct named_fd *nf = find(name);

	if (!nf) {
		qmp_error(call, QMP_GENERIC,
			  "File descriptor named '%.100s' not found", name);
		return;
	}
	drop(nf);
	qmp_reply(call, NULL);
}

static json_int_t free_set(void)
{
	struct named_fd *nf;
	json_int_t set = 0;

	LIST_FOREACH(nf, &fds, link)
		if (!nf->name && nf->set >= set && nf->set < INT_MAX)
			set = nf->set + 1;
	return set;
}

static void add_fd(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *want = json_object_get(args, "fdset-id");
	json_int_t set = want ? json_integer_value(want) : free_set();
	struct named_fd *nf;
	int fd;

	if (set < 0) {
		qmp_error(call, QMP_GENERIC, "'fdset-id' must not be negative");
		return;
	}
	fd = need_fd(call);
	if (fd < 0)
		return;
	nf = keep(fd, NULL, text_arg(args, "opaque"));
	if (!nf) {
		qmp_fail(call, -EMFILE);
		return;
	}
	nf->set = set;
	qmp_reply(call, json_pack("{sIsi}", "fdset-id", set, "fd", fd));
}

static void remove_fd(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_int_t set = json_integer_value(json_object_get(args, "fdset-id"));
	json_t *one = json_object_get(args, "fd");
	struct named_fd *nf, *next;
	bool found = false;

	for (nf = LIST_FIRST(&fds); nf; nf = next) {
		next = LIST_NEXT(nf, link);
		if (nf->name || nf->set != set ||
		    (one && json_integer_value(one) != nf->fd))
			continue;
		drop(nf);
		found = true;
	}
	if (found)
		qmp_reply(call, NULL);
	else
		qmp_error(call, QMP_GENERIC,
			  "There is no such file descriptor in a set");
}

static json_t *set_entry(json_t *list, json_int_t set)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		if (json_integer_value(json_object_get(entry, "fdset-id")) ==
		    set)
			return json_object_get(entry, "fds");
	entry = json_pack("{sIs[]}", "fdset-id", set, "fds");
	json_array_append_new(list, entry);
	return json_object_get(entry, "fds");
}

static void query_fdsets(struct vm *vm, struct qmp_call *call, json_t *args)
{
	json_t *list = json_array(), *entry;
	struct named_fd *nf;

	LIST_FOREACH(nf, &fds, link) {
		if (nf->name)
			continue;
		entry = json_pack("{si}", "fd", nf->fd);
		if (nf->opaque)
			json_object_set_new(entry, "opaque",
					    qmp_text(nf->opaque));
		json_array_append_new(set_entry(list, nf->set), entry);
	}
	qmp_reply(call, list);
}

static const struct qmp_member name_arg[] = {
	{"fdname", QMP_STR, false, NULL},
	{0},
};

static const struct qmp_command commands[] = {
	{.name = "getfd", .run = getfd, .args = name_arg},
	{.name = "closefd", .run = closefd, .args = name_arg},
	{
		.name = "add-fd",
		.run = add_fd,
		.args = (const struct qmp_member[]){
			{"fdset-id", QMP_INT, QMP_OPTIONAL, NULL},
			{"opaque", QMP_STR, QMP_OPTIONAL, NULL},
			{0},
		},
	},
	{
		.name = "remove-fd",
		.run = remove_fd,
		.args = (const struct qmp_member[]){
			{"fdset-id", QMP_INT, false, NULL},
			{"fd", QMP_INT, QMP_OPTIONAL, NULL},
			{0},
		},
	},
	{.name = "query-fdsets", .run = query_fdsets},
	{0},
};

const struct qmp_table qmp_fds_table = {.commands = commands};
