// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: what is said of frames that leave a pool. */
#include "../../tools/tarnctl/drain.c"
#include "tap.h"

static void test_progress(void)
{
	struct tarn_pool_drain d = {
		.grown = 1 << 18, .moved = 3, .left = 2, .held = 1,
	};
	char buf[DRAIN_TEXT_MAX];

	CHECK_STR(drain_progress(buf, &d, false),
		  "1G taken elsewhere, 12K moved, 8K in use still, 4K held");
	d.why = TARN_DRAIN_WHY_SIZE;
	CHECK_STR(drain_progress(buf, &d, false),
		  "12K moved, 8K in use still, 4K held");
	d.why = TARN_DRAIN_WHY_NODE;
	d.grown = d.moved = d.left = d.held = UINT64_MAX;
	drain_progress(buf, &d, true);
	CHECK(strstr(buf, " held"));
}

static void test_node(void)
{
	struct tarn_pool_drain d = {
		.state = TARN_RELOCATION_RUNNING, .node = 2, .held = 1,
		.held_partition = 7, .held_page = 77, .partition = 7,
		.tried = 4,
		.block = { .page = 77, .source_node = 2, .target_node = 0,
			   .granule = 1, .held_pages = 1, .held = { 0, 1 << 13 } },
	};
	json_t *object, *block;

	d.blocked[3] = 4;
	object = drain_json(&d);
	CHECK_STR(json_string_value(json_object_get(object, "why")), "node");
	CHECK_EQ(json_integer_value(json_object_get(object, "node")), 2);
	CHECK_EQ(json_integer_value(json_object_get(object, "tried")), 4);
	CHECK_EQ(json_array_size(json_object_get(object, "blocked")),
		 TARN_BLOCKED_BUCKETS);
	CHECK_EQ(json_integer_value(json_object_get(object, "partition")), 7);
	block = json_object_get(object, "block");
	CHECK_EQ(json_integer_value(json_object_get(block, "page")), 77);
	CHECK_EQ(json_integer_value(json_array_get(
			 json_object_get(block, "held"), 0)), 77);
	json_decref(object);
}

static void test_size(void)
{
	struct tarn_pool_drain d = {
		.state = TARN_RELOCATION_DONE, .why = TARN_DRAIN_WHY_SIZE,
		.node = TARN_NODE_NONE,
	};
	json_t *object = drain_json(&d);

	CHECK_STR(json_string_value(json_object_get(object, "why")), "size");
	CHECK(json_is_null(json_object_get(object, "node")));
	CHECK(json_is_null(json_object_get(object, "partition")));
	CHECK(json_is_null(json_object_get(object, "block")));
	CHECK(json_is_null(json_object_get(object, "held_page")));
	json_decref(object);
}

static const struct tap_test tests[] = {
	{ "the line on the terminal", test_progress },
	{ "a node that is drained", test_node },
	{ "a pool that becomes smaller", test_size },
};

TAP_MAIN(tests)
