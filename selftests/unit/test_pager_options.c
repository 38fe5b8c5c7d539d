// SPDX-License-Identifier: GPL-2.0-only
/* The pager's command line. */
#include "tap.h"

#include <errno.h>

#include "vmm/pager/options.c"

static struct options opts;
static char error[OPTIONS_ERROR];

#define ARGS_MAX 32

/* Arguments separated by blanks. */
static int parse(const char *line)
{
	char text[512], *argv[ARGS_MAX] = { "tarn-pager" };
	int argc = 1, ret;
	char *arg;

	snprintf(text, sizeof(text), "%s", line);
	for (arg = strtok(text, " "); arg && argc < ARGS_MAX;
	     arg = strtok(NULL, " "))
		argv[argc++] = arg;
	options_free(&opts);
	ret = options_parse(&opts, argc, argv, error);
	return ret;
}

static void refuses(const char *line, const char *because)
{
	int ret = parse(line);

	CHECK_EQ(ret, -EINVAL);
	if (!strstr(error, because)) {
		printf("# %s: '%s' does not say '%s'\n", line, error, because);
		tap_failed++;
	}
}

static void test_defaults(void)
{
	CHECK_EQ(parse("--pool /p --device /d"), 0);
	CHECK_STR(opts.pool, "/p");
	CHECK_STR(opts.control, "/p.pager");
	CHECK_EQ(opts.nr_devices, 1);
	CHECK_STR(opts.devices[0].paths[0], "/d");
	CHECK_EQ(opts.devices[0].priority, 0);
	CHECK_EQ(opts.devices[0].size, 0);
	CHECK(!opts.devices[0].discard);
	CHECK_EQ(opts.queues, 0);
	CHECK_EQ(opts.depth, 128);
	CHECK(opts.grant && opts.mlock && opts.seccomp);
	CHECK(!opts.force && !opts.debug && !opts.user);
}

static void test_all(void)
{
	CHECK_EQ(parse("--pool=/p/ --device path=a,priority=-5,size=8G,discard=on "
		       "--mirror /b,/c,priority=7,degraded=on --queues 3 --depth=64 "
		       "--cpus 0-2,5 --user a:b --control /s --wait 0"),
		 0);
	CHECK_STR(opts.pool, "/p");
	CHECK_EQ(opts.nr_devices, 2);
	CHECK_STR(opts.devices[0].paths[0], "a");
	CHECK_EQ(opts.devices[0].nr_paths, 1);
	CHECK_EQ(opts.devices[0].priority, -5);
	CHECK_EQ(opts.devices[0].size, 8LL << 30);
	CHECK(opts.devices[0].discard && !opts.devices[0].degraded);
	CHECK(opts.devices[1].degraded && !opts.devices[1].discard);
	CHECK_EQ(opts.devices[1].nr_paths, 2);
	CHECK_STR(opts.devices[1].paths[0], "/b");
	CHECK_STR(opts.devices[1].paths[1], "/c");
	CHECK_EQ(opts.devices[1].priority, 7);
	CHECK_EQ(opts.queues, 3);
	CHECK_EQ(opts.depth, 64);
	CHECK_EQ(opts.nr_cpus, 4);
	CHECK_EQ(opts.cpus[3], 5);
	CHECK_STR(opts.user, "a:b");
	CHECK_STR(opts.control, "/s");
	CHECK_EQ(opts.wait, 0);
	CHECK_EQ(parse("--pool /p --device /d --force --no-grant --no-mlock "
		       "--no-seccomp --debug"),
		 0);
	CHECK(!opts.grant && !opts.mlock && !opts.seccomp);
	CHECK(opts.force && opts.debug);
}

static void test_commas(void)
{
	CHECK_EQ(parse("--pool /p --device /a,,b,,,priority=3"), 0);
	CHECK_STR(opts.devices[0].paths[0], "/a,b,");
	CHECK_EQ(opts.devices[0].priority, 3);
	CHECK_EQ(parse("--pool /p --device /x=y"), 0);
	CHECK_STR(opts.devices[0].paths[0], "/x=y");
	CHECK_EQ(parse("--pool /p --mirror path=/x,path=/y"), 0);
	CHECK_STR(opts.devices[0].paths[1], "/y");
}

static void test_refused(void)
{
	refuses("--device /d", "--pool is missing");
	refuses("--pool /p", "at least one");
	refuses("--pool", "needs a value");
	refuses("--pool= --device /d", "--pool: empty");
	refuses("--pool /p --device /d --nonsense", "'--nonsense'");
	refuses("--pool /p --devices /d", "'--devices'");
	refuses("--pool /p /d", "'/d'");
	refuses("--pool /p --device /d --force=1", "'--force=1'");
	refuses("--pool /p --device /d,/e", "one path too many");
	refuses("--pool /p --device priority=1", "needs a path");
}

static void test_bad_values(void)
{
	refuses("--pool /p --device /d,colour=red", "no option 'colour'");
	refuses("--pool /p --device /d,priority=1001", "'1001'");
	refuses("--pool /p --device /d,priority=1x", "'1x'");
	refuses("--pool /p --device /d,priority=", "''");
	refuses("--pool /p --device /d,size=0", "no size");
	refuses("--pool /p --device /d,size=-1", "no size");
	refuses("--pool /p --device /d,discard=yes", "'yes'");
	refuses("--pool /p --mirror /d,/e,degraded=yes", "degraded is on or off, not 'yes'");
	refuses("--pool /p --mirror /d", "two paths");
	refuses("--pool /p --mirror /a,/b,/c", "one path too many");
	refuses("--pool /p --device /d --device /d", "twice");
	refuses("--pool /p --mirror /d,/d", "twice");
	refuses("--pool /p --device /d --depth 100", "power of two");
	refuses("--pool /p --device /d --depth 8", "16..4096");
	refuses("--pool /p --device /d --queues 0", "1..64");
	refuses("--pool /p --device /d --queues 65", "1..64");
	refuses("--pool /p --device /d --cpus 1-", "no list");
	refuses("--pool /p --device /d --cpus 1,,2", "no list");
	refuses("--pool /p --device /d --cpus 0-64", "more than 64");
}

static void test_sizes(void)
{
	static const struct {
		const char *text;
		int ret;
		u64 size;
	} cases[] = {
		{ "4096", 0, 4096 },	   { "1k", 0, 1024 },
		{ "3M", 0, 3 << 20 },	   { "2G", 0, 2ULL << 30 },
		{ "4T", 0, 4ULL << 40 },   { "4096T", 0, 1ULL << 52 },
		{ "4097T", -ERANGE, 0 },   { "99999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },	   { "G", -EINVAL, 0 },
		{ "1GB", 0, 1ULL << 30 },  { "1.5G", 0, 3ULL << 29 },
		{ "64GiB", 0, 64ULL << 30 }, { "9000000B", 0, 9000000 },
		{ "4P", 0, 1ULL << 52 },   { "5P", -ERANGE, 0 },
		{ "1.5", -EINVAL, 0 },	   { "1Gi", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },	   { "-1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
	};
	u64 size;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size = 0;
		CHECK_EQ(options_parse_size(cases[i].text, &size),
			 cases[i].ret);
		if (!cases[i].ret)
			CHECK_EQ(size, cases[i].size);
	}
}

static void test_words(void)
{
	CHECK_EQ(parse("--help"), OPTIONS_HELP);
	CHECK_EQ(parse("--pool /p --version"), OPTIONS_VERSION);
	CHECK(strstr(options_help(), "--mirror"));
	options_free(&opts);
}

static const struct tap_test tests[] = {
	{ "defaults", test_defaults },
	{ "all options", test_all },
	{ "commas and equal signs in paths", test_commas },
	{ "what is missing or too much is refused", test_refused },
	{ "bad values are refused by name", test_bad_values },
	{ "sizes", test_sizes },
	{ "help and version", test_words },
};

TAP_MAIN(tests)
