// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: the walk over the files of a pool. Each file is a partition here. */
#include <stdarg.h>
#include <sys/ioctl.h>

static int fake_ioctl(int fd, unsigned long request, ...);

#define ioctl fake_ioctl
#include "../../tools/tarnctl/partition.c"
#undef ioctl
#include "tap.h"

#define PART_BYTES 250

/* Its number is that of its inode. */
static int fake_ioctl(int fd, unsigned long request, ...)
{
	struct tarn_partition_info *info;
	struct stat st;
	va_list args;

	va_start(args, request);
	info = va_arg(args, void *);
	va_end(args);
	CHECK_EQ(request, TARN_PARTITION_INFO);
	CHECK(!fstat(fd, &st));
	info->id = st.st_ino;
	return 0;
}

static int make_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	return close(fd);
}

/* A file in @depth directories with names of PART_BYTES. */
static void make_deep(int dir, unsigned int depth)
{
	char name[PART_BYTES + 1];
	int sub;

	memset(name, 'd', PART_BYTES);
	name[PART_BYTES] = '\0';
	make_file(dir, "ram");
	if (!depth)
		return;
	CHECK(!mkdirat(dir, name, 0700));
	sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_deep(sub, depth - 1);
	close(sub);
}

/* Names go to tables, logs and the history, which keeps them: none is longer than that. */
static void test_long_paths(void)
{
	char dir[] = "/tmp/test_walk.XXXXXX", command[64];
	struct partition_list list = { 0 };
	size_t i, longest = 0;
	int fd;

	CHECK(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_deep(fd, 6);
	CHECK_EQ(walk(&list, fd, "", 0), 0);
	/* In up to four directories; the others are found by their numbers, as nameless ones. */
	CHECK_EQ(list.count, 5);
	CHECK_EQ(list.hidden, 0);
	for (i = 0; i < list.count; i++) {
		if (strlen(list.items[i].path) > longest)
			longest = strlen(list.items[i].path);
	}
	CHECK_EQ(longest, 4 * (PART_BYTES + 1) + 3);
	partition_list_free(&list);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK(!system(command));
}

static const struct tap_test tests[] = {
	{ "paths that are too long", test_long_paths },
};

TAP_MAIN(tests)
