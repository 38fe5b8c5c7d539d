// SPDX-License-Identifier: GPL-2.0-only
/*
 * Home nodes (S04): where frames are taken, what happens when a home is full, and how
 * pages come home, the most used first (S06).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define MIB_PAGES (1048576 / PAGE_SIZE)

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static void begin(const char *options, u64 pages)
{
	nodes_need(2);
	pool_mount(&pool, options);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void fill(u64 start, u64 count)
{
	u64 i;

	for (i = start; i < start + count; i++)
		page_fill(map + i * PAGE_SIZE, 5, i, 1);
}

static void check(u64 start, u64 count)
{
	u64 i;

	for (i = start; i < start + count; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 5, i, 1);
}

/* Whichever processor touches it. */
static void a_new_page_is_at_home(void)
{
	begin("nodes=16M:16M", 512);
	node_run_on(0);
	part_set_home(part, 1, 0);
	fill(0, 256);
	ASSERT_EQ(part_on_node(part, 0), 0);
	ASSERT_EQ(part_on_node(part, 1), 256);
	part_set_home(part, 0, 0);
	fill(256, 256);
	ASSERT_GE(part_on_node(part, 0), 256);
	end(512);
}

/* As many on each as is wanted, to the page. */
static void numbers_are_kept(void)
{
	const struct tarn_home homes[] = {
		{ .node = 1, .flags = TARN_NODE_IS_HOME, .wanted_frames = 100 },
		{ .node = 0, .flags = TARN_NODE_IS_HOME, .wanted_frames = 300 },
	};

	begin("nodes=16M:16M", 400);
	ASSERT_OK(__part_set_homes(part, homes, 2));
	node_run_on(1);
	fill(0, 400);
	ASSERT_EQ(part_on_node(part, 0), 300);
	ASSERT_EQ(part_on_node(part, 1), 100);
	ASSERT_EQ(part_homes(part).misplaced_pages, 0);
	check(0, 400);
	end(400);
}

static void a_page_comes_back_to_its_home(void)
{
	const u64 pages = 512;

	begin("nodes=16M:16M", pages);
	pager_start(&pg, &pool);
	node_run_on(0);
	fill(0, pages);
	ASSERT_EQ(part_page_out(part, 0, pages), pages);
	part_set_home(part, 1, 0);
	check(0, pages);
	ASSERT_EQ(part_on_node(part, 1), pages);
	pager_stop(&pg);
	end(pages);
}

/* Which nobody asked for, so it could lie where the one that did runs. */
static void what_is_read_ahead_is_at_home(void)
{
	const u64 pages = 512;
	u64 ahead;

	begin("nodes=16M:16M", pages);
	pager_start(&pg, &pool);
	pool_readahead(&pool, 32);
	node_run_on(0);
	fill(0, pages);
	ASSERT_EQ(part_page_out(part, 0, pages), pages);
	part_set_home(part, 1, 0);
	ahead = part_info(part).readahead;
	check(0, pages / 2);
	WAIT_FOR(!part_count(part, 0, pages, TARN_PAGE_IN_FLIGHT,
			     TARN_PAGE_IN_FLIGHT));
	ahead = part_info(part).readahead - ahead;
	ASSERT_GE(ahead, pages / 4);
	ASSERT_EQ(part_on_node(part, 0), 0);
	ASSERT_GE(part_on_node(part, 1), pages / 2);
	/* Frames were taken there at once: nothing had to be moved. */
	ASSERT_EQ(node_value(&pool, 1, "hit"), part_on_node(part, 1));
	ASSERT_EQ(part_homes(part).moved_pages, 0);
	pager_stop(&pg);
	end(pages);
}

/* A home that is full is passed over, without anything going out, and that is repaired. */
static void a_full_home_is_repaired_later(void)
{
	const u64 other = 13 * MIB_PAGES, pages = 6 * MIB_PAGES;
	struct tarn_pool_info info;
	u8 *first;
	int fd;

	begin("nodes=16M:16M", pages);
	pager_start(&pg, &pool);
	node_run_on(0);
	fd = part_create(&pool, "other", other);
	first = part_map_filled(fd, other);
	part_set_home(part, 0, 0);
	fill(0, pages);
	info = pool_info(&pool);
	ASSERT_EQ(info.page_outs + info.clean_drops, 0);
	ASSERT_GT(part_on_node(part, 1), 0);
	ASSERT_GT(part_homes(part).misplaced_pages, 0);
	munmap(first, other * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "other");
	WAIT_FOR(!part_homes(part).misplaced_pages);
	ASSERT_EQ(part_on_node(part, 0), pages);
	ASSERT_GT(part_homes(part).moved_pages, 0);
	ASSERT_EQ(pool_info(&pool).page_outs, info.page_outs);
	check(0, pages);
	pager_stop(&pg);
	end(pages);
}

/* For fewer pages than it has a 2 MiB frame is not taken apart. */
static void a_block_stays_whole_for_a_few_pages(void)
{
	const struct tarn_home homes[] = {
		{ .node = 0, .flags = TARN_NODE_IS_HOME, .wanted_frames = 987 },
		{ .node = 1, .flags = TARN_NODE_IS_HOME, .wanted_frames = 549 },
	};
	const u64 pages = 6 * MIB_PAGES;

	begin("nodes=16M:16M,huge=always", pages);
	node_run_on(0);
	fill(0, pages);
	ASSERT_EQ(part_info(part).block_pages, pages);
	ASSERT_EQ(part_on_node(part, 0), pages);
	ASSERT_OK(__part_set_homes(part, homes, 2));
	WAIT_FOR(part_on_node(part, 1) >= 512);
	/* Some turns of the thread, which has no more to do. */
	msleep(1500);
	ASSERT_EQ(part_on_node(part, 1), 512);
	ASSERT_EQ(part_info(part).block_pages, pages);
	check(0, pages);
	end(pages);
}

/* Of four nodes the one that is nearest to another, if it alone is. */
static unsigned int nearest_to(unsigned int nid)
{
	unsigned int distance[4], i, best = !nid;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/distance",
		 nid);
	f = fopen(path, "r");
	ASSERT(f);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(fscanf(f, "%u", &distance[i]), 1);
	fclose(f);
	for (i = 0; i < 4; i++)
		if (i != nid && distance[i] < distance[best])
			best = i;
	for (i = 0; i < 4; i++)
		TEST_REQUIRE(i == nid || i == best ||
			     distance[i] > distance[best],
			     "needs a node that is nearer than others");
	return best;
}

/* Fills its home, then what is nearest to that, wherever the processor is, then the rest. */
static void overflow(unsigned int home)
{
	const u64 node = 8 * MIB_PAGES, high = node / 32, pages = 3 * node;
	unsigned int near = nearest_to(home), nid;
	u64 far = 0;

	begin("nodes=8M:8M:8M:8M", pages);
	for (nid = 0; nid == home || nid == near; nid++)
		;
	node_run_on(nid);
	part_set_home(part, home, 0);
	fill(0, node);
	ASSERT_GE(part_on_node(part, home), node - high);
	ASSERT_GT(part_on_node(part, near), 0);
	ASSERT_EQ(part_on_node(part, home) + part_on_node(part, near), node);
	fill(node, node - 2 * high);
	ASSERT_EQ(part_on_node(part, home) + part_on_node(part, near),
		  2 * (node - high));
	fill(2 * (node - high), pages - 2 * (node - high));
	ASSERT_GE(part_on_node(part, near), node - high);
	for (nid = 0; nid < 4; nid++)
		if (nid != home && nid != near)
			far += part_on_node(part, nid);
	ASSERT_EQ(part_on_node(part, home) + part_on_node(part, near) + far,
		  pages);
	ASSERT_EQ(node_value(&pool, home, "foreign"),
		  pages - part_on_node(part, home));
	check(0, pages);
	end(pages);
}

static void a_full_home_gives_way_to_the_nearest_node(void)
{
	nodes_need(4);
	overflow(0);
	overflow(3);
}

#define TOUCHED 64

/* Count in pages of the partition, and say how far it is in @done. */
static int touch(void *arg)
{
	volatile u64 *done = arg;

	for (;;) {
		u64 i;

		for (i = 0; i < TOUCHED; i++)
			*(volatile u64 *)(map + i * PAGE_SIZE) += 1;
		*done += 1;
		msleep(1);
	}
	return 0;
}

/* Pages of a range that lie on a node, as the kernel sees them. */
static u64 mapped_on(u64 start, u64 count, int nid)
{
	u64 i, n = 0;

	for (i = start; i < start + count; i++) {
		void *page = map + i * PAGE_SIZE;
		int status = -1;

		ASSERT_OK(syscall(SYS_move_pages, 0, 1, &page, NULL, &status, 0));
		n += status == nid;
	}
	return n;
}

/* ---- which come first --------------------------------------------------- */

/*
 * Eight MiB of pages on node 1, to be at home on node 0, where another partition leaves
 * room for a few of them: the first ones to come fill it.
 */
#define PAGES (8 * MIB_PAGES)

static int other;
static u8 *other_map;
static u64 other_pages;

/* The scanner runs all the time. */
static void begin_crowded(const char *options, u64 crowd, u32 placement)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN | TARN_POOL_SET_PLACEMENT,
		.scan_permille = 1000,
		.placement = placement,
	};

	begin(options, PAGES);
	node_run_on(1);
	fill(0, PAGES);
	other_pages = crowd;
	other = part_create(&pool, "other", crowd);
	part_set_home(other, 0, 0);
	other_map = part_map_filled(other, crowd);
	tarn_op(pool.fd, TARN_POOL_SET, &set);
}

static void end_crowded(void)
{
	munmap(other_map, other_pages * PAGE_SIZE);
	close(other);
	part_unlink(&pool, "other");
	check(0, PAGES);
	end(PAGES);
}

static void read_pages(const u8 *which)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		if (which[i])
			((volatile u8 *)map)[i * PAGE_SIZE];
}

/* Use the pages that are marked until @count are hot. */
static void heat(const u8 *which, u64 count)
{
	struct tarn_partition_heat h = { .size = sizeof(h) };

	while (h.by_class[TARN_ACTIVITY_HOT] < count) {
		flush_tlb();
		read_pages(which);
		msleep(100);
		tarn_op(part, TARN_PARTITION_HEAT, &h);
	}
}

/* They go home, until nothing has moved for some time; half at most, there is no room. */
static void go_home(void)
{
	u64 moved;

	part_set_home(part, 0, 0);
	WAIT_FOR(part_homes(part).moved_pages);
	do {
		moved = part_homes(part).moved_pages;
		msleep(1500);
	} while (part_homes(part).moved_pages != moved);
	ASSERT_LE(moved, PAGES / 2);
}

static void the_hottest_come_first(void)
{
	const u64 hot = 256;
	u8 which[PAGES] = {};
	u64 got;

	begin_crowded("nodes=16M:16M", 14 * MIB_PAGES, TARN_PLACE_CLASS);
	/* The last ones, so that going through them in order does not do. */
	memset(which + PAGES - hot, 1, hot);
	heat(which, hot);
	go_home();
	read_pages(which);
	got = mapped_on(PAGES - hot, hot, 0);
	diag("%llu of %llu hot pages are at home, %llu of %u moved",
	     (unsigned long long)got, (unsigned long long)hot,
	     (unsigned long long)part_homes(part).moved_pages, (unsigned int)PAGES);
	ASSERT_GE(got, hot * 9 / 10);
	end_crowded();
}

/*
 * The last block is hot but for a few pages, and every fourth page of the others; there is
 * room for the block and some of the rest. Returns how much of the block is at home.
 */
static u64 of_the_dense_block(u32 placement)
{
	const u64 block = 512, last = PAGES - block, cold = 32;
	u8 which[PAGES] = {};
	u64 i, got;

	begin_crowded("nodes=32M:32M", 28 * MIB_PAGES, placement);
	for (i = 0; i < last; i += 4)
		which[i] = 1;
	memset(which + last, 1, block - cold);
	heat(which, last / 4 + block - cold);
	go_home();
	memset(which, 1, PAGES);
	read_pages(which);
	got = mapped_on(last, block, 0);
	diag("%llu of %llu pages of the dense block are at home, %llu moved",
	     (unsigned long long)got, (unsigned long long)block,
	     (unsigned long long)part_homes(part).moved_pages);
	end_crowded();
	return got;
}

/* It goes as a whole, with what is cold in it; by class alone it would come last. */
static void the_densest_come_first(void)
{
	ASSERT_LE(of_the_dense_block(TARN_PLACE_CLASS), 420);
	ASSERT_EQ(of_the_dense_block(TARN_PLACE_DENSITY), 512);
}

/*
 * The first pages are hot, the last ones were paged out and came back. Returns how many
 * of those are at home; there is room for them and a few more.
 */
static u64 of_what_came_back(u32 placement)
{
	const u64 back = 256, hot = 512;
	u8 which[PAGES] = {};
	u64 got;

	begin_crowded("nodes=16M:16M", 14 * MIB_PAGES, placement);
	pager_start(&pg, &pool);
	memset(which, 1, hot);
	heat(which, hot);
	ASSERT_EQ(part_page_out(part, PAGES - back, back), back);
	check(PAGES - back, back);
	ASSERT_EQ(part_on_node(part, 1), PAGES);
	go_home();
	check(PAGES - back, back);
	got = mapped_on(PAGES - back, back, 0);
	diag("%llu of %llu pages that came back are at home, %llu moved",
	     (unsigned long long)got, (unsigned long long)back,
	     (unsigned long long)part_homes(part).moved_pages);
	pager_stop(&pg);
	end_crowded();
	return got;
}

static void what_came_back_comes_first(void)
{
	ASSERT_LE(of_what_came_back(TARN_PLACE_CLASS), 64);
	ASSERT_EQ(of_what_came_back(TARN_PLACE_REFAULT), 256);
}

/* ---- under load --------------------------------------------------------- */

/* Homes change under a load, again and again, and no write is lost. */
static void homes_change_under_load(void)
{
	const u64 pages = 4 * MIB_PAGES;
	volatile u64 *done;
	unsigned int i;
	pid_t pid;

	begin("nodes=16M:16M", pages);
	fill(TOUCHED, pages - TOUCHED);
	memset(map, 0, TOUCHED * PAGE_SIZE);
	done = shared_alloc(sizeof(*done));
	pid = spawn(touch, (void *)done);
	for (i = 0; i < 10; i++) {
		part_set_home(part, i & 1, 0);
		WAIT_FOR(!part_homes(part).misplaced_pages);
		check(TOUCHED, pages - TOUCHED);
		ASSERT_EQ(part_on_node(part, i & 1), pages);
	}
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	ASSERT_GT(*done, 0);
	/* It was in the middle of a turn. */
	for (i = 0; i < TOUCHED; i++) {
		u64 count = *(u64 *)(map + i * PAGE_SIZE);

		ASSERT(count == *done || count == *done + 1);
	}
	end(pages);
}

/* ---- how fast ----------------------------------------------------------- */

#define TOUCHERS 3
/* Of so many pages one is read: some of all that are moved at a time. */
#define TOUCH_EACH 8

/* Read all over it, all the time: hardly anything is moved that nobody waits for. */
static int use_all(void *arg)
{
	u64 i, count = (uintptr_t)arg;

	for (;;)
		for (i = 0; i < count; i += TOUCH_EACH)
			((volatile u8 *)map)[i * PAGE_SIZE];
	return 0;
}

/* To the other node, all of it. */
static void go_elsewhere(void)
{
	static unsigned int times;

	part_set_home(part, times++ & 1, 0);
	WAIT_FOR(!part_homes(part).misplaced_pages);
}

/* It falls while there is somebody who waits for what is moved, and rises again without. */
static void the_rate_follows_what_it_costs(void)
{
	/* So many turns that the rate rises while they go once. */
	const u64 pages = 16 * MIB_PAGES;
	pid_t pid[TOUCHERS];
	s64 first, low, waits;
	unsigned int i;
	u32 id;

	begin("nodes=32M:32M", pages);
	id = part_info(part).id;
	node_run_on(0);
	fill(0, pages);
	ASSERT_EQ(part_value(&pool, id, "place_rate"), 0);
	go_elsewhere();
	go_elsewhere();
	first = part_value(&pool, id, "place_rate");
	ASSERT_GT(first, 0);
	waits = part_value(&pool, id, "move_waits");
	for (i = 0; i < TOUCHERS; i++)
		pid[i] = spawn(use_all, (void *)(uintptr_t)pages);
	do {
		go_elsewhere();
		low = part_value(&pool, id, "place_rate");
	} while (low > first / 4);
	ASSERT_GT(low, 0);
	/* More than a few, each time that it fell. */
	ASSERT_GE(part_value(&pool, id, "move_waits"), waits + 6);
	for (i = 0; i < TOUCHERS; i++) {
		ASSERT_OK(kill(pid[i], SIGKILL));
		ASSERT_EQ(reap(pid[i]), 256 + SIGKILL);
	}
	waits = part_value(&pool, id, "move_waits");
	while (part_value(&pool, id, "place_rate") < first)
		go_elsewhere();
	ASSERT_EQ(part_value(&pool, id, "move_waits"), waits);
	check(0, pages);
	end(pages);
}

/* Room for the nodes of any machine that tests run on. */
#define NODES_MOST 16

static u32 read_homes(struct tarn_home *homes)
{
	struct tarn_partition_homes h = {
		.size = sizeof(h),
		.count = NODES_MOST,
		.homes = (uintptr_t)homes,
	};

	tarn_op(part, TARN_PARTITION_HOMES, &h);
	ASSERT_LE(h.count, NODES_MOST);
	return h.count;
}

/* What was read, with nodes that only have pages, can be set again, and is the same. */
static void what_is_read_can_be_set(void)
{
	struct tarn_home was[NODES_MOST], is[NODES_MOST];
	u32 count;

	begin("nodes=16M:16M", 512);
	node_run_on(0);
	fill(0, 512);
	/* No home at all, though there is a node to tell of. */
	count = read_homes(was);
	ASSERT_EQ(count, 1);
	ASSERT_EQ(was[0].flags, 0);
	ASSERT_OK(__part_set_homes(part, was, count));
	ASSERT_EQ(part_homes(part).misplaced_pages, 0);
	ASSERT_EQ(read_homes(is), 1);
	ASSERT_EQ(is[0].flags, 0);
	/* A home that wants few, and a node that has the others. */
	part_set_home(part, 1, 100);
	WAIT_FOR(part_on_node(part, 1) == 100);
	count = read_homes(was);
	ASSERT_EQ(count, 2);
	ASSERT_OK(__part_set_homes(part, was, count));
	ASSERT_EQ(read_homes(is), 2);
	ASSERT_EQ(is[0].flags, 0);
	ASSERT_EQ(is[1].flags, TARN_NODE_IS_HOME);
	ASSERT_EQ(is[1].wanted_frames, 100);
	ASSERT_EQ(part_homes(part).misplaced_pages, 412);
	check(0, 512);
	end(512);
}

static u64 gone_of(struct tarn_pool_info info)
{
	return info.page_outs + info.clean_drops + info.zero_drops;
}

/* Nobody loses a page so that another one comes home. */
static void a_move_takes_nobodys_pages(void)
{
	const u64 mine = 8 * MIB_PAGES, other = 15 * MIB_PAGES;
	u64 gone, moved;
	u8 *first;
	int fd;

	begin("nodes=16M:16M", mine);
	pager_start(&pg, &pool);
	node_run_on(1);
	fill(0, mine);
	fd = part_create(&pool, "other", other);
	part_set_home(fd, 0, 0);
	first = part_map_filled(fd, other);
	gone = gone_of(pool_info(&pool));
	part_set_home(part, 0, 0);
	/* Some have room; then no more for a few turns of the thread. */
	WAIT_FOR(part_homes(part).moved_pages);
	do {
		moved = part_homes(part).moved_pages;
		msleep(1500);
	} while (part_homes(part).moved_pages != moved);
	ASSERT_EQ(gone_of(pool_info(&pool)), gone);
	ASSERT_GT(part_homes(part).misplaced_pages, 0);
	munmap(first, other * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "other");
	WAIT_FOR(!part_homes(part).misplaced_pages);
	check(0, mine);
	pager_stop(&pg);
	end(mine);
}

static void bad_homes_change_nothing(void)
{
	const struct tarn_home good = {
		.node = 1, .flags = TARN_NODE_IS_HOME, .wanted_frames = 7,
	};
	const struct tarn_home twice[] = { good, { .node = 1 } };
	const struct tarn_home away = {
		.node = 1000, .flags = TARN_NODE_IS_HOME,
	};
	const struct tarn_home flag = { .node = 0, .flags = 3 };
	const struct tarn_home many = {
		.node = 1, .flags = TARN_NODE_IS_HOME, .wanted_frames = 3ULL << 62,
	};
	struct tarn_partition_homes h;
	struct tarn_home got[4] = {};
	int fd;

	begin("nodes=8M:8M", 16);
	ASSERT_OK(__part_set_homes(part, &good, 1));
	ASSERT_ERR(__part_set_homes(part, twice, 2), EINVAL);
	ASSERT_ERR(__part_set_homes(part, &away, 1), EINVAL);
	ASSERT_ERR(__part_set_homes(part, &flag, 1), EINVAL);
	ASSERT_ERR(__part_set_homes(part, &many, 1), EINVAL);
	ASSERT_ERR(__part_set_homes(part, &good, 5000), EINVAL);
	ASSERT_ERR(__part_set_homes(part, (void *)8, 1), EFAULT);
	fd = part_open(&pool, "a", O_RDONLY);
	ASSERT_ERR(__part_set_homes(fd, &good, 1), EPERM);
	h = (struct tarn_partition_homes) {
		.size = sizeof(h),
		.count = 4,
		.homes = (uintptr_t)got,
	};
	tarn_op(fd, TARN_PARTITION_HOMES, &h);
	ASSERT_EQ(h.count, 1);
	ASSERT_EQ(got[0].node, 1);
	ASSERT_EQ(got[0].flags, TARN_NODE_IS_HOME);
	ASSERT_EQ(got[0].wanted_frames, 7);
	close(fd);
	ASSERT_OK(__part_set_homes(part, NULL, 0));
	ASSERT_EQ(part_homes(part).count, 0);
	end(16);
}

static const struct tarn_test tests[] = {
	TEST(a_new_page_is_at_home),
	TEST(numbers_are_kept),
	TEST(a_page_comes_back_to_its_home),
	TEST(what_is_read_ahead_is_at_home),
	TEST(a_full_home_is_repaired_later),
	TEST(a_block_stays_whole_for_a_few_pages),
	TEST(a_full_home_gives_way_to_the_nearest_node),
	TEST(the_hottest_come_first),
	TEST(the_densest_come_first),
	TEST(what_came_back_comes_first),
	TEST(homes_change_under_load),
	TEST(the_rate_follows_what_it_costs),
	TEST(a_move_takes_nobodys_pages),
	TEST(what_is_read_can_be_set),
	TEST(bad_homes_change_nothing),
};

TESTS_MAIN(tests)
