// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose pages go when a node is short (S04): of partitions that are entitled to what they
 * have, first those on it that should be elsewhere, as long as they are cold.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define MIB_PAGES (1048576 / PAGE_SIZE)

/*
 * Node 0 is full of the pages of two partitions, one of which will have too many there, and
 * node 1 of those of a third, which has more than it is entitled to: so that is what goes
 * there, and on node 0 it is one of the others that gives.
 */
#define NODE (4 * (s64)MIB_PAGES)
#define TOO_MANY 512
#define RIGHT 480
#define THIRD (NODE - 32)

struct some {
	int fd;
	u8 *map;
	u64 pages;
};

static struct pool pool;
static struct pager pg;
static struct some too_many, right, third;

static void set_weight(int fd, u32 weight)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_WEIGHT,
		.weight = weight,
	};

	tarn_op(fd, TARN_PARTITION_SET, &set);
}

static void make(struct some *s, const char *name, u64 pages, u32 weight)
{
	s->pages = pages;
	s->fd = part_create(&pool, name, pages);
	set_weight(s->fd, weight);
	s->map = part_map_filled(s->fd, pages);
}

static void unmake(struct some *s, const char *name)
{
	u64 i;

	for (i = 0; i < s->pages; i++)
		ASSERT_PAGE(s->map + i * PAGE_SIZE, 9, i, 1);
	munmap(s->map, s->pages * PAGE_SIZE);
	close(s->fd);
	part_unlink(&pool, name);
}

static u64 rounds(const struct some *s)
{
	struct tarn_partition_heat h = { .size = sizeof(h) };

	tarn_op(s->fd, TARN_PARTITION_HEAT, &h);
	return h.rounds;
}

static void come_and_go(u64 count)
{
	ASSERT_EQ(part_page_out(third.fd, 0, count), count);
	ASSERT_EQ(part_page_in(third.fd, 0, count), count);
}

/* All is looked at once more, and what is not used loses, as half a pool's worth goes. */
static void look(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN,
		.scan_permille = 1000,
	};
	u64 a, b;

	come_and_go(THIRD);
	come_and_go(64);
	/* Whatever round there was meanwhile, after an eighth there is another one. */
	a = rounds(&too_many);
	b = rounds(&right);
	come_and_go(300);
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	WAIT_FOR(rounds(&too_many) > a && rounds(&right) > b);
}

static void begin(void)
{
	nodes_need(2);
	pool_mount(&pool, "nodes=4M:4M");
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	node_run_on(1);
	make(&third, "third", THIRD, 8);
	part_set_home(third.fd, 1, 0);
	node_run_on(0);
	make(&too_many, "too-many", TOO_MANY, 128);
	make(&right, "right", RIGHT, 128);
	part_set_home(right.fd, 0, 0);
	ASSERT_EQ(part_on_node(too_many.fd, 0), TOO_MANY);
	ASSERT_EQ(part_on_node(right.fd, 0), RIGHT);
	ASSERT_EQ(part_on_node(third.fd, 1), THIRD);
	/* What is new stays; then they are as old as each other. */
	look();
	look();
}

/* The colder of the two: what comes back unasked keeps little of its use. */
static void cool_the_right(void)
{
	ASSERT_EQ(part_page_out(right.fd, 0, RIGHT), RIGHT);
	ASSERT_EQ(part_page_in(right.fd, 0, RIGHT), RIGHT);
	look();
	ASSERT_EQ(part_on_node(right.fd, 0), RIGHT);
}

static u64 gone_of(const struct some *s)
{
	struct tarn_partition_info info = part_info(s->fd);

	return info.page_outs + info.clean_drops + info.zero_drops +
	       info.pattern_drops;
}

/*
 * Reclaim that has begun goes on to a high mark of a quarter of what there is. It begins at
 * once on all nodes when a pager comes back; by itself, at the low mark, it would end as soon
 * as one node is not short any more. Nobody waits for a frame, so nothing is pressed for.
 */
static void be_short(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_WATERMARKS,
		.low_frames = 2,
		.high_frames = NODE / 2,
	};

	tarn_op(pool.fd, TARN_POOL_SET, &set);
	pager_lose(&pg, &pool);
	pager_launch(&pg);
	WAIT_FOR(node_value(&pool, 0, "free_frames") > NODE / 8);
}

static void end(void)
{
	unmake(&right, "right");
	unmake(&too_many, "too-many");
	unmake(&third, "third");
	pager_stop(&pg);
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

/* It gave all of it; the other one, though colder, nothing. */
static void gives_alone(const struct some *s, const struct some *other)
{
	u64 was = gone_of(s), others = gone_of(other);

	be_short();
	diag("%llu and %llu pages went", (unsigned long long)(gone_of(s) - was),
	     (unsigned long long)(gone_of(other) - others));
	ASSERT_GE(gone_of(s) - was, NODE / 8 - 32);
	ASSERT_EQ(gone_of(other), others);
}

static void what_is_on_no_home_goes_first(void)
{
	begin();
	cool_the_right();
	part_set_home(too_many.fd, 1, 0);
	ASSERT_EQ(part_homes(too_many.fd).misplaced_pages, TOO_MANY);
	gives_alone(&too_many, &right);
	end();
}

static void what_is_beyond_the_number_goes_first(void)
{
	begin();
	cool_the_right();
	part_set_home(too_many.fd, 0, 100);
	ASSERT_EQ(part_homes(too_many.fd).misplaced_pages, TOO_MANY - 100);
	gives_alone(&too_many, &right);
	end();
}

/* The same, but all of it is used. */
static void what_is_used_does_not(void)
{
	unsigned int times;
	u64 i;

	begin();
	cool_the_right();
	ASSERT_EQ(part_page_out(too_many.fd, 0, TOO_MANY), TOO_MANY);
	/* Each time it is used it loses less than it gains. */
	for (times = 0; times < 4; times++) {
		flush_tlb();
		for (i = 0; i < TOO_MANY; i++)
			ASSERT_PAGE(too_many.map + i * PAGE_SIZE, 9, i, 1);
		look();
	}
	ASSERT_EQ(part_on_node(too_many.fd, 0), TOO_MANY);
	part_set_home(too_many.fd, 1, 0);
	ASSERT_EQ(part_homes(too_many.fd).misplaced_pages, TOO_MANY);
	gives_alone(&right, &too_many);
	end();
}

static const struct tarn_test tests[] = {
	TEST(what_is_on_no_home_goes_first),
	TEST(what_is_beyond_the_number_goes_first),
	TEST(what_is_used_does_not),
};

TESTS_MAIN(tests)
