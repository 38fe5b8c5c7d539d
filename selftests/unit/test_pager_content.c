// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a pager sees of data without a signature between the first and the last MiB: of
 * a file all that was written to it, of a disk samples.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file is a disk. */
static bool as_disk;
/* The file's filesystem says of all of it that it was written. */
static bool all_written;
/* A page that can't be read; -1: none. */
static off_t bad_page = -1;
static unsigned long long bytes_read;

static int content_fstat(int fd, struct stat *st)
{
	int ret = fstat(fd, st);

	if (as_disk)
		st->st_mode = (st->st_mode & ~S_IFMT) | S_IFBLK;
	return ret;
}

static off_t content_lseek(int fd, off_t at, int whence)
{
	if (!all_written)
		return lseek(fd, at, whence);
	return whence == SEEK_DATA ? at : lseek(fd, 0, SEEK_END);
}

static ssize_t content_pread(int fd, void *data, size_t len, off_t at)
{
	if (bad_page >= at && bad_page < at + (off_t)len) {
		errno = EIO;
		return -1;
	}
	bytes_read += len;
	return pread(fd, data, len, at);
}

#define fstat content_fstat
#define lseek content_lseek
#define pread content_pread
#include "vmm/pager/content.c"
#undef fstat
#undef lseek
#undef pread
#include "vmm/pager/log.c"

#define MIB (1ULL << 20)
#define SIZE (64 * MIB)
/* How far samples of so large a device are from each other, at most. */
#define DISTANCE (16 * PAGER_PAGE_SIZE)

static const struct content_area nothing;
static char found[CONTENT_TEXT];
static int file;

static void fresh_file(u64 size)
{
	char path[] = "/tmp/test_pager_content.XXXXXX";

	if (file)
		close(file);
	file = mkstemp(path);
	CHECK(file > 0 && !unlink(path) && !ftruncate(file, size));
	as_disk = false;
	all_written = false;
	bad_page = -1;
}

static void put_data(u64 at, size_t len)
{
	static char data[DISTANCE];

	memset(data, 'x', len);
	CHECK_EQ(pwrite(file, data, len, at), len);
}

static void check_found(u64 at)
{
	char text[CONTENT_TEXT];

	snprintf(text, sizeof(text), "data without a known signature at byte %llu",
		 (unsigned long long)at);
	CHECK_EQ(content_find(file, &nothing, true, found), 1);
	CHECK_STR(found, text);
}

static void check_nothing(void)
{
	CHECK_EQ(content_find(file, &nothing, true, found), 0);
	CHECK_STR(found, "");
}

static const u64 places[] = { MIB, MIB + 5000, 5 * MIB + 4096, SIZE / 2 + 1,
			      SIZE - MIB - 100000, SIZE - MIB - 1 };

static void test_file(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		fresh_file(SIZE);
		put_data(places[i], 1);
		check_found(places[i]);
	}
	/* A size that is none of whole pages. */
	fresh_file(SIZE + 1234);
	check_nothing();
	put_data(SIZE + 1233 - MIB, 1);
	check_found(SIZE + 1233 - MIB);
}

/* Blocks that a file has are no data. */
static void test_zeros(void)
{
	static const char zeros[MIB];
	int i;

	fresh_file(SIZE);
	CHECK_EQ(posix_fallocate(file, 0, SIZE), 0);
	check_nothing();
	for (i = 0; i < 20; i++)
		CHECK_EQ(pwrite(file, zeros, sizeof(zeros), (2 * i + 3) * MIB),
			 sizeof(zeros));
	check_nothing();
	put_data(41 * MIB + 4711, 1);
	check_found(41 * MIB + 4711);
}

/* Whatever is as large as the distance of two samples, and not all that is smaller. */
static void test_disk(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		fresh_file(SIZE);
		as_disk = true;
		check_nothing();
		put_data(places[i] / DISTANCE * DISTANCE, DISTANCE);
		CHECK_EQ(content_find(file, &nothing, true, found), 1);
	}
	fresh_file(SIZE);
	as_disk = true;
	put_data(MIB, 1);
	check_found(MIB);
	fresh_file(SIZE);
	as_disk = true;
	put_data(MIB + PAGER_PAGE_SIZE, PAGER_PAGE_SIZE);
	check_nothing();
}

static void test_unreadable(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		fresh_file(SIZE);
		as_disk = i;
		bad_page = MIB;
		CHECK_EQ(content_find(file, &nothing, true, found), -EIO);
		CHECK_STR(found, "what can't be read at byte 1048576 (Input/output error)");
	}
}

/* What a pager is known to have written, and not a byte more. */
static void test_known(void)
{
	static const struct content_area known = { 5 * MIB, 5 * MIB + PAGER_PAGE_SIZE };

	fresh_file(SIZE);
	put_data(known.from, PAGER_PAGE_SIZE);
	CHECK_EQ(content_find(file, &known, true, found), 0);
	check_found(known.from);
	put_data(known.end, 1);
	CHECK_EQ(content_find(file, &known, true, found), 1);
	CHECK(strstr(found, "at byte 5246976"));
	put_data(known.from - 1, 1);
	CHECK_EQ(content_find(file, &known, true, found), 1);
	CHECK(strstr(found, "at byte 5242879"));
	/* Who only looks for signatures does not mind. */
	CHECK_EQ(content_find(file, &nothing, false, found), 0);
}

/* A file of any size is looked at in a time that has an end. */
static void test_large(void)
{
	fresh_file(1ULL << 40);
	bytes_read = 0;
	check_nothing();
	CHECK(bytes_read <= 2 * CONTENT_EDGE + CONTENT_SAMPLES * PAGER_PAGE_SIZE);
	/* However far apart. */
	put_data(700ULL << 30, 1);
	check_found(700ULL << 30);

	fresh_file(1ULL << 40);
	all_written = true;
	bytes_read = 0;
	check_nothing();
	CHECK(bytes_read <= (CONTENT_READS + 2) * CONTENT_EDGE +
				    CONTENT_SAMPLES * PAGER_PAGE_SIZE);
	/* What is read, and samples of the rest. */
	put_data(100 * MIB + 5, 1);
	check_found(100 * MIB + 5);
	fresh_file(2048 * MIB + 2 * MIB);
	all_written = true;
	put_data(1001 * MIB, 1);
	check_found(1001 * MIB);
}

static const struct tap_test tests[] = {
	{ "all that was written to a file is seen", test_file },
	{ "zeros that were are none", test_zeros },
	{ "samples of a disk", test_disk },
	{ "one that can't be read is said where", test_unreadable },
	{ "what is known is passed over", test_known },
	{ "a large file takes no longer", test_large },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
