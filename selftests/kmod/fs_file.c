// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of a pool: names, directories, owners, modes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool.h"

#define OPTIONS "size=8M,paging=none"

static off_t size_of(int fd)
{
	struct stat st;

	ASSERT_OK(fstat(fd, &st));
	return st.st_size;
}

static void create(void)
{
	struct stat st;
	struct pool p;
	int fd;

	pool_mount(&p, OPTIONS);
	umask(0);
	fd = ASSERT_OK(openat(p.fd, "a", O_RDWR | O_CREAT | O_EXCL, 0640));
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_mode, S_IFREG | 0640);
	ASSERT_EQ(st.st_size, 0);
	ASSERT_EQ(st.st_nlink, 1);
	ASSERT_ERR(openat(p.fd, "a", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	close(ASSERT_OK(openat(p.fd, "a", O_RDWR | O_CREAT, 0600)));
	ASSERT_ERR(openat(p.fd, "b", O_RDWR), ENOENT);
	ASSERT_OK(ftruncate(fd, 10 * PAGE_SIZE));
	close(ASSERT_OK(openat(p.fd, "a", O_RDWR | O_TRUNC)));
	ASSERT_EQ(size_of(fd), 0);
	ASSERT_EQ(pool_info(&p).partitions, 1);
	close(fd);
	part_unlink(&p, "a");
	ASSERT_ERR(openat(p.fd, "a", O_RDWR), ENOENT);
	pool_assert_idle(&p);
	pool_umount(&p);
}

static void directories(void)
{
	struct stat st;
	struct pool p;
	int fd;

	pool_mount(&p, OPTIONS);
	ASSERT_OK(mkdirat(p.fd, "d", 0750));
	ASSERT_ERR(mkdirat(p.fd, "d", 0750), EEXIST);
	ASSERT_OK(mkdirat(p.fd, "d/e", 0700));
	ASSERT_OK(fstatat(p.fd, "d", &st, 0));
	ASSERT_EQ(st.st_nlink, 3);
	fd = part_create(&p, "d/e/f", 4);
	ASSERT_ERR(unlinkat(p.fd, "d/e", AT_REMOVEDIR), ENOTEMPTY);
	ASSERT_ERR(unlinkat(p.fd, "d/e", 0), EISDIR);
	ASSERT_OK(renameat(p.fd, "d/e", p.fd, "e"));
	ASSERT_OK(fstatat(p.fd, "d", &st, 0));
	ASSERT_EQ(st.st_nlink, 2);
	ASSERT_OK(renameat(p.fd, "e/f", p.fd, "d/g"));
	ASSERT_OK(unlinkat(p.fd, "e", AT_REMOVEDIR));
	ASSERT_ERR(unlinkat(p.fd, "d", AT_REMOVEDIR), ENOTEMPTY);
	ASSERT_OK(unlinkat(p.fd, "d/g", 0));
	ASSERT_OK(unlinkat(p.fd, "d", AT_REMOVEDIR));
	close(fd);
	pool_assert_idle(&p);
	pool_umount(&p);
}

static void rename_frees_the_overwritten(void)
{
	char page[PAGE_SIZE];
	struct pool p;
	int a, b;

	pool_mount(&p, OPTIONS);
	a = part_create(&p, "a", 8);
	b = part_create(&p, "b", 8);
	page_fill(page, 1, 0, 1);
	ASSERT_EQ(SYS(pwrite(a, page, PAGE_SIZE, 0)), PAGE_SIZE);
	ASSERT_EQ(SYS(pwrite(b, page, PAGE_SIZE, 0)), PAGE_SIZE);
	close(b);
	ASSERT_EQ(pool_info(&p).resident_pages, 2);
	ASSERT_OK(renameat(p.fd, "a", p.fd, "b"));
	WAIT_FOR(pool_info(&p).resident_pages == 1);
	ASSERT_EQ(pool_info(&p).partitions, 1);
	b = part_open(&p, "b", O_RDWR);
	memset(page, 0, sizeof(page));
	ASSERT_EQ(SYS(pread(b, page, PAGE_SIZE, 0)), PAGE_SIZE);
	ASSERT_PAGE(page, 1, 0, 1);
	ASSERT_ERR(renameat2(p.fd, "b", p.fd, "b2", 1U << 31), EINVAL);
	close(a);
	close(b);
	pool_umount(&p);
}

static void unlink_while_mapped(void)
{
	struct pool p;
	u8 *map;
	int fd;

	pool_mount(&p, OPTIONS);
	fd = part_create(&p, "a", 64);
	map = part_map(fd, 64);
	page_fill(map, 1, 0, 1);
	part_unlink(&p, "a");
	page_fill(map + PAGE_SIZE, 1, 1, 1);
	close(fd);
	ASSERT_PAGE(map, 1, 0, 1);
	ASSERT_PAGE(map + PAGE_SIZE, 1, 1, 1);
	page_fill(map + 2 * PAGE_SIZE, 1, 2, 1);
	ASSERT_EQ(pool_info(&p).resident_pages, 3);
	/* the name is free for another partition */
	fd = part_create(&p, "a", 1);
	ASSERT_EQ(pool_info(&p).partitions, 2);
	close(fd);
	part_unlink(&p, "a");
	munmap(map, 64 * PAGE_SIZE);
	pool_assert_idle(&p);
	pool_umount(&p);
}

static int as_other_user(void *arg)
{
	struct pool *p = arg;

	ASSERT_OK(setgid(4321));
	ASSERT_OK(setuid(4321));
	ASSERT_ERR(openat(p->fd, "secret", O_RDONLY), EACCES);
	ASSERT_ERR(openat(p->fd, "group", O_RDWR), EACCES);
	ASSERT_OK(openat(p->fd, "mine", O_RDWR));
	ASSERT_ERR(openat(p->fd, "new", O_RDWR | O_CREAT, 0600), EACCES);
	ASSERT_ERR(unlinkat(p->fd, "mine", 0), EACCES);
	return 0;
}

static void owners_and_modes(void)
{
	struct stat st;
	struct pool p;
	int fd;

	pool_mount(&p, OPTIONS ",mode=0755");
	ASSERT_OK(chmod(p.dir, 0711));
	ASSERT_OK(fstat(p.fd, &st));
	ASSERT_EQ(st.st_mode & 07777, 0711);
	close(part_create(&p, "secret", 1));
	close(part_create(&p, "group", 1));
	fd = part_create(&p, "mine", 1);
	ASSERT_OK(fchmod(fd, 0600));
	ASSERT_OK(fchown(fd, 4321, 4321));
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_uid, 4321);
	ASSERT_EQ(st.st_gid, 4321);
	ASSERT_OK(fchmodat(p.fd, "group", 0060, 0));
	ASSERT_EQ(reap(spawn(as_other_user, &p)), 0);
	close(fd);
	pool_umount(&p);
}

static const struct tarn_test tests[] = {
	TEST(create),
	TEST(directories),
	TEST(rename_frees_the_overwritten),
	TEST(unlink_while_mapped),
	TEST(owners_and_modes),
};

TESTS_MAIN(tests)
