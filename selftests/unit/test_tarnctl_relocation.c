// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: what is said of a relocation. */
#include "../../tools/tarnctl/relocation.c"
#include "tap.h"

#define LAST (TARN_BLOCKED_BUCKETS - 1)

static void test_percent(void)
{
	struct tarn_partition_relocate r = { .start = 1000, .count = 200 };

	CHECK_EQ(relocation_percent(&r), 0);
	r.cursor = 1000;
	CHECK_EQ(relocation_percent(&r), 0);
	r.cursor = 1050;
	CHECK_EQ(relocation_percent(&r), 25);
	r.cursor = 1199;
	CHECK_EQ(relocation_percent(&r), 99);
	r.cursor = 1200;
	CHECK_EQ(relocation_percent(&r), 100);
	r.cursor = UINT64_MAX;
	CHECK_EQ(relocation_percent(&r), 100);
	r = (struct tarn_partition_relocate){ .count = UINT64_MAX,
					      .cursor = UINT64_MAX / 2 };
	CHECK_EQ(relocation_percent(&r), 50);
	r.count = 0;
	CHECK_EQ(relocation_percent(&r), 0);
}

static void test_blocked(void)
{
	struct tarn_partition_relocate r = { 0 };
	char buf[SIZE_TEXT_MAX];

	CHECK_STR(tracker_longest(buf, r.blocked), "-");
	r.blocked[0] = 1;
	CHECK_STR(tracker_longest(buf, r.blocked), "less than 2us");
	r.blocked[6] = 1;
	CHECK_STR(tracker_longest(buf, r.blocked), "less than 128us");
	r.blocked[LAST - 1] = 5;
	CHECK_STR(tracker_longest(buf, r.blocked), "less than 8.4s");
	r.blocked[LAST] = 1;
	CHECK_STR(tracker_longest(buf, r.blocked), "8.4s or longer");
}

static void test_progress(void)
{
	struct tarn_partition_relocate r = {
		.count = 4, .cursor = 1, .moved = 1 << 18, .held = 3,
	};
	char buf[RELOCATION_TEXT_MAX];

	CHECK_STR(relocation_progress(buf, &r, false),
		  "at 25%, 1G moved, 12K held, 0 skipped");
	r.moved = r.held = r.skipped = UINT64_MAX;
	relocation_progress(buf, &r, true);
	CHECK(strstr(buf, " skipped"));
}

static __s64 granule_json(json_t *block, const char *key, size_t i)
{
	return json_integer_value(json_array_get(json_object_get(block, key), i));
}

static void test_block(void)
{
	struct tarn_partition_relocate r = {
		.state = TARN_RELOCATION_RUNNING,
		.block = {
			.first = 512, .page = 640, .source = 0x1000,
			.source_node = 1, .target_node = TARN_NODE_NONE,
			.granule = 4, .held_pages = 6,
			.blocked = { 1 }, .held = { 6, 1ULL << 63 },
			.pins = { 0, 1, 1, [127] = 4 },
		},
	};
	json_t *object = relocation_json(&r), *block;

	block = json_object_get(object, "block");
	CHECK_EQ(json_integer_value(json_object_get(block, "page")), 640);
	CHECK_EQ(json_integer_value(json_object_get(block, "source")), 0x1000);
	CHECK(json_is_null(json_object_get(block, "target")));
	CHECK(json_is_null(json_object_get(block, "target_node")));
	CHECK_EQ(json_array_size(json_object_get(block, "held")), 3);
	CHECK_EQ(granule_json(block, "blocked", 0), 0);
	CHECK_EQ(granule_json(block, "held", 0), 1);
	CHECK_EQ(granule_json(block, "held", 2), 127);
	CHECK_EQ(json_array_size(json_object_get(block, "pins")), 3);
	CHECK_EQ(granule_json(block, "pins", 0), 1);
	CHECK_EQ(granule_json(block, "pins", 2), 4);
	json_decref(object);
	/* Of a module of before nothing is known. */
	r.block.granule = 0;
	object = relocation_json(&r);
	CHECK(json_is_null(json_object_get(object, "block")));
	json_decref(object);
}

static void test_json(void)
{
	struct tarn_partition_relocate r = {
		.state = TARN_RELOCATION_NO_ROOM, .held = 1, .held_page = 77,
		.node = 3, .flags = TARN_RELOCATE_AWAY, .granule = 128,
	};
	json_t *object;

	r.blocked[LAST] = 9;
	r.tried = 10;
	r.paged = 11;
	r.shared = 12;
	object = relocation_json(&r);
	CHECK_STR(json_string_value(json_object_get(object, "state")),
		  "no-room");
	CHECK_EQ(json_integer_value(json_object_get(object, "held_page")), 77);
	CHECK_EQ(json_array_size(json_object_get(object, "blocked")),
		 TARN_BLOCKED_BUCKETS);
	CHECK_EQ(json_integer_value(json_object_get(object, "tried")), 10);
	CHECK_EQ(json_integer_value(json_object_get(object, "paged")), 11);
	CHECK_EQ(json_integer_value(json_object_get(object, "shared")), 12);
	CHECK_EQ(json_integer_value(json_object_get(object, "node")), 3);
	CHECK_STR(json_string_value(json_object_get(object, "direction")),
		  "away from");
	CHECK_EQ(json_integer_value(json_object_get(object, "granule")), 128);
	json_decref(object);
	r = (struct tarn_partition_relocate){
		.state = TARN_RELOCATION_DONE, .flags = TARN_RELOCATE_COMPACT,
		.blocks = 5, .blocked_most = 2000, .fit = 16,
	};
	object = relocation_json(&r);
	CHECK_EQ(json_integer_value(json_object_get(object, "blocked_most")),
		 2000);
	CHECK_EQ(json_integer_value(json_object_get(object, "fit")), 16);
	CHECK(json_is_null(json_object_get(object, "node")));
	CHECK_STR(json_string_value(json_object_get(object, "direction")),
		  "compact");
	CHECK_EQ(json_integer_value(json_object_get(object, "blocks")), 5);
	json_decref(object);
	r = (struct tarn_partition_relocate){ 0 };
	object = relocation_json(&r);
	CHECK(json_is_null(json_object_get(object, "node")));
	CHECK(json_is_null(json_object_get(object, "direction")));
	CHECK(json_is_null(json_object_get(object, "granule")));
	CHECK(json_is_null(json_object_get(object, "blocked_most")));
	json_decref(object);
	r = (struct tarn_partition_relocate){ .state = 99 };
	object = relocation_json(&r);
	CHECK_STR(json_string_value(json_object_get(object, "state")), "?");
	CHECK(json_is_null(json_object_get(object, "held_page")));
	json_decref(object);
}

static const struct tap_test tests[] = {
	{ "how far it is", test_percent },
	{ "how long pages were blocked", test_blocked },
	{ "the line on the terminal", test_progress },
	{ "the block under way", test_block },
	{ "as JSON", test_json },
};

TAP_MAIN(tests)
