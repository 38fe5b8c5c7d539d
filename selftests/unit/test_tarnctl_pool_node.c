// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: what a pool has on each node, as it is given to nodes=. */
#define POOL_NODE_ROOT "sysfs"

#include <fcntl.h>
#include <sys/stat.h>

#include "../../tools/tarnctl/pool_node.c"
#include "tap.h"

static const struct pool pool = { .uuid = "u" };

static void put(unsigned int node, unsigned long long frames)
{
	char path[64], text[32];
	int fd;

	snprintf(path, sizeof(path), "sysfs/u/node%u", node);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "sysfs/u/node%u/frames", node);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	snprintf(text, sizeof(text), "%llu\n", frames);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void check_text(unsigned int last, const char *want)
{
	char text[POOL_NODES_TEXT];

	CHECK_EQ(pool_nodes_format(&pool, last, text, sizeof(text)), 0);
	CHECK_STR(text, want);
}

static void test_format(void)
{
	char dir[] = "/tmp/test_pool_node.XXXXXX", small[8], text[64];

	CHECK(mkdtemp(dir) && !chdir(dir));
	CHECK(!mkdir("sysfs", 0700) && !mkdir("sysfs/u", 0700));
	put(0, 16ULL << 18);
	check_text(0, "16G");
	/* A node without frames is named where it is the one that was drained. */
	check_text(1, "16G:0");
	put(1, 0);
	check_text(1, "16G:0");
	put(0, 0);
	put(1, 512 * 25);
	check_text(0, "0:50M");
	/* Numbers of nodes have gaps. */
	put(3, 1536ULL << 8);
	check_text(0, "0:50M:0:1536M");
	put(1023, 512);
	CHECK_EQ(pool_nodes_format(&pool, 0, small, sizeof(small)), -E2BIG);
	CHECK(!chdir("/"));
	snprintf(text, sizeof(text), "rm -rf %s", dir);
	CHECK(!system(text));
}

static const struct tap_test tests[] = {
	{ "sizes by node", test_format },
};

TAP_MAIN(tests)
