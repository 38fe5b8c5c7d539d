// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting qemu-nbd as systemd would: it gets a listening socket, to which the VMM is
 * the first and, as that has no name any more, the only one to connect.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/nbd-server.h"
#include "error.h"
#include "loop.h"
#include "sandbox.h"

#define PROGRAM "qemu-nbd"
/* Of systemd's protocol. */
#define LISTEN_FD 3
/* From a kill to the end, where the storage lets it end. */
#define KILL_MS 2000
/* What qemu-nbd ends with when it cannot be run. */
#define EXIT_NOT_FOUND 127

struct nbd_limits nbd_limits = {
	.server_ms = NBD_SERVER_SECONDS * 1000,
	.request_ms = NBD_REQUEST_SECONDS * 1000,
};

/* Bind @sock to a name that only this user could have reached, and connect @peer. */
static int connect_pair(int sock, int peer)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/tarn-vmm-XXXXXX";
	int ret = 0;

	if (!mkdtemp(dir))
		return -errno;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/nbd", dir);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(sock, 1) ||
	    connect(peer, (struct sockaddr *)&addr, sizeof(addr)))
		ret = -errno;
	unlink(addr.sun_path);
	rmdir(dir);
	return ret;
}

struct child {
	char *argv[4];
	char *env[4];
	char *pid; /* where LISTEN_PID has its digits */
	int sock;
	int messages;
};

/* Called between fork() and exec: nothing here may take a lock. */
static void child_exec(struct child *child)
{
	int null, sock, messages;
	pid_t pid = getpid();
	char *digit = child->pid + 10;

	for (*digit = '\0'; pid; pid /= 10)
		*--digit = '0' + pid % 10;
	memmove(child->pid, digit, strlen(digit) + 1);

	/* Neither may be where something else goes. */
	sock = fcntl(child->sock, F_DUPFD, LISTEN_FD + 1);
	messages = fcntl(child->messages, F_DUPFD, LISTEN_FD + 1);
	null = open("/dev/null", O_RDWR);
	/* A set-user-ID program that it might run has to stay without effect. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setsid() < 0 || null < 0 || sock < 0 || messages < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0 || dup2(sock, LISTEN_FD) < 0)
		_exit(EXIT_NOT_FOUND - 1);
	close_range(LISTEN_FD + 1, ~0U, 0);
	/*
	 * Ignored signals stay so: nobody may read what it says, and a power button
	 * that is pressed for all of a service is not its.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGPWR, SIG_IGN);
	execvpe(PROGRAM, child->argv, child->env);
	dprintf(STDERR_FILENO,
		PROGRAM ": " PROGRAM " is not installed: apt install qemu-utils, or convert the image to raw\n");
	_exit(EXIT_NOT_FOUND);
}

static int child_start(struct nbd_server *server, struct child *child)
{
	sigset_t none, old;
	pid_t pid = fork();
	int ret;

	if (pid < 0)
		return -errno;
	if (!pid) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, &old);
		child_exec(child);
	}
	server->pidfd = pidfd_open(pid, 0);
	if (server->pidfd >= 0)
		return 0;
	ret = -errno;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return ret;
}

/* Where programs are, and systemd's two variables. The rest is the VMM's own. */
static int child_env(struct child *child, char *fds, char **path)
{
	const char *where = getenv("PATH");
	size_t nr = 0;

	*path = NULL;
	if (where && asprintf(path, "PATH=%s", where) < 0)
		return -ENOMEM;
	if (*path)
		child->env[nr++] = *path;
	child->env[nr++] = fds;
	child->env[nr] = child->pid - strlen("LISTEN_PID=");
	return 0;
}

static int start(struct nbd_server *server, const char *node, bool read_only,
		 int sock, int messages)
{
	char listen_fds[] = "LISTEN_FDS=1", listen_pid[32] = "LISTEN_PID=";
	char *image, *path;
	struct child child = {
		.pid = listen_pid + strlen(listen_pid),
		.sock = sock,
		.messages = messages,
	};
	int ret;

	if (asprintf(&image, "json:%s", node) < 0)
		return -ENOMEM;
	child.argv[0] = PROGRAM;
	child.argv[1] = read_only ? "--read-only" : image;
	child.argv[2] = read_only ? image : NULL;
	ret = child_env(&child, listen_fds, &path);
	if (!ret)
		ret = child_start(server, &child);
	free(path);
	free(image);
	return ret;
}

int nbd_server_start(struct nbd_server *server, const char *node,
		     bool read_only)
{
	int sock, pipes[2], ret;

	*server = NBD_SERVER_NONE;
	if (sandbox_confined()) {
		err("an image that is not raw can only be opened at start-up: give it on the command line, or start with -sandbox off");
		return -EPERM;
	}
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return err_errno(-errno, "pipe");
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ret = sock < 0 || server->sock < 0 ? -errno
					   : connect_pair(sock, server->sock);
	if (!ret)
		ret = start(server, node, read_only, sock, pipes[1]);
	if (sock >= 0)
		close(sock);
	close(pipes[1]);
	server->messages = pipes[0];
	if (!ret)
		return 0;
	if (server->sock >= 0)
		close(server->sock);
	close(server->messages);
	*server = NBD_SERVER_NONE;
	return err_errno(ret, "cannot start " PROGRAM);
}

/* Read until it has ended, or nothing came for @ms; 0: what is there. */
static int read_all(struct nbd_server *server, char *buf, size_t size, int ms)
{
	struct pollfd pfd = {.fd = server->messages, .events = POLLIN};
	char drop[256];
	size_t len = 0;
	ssize_t n;

	for (;;) {
		bool room = len + 1 < size;

		n = read(server->messages, room ? buf + len : drop,
			 room ? size - 1 - len : sizeof(drop));
		if (n > 0 && room)
			len += n;
		if (size)
			buf[len] = '\0';
		if (!n)
			return 0;
		if (n > 0 || errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (!ms || !poll(&pfd, 1, ms))
			return -ETIMEDOUT;
	}
}

const char *nbd_server_explain(struct nbd_server *server, char *buf,
			       size_t size)
{
	static const char prefix[] = PROGRAM ": ";
	char *line, *pos = buf;
	const char *found = NULL;

	/* A thread that serves a disk may not wait here. */
	read_all(server, buf, size, sandbox_confined() ? 0 : 1000);
	/* It has names in it that come with an image. */
	for (pos = buf; *pos; pos++)
		if (*pos != '\n' && ((unsigned char)*pos < 0x20 || *pos == 0x7f))
			*pos = '?';
	pos = buf;
	/* Lines without its name are advice about the one before. */
	while ((line = strsep(&pos, "\n")))
		if (!strncmp(line, prefix, strlen(prefix)))
			found = line + strlen(prefix);
	return found;
}

/* The end */

bool nbd_server_ended(struct nbd_server *server)
{
	siginfo_t si = {0};

	/* Without a child that is not waited for yet there is none any more. */
	return waitid(P_PIDFD, server->pidfd, &si, WEXITED | WNOHANG) ||
	       si.si_pid;
}

void nbd_server_kill(struct nbd_server *server)
{
	pidfd_send_signal(server->pidfd, SIGKILL, NULL, 0);
}

void nbd_server_forget(struct nbd_server *server)
{
	if (server->sock >= 0)
		close(server->sock);
	if (server->messages >= 0)
		close(server->messages);
	if (server->pidfd >= 0)
		close(server->pidfd);
	*server = NBD_SERVER_NONE;
}

static bool wait_ms(struct nbd_server *server, int ms)
{
	struct pollfd pfd = {.fd = server->pidfd, .events = POLLIN};
	u64 end = loop_now() + ms * 1000000ULL, now;

	while (!nbd_server_ended(server)) {
		now = loop_now();
		if (now >= end)
			return false;
		poll(&pfd, 1, (end - now) / 1000000 + 1);
	}
	return true;
}

int nbd_server_wait(struct nbd_server *server, int ms)
{
	int ret = 0;

	if (!wait_ms(server, ms)) {
		nbd_server_kill(server);
		ret = wait_ms(server, KILL_MS) ? -EINTR : -ETIMEDOUT;
	}
	nbd_server_forget(server);
	return ret;
}
