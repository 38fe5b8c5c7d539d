// SPDX-License-Identifier: GPL-2.0-only
/*
 * What QEMU and libvirt do to the mapping of a guest's memory: advice, removal,
 * population, NUMA policy.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool.h"

#define OPTIONS "size=8M,paging=none"
#define PAGES 64
#define BYTES (PAGES * PAGE_SIZE)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static struct pool p;
static int fd;
static u8 *map;

static void begin(const char *options)
{
	int i;

	pool_mount(&p, options);
	fd = part_create(&p, "a", PAGES);
	map = part_map(fd, PAGES);
	for (i = 0; i < 8; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
}

static void end(void)
{
	int i;

	for (i = 0; i < 8; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 1, i, 1);
	munmap(map, BYTES);
	close(fd);
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	pool_umount(&p);
}

static void advice_of_qemu(void)
{
	static const struct {
		int advice;
		bool optional;
	} list[] = {
		{ MADV_DONTDUMP, false }, { MADV_DONTFORK, false },
		/* Newer kernels take it for no special mapping (VM_DONTEXPAND). */
		{ MADV_DOFORK, true },	  { MADV_DODUMP, true },
		{ MADV_HUGEPAGE, true },  { MADV_NOHUGEPAGE, true },
		{ MADV_MERGEABLE, true }, { MADV_UNMERGEABLE, true },
		{ MADV_RANDOM, false },	  { MADV_SEQUENTIAL, false },
		{ MADV_NORMAL, false },	  { MADV_WILLNEED, true },
		{ MADV_DONTNEED, false }, { MADV_COLD, true },
		{ MADV_PAGEOUT, true },	  { MADV_FREE, true },
	};
	size_t i;
	int ret;

	begin(OPTIONS);
	for (i = 0; i < ARRAY_SIZE(list); i++) {
		ret = SYS(madvise(map, BYTES, list[i].advice));
		if (ret && !(list[i].optional && ret == -EINVAL))
			FAIL("advice %d: %s", list[i].advice, strerror(-ret));
		ASSERT_PAGE(map + 3 * PAGE_SIZE, 1, 3, 1);
	}
	end();
}

static void remove_frees(void)
{
	begin(OPTIONS);
	page_fill(map + 30 * PAGE_SIZE, 1, 30, 1);
	page_fill(map + 31 * PAGE_SIZE, 1, 31, 1);
	ASSERT_EQ(pool_info(&p).resident_pages, 10);
	ASSERT_OK(madvise(map + 30 * PAGE_SIZE, 2 * PAGE_SIZE, MADV_REMOVE));
	WAIT_FOR(pool_info(&p).free_frames == 2048 - 8);
	ASSERT(page_is_zero(map + 30 * PAGE_SIZE));
	ASSERT_EQ(part_state(fd, 31), TARN_PAGE_EMPTY);
	page_fill(map + 30 * PAGE_SIZE, 1, 30, 2);
	ASSERT_PAGE(map + 30 * PAGE_SIZE, 1, 30, 2);
	end();
}

static void populate(void)
{
	begin(OPTIONS);
	ASSERT_OK(madvise(map, BYTES, MADV_POPULATE_READ));
	ASSERT_EQ(pool_info(&p).resident_pages, 8);
	ASSERT_OK(madvise(map, BYTES, MADV_POPULATE_WRITE));
	ASSERT_EQ(pool_info(&p).resident_pages, PAGES);
	ASSERT_EQ(part_count(fd, 0, PAGES, 0x1f, TARN_PAGE_RESIDENT), PAGES);
	ASSERT(page_is_zero(map + 40 * PAGE_SIZE));
	end();
}

/* As QEMU with host-nodes=, policy=bind: before first touch, and after. */
static void mbind_is_harmless(void)
{
	unsigned long nodes = 1;
	int ret;
	u8 *m;

	begin(OPTIONS);
	m = part_map(fd, PAGES);
	ret = SYS(syscall(SYS_mbind, m, BYTES, MPOL_BIND, &nodes,
			  sizeof(nodes) * 8,
			  MPOL_MF_STRICT | MPOL_MF_MOVE));
	TEST_REQUIRE(ret != -ENOSYS, "no NUMA policies in this kernel");
	ASSERT_EQ(ret, 0);
	ASSERT_PAGE(m, 1, 0, 1);
	m[50 * PAGE_SIZE] = 9;
	ret = SYS(syscall(SYS_mbind, map, BYTES, MPOL_BIND, &nodes,
			  sizeof(nodes) * 8,
			  MPOL_MF_STRICT | MPOL_MF_MOVE));
	ASSERT(!ret || ret == -EIO);
	ret = SYS(syscall(SYS_mbind, map, BYTES, MPOL_PREFERRED, &nodes,
			  sizeof(nodes) * 8, 0));
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(map[50 * PAGE_SIZE], 9);
	munmap(m, BYTES);
	end();
}

static const struct tarn_test tests[] = {
	TEST(advice_of_qemu),
	TEST(remove_frees),
	TEST(populate),
	TEST(mbind_is_harmless),
};

TESTS_MAIN(tests)
