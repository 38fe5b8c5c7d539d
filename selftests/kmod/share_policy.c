// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing: what is charged for it, how much it is used, when the scanner looks for it, and who is
 * left with what nobody shares any more; where it lies.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "node.h"
#include "share.h"

static void scan(u32 permille)
{
	struct tarn_pool_set set = {
		.size = sizeof(set), .flags = TARN_POOL_SET_SCAN,
		.scan_permille = permille,
	};

	tarn_op(pool.fd, TARN_POOL_SET, &set);
}

/* Pages @first to @first + @count - 1 of a, and the first ones of b, hold what is equal in pairs. */
static void fill_pairs(struct guest *a, u64 first, struct guest *b, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++) {
		page_fill(page_of(a, first + i), SEED, i, 1);
		page_fill(page_of(b, i), SEED, i, 1);
	}
}

/* Of what n pages share each has the nth part, whoever else shares how much. */
static void each_is_charged_its_part(void)
{
	struct guest a, b;
	u64 i;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", 16);
	for (i = 0; i < 48; i++)
		page_fill(page_of(&a, i), SEED, 1000, 1);
	fill_pairs(&a, 48, &b, 16);
	share(&a, &b);
	ASSERT_EQ(shared(&a), PAGES);
	ASSERT_EQ(shared(&b), 16);
	ASSERT_EQ(used_frames(), 17);
	ASSERT_EQ(part_info(a.fd).shared_charge, 1 + 8);
	ASSERT_EQ(part_info(b.fd).shared_charge, 8);
	/* Who stays has what the others have left. */
	fill(&b, 0, 8, 2);
	ASSERT_EQ(part_info(a.fd).shared_charge, 1 + 8 + 4);
	ASSERT_EQ(part_info(b.fd).shared_charge, 4);
	for (i = 1; i < 48; i++)
		page_fill(page_of(&a, i), SEED, i, 2);
	ASSERT_EQ(part_info(a.fd).shared_charge, 1 + 8 + 4);
	ASSERT_EQ(part_info(b.fd).shared_charge, 4);
	guest_end(&a);
	ASSERT_EQ(part_info(b.fd).shared_charge, 8);
	fill(&b, 0, 16, 3);
	ASSERT_EQ(part_info(b.fd).shared_charge, 0);
	guest_end(&b);
	end();
}

static u8 heat_of(struct guest *g, u64 index)
{
	u8 heat = 0xff;
	struct tarn_partition_heat h = {
		.size = sizeof(h), .start = index, .count = 1,
		.heat = (uintptr_t)&heat,
	};

	tarn_op(g->fd, TARN_PARTITION_HEAT, &h);
	ASSERT_EQ(h.count, 1);
	return heat;
}

static u64 pages_of_class(struct guest *g, enum tarn_activity class)
{
	struct tarn_partition_heat h = { .size = sizeof(h) };

	tarn_op(g->fd, TARN_PARTITION_HEAT, &h);
	return h.by_class[class];
}

/* Each sharer has a use of its own, which it keeps when it is written to. */
static void what_is_shared_has_heat(void)
{
	const u8 shares = TARN_HEAT_SHARED | TARN_HEAT_RESIDENT;
	struct guest a, b;
	u8 was;

	begin("size=8M");
	scan(1000);
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	/* All of a, and of b nothing. */
	WAIT_FOR((flush_tlb(), check(&a, 0, PAGES, 1),
		  pages_of_class(&a, TARN_ACTIVITY_WARM) +
		  pages_of_class(&a, TARN_ACTIVITY_HOT) == PAGES));
	ASSERT_EQ(heat_of(&a, 3) & ~TARN_HEAT_CLASS, shares);
	ASSERT_GE(heat_of(&a, 3) & TARN_HEAT_CLASS, TARN_ACTIVITY_WARM);
	ASSERT_EQ(heat_of(&b, 3) & ~TARN_HEAT_CLASS, shares);
	ASSERT_LE(heat_of(&b, 3) & TARN_HEAT_CLASS, TARN_ACTIVITY_COOL);
	/* What both use they have once. */
	ASSERT_EQ(part_info(a.fd).working_set, PAGES / 2);
	ASSERT_LE(part_info(b.fd).working_set, PAGES / 2);
	/* Written to, it is as hot as it was, and the other one's as cold. */
	was = heat_of(&a, 3) & TARN_HEAT_CLASS;
	page_fill(page_of(&a, 3), SEED, 3, 2);
	ASSERT_EQ(heat_of(&a, 3) & ~TARN_HEAT_CLASS, TARN_HEAT_RESIDENT);
	ASSERT_GE(heat_of(&a, 3) & TARN_HEAT_CLASS, was);
	ASSERT_LE(heat_of(&b, 3) & TARN_HEAT_CLASS, TARN_ACTIVITY_COOL);
	/* With the pager, it is still as much used. */
	part_page_out(a.fd, 4, 1);
	ASSERT_EQ(heat_of(&a, 4) & ~TARN_HEAT_CLASS, TARN_HEAT_SHARED);
	ASSERT_GE(heat_of(&a, 4) & TARN_HEAT_CLASS, TARN_ACTIVITY_WARM);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* What is cold the scanner finds by itself, and who is left alone with it has it back. */
static void the_scanner_finds_them(void)
{
	struct guest a, b;

	begin("size=8M");
	scan(1000);
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	WAIT_FOR(pool_info(&pool).shared_pages == 2 * PAGES);
	ASSERT_EQ(used_frames(), PAGES);
	ASSERT_GT(pool_info(&pool).hashed_pages, 0);
	/* It is added when the leaf is done. */
	WAIT_FOR(pool_info(&pool).match_ns);
	check(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 2);
	WAIT_FOR(!pool_info(&pool).shared_pages);
	ASSERT_EQ(part_count(a.fd, 0, PAGES, 0xff, TARN_PAGE_RESIDENT), PAGES);
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	check(&a, 0, PAGES, 1);
	fill(&a, 0, PAGES, 3);
	check(&a, 0, PAGES, 3);
	check(&b, 0, PAGES, 2);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* Who is in the domain anew is looked at soon, whatever was found there last. */
static void enter_anew(struct guest *g)
{
	set_domain(g->fd, "other");
	set_domain(g->fd, "x");
}

/* To look for what will be written to at once anyway is the host's time. */
static void who_breaks_all_is_left_alone(void)
{
	struct tarn_pool_info before;
	struct guest a, b;

	begin("size=8M");
	/* A way round each four seconds. */
	scan(50);
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	WAIT_FOR(pool_info(&pool).shared_pages == 2 * PAGES);
	/* Just after a way round, so that all is cold at the next one, which is the first to see it. */
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	ASSERT_EQ(pool_info(&pool).share_breaks, 2 * PAGES);
	before = pool_info(&pool);
	WAIT_FOR(pool_info(&pool).searched_pages >= before.searched_pages + 2 * PAGES);
	ASSERT_EQ(pool_info(&pool).hashed_pages, before.hashed_pages);
	ASSERT_EQ(pool_info(&pool).shared_pages, 0);
	/* At the next ones again, as nothing is written to meanwhile. */
	enter_anew(&a);
	enter_anew(&b);
	WAIT_FOR(pool_info(&pool).shared_pages == 2 * PAGES);
	ASSERT_GT(pool_info(&pool).hashed_pages, before.hashed_pages);
	check(&a, 0, PAGES, 1);
	check(&b, 0, PAGES, 1);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* Without any scanner, too; what a pipe holds as soon as that lets it go. */
static void the_last_one_has_an_ordinary_page(void)
{
	struct iovec v = { .iov_len = PAGE_SIZE };
	struct guest a, b;
	int pipes[2];

	begin("size=8M");
	scan(0);
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	check(&a, 0, PAGES, 1);
	v.iov_base = page_of(&b, 7);
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	fill(&b, 0, PAGES, 2);
	ASSERT_EQ(used_frames(), 2 * PAGES);
	WAIT_FOR(pool_info(&pool).shared_pages == 1);
	ASSERT_EQ(part_state(a.fd, 7), TARN_PAGE_SHARED);
	ASSERT_EQ(pool_info(&pool).shared_contents, 1);
	ASSERT_EQ(part_info(a.fd).shared_charge, 1);
	close(pipes[0]);
	close(pipes[1]);
	WAIT_FOR(!pool_info(&pool).shared_pages);
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	ASSERT_EQ(part_info(a.fd).shared_charge, 0);
	ASSERT_EQ(part_count(a.fd, 0, PAGES, 0xff, TARN_PAGE_RESIDENT), PAGES);
	ASSERT_EQ(used_frames(), 2 * PAGES);
	/* They are written to as any. */
	check(&a, 0, PAGES, 1);
	fill(&a, 0, PAGES, 3);
	ASSERT_EQ(part_info(a.fd).share_breaks, 0);
	check(&a, 0, PAGES, 3);
	check(&b, 0, PAGES, 2);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* The domain ends while something is to be given back, and the pool with it. */
static void who_leaves_before_it_is_given_back(void)
{
	struct guest a, b;

	begin("size=8M");
	scan(0);
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	fill(&b, 0, PAGES, 2);
	check(&a, 0, PAGES, 1);
	guest_end(&b);
	guest_end(&a);
	end();
}

/* Where most of those are at home who share it, as far as it is known. */
static void canons_lie_where_they_are_at_home(void)
{
	struct guest a, b, c;
	u64 hits;

	nodes_need(2);
	node_run_on(0);
	begin("nodes=16M:16M,huge=never");
	pool_readahead(&pool, 0);
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	/* No partition has a frame of its own: what is moved is what is shared. */
	ASSERT_EQ(used_frames(), PAGES);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	part_set_home(a.fd, 1, 0);
	part_set_home(b.fd, 1, 0);
	WAIT_FOR((flush_tlb(), check(&a, 0, PAGES, 1), node_value(&pool, 1, "moved_in") == PAGES));
	ASSERT_EQ(node_value(&pool, 0, "moved_out"), PAGES);
	/* Read again, by whomever, it comes there. */
	part_page_out(a.fd, 0, PAGES);
	ASSERT_EQ(used_frames(), 0);
	hits = node_value(&pool, 1, "hit");
	check(&b, 0, PAGES, 1);
	ASSERT_EQ(used_frames(), PAGES);
	ASSERT_EQ(node_value(&pool, 1, "hit"), (s64)(hits + PAGES));
	/* One against one: it is as well where it is. */
	part_set_home(a.fd, 0, 0);
	guest_begin(&c, "c", "x", PAGES);
	fill(&c, 0, PAGES, 1);
	share(&b, &c);
	ASSERT_EQ(shared(&c), PAGES);
	ASSERT_EQ(used_frames(), PAGES);
	ASSERT_EQ(node_value(&pool, 0, "moved_in"), 0);
	/* A third one decides. */
	part_set_home(c.fd, 0, 0);
	WAIT_FOR(node_value(&pool, 0, "moved_in") == PAGES);
	ASSERT_EQ(node_value(&pool, 1, "moved_in"), PAGES);
	check(&a, 0, PAGES, 1);
	check(&b, 0, PAGES, 1);
	check(&c, 0, PAGES, 1);
	ASSERT_EQ(shared(&a) + shared(&b) + shared(&c), 3 * PAGES);
	guest_end(&a);
	guest_end(&b);
	guest_end(&c);
	end();
}

static const struct tarn_test tests[] = {
	TEST(each_is_charged_its_part),
	TEST(what_is_shared_has_heat),
	TEST(the_scanner_finds_them),
	TEST(who_breaks_all_is_left_alone),
	TEST(the_last_one_has_an_ordinary_page),
	TEST(who_leaves_before_it_is_given_back),
	TEST(canons_lie_where_they_are_at_home),
};

TESTS_MAIN(tests)
