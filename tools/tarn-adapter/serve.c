// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop: connections, the kernel's log, signals, what is due. A command of the adapter is
 * waited for, as nothing could be said meanwhile that would hold when it has ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "error.h"
#include "kmsg.h"
#include "manager.h"

/* Records of the log that are read before it is somebody else's turn. */
#define LOG_TURN 64

/**
 * struct server - what is waited for, beside connections
 * @listener: where they come from
 * @signals: SIGTERM and SIGINT end it, SIGHUP has it read its file
 * @log: of the kernel, -1: it cannot be read, which was said
 */
struct server {
	int listener;
	int signals;
	int log;
};

/* ---- the socket ------------------------------------------------------------------------- */

static int make_directory(const char *path)
{
	char *copy = strdup(path), *slash;
	int ret = 0;

	if (!copy)
		return err_nomem();
	for (slash = strchr(copy + 1, '/'); slash && !ret; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			ret = err_errno(-errno, "make %s", copy);
		*slash = '/';
	}
	free(copy);
	return ret;
}

/* One that a predecessor left is removed, one that somebody listens at is not. */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, used;

	if (lstat(addr->sun_path, &st))
		return errno == ENOENT ? 0 : err_errno(-errno, "%s", addr->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_errno(-EEXIST, "%s is no socket", addr->sun_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	used = fd >= 0 && !connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	if (fd >= 0)
		close(fd);
	if (used) {
		err("another tarn-adapter listens at %s", addr->sun_path);
		return -EBUSY;
	}
	return unlink(addr->sun_path) ? err_errno(-errno, "remove %s", addr->sun_path) : 0;
}

/* Any user may connect: what he may have is looked at when he asks for it. */
static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(addr.sun_path))
		return err_errno(-ENAMETOOLONG, "%s", path);
	strcpy(addr.sun_path, path);
	ret = make_directory(path);
	if (!ret)
		ret = remove_stale(&addr);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(-errno, "make a socket");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || chmod(path, 0666) ||
	    listen(fd, 64)) {
		ret = err_errno(-errno, "listen at %s", path);
		close(fd);
		return ret;
	}
	return fd;
}

/* ---- signals ---------------------------------------------------------------------------- */

static int watch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_errno(-errno, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(-errno, "wait for signals") : fd;
}

/* Return: whether it goes on. */
static bool take_signals(struct manager *m, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return false;
		manager_reload(m);
	}
	return true;
}

/* ---- the loop --------------------------------------------------------------------------- */

static void read_log(struct manager *m, struct server *s)
{
	struct kmsg_fault fault;
	unsigned int i;
	int ret = 1;

	for (i = 0; i < LOG_TURN && ret; i++) {
		ret = kmsg_read(s->log, &fault);
		if (ret == 1) {
			fault_take(m, &fault);
		} else if (ret == -EPIPE) {
			notice(m, NULL, "log-lost", NULL,
			       "lines of the kernel's log were lost before they were read");
		} else if (ret) {
			err_errno(ret, "/dev/kmsg");
			close(s->log);
			s->log = -1;
			return;
		}
	}
}

static size_t count_peers(const struct manager *m)
{
	const struct peer *peer;
	size_t count = 0;

	LIST_FOREACH(peer, &m->peers, link)
		count++;
	return count;
}

/* Those that end meanwhile stay in the list until they are swept away; none comes. */
static void serve_peers(struct manager *m, const struct pollfd *fds)
{
	struct peer *peer;

	LIST_FOREACH(peer, &m->peers, link) {
		if ((fds++)->revents)
			peer_receive(m, peer);
	}
	peer_sweep(m);
}

/* Return: 1 to go on, 0, or an errno, reported. */
static int serve_round(struct manager *m, struct server *s)
{
	int timeout = manager_tick(m);
	size_t count = count_peers(m), i = 0;
	struct pollfd *fds = calloc(count + 3, sizeof(*fds));
	struct peer *peer;
	int ret = 1;

	if (!fds)
		return err_nomem();
	LIST_FOREACH(peer, &m->peers, link)
		fds[i++] = (struct pollfd){ .fd = peer->fd, .events = POLLIN };
	fds[i++] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	fds[i++] = (struct pollfd){ .fd = s->log, .events = POLLIN };
	fds[i++] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	if (poll(fds, i, timeout) < 0) {
		ret = errno == EINTR ? 1 : err_errno(-errno, "poll");
	} else {
		serve_peers(m, fds);
		if (fds[count + 1].revents)
			read_log(m, s);
		if (fds[count + 2].revents)
			peer_accept(m, s->listener);
		if (fds[count].revents)
			ret = take_signals(m, s->signals);
	}
	free(fds);
	return ret;
}

int serve(struct manager *m, const char *path)
{
	struct server s = { .log = -1 };
	int ret;

	s.signals = watch_signals();
	if (s.signals < 0)
		return s.signals;
	s.listener = listen_at(path);
	if (s.listener < 0) {
		close(s.signals);
		return s.listener;
	}
	s.log = kmsg_open();
	if (s.log < 0)
		err("what the IOMMU blocks is not seen");
	manager_init(m);
	do
		ret = serve_round(m, &s);
	while (ret > 0);
	unlink(path);
	close(s.listener);
	close(s.signals);
	if (s.log >= 0)
		close(s.log);
	return ret;
}
