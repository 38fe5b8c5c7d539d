// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that registers all it can: it meets a limit, is told which, and what it
 * gives back is there again.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 3072UL
#define TYPE TARN_AREA_OTHER
/* More than any partition may have. */
#define TOO_MANY (1U << 20)

static struct pool pool;
static struct bare b;

static void begin(u8 policy)
{
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	bare_policy(&pool, TYPE, policy);
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static s64 reg(u64 page, u64 pages)
{
	return bare_ask(&b, TARN_HC_REGISTER, TYPE, BARE_BASE + page * PAGE_SIZE,
			pages * PAGE_SIZE);
}

static u64 quota(void)
{
	return bare_areas(b.part, NULL, 0).quota_pages;
}

static void pin_quota(void)
{
	u64 limit, at = 0;
	s64 first, last = 0, h;

	begin(TARN_PIN_ALWAYS);
	limit = quota();
	diag("%llu of %lu pages may be pinned", (unsigned long long)limit, PAGES);
	ASSERT_GT(limit, 16);
	ASSERT_LT(limit, PAGES);
	first = reg(0, 16);
	ASSERT_GT(first, 0);
	for (at = 16; at < PAGES; at += 16) {
		h = reg(at, 16);
		if (h < 0)
			break;
		last = h;
	}
	ASSERT_EQ(h, -TARN_HC_ENOSPC);
	ASSERT_GT(at + 16, limit);
	ASSERT_LE(part_info(b.part).pinned_pages, quota());
	ASSERT_EQ(part_info(b.part).pinned_pages, at);
	/* What is pinned already costs nothing more. */
	h = reg(0, 16);
	ASSERT_GT(h, 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, at);
	ASSERT_CALL(&b, TARN_HC_UNREGISTER, h, 0, 0, 0);
	/* What is given back can be had again, elsewhere. */
	ASSERT_CALL(&b, TARN_HC_UNREGISTER, first, 0, 0, 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, at - 16);
	ASSERT_GT(reg(PAGES - 16, 16), 0);
	ASSERT_CALL(&b, TARN_HC_UNREGISTER, last, 0, 0, 0);
	/* The VMM has no more than its guest. */
	ASSERT_OK(__bare_register(b.part, TYPE, 0, 16 * PAGE_SIZE));
	ASSERT_ERR(__bare_register(b.part, TYPE, 64 * PAGE_SIZE, (PAGES - 64) * PAGE_SIZE), ENOSPC);
	bare_detach(&b);
	ASSERT_EQ(part_info(b.part).pinned_pages, 16);
	end();
}

/* Areas that are not pinned have a limit of their own, which all of them share. */
static void area_limit(void)
{
	u32 handle = 0, count = 0;
	long h;

	begin(TARN_PIN_NEVER);
	do {
		h = __bare_register(b.part, TYPE, (count % PAGES) * PAGE_SIZE, 1);
		if (h > 0)
			handle = h;
	} while (h > 0 && ++count < TOO_MANY);
	diag("%u areas", count);
	ASSERT_EQ(h, -ENOSPC);
	ASSERT_EQ(bare_count_areas(b.part), count);
	ASSERT_EQ(reg(0, 1), -TARN_HC_ENOSPC);
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	ASSERT_OK(__bare_unregister(b.part, handle));
	ASSERT_GT(reg(0, 1), 0);
	ASSERT_EQ(reg(0, 1), -TARN_HC_ENOSPC);
	bare_detach(&b);
	ASSERT_EQ(bare_count_areas(b.part), count - 1);
	end();
}

/* Areas that overlap count a page once, and the last one to go releases it. */
static void overlap(void)
{
	u32 handle[32], left = ARRAY_SIZE(handle), i;
	struct rng rng = { .state = 5 };
	s64 h;

	begin(TARN_PIN_ALWAYS);
	for (i = 0; i < left; i++) {
		h = bare_ask(&b, TARN_HC_REGISTER, TYPE,
			     BARE_BASE + 10 * PAGE_SIZE + 8 * (i + 1), PAGE_SIZE);
		ASSERT_GT(h, 0);
		handle[i] = h;
		ASSERT_EQ(part_info(b.part).pinned_pages, 2);
	}
	while (left > 1) {
		i = rng_below(&rng, left);
		ASSERT_CALL(&b, TARN_HC_UNREGISTER, handle[i], 0, 0, 0);
		handle[i] = handle[--left];
		ASSERT_EQ(part_info(b.part).pinned_pages, 2);
	}
	ASSERT_EQ(part_count(b.part, 10, 1, TARN_PAGE_PINNED, TARN_PAGE_PINNED), 1);
	ASSERT_CALL(&b, TARN_HC_UNREGISTER, handle[0], 0, 0, 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	ASSERT_EQ(part_count(b.part, 0, PAGES, TARN_PAGE_PINNED, TARN_PAGE_PINNED), 0);
	end();
}

/* As fast as it can: the host says when it is enough, and loses no count. */
static void guest_storm(void)
{
	u64 calls = test_param("calls", 20000), good;
	struct bare_box *box;

	begin(TARN_PIN_ALWAYS);
	box = bare_job(&b, BARE_JOB_REPEAT, calls);
	box->nr = TARN_HC_REGISTER;
	box->arg[0] = TYPE;
	box->arg[1] = BARE_BASE + 8;
	box->arg[2] = 16 * PAGE_SIZE - 16;
	bare_run(&b);
	bare_print_outcomes(&b);
	good = bare_outcomes(&b, TARN_HC_REGISTER, BARE_GOOD);
	ASSERT_GT(good, 0);
	ASSERT_EQ(good + bare_outcomes(&b, TARN_HC_REGISTER, BARE_EAGAIN) +
		  bare_outcomes(&b, TARN_HC_REGISTER, BARE_ENOSPC), calls);
	ASSERT_EQ(bare_count_areas(b.part), good);
	ASSERT_EQ(part_info(b.part).pinned_pages, 16);
	bare_close_vm(&b);
	WAIT_FOR(!part_info(b.part).vms);
	WAIT_FOR(!bare_count_areas(b.part));
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	end();
}

static const struct tarn_test tests[] = {
	TEST(pin_quota), TEST(area_limit), TEST(overlap), TEST(guest_storm),
};

TESTS_MAIN(tests)
