// SPDX-License-Identifier: GPL-2.0-only
/* The option parser: syntax, typed getters and what they refuse. */
#include "../../vmm/lib/opts.c"
#include "fake_error.h"
#include "tap.h"

static struct opts *parse(const char *text, const char *implied)
{
	struct opts *opts;

	CHECK_EQ(opts_parse(&opts, NULL, text, implied), 0);
	return opts;
}

static const char *str(struct opts *opts, const char *key)
{
	const char *val = NULL;

	CHECK_EQ(opts_get_str(opts, key, &val), 0);
	return val;
}

static void test_implied(void)
{
	struct opts *o = parse("virtio-blk-pci,drive=d0,id=x,serial=a b=c",
			       "driver");

	CHECK_STR(str(o, "driver"), "virtio-blk-pci");
	CHECK_STR(str(o, "drive"), "d0");
	CHECK_STR(str(o, "serial"), "a b=c");
	CHECK(!str(o, "absent"));
	CHECK_EQ(opts_check_used(o), -EINVAL);
	CHECK_STR(opts_error(o), "unknown parameter 'id'");
	CHECK_STR(str(o, "id"), "x");
	CHECK_EQ(opts_check_used(o), 0);
	opts_destroy(o);

	/* The implied key can be spelled out. */
	o = parse("driver=abc", "driver");
	CHECK_STR(str(o, "driver"), "abc");
	opts_destroy(o);
}

static void test_comma(void)
{
	struct opts *o = parse("a,,b,k=,,x,,,z=1,last=e,,", "path");

	CHECK_STR(str(o, "path"), "a,b");
	CHECK_STR(str(o, "k"), ",x,");
	CHECK_STR(str(o, "z"), "1");
	CHECK_STR(str(o, "last"), "e,");
	opts_destroy(o);

	o = parse("k=,l=", NULL);
	CHECK_STR(str(o, "k"), "");
	CHECK_STR(str(o, "l"), "");
	opts_destroy(o);
}

static void test_flags(void)
{
	struct opts *o = parse("socket,path=/x,server,nowait", "backend");
	bool server = false, wait = true, other = true;

	CHECK_EQ(opts_get_bool(o, "server", &server), 0);
	CHECK_EQ(opts_get_bool(o, "wait", &wait), 0);
	CHECK_EQ(opts_get_bool(o, "other", &other), 0);
	CHECK(server && !wait && other);
	CHECK_EQ(opts_get_bool(o, "path", &other), -EINVAL);
	CHECK_STR(opts_error(o), "parameter 'path' expects 'on' or 'off'");
	opts_destroy(o);
}

static void test_last_wins(void)
{
	struct opts *o = parse("a=1,a=2,a=3", NULL);

	CHECK_STR(str(o, "a"), "3");
	CHECK_EQ(opts_count(o), 1);
	opts_destroy(o);
}

static void test_nested(void)
{
	struct opts *o = parse("raw,cache.direct=on,file.filename=/a.b,"
			       "file.locking.x=off,l.0=p,l.1=q",
			       "driver");
	struct opts *file, *list;
	bool direct = false;

	CHECK_EQ(opts_get_bool(o, "cache.direct", &direct), 0);
	CHECK(direct);
	CHECK_EQ(opts_get_dict(o, "file", &file), 0);
	CHECK_STR(str(file, "filename"), "/a.b");
	CHECK_EQ(opts_get_dict(o, "l", &list), 0);
	CHECK_EQ(opts_count(list), 2);
	CHECK_STR(str(list, "0"), "p");
	CHECK_STR(str(list, "1"), "q");
	CHECK_STR(str(o, "driver"), "raw");
	CHECK_EQ(opts_check_used(o), -EINVAL);
	CHECK_STR(opts_error(o), "unknown parameter 'file.locking'");
	opts_ignore(o, "file.locking");
	CHECK_EQ(opts_check_used(o), 0);
	opts_destroy(o);
}

static void test_dotted_walk(void)
{
	struct opts *o = parse("a.b.c=1,s=2", NULL);
	uint64_t n = 7;

	CHECK(opts_has(o, "a.b.c"));
	CHECK(opts_has(o, "a.b"));
	CHECK(!opts_has(o, "a.b.c.d"));
	CHECK(!opts_has(o, "a.x.c"));
	CHECK_EQ(opts_get_uint(o, "s.t", 9, &n), 0);
	CHECK_EQ(n, 7);
	CHECK_EQ(opts_get_uint(o, "a.b", 9, &n), -EINVAL);
	CHECK_EQ(opts_get_uint(o, "a.b.c", 9, &n), 0);
	CHECK_EQ(n, 1);
	opts_destroy(o);
}

static void test_bad_syntax(void)
{
	static const char *const bad[] = {
		"=x", "a..b=1", ".a=1", "a.=1", "a=1,=2", "a b=1", "a=1,a.b=2",
		"a.b=1,a=2", "a.b.c.d.e.f.g.h.i.j.k=1", ",", "x,,=1",
		"01234567890123456789012345678901234567890123456789"
		"012345678901234567890123456789=1",
		"01234567890123456789012345678901234567890123456789"
		"012345678901234567890123456789.a=1",
	};
	struct opts *o;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(opts_parse(&o, NULL, bad[i], NULL), -EINVAL);
		CHECK(*opts_error(o));
		opts_destroy(o);
	}
	o = parse("", NULL);
	CHECK_EQ(opts_count(o), 0);
	opts_destroy(o);
}

static void test_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t unit;
		int ret;
		uint64_t val;
	} t[] = {
		{ "0", 1, 0, 0 },
		{ "512", 1, 0, 512 },
		{ "512", 1 << 20, 0, 512ull << 20 },
		{ "512b", 1 << 20, 0, 512 },
		{ "262144k", 1, 0, 256ull << 20 },
		{ "1.5G", 1, 0, 3ull << 29 },
		{ "0.5k", 1, 0, 512 },
		{ "2T", 1, 0, 2ull << 40 },
		{ "3p", 1, 0, 3ull << 50 },
		{ "15E", 1, 0, 15ull << 60 },
		{ "0x1000", 1, 0, 4096 },
		{ "0xe", 1, 0, 14 },
		{ "16E", 1, -ERANGE, 0 },
		{ "18446744073709551615", 1, 0, UINT64_MAX },
		{ "18446744073709551616", 1, -ERANGE, 0 },
		{ "18446744073709551615", 2, -ERANGE, 0 },
		{ "15.9999999999999999E", 1, 0, UINT64_MAX - 115 },
		{ "512M", 1 << 20, 0, 512ull << 20 },
		{ "64KiB", 1, 0, 64 << 10 },
		{ "64kB", 1, 0, 64 << 10 },
		{ "1.5GiB", 1 << 20, 0, 3ull << 29 },
		{ "1.5", 1 << 20, 0, 3 << 19 },
		{ "", 1, -EINVAL, 0 },
		{ "-1", 1, -EINVAL, 0 },
		{ "+1", 1, -EINVAL, 0 },
		{ " 1", 1, -EINVAL, 0 },
		{ "0x", 1, -EINVAL, 0 },
		{ "0x1k", 1, -EINVAL, 0 },
		{ "0x10000000000000000", 1, -ERANGE, 0 },
		{ "0x1000000000000000", 1 << 20, -ERANGE, 0 },
		{ "1.5", 1, -EINVAL, 0 },
		{ "1.5B", 1, -EINVAL, 0 },
		{ "1Ki", 1, -EINVAL, 0 },
		{ "1.", 1, -EINVAL, 0 },
		{ "1.k", 1, -EINVAL, 0 },
		{ "1q", 1, -EINVAL, 0 },
		{ "1kk", 1, -EINVAL, 0 },
		{ "1k ", 1, -EINVAL, 0 },
		{ "k", 1, -EINVAL, 0 },
	};
	uint64_t val;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		val = 0;
		CHECK_EQ(opts_parse_size(t[i].text, t[i].unit, &val), t[i].ret);
		if (!t[i].ret && val != t[i].val)
			printf("# %s\n", t[i].text);
		if (!t[i].ret)
			CHECK_EQ(val, t[i].val);
	}
}

static void test_numbers(void)
{
	struct opts *o = parse("a=12,b=0x10,c=-1,d=1x,e=,f=300,s=4M,t=4Q", NULL);
	uint64_t n = 5;

	CHECK_EQ(opts_get_uint(o, "none", 10, &n), 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(opts_get_uint(o, "a", 12, &n), 0);
	CHECK_EQ(n, 12);
	CHECK_EQ(opts_get_uint(o, "b", 255, &n), 0);
	CHECK_EQ(n, 16);
	CHECK_EQ(opts_get_uint(o, "c", 255, &n), -EINVAL);
	CHECK_EQ(opts_get_uint(o, "d", 255, &n), -EINVAL);
	CHECK_EQ(opts_get_uint(o, "e", 255, &n), -EINVAL);
	CHECK_EQ(opts_get_uint(o, "f", 255, &n), -EINVAL);
	CHECK_STR(opts_error(o), "parameter 'f' is above 255");
	CHECK_EQ(opts_get_size(o, "s", &n), 0);
	CHECK_EQ(n, 4 << 20);
	CHECK_EQ(opts_get_size(o, "t", &n), -EINVAL);
	CHECK_EQ(n, 4 << 20);
	opts_destroy(o);
}

static void test_words(void)
{
	static const char *const aio[] = { "threads", "native", "io_uring",
					   NULL };
	struct opts *o = parse("aio=native,bad=x", NULL);
	const char *s;
	int v = 2;

	CHECK_EQ(opts_get_enum(o, "none", aio, &v), 0);
	CHECK_EQ(v, 2);
	CHECK_EQ(opts_get_enum(o, "aio", aio, &v), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(opts_get_enum(o, "bad", aio, &v), -EINVAL);
	CHECK_STR(opts_error(o), "parameter 'bad' does not accept value 'x'");
	CHECK_EQ(opts_need_str(o, "id", &s), -EINVAL);
	CHECK_STR(opts_error(o), "parameter 'id' is missing");
	opts_destroy(o);
}

static void test_message(void)
{
	struct opts *o;

	CHECK_EQ(opts_parse(&o, "-device", "x,a.b=y", "driver"), 0);
	CHECK_EQ(opts_check_used(o), -EINVAL);
	CHECK_STR(fake_error, "-device: unknown parameter 'driver'");
	CHECK_EQ(opts_fail(o, "no drive '%s'", "d"), -EINVAL);
	CHECK_STR(fake_error, "-device: no drive 'd'");
	CHECK(opts_has_dict(o, "a") && !opts_has_dict(o, "a.b"));
	opts_destroy(o);
}

static void test_native_values(void)
{
	struct opts *o = opts_create();
	bool flag = false;
	const char *s = NULL;
	uint64_t n;

	CHECK_EQ(opts_set_bool(o, "share", true), 0);
	CHECK_EQ(opts_set_int(o, "size", 268435456), 0);
	CHECK_EQ(opts_set_int(o, "host-nodes.0", 0), 0);
	CHECK_EQ(opts_set_int(o, "neg", -3), 0);
	CHECK_EQ(opts_get_bool(o, "share", &flag), 0);
	CHECK(flag);
	CHECK_EQ(opts_get_size(o, "size", &n), 0);
	CHECK_EQ(n, 268435456);
	CHECK_EQ(opts_get_uint(o, "host-nodes.0", 63, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(opts_get_size(o, "neg", &n), -EINVAL);
	CHECK_EQ(opts_get_str(o, "share", &s), -EINVAL);
	CHECK_EQ(opts_get_bool(o, "size", &flag), -EINVAL);
	CHECK_EQ(opts_check_used(o), 0);
	opts_destroy(o);
}

static const struct tap_test tests[] = {
	{ "implied first key and unknown key", test_implied },
	{ "doubled commas", test_comma },
	{ "bare words", test_flags },
	{ "the last of a repeated key wins", test_last_wins },
	{ "nested dictionaries", test_nested },
	{ "dotted getters", test_dotted_walk },
	{ "bad syntax", test_bad_syntax },
	{ "sizes", test_sizes },
	{ "numbers", test_numbers },
	{ "words", test_words },
	{ "messages", test_message },
	{ "native values", test_native_values },
};

TAP_MAIN(tests)
