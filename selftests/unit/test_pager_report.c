// SPDX-License-Identifier: GPL-2.0-only
/* When the pager says that it is full, and when it takes that back. */
#include "tap.h"

#include "vmm/pager/report.c"

static bool decide(u64 capacity, u64 used, bool was_full, bool refused)
{
	const struct device_totals totals = {
		.capacity = capacity,
		.used = used,
		.degraded = true,
	};
	struct status_report report = {};

	report_decide(&totals, was_full, refused, &report);
	CHECK_EQ(report.capacity, capacity);
	CHECK_EQ(report.used, used);
	CHECK(report.degraded);
	return report.full;
}

static void test_begin(void)
{
	CHECK(!decide(1000, 0, false, false));
	CHECK(!decide(1000, 999, false, false));
	CHECK(decide(1000, 1000, false, false));
	CHECK(decide(1000, 1001, false, false));
	CHECK(decide(0, 0, false, false));
	CHECK(decide(1000, 999, false, true));
}

static void test_end(void)
{
	/* 1/128 of the capacity has to be free. */
	CHECK(decide(12800, 12800 - 99, true, false));
	CHECK(!decide(12800, 12800 - 100, true, false));
	/* But never more than 256 pages. */
	CHECK(decide(1 << 30, (1 << 30) - 255, true, false));
	CHECK(!decide(1 << 30, (1 << 30) - 256, true, false));
	/* A tiny device is full with its last slot alone. */
	CHECK(!decide(100, 99, true, false));
	CHECK(!decide(100, 99, true, true));
}

static const struct tap_test tests[] = {
	{ "full begins with the last slot or a refusal", test_begin },
	{ "full ends when there is some room", test_end },
};

TAP_MAIN(tests)
