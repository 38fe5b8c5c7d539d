// SPDX-License-Identifier: GPL-2.0-only
/* See listen_on.h. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "error.h"
#include "listen_on.h"

#define BACKLOG 32

bool listen_is_local(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	return !getsockname(fd, (struct sockaddr *)&addr, &len) &&
	       addr.ss_family == AF_UNIX;
}

/* A socket that is left over from a program that was killed. */
static void remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) &&
	    errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

static int listen_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, ret;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		err("--listen: %s is too long for a socket", path);
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, path);
	remove_stale(&addr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(-errno, "listen on %s", path);
	mask = umask(0117);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (!ret && !listen(fd, BACKLOG))
		return fd;
	ret = err_errno(-errno, "listen on %s", path);
	close(fd);
	return ret;
}

/* Names are not looked up: what a name means may change. */
static int resolve(const char *where, struct addrinfo **result)
{
	static const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	char *host = strdup(where);
	char *colon = host ? strrchr(host, ':') : NULL;
	char *begin = host;
	int ret = ERR_USAGE;

	if (!host)
		return err_nomem();
	if (colon) {
		*colon = '\0';
		if (*begin == '[' && colon > begin && colon[-1] == ']') {
			colon[-1] = '\0';
			begin++;
		}
		if (!getaddrinfo(begin, colon + 1, &hints, result))
			ret = 0;
	}
	free(host);
	if (ret)
		err("--listen: wants an address and a port as 127.0.0.1:9871 or [::1]:9871, or the path of a socket, not '%s'",
		    where);
	return ret;
}

static int listen_tcp(const char *where)
{
	struct addrinfo *addr;
	int fd, on = 1, ret;

	ret = resolve(where, &addr);
	if (ret)
		return ret;
	fd = socket(addr->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		ret = err_errno(-errno, "listen on %s", where);
		goto out_free;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ret = fd;
	if (bind(fd, addr->ai_addr, addr->ai_addrlen) || listen(fd, BACKLOG)) {
		ret = err_errno(-errno, "listen on %s", where);
		close(fd);
	}
out_free:
	freeaddrinfo(addr);
	return ret;
}

int listen_on(const char *where)
{
	return *where == '/' ? listen_unix(where) : listen_tcp(where);
}
