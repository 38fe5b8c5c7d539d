// SPDX-License-Identifier: GPL-2.0-only
/* tarn-balanced: NUMA nodes whose processors come and go. */
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "hostnode.h"
#undef HOST_NODES_DIR
static char dir[] = "/tmp/test_host.XXXXXX";
#define HOST_NODES_DIR dir
#include "../../tools/follow/host.c"
#include "tap.h"

void err(const char *fmt, ...)
{
}

int err_errno(int ret, const char *fmt, ...)
{
	return ret;
}

static void put(const char *node, const char *cpus, const char *distance)
{
	char command[300];

	snprintf(command, sizeof(command),
		 "mkdir -p %1$s/%2$s && echo %3$s >%1$s/%2$s/cpulist && echo %4$s >%1$s/%2$s/distance",
		 dir, node, cpus, distance);
	CHECK_EQ(system(command), 0);
}

static void test_processors(void)
{
	struct host host;
	char remove[64];

	CHECK(mkdtemp(dir));
	put("node0", "0-1", "10 20");
	put("node1", "2", "20 10");
	CHECK_EQ(host_read(&host), 0);
	CHECK_EQ(host.nodes.nr, 2);
	CHECK_EQ(host_node_of_cpu(&host, 3), HOST_NONE);
	/* Nothing has changed: what was counted goes on. */
	host.ticks[0] = 5;
	CHECK(!host_refresh(&host));
	CHECK_EQ(host.ticks[0], 5);
	/* One comes, and has worked before: that is no load of now. */
	put("node1", "2-3", "20 10");
	CHECK(!host_refresh(&host));
	CHECK_EQ(host_node_of_cpu(&host, 3), 1);
	CHECK_EQ(host.ticks[0], 0);
	/* A node: all indices may be others. */
	put("node0", "0-1", "10 20 30");
	put("node1", "2-3", "20 10 30");
	put("node2", "4", "30 30 10");
	CHECK(host_refresh(&host));
	CHECK_EQ(host.nodes.nr, 3);
	CHECK_EQ(host_node_of_cpu(&host, 4), 2);
	CHECK_EQ(host.distance[0][2], 30);
	/* What cannot be read is as it was. */
	put("node2", "4", "nonsense");
	CHECK(!host_refresh(&host));
	CHECK_EQ(host_node_of_cpu(&host, 4), 2);
	host_free(&host);
	snprintf(remove, sizeof(remove), "rm -r %s", dir);
	CHECK_EQ(system(remove), 0);
}

static const struct tap_test tests[] = {
	{"processors and nodes that come", test_processors},
};
TAP_MAIN(tests)
