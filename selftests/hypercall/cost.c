// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call costs: nanoseconds of Tarn's cheapest call, of KVM's cheapest, and of a
 * number that is nobody's, made by a loop in the guest; the least of some runs each.
 * Lines "NAME VALUE", the last one the ratio of the first two. Under selftests/qemu/l1
 * --icount a nanosecond is an instruction.
 *
 *   cost [-o count=N] [-o runs=N]
 */
#include <stdio.h>
#include <time.h>

#include "bare.h"

#define PAGES 64
#define KVM_NOTHING	1

static u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000ULL + (u64)ts.tv_nsec;
}

static double one_run(struct bare *b, u64 nr, u64 count)
{
	struct bare_box *box = bare_job(b, BARE_JOB_REPEAT, count);
	u64 before;

	box->nr = nr;
	before = now();
	bare_run(b);
	return (double)(now() - before) / (double)count;
}

static double cost(struct bare *b, const char *name, u64 nr)
{
	u64 count = test_param("count", 5000), runs = test_param("runs", 5), i;
	double least = one_run(b, nr, count / 10 + 1), ns;

	for (i = 0; i < runs; i++) {
		ns = one_run(b, nr, count);
		if (ns < least)
			least = ns;
	}
	printf("%s %.1f\n", name, least);
	return least;
}

static void costs(void)
{
	struct pool pool;
	struct bare b;
	double kvm, tarn;

	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM);
	bare_create(&b, &pool, "a", PAGES);
	cost(&b, "kvm_call_detached_ns", KVM_NOTHING);
	bare_attach(&b);
	kvm = cost(&b, "kvm_call_ns", KVM_NOTHING);
	cost(&b, "unknown_call_ns", 100);
	tarn = cost(&b, "tarn_call_ns", TARN_HC_QUERY);
	ASSERT_EQ(bare_outcomes(&b, TARN_HC_QUERY, BARE_GOOD), b.box->count);
	printf("hypercall_vs_kvm_native %.4f\n", tarn / kvm);
	fflush(stdout);
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_umount(&pool);
}

static const struct tarn_test tests[] = {
	TEST(costs),
};

TESTS_MAIN(tests)
