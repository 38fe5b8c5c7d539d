// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: text for terminals, and tables. */
#include <locale.h>

#include <unistd.h>

#include "../../tools/tarnctl/csv.c"
#include "../../tools/tarnctl/id_set.c"
#include "../../tools/tarnctl/table.c"
#include "../../tools/tarnctl/text.c"
#include "tap.h"

static void check_clean(const char *raw, const char *want)
{
	char *clean = text_clean(raw);

	CHECK_STR(clean, want);
	free(clean);
}

static void test_clean(void)
{
	check_clean("", "");
	check_clean("guest-1/mem", "guest-1/mem");
	check_clean("a b", "a b");
	/* Escape sequences, new lines, the bell. */
	check_clean("\033[2J", "\\x1b[2J");
	check_clean("a\nb\tc\a", "a\\x0ab\\x09c\\x07");
	check_clean("\177", "\\x7f");
	/* No UTF-8: cut short, alone, overlong. */
	check_clean("\xff", "\\xff");
	check_clean("x\xc3", "x\\xc3");
	check_clean("\xc0\xaf", "\\xc0\\xaf");
}

static void test_clean_utf8(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	check_clean("größe", "größe");
	/* A control character of the second block, and one without a width. */
	check_clean("\xc2\x9b[31m", "\\xc2\\x9b[31m");
	CHECK_EQ(text_width("größe"), 5);
	CHECK_EQ(text_width("日本"), 4);
	setlocale(LC_CTYPE, "C");
	check_clean("ö", "\\xc3\\xb6");
}

static void check_fit(const char *text, size_t width, const char *want)
{
	char buf[64];

	CHECK_STR(text_fit(buf, sizeof(buf), text, width), want);
}

static void test_fit(void)
{
	check_fit("guest", 5, "guest");
	check_fit("guest", 9, "guest");
	check_fit("qemu/domain-7/ram", 10, "...n-7/ram");
	check_fit("guest", 4, "...t");
	check_fit("guest", 3, "est");
	check_fit("guest", 0, "");
	setlocale(LC_CTYPE, "C.UTF-8");
	check_fit("größe", 4, "...e");
	/* A wide character that is half in goes as a whole. */
	check_fit("日本語", 3, "語");
	setlocale(LC_CTYPE, "C");
}

static void test_cut(void)
{
	char text[32] = "guest", wide[32] = "日本語";

	text_cut(text, 9);
	CHECK_STR(text, "guest");
	text_cut(text, 3);
	CHECK_STR(text, "gue");
	text_cut(text, 0);
	CHECK_STR(text, "");
	setlocale(LC_CTYPE, "C.UTF-8");
	text_cut(wide, 5);
	CHECK_STR(wide, "日本");
	setlocale(LC_CTYPE, "C");
}

static const struct table_column table_columns[] = {
	{ .title = "NAME", .left = true },
	{ .title = "SIZE" },
	{ .title = "WAITS FOR", .left = true, .rank = 1 },
	{ .title = "COUNT", .rank = 2 },
	{ .title = "MORE", .left = true, .extra = true },
};

static struct table *make_table(const struct options *opts)
{
	struct table *table = table_create(table_columns, 5, opts);

	table_cell(table, "x");
	table_bytes(table, 123456);
	table_cell(table, "%s", "");
	table_number(table, 9);
	table_cell(table, "one");
	table_cell(table, "a-long\x1bname");
	table_pages(table, 5);
	table_cell(table, "a free frame");
	table_number(table, 10);
	table_cell(table, "two");
	return table;
}

static void check_table(const struct options *opts, unsigned int width,
			const char *want)
{
	struct table *table = make_table(opts);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CHECK_EQ(print_width(table, f, width), 0);
	fclose(f);
	CHECK_STR(text, want);
	free(text);
	table_destroy(table);
}

static void test_table(void)
{
	check_table(NULL, 0,
		    "NAME            SIZE  WAITS FOR     COUNT\n"
		    "x               121K                    9\n"
		    "a-long\\x1bname   20K  a free frame     10\n");
}

static void test_table_exact(void)
{
	check_table(&(struct options){ .bytes = true, .columns = "size,name" },
		    0, "  SIZE  NAME\n123456  x\n 20480  a-long\\x1bname\n");
}

static void test_table_columns(void)
{
	check_table(&(struct options){ .columns = "MORE,waits-for" }, 5,
		    "MORE  WAITS FOR\none\040\040\040\ntwo   a free frame\n");
	check_table(&(struct options){ .columns = "+more" }, 0,
		    "NAME            SIZE  WAITS FOR     COUNT  MORE\n"
		    "x               121K                    9  one\n"
		    "a-long\\x1bname   20K  a free frame     10  two\n");
}

/* No number is cut: whole columns go, and then a name is shortened. */
static void test_table_narrow(void)
{
	check_table(NULL, 40,
		    "NAME            SIZE  WAITS FOR\n"
		    "x               121K\040\040\n"
		    "a-long\\x1bname   20K  a free frame\n");
	check_table(NULL, 20,
		    "NAME            SIZE\n"
		    "x               121K\n"
		    "a-long\\x1bname   20K\n");
	check_table(NULL, 18,
		    "NAME          SIZE\n"
		    "x             121K\n"
		    "...g\\x1bname   20K\n");
}

/* As 'tarnctl history --partition', whose first column are times. */
static void test_table_times(void)
{
	static const struct table_column columns[] = {
		{ .title = "TIME", .left = true, .whole = true },
		{ .title = "PAGED" },
		{ .title = "PARTITION", .left = true },
		{ .title = "STATE", .left = true },
	};
	struct table *table = table_create(columns, 4, NULL);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	table_cell(table, "2026-11-30 17:50:00");
	table_pages(table, 5);
	table_cell(table, "domains/1-a-guest-of-a-long-name/ram0");
	table_cell(table, "served");
	CHECK_EQ(print_width(table, f, 60), 0);
	CHECK_EQ(print_width(table, f, 20), 0);
	fclose(f);
	CHECK_STR(text, "TIME                 PAGED  PARTITION                 STATE\n"
			"2026-11-30 17:50:00    20K  ...t-of-a-long-name/ram0  served\n"
			"TIME                 PAGED  PARTITION     STATE\n"
			"2026-11-30 17:50:00    20K  ...name/ram0  served\n");
	free(text);
	table_destroy(table);
}

static void test_table_programs(void)
{
	check_table(&(struct options){ .headless = true }, 10,
		    "x\t121K\t-\t9\na-long\\x1bname\t20K\ta free frame\t10\n");
	check_table(&(struct options){ .raw = true }, 10,
		    "NAME SIZE WAITS-FOR COUNT\nx 121K - 9\n"
		    "a-long\\x1bname 20K a\\x20free\\x20frame 10\n");
	check_table(&(struct options){ .raw = true, .headless = true }, 0,
		    "x 121K - 9\na-long\\x1bname 20K a\\x20free\\x20frame 10\n");
}

/* Numbers by what they are, not by their text. */
static void test_table_sort(void)
{
	struct options opts = { .sort = "count", .columns = "count" };

	check_table(&opts, 0, "COUNT\n   10\n    9\n");
	opts.reverse = true;
	check_table(&opts, 0, "COUNT\n    9\n   10\n");
	opts = (struct options){ .sort = "NAME", .columns = "name" };
	check_table(&opts, 0, "NAME\na-long\\x1bname\nx\n");
	opts = (struct options){ .reverse = true, .columns = "count" };
	check_table(&opts, 0, "COUNT\n   10\n    9\n");
}

static void test_table_unknown(void)
{
	const struct options sort = { .sort = "nosuch" };
	const struct options columns = { .columns = "name,sise" };
	const struct options none = { .columns = "" };

	CHECK_EQ(table_check(table_columns, 5, &no_options), 0);
	CHECK_EQ(table_check(table_columns, 5, &sort), -EINVAL);
	CHECK_EQ(table_check(table_columns, 5, &columns), -EINVAL);
	CHECK_EQ(table_check(table_columns, 5, &none), -EINVAL);
}

static void test_table_empty(void)
{
	struct table *table = table_create(table_columns, 3, NULL);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CHECK_EQ(table_print(table, f), 0);
	fclose(f);
	CHECK_STR(text, "NAME  SIZE  WAITS FOR\n");
	free(text);
	table_destroy(table);
}

static void test_table_long(void)
{
	struct table *table = table_create(table_columns, 1, NULL);
	size_t len;
	char *text;
	FILE *f;
	int i;

	for (i = 0; i < 1000; i++)
		table_cell(table, "%d", i);
	f = open_memstream(&text, &len);
	CHECK_EQ(table_print(table, f), 0);
	fclose(f);
	CHECK(strstr(text, "\n0\n1\n2\n") != NULL);
	CHECK(strstr(text, "\n998\n999\n") != NULL);
	free(text);
	table_destroy(table);
}

static void check_csv(const char *raw, const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	csv_text(f, raw);
	fclose(f);
	CHECK_STR(text, want);
	free(text);
}

static void test_csv(void)
{
	check_csv("web 1", "web 1");
	check_csv("", "");
	check_csv("a,b", "\"a,b\"");
	check_csv("say \"a\"", "\"say \"\"a\"\"\"");
	check_csv("two\nlines", "\"two\nlines\"");
}

/* Numbers of partitions come again some time: no order is in them. */
static void test_id_set(void)
{
	char path[] = "/tmp/test_ids.XXXXXX";
	struct id_set set = { 0 }, got = { 0 };
	__u32 highest = 1;
	FILE *f;
	int i;

	for (i = 0; i < 50; i++)
		CHECK_EQ(id_set_add(&set, i * 7919 % 50 + UINT32_MAX - 60), 0);
	CHECK_EQ(id_set_add(&set, 3), 0);
	CHECK_EQ(id_set_add(&set, 3), 0);
	CHECK_EQ(set.count, 51);
	CHECK(id_set_has(&set, 3) && id_set_has(&set, UINT32_MAX - 60));
	CHECK(!id_set_has(&set, 2) && !id_set_has(&set, UINT32_MAX));
	close(mkstemp(path));
	CHECK_EQ(id_set_write(&set, path), 0);
	CHECK_EQ(id_set_read(&got, path, &highest), 0);
	CHECK_EQ(highest, 0);
	CHECK_EQ(got.count, 51);
	CHECK(!memcmp(got.ids, set.ids, 51 * sizeof(*set.ids)));
	/* One that went and came again is new. */
	id_set_remove(&got, 3);
	id_set_remove(&got, 4);
	CHECK(!id_set_has(&got, 3) && got.count == 50);
	id_set_free(&got);
	/* As an earlier version has it. */
	f = fopen(path, "w");
	fputs("0000000042\n", f);
	fclose(f);
	CHECK_EQ(id_set_read(&got, path, &highest), 0);
	CHECK_EQ(highest, 42);
	CHECK_EQ(got.count, 0);
	unlink(path);
	CHECK_EQ(id_set_read(&got, path, &highest), 0);
	id_set_free(&set);
}

static const struct tap_test tests[] = {
	{ "a set of numbers", test_id_set },
	{ "what does not print is written out", test_clean },
	{ "characters of the locale stay", test_clean_utf8 },
	{ "shortening at the left", test_fit },
	{ "cutting at the right", test_cut },
	{ "columns line up", test_table },
	{ "exact numbers", test_table_exact },
	{ "columns that were asked for", test_table_columns },
	{ "a narrow terminal", test_table_narrow },
	{ "times are not cut, but names behind them", test_table_times },
	{ "tables for programs", test_table_programs },
	{ "sorted", test_table_sort },
	{ "columns that are not there", test_table_unknown },
	{ "a table without rows has its titles", test_table_empty },
	{ "a table of many rows", test_table_long },
	{ "values with commas between", test_csv },
};

TAP_MAIN(tests)
