// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may call: kernel mode in 64-bit mode only, and only where a VM is attached.
 * Everybody else gets what KVM answers to a number that it does not know.
 */
#include <stdlib.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 64
#define KVM_ENOSYS_HC	(-1000)
#define KVM_EPERM_HC	(-1)
/* KVM_HC_VAPIC_POLL_IRQ: does nothing, successfully. */
#define KVM_NOTHING	1

static struct pool pool;
static struct bare b;

/* Numbers around Tarn's, and theirs with something in the upper half. */
static const u64 unknown[] = {
	TARN_HC_BASE - 1, TARN_HC_BASE + TARN_HC_COUNT, TARN_HC_BASE + 0xffff,
	TARN_HC_BASE | 1UL << 32, TARN_HC_BASE | 1UL << 63, ~0UL, 1UL << 31, 100,
};

static void begin(void)
{
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, 0);
	bare_create(&b, &pool, "a", PAGES);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_umount(&pool);
}

static void assert_kvm_alone(void)
{
	u64 nr;

	for (nr = TARN_HC_BASE; nr < TARN_HC_BASE + TARN_HC_COUNT; nr++)
		ASSERT_CALL(&b, nr, 0, 0, 0, KVM_ENOSYS_HC);
}

/* What KVM answers by itself; a check of the guest, too. */
static void plain_kvm(void)
{
	u32 i;

	begin();
	ASSERT_CALL(&b, KVM_NOTHING, 0, 0, 0, 0);
	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		ASSERT_CALL(&b, unknown[i], 0, 0, 0, KVM_ENOSYS_HC);
	assert_kvm_alone();
	ASSERT_EQ(bare_call_in(&b, BARE_USER64, KVM_NOTHING, 0, 0, 0), KVM_EPERM_HC);
	ASSERT_EQ(bare_call_in(&b, BARE_COMPAT, KVM_NOTHING, 0, 0, 0), 0);
	ASSERT_EQ(bare_call_in(&b, BARE_COMPAT, 100, 0, 0, 0), (u32)KVM_ENOSYS_HC);
	ASSERT_EQ(bare_call_in(&b, BARE_COMPAT_USER, KVM_NOTHING, 0, 0, 0), (u32)KVM_EPERM_HC);
	ASSERT_EQ(bare_call_in(&b, BARE_PROTECTED, 100, 0, 0, 0), (u32)KVM_ENOSYS_HC);
	ASSERT_EQ(bare_call_in(&b, BARE_REAL, 100, 0, 0, 0), (u32)KVM_ENOSYS_HC);
	ASSERT_CALL(&b, KVM_NOTHING, 0, 0, 0, 0);
	end();
}

static void program_runs(void)
{
	struct bare_box *box;

	begin();
	box = bare_job(&b, BARE_JOB_REPEAT, 1000);
	box->nr = KVM_NOTHING;
	bare_run(&b);
	ASSERT_EQ(box->done, 1000);
	ASSERT_EQ(bare_outcomes(&b, KVM_NOTHING, BARE_GOOD), 1000);

	box = bare_job(&b, BARE_JOB_FUZZ, 1000);
	bare_run(&b);
	ASSERT_EQ(box->done, 1000);
	ASSERT_EQ(bare_outcomes(&b, 0, BARE_OTHER), 0);

	box = bare_job(&b, BARE_JOB_TOUCH, 2);
	box->seed = 7;
	bare_run(&b);
	ASSERT_EQ(*(u64 *)(b.memory + 3 * PAGE_SIZE), 7 + 3 * PAGE_SIZE);

	bare_job(&b, BARE_JOB_FUZZ, ~0ULL);
	bare_start(&b);
	WAIT_FOR(b.box->done > 100);
	bare_stop(&b);
	end();
}

static void attached(void)
{
	u64 nr;
	u32 i;

	begin();
	bare_require(&pool, TARN_FEATURE_VM);
	bare_attach(&b);
	ASSERT_EQ(part_info(b.part).vms, 1);
	ASSERT_GT(bare_call(&b, TARN_HC_QUERY, 0, 0, 0), 0);
	/* Features are never one of KVM's, nor is a number of KVM's Tarn's. */
	ASSERT_CALL(&b, KVM_NOTHING, 0, 0, 0, 0);
	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		ASSERT_CALL(&b, unknown[i], 0, 0, 0, KVM_ENOSYS_HC);
	for (nr = TARN_HC_BASE; nr < TARN_HC_BASE + TARN_HC_COUNT; nr++)
		ASSERT_NE(bare_call(&b, nr, 0, 0, 0), KVM_ENOSYS_HC);
	bare_detach(&b);
	ASSERT_EQ(part_info(b.part).vms, 0);
	assert_kvm_alone();
	bare_attach(&b);
	ASSERT_GT(bare_call(&b, TARN_HC_QUERY, 0, 0, 0), 0);
	end();
}

static void other_modes(void)
{
	static const struct {
		enum bare_mode mode;
		s64 known, tarn;
	} want[] = {
		{ BARE_USER64, KVM_EPERM_HC, KVM_EPERM_HC },
		{ BARE_COMPAT, 0, (u32)KVM_ENOSYS_HC },
		{ BARE_COMPAT_USER, (u32)KVM_EPERM_HC, (u32)KVM_EPERM_HC },
		{ BARE_PROTECTED, 0, (u32)KVM_ENOSYS_HC },
		{ BARE_REAL, 0, (u32)KVM_ENOSYS_HC },
	};
	u64 nr;
	u32 i;

	begin();
	bare_require(&pool, TARN_FEATURE_VM);
	bare_attach(&b);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		for (nr = TARN_HC_BASE; nr < TARN_HC_BASE + TARN_HC_COUNT; nr++)
			ASSERT_EQ(bare_call_in(&b, want[i].mode, nr, 1, BARE_BASE, 4096),
				  want[i].tarn);
		ASSERT_EQ(bare_call_in(&b, want[i].mode, KVM_NOTHING, 0, 0, 0), want[i].known);
	}
	ASSERT_EQ(bare_count_areas(b.part), 0);
	ASSERT_GT(bare_call(&b, TARN_HC_QUERY, 0, 0, 0), 0);
	end();
}

/* One VM is attached, another one of the same process is not. */
static void another_vm(void)
{
	struct bare other;

	begin();
	bare_require(&pool, TARN_FEATURE_VM);
	bare_create(&other, &pool, "b", PAGES);
	bare_attach(&b);
	ASSERT_CALL(&other, TARN_HC_QUERY, 0, 0, 0, KVM_ENOSYS_HC);
	bare_attach(&other);
	bare_detach(&b);
	ASSERT_GT(bare_call(&other, TARN_HC_QUERY, 0, 0, 0), 0);
	assert_kvm_alone();
	bare_destroy(&other);
	part_unlink(&pool, "b");
	end();
}

static const struct tarn_test tests[] = {
	TEST(plain_kvm), TEST(program_runs), TEST(attached), TEST(other_modes),
	TEST(another_vm),
};

TESTS_MAIN(tests)
