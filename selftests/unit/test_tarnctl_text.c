// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: text for terminals, and tables. */
#include <locale.h>

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
	{ "NAME", true }, { "SIZE", false }, { "STATE", true },
};

static void print_table(struct table *table, const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CHECK_EQ(table_print(table, f), 0);
	fclose(f);
	CHECK_STR(text, want);
	free(text);
	table_destroy(table);
}

static void test_table(void)
{
	struct table *table = table_create(table_columns, 3);
	int i;

	for (i = 0; i < 2; i++) {
		table_cell(table, "%s", i ? "a-long-name" : "x");
		table_cell(table, "%d", i ? 5 : 123456);
		table_cell(table, "%s", i ? "good" : "-");
	}
	print_table(table, "NAME           SIZE  STATE\n"
			   "x            123456  -\n"
			   "a-long-name       5  good\n");
}

static void test_table_empty(void)
{
	print_table(table_create(table_columns, 3), "NAME  SIZE  STATE\n");
}

static void test_table_long(void)
{
	struct table *table = table_create(table_columns, 1);
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

static const struct tap_test tests[] = {
	{ "what does not print is written out", test_clean },
	{ "characters of the locale stay", test_clean_utf8 },
	{ "shortening at the left", test_fit },
	{ "cutting at the right", test_cut },
	{ "columns line up", test_table },
	{ "a table without rows has its titles", test_table_empty },
	{ "a table of many rows", test_table_long },
};

TAP_MAIN(tests)
