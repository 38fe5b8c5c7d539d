// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: partitions by node as a table, as JSON and as a picture, and vCPUs. */
#include "../../tools/tarnctl/numa_show.c"
#include "../../tools/tarnctl/numa_svg.c"
#include "../../tools/tarnctl/task.c"
#include "tap.h"

#define MIB 256
#define ROWS 14

static struct numa numa;
static struct numa_row rows[ROWS];
static struct tarn_home items[ROWS][2];
static struct tarn_home total[2];
/* Of the first row: on its home, and elsewhere. */
static struct node_use uses[2];

/* Two nodes; a guest that is at home, one that has to move, others that are small. */
static void make(size_t count)
{
	static char paths[ROWS][64];
	size_t i;

	memset(&numa, 0, sizeof(numa));
	memset(rows, 0, sizeof(rows));
	numa.rows = rows;
	numa.count = count;
	numa.total = (struct homes){ .items = total, .count = 2 };
	for (i = 0; i < 2; i++) {
		total[i] = (struct tarn_home){ .node = 2 * i };
		numa.frames[2 * i] = 512 * MIB;
		numa.free[2 * i] = 128 * MIB;
	}
	for (i = 0; i < count; i++) {
		snprintf(paths[i], sizeof(paths[i]), "guests/<%zu>&\"%zu\"", i, i);
		items[i][0] = (struct tarn_home){ .node = 0, .resident_pages = MIB };
		items[i][1] = (struct tarn_home){ .node = 2, .resident_pages = 2 * MIB };
		rows[i] = (struct numa_row){
			.path = paths[i],
			.name = paths[i],
			.id = i + 1,
			.homes = { .items = items[i], .count = 2 },
		};
	}
	items[0][0].resident_pages = 200 * MIB;
	items[0][0].wanted_frames = 256 * MIB;
	items[0][0].flags = TARN_NODE_IS_HOME;
	uses[0] = (struct node_use){ .node = 2, .accessed = 900, .accessed_lately = 30 };
	uses[1] = (struct node_use){ .node = 0, .accessed = 700, .accessed_lately = 90,
				     .table_pages = 7 };
	rows[0].uses = (struct node_uses){ .items = uses, .count = 2, .place_rate = 25600,
					  .move_waits = 3 };
	/* Without homes nothing is local or is not. */
	rows[1].uses = rows[0].uses;
	rows[0].homes.misplaced_pages = 2 * MIB;
	rows[0].mark.automatic = true;
	rows[0].vcpus[0] = 40;
	numa.vcpus[0] = 40;
	rows[1].vcpus[2] = 1;
	numa.vcpus[2] = 1;
	for (i = 0; i < count; i++) {
		total[0].resident_pages += items[i][0].resident_pages;
		total[1].resident_pages += items[i][1].resident_pages;
	}
	total[0].wanted_frames = 256 * MIB;
	for (i = 0; i < count; i++)
		local_share_add(&numa.local, &rows[i].uses, &rows[i].homes);
}

static struct options numa_options;

/* What is written to stdout, by a function. */
static const char *printed(int (*fn)(const struct numa *numa,
				     const struct options *opts))
{
	static char text[16384];
	FILE *f = tmpfile();
	int out = dup(1);
	size_t len;

	fflush(stdout);
	dup2(fileno(f), 1);
	CHECK_EQ(fn(&numa, &numa_options), 0);
	fflush(stdout);
	dup2(out, 1);
	close(out);
	rewind(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	return text;
}

static void test_table(void)
{
	const char *text;

	make(2);
	text = printed(numa_print);
	CHECK(strstr(text, "NODE 0"));
	CHECK(strstr(text, "NODE 2"));
	CHECK(strstr(text, "*200M/256M"));
	CHECK(strstr(text, "LOCAL"));
	CHECK(strstr(text, "75%  0:40\n"));
	CHECK(strstr(text, "75%  0:40 2:1\n"));
	CHECK(strstr(text, "  -  2:1\n"));
	CHECK(strstr(text, "(free)"));
	CHECK(strstr(text, "512M"));
	/* Sums would be sorted among what they are of. */
	numa_options.sort = "node-2";
	text = printed(numa_print);
	CHECK(!strstr(text, "(total)"));
	numa_options = (struct options){ .headless = true };
	text = printed(numa_print);
	CHECK(!strstr(text, "NODE") && !strstr(text, "(free)"));
	CHECK(strstr(text, "\t*200M/256M\t2M\t"));
	numa_options = (struct options){ 0 };
	/* Only if it is asked for: 25600 pages a second. */
	CHECK(!strstr(printed(numa_print), "RATE"));
	numa_options = (struct options){ .columns = "name,rate" };
	text = printed(numa_print);
	CHECK(strstr(text, "RATE"));
	CHECK(strstr(text, "100M\n"));
	numa_options = (struct options){ 0 };
	/* Of files no pool was asked for. */
	memset(numa.frames, 0, sizeof(numa.frames));
	CHECK(!strstr(printed(numa_print), "(free)"));
}

static int print_json(const struct numa *of, const struct options *opts)
{
	return numa_print_json(of);
}

static void test_json(void)
{
	json_t *object, *nodes;

	make(2);
	object = json_loads(printed(print_json), 0, NULL);
	nodes = json_object_get(object, "nodes");
	CHECK_EQ(json_array_size(nodes), 2);
	CHECK_EQ(json_integer_value(json_object_get(json_array_get(nodes, 1), "node")), 2);
	CHECK_EQ(json_integer_value(json_object_get(json_array_get(nodes, 1), "vcpus")), 1);
	CHECK_EQ(json_integer_value(json_object_get(json_array_get(nodes, 1), "frames")), 512 * MIB);
	CHECK_EQ(json_integer_value(json_object_get(object, "local_percent")), 75);
	nodes = json_array_get(json_object_get(object, "partitions"), 1);
	CHECK(json_is_null(json_object_get(nodes, "local_percent")));
	nodes = json_array_get(json_object_get(object, "partitions"), 0);
	CHECK_EQ(json_integer_value(json_object_get(nodes, "local_percent")), 75);
	CHECK_EQ(json_integer_value(json_object_get(nodes, "place_rate")), 25600);
	CHECK_EQ(json_integer_value(json_object_get(nodes, "move_waits")), 3);
	CHECK(json_is_true(json_object_get(nodes, "auto")));
	nodes = json_array_get(json_object_get(nodes, "nodes"), 0);
	CHECK_EQ(json_integer_value(json_object_get(nodes, "vcpus")), 40);
	CHECK_EQ(json_integer_value(json_object_get(nodes, "accessed")), 700);
	CHECK_EQ(json_integer_value(json_object_get(nodes, "accessed_lately")), 90);
	CHECK_EQ(json_integer_value(json_object_get(nodes, "table_pages")), 7);
	json_decref(object);
	/* Its vCPUs are where it has no pages. */
	rows[1].homes.count = 1;
	object = json_loads(printed(print_json), 0, NULL);
	nodes = json_array_get(json_object_get(object, "partitions"), 1);
	nodes = json_object_get(nodes, "nodes");
	CHECK_EQ(json_array_size(nodes), 2);
	CHECK_EQ(json_integer_value(json_object_get(json_array_get(nodes, 1), "vcpus")), 1);
	json_decref(object);
}

/* To look at: TEST_SVG=/tmp/numa makes /tmp/numa-2.svg and others. */
static void show(const char *text)
{
	const char *where = getenv("TEST_SVG");
	char path[256];
	FILE *f;

	if (!where)
		return;
	snprintf(path, sizeof(path), "%s-%zu.svg", where, numa.count);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static const char *picture(void)
{
	static char *text;
	size_t len;
	FILE *f;

	free(text);
	f = open_memstream(&text, &len);
	CHECK_EQ(numa_svg_write(f, &numa, false), 0);
	fclose(f);
	show(text);
	return text;
}

static void test_picture(void)
{
	const char *text;

	make(2);
	text = picture();
	CHECK(strstr(text, "guests/&lt;0&gt;&amp;&quot;0&quot;"));
	CHECK(strstr(text, "auto: 0=256M"));
	CHECK(strstr(text, ">200M<"));
	CHECK(strstr(text, "url(#astray)"));
	CHECK(strstr(text, "40 vCPUs, not all of them shown"));
	CHECK(strstr(text, ">1 vCPU<"));
	CHECK(!strstr(text, "others"));
	CHECK(strstr(text, ">local<"));
	CHECK(strstr(text, ">75%<"));
	/* Of the two only one has homes. */
	CHECK(!strstr(strstr(text, ">75%<") + 5, "%<"));
	make(ROWS);
	CHECK(strstr(picture(), "4 others"));
	make(0);
	CHECK(strstr(picture(), "Node 2"));
}

static void test_local(void)
{
	struct local_share local = { 0 };
	struct node_uses more = { .items = uses, .count = 2 };

	CHECK_EQ(local_share_percent(&local), -1);
	make(1);
	local_share_add(&local, &more, &rows[0].homes);
	CHECK_EQ(local.home, 90);
	CHECK_EQ(local.all, 120);
	CHECK_EQ(local_share_percent(&local), 75);
	/* Pages that were moved away lately: the node is not told of any more. */
	rows[0].homes.count = 1;
	uses[0].accessed_lately = 1;
	local = (struct local_share){ 0 };
	local_share_add(&local, &more, &rows[0].homes);
	CHECK_EQ(local.all, 91);
	CHECK_EQ(local_share_percent(&local), 99);
	CHECK_EQ(node_uses_find(&more, 0).accessed, 700);
	CHECK_EQ(node_uses_find(&more, 5).accessed, 0);
	CHECK_EQ(node_use_accessed("no-such-pool", 1, 0), 0);
	CHECK_EQ(node_uses_read("no-such-pool", 1, &more), 0);
	CHECK_EQ(more.count, 0);
}

static int parse(const char *line, struct task *task)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", line);
	return task_parse(copy, task);
}

#define REST "S 1 1 1 0 -1 4194304 1 2 3 4 50 7 0 0 20 0 1 0 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 6 27 28"

static void test_tasks(void)
{
	struct task task;

	CHECK_EQ(parse("17 (CPU 0/KVM) " REST, &task), 0);
	CHECK_EQ(task.tid, 17);
	CHECK(task.vcpu);
	CHECK_EQ(task.ticks, 57);
	CHECK_EQ(task.cpu, 6);
	CHECK_EQ(task.start, 9);
	CHECK_EQ(parse("17 (CPU 12/KVM) " REST, &task), 0);
	CHECK(task.vcpu);
	CHECK_EQ(parse("17 (CPU 0/TCG) " REST, &task), 0);
	CHECK(!task.vcpu);
	CHECK_EQ(parse("17 (CPU 0/KVM x) " REST, &task), 0);
	CHECK(!task.vcpu);
	CHECK_EQ(parse("17 (a) b (c) " REST, &task), 0);
	CHECK_EQ(task.cpu, 6);
	CHECK_EQ(parse("17 (short) S 1 1", &task), -EPROTO);
	CHECK_EQ(parse("17 none", &task), -EPROTO);
	CHECK_EQ(parse("", &task), -EPROTO);
}

static const struct tap_test tests[] = {
	{ "a table", test_table },
	{ "JSON", test_json },
	{ "a picture", test_picture },
	{ "local accesses", test_local },
	{ "threads", test_tasks },
};

TAP_MAIN(tests)
