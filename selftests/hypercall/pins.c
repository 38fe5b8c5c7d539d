// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much may be pinned: by one guest, by all together, by a guest whose share has
 * become less, and by areas that lie over each other.
 */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

#define FRAMES 4096UL
#define PAGES 4096UL

static struct pool pool;
static struct pager pager;
static struct bare b;

static u64 quota(int part)
{
	return bare_areas(part, NULL, 0).quota_pages;
}

/* Each one's quota is of what it is entitled to at that time. */
static void pool_limit(void)
{
	int part[4];
	u64 i;

	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_PINS);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		char name[] = { 'a' + i, '\0' };
		long ret;
		u64 n;

		part[i] = part_create(&pool, name, PAGES);
		n = quota(part[i]);
		ret = __bare_register(part[i], TARN_AREA_DMA, 0, n * PAGE_SIZE);
		ASSERT(ret > 0 || ret == -ENOSPC);
		ASSERT_LE(pool_info(&pool).pinned_pages, FRAMES / 2);
	}
	/* What was refused has left nothing. */
	ASSERT_EQ(part_info(part[3]).pinned_pages, 0);
	ASSERT_EQ(pool_info(&pool).pinned_pages, part_info(part[0]).pinned_pages +
		  part_info(part[1]).pinned_pages + part_info(part[2]).pinned_pages);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		char name[] = { 'a' + i, '\0' };

		close(part[i]);
		part_unlink(&pool, name);
	}
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).pinned_pages, 0);
	pool_umount(&pool);
}

static int fill(void *arg)
{
	u64 seed = (uintptr_t)arg, i;
	const char name[] = { 'a' + seed, '\0' };
	int part = part_create(&pool, name, PAGES);
	u8 *map = part_map(part, PAGES);

	for (;;)
		for (i = 0; i < PAGES; i++)
			page_fill(map + i * PAGE_SIZE, seed, i, 1);
	return 0;
}

/* A guest that was alone has half of the pool pinned, then others come. */
static void share_shrinks(void)
{
	pid_t pid[2];
	s64 handle;

	pool_mount(&pool, "size=16M");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	pager_start(&pager, &pool);
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
	handle = bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_DMA, BARE_BASE,
			  FRAMES / 4 * PAGE_SIZE);
	ASSERT_GT(handle, 0);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_DMA,
			   BARE_BASE + FRAMES / 4 * PAGE_SIZE, FRAMES / 4 * PAGE_SIZE), 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, FRAMES / 2);
	pid[0] = spawn(fill, (void *)1);
	pid[1] = spawn(fill, (void *)2);
	WAIT_FOR(quota(b.part) < FRAMES / 4);
	WAIT_FOR(part_info(b.part).pinned_pages <= quota(b.part));
	/* It knows the area still, and that it is not pinned. */
	ASSERT_CALL(&b, TARN_HC_QUERY_AREA, handle, 0, 0, TARN_AREA_IS_CRITICAL);
	kill(pid[0], SIGKILL);
	kill(pid[1], SIGKILL);
	reap(pid[0]);
	reap(pid[1]);
	part_unlink(&pool, "b");
	part_unlink(&pool, "c");
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pager);
	pool_umount(&pool);
}

/* Each area is work for each of its pages, if it adds one or not. */
static void overlapping(void)
{
	u64 n = 0;
	long ret;

	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_PINS);
	b.part = part_create(&pool, "a", PAGES);
	while ((ret = __bare_register(b.part, TARN_AREA_DMA, 0, FRAMES / 2 * PAGE_SIZE)) > 0)
		ASSERT_LE(++n * FRAMES / 2, 65536);
	ASSERT_EQ(ret, -ENOSPC);
	ASSERT_EQ(n, 65536 / (FRAMES / 2));
	ASSERT_EQ(bare_count_areas(b.part), n);
	close(b.part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).pinned_pages, 0);
	pool_umount(&pool);
}

static const struct tarn_test tests[] = {
	TEST(pool_limit), TEST(share_shrinks), TEST(overlapping),
};

TESTS_MAIN(tests)
