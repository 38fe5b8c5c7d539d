// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl doctor: what it finds about pools and the module. */
#include <stdarg.h>

#include "../../tools/tarnctl/doctor_host.c"
#include "tap.h"

#define SERVED (TARN_POOL_PAGING | TARN_POOL_SERVED)

void found(struct finding *finding, enum doctor_state state, const char *remedy,
	   const char *fmt, ...)
{
	va_list args;

	finding->state = state;
	va_start(args, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, args);
	va_end(args);
	snprintf(finding->remedy, sizeof(finding->remedy), "%s",
		 remedy ? remedy : "");
}

void doctor_read(const char *path, char *text, size_t size)
{
	*text = '\0';
}

/* ---- pools ---------------------------------------------------------------- */

/* What is said of pools a, b and c with these flags. */
static struct finding judge(__u32 a, __u32 b, __u32 c)
{
	struct pool items[] = {
		{ .mount = (char *)"/run/tarn/a", .info = { .flags = a } },
		{ .mount = (char *)"/run/tarn/b", .info = { .flags = b } },
		{ .mount = (char *)"/run/tarn/c", .info = { .flags = c } },
	};
	const struct pool_list list = { .items = items, .count = 3 };
	struct finding f = { .state = DOCTOR_NONE };

	judge_pools(&f, &list);
	return f;
}

static void check_judged(struct finding f, enum doctor_state state,
			 const char *text)
{
	CHECK_EQ(f.state, state);
	CHECK_STR(f.text, text);
}

static void test_pools_well(void)
{
	struct finding f = judge(SERVED, 0, SERVED);

	check_judged(f, DOCTOR_GOOD, "3 mounted, /run/tarn/a");
	CHECK_STR(f.remedy, "");
}

static void test_pools_one(void)
{
	check_judged(judge(SERVED, TARN_POOL_PAGING, SERVED), DOCTOR_BAD,
		     "/run/tarn/b has no pager: guests wait once it is full");
}

/* One that is worse is not hidden by one that comes after it. */
static void test_pools_worst(void)
{
	struct finding f = judge(TARN_POOL_PAGING, SERVED | TARN_POOL_FULL, SERVED);

	check_judged(f, DOCTOR_BAD,
		     "/run/tarn/a has no pager: guests wait once it is full; 1 more of 3 are not well: tarnctl status");
	CHECK(strstr(f.remedy, "tarn-pager@NAME"));
	f = judge(SERVED | TARN_POOL_DEGRADED, SERVED | TARN_POOL_FULL,
		  TARN_POOL_PAGING);
	CHECK_EQ(f.state, DOCTOR_BAD);
	CHECK(strstr(f.text, "/run/tarn/c has no pager"));
	CHECK(strstr(f.text, "; 2 more of 3"));
	f = judge(SERVED, SERVED | TARN_POOL_DEGRADED, SERVED | TARN_POOL_FULL);
	CHECK_EQ(f.state, DOCTOR_POOR);
	CHECK(strstr(f.text, "the pager of /run/tarn/b"));
}

/* ---- the module ------------------------------------------------------------ */

static void test_features(void)
{
	struct finding f = { .state = DOCTOR_NONE };
	unsigned int bit;

	/* All bits up to the newest: none of linux/tarn.h was forgotten. */
	CHECK_EQ(FEATURES & (FEATURES + 1), 0);
	CHECK(FEATURES & TARN_FEATURE_IMPORT);
	judge_features(&f, FEATURES);
	CHECK_EQ(f.state, DOCTOR_GOOD);
	judge_features(&f, ~0ULL);
	CHECK_EQ(f.state, DOCTOR_GOOD);
	for (bit = 0; FEATURES >> bit; bit++) {
		judge_features(&f, FEATURES & ~(1ULL << bit));
		CHECK_EQ(f.state, DOCTOR_POOR);
		CHECK_EQ(!strstr(f.text, "older"),
			 1ULL << bit == TARN_FEATURE_VM);
	}
}

static const struct tap_test tests[] = {
	{ "pools that are well", test_pools_well },
	{ "one pool is not", test_pools_one },
	{ "the worst of several", test_pools_worst },
	{ "features of the module", test_features },
};

TAP_MAIN(tests)
