// SPDX-License-Identifier: GPL-2.0-only
/* How often the scanner goes round a partition in search of what needs no frame. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "share.h"

#define GROWN (PAGES + 600ULL)

static u64 searched(struct guest *g)
{
	return part_info(g->fd).searched_pages;
}

/*
 * Where a way round finds nothing the next one comes later each time. Not so where the partition
 * has grown, or may share since: compared with one of which nothing is new.
 */
static void it_rests_and_wakes(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set), .flags = TARN_POOL_SET_SCAN,
		.scan_permille = 50,
	};
	struct guest grows, enters, rests;
	u64 grown, entered, rested;

	begin("size=8M");
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	guest_begin(&grows, "grows", NULL, GROWN);
	guest_begin(&enters, "enters", NULL, PAGES);
	guest_begin(&rests, "rests", NULL, PAGES);
	fill(&grows, 0, PAGES, 1);
	fill(&enters, 0, PAGES, 2);
	fill(&rests, 0, PAGES, 3);
	/*
	 * The first way begins after 4 seconds. The second one comes twice as late, and the third one
	 * would so again. A page that was not cold yet when the first came by is left out of it.
	 */
	WAIT_FOR(searched(&grows) > PAGES && searched(&enters) > PAGES &&
		 searched(&rests) > PAGES);
	grown = searched(&grows);
	entered = searched(&enters);
	rested = searched(&rests);
	fill(&grows, PAGES, GROWN - PAGES, 1);
	set_domain(enters.fd, "x");
	WAIT_FOR(searched(&grows) > grown + PAGES && searched(&enters) > entered);
	ASSERT_EQ(searched(&rests), rested);
	/* It has not forgotten it. */
	WAIT_FOR(searched(&rests) > rested);
	ASSERT_EQ(pool_info(&pool).saved_pages, 0);
	guest_end(&grows);
	guest_end(&enters);
	guest_end(&rests);
	end();
}

static const struct tarn_test tests[] = {
	TEST(it_rests_and_wakes),
};

TESTS_MAIN(tests)
