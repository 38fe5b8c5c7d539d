// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: rates between two samples, and the columns of the live view. */
#include "../../tools/tarnctl/column.c"
#include "../../tools/tarnctl/sample.c"
#include "tap.h"

static void test_partition_rates(void)
{
	struct tarn_partition_info before = {
		.page_ins = 100, .page_outs = 50, .clean_drops = 1,
		.refaults = 7, .page_waits = 3, .latency[10] = 1000,
	};
	struct tarn_partition_info now = {
		.page_ins = 120, .page_outs = 50, .clean_drops = 3,
		.zero_drops = 4, .refaults = 6, .page_waits = 5,
		.frame_waits = 2, .share_breaks = 8, .latency[10] = 1000,
		.latency[20] = 20,
	};
	struct sample_rates rates;

	sample_partition_rates(&rates, &now, &before, 2);
	CHECK(rates.page_ins == 10);
	CHECK(rates.page_outs == 0);
	CHECK(rates.drops == 3);
	/* A counter that seems to go back is no huge rate. */
	CHECK(rates.refaults == 0);
	CHECK(rates.waits == 2);
	CHECK(rates.breaks == 4);
	/* Only the latencies of the interval count. */
	CHECK(rates.p50 >= 1 << 20);
	CHECK(rates.p99 >= rates.p50);
	sample_partition_rates(&rates, &now, &now, 2);
	CHECK_EQ(rates.p50, 0);
	CHECK_EQ(rates.p99, 0);
}

static void test_pool_rates(void)
{
	struct tarn_pool_info before = { .page_ins = 1000 };
	struct tarn_pool_info now = { .page_ins = 1500, .frame_waits = 5,
				      .zero_drops = 30, .pattern_drops = 20,
				      .share_breaks = 7 };
	struct sample_rates rates;

	sample_pool_rates(&rates, &now, &before, 0.5);
	CHECK(rates.page_ins == 1000);
	CHECK(rates.waits == 10);
	CHECK(rates.breaks == 14);
	CHECK(rates.drops == 100);
	CHECK_EQ(rates.p50, 0);
}

static struct partition parts[] = {
	{ .path = "b", .info = { .id = 1, .logical_pages = 256,
				 .resident_pages = 10 } },
	{ .path = "a", .info = { .id = 2, .logical_pages = 512,
				 .resident_pages = 30 } },
	{ .path = "c", .info = { .id = 3, .logical_pages = 256,
				 .resident_pages = 20 } },
};

static struct sample_row rows[3];

static struct sample make_sample(void)
{
	struct sample sample = { .rows = rows, .nr_rows = 3, .nr_pools = 2 };
	int i;

	for (i = 0; i < 3; i++) {
		rows[i] = (struct sample_row){
			.name = parts[i].path,
			.part = &parts[i],
			.rates = { .page_ins = i, .breaks = 2 - i, .p50 = 1000 * i },
			.homes = { '0' + i },
			.misplaced = 2 - i,
		};
	}
	return sample;
}

static void check_order(enum column_id id, bool reverse, const char *want)
{
	struct sample sample = make_sample();
	char order[4] = "";
	int i;

	column_sort(&sample, id, reverse);
	for (i = 0; i < 3; i++)
		order[i] = sample.rows[i].name[0];
	CHECK_STR(order, want);
}

static void test_sort(void)
{
	check_order(COLUMN_NAME, false, "abc");
	check_order(COLUMN_NAME, true, "cba");
	check_order(COLUMN_RESIDENT, false, "acb");
	check_order(COLUMN_RESIDENT, true, "bca");
	check_order(COLUMN_PAGE_INS, false, "cab");
	check_order(COLUMN_BREAKS, false, "bac");
	/* Equal ones by name, either way. */
	check_order(COLUMN_HOMES, false, "bac");
	check_order(COLUMN_MISPLACED, true, "cab");
	check_order(COLUMN_LOGICAL, false, "abc");
	check_order(COLUMN_LOGICAL, true, "bca");
	check_order(COLUMN_PAGED, false, "abc");
}

static void test_text(void)
{
	struct sample sample = make_sample();
	char buf[SIZE_TEXT_MAX];

	CHECK_STR(column_text(COLUMN_NAME, &sample.rows[1], buf, false), "a");
	CHECK_STR(column_text(COLUMN_LOGICAL, &sample.rows[1], buf, false),
		  "2M");
	CHECK_STR(column_text(COLUMN_LOGICAL, &sample.rows[1], buf, true),
		  "2097152");
	CHECK_STR(column_text(COLUMN_PAGE_INS, &sample.rows[1], buf, false),
		  "1");
	CHECK_STR(column_text(COLUMN_P50, &sample.rows[1], buf, false), "1us");
	CHECK_STR(column_text(COLUMN_P50, &sample.rows[0], buf, false), "-");
}

static void test_find(void)
{
	enum column_id id, other;

	err_defer(true);
	for (id = 0; id < COLUMN_COUNT; id++) {
		CHECK_EQ(column_find(columns[id].name), id);
		CHECK_EQ(column_find_key(columns[id].key), id);
		/* Keys that the view has for other things. */
		CHECK(!strchr("qhbR+- <>?/", columns[id].key));
		for (other = 0; other < id; other++) {
			CHECK(columns[other].key != columns[id].key);
			CHECK(columns[other].rank != columns[id].rank);
		}
	}
	CHECK_EQ(column_find("nosuch"), COLUMN_COUNT);
	CHECK_EQ(column_find(""), COLUMN_COUNT);
	CHECK_EQ(column_find_key('z'), COLUMN_COUNT);
}

static void check_fits(const struct sample *sample, bool exact)
{
	unsigned int width, last = 0;

	for (width = 1; width < 300; width++) {
		unsigned int sum, count = 1;
		struct column_fit fit;
		enum column_id id;
		char buf[SIZE_TEXT_MAX];
		size_t i;

		column_choose(&fit, sample, exact, width);
		sum = fit.width[COLUMN_NAME];
		CHECK(sum > 0);
		for (id = COLUMN_NAME + 1; id < COLUMN_COUNT; id++) {
			if (!fit.width[id])
				continue;
			count++;
			sum += GAP + fit.width[id];
			for (i = 0; i < sample->nr_rows; i++)
				CHECK(strlen(column_text(id, &sample->rows[i],
							 buf, exact)) <=
				      fit.width[id]);
		}
		/* The whole width is used, and more width shows no less. */
		CHECK_EQ(sum, width);
		CHECK(count >= last);
		last = count;
	}
	CHECK_EQ(last, COLUMN_COUNT);
}

/* No digit of a number is cut, however long: whole columns go instead. */
static void test_choose(void)
{
	struct partition part = {
		.info = {
			.logical_pages = 1ULL << 38,
			.resident_pages = 1ULL << 30,
			.fair_frames = 1ULL << 30,
		},
	};
	struct sample_row row = { .part = &part, .name = "one" };
	struct sample sample = { .nr_pools = 2 };

	row.rates.p50 = 123456789;
	check_fits(&sample, true);
	sample.nr_rows = 1;
	sample.rows = &row;
	check_fits(&sample, false);
	check_fits(&sample, true);
}

/* Of one pool there is no column that names it. */
static void test_one_pool(void)
{
	struct sample sample = { .nr_pools = 1 };
	struct column_fit fit;

	column_choose(&fit, &sample, false, 300);
	CHECK_EQ(fit.width[COLUMN_POOL], 0);
	CHECK(fit.width[COLUMN_PID] > 0);
}

static void test_filter(void)
{
	struct partition part = { .name = "Web1", .path = "vm/ram" };
	struct partition nameless = { .info.id = 3 };

	CHECK(sample_passes(&part, NULL));
	CHECK(sample_passes(&part, ""));
	CHECK(sample_passes(&part, "web"));
	CHECK(sample_passes(&part, "M/R"));
	CHECK(!sample_passes(&part, "web2"));
	CHECK(sample_passes(&nameless, NULL));
	CHECK(!sample_passes(&nameless, "3"));
}

static const char *homes_text(const char *nodes, bool automatic)
{
	static char text[SAMPLE_HOMES_MAX];
	struct homes homes;

	CHECK_EQ(homes_parse(&homes, "homes", nodes, 1000), 0);
	memset(text, 'x', sizeof(text));
	sample_homes_format(text, &homes, automatic);
	homes_free(&homes);
	return text;
}

static void test_homes(void)
{
	CHECK_STR(homes_text("none", false), "-");
	CHECK_STR(homes_text("none", true), "auto:-");
	CHECK_STR(homes_text("3", false), "3");
	CHECK_STR(homes_text("0=1G,1", true), "auto:0,1");
	CHECK_STR(homes_text("1000,1001,1002,1003", false), "1000,1001,1002+");
	CHECK_STR(homes_text("0,1,2,3,4,5,6", true), "auto:0,1,2+");
}

static const struct tap_test tests[] = {
	{ "rates of a partition", test_partition_rates },
	{ "rates of a pool", test_pool_rates },
	{ "order of rows", test_sort },
	{ "home nodes", test_homes },
	{ "text of cells", test_text },
	{ "columns by name and key", test_find },
	{ "columns that fit", test_choose },
	{ "no column of the pool where there is one", test_one_pool },
	{ "a filter of names", test_filter },
};

TAP_MAIN(tests)
