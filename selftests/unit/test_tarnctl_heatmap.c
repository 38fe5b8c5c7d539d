// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: counting page activity, and the picture of it. */
#include "../../tools/tarnctl/heatmap.c"
#include "../../tools/tarnctl/heat_svg.c"
#include "tap.h"

#define HOT (TARN_ACTIVITY_HOT | TARN_HEAT_RESIDENT)
#define WARM (TARN_ACTIVITY_WARM | TARN_HEAT_RESIDENT)
#define COLD (TARN_ACTIVITY_COLD | TARN_HEAT_RESIDENT)
#define OUT_COLD TARN_ACTIVITY_COLD
#define NONE TARN_ACTIVITY_NONE

static void test_counts(void)
{
	const uint8_t heat[] = { HOT, HOT | TARN_HEAT_PINNED, COLD, OUT_COLD,
				 NONE, 0x07 | TARN_HEAT_RESIDENT, 0xe0 };
	struct heatmap map;

	CHECK_EQ(heatmap_init(&map, 3, sizeof(heat), 64, 16), 0);
	CHECK_EQ(map.cell_pages, 1);
	CHECK_EQ(map.cells, 7);
	CHECK_EQ(heatmap_add(&map, heat, sizeof(heat)), 0);
	CHECK_EQ(map.pages, 7);
	CHECK_EQ(map.resident[TARN_ACTIVITY_HOT], 3);
	CHECK_EQ(map.resident[TARN_ACTIVITY_COLD], 1);
	CHECK_EQ(map.paged[TARN_ACTIVITY_COLD], 1);
	CHECK_EQ(map.paged[TARN_ACTIVITY_NONE], 2);
	CHECK_EQ(map.pinned, 1);
	CHECK_EQ(heatmap_add(&map, heat, 1), -EINVAL);
	heatmap_exit(&map);
}

static void test_cells(void)
{
	const uint8_t heat[] = { HOT, HOT, HOT, COLD, NONE, NONE, NONE, WARM,
				 OUT_COLD, OUT_COLD, OUT_COLD, HOT, NONE, NONE,
				 NONE, NONE };
	struct heatmap map;

	CHECK_EQ(heatmap_init(&map, 0, sizeof(heat), 4, 1), 0);
	CHECK_EQ(map.cell_pages, 4);
	CHECK_EQ(heatmap_add(&map, heat, sizeof(heat)), 0);
	CHECK_EQ(heatmap_class(&map.cell[0]), TARN_ACTIVITY_WARM);
	CHECK(heatmap_resident(&map.cell[0]));
	/* what was never used does not make the rest colder */
	CHECK_EQ(heatmap_class(&map.cell[1]), TARN_ACTIVITY_WARM);
	CHECK_EQ(heatmap_class(&map.cell[2]), TARN_ACTIVITY_COOL);
	CHECK(!heatmap_resident(&map.cell[2]));
	CHECK_EQ(heatmap_class(&map.cell[3]), TARN_ACTIVITY_NONE);
	heatmap_exit(&map);
}

static void test_shapes(void)
{
	static const struct {
		uint64_t count;
		unsigned int width, lines;
		uint64_t cell_pages, cells;
	} list[] = {
		{ 0, 64, 16, 1, 0 },
		{ 1, 1, 1, 1, 1 },
		{ 1024, 64, 16, 1, 1024 },
		{ 1025, 64, 16, 2, 513 },
		{ 1024, 100, 16, 1, 1024 },
		{ 3000, 100, 16, 4, 750 },
		{ 1ULL << 40, 128, 64, 1ULL << 27, 8192 },
		{ (1ULL << 40) + 1, 128, 64, 1ULL << 28, 4097 },
	};
	struct heatmap map;
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		CHECK_EQ(heatmap_init(&map, 0, list[i].count, list[i].width,
				      list[i].lines), 0);
		CHECK_EQ(map.cell_pages, list[i].cell_pages);
		CHECK_EQ(map.cells, list[i].cells);
		CHECK(map.cells <= (uint64_t)map.width * list[i].lines);
		heatmap_exit(&map);
	}
}

/* A name that is no good XML, nor good for a terminal. */
static void test_picture(void)
{
	const uint8_t heat[] = { HOT, COLD, OUT_COLD, NONE };
	struct heatmap map;
	size_t size;
	char *text;
	FILE *f;

	CHECK_EQ(heatmap_init(&map, 0, sizeof(heat), HEAT_SVG_WIDTH,
			      HEAT_SVG_LINES), 0);
	CHECK_EQ(heatmap_add(&map, heat, sizeof(heat)), 0);
	f = open_memstream(&text, &size);
	CHECK_EQ(heat_svg_write(f, &map, "a<b>&\"\x1b[2J", 7, false), 0);
	fclose(f);
	CHECK(strstr(text, "<title>a&lt;b&gt;&amp;&quot;\\x1b[2J</title>"));
	CHECK(!strchr(text, '\x1b'));
	CHECK(strstr(text, "working set 28K"));
	CHECK(strstr(text, "url(#p1)"));
	CHECK(strstr(text, "</svg>\n"));
	free(text);
	heatmap_exit(&map);
}

static const struct tap_test tests[] = {
	{ "pages are counted by class and place", test_counts },
	{ "a cell is the mean of its pages", test_cells },
	{ "the map covers the range", test_shapes },
	{ "a picture, whatever the name", test_picture },
};

TAP_MAIN(tests)
