// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sysfs tells by NUMA node, of a pool and of a partition: the numbers of
 * TARN_PARTITION_HOMES, and whether frames were taken where they were to be.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define MIB_PAGES (1048576 / PAGE_SIZE)

static struct pool pool;
static struct pager pg;
static int part;
static u32 id;
static u8 *map;

static void begin(u64 pages)
{
	nodes_need(2);
	pool_mount(&pool, "nodes=16M:16M");
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
	id = part_info(part).id;
	node_run_on(0);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	ASSERT_EQ(part_node_value(&pool, id, 0, "home"), -1);
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void fill(u64 start, u64 count)
{
	u64 i;

	for (i = start; i < start + count; i++)
		page_fill(map + i * PAGE_SIZE, 5, i, 1);
}

static void assert_taken(unsigned int nid, s64 hit, s64 miss, s64 foreign)
{
	ASSERT_EQ(node_value(&pool, nid, "hit"), hit);
	ASSERT_EQ(node_value(&pool, nid, "miss"), miss);
	ASSERT_EQ(node_value(&pool, nid, "foreign"), foreign);
}

static void taken_where_they_were_to_be(void)
{
	begin(1024);
	pager_start(&pg, &pool);
	assert_taken(0, 0, 0, 0);
	fill(0, 256);
	assert_taken(0, 256, 0, 0);
	assert_taken(1, 0, 0, 0);
	part_set_home(part, 1, 0);
	fill(256, 512);
	assert_taken(0, 256, 0, 0);
	assert_taken(1, 512, 0, 0);
	/* A page that comes back counts again, a hit does not. */
	WAIT_FOR(!part_homes(part).misplaced_pages);
	ASSERT_EQ(part_page_out(part, 0, 100), 100);
	ASSERT_EQ(part_page_in(part, 0, 100), 100);
	fill(0, 100);
	assert_taken(0, 256, 0, 0);
	assert_taken(1, 612, 0, 0);
	pager_stop(&pg);
	end(1024);
}

static void the_same_as_the_call(void)
{
	const struct tarn_home homes[] = {
		{ .node = 0, .flags = TARN_NODE_IS_HOME, .wanted_frames = 100 },
		{ .node = 1, .flags = TARN_NODE_IS_HOME, .wanted_frames = 300 },
	};
	unsigned int nid;
	s64 misplaced = 0, moved = 0;

	begin(600);
	fill(0, 600);
	ASSERT_OK(__part_set_homes(part, homes, 2));
	WAIT_FOR(part_homes(part).moved_pages == 300);
	for (nid = 0; nid < 2; nid++) {
		ASSERT_EQ(part_node_value(&pool, id, nid, "home"), 1);
		ASSERT_EQ(part_node_value(&pool, id, nid, "wanted_frames"),
			  homes[nid].wanted_frames);
		ASSERT_EQ(part_node_value(&pool, id, nid, "resident_pages"), 300);
		misplaced += part_node_value(&pool, id, nid, "misplaced_pages");
		moved += part_node_value(&pool, id, nid, "moved_pages");
	}
	ASSERT_EQ(misplaced, part_homes(part).misplaced_pages);
	ASSERT_EQ(moved, 300);
	ASSERT_EQ(part_node_value(&pool, id, 1, "moved_pages"), 300);
	ASSERT_EQ(node_value(&pool, 1, "moved_in"), 300);
	ASSERT_EQ(node_value(&pool, 0, "moved_out"), 300);
	part_relocate(part, 0, 0);
	ASSERT_EQ(node_value(&pool, 0, "moved_in"), 300);
	ASSERT_EQ(part_node_value(&pool, id, 0, "moved_pages"), 0);
	ASSERT_OK(__part_set_homes(part, NULL, 0));
	ASSERT_EQ(part_node_value(&pool, id, 0, "home"), 0);
	ASSERT_EQ(part_node_value(&pool, id, 0, "misplaced_pages"), 0);
	end(600);
}

/* A home that is full: what was wanted there, and was taken elsewhere. */
static void taken_elsewhere(void)
{
	const u64 pages = 20 * MIB_PAGES;
	s64 foreign;

	begin(pages);
	part_set_home(part, 0, 0);
	fill(0, pages);
	foreign = node_value(&pool, 0, "foreign");
	ASSERT_GT(foreign, 0);
	ASSERT_EQ(node_value(&pool, 1, "miss"), foreign);
	ASSERT_EQ(node_value(&pool, 0, "hit") + foreign, pages);
	ASSERT_EQ(node_value(&pool, 1, "hit"), 0);
	ASSERT_EQ(node_value(&pool, 0, "miss"), 0);
	ASSERT_EQ(part_node_value(&pool, id, 1, "misplaced_pages"), foreign);
	end(pages);
}

static const struct tarn_test tests[] = {
	TEST(taken_where_they_were_to_be),
	TEST(the_same_as_the_call),
	TEST(taken_elsewhere),
};

TESTS_MAIN(tests)
