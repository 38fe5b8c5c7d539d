// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: what guests are called, and which partition a name means. */
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>

/* How often a file of a directory is opened. */
static unsigned int opened;

#define openat(...) (opened++, openat(__VA_ARGS__))
#include "../../tools/tarnctl/guest.c"
#undef openat
#include "../../tools/tarnctl/partition_open.c"
#include "../../tools/tarnctl/home_mark.h"
#include "tap.h"

/* @text: words with NULs between, without the last one. */
#define PARSE(guest, text) guest_parse(guest, text, sizeof(text))

static void check_name(struct guest *guest, const char *want)
{
	CHECK_STR(guest->name ? guest->name : "(none)", want);
	guest_free(guest);
	*guest = (struct guest){ 0 };
}

static void test_name(void)
{
	struct guest guest = { 0 };

	CHECK_EQ(PARSE(&guest, "/usr/bin/qemu\0-name\0web\0-m\0001G"), 0);
	CHECK_STR(guest.vmm, "qemu");
	check_name(&guest, "web");
	CHECK_EQ(PARSE(&guest, "qemu\0-name\0guest=web,debug-threads=on"), 0);
	check_name(&guest, "web");
	CHECK_EQ(PARSE(&guest, "qemu\0-name\0web,process=other"), 0);
	check_name(&guest, "web");
	CHECK_EQ(PARSE(&guest, "qemu\0-name\0process=other,guest=web"), 0);
	check_name(&guest, "web");
	CHECK_EQ(PARSE(&guest, "qemu\0--name\0guest=a,,b"), 0);
	check_name(&guest, "a,b");
	CHECK_EQ(PARSE(&guest, "qemu\0--name=web"), 0);
	check_name(&guest, "web");
	CHECK_EQ(PARSE(&guest, "qemu\0-name=a=b"), 0);
	check_name(&guest, "(none)");
}

static void test_no_name(void)
{
	struct guest guest = { 0 };

	CHECK_EQ(PARSE(&guest, "qemu\0-m\0001G"), 0);
	check_name(&guest, "(none)");
	CHECK_EQ(PARSE(&guest, "qemu\0-name"), 0);
	check_name(&guest, "(none)");
	CHECK_EQ(PARSE(&guest, "qemu\0-name\0"), 0);
	check_name(&guest, "(none)");
	CHECK_EQ(PARSE(&guest, "qemu\0-name\0debug-threads=on"), 0);
	check_name(&guest, "(none)");
	CHECK_EQ(PARSE(&guest, "qemu\0-names\0web\0name\0web"), 0);
	check_name(&guest, "(none)");
	CHECK_EQ(guest_parse(&guest, "", 0), -EINVAL);
	CHECK_EQ(guest_parse(&guest, "abc", 3), -EINVAL);
	CHECK_EQ(guest_parse(&guest, "", 1), 0);
	check_name(&guest, "(none)");
}

static void test_uuid(void)
{
	struct guest guest = { 0 };

	CHECK_EQ(PARSE(&guest, "q\0-uuid\000c0ffee00-1111-2222-3333-444444444444"),
		 0);
	CHECK_STR(guest.uuid, "c0ffee00-1111-2222-3333-444444444444");
	check_name(&guest, "(none)");
	CHECK_EQ(PARSE(&guest, "q\0-uuid\000c0ffee00-1111-2222-3333-44444444444Z"),
		 0);
	CHECK_STR(guest.uuid, "");
	check_name(&guest, "(none)");
	CHECK_EQ(PARSE(&guest, "q\0-uuid\000c0ffee00-1111-2222-3333-4444444444444"),
		 0);
	CHECK_STR(guest.uuid, "");
	check_name(&guest, "(none)");
}

static void write_pid(const char *dir, const char *name, const char *pid)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	CHECK(f != NULL);
	fputs(pid, f);
	fclose(f);
}

static void test_domain(void)
{
	char dir[] = "/tmp/tarn-guest-XXXXXX", path[256];
	struct domains domains;
	static const char *const files[] = { "db.pid", "web.1.pid", "web.xml",
					     ".pid" };
	size_t i;

	CHECK(mkdtemp(dir) != NULL);
	write_pid(dir, "db.pid", "123\n");
	write_pid(dir, "web.1.pid", "1234");
	write_pid(dir, "web.xml", "12");
	write_pid(dir, ".pid", "12");
	domains_read(&domains, dir);
	CHECK_EQ(domains.count, 2);
	CHECK_STR(domains_find(&domains, 1234), "web.1");
	CHECK_STR(domains_find(&domains, 123), "db");
	CHECK(!domains_find(&domains, 12));
	domains_free(&domains);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
	domains_read(&domains, dir);
	CHECK(!domains_find(&domains, 123));
	domains_free(&domains);
}

#define MANY 100

/* Each file is opened once, however many domains are looked for. */
static void test_many_domains(void)
{
	char dir[] = "/tmp/tarn-guest-XXXXXX", name[32], pid[16], command[64];
	struct domains domains;
	int i;

	CHECK(mkdtemp(dir) != NULL);
	for (i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "web%d.pid", i);
		snprintf(pid, sizeof(pid), "%d\n", i);
		write_pid(dir, name, pid);
	}
	opened = 0;
	domains_read(&domains, dir);
	for (i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		CHECK_STR(domains_find(&domains, i), name);
	}
	CHECK_EQ(opened, MANY);
	domains_free(&domains);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK(!system(command));
}

static struct guest_file files_a[] = { { { .dev = 1, .ino = 10 }, 0 } };
static struct guest_file files_b[] = {
	{ { .dev = 1, .ino = 11 }, 0 },
	{ { .dev = 1, .ino = 12 }, 7 },
};
static struct guest_file files_c[] = { { { .dev = 1, .ino = 10 }, 0 } };

static struct guest guests_three[] = {
	{ .pid = 5, .vm = false, .files = files_c, .count = 1 },
	{ .pid = 6, .name = "a", .vm = true, .files = files_a, .count = 1 },
	{ .pid = 7, .name = "b", .files = files_b, .count = 2 },
};

static const struct guests three = { .items = guests_three, .count = 3 };

static void test_find(void)
{
	struct partition part = { .ino = 10 };
	const struct guest_file *file = NULL;

	/* A VMM goes before what helps it. */
	CHECK(guests_find(&three, 1, &part, NULL) == &guests_three[1]);
	CHECK(!guests_find(&three, 2, &part, NULL));
	/* What has no file is known by its number. */
	part = (struct partition){ .info.id = 7 };
	CHECK(guests_find(&three, 1, &part, &file) == &guests_three[2]);
	CHECK(file == &files_b[1]);
	part.info.id = 8;
	CHECK(!guests_find(&three, 1, &part, &file));
	part.info.id = 0;
	CHECK(guests_find(&three, 1, &part, &file) != &guests_three[1]);
}

static void test_names(void)
{
	struct partition parts[] = {
		{ .path = "x/ram", .ino = 10 },
		{ .path = "x/ram1", .ino = 11 },
		{ .info.id = 7 },
		{ .path = "other", .ino = 99 },
	};
	struct partition_list list = { .items = parts, .count = 4 };
	struct pool pool = { .dev = 1 };
	char *title;
	size_t i;

	CHECK_EQ(guests_name(&three, &pool, &list), 0);
	CHECK_STR(parts[0].name, "a");
	CHECK_STR(parts[1].name, "b/ram1");
	CHECK_STR(parts[2].name, "b/id:7");
	CHECK(!parts[3].name);
	CHECK_STR(parts[0].guest, "a");
	CHECK_STR(parts[2].guest, "b");
	CHECK(!parts[3].guest);
	title = partition_title(&parts[3]);
	CHECK_STR(title, "other");
	free(title);
	for (i = 0; i < 3; i++) {
		free(parts[i].name);
		free(parts[i].guest);
	}
}

static void test_id(void)
{
	__u32 id = 0;

	CHECK_EQ(partition_id_parse("id:5", &id), 0);
	CHECK_EQ(id, 5);
	CHECK_EQ(partition_id_parse("(id:4294967295)", &id), 0);
	CHECK_EQ(id, 4294967295U);
	CHECK_EQ(partition_id_parse("web", &id), -ENOENT);
	CHECK_EQ(partition_id_parse("(web)", &id), -ENOENT);
	CHECK_EQ(partition_id_parse("id:", &id), -EINVAL);
	CHECK_EQ(partition_id_parse("id:0", &id), -EINVAL);
	CHECK_EQ(partition_id_parse("id:-1", &id), -EINVAL);
	CHECK_EQ(partition_id_parse("id:4294967296", &id), -EINVAL);
	CHECK_EQ(partition_id_parse("(id:5", &id), -EINVAL);
	CHECK_EQ(partition_id_parse("id:5)", &id), -EINVAL);
	CHECK_EQ(partition_id_parse("id:5x", &id), -EINVAL);
}

static void test_meant(void)
{
	struct partition part = { .name = "b/ram\x1b", .info.id = 3 };
	struct guest guest = { .name = "b" };
	struct search search = { .text = "b" };

	CHECK(is_meant(&search, &part, &guest));
	search.text = "b/ram\x1b";
	CHECK(is_meant(&search, &part, &guest));
	/* As it is printed, too. */
	search.text = "b/ram\\x1b";
	CHECK(is_meant(&search, &part, &guest));
	search.text = "ram";
	CHECK(!is_meant(&search, &part, &guest));
	search = (struct search){ .text = "id:3", .id = 3 };
	CHECK(is_meant(&search, &part, NULL));
	search.id = 4;
	CHECK(!is_meant(&search, &part, NULL));
	part.name = NULL;
	search = (struct search){ .text = "b" };
	CHECK(!is_meant(&search, &part, NULL));
}

/* A mark that cannot be read is not taken for none. */
static void test_unknown_mark(void)
{
	struct rlimit old, none;

	CHECK(!home_mark_read("no-such-pool", 1).unknown);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	CHECK(home_mark_read("no-such-pool", 1).unknown);
	setrlimit(RLIMIT_NOFILE, &old);
}

static const struct tap_test tests[] = {
	{ "a name on a command line", test_name },
	{ "none", test_no_name },
	{ "a mark that cannot be read", test_unknown_mark },
	{ "a uuid", test_uuid },
	{ "the domain of a pid", test_domain },
	{ "domains of many pids", test_many_domains },
	{ "whose a partition is", test_find },
	{ "names of partitions", test_names },
	{ "numbers of partitions", test_id },
	{ "which one is meant", test_meant },
};

TAP_MAIN(tests)
