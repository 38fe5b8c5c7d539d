// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pager show: what a pager's answers look like in words. */
#include <stdlib.h>

#include "../../tools/tarnctl/pager_show.c"
#include "tap.h"

/* No pager is asked here. */
int pager_open(const char *name, const struct options *opts)
{
	return -ENOENT;
}

/* What print_devices() writes of this answer. */
static char *devices_in_words(const char *answer)
{
	json_t *devices = json_loads(answer, 0, NULL);
	FILE *old = stdout;
	char *text = NULL;
	size_t len;

	CHECK(devices);
	stdout = open_memstream(&text, &len);
	CHECK_EQ(print_devices(devices, false), 0);
	fclose(stdout);
	stdout = old;
	json_decref(devices);
	return text;
}

static void test_mirror(void)
{
	char *text = devices_in_words("[{\"device\": 2, \"priority\": 0, \"slots\": 262144, \"used\": 9,"
		"\"bad\": 0, \"lost\": 3, \"resilvered\": 65536, \"legs\": ["
		"{\"path\": \"/dev/a\", \"state\": \"good\", \"read_errors\": 0, \"write_errors\": 0,"
		" \"mismatches\": 0, \"repaired\": 5},"
		"{\"path\": \"/dev/b\", \"state\": \"rebuilding\", \"read_errors\": 0, \"write_errors\": 0,"
		" \"mismatches\": 0, \"repaired\": 12}]}]");

	CHECK(strstr(text, "rebuilding"));
	CHECK(strstr(text, "\nmirror 2: 256M of 1G re-silvered, 3 pages lost, 17 repaired\n"));
	free(text);
}

static void test_plain(void)
{
	char *text = devices_in_words("[{\"device\": 0, \"priority\": 0, \"slots\": 64, \"used\": 0,"
		"\"bad\": 0, \"lost\": 0, \"resilvered\": 0, \"legs\": ["
		"{\"path\": \"/dev/a\", \"state\": \"good\", \"read_errors\": 0, \"write_errors\": 0,"
		" \"mismatches\": 0, \"repaired\": 0}]}]");

	CHECK(strstr(text, "/dev/a"));
	CHECK(!strstr(text, "mirror"));
	free(text);
}

static const struct tap_test tests[] = {
	{"how far a mirror is, what is lost and repaired", test_mirror},
	{"a device of one leg has none of that", test_plain},
};

TAP_MAIN(tests)
