// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-pager: the paging service of one pool.
 *
 * All is set up in the order of the table below, then the main thread looks
 * after signals, the control socket and the status report, once a second or
 * when poked, while the queues serve. There is no orderly end: whatever ends
 * this process, the module keeps what is in flight for the next one.
 */
#include "pager.h"
#include "control.h"
#include "discard.h"
#include "log.h"
#include "notify.h"
#include "resilver.h"
#include "security.h"
#include "status.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#ifndef TARN_VERSION
#define TARN_VERSION "unknown"
#endif

#define TICK_MS 1000
#define START_TRIES 1000

static int signal_fd = -1;

static int init_signals(struct pager *pager)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signal_fd < 0 ? -errno : 0;
}

static int init_protection(struct pager *pager)
{
	return security_protect(pager->opts.mlock);
}

static int init_devices(struct pager *pager)
{
	return devices_open(&pager->devices, &pager->opts);
}

static int init_attachment(struct pager *pager)
{
	return attach_open(&pager->at, &pager->opts);
}

struct stored_walk {
	struct devices *devices;
	u64 stored[DEVICE_MAX];
};

static int count_stored(void *arg, u64 cookie)
{
	struct stored_walk *walk = arg;

	walk->stored[cookie_device(cookie)]++;
	return 0;
}

static int take_stored(void *arg, u64 cookie)
{
	struct stored_walk *walk = arg;
	int ret = devices_take(walk->devices, cookie);

	if (ret == -EEXIST)
		log_err("two pages are stored as %#llx",
			(unsigned long long)cookie);
	else if (ret)
		log_err("a page is stored as %#llx, past the end of device %u",
			(unsigned long long)cookie, cookie_device(cookie));
	return ret;
}

static int rebuild_slots(struct pager *pager)
{
	struct stored_walk walk = { .devices = &pager->devices };

	devices_reset(&pager->devices);
	return attach_list_stored(&pager->at, take_stored, &walk);
}

/* Numbers first, as what is stored tells which devices must be there. */
static int init_slots(struct pager *pager)
{
	struct stored_walk walk = { .devices = &pager->devices };
	int ret;

	ret = attach_list_stored(&pager->at, count_stored, &walk);
	if (!ret)
		ret = devices_identify(&pager->devices, pager->at.uuid,
				       walk.stored, pager->opts.force);
	if (!ret)
		ret = rebuild_slots(pager);
	if (!ret)
		ret = devices_stamp(&pager->devices);
	return ret;
}

static int init_window(struct pager *pager)
{
	return attach_map_window(&pager->at);
}

static int init_queues(struct pager *pager)
{
	return queues_create(&pager->queues, &pager->at, &pager->devices,
			     &pager->opts);
}

static int init_threads(struct pager *pager)
{
	int ret = resilver_start(&pager->devices);

	return ret ? ret : discard_start(&pager->devices);
}

static int init_status(struct pager *pager)
{
	return status_init(&pager->at, &pager->devices);
}

/* A page whose copy was given up while we asked makes the answer worthless. */
static int start_patiently(struct pager *pager)
{
	unsigned int tries = START_TRIES;
	int ret;

	while ((ret = attach_start(&pager->at)) == -EAGAIN && --tries) {
		ret = rebuild_slots(pager);
		if (ret)
			return ret;
	}
	if (ret)
		log_err("can't start: %s", strerror(-ret));
	return ret;
}

static int init_start(struct pager *pager)
{
	struct device *dev;
	unsigned int i;
	int ret = start_patiently(pager);

	if (ret)
		return ret;
	/* The queues still wait: nothing is being written. */
	devices_for_each(&pager->devices, dev, i)
		if (dev->discard && !dev->slots.used)
			discard_all(dev);
	if (pager->opts.grant)
		devices_for_each(&pager->devices, dev, i)
			attach_grant(&pager->at, dev);
	status_refresh();
	return 0;
}

static int init_privileges(struct pager *pager)
{
	int ret = pager->opts.user ? security_drop(pager->opts.user) : 0;

	if (!ret && pager->opts.seccomp)
		ret = security_confine();
	return ret;
}

static int init_service(struct pager *pager)
{
	queues_go(pager->at.queues);
	log_info("serving %s on %u queues of %u", pager->opts.pool,
		 pager->at.queues, pager->at.depth);
	notify("READY=1");
	return 0;
}

static const struct {
	const char *name;
	int (*init)(struct pager *pager);
} steps[] = {
	{ "signals", init_signals },
	{ "protection", init_protection },
	{ "devices", init_devices },
	{ "pool", init_attachment },
	{ "slots", init_slots },
	{ "status", init_status },
	{ "control socket", control_init },
	{ "frame window", init_window },
	{ "queues", init_queues },
	{ "threads", init_threads },
	{ "start", init_start },
	{ "privileges", init_privileges },
	{ "service", init_service },
};

static void handle_signal(struct pager *pager)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		log_info("SIGHUP: re-silvering %u mirrors",
			 control_resilver_all(pager));
		return;
	}
	log_info("%s: ending", strsignal(info.ssi_signo));
	notify("STOPPING=1");
	_exit(EXIT_SUCCESS);
}

static void loop_turn(struct pager *pager)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = status_fd(), .events = POLLIN },
		{ .fd = control_listen_fd(), .events = POLLIN },
		{ .fd = control_client_fd(), .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), TICK_MS) < 0)
		return;
	if (fds[0].revents)
		handle_signal(pager);
	if (fds[2].revents)
		control_accept();
	if (fds[3].revents)
		control_serve();
	status_refresh();
}

static int parse(struct options *opts, int argc, char **argv)
{
	char error[OPTIONS_ERROR];
	int ret = options_parse(opts, argc, argv, error);

	if (ret == OPTIONS_HELP)
		fputs(options_help(), stdout);
	else if (ret == OPTIONS_VERSION)
		puts("tarn-pager " TARN_VERSION);
	else if (ret == -EINVAL)
		log_err("%s; try --help", error);
	else if (ret)
		log_err("%s", strerror(-ret));
	return ret;
}

int main(int argc, char **argv)
{
	static struct pager pager;
	unsigned int i;
	int ret;

	log_init(false);
	ret = parse(&pager.opts, argc, argv);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	log_init(pager.opts.debug);
	notify_init();
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		ret = steps[i].init(&pager);
		if (ret) {
			log_err("no start: %s: %s", steps[i].name,
				strerror(-ret));
			return EXIT_FAILURE;
		}
	}
	for (;;)
		loop_turn(&pager);
}
