// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chardev "socket": a unix socket, as client or as server for one client at a
 * time, by its path or by an inherited descriptor. A server listens again when
 * its client has gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/chardev-fd.h"
#include "error.h"
#include "lib/opts.h"
#include "loop.h"
#include "vm.h"

struct chr_socket {
	struct chr_fd cf;
	int listen_fd; /* -1 for a client */
	int fd;	       /* -1 while nobody is connected */
	bool unlink;   /* the path is ours to remove */
	struct loop_poll *listen_poll;
};

static struct chr_socket *to_socket(struct chr_fd *cf)
{
	return container_of(cf, struct chr_socket, cf);
}

static void connected(struct chr_socket *cs, int fd)
{
	cs->fd = fd;
	chr_fd_attach(&cs->cf, fd, fd);
}

static int accept_one(struct chr_socket *cs)
{
	int fd;

	do
		fd = accept4(cs->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static void client_waits(void *arg, int revents)
{
	struct chr_socket *cs = arg;
	int fd = accept_one(cs);

	if (fd < 0)
		return;
	/* Others wait in the backlog until this one has gone. */
	loop_poll_del(cs->listen_poll);
	cs->listen_poll = NULL;
	connected(cs, fd);
}

static void listen_again(struct chr_socket *cs)
{
	if (cs->listen_fd >= 0 && !cs->listen_poll)
		cs->listen_poll = loop_poll_add(cs->cf.chr.loop, cs->listen_fd,
						POLLIN | LOOP_POLL_LEVEL,
						client_waits, cs);
}

static void socket_leave(struct chardev *chr)
{
	struct chr_socket *cs = to_socket(to_chr_fd(chr));

	chr_fd_leave(chr);
	loop_poll_del(cs->listen_poll);
	cs->listen_poll = NULL;
}

static void socket_enter(struct chardev *chr)
{
	struct chr_socket *cs = to_socket(to_chr_fd(chr));

	chr_fd_enter(chr);
	if (cs->fd < 0)
		listen_again(cs);
}

static void socket_closed(struct chr_fd *cf)
{
	struct chr_socket *cs = to_socket(cf);
	int fd = cs->fd;

	cs->fd = -1;
	chr_fd_detach(cf);
	close(fd);
	listen_again(cs);
}

static void socket_destroy(struct chardev *chr)
{
	struct chr_socket *cs = to_socket(to_chr_fd(chr));

	loop_poll_del(cs->listen_poll);
	chr_fd_detach(&cs->cf);
	if (cs->fd >= 0)
		close(cs->fd);
	if (cs->listen_fd >= 0)
		close(cs->listen_fd);
	if (cs->unlink && chr->path)
		unlink(chr->path);
	free(cs);
}

static const struct chardev_ops socket_ops = {
	.name = "socket",
	.write = chr_fd_write,
	.accept_input = chr_fd_accept_input,
	.leave = socket_leave,
	.enter = socket_enter,
	.destroy = socket_destroy,
};

static int address(const char *path, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun->sun_path))
		return -ENAMETOOLONG;
	strcpy(sun->sun_path, path);
	return 0;
}

static int unix_socket(const char *path, bool server)
{
	struct sockaddr_un sun;
	int fd, ret = address(path, &sun);

	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (server) {
		/* What a VMM that was killed left behind. */
		unlink(path);
		ret = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ||
		      listen(fd, 1);
	} else {
		ret = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	}
	if (ret) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

struct socket_opts {
	const char *path;
	u64 fd;
	bool server;
	bool wait;
};

static int get_opts(struct opts *opts, struct socket_opts *so)
{
	bool is_unix = true;
	int ret;

	so->fd = INT_MAX;
	so->wait = true;
	if ((ret = opts_get_str(opts, "path", &so->path)) ||
	    (ret = opts_get_uint(opts, "fd", INT_MAX - 1, &so->fd)) ||
	    (ret = opts_get_bool(opts, "server", &so->server)) ||
	    (ret = opts_get_bool(opts, "unix", &is_unix)) ||
	    (ret = opts_get_bool(opts, "wait", &so->wait)))
		return ret;
	if (!so->path == (so->fd == INT_MAX))
		return opts_fail(opts, "give either path= or fd=");
	return 0;
}

static int open_fd(const struct socket_opts *so)
{
	if (so->path)
		return unix_socket(so->path, so->server);
	if (fcntl(so->fd, F_SETFD, FD_CLOEXEC))
		return -errno;
	return so->fd;
}

static int serve(struct chr_socket *cs, bool wait)
{
	int fd;

	if (!wait) {
		listen_again(cs);
		return cs->listen_poll ? 0 : -ENOMEM;
	}
	info("waiting for a client at %s", cs->cf.chr.path);
	fd = accept_one(cs);
	if (fd < 0)
		return fd;
	connected(cs, fd);
	return 0;
}

int chr_socket_create(struct vm *vm, struct opts *opts, struct chardev **out)
{
	struct socket_opts so = {0};
	struct chr_socket *cs;
	char name[32];
	int ret, fd;

	ret = get_opts(opts, &so);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "fd:%d", (int)so.fd);
	fd = open_fd(&so);
	if (fd < 0)
		return err_errno(fd, "cannot %s socket '%s'",
				 so.server ? "listen at" : "connect to",
				 so.path ? so.path : name);
	cs = chr_fd_alloc(vm, &socket_ops, sizeof(*cs));
	if (!cs) {
		close(fd);
		return -ENOMEM;
	}
	cs->cf.closed = socket_closed;
	cs->cf.chr.path = strdup(so.path ? so.path : name);
	cs->listen_fd = -1;
	cs->fd = -1;
	*out = &cs->cf.chr;
	if (!so.server) {
		connected(cs, fd);
		return 0;
	}
	cs->listen_fd = fd;
	cs->unlink = so.path;
	ret = serve(cs, so.wait);
	if (!ret)
		return 0;
	free(cs->cf.chr.path);
	cs->cf.chr.path = NULL;
	socket_destroy(&cs->cf.chr);
	return err_errno(ret, "cannot serve a socket");
}
