// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: the reader of /proc/self/mountinfo. */
#include <sys/sysmacros.h>

#include "../../tools/tarnctl/mountinfo.c"
#include "tap.h"

static struct mount_list read_text(const char *text, int want)
{
	struct mount_list list;
	FILE *f = fmemopen((void *)text, strlen(text), "r");

	CHECK(f != NULL);
	CHECK_EQ(mountinfo_read(f, "tarnfs", &list), want);
	fclose(f);
	return list;
}

static void test_plain(void)
{
	struct mount_list list = read_text(
		"22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
		"36 22 0:45 / /run/tarn/pool0 rw,nosuid shared:9 - tarnfs tarn rw,size=524288k,mode=770\n"
		"37 22 0:46 /sub /mnt/x rw - tarnfs tarn rw,size=1g\n", 0);

	CHECK_EQ(list.count, 2);
	CHECK_EQ(list.items[0].dev, makedev(0, 45));
	CHECK_STR(list.items[0].root, "/");
	CHECK_STR(list.items[0].point, "/run/tarn/pool0");
	CHECK_STR(list.items[0].options, "rw,size=524288k,mode=770");
	CHECK_EQ(list.items[1].dev, makedev(0, 46));
	CHECK_STR(list.items[1].root, "/sub");
	mountinfo_free(&list);
	CHECK_EQ(list.count, 0);
}

static void test_escapes(void)
{
	struct mount_list list = read_text(
		"36 22 0:45 /a\\040b /run/my\\040pool\\134\\011x\\012 rw shared:9 master:2 propagate_from:3 unbindable - tarnfs ta\\040rn rw\n"
		"37 22 0:46 / /tail\\0 rw - tarnfs tarn rw\n"
		"38 22 0:47 / /no\\999 rw - tarnfs tarn rw\n", 0);

	CHECK_EQ(list.count, 3);
	CHECK_STR(list.items[0].root, "/a b");
	CHECK_STR(list.items[0].point, "/run/my pool\\\tx\n");
	CHECK_STR(list.items[1].point, "/tail\\0");
	CHECK_STR(list.items[2].point, "/no\\999");
	mountinfo_free(&list);
}

static void test_type(void)
{
	/* The type counts, not the source, and not a mere beginning of it. */
	struct mount_list list = read_text(
		"36 22 0:45 / /a rw - tmpfs tarnfs rw\n"
		"37 22 0:46 / /b rw - tarnfs2 tarn rw\n"
		"38 22 0:47 / /c rw - tarnf tarn rw\n"
		"39 22 0:48 / /d rw - fuse.tarnfs tarn rw\n", 0);

	CHECK_EQ(list.count, 0);
	mountinfo_free(&list);
}

static void test_broken(void)
{
	static const char *const lines[] = {
		"\n", "x\n", "36\n", "36 22 0:45 / /a rw\n",
		"36 22 0:45 / /a rw -\n", "36 22 0:45 / /a rw - tarnfs\n",
		"36 22 0:45 / /a rw - tarnfs tarn\n",
		"36 22 045 / /a rw - tarnfs tarn rw\n",
		"36 22 0:45 / /a rw tarnfs tarn rw\n", "- - - - - - -\n",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[256];
		struct mount_list list;

		snprintf(text, sizeof(text),
			 "%s36 22 0:45 / /good rw - tarnfs tarn rw", lines[i]);
		list = read_text(text, 0);
		CHECK_EQ(list.count, 1);
		if (list.count)
			CHECK_STR(list.items[0].point, "/good");
		mountinfo_free(&list);
	}
}

static void test_own(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	struct mount_list list;
	size_t i, roots = 0;

	CHECK(f != NULL);
	CHECK_EQ(mountinfo_read(f, "proc", &list), 0);
	for (i = 0; i < list.count; i++)
		roots += !strcmp(list.items[i].point, "/proc");
	CHECK(roots >= 1);
	mountinfo_free(&list);
	fclose(f);
}

static void test_read_error(void)
{
	/* Reading a directory fails. */
	FILE *f = fopen("/", "r");
	struct mount_list list;

	CHECK(f != NULL);
	CHECK_EQ(mountinfo_read(f, "tarnfs", &list), -EISDIR);
	mountinfo_free(&list);
	fclose(f);
}

static const struct tap_test tests[] = {
	{ "mounts of the type are found", test_plain },
	{ "octal escapes", test_escapes },
	{ "other types are left out", test_type },
	{ "broken lines are passed over", test_broken },
	{ "the table of this process", test_own },
	{ "an error of reading is returned", test_read_error },
};

TAP_MAIN(tests)
