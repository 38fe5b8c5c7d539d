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
#include "mirror.h"
#include "notify.h"
#include "resilver.h"
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

static int init_user(struct pager *pager)
{
	int ret = 0;

	if (pager->opts.user)
		ret = security_find_user(pager->opts.user, &pager->user);
	return ret == -EINVAL ? EXIT_USAGE : ret;
}

/*
 * What is given for a device is none, one of another kind or size, or one that was given
 * before. A device that is not there is another matter: it may come.
 */
static bool is_wrong_device(int error)
{
	return error == -ENOTBLK || error == -EOPNOTSUPP || error == -EFBIG ||
	       error == -EINVAL || error == -ERANGE || error == -EEXIST;
}

static int init_devices(struct pager *pager)
{
	int ret = devices_open(&pager->devices, &pager->opts);

	return is_wrong_device(ret) ? EXIT_USAGE : ret;
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

/* One disk under two names, which only its superblock tells. */
static int given_twice(int ret)
{
	return ret == -EEXIST ? EXIT_USAGE : ret;
}

/* Numbers first, as what is stored tells which devices must be there. */
static int init_slots(struct pager *pager)
{
	struct stored_walk walk = { .devices = &pager->devices };
	int ret;

	ret = attach_list_stored(&pager->at, count_stored, &walk);
	if (!ret)
		ret = given_twice(devices_identify(&pager->devices, pager->at.uuid,
						   walk.stored, pager->opts.force));
	if (!ret)
		ret = rebuild_slots(pager);
	if (!ret)
		ret = given_twice(devices_stamp(&pager->devices));
	return ret;
}

static int init_window(struct pager *pager)
{
	int ret = security_lock_later(pager->opts.mlock, false);

	if (!ret)
		ret = attach_map_window(&pager->at);
	if (!ret)
		ret = security_lock_later(pager->opts.mlock, true);
	return ret;
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

/* A copy that was given up while we asked, or before: then it was not listed. */
static void forget_dropped(void *arg, u64 cookie)
{
	struct device *dev = devices_of_cookie(arg, cookie);

	if (dev)
		device_free(dev, cookie_slot(cookie), 1);
}

/* Each further turn finds a million copies less: it comes to an end. */
static int start_patiently(struct pager *pager)
{
	int ret;

	while ((ret = attach_start(&pager->at, forget_dropped,
				   &pager->devices)) == -EAGAIN) {
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
	int ret = pager->opts.user ? security_drop(&pager->user) : 0;

	if (!ret && pager->opts.seccomp)
		ret = security_confine();
	return ret;
}

static int init_service(struct pager *pager)
{
	devices_keep_created(&pager->devices);
	queues_go(pager->at.queues);
	log_info("serving %s on %u queues of %u", pager->opts.pool,
		 pager->at.queues, pager->at.depth);
	notify("READY=1");
	return 0;
}

/* In this order; each returns 0, -errno, or EXIT_USAGE. */
static const struct step {
	const char *name;
	int (*init)(struct pager *pager);
} steps[] = {
	{ "signals", init_signals },
	{ "user", init_user },
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

/* Most steps say themselves what fails, and better. */
static int take_step(const struct step *step, struct pager *pager)
{
	unsigned int errors = log_errors();
	int ret = step->init(pager);

	if (ret < 0 && errors == log_errors())
		log_err("can't start: %s: %s", step->name, strerror(-ret));
	else if (ret)
		log_debug("no start: %s", step->name);
	return ret;
}

static int start(struct pager *pager)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(steps) && !ret; i++)
		ret = take_step(&steps[i], pager);
	return ret;
}

static void handle_signal(struct pager *pager)
{
	struct signalfd_siginfo info;
	int error;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		log_info("SIGHUP: re-silvering %u mirrors",
			 mirror_resilver_all(&pager->devices, &error));
		return;
	}
	log_info("%s: ending", strsignal(info.ssi_signo));
	notify("STOPPING=1");
	_exit(EXIT_SUCCESS);
}

static void loop_turn(struct pager *pager)
{
	struct pollfd fds[2 + CONTROL_FDS] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = status_fd(), .events = POLLIN },
	};

	control_watch(fds + 2);
	if (poll(fds, ARRAY_SIZE(fds), TICK_MS) < 0)
		return;
	if (fds[0].revents)
		handle_signal(pager);
	control_serve(fds + 2);
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

/* What was asked for are words; a disk that is full must not pass for success. */
static int finish_words(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_SUCCESS;
	log_err("write to stdout: %s", strerror(errno ? errno : EIO));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct pager pager;
	int ret;

	log_init(false);
	ret = parse(&pager.opts, argc, argv);
	if (ret)
		return ret == -EINVAL ? EXIT_USAGE :
		       ret < 0	      ? EXIT_FAILURE :
					finish_words();
	log_init(pager.opts.debug);
	notify_init();
	ret = start(&pager);
	if (ret) {
		devices_remove_created(&pager.devices);
		return ret > 0 ? ret : EXIT_FAILURE;
	}
	for (;;)
		loop_turn(&pager);
}
