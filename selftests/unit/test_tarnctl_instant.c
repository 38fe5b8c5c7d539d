// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl history: moments as people write them, and domains in paths. */
#include "../../tools/tarnctl/instant.c"
#include "../../tools/tarnctl/partition_domain.c"
#include "tap.h"

/* 2026-11-29 12:00:00 UTC */
#define NOW 1795953600

static void is(const char *text, time_t want)
{
	time_t got = 0;

	CHECK_EQ(instant_parse(text, NOW, &got), 0);
	if (got != want)
		printf("# %s\n", text);
	CHECK_EQ(got, want);
}

static void is_none(const char *text)
{
	time_t got;

	if (!instant_parse(text, NOW, &got))
		printf("# %s\n", text);
	CHECK_EQ(instant_parse(text, NOW, &got), -EINVAL);
}

static void test_moments(void)
{
	is("0s", NOW);
	is("90s", NOW - 90);
	is("30m", NOW - 1800);
	is("2h", NOW - 7200);
	is("3d", NOW - 3 * DAY);
	is("1w", NOW - 7 * DAY);
	is("@17", 17);
	is("@9000000000", INSTANT_MAX);
	/* Before all time. */
	is("5000w", 0);
	is("11:59", NOW - 60);
	is("12:00", NOW);
	is("11:59:30", NOW - 30);
	/* Still to come: it was yesterday. */
	is("12:01", NOW + 60 - DAY);
	is("2026-11-29", NOW - DAY / 2);
	is("2026-11-28 12:00", NOW - DAY);
	is("2026-11-28T12:00:01", NOW - DAY + 1);
}

static void test_no_moments(void)
{
	is_none("");
	is_none("5");
	is_none("5x");
	is_none("5mm");
	is_none("-5m");
	is_none("99999999999999999999s");
	is_none("9223372036854775807w");
	is_none("@");
	is_none("@1x");
	is_none("@9000000001");
	is_none("@9223372036854775807");
	is_none("9999-01-01");
	is_none("25:00");
	is_none("12:00:00 and");
	is_none("2026-13-01");
	is_none("2026-11-29Z");
	is_none("yesterday");
}

static void domain_is(const char *path, const char *want)
{
	char *domain = partition_domain(path);

	if (want)
		CHECK_STR(domain, want);
	else
		CHECK(!domain);
	free(domain);
}

static void test_domains(void)
{
	domain_is("libvirt/qemu/3-web/pc.ram", "web");
	domain_is("domains/web/libvirt/qemu/12-a-b/ram-node0", "a-b");
	domain_is("libvirt/qemu/12-7/ram", "7");
	domain_is("libvirt/qemu/web/ram", NULL);
	domain_is("libvirt/qemu/3-/ram", NULL);
	domain_is("libvirt/qemu/3-web", NULL);
	domain_is("notlibvirt/qemu/3-web/ram", NULL);
	domain_is("web", NULL);
	domain_is(NULL, NULL);
}

static void test_in_utc(void (*fn)(void))
{
	setenv("TZ", "UTC", 1);
	tzset();
	fn();
}

static void test_moments_utc(void)
{
	test_in_utc(test_moments);
}

static const struct tap_test tests[] = {
	{ "moments", test_moments_utc },
	{ "what is none", test_no_moments },
	{ "domains in paths", test_domains },
};

TAP_MAIN(tests)
