// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control socket of a pager, on a real socket: which requests are done, with
 * which descriptor, and which are dropped.
 */
#include "tap.h"

#include <stdlib.h>

#include "vmm/pager/control.c"
#include "vmm/pager/log.c"

static char folder[] = "/tmp/test_pager_control.XXXXXX";
static char path[64];
static struct pager pager;
static unsigned int nr_done;
static int done_fd;

char *command_run(struct pager *pager, const char *line, int *fd)
{
	nr_done++;
	done_fd = *fd;
	return strdup("{\"ok\": true}");
}

static int connect_client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	CHECK_EQ(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* All that the pager's loop finds to do. */
static void serve(void)
{
	struct pollfd fds[CONTROL_FDS];

	for (;;) {
		control_watch(fds);
		if (poll(fds, CONTROL_FDS, 0) <= 0)
			return;
		control_serve(fds);
	}
}

static void ask(int fd, const char *line)
{
	CHECK_EQ(write(fd, line, strlen(line)), strlen(line));
}

static void ask_with(int fd, const char *line, int pass)
{
	char room[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { (void *)line, strlen(line) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = room,
			      .msg_controllen = sizeof(room) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &pass, sizeof(pass));
	CHECK_EQ(sendmsg(fd, &msg, 0), strlen(line));
}

static bool answered(int fd)
{
	char buf[64];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	return n > 0 && buf[n - 1] == '\n';
}

static void test_done(void)
{
	int fd = connect_client();

	serve();
	nr_done = 0;
	ask(fd, "{}\n");
	serve();
	CHECK_EQ(nr_done, 1);
	CHECK(answered(fd));
	/* It has nothing more to say, and listens. */
	ask(fd, "{}\n");
	CHECK_EQ(shutdown(fd, SHUT_WR), 0);
	serve();
	CHECK_EQ(nr_done, 2);
	CHECK(answered(fd));
	close(fd);
	serve();
}

/* Whoever asked has given up, and has cleared up after that. */
static void test_hung_up(void)
{
	int fd = connect_client(), pipes[2];
	char byte;

	serve();
	nr_done = 0;
	CHECK_EQ(pipe(pipes), 0);
	ask_with(fd, "{}\n{}\n", pipes[1]);
	close(pipes[1]);
	close(fd);
	serve();
	CHECK_EQ(nr_done, 0);
	/* What came with it is closed. */
	CHECK_EQ(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	/* One that was not even accepted. */
	fd = connect_client();
	ask(fd, "{}\n");
	close(fd);
	serve();
	CHECK_EQ(nr_done, 0);
}

static void test_passed(void)
{
	int fd = connect_client(), pipes[2];
	char byte;

	serve();
	nr_done = 0;
	CHECK_EQ(pipe(pipes), 0);
	ask_with(fd, "{}\n", pipes[1]);
	close(pipes[1]);
	serve();
	CHECK_EQ(nr_done, 1);
	CHECK(done_fd >= 0);
	/* Not kept by the command: closed. */
	CHECK_EQ(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	ask(fd, "{}\n");
	serve();
	CHECK_EQ(nr_done, 2);
	CHECK_EQ(done_fd, -1);
	close(fd);
	serve();
}

static const struct tap_test tests[] = {
	{ "requests are done and answered", test_done },
	{ "none of a client that has hung up", test_hung_up },
	{ "a descriptor is for the request that it came with", test_passed },
};

int main(void)
{
	int ret;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	snprintf(path, sizeof(path), "%s/pager", folder);
	pager.opts.control = path;
	if (control_init(&pager))
		return EXIT_FAILURE;
	ret = tap_run(tests, ARRAY_SIZE(tests));
	unlink(path);
	rmdir(folder);
	return ret;
}
