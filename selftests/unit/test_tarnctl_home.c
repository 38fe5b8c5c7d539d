// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: home nodes as they are given, and their sums. */
#define HOME_NODES "nodes"

#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/tarnctl/home.c"
#include "tap.h"

static int parse(struct homes *homes, const char *text)
{
	err_defer(true);
	return homes_parse(homes, "--home", text, 1000);
}

/* As it is printed again, "-" where it was refused. */
static const char *again(const char *text, bool exact)
{
	static char buf[256];
	struct homes homes;
	FILE *f;

	if (parse(&homes, text))
		return "-";
	f = fmemopen(buf, sizeof(buf), "w");
	homes_print(f, &homes, exact);
	fclose(f);
	homes_free(&homes);
	return buf;
}

static void test_parse(void)
{
	struct homes homes;

	CHECK_EQ(parse(&homes, "none"), 0);
	CHECK_EQ(homes.count, 0);
	CHECK(!homes_any(&homes));
	homes_free(&homes);
	CHECK_EQ(parse(&homes, "3,0=4G,1023=25%,1=7"), 0);
	CHECK_EQ(homes.count, 4);
	CHECK(homes_any(&homes));
	CHECK_EQ(homes.items[0].node, 3);
	CHECK_EQ(homes.items[0].flags, TARN_NODE_IS_HOME);
	CHECK_EQ(homes.items[0].wanted_frames, 0);
	CHECK_EQ(homes_find(&homes, 0)->wanted_frames, 1 << 20);
	CHECK_EQ(homes_find(&homes, 1023)->wanted_frames, 250);
	CHECK_EQ(homes_find(&homes, 1)->wanted_frames, 7);
	CHECK(!homes_find(&homes, 2));
	homes_free(&homes);
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"", ",", "0,", ",0", "0,,1", "x", "-1", "+1", " 1", "0x1",
		"1024", "99999999999999999999", "0=", "0=0", "0=lots", "0=1B",
		"0=1G=2", "=1G", "0,0", "0=1G,1,0=2G", "none,0", "0,none",
		"None", "0 1", "0-1",
	};
	struct homes homes;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(&homes, bad[i]) != -EINVAL) {
			printf("# '%s' is taken\n", bad[i]);
			tap_failed++;
		}
	}
}

static void test_print(void)
{
	CHECK_STR(again("none", false), "none");
	CHECK_STR(again("0", false), "0");
	CHECK_STR(again("0=4G,1=2G", false), "0=4G,1=2G");
	CHECK_STR(again("1,0=3", false), "1,0=12K");
	CHECK_STR(again("0=3", true), "0=12288");
}

static void test_node(void)
{
	__u32 node = 5;

	err_defer(true);
	CHECK_EQ(node_parse("--to", "0", &node), 0);
	CHECK_EQ(node, 0);
	CHECK_EQ(node_parse("--to", "1023", &node), 0);
	CHECK_EQ(node, 1023);
	CHECK_EQ(node_parse("--to", "1024", &node), -EINVAL);
	CHECK_EQ(node_parse("--to", "", &node), -EINVAL);
	CHECK_EQ(node_parse("--to", "1,2", &node), -EINVAL);
	CHECK_EQ(node, 1023);
}

static void test_sum(void)
{
	struct tarn_home a[] = {
		{ .node = 1, .resident_pages = 5 },
		{ .node = 3, .flags = TARN_NODE_IS_HOME, .wanted_frames = 9 },
	};
	struct tarn_home b[] = {
		{ .node = 0, .resident_pages = 1 },
		{ .node = 3, .resident_pages = 2, .wanted_frames = 4 },
	};
	struct homes one = { .items = a, .count = 2, .misplaced_pages = 5 };
	struct homes two = { .items = b, .count = 2, .moved_pages = 7 };
	struct homes sum = { 0 };

	CHECK_EQ(homes_add(&sum, &one), 0);
	CHECK_EQ(homes_add(&sum, &two), 0);
	CHECK_EQ(sum.count, 3);
	CHECK_EQ(sum.items[0].node, 0);
	CHECK_EQ(sum.items[1].node, 1);
	CHECK_EQ(sum.items[2].node, 3);
	CHECK_EQ(sum.items[2].resident_pages, 2);
	CHECK_EQ(sum.items[2].wanted_frames, 13);
	CHECK_EQ(sum.misplaced_pages, 5);
	CHECK_EQ(sum.moved_pages, 7);
	homes_free(&sum);
	CHECK(!sum.items);
}

/* With one node there is nothing to choose, and nothing to advise. */
static void test_choice(void)
{
	char dir[] = "/tmp/test_home.XXXXXX", text[64];

	CHECK(mkdtemp(dir) && !chdir(dir));
	CHECK(!home_has_choice());
	CHECK(!mkdir("nodes", 0700) && !mkdir("nodes/node0", 0700) &&
	      !mkdir("nodes/power", 0700));
	CHECK(!home_has_choice());
	CHECK(!mkdir("nodes/node3", 0700));
	CHECK(home_has_choice());
	CHECK(!chdir("/"));
	snprintf(text, sizeof(text), "rm -rf %s", dir);
	CHECK(!system(text));
}

static const struct tap_test tests[] = {
	{ "home nodes and what is wanted there", test_parse },
	{ "what is none", test_bad },
	{ "as they are shown", test_print },
	{ "a node", test_node },
	{ "sums by node", test_sum },
	{ "a choice of nodes", test_choice },
};

TAP_MAIN(tests)
