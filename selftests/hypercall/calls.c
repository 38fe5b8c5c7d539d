// SPDX-License-Identifier: GPL-2.0-only
/*
 * Query, register and unregister with good, bad and boundary arguments.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 1024UL
#define BYTES (PAGES * PAGE_SIZE)
#define END (BARE_BASE + BYTES)
#define TYPE TARN_AREA_OTHER

static struct pool pool;
static struct bare b;

struct call {
	u64 nr, a1, a2, a3;
	s64 want;
};

static void begin(void)
{
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
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

static void expect(const struct call *call, u32 nr)
{
	s64 ret;
	u32 i;

	for (i = 0; i < nr; i++, call++) {
		ret = bare_ask(&b, call->nr, call->a1, call->a2, call->a3);
		if (ret != call->want)
			FAIL("call %llu (%#llx, %#llx, %#llx): %lld, expected %lld",
			     (unsigned long long)(call->nr - TARN_HC_BASE),
			     (unsigned long long)call->a1, (unsigned long long)call->a2,
			     (unsigned long long)call->a3, (long long)ret,
			     (long long)call->want);
	}
}

static void query(void)
{
	static const struct call calls[] = {
		{ TARN_HC_QUERY, 0, ~0UL, ~0UL,
		  TARN_PARA_AREAS | TARN_PARA_METRICS | TARN_PARA_HINTS | TARN_PARA_FAULTS },
		{ TARN_HC_QUERY, 1, 0, 0, -TARN_HC_EINVAL },
		{ TARN_HC_QUERY, ~0UL, 0, 0, -TARN_HC_EINVAL },
		{ TARN_HC_QUERY, 1UL << 32, 0, 0, -TARN_HC_EINVAL },
	};

	begin();
	expect(calls, ARRAY_SIZE(calls));
	end();
}

static void register_bad(void)
{
	static const struct call calls[] = {
		{ TARN_HC_REGISTER, 0, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TARN_AREA_TYPES, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, ~0UL, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE | 1UL << 32, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE | 1UL << 16, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE, 0, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE, TARN_AREA_MAX_BYTES + 1, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE, ~0UL, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE, -BARE_BASE, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE, 1UL << 63, -TARN_HC_EINVAL },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE - 1, 1, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE - 1, 2, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, END, 1, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, END - 1, 2, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE, BYTES + 1, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE, TARN_AREA_MAX_BYTES, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, 0, 1, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, BARE_BOX, 1, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, ~0UL, 1, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, ~0UL, 2, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, -PAGE_SIZE, PAGE_SIZE, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, -PAGE_SIZE, 2 * PAGE_SIZE, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE | 1UL << 52, 1, -TARN_HC_EFAULT },
		{ TARN_HC_REGISTER, TYPE, BARE_BASE | 1UL << 63, 1, -TARN_HC_EFAULT },
	};

	begin();
	expect(calls, ARRAY_SIZE(calls));
	ASSERT_EQ(bare_count_areas(b.part), 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	end();
}

/* Each type, with what the policy says of it; then a handle is no handle any more. */
static void register_types(void)
{
	struct tarn_pool_pin_policy policy = { .size = sizeof(policy) };
	struct tarn_area area[2];
	s64 handle, last = 0;
	u32 type, flags;

	begin();
	tarn_op(pool.fd, TARN_POOL_PIN_POLICY, &policy);
	for (type = 1; type < TARN_AREA_TYPES; type++) {
		handle = bare_ask(&b, TARN_HC_REGISTER, type, BARE_BASE + 3 * PAGE_SIZE + 40, 4096);
		ASSERT_GT(handle, last);
		last = handle;
		flags = policy.critical[type] ? TARN_AREA_IS_CRITICAL | TARN_AREA_IS_PINNED : 0;
		ASSERT_CALL(&b, TARN_HC_QUERY_AREA, handle, 0, 0, flags);
		ASSERT_EQ(bare_areas(b.part, area, 2).count, 1);
		ASSERT_EQ(area[0].handle, handle);
		ASSERT_EQ(area[0].type, type);
		ASSERT_EQ(area[0].origin, TARN_AREA_BY_GUEST);
		ASSERT_EQ(area[0].flags, flags);
		ASSERT_EQ(area[0].offset, 3 * PAGE_SIZE + 40);
		ASSERT_EQ(area[0].bytes, 4096);
		/* A byte more than one page is two. */
		ASSERT_EQ(part_info(b.part).pinned_pages, policy.critical[type] ? 2 : 0);
		ASSERT_CALL(&b, TARN_HC_UNREGISTER, handle, 0, 0, 0);
		ASSERT_CALL(&b, TARN_HC_UNREGISTER, handle, 0, 0, -TARN_HC_ENOENT);
		ASSERT_CALL(&b, TARN_HC_QUERY_AREA, handle, 0, 0, -TARN_HC_ENOENT);
		ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	}
	end();
}

static void register_edges(void)
{
	static const struct { u64 start, bytes, pages; } good[] = {
		{ 0, 1, 1 }, { PAGE_SIZE - 1, 1, 1 }, { PAGE_SIZE - 1, 2, 2 },
		{ 0, BYTES, PAGES }, { BYTES - 1, 1, 1 }, { BYTES - PAGE_SIZE, PAGE_SIZE, 1 },
		{ 1, BYTES - 1, PAGES },
	};
	s64 handle;
	u32 i;

	begin();
	bare_policy(&pool, TYPE, TARN_PIN_ALWAYS);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		handle = bare_ask(&b, TARN_HC_REGISTER, TYPE, BARE_BASE + good[i].start,
				  good[i].bytes);
		/* So many at once may be more than a partition may have. */
		if (handle == -TARN_HC_ENOSPC && good[i].pages > 2)
			continue;
		ASSERT_GT(handle, 0);
		ASSERT_EQ(part_info(b.part).pinned_pages, good[i].pages);
		ASSERT_CALL(&b, TARN_HC_UNREGISTER, handle, 0, 0, 0);
		ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	}
	end();
}

static void handles_bad(void)
{
	static const u64 bad[] = { 0, 12345, ~0UL, 1UL << 31, 1UL << 32, 1UL << 63 };
	s64 mine, vmm;
	u32 i;

	begin();
	vmm = ASSERT_OK(__bare_register(b.part, TARN_AREA_RING, 0, PAGE_SIZE));
	mine = bare_ask(&b, TARN_HC_REGISTER, TYPE, BARE_BASE, 1);
	ASSERT_GT(mine, 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_CALL(&b, TARN_HC_UNREGISTER, bad[i], 0, 0, -TARN_HC_ENOENT);
		ASSERT_CALL(&b, TARN_HC_QUERY_AREA, bad[i], 0, 0, -TARN_HC_ENOENT);
	}
	ASSERT_CALL(&b, TARN_HC_UNREGISTER, mine | 1L << 32, 0, 0, -TARN_HC_ENOENT);
	/* What the VMM has registered is not for its guest to take back. */
	ASSERT_LT(bare_ask(&b, TARN_HC_UNREGISTER, vmm, 0, 0), 0);
	ASSERT_EQ(bare_count_areas(b.part), 2);
	ASSERT_CALL(&b, TARN_HC_UNREGISTER, mine, 0, 0, 0);
	ASSERT_OK(__bare_unregister(b.part, vmm));
	ASSERT_EQ(bare_count_areas(b.part), 0);
	end();
}

static const struct tarn_test tests[] = {
	TEST(query), TEST(register_bad), TEST(register_types), TEST(register_edges),
	TEST(handles_bad),
};

TESTS_MAIN(tests)
