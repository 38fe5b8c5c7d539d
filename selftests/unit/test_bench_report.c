// SPDX-License-Identifier: GPL-2.0-only
/* The benchmarks' report: a figure that misses its bound fails the run. */
#define main report_main
#include "../bench/report.c"
#undef main
#include "tap.h"
#include <fcntl.h>
#include <unistd.h>

static const struct figure *figure(const char *name)
{
	size_t i;

	for (i = 0; i < NR_FIGURES; i++) {
		if (!strcmp(figures[i].name, name))
			return &figures[i];
	}
	return NULL;
}

/* The samples as a file, whose name is in @path. */
static void write_samples(char *path, const char *samples)
{
	int fd = mkstemp(strcpy(path, "/tmp/reportXXXXXX"));

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, samples, strlen(samples)), strlen(samples));
	close(fd);
}

/* Output goes to @fd. Return: what it went to before. */
static int redirect(int fd)
{
	int before = dup(STDOUT_FILENO);

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	return before;
}

/* What main() returns for these samples; nobody looks at the table. */
static int status(const char *samples)
{
	char path[32], *argv[] = { "report", path, NULL };
	int ret, out;

	write_samples(path, samples);
	optind = 0;
	out = redirect(open("/dev/null", O_WRONLY));
	ret = report_main(2, argv);
	redirect(out);
	unlink(path);
	return ret;
}

static unsigned int missed(const char *samples)
{
	unsigned int count = 0;
	char path[32];
	int ret, out;

	write_samples(path, samples);
	out = redirect(open("/dev/null", O_WRONLY));
	ret = report(path, NULL, &count);
	redirect(out);
	unlink(path);
	CHECK_EQ(ret, 0);
	return count;
}

static void test_ratio(void)
{
	/* At least 1.5, and at most 1.15. */
	CHECK_EQ(figure("zipf_2x_ops_vs_swap")->better, HIGHER);
	CHECK_EQ(figure("pagein_p50_vs_raw_read")->better, LOWER);
	CHECK_EQ(status("tarn_zipf 300\nswap_zipf 200\n"), 0);
	CHECK_EQ(status("tarn_zipf 299\nswap_zipf 200\n"), 1);
	CHECK_EQ(status("tarn_latency 115\nraw_latency 100\n"), 0);
	CHECK_EQ(status("tarn_latency 116\nraw_latency 100\n"), 1);
	/* The median counts. */
	CHECK_EQ(status("tarn_zipf 300\ntarn_zipf 1\ntarn_zipf 400\nswap_zipf 200\n"), 0);
}

/* Bounds of our own value do not ask how the peer is. */
static void test_absolute(void)
{
	CHECK(figure("hotset_hits_after_sweep")->absolute);
	CHECK_EQ(status("tarn_sweep 90\nswap_sweep 99\n"), 0);
	CHECK_EQ(status("tarn_sweep 89\nswap_sweep 10\n"), 1);
	CHECK_EQ(status("tarn_private 8\n"), 0);
	CHECK_EQ(status("tarn_private 8.1\n"), 1);
}

/* Beside another one, or of two ways that are both ours. */
static void test_none(void)
{
	CHECK(!has_bound(figure("relocate_and_touch_vs_move_pages")));
	CHECK_EQ(status("tarn_relocate_touched 1\nlinux_relocate_touched 9\n"),
		 0);
	CHECK(has_bound(figure("local_accesses_after_20pct_moved")));
	CHECK_EQ(status("tarn_local_steep 89.9\nlinux_local_steep 9\n"), 1);
	CHECK_EQ(status("tarn_local_steep 90\nlinux_local_steep 99\n"), 0);
}

/* One that is kept makes up for none that is not, and what comes later is told. */
static void test_all(void)
{
	CHECK_EQ(missed("tarn_zipf 300\nswap_zipf 200\nuffd_zipf 150\n"), 0);
	CHECK_EQ(missed("tarn_zipf 300\nswap_zipf 201\nuffd_zipf 151\n"), 2);
	CHECK_EQ(missed("tarn_latency 2\nraw_latency 1\ntarn_private 1\n"), 1);
}

static void test_nothing(void)
{
	CHECK_EQ(status(""), 1);
	CHECK_EQ(status("tarn_zipf 300\n"), 1);
}

static const struct tap_test tests[] = {
	{ "a ratio beyond its bound fails", test_ratio },
	{ "so does a value beyond its own", test_absolute },
	{ "one without a bound misses none", test_none },
	{ "all that are missed count", test_all },
	{ "no figure at all fails", test_nothing },
};

TAP_MAIN(tests)
