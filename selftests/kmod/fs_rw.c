// SPDX-License-Identifier: GPL-2.0-only
/*
 * read(), write() and relatives on a partition, and the tools that use them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pool.h"

#define OPTIONS "size=8M,paging=none"
#define PAGES 64

static void seek(void)
{
	struct pool p;
	int fd;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", PAGES);
	ASSERT_EQ(lseek(fd, 100, SEEK_SET), 100);
	ASSERT_EQ(lseek(fd, 5, SEEK_CUR), 105);
	ASSERT_EQ(lseek(fd, -1, SEEK_END), PAGES * 4096 - 1);
	ASSERT_EQ(lseek(fd, 1 << 20, SEEK_END), PAGES * 4096 + (1 << 20));
	ASSERT_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	ASSERT_ERR(lseek(fd, PAGES * 4096, SEEK_DATA), ENXIO);
	ASSERT_ERR(lseek(fd, PAGES * 4096, SEEK_HOLE), ENXIO);
	ASSERT_LE(lseek(fd, 0, SEEK_HOLE), PAGES * 4096);
	close(fd);
	pool_umount(&p);
}

/* Odd offsets and lengths against a copy in ordinary memory. */
static void random_reads_and_writes(void)
{
	size_t size = PAGES * PAGE_SIZE, at, len, i;
	struct rng r = { 42 };
	u8 *model, *buf, *map;
	struct pool p;
	int fd, n;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", PAGES);
	map = part_map(fd, PAGES);
	model = calloc(1, size);
	buf = malloc(size);
	for (n = 0; n < 2000; n++) {
		at = rng_below(&r, size);
		len = 1 + rng_below(&r, 3 * PAGE_SIZE);
		if (len > size - at)
			len = size - at;
		switch (rng_below(&r, 3)) {
		case 0:
			for (i = 0; i < len; i++)
				model[at + i] = buf[i] = rng_next(&r) >> 32;
			ASSERT_EQ(SYS(pwrite(fd, buf, len, at)), len);
			break;
		case 1:
			for (i = 0; i < len; i++)
				model[at + i] = map[at + i] = rng_next(&r) >> 32;
			break;
		default:
			memset(buf, 0xee, len);
			ASSERT_EQ(SYS(pread(fd, buf, len, at)), len);
			ASSERT(!memcmp(buf, model + at, len));
		}
	}
	ASSERT(!memcmp(map, model, size));
	munmap(map, size);
	close(fd);
	pool_umount(&p);
}

static void ends(void)
{
	char buf[3 * PAGE_SIZE];
	struct stat st;
	struct pool p;
	void *nowhere;
	int fd;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", 2);
	ASSERT_EQ(SYS(pread(fd, buf, sizeof(buf), PAGE_SIZE)), PAGE_SIZE);
	ASSERT_EQ(SYS(pread(fd, buf, 1, 2 * PAGE_SIZE)), 0);
	ASSERT_EQ(SYS(pread(fd, buf, 1, 1ULL << 40)), 0);
	ASSERT_EQ(SYS(pread(fd, buf, 0, 0)), 0);
	/* a write extends, as a restore by dd wants */
	memset(buf, 'x', sizeof(buf));
	ASSERT_EQ(SYS(pwrite(fd, buf, 100, 5 * PAGE_SIZE + 7)), 100);
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_size, 5 * PAGE_SIZE + 107);
	ASSERT_EQ(SYS(pread(fd, buf, sizeof(buf), 3 * PAGE_SIZE)),
		  2 * PAGE_SIZE + 107);
	ASSERT(page_is_zero(buf) && page_is_zero(buf + PAGE_SIZE));
	ASSERT_EQ(buf[2 * PAGE_SIZE + 6], 0);
	ASSERT_EQ(buf[2 * PAGE_SIZE + 7], 'x');
	ASSERT_EQ(SYS(pwrite(fd, buf, 0, 1ULL << 30)), 0);
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_size, 5 * PAGE_SIZE + 107);
	nowhere = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	ASSERT_ERR(pread(fd, nowhere, 100, 5 * PAGE_SIZE + 7), EFAULT);
	ASSERT_ERR(pwrite(fd, nowhere, 100, 0), EFAULT);
	ASSERT_OK(fsync(fd));
	ASSERT_OK(fdatasync(fd));
	close(fd);
	fd = part_open(&p, "a", O_WRONLY | O_APPEND);
	ASSERT_EQ(SYS(write(fd, "end", 3)), 3);
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_size, 5 * PAGE_SIZE + 110);
	ASSERT_ERR(read(fd, buf, 1), EBADF);
	close(fd);
	pool_umount(&p);
}

static void holes_read_as_zero_without_a_frame(void)
{
	char buf[PAGE_SIZE];
	struct pool p;
	int fd, i;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", PAGES);
	for (i = 0; i < PAGES; i++) {
		memset(buf, 1, sizeof(buf));
		ASSERT_EQ(SYS(read(fd, buf, PAGE_SIZE)), PAGE_SIZE);
		ASSERT(page_is_zero(buf));
	}
	ASSERT_EQ(pool_info(&p).resident_pages, 0);
	close(fd);
	pool_umount(&p);
}

static void vectors(void)
{
	char a[1000], b[5000], c[3000], all[9000];
	struct iovec v[3] = { { a, 1000 }, { b, 5000 }, { c, 3000 } };
	struct pool p;
	int fd, i;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", PAGES);
	for (i = 0; i < 9000; i++)
		all[i] = i * 7;
	memcpy(a, all, 1000);
	memcpy(b, all + 1000, 5000);
	memcpy(c, all + 6000, 3000);
	ASSERT_EQ(SYS(pwritev(fd, v, 3, 777)), 9000);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	memset(c, 0, sizeof(c));
	ASSERT_EQ(SYS(preadv(fd, v, 3, 777)), 9000);
	ASSERT(!memcmp(a, all, 1000) && !memcmp(b, all + 1000, 5000) &&
	       !memcmp(c, all + 6000, 3000));
	close(fd);
	pool_umount(&p);
}

/* The buffer is a mapping of what is read or written: no deadlock. */
static void buffer_in_the_same_file(void)
{
	struct pool p;
	u8 *map;
	int fd;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", PAGES);
	map = part_map(fd, PAGES);
	ASSERT_EQ(SYS(pwrite(fd, map, PAGE_SIZE, 0)), PAGE_SIZE);
	ASSERT_EQ(SYS(pread(fd, map, PAGE_SIZE, 0)), PAGE_SIZE);
	ASSERT_EQ(SYS(pread(fd, map + 9 * PAGE_SIZE, PAGE_SIZE,
			    9 * PAGE_SIZE)), PAGE_SIZE);
	page_fill(map + PAGE_SIZE, 1, 1, 1);
	ASSERT_EQ(SYS(pwrite(fd, map + PAGE_SIZE, PAGE_SIZE, 5 * PAGE_SIZE)),
		  PAGE_SIZE);
	ASSERT_PAGE(map + 5 * PAGE_SIZE, 1, 1, 1);
	ASSERT_EQ(SYS(pread(fd, map + 6 * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE)),
		  PAGE_SIZE);
	ASSERT_PAGE(map + 6 * PAGE_SIZE, 1, 1, 1);
	/* from a hole of it, over the page it comes from */
	ASSERT_EQ(SYS(pwrite(fd, map + 20 * PAGE_SIZE + 5, PAGE_SIZE,
			     20 * PAGE_SIZE)), PAGE_SIZE);
	munmap(map, PAGES * PAGE_SIZE);
	close(fd);
	pool_umount(&p);
}

static void full_pool(void)
{
	char *buf = malloc(1 << 20);
	struct tarn_pool_info info;
	struct pool p;
	u64 total = 0;
	ssize_t ret;
	int fd;

	pool_mount(&p, "size=4M,paging=none");
	fd = part_create(&p, "a", 4096);
	memset(buf, 0x77, 1 << 20);
	while ((ret = SYS(write(fd, buf, 1 << 20))) > 0)
		total += ret;
	ASSERT_EQ(ret, -ENOSPC);
	info = pool_info(&p);
	ASSERT_EQ(total / PAGE_SIZE, info.resident_pages);
	ASSERT_EQ(info.free_frames, info.frames - info.resident_pages);
	ASSERT_LE(info.free_frames, info.frames / 16);
	ASSERT_EQ(SYS(pread(fd, buf, 1 << 20, 0)), 1 << 20);
	ASSERT_EQ(buf[0], 0x77);
	ASSERT_OK(ftruncate(fd, 0));
	ASSERT_EQ(SYS(pwrite(fd, buf, 1 << 20, 0)), 1 << 20);
	close(fd);
	pool_umount(&p);
}

static int run(const char *fmt, const char *a, const char *b)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), fmt, a, b);
	return system(cmd);
}

static void dump_and_restore(void)
{
	static const char *const ways[] = {
		"dd if=%s of=%s bs=64k 2>/dev/null",
		"dd if=%s of=%s bs=64k conv=sparse,fsync 2>/dev/null",
		"dd if=%s of=%s bs=777 conv=notrunc 2>/dev/null",
		"cat <%s >%s",
		"cp %s %s",
		"cp --sparse=always %s %s",
	};
	char part[80], dump[80], back[80];
	struct pool p;
	u8 *map;
	size_t i;
	int fd, n;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", PAGES);
	map = part_map(fd, PAGES);
	for (n = 0; n < PAGES; n += 3)
		page_fill(map + n * PAGE_SIZE, 1, n, 1);
	munmap(map, PAGES * PAGE_SIZE);
	close(fd);
	snprintf(part, sizeof(part), "%s/a", p.dir);
	snprintf(back, sizeof(back), "%s/b", p.dir);
	snprintf(dump, sizeof(dump), "%s.dump", p.dir);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		if (run(ways[i], part, dump) || run(ways[i], dump, back) ||
		    run("cmp %s %s", part, back))
			FAIL("%s", ways[i]);
		if (run(ways[i], part, back) || run("cmp %s %s", part, back))
			FAIL("within the pool: %s", ways[i]);
		ASSERT_OK(unlink(dump));
		part_unlink(&p, "b");
	}
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	pool_umount(&p);
}

static void fill_file(int fd, u64 version)
{
	u8 page[PAGE_SIZE];
	u64 i;

	for (i = 0; i < PAGES; i++) {
		page_fill(page, 1, i, version);
		ASSERT_EQ(SYS(pwrite(fd, page, PAGE_SIZE, i * PAGE_SIZE)),
			  PAGE_SIZE);
	}
}

static void check_file(int fd, u64 version)
{
	u8 page[PAGE_SIZE];
	u64 i;

	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(SYS(pread(fd, page, PAGE_SIZE, i * PAGE_SIZE)),
			  PAGE_SIZE);
		ASSERT_PAGE(page, 1, i, version);
	}
}

/* All of a file in turns, each as much as @copy likes. */
static void copy_whole(ssize_t (*copy)(int from, int to, size_t len), int from,
		       int to)
{
	size_t left = PAGES * PAGE_SIZE;

	ASSERT_OK(lseek(from, 0, SEEK_SET));
	ASSERT_OK(lseek(to, 0, SEEK_SET));
	while (left) {
		ssize_t n = ASSERT_OK(copy(from, to, left));

		ASSERT_GT(n, 0);
		left -= n;
	}
}

static ssize_t by_sendfile(int from, int to, size_t len)
{
	return sendfile(to, from, NULL, len);
}

static ssize_t by_copy_file_range(int from, int to, size_t len)
{
	return copy_file_range(from, NULL, to, NULL, len, 0);
}

/* A length that is no multiple of a page, so pages are split. */
static ssize_t by_splice(int from, int to, size_t len)
{
	int pipes[2];
	ssize_t n, done = 0;

	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	n = ASSERT_OK(splice(from, NULL, pipes[1], NULL,
			     len < 5000 ? len : 5000, 0));
	while (done < n)
		done += ASSERT_OK(splice(pipes[0], NULL, to, NULL, n - done,
					 0));
	close(pipes[0]);
	close(pipes[1]);
	return n;
}

/* Within a pool, and from and to another file system. */
static void copies_by_the_kernel(void)
{
	struct pool p;
	int a, b, other;

	pool_mount(&p, OPTIONS);
	a = part_create(&p, "a", PAGES);
	b = part_create(&p, "b", PAGES);
	other = ASSERT_OK(memfd_create("other", 0));
	fill_file(a, 1);
	copy_whole(by_sendfile, a, b);
	check_file(b, 1);
	fill_file(a, 2);
	copy_whole(by_copy_file_range, a, b);
	check_file(b, 2);
	fill_file(a, 3);
	copy_whole(by_splice, a, b);
	check_file(b, 3);
	fill_file(a, 4);
	copy_whole(by_sendfile, a, other);
	check_file(other, 4);
	fill_file(other, 5);
	copy_whole(by_splice, other, a);
	check_file(a, 5);
	close(other);
	close(a);
	close(b);
	part_unlink(&p, "a");
	part_unlink(&p, "b");
	pool_assert_idle(&p);
	pool_umount(&p);
}

static const struct tarn_test tests[] = {
	TEST(seek),
	TEST(random_reads_and_writes),
	TEST(ends),
	TEST(holes_read_as_zero_without_a_frame),
	TEST(vectors),
	TEST(buffer_in_the_same_file),
	TEST(copies_by_the_kernel),
	TEST(full_pool),
	TEST(dump_and_restore),
};

TESTS_MAIN(tests)
