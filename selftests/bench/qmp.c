// SPDX-License-Identifier: GPL-2.0-only
/*
 * See qmp.h. A message is a line, and no answer is read for more than whether it is one,
 * so this takes no parser: blanks are dropped, and names are looked for with their quotes.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qmp.h"

#define MOST_MS 600000
#define RETRY_US 5000

/* The next line is taken from the buffer if there is one. */
static int take_line(struct qmp *qmp)
{
	char *end = memchr(qmp->buffer, '\n', qmp->used), *from, *to = qmp->line;

	if (!end)
		return 0;
	for (from = qmp->buffer; from < end; from++)
		if (*from != ' ' && *from != '\r')
			*to++ = *from;
	*to = '\0';
	qmp->used -= (size_t)(end + 1 - qmp->buffer);
	memmove(qmp->buffer, end + 1, qmp->used);
	return 1;
}

static int read_line(struct qmp *qmp)
{
	struct pollfd poll_fd = { .fd = qmp->fd, .events = POLLIN };
	ssize_t n;

	while (!take_line(qmp)) {
		if (qmp->used == sizeof(qmp->buffer))
			return -EMSGSIZE;
		n = poll(&poll_fd, 1, MOST_MS);
		if (n <= 0)
			return n ? -errno : -ETIME;
		n = read(qmp->fd, qmp->buffer + qmp->used,
			 sizeof(qmp->buffer) - qmp->used);
		if (n <= 0)
			return n ? -errno : -EPIPE;
		qmp->used += (size_t)n;
	}
	return 0;
}

/* What an event says of a migration. */
static void note_event(struct qmp *qmp)
{
	static const char key[] = "\"status\":\"";
	const char *status = strstr(qmp->line, key);

	if (!status || !strstr(qmp->line, "\"event\":\"MIGRATION\""))
		return;
	status += sizeof(key) - 1;
	snprintf(qmp->migration, sizeof(qmp->migration), "%.*s",
		 (int)strcspn(status, "\""), status);
}

static int read_message(struct qmp *qmp)
{
	int ret = read_line(qmp);

	if (!ret)
		note_event(qmp);
	return ret;
}

/* What comes before the answer is an event. */
static int read_answer(struct qmp *qmp, const char *command)
{
	int ret;

	do {
		ret = read_message(qmp);
		if (ret)
			return ret;
	} while (strstr(qmp->line, "\"event\":"));
	if (!strstr(qmp->line, "\"error\":"))
		return 0;
	fprintf(stderr, "qmp: %s: %s\n", command, qmp->line);
	return -EPROTO;
}

/* @fd: goes along; -1: none does */
static int send_text(struct qmp *qmp, const char *text, int fd)
{
	struct iovec iov = { (void *)text, strlen(text) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {
		.head = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	return sendmsg(qmp->fd, &message, MSG_NOSIGNAL) ==
			       (ssize_t)iov.iov_len ? 0 : -EPIPE;
}

static int command_with_fd(struct qmp *qmp, const char *command,
			   const char *arguments, int fd)
{
	char text[1024];
	int ret;

	if (snprintf(text, sizeof(text), "{\"execute\":\"%s\",\"arguments\":%s}\n",
		     command, arguments) >= (int)sizeof(text))
		return -E2BIG;
	ret = send_text(qmp, text, fd);
	return ret ? ret : read_answer(qmp, command);
}

int qmp_command(struct qmp *qmp, const char *command, const char *arguments)
{
	return command_with_fd(qmp, command, arguments, -1);
}

int qmp_pass(struct qmp *qmp, int fd, const char *name)
{
	char arguments[128];

	snprintf(arguments, sizeof(arguments), "{\"fdname\":\"%s\"}", name);
	return command_with_fd(qmp, "getfd", arguments, fd);
}

static int open_socket(const char *path, const bool *gone)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		if ((errno != ENOENT && errno != ECONNREFUSED) ||
		    __atomic_load_n(gone, __ATOMIC_RELAXED)) {
			close(fd);
			return -ESRCH;
		}
		usleep(RETRY_US);
	}
	return fd;
}

int qmp_open(struct qmp *qmp, const char *path, const bool *gone)
{
	int ret;

	memset(qmp, 0, sizeof(*qmp));
	qmp->fd = open_socket(path, gone);
	if (qmp->fd < 0)
		return qmp->fd;
	/* The greeting. */
	ret = read_message(qmp);
	if (!ret)
		ret = qmp_command(qmp, "qmp_capabilities", "{}");
	if (!ret)
		ret = qmp_command(qmp, "migrate-set-capabilities",
				  "{\"capabilities\":[{\"capability\":\"events\",\"state\":true}]}");
	if (ret)
		qmp_close(qmp);
	return ret;
}

void qmp_close(struct qmp *qmp)
{
	if (qmp->fd >= 0)
		close(qmp->fd);
	qmp->fd = -1;
}

int qmp_migrate(struct qmp *qmp, const char *command, const char *uri)
{
	char arguments[512];
	int ret;

	qmp->migration[0] = '\0';
	snprintf(arguments, sizeof(arguments), "{\"uri\":\"%s\"}", uri);
	ret = qmp_command(qmp, command, arguments);
	while (!ret && strcmp(qmp->migration, "completed")) {
		if (!strcmp(qmp->migration, "failed") ||
		    !strcmp(qmp->migration, "cancelled")) {
			fprintf(stderr, "qmp: %s %s: %s\n", command, uri,
				qmp->migration);
			return -EPROTO;
		}
		ret = read_message(qmp);
	}
	return ret;
}
