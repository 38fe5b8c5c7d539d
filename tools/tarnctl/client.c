// SPDX-License-Identifier: GPL-2.0-only
/* Talking to a pager over its control socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <control.h>

#include "client.h"
#include "error.h"

/* A pager answers at once; one that does not is stuck. */
#define TIMEOUT_SECONDS 30

/* Room for the longest answer, that about 256 mirrored devices. */
#define ANSWER_MAX (1U << 20)

char *client_socket(const struct pool *pool, const struct options *opts)
{
	char *path;
	int len;

	if (opts->socket)
		len = asprintf(&path, "%s", opts->socket);
	else
		len = asprintf(&path, "%s" CONTROL_SUFFIX, pool->mount);
	if (len < 0) {
		err_nomem();
		return NULL;
	}
	return path;
}

int client_open(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	int sock, ret;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout,
		       sizeof(timeout)) ||
	    connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
		ret = -errno;
		close(sock);
		return ret;
	}
	return sock;
}

int client_open_fail(const char *path, int ret)
{
	switch (-ret) {
	case ENOENT:
	case ECONNREFUSED:
		err("no pager listens at %s, start one (tarn-pager --pool DIR --device DEVICE) or name its socket with --socket",
		    path);
		return ret;
	case EACCES:
	case EPERM:
		err("%s: not permitted, run it as root", path);
		return ret;
	}
	return err_errno(ret, "%s", path);
}

static int send_line(int sock, const char *line, size_t len, int pass)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)line, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &pass, sizeof(pass));
	}
	while (iov.iov_len) {
		ssize_t done = sendmsg(sock, &msg, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		iov.iov_base = (char *)iov.iov_base + done;
		iov.iov_len -= done;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return 0;
}

/* Read up to the end of a line. Return: its length or a negative errno. */
static ssize_t receive_line(int sock, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t done = recv(sock, buf + used, size - used, 0);
		char *end;

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (!done)
			return -ECONNRESET;
		end = memchr(buf + used, '\n', done);
		if (end)
			return end - buf;
		used += done;
	}
	return -EMSGSIZE;
}

static int send_request(int sock, json_t *request, int pass)
{
	char *text, *line = NULL;
	int len, ret = -ENOMEM;

	text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	len = asprintf(&line, "%s\n", text);
	if (len >= 0) {
		ret = send_line(sock, line, len, pass);
		free(line);
	}
	free(text);
	return ret;
}

static int receive_answer(int sock, json_t **answer)
{
	char *buf = malloc(ANSWER_MAX);
	json_error_t error;
	ssize_t len;

	if (!buf)
		return err_nomem();
	len = receive_line(sock, buf, ANSWER_MAX);
	if (len < 0) {
		free(buf);
		return err_errno(len, "no answer of the pager");
	}
	*answer = json_loadb(buf, len, JSON_REJECT_DUPLICATES, &error);
	free(buf);
	if (!json_is_object(*answer)) {
		json_decref(*answer);
		err("the pager's answer makes no sense: %s", error.text);
		return -EPROTO;
	}
	return 0;
}

int client_call(int sock, json_t *request, int pass, json_t **answer)
{
	int ret = send_request(sock, request, pass);

	json_decref(request);
	if (ret)
		return err_errno(ret, "ask the pager");
	ret = receive_answer(sock, answer);
	if (ret)
		return ret;
	if (client_flag(*answer, "ok"))
		return 0;
	ret = json_is_false(json_object_get(*answer, "ok")) ? -EREMOTEIO : -EPROTO;
	if (ret == -EPROTO)
		err("the pager's answer makes no sense: it is neither yes nor no");
	else
		err("the pager says: %s", client_text(*answer, "error"));
	json_decref(*answer);
	return ret;
}

json_int_t client_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool client_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

const char *client_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}
