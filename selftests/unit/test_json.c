// SPDX-License-Identifier: GPL-2.0-only
/* JSON option values as libvirt writes them, and what must be refused. */
#include "../../vmm/lib/json.c"
#include "../../vmm/lib/opts.c"
#include "fake_error.h"
#include "tap.h"

static void test_libvirt(void)
{
	struct opts *opts = NULL, *list = NULL;
	const char *str = NULL;
	bool flag = false;
	u64 num = 0;

	CHECK_EQ(json_to_opts(&opts,
			      "{\"driver\":\"virtio-blk-pci\",\"scsi\":true,"
			      "\"cache\":{\"direct\":true,\"no-flush\":false},"
			      "\"host-nodes\":[0,3],\"size\":268435456}"),
		 0);
	CHECK_EQ(opts_get_str(opts, "driver", &str), 0);
	CHECK_STR(str, "virtio-blk-pci");
	CHECK_EQ(opts_get_bool(opts, "scsi", &flag), 0);
	CHECK(flag);
	CHECK_EQ(opts_get_bool(opts, "cache.direct", &flag), 0);
	CHECK(flag);
	CHECK_EQ(opts_get_bool(opts, "cache.no-flush", &flag), 0);
	CHECK(!flag);
	CHECK_EQ(opts_get_uint(opts, "size", ~0ULL, &num), 0);
	CHECK_EQ(num, 268435456);
	CHECK_EQ(opts_get_dict(opts, "host-nodes", &list), 0);
	CHECK_EQ(opts_count(list), 2);
	CHECK_EQ(opts_get_uint(list, "1", 10, &num), 0);
	CHECK_EQ(num, 3);
	opts_destroy(opts);
}

static void test_strings(void)
{
	struct opts *opts = NULL;
	const char *str = NULL;

	CHECK_EQ(json_to_opts(&opts, " { \"a\" : \"x\\n\\\"\\u00e9,=y\" } "), 0);
	CHECK_EQ(opts_get_str(opts, "a", &str), 0);
	CHECK_STR(str, "x\n\"\xc3\xa9,=y");
	opts_destroy(opts);
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"}",
		"[]",
		"{}x",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\":1 \"b\":2}",
		"{a:1}",
		"{\"a\":tru}",
		"{\"a\":null}",
		"{\"backing\":{\"file\":null}}",
		"{\"a\":1.5}",
		"{\"a\":1e3}",
		"{\"a\":99999999999999999999}",
		"{\"a\":\"x",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\",
		"{\"\":1}",
		"{\"a.b\":1}",
		"{\"a\":[1,]}",
		"{\"a\":[1",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
	};
	struct opts *opts;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int ret = json_to_opts(&opts, bad[i]);

		if (ret != -EINVAL)
			printf("# %s: %d\n", bad[i], ret);
		CHECK_EQ(ret, -EINVAL);
		CHECK(!opts);
	}
}

static const struct tap_test tests[] = {
	{"an object with all kinds of values", test_libvirt},
	{"strings", test_strings},
	{"malformed text", test_bad},
};

TAP_MAIN(tests)
