// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transport of the control socket: lines in and out. What the lines mean is
 * in command.c. A client that doesn't read its answer or sends no newline in
 * CONTROL_LINE bytes is dropped, never waited for; one that says nothing keeps
 * its place until all places are taken and another one wants it. What a client
 * asked for that has hung up since is not done: it has told somebody that it failed.
 */
#include "control.h"
#include "command.h"
#include "log.h"
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/**
 * struct client - a connection
 * @fd: -1: a free place
 * @passed_fd: descriptor that came with the line being read, or -1
 * @heard: turn in which it said something last
 * @filled: bytes in @line
 * @line: what has come of a line
 */
struct client {
	int fd;
	int passed_fd;
	u64 heard;
	size_t filled;
	char line[CONTROL_LINE];
};

static struct {
	struct pager *pager;
	int listen_fd;
	u64 turn;
	struct client clients[CONTROL_CLIENTS];
} control = { .listen_fd = -1 };

/* A socket that a predecessor left behind is removed, nothing else is. */
static int remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) ? -errno : 0;
}

/* No socket can be made there, however often it is tried. */
static bool is_wrong_path(int error)
{
	return error == -ENAMETOOLONG || error == -EEXIST ||
	       error == -ENOENT || error == -ENOTDIR || error == -ELOOP ||
	       error == -EROFS || error == -EACCES || error == -EPERM;
}

int control_init(struct pager *pager)
{
	const char *path = pager->opts.control;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int ret = -ENAMETOOLONG;
	unsigned int i;
	mode_t mask;

	control.pager = pager;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		control.clients[i].fd = control.clients[i].passed_fd = -1;
	if (strlen(path) >= sizeof(addr.sun_path))
		goto err_path;
	memcpy(addr.sun_path, path, strlen(path));
	ret = remove_stale(path);
	if (ret)
		goto err_path;
	control.listen_fd = socket(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	ret = control.listen_fd < 0 ||
			      bind(control.listen_fd, (struct sockaddr *)&addr,
				   sizeof(addr)) ||
			      listen(control.listen_fd, 8) ?
		      -errno :
		      0;
	umask(mask);
	if (!ret)
		return 0;
	close(control.listen_fd);
err_path:
	log_err("--control %s: %s", path,
		ret == -EEXIST ? "is there, and no socket" : strerror(-ret));
	return is_wrong_path(ret) ? EXIT_USAGE : ret;
}

static void drop_passed(struct client *client)
{
	if (client->passed_fd >= 0)
		close(client->passed_fd);
	client->passed_fd = -1;
}

static void drop_client(struct client *client)
{
	drop_passed(client);
	close(client->fd);
	client->fd = -1;
	client->filled = 0;
}

/* A free place, else that of the client which has been silent for longest. */
static struct client *find_place(void)
{
	struct client *client, *oldest = control.clients;

	for (client = control.clients;
	     client < control.clients + CONTROL_CLIENTS; client++) {
		if (client->fd < 0)
			return client;
		if (client->heard < oldest->heard)
			oldest = client;
	}
	drop_client(oldest);
	return oldest;
}

static void accept_client(void)
{
	int fd = accept4(control.listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;

	if (fd < 0)
		return;
	client = find_place();
	client->fd = fd;
	client->heard = control.turn;
}

/* Keep the last descriptor that came, close all others. */
static void take_passed(struct client *client, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	size_t i, nr;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < nr; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			       sizeof(int));
			drop_passed(client);
			client->passed_fd = fd;
		}
	}
}

static ssize_t receive(struct client *client)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} ancillary;
	struct iovec iov = {
		.iov_base = client->line + client->filled,
		.iov_len = sizeof(client->line) - client->filled,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	ssize_t n = recvmsg(client->fd, &msg, MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_passed(client, &msg);
	return n;
}

static bool answer(struct client *client, const char *line)
{
	char *text = command_run(control.pager, line, &client->passed_fd);
	ssize_t len;
	bool sent;

	drop_passed(client);
	if (!text)
		return false;
	/* The newline takes the place of the terminating zero. */
	len = strlen(text) + 1;
	text[len - 1] = '\n';
	sent = send(client->fd, text, len, MSG_NOSIGNAL) == len;
	free(text);
	return sent;
}

/* Not one that has only said all that it wants to, and waits for the answer. */
static bool has_hung_up(const struct client *client)
{
	struct pollfd fds = { .fd = client->fd };

	return poll(&fds, 1, 0) == 1 && fds.revents & (POLLHUP | POLLERR);
}

/* There is something to read, or an end. */
static void serve_client(struct client *client)
{
	ssize_t n = receive(client);
	char *newline;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_client(client);
		return;
	}
	client->heard = control.turn;
	client->filled += n;
	while ((newline = memchr(client->line, '\n', client->filled))) {
		*newline++ = '\0';
		if (has_hung_up(client) || !answer(client, client->line)) {
			drop_client(client);
			return;
		}
		client->filled -= newline - client->line;
		memmove(client->line, newline, client->filled);
	}
	if (client->filled == sizeof(client->line))
		drop_client(client);
}

/* What to wait for: fills in CONTROL_FDS entries. */
void control_watch(struct pollfd *fds)
{
	unsigned int i;

	fds[0] = (struct pollfd){ .fd = control.listen_fd, .events = POLLIN };
	for (i = 0; i < CONTROL_CLIENTS; i++)
		fds[i + 1] = (struct pollfd){ .fd = control.clients[i].fd,
					      .events = POLLIN };
}

/* After poll(): clients first, as a new one may take the place of another. */
void control_serve(const struct pollfd *fds)
{
	unsigned int i;

	control.turn++;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (fds[i + 1].revents)
			serve_client(&control.clients[i]);
	if (fds[0].revents)
		accept_client();
}
