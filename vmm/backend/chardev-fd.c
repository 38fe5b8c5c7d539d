// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams over file descriptors; see chardev-fd.h.
 *
 * A descriptor is polled for input only while the front end has room, so a
 * guest that does not read costs nothing. Output that does not fit is the front
 * end's to keep; it hears of room by writable().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/chardev-fd.h"
#include "loop.h"
#include "vm.h"

#define CHUNK 4096
#define FDS_MAX 16

void *chr_fd_alloc(struct vm *vm, const struct chardev_ops *ops, size_t size)
{
	struct chr_fd *cf = calloc(1, size);

	if (!cf)
		return NULL;
	cf->chr.ops = ops;
	cf->chr.loop = vm->loop;
	cf->in = -1;
	cf->out = -1;
	return cf;
}

static bool may_block(int fd)
{
	struct stat st;

	return isatty(fd) || (!fstat(fd, &st) && S_ISFIFO(st.st_mode));
}

int chr_fd_open_own(struct chr_own_fd *own, int fd, int flags)
{
	char path[32];

	*own = (struct chr_own_fd){.fd = fd, .shared = fd, .shared_flags = -1};
	if (!may_block(fd))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own->fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own->fd >= 0)
		return own->fd;
	/* Somebody else's terminal: so its mode is changed for a while. */
	own->fd = fd;
	flags = fcntl(fd, F_GETFL);
	/* Who found it changed has nothing to put back. */
	if (flags >= 0 && !(flags & O_NONBLOCK) &&
	    !fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		own->shared_flags = flags;
	return fd;
}

void chr_fd_close_own(struct chr_own_fd *own)
{
	if (own->fd != own->shared)
		close(own->fd);
	else if (own->shared_flags >= 0)
		fcntl(own->shared, F_SETFL, own->shared_flags);
}

static void chr_event(struct chardev *chr, enum chardev_event event)
{
	WRITE_ONCE(chr->open, event == CHARDEV_OPENED);
	if (chr->handler && chr->handler->event)
		chr->handler->event(chr->arg, event);
}

static void unpoll(struct loop_poll **poll)
{
	loop_poll_del(*poll);
	*poll = NULL;
}

static void chr_gone(struct chr_fd *cf)
{
	if (cf->closed) {
		cf->closed(cf);
		return;
	}
	/* Standard input at its end: the guest can still print. */
	unpoll(&cf->in_poll);
	cf->in = -1;
}

static size_t room(const struct chr_fd *cf)
{
	const struct chardev_handler *handler = cf->chr.handler;

	if (!handler || !handler->can_read)
		return 0;
	return min_t(size_t, handler->can_read(cf->chr.arg), CHUNK);
}

static void take_fds(const struct chr_fd *cf, struct msghdr *msg)
{
	const struct chardev_handler *handler = cf->chr.handler;
	struct cmsghdr *cmsg;
	size_t i, nr;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < nr; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd),
			       sizeof(fd));
			if (handler && handler->fd)
				handler->fd(cf->chr.arg, fd);
			else
				close(fd);
		}
	}
}

/* Descriptors are received only where somebody can have them. */
static ssize_t read_some(const struct chr_fd *cf, void *buf, size_t len)
{
	char control[CMSG_SPACE(sizeof(int) * FDS_MAX)]
		__attribute__((aligned(sizeof(struct cmsghdr))));
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	if (cf->chr.handler->fd)
		n = recvmsg(cf->in, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	else
		n = recv(cf->in, buf, len, MSG_DONTWAIT);
	if (n < 0 && errno == ENOTSOCK)
		return read(cf->in, buf, len);
	if (n >= 0 && cf->chr.handler->fd)
		take_fds(cf, &msg);
	return n;
}

static void input_ready(void *arg, int revents)
{
	struct chr_fd *cf = arg;
	size_t max = room(cf);
	u8 buf[CHUNK];
	ssize_t n;

	if (!max) {
		unpoll(&cf->in_poll);
		return;
	}
	n = read_some(cf, buf, max);
	if (n > 0)
		cf->chr.handler->read(cf->chr.arg, buf, n);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		chr_gone(cf);
}

void chr_fd_accept_input(struct chardev *chr)
{
	struct chr_fd *cf = to_chr_fd(chr);

	if (cf->in < 0 || cf->in_poll || !room(cf))
		return;
	cf->in_poll = loop_poll_add(cf->chr.loop, cf->in,
				    POLLIN | LOOP_POLL_LEVEL, input_ready, cf);
}

static void output_ready(void *arg, int revents)
{
	struct chr_fd *cf = arg;
	const struct chardev_handler *handler = cf->chr.handler;

	unpoll(&cf->out_poll);
	if (handler && handler->writable)
		handler->writable(cf->chr.arg);
}

static ssize_t write_some(int fd, const void *buf, size_t len)
{
	ssize_t n = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(fd, buf, len) : n;
}

static void await_output(struct chr_fd *cf)
{
	if (!cf->out_poll)
		cf->out_poll = loop_poll_add(cf->chr.loop, cf->out,
					     POLLOUT | LOOP_POLL_LEVEL,
					     output_ready, cf);
}

size_t chr_fd_write(struct chardev *chr, const void *buf, size_t len)
{
	struct chr_fd *cf = to_chr_fd(chr);
	size_t done = 0;
	ssize_t n;

	while (cf->out >= 0 && done < len) {
		n = write_some(cf->out, (const u8 *)buf + done, len - done);
		if (n > 0) {
			done += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			/* Input tells that the other end has gone. */
			return len;
		}
		await_output(cf);
		return done;
	}
	return len;
}

void chr_fd_leave(struct chardev *chr)
{
	struct chr_fd *cf = to_chr_fd(chr);

	unpoll(&cf->in_poll);
	unpoll(&cf->out_poll);
}

void chr_fd_enter(struct chardev *chr)
{
	chr_fd_accept_input(chr);
}

void chr_fd_attach(struct chr_fd *cf, int in, int out)
{
	cf->in = in;
	cf->out = out;
	chr_event(&cf->chr, CHARDEV_OPENED);
	chr_fd_accept_input(&cf->chr);
}

void chr_fd_detach(struct chr_fd *cf)
{
	bool blocked = cf->out_poll;

	unpoll(&cf->in_poll);
	unpoll(&cf->out_poll);
	cf->in = -1;
	cf->out = -1;
	if (!cf->chr.open)
		return;
	chr_event(&cf->chr, CHARDEV_CLOSED);
	/* From now on everything is taken, and dropped. */
	if (blocked && cf->chr.handler && cf->chr.handler->writable)
		cf->chr.handler->writable(cf->chr.arg);
}
