// SPDX-License-Identifier: GPL-2.0-only
/* A QMP session at the end of each chardev that -mon or -qmp names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "chardev.h"
#include "error.h"
#include "lib/opts.h"
#include "qmp/limit.h"
#include "qmp/monitor.h"
#include "qmp/session.h"

struct monitor {
	struct chardev *chr;
	struct qmp_session *session;
	struct monitor *next;
};

static struct monitor *monitors;

static size_t monitor_write(void *arg, const void *buf, size_t len)
{
	struct monitor *mon = arg;

	return chardev_write(mon->chr, buf, len);
}

static size_t monitor_can_read(void *arg)
{
	struct monitor *mon = arg;

	return qmp_session_room(mon->session);
}

static void monitor_read(void *arg, const u8 *buf, size_t len)
{
	struct monitor *mon = arg;

	qmp_session_input(mon->session, buf, len);
}

static void monitor_fd(void *arg, int fd)
{
	struct monitor *mon = arg;

	qmp_session_fd(mon->session, fd);
}

static void monitor_writable(void *arg)
{
	struct monitor *mon = arg;

	qmp_session_writable(mon->session);
	chardev_accept_input(mon->chr);
}

static void monitor_event(void *arg, enum chardev_event event)
{
	struct monitor *mon = arg;

	if (event == CHARDEV_OPENED)
		qmp_session_open(mon->session);
	else
		qmp_session_close(mon->session);
}

static void monitor_wants_input(void *arg)
{
	struct monitor *mon = arg;

	chardev_accept_input(mon->chr);
}

static const struct chardev_handler monitor_handler = {
	.can_read = monitor_can_read,
	.read = monitor_read,
	.fd = monitor_fd,
	.writable = monitor_writable,
	.event = monitor_event,
};

static int add(struct vm *vm, struct chardev *chr)
{
	struct monitor *mon = calloc(1, sizeof(*mon));

	if (!mon)
		return -ENOMEM;
	mon->chr = chr;
	mon->session = qmp_session_create(vm, monitor_write,
					  monitor_wants_input, mon);
	if (!mon->session)
		goto err_free;
	mon->next = monitors;
	monitors = mon;
	if (!chardev_attach(chr, &monitor_handler, mon))
		return 0;
	monitors = mon->next;
	qmp_session_destroy(mon->session);
	free(mon);
	err("chardev '%s' is in use", chr->id);
	return -EBUSY;

err_free:
	free(mon);
	return -ENOMEM;
}

int monitor_create(struct vm *vm, struct opts *opts)
{
	static const char *const modes[] = {"control", NULL};
	const char *id;
	int mode = -1, ret;
	bool pretty = false;

	opts_ignore(opts, "id");
	if ((ret = opts_need_str(opts, "chardev", &id)) ||
	    (ret = opts_get_enum(opts, "mode", modes, &mode)) ||
	    (ret = opts_get_bool(opts, "pretty", &pretty)))
		return ret;
	if (mode < 0 || pretty)
		return opts_fail(opts, "only mode=control without pretty=on is possible");
	if (!chardev_find(id))
		return opts_fail(opts, "there is no chardev '%s'", id);
	return add(vm, chardev_find(id));
}

int monitor_create_str(struct vm *vm, const char *str)
{
	static unsigned int count;
	char id[32];
	int ret;

	snprintf(id, sizeof(id), "compat_monitor%u", count++);
	ret = chardev_create_str(vm, id, str);
	return ret ? ret : add(vm, chardev_find(id));
}

void monitor_destroy_all(void)
{
	struct monitor *mon;

	while ((mon = monitors)) {
		monitors = mon->next;
		chardev_detach(mon->chr);
		qmp_session_destroy(mon->session);
		free(mon);
	}
	qmp_limit_exit();
}
