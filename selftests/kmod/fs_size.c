// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes and holes of a file of a pool: truncation both ways, punched holes,
 * what is sparse, what is counted.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool.h"

#define OPTIONS "size=8M,paging=none"

/* What 512 pages take: entries and what is about all of them, and checksums. */
#define LEAF_BYTES (512 * 8 + 64)
#define LEAF_SUM_BYTES (LEAF_BYTES + 512 * 4)

static off_t size_of(int fd)
{
	struct stat st;

	ASSERT_OK(fstat(fd, &st));
	return st.st_size;
}

static u64 blocks_of(int fd)
{
	struct stat st;

	ASSERT_OK(fstat(fd, &st));
	return st.st_blocks;
}

static void truncate_both_ways(void)
{
	u8 page[PAGE_SIZE];
	struct pool p;
	u8 *map;
	int fd, i;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", 16);
	map = part_map(fd, 16);
	for (i = 0; i < 16; i++)
		memset(map + i * PAGE_SIZE, 0xaa, PAGE_SIZE);
	ASSERT_EQ(blocks_of(fd), 16 * 8);
	ASSERT_OK(ftruncate(fd, 4 * PAGE_SIZE + 100));
	ASSERT_EQ(size_of(fd), 4 * PAGE_SIZE + 100);
	ASSERT_EQ(blocks_of(fd), 5 * 8);
	ASSERT_EQ(pool_info(&p).free_frames, 2048 - 5);
	ASSERT_EQ(try_read(map + 5 * PAGE_SIZE, NULL), SIGBUS);
	ASSERT_EQ(SYS(pread(fd, page, PAGE_SIZE, 4 * PAGE_SIZE)), 100);
	ASSERT_OK(ftruncate(fd, 16 * PAGE_SIZE));
	for (i = 0; i < 4 * 4096 + 100; i++)
		ASSERT_EQ(map[i], 0xaa);
	for (; i < 16 * 4096; i++)
		ASSERT_EQ(map[i], 0);
	ASSERT_OK(ftruncate(fd, 0));
	ASSERT_OK(ftruncate(fd, 16 * PAGE_SIZE));
	for (i = 0; i < 16; i++)
		ASSERT(page_is_zero(map + i * PAGE_SIZE));
	ASSERT_EQ(blocks_of(fd), 0);
	ASSERT_ERR(ftruncate(fd, -1), EINVAL);
	ASSERT_EQ(size_of(fd), 16 * PAGE_SIZE);
	munmap(map, 16 * PAGE_SIZE);
	close(fd);
	pool_umount(&p);
}

static void sparse_giant(void)
{
	u64 pages = 1ULL << 24, before;
	struct pool p;
	u8 *map;
	int fd;

	pool_mount(&p, OPTIONS);
	before = pool_info(&p).metadata_bytes;
	fd = part_create(&p, "a", pages);
	map = part_map(fd, pages);
	page_fill(map + (pages - 1) * PAGE_SIZE, 1, pages - 1, 1);
	page_fill(map, 1, 0, 1);
	ASSERT_PAGE(map + (pages - 1) * PAGE_SIZE, 1, pages - 1, 1);
	ASSERT(page_is_zero(map + pages / 2 * PAGE_SIZE));
	ASSERT_EQ(pool_info(&p).resident_pages, 2);
	/* At both ends, and where it was read. */
	ASSERT_LE(pool_info(&p).metadata_bytes, before + 3 * LEAF_BYTES);
	munmap(map, pages * PAGE_SIZE);
	close(fd);
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	pool_umount(&p);
}

/* As Documentation/admin/sizing.rst has it. */
static void metadata_is_small(void)
{
	const u64 pages = 1024;
	u64 before, done;
	struct pool p;
	u8 *map;
	int fd;

	pool_mount(&p, "size=8M");
	before = pool_info(&p).metadata_bytes;
	ASSERT_LE(10 * before, 164 * pool_info(&p).frames);
	fd = part_create(&p, "a", pages);
	map = part_map(fd, pages);
	memset(map, 0x55, pages * PAGE_SIZE);
	ASSERT_LE(pool_info(&p).metadata_bytes,
		  before + pages / 512 * LEAF_BYTES);
	/* The half of a pattern's word lies where a checksum would. */
	ASSERT_OK(__part_find_patterns(fd, 0, pages, &done));
	ASSERT_LT(0, done);
	ASSERT_LE(pool_info(&p).metadata_bytes,
		  before + pages / 512 * LEAF_SUM_BYTES);
	munmap(map, pages * PAGE_SIZE);
	close(fd);
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	WAIT_FOR(pool_info(&p).metadata_bytes == before);
	pool_umount(&p);
}

static void punch_hole(void)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct pool p;
	u8 *map;
	int fd, i;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", 16);
	map = part_map(fd, 16);
	memset(map, 0x55, 16 * PAGE_SIZE);
	ASSERT_OK(fallocate(fd, mode, 4 * PAGE_SIZE, 4 * PAGE_SIZE));
	ASSERT_EQ(blocks_of(fd), 12 * 8);
	ASSERT_EQ(part_count(fd, 4, 4, 0x0f, TARN_PAGE_EMPTY), 4);
	for (i = 0; i < 16 * 4096; i++)
		ASSERT_EQ(map[i], i / 4096 / 4 == 1 ? 0 : 0x55);
	/* parts of pages */
	ASSERT_OK(fallocate(fd, mode, PAGE_SIZE - 10, 20));
	for (i = 0; i < 2 * 4096; i++)
		ASSERT_EQ(map[i], i >= 4086 && i < 4106 ? 0 : 0x55);
	ASSERT_OK(fallocate(fd, mode, 8 * PAGE_SIZE + 1, 3 * PAGE_SIZE));
	ASSERT_EQ(map[8 * PAGE_SIZE], 0x55);
	for (i = 8 * 4096 + 1; i < 11 * 4096 + 1; i++)
		ASSERT_EQ(map[i], 0);
	ASSERT_EQ(map[11 * PAGE_SIZE + 1], 0x55);
	/* over and past the end */
	ASSERT_OK(fallocate(fd, mode, 15 * PAGE_SIZE, 100 * PAGE_SIZE));
	ASSERT_OK(fallocate(fd, mode, 500 * PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(size_of(fd), 16 * PAGE_SIZE);
	ASSERT(page_is_zero(map + 15 * PAGE_SIZE));
	ASSERT_ERR(fallocate(fd, mode, 0, 0), EINVAL);
	ASSERT_ERR(fallocate(fd, mode, -1, 1), EINVAL);
	munmap(map, 16 * PAGE_SIZE);
	close(fd);
	pool_umount(&p);
}

static u64 write_all(u8 *map, u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++) {
		if (try_write(map + i * PAGE_SIZE, 1))
			break;
	}
	return i;
}

/* What was promised is there, however much another file asks for. */
static void fallocate_keeps_its_promise(void)
{
	struct pool p;
	int fd, other;
	u8 *map;

	pool_mount(&p, "size=4M,paging=none");
	fd = part_create(&p, "a", 1000);
	other = part_create(&p, "b", 2000);
	ASSERT_OK(fallocate(fd, 0, 0, 1000 * PAGE_SIZE));
	ASSERT_EQ(part_info(fd).resident_pages, 1000);
	map = part_map(other, 2000);
	/* again and again, as reclaim is another thread's */
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(write_all(map, 2000), 24);
		msleep(2);
	}
	munmap(map, 2000 * PAGE_SIZE);
	map = part_map(fd, 1000);
	ASSERT_EQ(write_all(map, 1000), 1000);
	munmap(map, 1000 * PAGE_SIZE);
	close(fd);
	close(other);
	pool_umount(&p);
}

/* All or nothing, and what was promised before stays so. */
static void fallocate_that_fails(void)
{
	struct pool p;
	int fd;

	pool_mount(&p, "size=4M,paging=none");
	fd = part_create(&p, "a", 2000);
	ASSERT_EQ(SYS(pwrite(fd, "x", 1, 50 * PAGE_SIZE)), 1);
	ASSERT_OK(fallocate(fd, 0, 0, 100 * PAGE_SIZE));
	ASSERT_ERR(fallocate(fd, 0, 0, 2000 * PAGE_SIZE), ENOSPC);
	WAIT_FOR(pool_info(&p).free_frames == 1024 - 100);
	ASSERT_EQ(part_info(fd).resident_pages, 100);
	ASSERT_EQ(part_count(fd, 0, 100, 0x0f, TARN_PAGE_RESIDENT), 100);
	ASSERT_ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 1500 * PAGE_SIZE,
			     2000 * PAGE_SIZE), ENOSPC);
	WAIT_FOR(pool_info(&p).free_frames == 1024 - 100);
	ASSERT_EQ(size_of(fd), 2000 * PAGE_SIZE);
	/* a hole takes a promise back */
	ASSERT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    100 * PAGE_SIZE));
	ASSERT_EQ(part_info(fd).resident_pages, 0);
	close(fd);
	pool_umount(&p);
}

static void fallocate_refuses_other_modes(void)
{
	static const int modes[] = {
		FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
		FALLOC_FL_UNSHARE_RANGE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE |
			FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE | 0x100,
	};
	char page[PAGE_SIZE];
	struct pool p;
	size_t i;
	int fd;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", 16);
	page_fill(page, 1, 2, 3);
	ASSERT_EQ(SYS(pwrite(fd, page, PAGE_SIZE, 0)), PAGE_SIZE);
	/* What the kernel refuses before the filesystem sees it is EINVAL on some. */
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(fallocate(fd, modes[i], 0, PAGE_SIZE), -1);
		ASSERT_EQ(errno == EOPNOTSUPP || errno == EINVAL, 1);
	}
	ASSERT_EQ(SYS(pread(fd, page, PAGE_SIZE, 0)), PAGE_SIZE);
	ASSERT_PAGE(page, 1, 2, 3);
	close(fd);
	fd = part_open(&p, "a", O_RDONLY);
	ASSERT_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			     PAGE_SIZE), EBADF);
	close(fd);
	pool_umount(&p);
}

static void blocks_are_what_is_resident(void)
{
	struct pool p;
	u8 *map;
	int fd;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", 100);
	map = part_map(fd, 100);
	ASSERT_EQ(blocks_of(fd), 0);
	ASSERT_EQ(map[3 * PAGE_SIZE], 0);
	ASSERT_EQ(blocks_of(fd), 0);
	map[5 * PAGE_SIZE] = 1;
	map[7 * PAGE_SIZE] = 1;
	ASSERT_EQ(blocks_of(fd), 16);
	munmap(map, 100 * PAGE_SIZE);
	close(fd);
	pool_umount(&p);
}

/*
 * The largest size that is taken works to its last page: an index has fewer
 * bits inside than an offset.
 */
static void largest_file(void)
{
	u8 page[PAGE_SIZE];
	off_t size, bad;
	u8 *map;
	struct pool p;
	int fd, other;

	pool_mount(&p, OPTIONS);
	/* frames of all chunks but the last are taken by another one */
	other = part_create(&p, "b", 1800);
	map = part_map(other, 1800);
	memset(map, 1, 1800 * PAGE_SIZE);
	fd = part_create(&p, "a", 1);
	for (size = INT64_MAX & ~4095; ftruncate(fd, size); size >>= 1)
		ASSERT_EQ(errno, EFBIG);
	size &= ~4095;
	ASSERT_GE(size, 1ULL << 46);
	ASSERT_OK(ftruncate(fd, size));
	page_fill(page, 1, 1, 1);
	ASSERT_EQ(SYS(pwrite(fd, page, PAGE_SIZE, size - PAGE_SIZE)), PAGE_SIZE);
	ASSERT_EQ(SYS(pread(fd, page, PAGE_SIZE, size - PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(page, 1, 1, 1);
	ASSERT_EQ(pool_info(&p).resident_pages, 1801);
	ASSERT_OK(ftruncate(other, 0));
	/* moving it finds its owner again, in whichever frame it is */
	ASSERT_EQ(__pool_remount(&p, "size=2M"), 0);
	ASSERT_EQ(SYS(pread(fd, page, PAGE_SIZE, size - PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(page, 1, 1, 1);
	ASSERT_OK(munmap(map, 1800 * PAGE_SIZE));
	close(other);
	if (size < (INT64_MAX & ~4095)) {
		bad = 2 * size;
		ASSERT_ERR(pwrite(fd, page, 1, bad), EFBIG);
	}
	close(fd);
	pool_umount(&p);
}

static const struct tarn_test tests[] = {
	TEST(truncate_both_ways),
	TEST(sparse_giant),
	TEST(metadata_is_small),
	TEST(punch_hole),
	TEST(fallocate_keeps_its_promise),
	TEST(fallocate_that_fails),
	TEST(fallocate_refuses_other_modes),
	TEST(blocks_are_what_is_resident),
	TEST(largest_file),
};

TESTS_MAIN(tests)
