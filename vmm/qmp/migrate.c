// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving a guest to a descriptor and restoring one: the commands that managers
 * know from migration, on save/transfer.h. A guest is always stopped for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "qmp/capabilities.h"
#include "qmp/commands.h"
#include "qmp/fds.h"
#include "qmp/internal.h"
#include "qmp/monitor.h"
#include "save/transfer.h"
#include "vm.h"

#define MSEC 1000000ULL

static const char *const status_names[] = {
	[TRANSFER_NONE] = "none",
	[TRANSFER_SETUP] = "setup",
	[TRANSFER_WAITING] = "pre-switchover",
	[TRANSFER_ACTIVE] = "active",
	[TRANSFER_COMPLETED] = "completed",
	[TRANSFER_FAILED] = "failed",
	[TRANSFER_CANCELLED] = "cancelled",
};

/* Events */

static void on_status(struct vm *vm)
{
	struct transfer_info info;

	if (!qmp_capability(QMP_CAP_EVENTS))
		return;
	transfer_info(vm, &info);
	qmp_event("MIGRATION",
		  json_pack("{ss}", "status", status_names[info.status]));
	if (info.status == TRANSFER_ACTIVE && !info.incoming)
		qmp_event("MIGRATION_PASS", json_pack("{si}", "pass", 1));
}

void monitor_listen_transfer(struct vm *vm)
{
	transfer_listen(vm, on_status);
}

/* Commands */

static void answer(struct qmp_call *call, int ret)
{
	if (ret)
		qmp_fail(call, ret);
	else
		qmp_reply(call, NULL);
}

static bool is_number(const char *text)
{
	return *text >= '0' && *text <= '9';
}

/* A name that getfd gave, or a number as of the start of the program. */
static int named_fd(const char *name)
{
	return is_number(name) ? transfer_fd(name) : qmp_fd_take(name);
}

/* The one that a file is in; -1 where it cannot be opened. */
static int open_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = -1;

	if (copy)
		fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	return fd;
}

/* @dir: becomes its directory, or -1 */
static int open_target(struct vm *vm, const char *uri, int *dir)
{
	struct stat st;
	int fd, ret;

	*dir = -1;
	if (!strncmp(uri, "fd:", 3))
		return named_fd(uri + 3);
	if (strncmp(uri, "file:", 5)) {
		err("a guest cannot be saved to '%.200s': give fd:NAME of a descriptor, or file:PATH",
		    uri);
		return -EINVAL;
	}
	/* Opening it cuts it. */
	ret = stat(uri + 5, &st) ? 0 : transfer_can_save_to(vm, &st);
	if (ret)
		return ret;
	fd = qmp_open(uri + 5, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK,
		      0600);
	if (fd < 0)
		return err_errno(fd, "cannot open '%.200s'", uri + 5);
	*dir = open_directory(uri + 5);
	return fd;
}

/* How content is compressed, by the name that it has where there are many streams. */
static const char *const compressions[] = {"none", "zstd", NULL};
static unsigned int compression;

static unsigned int save_flags(void)
{
	unsigned int flags = compression ? TRANSFER_COMPRESS : 0;

	if (qmp_capability(QMP_CAP_PAUSE_BEFORE_SWITCHOVER))
		flags |= TRANSFER_WAIT;
	return flags;
}

static void migrate(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *uri = json_string_value(json_object_get(args, "uri"));
	int fd, dir, ret;

	if (json_is_true(json_object_get(args, "resume"))) {
		qmp_error(call, QMP_GENERIC,
			  "a transfer that was broken off cannot be resumed: begin a new one");
		return;
	}
	ret = transfer_can_save(vm);
	fd = ret ? ret : open_target(vm, uri, &dir);
	if (fd >= 0)
		ret = transfer_save(vm, fd, dir, save_flags());
	answer(call, fd < 0 ? fd : ret);
}

static void incoming(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *uri = json_string_value(json_object_get(args, "uri"));
	int fd;

	if (strncmp(uri, "fd:", 3) || is_number(uri + 3)) {
		answer(call, transfer_restore_from(vm, uri));
		return;
	}
	fd = qmp_fd_take(uri + 3);
	answer(call, fd < 0 ? fd : transfer_restore(vm, fd));
}

static void cancel(struct vm *vm, struct qmp_call *call, json_t *args)
{
	transfer_cancel(vm);
	qmp_reply(call, NULL);
}

static void go_on(struct vm *vm, struct qmp_call *call, json_t *args)
{
	answer(call, transfer_continue(vm));
}

static json_int_t ms(u64 ns)
{
	return ns / MSEC;
}

static json_t *memory_info(const struct transfer_info *info)
{
	const struct memory_progress *m = &info->memory;
	u64 pages = m->data_pages, ns = info->total_ns ? info->total_ns : 1;

	return json_pack(
		"{sI sI sI sI sI sI sI sI sf sI sI sI}",
		"total", (json_int_t)m->total,
		"remaining", (json_int_t)(m->total - m->done),
		"transferred", (json_int_t)info->bytes,
		"duplicate", (json_int_t)m->same_pages,
		"skipped", (json_int_t)0,
		"normal", (json_int_t)pages,
		"normal-bytes", (json_int_t)(pages << STREAM_PAGE_SHIFT),
		"dirty-pages-rate", (json_int_t)0,
		"mbps", info->bytes * 8000.0 / ns,
		"dirty-sync-count", (json_int_t)1,
		"page-size", (json_int_t)STREAM_PAGE_SIZE,
		"postcopy-requests", (json_int_t)0);
}

static void query(struct vm *vm, struct qmp_call *call, json_t *args)
{
	struct transfer_info info;
	json_t *reply;

	transfer_info(vm, &info);
	/* As if nothing had been asked for yet. */
	if (info.status == TRANSFER_NONE) {
		qmp_reply(call, NULL);
		return;
	}
	reply = json_pack("{ss sI sI}", "status", status_names[info.status],
			  "total-time", ms(info.total_ns), "setup-time",
			  ms(info.setup_ns));
	if (info.status == TRANSFER_COMPLETED && !info.incoming)
		json_object_set_new(reply, "downtime",
				    json_integer(ms(info.down_ns)));
	else if (!info.incoming)
		json_object_set_new(reply, "expected-downtime",
				    json_integer(ms(info.down_ns)));
	if (info.memory.total)
		json_object_set_new(reply, "ram", memory_info(&info));
	if (info.status == TRANSFER_FAILED)
		json_object_set_new(reply, "error-desc",
				    qmp_text(*info.error ? info.error
							 : "it failed"));
	qmp_reply(call, reply);
}

/*
 * Parameters. A guest stands still while it is saved, and what is saved goes as fast as
 * it is taken: there is nothing to set but whether it is compressed. Before a save libvirt
 * takes the limit away, by a number of bytes a second that it regards as none.
 */

#define NO_LIMIT (INT64_MAX / MIB(1) * MIB(1))

static void query_parameters(struct vm *vm, struct qmp_call *call, json_t *args)
{
	qmp_reply(call, json_pack("{sI ss}", "max-bandwidth",
				  (json_int_t)NO_LIMIT, "multifd-compression",
				  compressions[compression]));
}

static bool is_no_limit(const json_t *val)
{
	json_int_t n = json_integer_value(val);

	return json_is_integer(val) && (!n || n >= (json_int_t)NO_LIMIT);
}

/* One of them, or -1. */
static int find_compression(const json_t *val)
{
	const char *text = json_string_value(val);
	int i;

	for (i = 0; text && compressions[i]; i++)
		if (!strcmp(text, compressions[i]))
			return i;
	return -1;
}

/* Whether it can be set to that; if not it was answered. */
static bool check_parameter(struct qmp_call *call, const char *name,
			    const json_t *val)
{
	if (!strcmp(name, "multifd-compression")) {
		if (find_compression(val) >= 0)
			return true;
		qmp_error(call, QMP_GENERIC,
			  "'multifd-compression' is \"none\" or \"zstd\"");
		return false;
	}
	if (strcmp(name, "max-bandwidth")) {
		qmp_error(call, QMP_GENERIC,
			  "parameter '%.100s' cannot be set: a guest stands still while it is saved, for as long as that takes",
			  name);
		return false;
	}
	if (is_no_limit(val))
		return true;
	qmp_error(call, QMP_GENERIC,
		  "a save cannot be slowed down: 'max-bandwidth' is 0 or at least %lld, for no limit",
		  (long long)NO_LIMIT);
	return false;
}

static void set_parameters(struct vm *vm, struct qmp_call *call, json_t *args)
{
	const char *name;
	json_t *val;

	json_object_foreach(args, name, val)
		if (!check_parameter(call, name, val))
			return;
	val = json_object_get(args, "multifd-compression");
	if (val)
		compression = find_compression(val);
	qmp_reply(call, NULL);
}

static const struct qmp_command commands[] = {
	{
		.name = "migrate",
		.run = migrate,
		.args = (const struct qmp_member[]){
			{"uri", QMP_STR, false, NULL},
			{"detach", QMP_BOOL, QMP_OPTIONAL, NULL},
			{"resume", QMP_BOOL, QMP_OPTIONAL, NULL},
			{0},
		},
	},
	{
		.name = "migrate-incoming",
		.run = incoming,
		.args = (const struct qmp_member[]){
			{"uri", QMP_STR, false, NULL},
			{0},
		},
	},
	{.name = "migrate_cancel", .run = cancel},
	{
		.name = "migrate-continue",
		.run = go_on,
		.args = (const struct qmp_member[]){
			{"state", QMP_STR, false, NULL},
			{0},
		},
	},
	{.name = "query-migrate", .run = query},
	{
		.name = "query-migrate-parameters",
		.run = query_parameters,
		.no_machine = true,
	},
	{
		.name = "migrate-set-parameters",
		.run = set_parameters,
		.open = true,
	},
	{0},
};

static const struct qmp_event_type events[] = {
	{
		.name = "MIGRATION",
		.data = (const struct qmp_member[]){
			{"status", QMP_STR, false, NULL},
			{0},
		},
	},
	{
		.name = "MIGRATION_PASS",
		.data = (const struct qmp_member[]){
			{"pass", QMP_INT, false, NULL},
			{0},
		},
	},
	{0},
};

const struct qmp_table qmp_migrate_table = {
	.commands = commands,
	.events = events,
};
