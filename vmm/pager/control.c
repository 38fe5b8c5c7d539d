// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transport of the control socket: one client at a time, lines in and out.
 * What the lines mean is in command.c. A client that doesn't read its answer or
 * sends no newline is dropped, never waited for.
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

static struct {
	struct pager *pager;
	int listen_fd;
	int client_fd;
	/* Descriptor that came with the line being read, or -1. */
	int passed_fd;
	size_t filled;
	char line[CONTROL_LINE];
} control = { .listen_fd = -1, .client_fd = -1, .passed_fd = -1 };

int control_listen_fd(void)
{
	return control.client_fd < 0 ? control.listen_fd : -1;
}

int control_client_fd(void)
{
	return control.client_fd;
}

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

int control_init(struct pager *pager)
{
	const char *path = pager->opts.control;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int ret = -ENAMETOOLONG;

	control.pager = pager;
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
	log_err("--control %s: %s", path, strerror(-ret));
	return ret;
}

static void drop_passed(void)
{
	if (control.passed_fd >= 0)
		close(control.passed_fd);
	control.passed_fd = -1;
}

static void drop_client(void)
{
	drop_passed();
	close(control.client_fd);
	control.client_fd = -1;
	control.filled = 0;
}

void control_accept(void)
{
	int fd = accept4(control.listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		control.client_fd = fd;
}

/* Keep the last descriptor that came, close all others. */
static void take_passed(struct msghdr *msg)
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
			drop_passed();
			control.passed_fd = fd;
		}
	}
}

static ssize_t receive(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} ancillary;
	struct iovec iov = {
		.iov_base = control.line + control.filled,
		.iov_len = sizeof(control.line) - control.filled,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	ssize_t n = recvmsg(control.client_fd, &msg, MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_passed(&msg);
	return n;
}

static bool answer(const char *line)
{
	char *text = command_run(control.pager, line, &control.passed_fd);
	ssize_t len;
	bool sent;

	drop_passed();
	if (!text)
		return false;
	/* The newline takes the place of the terminating zero. */
	len = strlen(text) + 1;
	text[len - 1] = '\n';
	sent = send(control.client_fd, text, len, MSG_NOSIGNAL) == len;
	free(text);
	return sent;
}

/* There is something to read, or an end. */
void control_serve(void)
{
	ssize_t n = receive();
	char *newline;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_client();
		return;
	}
	control.filled += n;
	while ((newline = memchr(control.line, '\n', control.filled))) {
		*newline++ = '\0';
		if (!answer(control.line)) {
			drop_client();
			return;
		}
		control.filled -= newline - control.line;
		memmove(control.line, newline, control.filled);
	}
	if (control.filled == sizeof(control.line))
		drop_client();
}
