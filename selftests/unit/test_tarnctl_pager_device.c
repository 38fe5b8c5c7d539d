// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl pager add: what becomes of a file that it creates when the pager says yes,
 * says no, says nothing, or ends.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include "../../tools/tarnctl/client.h"
#include "../../tools/tarnctl/pager_device.c"
#include "tap.h"

static char folder[] = "/tmp/test_tarnctl_pager_device.XXXXXX";
static char path[64];

/* The socket is there already. */
int pager_open(const char *name, const struct options *opts)
{
	return -ENOENT;
}

static void fresh_path(void)
{
	snprintf(path, sizeof(path), "%s/device", folder);
	unlink(path);
}

static bool is_there(void)
{
	return !access(path, F_OK);
}

/* Ask a pager that answers @line, nothing if that is empty; NULL: it ends. */
static int ask(const char *line)
{
	const struct timeval soon = { .tv_usec = 20000 };
	json_t *answer = NULL;
	int socks[2], ret;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	CHECK_EQ(setsockopt(socks[0], SOL_SOCKET, SO_RCVTIMEO, &soon,
			    sizeof(soon)), 0);
	if (line)
		CHECK_EQ(write(socks[1], line, strlen(line)), strlen(line));
	else
		CHECK_EQ(shutdown(socks[1], SHUT_WR), 0);
	ret = call_with_device(socks[0], json_pack("{s:s}", "cmd", "add"), path,
			       true, &answer);
	if (!ret)
		json_decref(answer);
	close(socks[1]);
	return ret;
}

static void test_yes(void)
{
	fresh_path();
	CHECK_EQ(ask("{\"ok\": true, \"device\": 1}\n"), 0);
	CHECK(is_there());
}

static void test_no(void)
{
	fresh_path();
	CHECK_EQ(ask("{\"ok\": false, \"error\": \"no\"}\n"), -EREMOTEIO);
	CHECK(!is_there());
	/* It was there before. */
	close(open(path, O_RDWR | O_CREAT, 0600));
	CHECK_EQ(ask("{\"ok\": false, \"error\": \"no\"}\n"), -EREMOTEIO);
	CHECK(is_there());
}

/* It may have the file by now, or take it once it goes on. */
static void test_unknown(void)
{
	fresh_path();
	CHECK_EQ(ask(""), -ETIMEDOUT);
	CHECK(is_there());
	fresh_path();
	CHECK_EQ(ask(NULL), -ECONNRESET);
	CHECK(is_there());
	fresh_path();
	CHECK_EQ(ask("nonsense\n"), -EPROTO);
	CHECK(is_there());
}

static const struct tap_test tests[] = {
	{"a file that the pager took stays", test_yes},
	{"one that it refused goes, if it was created for that", test_no},
	{"one that it may have taken stays", test_unknown},
};

int main(void)
{
	int ret;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	fresh_path();
	rmdir(folder);
	return ret;
}
