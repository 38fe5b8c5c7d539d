// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metrics, hints and numbers of page-ins with good, bad and boundary arguments.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 1024UL
#define BYTES (PAGES * PAGE_SIZE)
#define END (BARE_BASE + BYTES)

static struct pool pool;
static struct bare b;
static struct pager pager;

struct call {
	u64 nr, a1, a2, a3;
	s64 want;
};

static void begin(bool paging)
{
	pool_mount(&pool, paging ? "size=16M" : "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	if (paging)
		pager_start(&pager, &pool);
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	if (pager.ctl)
		pager_stop(&pager);
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

static void metrics(void)
{
	static const struct call calls[] = {
		{ TARN_HC_METRICS, TARN_METRICS_OFF, 0, 0, 0 },
		{ TARN_HC_METRICS, BARE_BASE + 8, 0, 0, -TARN_HC_EINVAL },
		{ TARN_HC_METRICS, END - 1, 0, 0, -TARN_HC_EINVAL },
		{ TARN_HC_METRICS, END, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_METRICS, BARE_BASE - PAGE_SIZE, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_METRICS, 0, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_METRICS, -PAGE_SIZE, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_METRICS, BARE_BASE | 1UL << 63, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_METRICS, BARE_BASE, 0, 0, 0 },
		{ TARN_HC_METRICS, END - PAGE_SIZE, 0, 0, 0 },
		{ TARN_HC_METRICS, END - PAGE_SIZE, 0, 0, 0 },
		{ TARN_HC_METRICS, END, 0, 0, -TARN_HC_EFAULT },
	};
	struct tarn_area area[4];

	begin(false);
	expect(calls, ARRAY_SIZE(calls));
	/* One page at a time, the last one that was good. */
	ASSERT_EQ(bare_areas(b.part, area, 4).count, 1);
	ASSERT_EQ(area[0].type, TARN_AREA_METRICS);
	ASSERT_EQ(area[0].offset, BYTES - PAGE_SIZE);
	ASSERT_CALL(&b, TARN_HC_METRICS, TARN_METRICS_OFF, 0, 0, 0);
	ASSERT_EQ(bare_count_areas(b.part), 0);
	ASSERT_CALL(&b, TARN_HC_METRICS, TARN_METRICS_OFF, 0, 0, 0);
	end();
}

static void hint_bad(void)
{
	static const struct call calls[] = {
		{ TARN_HC_HINT, 0, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_HINT, TARN_HINT_COLD + 1, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_HINT, ~0UL, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_HINT, TARN_HINT_COLD | 1UL << 32, BARE_BASE, 1, -TARN_HC_EINVAL },
		{ TARN_HC_HINT, TARN_HINT_COLD, BARE_BASE + 1, 1, -TARN_HC_EINVAL },
		{ TARN_HC_HINT, TARN_HINT_COLD, BARE_BASE, 0, -TARN_HC_EINVAL },
		{ TARN_HC_HINT, TARN_HINT_COLD, 0, 1, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_UNUSED, BARE_BASE - PAGE_SIZE, 1, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_UNUSED, BARE_BASE - PAGE_SIZE, 2, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_UNUSED, END, 1, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_UNUSED, END - PAGE_SIZE, 2, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_UNUSED, END - PAGE_SIZE, ~0UL, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_UNUSED, -PAGE_SIZE, 1, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_UNUSED, -PAGE_SIZE, 2, -TARN_HC_EFAULT },
		{ TARN_HC_HINT, TARN_HINT_HOT, BARE_BASE | 1UL << 52, 1, -TARN_HC_EFAULT },
	};
	u64 i;

	begin(false);
	for (i = 0; i < PAGES; i++)
		page_fill(b.memory + i * PAGE_SIZE, 1, i, 1);
	expect(calls, ARRAY_SIZE(calls));
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(b.memory + i * PAGE_SIZE, 1, i, 1);
	end();
}

static void set_slot(u32 flags, u64 bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = 1, .flags = flags, .guest_phys_addr = BARE_BASE,
		.memory_size = bytes, .userspace_addr = (u64)(uintptr_t)b.memory,
	};

	tarn_op(b.vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/*
 * The VMM takes memory back that was attached, or locks it, as firmware has it do for
 * system management: then the guest has no say in it.
 */
static void hint_not_its_own(void)
{
	const u64 count = 8;
	u64 i;

	begin(false);
	for (i = 0; i < count; i++)
		page_fill(b.memory + i * PAGE_SIZE, 1, i, 1);
	set_slot(0, 0);
	ASSERT_CALL(&b, TARN_HC_HINT, TARN_HINT_UNUSED, BARE_BASE, count, -TARN_HC_EFAULT);
	set_slot(KVM_MEM_READONLY, BYTES);
	ASSERT_CALL(&b, TARN_HC_HINT, TARN_HINT_UNUSED, BARE_BASE, count, -TARN_HC_EFAULT);
	set_slot(0, 0);
	/* A hole in the middle of what is named. */
	set_slot(0, count / 2 * PAGE_SIZE);
	ASSERT_CALL(&b, TARN_HC_HINT, TARN_HINT_UNUSED, BARE_BASE, count, -TARN_HC_EFAULT);
	for (i = 0; i < count; i++)
		ASSERT_PAGE(b.memory + i * PAGE_SIZE, 1, i, 1);
	set_slot(0, 0);
	set_slot(0, BYTES);
	ASSERT_CALL(&b, TARN_HC_HINT, TARN_HINT_UNUSED, BARE_BASE, count, count);
	for (i = 0; i < count; i++)
		ASSERT_PAGE(b.memory + i * PAGE_SIZE, 1, i, 0);
	end();
}

/* What is named as unused may be zero afterwards; nothing else is. */
static void hint_unused(void)
{
	const u64 first = 100, count = 700;
	u64 at = first, i, gone = 0;
	s64 done, version;

	begin(true);
	for (i = 0; i < PAGES; i++)
		page_fill(b.memory + i * PAGE_SIZE, 1, i, 1);
	/* Pages that have no frame are given up as well. */
	part_page_out(b.part, 300, 50);
	while (at < first + count) {
		done = bare_ask(&b, TARN_HC_HINT, TARN_HINT_UNUSED, BARE_BASE + at * PAGE_SIZE,
				first + count - at);
		ASSERT_GT(done, 0);
		ASSERT_LE(done, TARN_HINT_MAX_PAGES);
		at += done;
	}
	ASSERT_EQ(at, first + count);
	for (i = 0; i < PAGES; i++) {
		version = page_version(b.memory + i * PAGE_SIZE, 1, i);
		if (i >= first && i < first + count && !version)
			gone++;
		else
			ASSERT_EQ(version, 1);
	}
	diag("%llu of %llu unused pages were given up", (unsigned long long)gone,
	     (unsigned long long)count);
	ASSERT_GT(gone, count / 2);
	end();
}

static void hint_use(void)
{
	u64 i;

	begin(true);
	for (i = 0; i < PAGES; i++)
		page_fill(b.memory + i * PAGE_SIZE, 1, i, 1);
	part_page_out(b.part, 10, 20);
	ASSERT_GT(bare_ask(&b, TARN_HC_HINT, TARN_HINT_HOT, BARE_BASE, PAGES), 0);
	ASSERT_GT(bare_ask(&b, TARN_HC_HINT, TARN_HINT_COLD, BARE_BASE, ~0UL), 0);
	ASSERT_GT(bare_ask(&b, TARN_HC_HINT, TARN_HINT_HOT, END - PAGE_SIZE, 1), 0);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(b.memory + i * PAGE_SIZE, 1, i, 1);
	end();
}

static void fault_number(void)
{
	static const struct call calls[] = {
		{ TARN_HC_FAULT, BARE_BASE, 0, 0, 0 },
		{ TARN_HC_FAULT, BARE_BASE + 77, ~0UL, ~0UL, 0 },
		{ TARN_HC_FAULT, END - 1, 0, 0, 0 },
		{ TARN_HC_FAULT, END, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_FAULT, BARE_BASE - 1, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_FAULT, 0, 0, 0, -TARN_HC_EFAULT },
		{ TARN_HC_FAULT, ~0UL, 0, 0, -TARN_HC_EFAULT },
	};

	begin(false);
	b.memory[0] = 1;
	expect(calls, ARRAY_SIZE(calls));
	end();
}

static const struct tarn_test tests[] = {
	TEST(metrics), TEST(hint_bad), TEST(hint_not_its_own), TEST(hint_unused), TEST(hint_use), TEST(fault_number),
};

TESTS_MAIN(tests)
