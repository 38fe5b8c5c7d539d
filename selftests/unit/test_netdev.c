// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network backends of descriptors that are handed over: whose they are when nothing
 * comes of it.
 */
#include <fcntl.h>

#include "../../vmm/backend/net.c"
#include "../../vmm/backend/tap.c"
#include "tap.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Descriptors that are no interface: @text has what follows them. */
static void refuse(const char *text)
{
	int fds[2];
	struct opts *opts;
	char line[128];

	CHECK_EQ(pipe(fds), 0);
	snprintf(line, sizeof(line), "tap,fd=%d,vhostfd=%d%s", fds[0], fds[1],
		 text);
	CHECK_EQ(opts_parse(&opts, "-netdev", line, "type"), 0);
	CHECK(netdev_create(opts) < 0);
	opts_destroy(opts);
	/* Closed by us, and once. */
	CHECK(is_open(fds[0]) && is_open(fds[1]));
	close(fds[0]);
	close(fds[1]);
}

static void test_refused(void)
{
	/* Found out at the very end, in the middle, and at the beginning. */
	refuse(",id=n0,vhost=on");
	refuse(",id=n0,colour=red");
	refuse("");
	CHECK(!netdev_find("n0"));
}

static const struct tap_test tests[] = {
	{"descriptors of a backend that is not made stay open", test_refused},
};

TAP_MAIN(tests)
