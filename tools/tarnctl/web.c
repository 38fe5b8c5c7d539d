// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl web: says where tarn-exporter's page is, and becomes tarn-exporter where none
 * runs. That gets its socket as from systemd (sd_listen_fds(3)), so the address is right
 * once it is printed, and as root it gets no more than it needs to read the history.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "history.h"

#define CMD "tarnctl web"
/* As in tarn-exporter.socket. */
#define PORT 9871
#define WHERE "127.0.0.1:9871"
#define URL "http://" WHERE "/"
#define TITLE "<title>Tarn</title>"
#define ANSWER_SECONDS 5
/* SD_LISTEN_FDS_START */
#define GIVEN_FD 3

static struct sockaddr_in local_address(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* ---- one that runs ------------------------------------------------------------- */

static bool ask(int fd)
{
	static const char request[] = "GET / HTTP/1.0\r\nHost: " WHERE "\r\n\r\n";
	char answer[4096];
	size_t len = 0;
	ssize_t n;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return false;
	while (len < sizeof(answer) - 1 &&
	       (n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
		len += n;
	answer[len] = '\0';
	return strstr(answer, TITLE);
}

/* Return: 1 if the page is there, 0 if nobody listens, or an errno, reported. */
static int find_page(void)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	const struct sockaddr_in to = local_address();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return err_errno(-errno, "ask at " WHERE);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (!connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		ret = 1;
		if (!ask(fd)) {
			err(CMD ": what listens at " WHERE " has no page: tarn-exporter with --metrics-only, one that cannot start ('systemctl status tarn-exporter'), or another program");
			ret = -EADDRINUSE;
		}
	} else if (errno != ECONNREFUSED) {
		ret = err_errno(-errno, "ask at " WHERE);
	}
	close(fd);
	return ret;
}

/* ---- one of ours --------------------------------------------------------------- */

static int check_history(const char *path, struct stat *st)
{
	if (!stat(path, st) && !access(path, R_OK))
		return 0;
	if (errno == ENOENT)
		err(CMD ": there is no %s, of which the page is made: 'systemctl enable --now tarn-logd' has it kept",
		    path);
	else
		err_errno(-errno, CMD ": read %s; run it as root, or as one of the group tarn-monitor",
			  path);
	return -ENOENT;
}

/* So that it is the one that will be given. */
static int listen_here(void)
{
	const struct sockaddr_in at = local_address();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, ret;

	if (fd < 0)
		return err_errno(-errno, "listen at " WHERE);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, SOMAXCONN)) {
		ret = err_errno(-errno, "listen at " WHERE);
		close(fd);
		return ret;
	}
	return fd;
}

/* What answers a browser is root no more: the group of the history may read that. */
static int drop_root(const struct stat *history)
{
	const struct passwd *nobody = getpwnam("nobody");
	uid_t uid = nobody ? nobody->pw_uid : 65534;

	if (geteuid())
		return 0;
	if (setgroups(0, NULL) || setgid(history->st_gid) || setuid(uid))
		return err_errno(-errno, CMD ": become nobody");
	return 0;
}

/* sd_listen_fds() wants to know that it is meant. */
static int give(int fd)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	/* One that is there already would be closed by the exec. */
	if ((fd == GIVEN_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, GIVEN_FD)) < 0 ||
	    setenv("LISTEN_PID", pid, 1) || setenv("LISTEN_FDS", "1", 1) ||
	    unsetenv("LISTEN_FDNAMES"))
		return err_errno(-errno, CMD ": pass the socket on");
	return 0;
}

/* The one beside this program first: who is not root may not have it in the path. */
static void run_exporter(const char *history)
{
	static char path[PATH_MAX];
	char *words[] = { (char *)"tarn-exporter", (char *)"--history",
			  (char *)history, NULL };
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, words[0]);
		execv(path, words);
	}
	execvp(words[0], words);
	if (errno == ENOENT)
		err(CMD ": tarn-exporter is not installed: apt install tarn-monitor, or make install");
	else
		err_errno(-errno, CMD ": run tarn-exporter");
}

static int serve(const char *history, const struct stat *st)
{
	int fd = listen_here(), ret;

	if (fd < 0)
		return fd;
	ret = drop_root(st);
	if (!ret)
		ret = give(fd);
	if (!ret) {
		printf(URL " until this ends (^C); every user of this host may look at it\n");
		ret = err_stdout();
	}
	if (!ret) {
		run_exporter(history);
		ret = -ENOEXEC;
	}
	close(fd);
	return ret;
}

int web_main(int argc, char **argv, const struct options *opts)
{
	const char *history = opts->history ? opts->history : HISTORY_PATH;
	int ret = find_page();
	struct stat st;

	if (ret < 0)
		return ret;
	if (ret) {
		puts(URL);
		return 0;
	}
	ret = check_history(history, &st);
	if (ret)
		return ret;
	if (opts->dry_run) {
		puts("no page is there yet; tarn-exporter would be started, for " URL);
		return 0;
	}
	return serve(history, &st);
}
