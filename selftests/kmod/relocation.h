/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of relocation have in common: a range on two nodes, and what is in it. */
#ifndef SELFTESTS_KMOD_RELOCATION_H
#define SELFTESTS_KMOD_RELOCATION_H

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define MIB_PAGES (1048576 / PAGE_SIZE)
#define PAGES (4 * MIB_PAGES)
#define BLOCK_PAGES (2 * MIB_PAGES)

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static inline void begin_with(const char *options)
{
	nodes_need(2);
	pool_mount(&pool, options);
	part = part_create(&pool, "a", PAGES);
	map = part_map(part, PAGES);
	node_run_on(0);
}

static inline void begin(void)
{
	begin_with("nodes=16M:16M");
}

static inline void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static inline void fill(u64 version)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 5, i, version);
}

static inline void check(u64 version)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 5, i, version);
}

static inline long start(u32 node, u32 flags, u64 first, u64 count, u32 granule)
{
	struct tarn_partition_relocate r = {
		.op = TARN_RELOCATE_START,
		.node = node,
		.flags = flags,
		.start = first,
		.count = count,
		.granule = granule,
	};

	return __part_relocate(part, &r);
}

static inline long cancel(void)
{
	struct tarn_partition_relocate r = { .op = TARN_RELOCATE_CANCEL };

	return __part_relocate(part, &r);
}

static inline void hold(int *pipes, u64 page)
{
	struct iovec v = {
		.iov_base = map + page * PAGE_SIZE,
		.iov_len = PAGE_SIZE,
	};

	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
}

static inline void let_go(int *pipes)
{
	close(pipes[0]);
	close(pipes[1]);
}

#endif
