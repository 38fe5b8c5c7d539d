// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: where a guest's memory is: mappings, layouts, ranges by hand. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/tarnctl/error.c"
#include "../../tools/tarnctl/guest_range.c"
#include "../../tools/tarnctl/layout.c"
#include "../../tools/tarnctl/maps.c"
#include "../../tools/tarnctl/text.c"
#include "tap.h"

static struct mapped_files read_text(const char *text)
{
	struct mapped_files files;
	FILE *f = fmemopen((void *)text, strlen(text), "r");

	CHECK_EQ(maps_read(f, &files), 0);
	fclose(f);
	return files;
}

static void test_maps(void)
{
	struct mapped_files files = read_text(
		"55d0e4000000-55d0e4021000 r--p 00000000 fe:01 1234                       /usr/bin/qemu\n"
		"7f0000000000-7f0040000000 rw-s 00000000 00:2d 5                          /run/tarn/pool0/my guest\n"
		"7f0040000000-7f0080000000 rw-s 40000000 00:2d 5                          /run/tarn/pool0/my guest\n"
		"7f0100000000-7f0100100000 rw-s 00000000 00:2d 6                          /run/tarn/pool0/x (deleted)\n"
		"7f0200000000-7f0200100000 rw-s 00000000 00:01 0                          /dev/zero\n"
		"7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n");

	CHECK_EQ(files.count, 2);
	CHECK_EQ(files.items[0].dev, makedev(0, 0x2d));
	CHECK_EQ(files.items[0].ino, 5);
	CHECK_EQ(files.items[0].start, 0x7f0000000000);
	CHECK_EQ(files.items[0].end, 0x7f0040000000);
	CHECK_EQ(files.items[0].offset, 0);
	CHECK_EQ(files.items[0].bytes, 0x80000000);
	CHECK_STR(files.items[0].path, "/run/tarn/pool0/my guest");
	CHECK_STR(files.items[1].path, "/run/tarn/pool0/x (deleted)");
	maps_free(&files);
	CHECK_EQ(files.count, 0);
}

/* Pieces in any order, a gap between them. */
static void test_maps_pieces(void)
{
	struct mapped_files files = read_text(
		"1000-3000 rw-s 00005000 00:2d 5 /a\n"
		"8000-9000 r--s 00001000 00:2d 5 /a\n"
		"9000-a000 r--s 00002000 00:2d 5 /a\n");

	CHECK_EQ(files.count, 1);
	CHECK_EQ(files.items[0].offset, 0x1000);
	CHECK_EQ(files.items[0].bytes, 0x6000);
	maps_free(&files);
}

/* One that hangs: here, who opens a pipe that nobody writes to. */
static void test_maps_that_hang(void)
{
	char dir[] = "/tmp/test_maps.XXXXXX", path[64];
	struct mapped_files files;
	struct timespec a, b;
	FILE *f;
	int dirfd, i;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/maps", dir);
	CHECK(!mkfifo(path, 0600));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK_EQ(maps_read_process(dirfd, "maps", 7, &files), -ETIMEDOUT);
	CHECK_EQ(maps_read_process(dirfd, "maps", 7, &files), -ETIMEDOUT);
	CHECK(maps_hang(7) && !maps_hang(8));
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK(b.tv_sec - a.tv_sec < 5);
	/* Others are read meanwhile. */
	CHECK_EQ(maps_read_process(AT_FDCWD, "/proc/self/maps", 8, &files), 0);
	maps_free(&files);
	/* It goes on, and so does who looks. */
	f = fopen(path, "w");
	fclose(f);
	for (i = 0; i < 1000 && maps_hang(7); i++)
		usleep(10000);
	CHECK(!maps_hang(7));
	unlink(path);
	CHECK_EQ(maps_read_process(dirfd, "maps", 7, &files), -ENOENT);
	close(dirfd);
	rmdir(dir);
}

static void test_maps_nonsense(void)
{
	struct mapped_files files = read_text(
		"\n"
		"nonsense\n"
		"3000-1000 rw-s 00000000 00:2d 5 /a\n"
		"1000-2000 rw-s fffffffffffff800 00:2d 5 /a\n"
		"1000-2000 rws 00000000 00:2d 5 /a\n"
		"1000-2000 rw-s 00000000 00:2d\n"
		"1000-2000 rw-s 00000000 00:2d 7 /esc\033[2J");

	CHECK_EQ(files.count, 1);
	CHECK_STR(files.items[0].path, "/esc\\x1b[2J");
	maps_free(&files);
}

/* The layout number @n of those that are there, skipping what says nothing. */
static bool nth(unsigned int n, const struct layout_memory *mem,
		struct layout *layout)
{
	unsigned int i;

	for (i = 0; layout_get(i, mem, layout); i++) {
		if (layout->count && !n--)
			return true;
	}
	return false;
}

static void check_range(const struct layout *layout, unsigned int i,
			uint64_t gpa, uint64_t bytes, uint64_t offset)
{
	CHECK(i < layout->count);
	CHECK_EQ(layout->ranges[i].gpa, gpa);
	CHECK_EQ(layout->ranges[i].bytes, bytes);
	CHECK_EQ(layout->ranges[i].offset, offset);
}

static void test_small(void)
{
	struct layout_memory mem = { .total = MIB(256), .bytes = MIB(256) };
	struct layout layout;

	CHECK(nth(0, &mem, &layout));
	CHECK_EQ(layout.count, 2);
	check_range(&layout, 0, 0, 0xa0000, 0);
	check_range(&layout, 1, 0x100000, MIB(255), 0x100000);
	/* Then with some of its end hidden. */
	CHECK(nth(1, &mem, &layout));
	check_range(&layout, 1, 0x100000, MIB(254), 0x100000);
}

static bool has_split(uint64_t total, uint64_t low)
{
	struct layout_memory mem = { .total = total, .bytes = total };
	struct layout layout;
	unsigned int n;

	for (n = 0; nth(n, &mem, &layout); n++) {
		if (layout.count == 3 &&
		    layout.ranges[1].bytes == low - MIB(1) &&
		    layout.ranges[2].gpa == GIB(4) &&
		    layout.ranges[2].offset == low &&
		    layout.ranges[2].bytes == total - low)
			return true;
	}
	return false;
}

static void test_splits(void)
{
	struct layout_memory mem = { .total = GIB(4), .bytes = GIB(4) };
	struct layout layout;

	/* That of pc comes first. */
	CHECK(nth(0, &mem, &layout));
	CHECK_EQ(layout.count, 3);
	check_range(&layout, 1, MIB(1), GIB(3) - MIB(1), MIB(1));
	check_range(&layout, 2, GIB(4), GIB(1), GIB(3));
	CHECK(has_split(GIB(4), GIB(3)));
	CHECK(has_split(GIB(4), GIB(2)));
	CHECK(has_split(GIB(3), 0xb0000000) || has_split(GIB(3), GIB(2)));
	CHECK(has_split(GIB(64), GIB(2)));
	CHECK(has_split(GIB(64), 0xe0000000));
	/* Below the split there is none. */
	CHECK(!has_split(GIB(1), GIB(1)));
}

/* All of them are sound, whatever the sizes are. */
static void test_sound(void)
{
	static const uint64_t totals[] = {
		0x1000, 0xa0000, 0xa1000, 0x100000, 0x101000, MIB(2), MIB(17),
		GIB(2) - 4096, GIB(2), GIB(2) + 4096, GIB(3), GIB(4), GIB(2048),
	};
	unsigned int t, n, i, seen;
	struct layout layout;

	for (t = 0; t < COUNT(totals); t++) {
		struct layout_memory mem = { .total = totals[t],
					     .bytes = totals[t] / 8192 * 4096 };

		mem.at = mem.total - mem.bytes;
		mem.offset = 0x7000;
		for (n = 0, seen = 0; layout_get(n, &mem, &layout); n++) {
			uint64_t sum = 0;

			CHECK(layout.count <= LAYOUT_RANGES);
			seen += !!layout.count;
			for (i = 0; i < layout.count; i++) {
				const struct tarn_vm_range *r;

				r = &layout.ranges[i];
				CHECK(r->bytes);
				CHECK(r->offset >= mem.offset);
				CHECK(r->offset + r->bytes <=
				      mem.offset + mem.bytes);
				CHECK(!i || r->gpa >= r[-1].gpa + r[-1].bytes);
				sum += r->bytes;
			}
			CHECK(sum <= mem.bytes);
		}
		CHECK(n < 1000);
		CHECK(seen || mem.total <= 0x101000);
	}
}

/* The second of two nodes: it begins in the middle of low memory. */
static void test_second_node(void)
{
	struct layout_memory mem = { .total = GIB(6),
				     .at = GIB(2),
				     .bytes = GIB(4) };
	struct layout layout;

	CHECK(nth(0, &mem, &layout));
	CHECK_EQ(layout.count, 2);
	check_range(&layout, 0, GIB(2), GIB(1), 0);
	check_range(&layout, 1, GIB(4), GIB(3), GIB(1));
}

static int parse(struct tarn_vm_range *ranges, const char *a, const char *b)
{
	struct option_list list = { .count = b ? 2 : 1, .items = { a, b } };
	int ret;

	err_defer(true);
	ret = guest_ranges_parse(&list, ranges);
	return ret;
}

static void test_ranges(void)
{
	static const char *const bad[] = {
		"", "1", "0:0:0", "0:4096", "0:4096:0:0", "0:4095:0", "x:1M:0",
		"0:1M:", "0:-1M:0", "0:1X:0", "1:1M:0", "0:1M:5",
		"0:0:4096:1M", "0:8192:0", "4096:1M:0", "0:99999999999T:0", "0xfffffffffffff000:4K:0", "0:16777216T:0",
	};
	struct tarn_vm_range ranges[TARN_VM_MAX_RANGES];
	unsigned int i;

	CHECK_EQ(parse(ranges, "4G:1G:3G", "0x100000:3071M:1M"), 2);
	CHECK_EQ(ranges[0].gpa, MIB(1));
	CHECK_EQ(ranges[0].bytes, MIB(3071));
	CHECK_EQ(ranges[0].offset, MIB(1));
	CHECK_EQ(ranges[1].gpa, GIB(4));
	CHECK_EQ(ranges[1].bytes, GIB(1));
	CHECK_EQ(ranges[1].offset, GIB(3));
	for (i = 0; i < COUNT(bad); i++) {
		if (parse(ranges, bad[i], NULL) != -EINVAL)
			printf("# --range %s\n", bad[i]);
		CHECK_EQ(parse(ranges, bad[i], NULL), -EINVAL);
		CHECK(strstr(deferred, "--range"));
	}
	CHECK_EQ(parse(ranges, "0:8K:0", "4K:4K:8K"), -EINVAL);
	CHECK(strstr(deferred, "overlap"));
	CHECK_EQ(parse(ranges, "0:8K:0", "8K:4K:4K"), -EINVAL);
}

static const struct tap_test tests[] = {
	{"mapped files", test_maps},
	{"a file in pieces", test_maps_pieces},
	{"lines that make no sense", test_maps_nonsense},
	{ "processes that hang", test_maps_that_hang },
	{"a small guest", test_small},
	{"memory above 4 GiB", test_splits},
	{"sizes of all kinds", test_sound},
	{"the second of two nodes", test_second_node},
	{"ranges by hand", test_ranges},
};

TAP_MAIN(tests)
