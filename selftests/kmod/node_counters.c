// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sysfs tells by NUMA node, of a pool and of a partition: the numbers of
 * TARN_PARTITION_HOMES, whether frames were taken where they were to be, and where
 * what is used lies.
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

static void begin_with(const char *options, u64 pages)
{
	nodes_need(2);
	pool_mount(&pool, options);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
	id = part_info(part).id;
	node_run_on(0);
}

static void begin(u64 pages)
{
	begin_with("nodes=16M:16M", pages);
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

/* New ones are at home, those that there are do not move. */
static void tables_stay_where_they_were_made(void)
{
	begin(2048);
	part_set_home(part, 1, 0);
	fill(0, 1024);
	ASSERT_EQ(part_node_value(&pool, id, 0, "table_pages"), 0);
	ASSERT_EQ(part_node_value(&pool, id, 1, "table_pages"), 2);
	part_set_home(part, 0, 0);
	WAIT_FOR(!part_homes(part).misplaced_pages);
	ASSERT_EQ(part_node_value(&pool, id, 1, "table_pages"), 2);
	fill(1024, 1);
	ASSERT_EQ(part_node_value(&pool, id, 0, "table_pages"), 1);
	ASSERT_EQ(part_node_value(&pool, id, 1, "table_pages"), 2);
	end(2048);
}

/* ---- what is used where ------------------------------------------------- */

/* Half of them on each node; no whole block, which would be used as one. */
#define EACH 200

/* Goes out and comes back: rounds follow each other as pages go out. */
#define OTHERS 300
static int other;

static u64 rounds(void)
{
	struct tarn_partition_heat h = { .size = sizeof(h) };

	tarn_op(part, TARN_PARTITION_HEAT, &h);
	return h.rounds;
}

/* The scanner looks at each page once more. */
static void look(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN,
		.scan_permille = 1000,
	};
	u64 was = rounds();

	part_page_out(other, 0, OTHERS);
	part_page_in(other, 0, OTHERS);
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	WAIT_FOR(rounds() > was);
}

static void use(u64 start, u64 count)
{
	u64 i;

	flush_tlb();
	for (i = start; i < start + count; i++)
		((volatile u8 *)map)[i * PAGE_SIZE];
}

static s64 accessed(unsigned int nid)
{
	return part_node_value(&pool, id, nid, "accessed");
}

/* In percent, of accesses lately. */
static s64 on_node_0(void)
{
	s64 here = part_node_value(&pool, id, 0, "accessed_lately");
	s64 there = part_node_value(&pool, id, 1, "accessed_lately");

	return 100 * here / (here + there);
}

/* To the page: what is used, where it lies, in as many looks as there are. */
static void use_and_look(u64 start, u64 count, s64 of_0, s64 of_1)
{
	s64 was[2] = { accessed(0), accessed(1) };
	unsigned int i;

	for (i = 1; i <= 4; i++) {
		use(start, count);
		look();
		/* A look that was under way before may have passed some. */
		WAIT_FOR(accessed(0) + accessed(1) >=
			 was[0] + was[1] + i * (of_0 + of_1));
		ASSERT_EQ(accessed(0), was[0] + i * of_0);
		ASSERT_EQ(accessed(1), was[1] + i * of_1);
	}
	/* What is not used is not counted again. */
	look();
	ASSERT_EQ(accessed(0), was[0] + 4 * of_0);
	ASSERT_EQ(accessed(1), was[1] + 4 * of_1);
}

static void accesses_by_node(void)
{
	begin_with("nodes=4M:4M", 2 * EACH);
	pager_start(&pg, &pool);
	other = part_create(&pool, "other", OTHERS);
	munmap(part_map_filled(other, OTHERS), OTHERS * PAGE_SIZE);
	fill(0, EACH);
	node_run_on(1);
	fill(EACH, EACH);
	ASSERT_EQ(part_on_node(part, 1), EACH);
	/* That they were mapped is no news. */
	look();
	look();
	use_and_look(EACH, EACH, 0, EACH);
	/* As many at home as are wanted there, so the others stay. */
	part_set_home(part, 0, EACH);
	use_and_look(0, 2 * EACH, EACH, EACH);
	ASSERT_GE(on_node_0(), 45);
	ASSERT_LE(on_node_0(), 55);
	part_set_home(part, 0, 0);
	WAIT_FOR(!part_homes(part).misplaced_pages);
	/* Mapped anew. */
	use(0, 2 * EACH);
	look();
	look();
	use_and_look(0, 2 * EACH, 2 * EACH, 0);
	ASSERT_GE(on_node_0(), 95);
	close(other);
	part_unlink(&pool, "other");
	pager_stop(&pg);
	end(2 * EACH);
}

static const struct tarn_test tests[] = {
	TEST(taken_where_they_were_to_be),
	TEST(the_same_as_the_call),
	TEST(taken_elsewhere),
	TEST(tables_stay_where_they_were_made),
	TEST(accesses_by_node),
};

TESTS_MAIN(tests)
