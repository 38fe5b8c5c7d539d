// SPDX-License-Identifier: GPL-2.0-only
/* tarn-balanced: masks of threads that outlive the one who gave them. */
#include "../../vmm/lib/cpus.c"
#include "../../tools/follow/kept.c"
#include "tap.h"

static struct cpus cpus(const char *list)
{
	struct cpus set;

	CHECK_EQ(cpus_parse(list, &set), 0);
	return set;
}

static struct affinity thread(pid_t tid, const char *base, const char *given)
{
	return (struct affinity){
		.tid = tid,
		.base = cpus(base),
		.given = cpus(given),
	};
}

static void read_text(struct kept_list *list, const char *text)
{
	FILE *f = fmemopen((char *)text, strlen(text), "r");

	*list = (struct kept_list){ 0 };
	kept_read(list, f);
	fclose(f);
}

static void test_again(void)
{
	struct affinity a = thread(17, "0-7,9", "4-7"), b;
	struct kept_list list;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct cpus all = cpus("0-7,9");

	kept_write(f, &a, 1234);
	fclose(f);
	CHECK_STR(text, "17 1234 0-7,9 4-7\n");
	read_text(&list, text);
	CHECK_EQ(list.count, 1);
	/* It has the mask that it was given. */
	b = thread(17, "4-7", "4-7");
	CHECK(kept_restore(&list, &b, 1234));
	CHECK(cpus_equal(&b.base, &all));
	/* Somebody has set another one meanwhile. */
	b = thread(17, "4", "4");
	CHECK(!kept_restore(&list, &b, 1234));
	/* Another thread has its number now. */
	b = thread(17, "4-7", "4-7");
	CHECK(!kept_restore(&list, &b, 1235));
	b = thread(18, "4-7", "4-7");
	CHECK(!kept_restore(&list, &b, 1234));
	kept_free(&list);
	CHECK(!kept_restore(&list, &b, 1234));
	free(text);
}

static void test_bad(void)
{
	struct kept_list list;

	read_text(&list, "\n1\n1 2\n1 2 0\nx 2 0 0\n1 x 0 0\n1 2 x 0\n1 2 0 x\n-1 2 0 0\n0 2 0 0\n1  2 0 0\n3 4 0-1 0\n");
	CHECK_EQ(list.count, 1);
	CHECK_EQ(list.items[0].tid, 3);
	kept_free(&list);
}

static const struct tap_test tests[] = {
	{ "written and read again", test_again },
	{ "lines that make no sense", test_bad },
};

TAP_MAIN(tests)
