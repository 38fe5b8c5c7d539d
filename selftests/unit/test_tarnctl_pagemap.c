// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: counting and drawing of page states. */
#include "../../tools/tarnctl/pagemap.c"
#include "tap.h"

#define R TARN_PAGE_RESIDENT
#define P TARN_PAGE_PAGED
#define E TARN_PAGE_EMPTY
#define C (TARN_PAGE_RESIDENT | TARN_PAGE_CLEAN)

/* Static: a map is larger than a stack frame should be. */
static struct pagemap map;

static void test_counts(void)
{
	const uint8_t states[] = { R, R | TARN_PAGE_PINNED, C, P, E,
				   P | TARN_PAGE_IN_FLIGHT,
				   0x0f, R | TARN_PAGE_DMA };

	pagemap_init(&map, 0, sizeof(states), false);
	CHECK_EQ(pagemap_add(&map, states, sizeof(states)), 0);
	CHECK_EQ(map.pages, 8);
	CHECK_EQ(map.count[R], 3);
	CHECK_EQ(map.count[PAGEMAP_CLEAN], 1);
	CHECK_EQ(map.count[P], 2);
	CHECK_EQ(map.count[E], 1);
	CHECK_EQ(map.count[PAGEMAP_OTHER], 1);
	CHECK_EQ(map.in_flight, 1);
	CHECK_EQ(map.pinned, 1);
	CHECK_EQ(map.dma, 1);
	CHECK_EQ(map.run_count, 0);
	pagemap_exit(&map);
}

static void test_small_map(void)
{
	const uint8_t states[] = { E, R, C, P };

	pagemap_init(&map, 0, sizeof(states), false);
	CHECK_EQ(map.cell_pages, 1);
	CHECK_EQ(map.cells, 4);
	CHECK_EQ(pagemap_add(&map, states, sizeof(states)), 0);
	CHECK_EQ(pagemap_cell(&map, 0), '.');
	CHECK_EQ(pagemap_cell(&map, 1), 'R');
	CHECK_EQ(pagemap_cell(&map, 2), 'C');
	CHECK_EQ(pagemap_cell(&map, 3), 'P');
	pagemap_exit(&map);
}

static void test_mixed(void)
{
	static uint8_t states[PAGEMAP_CELLS * 4];

	pagemap_init(&map, 0, sizeof(states), false);
	CHECK_EQ(map.cell_pages, 4);
	CHECK_EQ(map.cells, PAGEMAP_CELLS);
	memset(states, R, 4);
	/* Empty pages do not lead, one resident one shows. */
	states[4] = R;
	states[8] = P, states[9] = P, states[10] = R, states[11] = R;
	states[12] = P, states[13] = P, states[14] = P;
	CHECK_EQ(pagemap_add(&map, states, sizeof(states)), 0);
	CHECK_EQ(pagemap_cell(&map, 0), 'R');
	CHECK_EQ(pagemap_cell(&map, 1), 'r');
	CHECK_EQ(pagemap_cell(&map, 2), 'r');
	CHECK_EQ(pagemap_cell(&map, 3), 'p');
	CHECK_EQ(pagemap_cell(&map, 4), '.');
	pagemap_exit(&map);
}

static void test_cell_edges(void)
{
	static const uint64_t counts[] = {
		1, PAGEMAP_CELLS - 1, PAGEMAP_CELLS, PAGEMAP_CELLS + 1,
		2 * PAGEMAP_CELLS, 2 * PAGEMAP_CELLS + 1, 1ULL << 32,
	};
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		pagemap_init(&map, 0, counts[i], false);
		CHECK(map.cells <= PAGEMAP_CELLS);
		CHECK(map.cells * map.cell_pages >= counts[i]);
		CHECK((map.cells - 1) * map.cell_pages < counts[i]);
	}
	pagemap_init(&map, 0, 0, false);
	CHECK_EQ(map.cells, 0);
	CHECK_EQ(pagemap_add(&map, NULL, 0), 0);
}

static void test_too_many(void)
{
	const uint8_t states[3] = { R, R, R };

	pagemap_init(&map, 0, 2, false);
	CHECK_EQ(pagemap_add(&map, states, 3), -EINVAL);
	CHECK_EQ(pagemap_add(&map, states, 2), 0);
	CHECK_EQ(pagemap_add(&map, states, 1), -EINVAL);
	pagemap_exit(&map);
}

static void test_runs(void)
{
	const uint8_t first[] = { R, R, C }, second[] = { C, P, P };
	const uint8_t third[] = { P | TARN_PAGE_IN_FLIGHT };

	pagemap_init(&map, 100, 7, true);
	/* A run goes on over the border of two calls. */
	CHECK_EQ(pagemap_add(&map, first, 3), 0);
	CHECK_EQ(pagemap_add(&map, second, 3), 0);
	CHECK_EQ(pagemap_add(&map, third, 1), 0);
	CHECK_EQ(map.run_count, 4);
	CHECK_EQ(map.runs[0].start, 100);
	CHECK_EQ(map.runs[0].count, 2);
	CHECK_EQ(map.runs[0].kind, R);
	CHECK_EQ(map.runs[1].start, 102);
	CHECK_EQ(map.runs[1].count, 2);
	CHECK_EQ(map.runs[1].kind, PAGEMAP_CLEAN);
	CHECK_EQ(map.runs[2].count, 2);
	CHECK_EQ(map.runs[3].start, 106);
	CHECK(map.runs[3].in_flight);
	pagemap_exit(&map);
}

static void test_many_runs(void)
{
	static uint8_t states[1000];
	size_t i;

	for (i = 0; i < sizeof(states); i++)
		states[i] = i % 2 ? R : P;
	pagemap_init(&map, 0, sizeof(states), true);
	CHECK_EQ(pagemap_add(&map, states, sizeof(states)), 0);
	CHECK_EQ(map.run_count, sizeof(states));
	CHECK_EQ(map.runs[999].start, 999);
	pagemap_exit(&map);
}

static const struct tap_test tests[] = {
	{ "states are counted by kind", test_counts },
	{ "a letter a page", test_small_map },
	{ "mixtures", test_mixed },
	{ "the map covers the range", test_cell_edges },
	{ "more pages than announced are refused", test_too_many },
	{ "runs", test_runs },
	{ "many runs", test_many_runs },
};

TAP_MAIN(tests)
