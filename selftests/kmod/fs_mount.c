// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounting a pool: options good and bad, statfs, several pools.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "pager.h"

#define MIB (1UL << 20)

static struct statfs pool_statfs(struct pool *p)
{
	struct statfs s;

	ASSERT_OK(statfs(p->dir, &s));
	return s;
}

static u64 bytes_of(const char *options)
{
	struct pool p;
	u64 frames;

	pool_mount(&p, options);
	frames = pool_info(&p).frames;
	ASSERT_EQ(pool_info(&p).free_frames, frames);
	pool_umount(&p);
	return frames * PAGE_SIZE;
}

static void sizes(void)
{
	struct sysinfo si;
	u64 percent;

	ASSERT_EQ(bytes_of("size=8388608"), 8 * MIB);
	ASSERT_EQ(bytes_of("size=8192K"), 8 * MIB);
	ASSERT_EQ(bytes_of("size=8192k"), 8 * MIB);
	ASSERT_EQ(bytes_of("size=8M"), 8 * MIB);
	ASSERT_EQ(bytes_of("size=8m"), 8 * MIB);
	ASSERT_OK(sysinfo(&si));
	if (si.freeram * (u64)si.mem_unit > 1300 * MIB)
		ASSERT_EQ(bytes_of("size=1G"), 1024 * MIB);
	percent = si.totalram * (u64)si.mem_unit / 100;
	ASSERT_LE(llabs((long long)(bytes_of("size=1%") - percent)), 4 * MIB);
}

static void size_is_a_multiple_of_a_chunk(void)
{
	u64 bytes = bytes_of("size=8000001");

	ASSERT_EQ(bytes % (2 * MIB), 0);
	ASSERT_LE(llabs((long long)bytes - 8000001), 2 * MIB);
}

static void bad_options(void)
{
	static const char *const bad[] = {
		"", "size", "size=", "size=0", "size=-1", "size=-8M",
		"size=abc", "size=8Q", "size=8M8", "size=8 M", "size=0%",
		"size=101%", "size=-1%", "size=%", "size=M",
		"size=8M,nodes=8M", "nodes=", "nodes=8Q", "nodes=0",
		"nodes=8M,size=8M", "nodes=0:0:0:0:0:0:0:0:8M",
		"size=8M,mode=", "size=8M,mode=9", "size=8M,mode=rwx",
		"size=8M,mode=0100000", "size=8M,uid=", "size=8M,uid=x",
		"size=8M,gid=", "size=8M,gid=x", "size=8M,uid=4294967295",
		"size=8M,gid=4294967295", "size=8M,paging",
		"size=8M,paging=", "size=8M,paging=maybe",
		"size=8M,paging=nonesuch", "size=8M,unknown",
		"size=8M,unknown=1", "size=8M,Size=8M", "size=8M,uid",
	};
	char dir[] = "/tmp/tarn.XXXXXX";
	size_t i;
	int ret;

	ASSERT(mkdtemp(dir));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ret = __pool_mount(dir, bad[i]);
		TEST_REQUIRE(ret != -ENODEV, "the module tarn is not loaded");
		if (ret != -EINVAL)
			FAIL("mount with \"%s\": %d", bad[i], ret);
	}
	ASSERT_EQ(__pool_mount(dir, NULL), -EINVAL);
	ASSERT_OK(rmdir(dir));
}

/* What is too much is refused, and does not wrap around to something small. */
static void larger_than_memory(void)
{
	static const char *const sizes[] = {
		"size=1000G", "size=16777216T", "size=18446744073717940224",
		"size=17179869192G", "size=99999999999999999999999",
		"size=18446744073709551615", "nodes=1000G",
	};
	char dir[] = "/tmp/tarn.XXXXXX";
	size_t i;
	int ret;

	ASSERT(mkdtemp(dir));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ret = __pool_mount(dir, sizes[i]);
		TEST_REQUIRE(ret != -ENODEV, "the module tarn is not loaded");
		if (ret != -ENOMEM && ret != -EINVAL)
			FAIL("mount with \"%s\": %d", sizes[i], ret);
	}
	ASSERT_OK(rmdir(dir));
}

static void root_directory(void)
{
	struct stat st;
	struct pool p;

	pool_mount(&p, "size=8M,mode=0751,uid=1234,gid=5678,paging=none");
	ASSERT_OK(fstat(p.fd, &st));
	ASSERT_EQ(st.st_mode, S_IFDIR | 0751);
	ASSERT_EQ(st.st_uid, 1234);
	ASSERT_EQ(st.st_gid, 5678);
	ASSERT_EQ(pool_info(&p).flags, 0);
	pool_umount(&p);
	pool_mount(&p, "size=8M,paging=pager");
	ASSERT_EQ(pool_info(&p).flags, TARN_POOL_PAGING);
	pool_umount(&p);
	pool_mount(&p, "size=8M");
	ASSERT_EQ(pool_info(&p).flags, TARN_POOL_PAGING);
	pool_umount(&p);
}

static void options_are_shown(void)
{
	char line[512];
	bool found = false;
	struct pool p;
	FILE *f;

	pool_mount(&p, "size=8M,mode=0751,uid=1234,gid=5678,paging=none");
	f = fopen("/proc/self/mountinfo", "r");
	ASSERT(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, p.dir))
			continue;
		found = true;
		ASSERT(strstr(line, "tarnfs"));
		ASSERT(strstr(line, "paging=none"));
		ASSERT(strstr(line, "uid=1234"));
		ASSERT(strstr(line, "gid=5678"));
		ASSERT(strstr(line, "751"));
		ASSERT(strstr(line, "size=8192K") || strstr(line, "size=8M") ||
		       strstr(line, "size=8192k") ||
		       strstr(line, "size=8388608") || strstr(line, "nodes="));
	}
	fclose(f);
	ASSERT(found);
	pool_umount(&p);
}

static int in_user_namespace(void *dir)
{
	TEST_REQUIRE(!unshare(CLONE_NEWUSER | CLONE_NEWNS),
		     "no user namespaces here");
	return -__pool_mount(dir, "size=8M");
}

static void user_namespace_may_not(void)
{
	int status;
	struct pool p;

	pool_mount(&p, "size=8M");
	status = reap(spawn(in_user_namespace, p.dir));
	TEST_REQUIRE(status != 4, "no user namespaces here");
	ASSERT_EQ(status, EPERM);
	pool_umount(&p);
}

static void statfs_shows_the_pool(void)
{
	struct statfs before, after;
	struct pool p;
	u8 *map;
	int fd, i;

	pool_mount(&p, "size=8M,paging=none");
	before = pool_statfs(&p);
	ASSERT_EQ(before.f_type, TARN_SUPER_MAGIC);
	ASSERT_EQ(before.f_bsize, PAGE_SIZE);
	ASSERT_EQ(before.f_blocks, 2048);
	ASSERT_EQ(before.f_bfree, 2048);
	fd = part_create(&p, "a", 4096);
	map = part_map(fd, 4096);
	for (i = 0; i < 100; i++)
		map[i * PAGE_SIZE] = 1;
	after = pool_statfs(&p);
	ASSERT_EQ(after.f_blocks, 2048);
	ASSERT_EQ(after.f_bfree, before.f_bfree - 100);
	part_unlink(&p, "a");
	munmap(map, 4096 * PAGE_SIZE);
	close(fd);
	pool_assert_idle(&p);
	ASSERT_EQ(pool_statfs(&p).f_bfree, 2048);
	pool_umount(&p);
}

static void several_pools(void)
{
	struct pool p[4];
	int fd[4], i, j;
	u8 *map[4];

	for (i = 0; i < 4; i++) {
		pool_mount(&p[i], i & 1 ? "size=4M,paging=none" : "size=8M");
		fd[i] = part_create(&p[i], "same", 16);
		map[i] = part_map(fd[i], 16);
		page_fill(map[i], i, 0, 1);
	}
	for (i = 0; i < 4; i++) {
		ASSERT_PAGE(map[i], i, 0, 1);
		ASSERT_EQ(pool_info(&p[i]).frames, i & 1 ? 1024 : 2048);
		ASSERT_EQ(pool_info(&p[i]).resident_pages, 1);
		for (j = 0; j < i; j++) {
			ASSERT(memcmp(pool_info(&p[i]).uuid,
				      pool_info(&p[j]).uuid, TARN_UUID_SIZE));
		}
	}
	ASSERT_EQ(SYS(renameat(p[0].fd, "same", p[1].fd, "other")), -EXDEV);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(__pool_umount(&p[i]), -EBUSY);
		munmap(map[i], 16 * PAGE_SIZE);
		close(fd[i]);
		pool_umount(&p[i]);
	}
}

static const struct tarn_test tests[] = {
	TEST(sizes),
	TEST(size_is_a_multiple_of_a_chunk),
	TEST(bad_options),
	TEST(larger_than_memory),
	TEST(root_directory),
	TEST(options_are_shown),
	TEST(user_namespace_may_not),
	TEST(statfs_shows_the_pool),
	TEST(several_pools),
};

TESTS_MAIN(tests)
