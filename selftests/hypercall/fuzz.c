// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest makes random calls, as many as -o calls=N says, in and around Tarn's
 * numbers, with arguments that are nearly right, at edges, or anything, while the host
 * pages its memory out under it. Two neighbours share its pool: what they hold, have
 * pinned and have registered stays as it is.
 *
 * -o seed=N repeats a run as far as the other threads allow.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

/* Together more than the pool. */
#define PAGES 3072UL
#define NEIGHBOUR 1024UL
#define PINNED 64UL

static struct pool pool;
static struct pager pager;
static struct bare b;

struct neighbour {
	int part;
	u8 *map;
	struct tarn_area area[8];
	u32 areas;
	u64 pinned;
};

static void neighbour_begin(struct neighbour *n, const char *name, bool pins)
{
	u64 i;

	memset(n, 0, sizeof(*n));
	n->part = part_create(&pool, name, NEIGHBOUR);
	n->map = part_map(n->part, NEIGHBOUR);
	for (i = 0; i < NEIGHBOUR; i++)
		page_fill(n->map + i * PAGE_SIZE, 9, i, 1);
	for (i = 0; pins && i < 4; i++)
		ASSERT_OK(__bare_register(n->part, TARN_AREA_OTHER,
					  i * 2 * PINNED * PAGE_SIZE, PINNED * PAGE_SIZE));
	n->areas = bare_areas(n->part, n->area, ARRAY_SIZE(n->area)).count;
	n->pinned = part_info(n->part).pinned_pages;
	ASSERT_EQ(n->areas, pins ? 4 : 0);
	ASSERT_EQ(n->pinned, pins ? 4 * PINNED : 0);
}

static void neighbour_check(struct neighbour *n)
{
	struct tarn_area area[8];
	u64 i;

	ASSERT_EQ(bare_areas(n->part, area, ARRAY_SIZE(area)).count, n->areas);
	ASSERT(!memcmp(area, n->area, n->areas * sizeof(*area)));
	ASSERT_EQ(part_info(n->part).pinned_pages, n->pinned);
	ASSERT_EQ(part_count(n->part, 0, NEIGHBOUR, TARN_PAGE_PINNED, TARN_PAGE_PINNED),
		  n->pinned);
	for (i = 0; i < NEIGHBOUR; i++)
		ASSERT_PAGE(n->map + i * PAGE_SIZE, 9, i, 1);
}

static void neighbour_end(struct neighbour *n, const char *name)
{
	munmap(n->map, NEIGHBOUR * PAGE_SIZE);
	close(n->part);
	part_unlink(&pool, name);
}

/* The host's side meanwhile: page out, write, change its mind about pins. */
static void disturb(u64 calls, struct rng *rng)
{
	u64 done = 0, start;

	while (b.box->done < calls) {
		start = rng_below(rng, PAGES);
		switch (rng_below(rng, 4)) {
		case 0:
			__part_page_out(b.part, start, rng_below(rng, 256), &done);
			break;
		case 1:
			b.memory[start * PAGE_SIZE] = 1;
			break;
		case 2:
			bare_policy(&pool, 1 + rng_below(rng, TARN_AREA_OTHER - 1),
				    rng_below(rng, 3));
			break;
		case 3:
			bare_count_areas(b.part);
			break;
		}
		msleep(1);
	}
}

static void check_counts(u64 calls)
{
	u64 sum = 0;
	u32 i, j;

	bare_print_outcomes(&b);
	for (i = 0; i < BARE_CALLS; i++)
		for (j = 0; j < BARE_OUTCOMES; j++)
			sum += b.box->outcome[i][j];
	ASSERT_EQ(sum, calls);
	for (i = 0; i < BARE_CALLS; i++)
		if (b.box->outcome[i][BARE_OTHER])
			FAIL("call %#llx (%#llx, %#llx, %#llx): %lld", b.box->odd_call[0],
			     b.box->odd_call[1], b.box->odd_call[2], b.box->odd_call[3],
			     b.box->odd_result);
	/* Numbers that are nobody's are nobody's, Tarn's are Tarn's. */
	for (j = 0; j < BARE_OUTCOMES; j++)
		if (j != BARE_ENOSYS)
			ASSERT_EQ(b.box->outcome[BARE_CALLS - 1][j], 0);
	for (i = 0; i < BARE_CALLS - 1; i++) {
		ASSERT_EQ(b.box->outcome[i][BARE_ENOSYS], 0);
		ASSERT_GT(b.box->outcome[i][BARE_GOOD], 0);
	}
}

static void random_calls(void)
{
	u64 calls = test_param("calls", 50000), seed = test_param("seed", 88172645463325252ULL);
	struct rng rng = { .state = seed };
	struct neighbour plain, pinned;
	struct bare_box *box;

	pool_mount(&pool, "size=16M");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	bare_policy(&pool, TARN_AREA_OTHER, TARN_PIN_ALWAYS);
	pager_start(&pager, &pool);
	neighbour_begin(&plain, "plain", false);
	neighbour_begin(&pinned, "pinned", true);
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
	box = bare_job(&b, BARE_JOB_FUZZ, calls);
	box->seed = seed;
	diag("%llu calls, seed %llu", (unsigned long long)calls, (unsigned long long)seed);
	bare_start(&b);
	disturb(calls, &rng);
	bare_stop(&b);

	check_counts(calls);
	neighbour_check(&plain);
	neighbour_check(&pinned);
	bare_detach(&b);
	ASSERT_EQ(bare_count_areas(b.part), 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	ASSERT_EQ(part_count(b.part, 0, PAGES, TARN_PAGE_PINNED, TARN_PAGE_PINNED), 0);
	bare_destroy(&b);
	part_unlink(&pool, "a");
	neighbour_end(&plain, "plain");
	neighbour_end(&pinned, "pinned");
	pool_assert_idle(&pool);
	pager_stop(&pager);
	pool_umount(&pool);
}

static const struct tarn_test tests[] = {
	TEST(random_calls),
};

TESTS_MAIN(tests)
