// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl: words for events, and JSON. */
#include "../../tools/tarnctl/event.c"
#include "../../tools/tarnctl/json.c"
#include "tap.h"

static void check_event(__u32 type, __s64 value, const char *want)
{
	struct tarn_event event = { .type = type, .partition = 5, .index = 12,
				    .value = value };
	char buf[EVENT_TEXT_MAX];

	CHECK_STR(event_text(buf, sizeof(buf), &event, "g1"), want);
}

static void test_words(void)
{
	check_event(TARN_EVENT_LOAD_ERROR, EIO,
		    "g1: page 12 could not be read: Input/output error");
	check_event(TARN_EVENT_LOAD_ERROR, -EIO,
		    "g1: page 12 could not be read: Input/output error");
	check_event(TARN_EVENT_PAGING_FULL, 1,
		    "the paging space is full, add a device");
	check_event(TARN_EVENT_PAGING_FULL, 0,
		    "there is room in the paging space again");
	check_event(TARN_EVENT_RESIZED, 131072, "the pool has 512M now");
	check_event(TARN_EVENT_LOST, 7, "7 events were missed");
	check_event(TARN_EVENT_MEMORY_ERROR, 700,
		    "g1: page 12 is in memory with an error");
	check_event(TARN_EVENT_BALLOON_GONE, 512,
		    "g1: another kernel wrote to page 12, its balloon of 2M is gone");
	check_event(99, 0, "event of unknown type 99");
}

static void test_all_have_words(void)
{
	char buf[EVENT_TEXT_MAX];
	__u32 type;

	for (type = TARN_EVENT_PAGER_ATTACHED; type <= TARN_EVENT_IMPORT_ERROR;
	     type++) {
		struct tarn_event event = { .type = type };

		event_text(buf, sizeof(buf), &event, "g1");
		CHECK(!strstr(buf, "unknown"));
		CHECK(strcmp(event_name(type), "unknown"));
	}
	CHECK_STR(event_name(0), "unknown");
	CHECK_STR(event_name(UINT32_MAX), "unknown");
}

static void test_time(void)
{
	struct tarn_event event = { .time_ns = 1700000000123456789ULL };
	char buf[40];

	setenv("TZ", "UTC", 1);
	CHECK_STR(event_time(buf, sizeof(buf), &event),
		  "2023-11-14T22:13:20.123");
}

static void test_event_json(void)
{
	struct tarn_event event = { .time_ns = 5, .value = -1,
				    .type = TARN_EVENT_PARTITION_CREATED,
				    .partition = 3, .index = 9 };
	json_t *object = event_json(&event, "/run/p", "g1", "web/ram0");

	CHECK_STR(json_string_value(json_object_get(object, "event")),
		  "partition-created");
	CHECK_STR(json_string_value(json_object_get(object, "pool")), "/run/p");
	CHECK_STR(json_string_value(json_object_get(object, "path")), "g1");
	CHECK_STR(json_string_value(json_object_get(object, "name")), "web/ram0");
	CHECK_EQ(json_integer_value(json_object_get(object, "partition")), 3);
	CHECK_EQ(json_integer_value(json_object_get(object, "value")), -1);
	json_decref(object);

	event.partition = TARN_PARTITION_NONE;
	object = event_json(&event, "/run/p", NULL, NULL);
	CHECK(!json_object_get(object, "partition"));
	CHECK(!json_object_get(object, "path"));
	CHECK(!json_object_get(object, "name"));
	CHECK_EQ(json_integer_value(json_object_get(object, "value")), -1);
	json_decref(object);

	event.partition = 4;
	object = event_json(&event, "/run/p", NULL, NULL);
	CHECK(json_is_null(json_object_get(object, "path")));
	CHECK(json_is_null(json_object_get(object, "name")));
	json_decref(object);
}

static void test_partition_json(void)
{
	struct partition part = { .path = "d/\xff\n\"", .uid = 7,
				  .mode = 0100640,
				  .info = { .id = 4, .resident_pages = 8,
					    .latency[3] = 2 } };
	json_t *object = json_partition(&part);
	char *text = json_dumps(object, 0);

	CHECK(text != NULL);
	free(text);
	/* What is no UTF-8 is spelled, the rest is left to JSON. */
	CHECK_STR(json_string_value(json_object_get(object, "path")),
		  "d/\\xff\n\"");
	CHECK_STR(json_string_value(json_object_get(object, "mode")), "0640");
	CHECK_EQ(json_integer_value(json_object_get(object, "resident_pages")),
		 8);
	CHECK_EQ(json_array_size(json_object_get(object, "latency")),
		 TARN_LATENCY_BUCKETS);
	CHECK_EQ(json_integer_value(json_object_get(object, "latency_p50_ns")),
		 12);
	json_decref(object);

	part.path = NULL;
	object = json_partition(&part);
	CHECK(json_is_null(json_object_get(object, "path")));
	CHECK(!json_object_get(object, "uid"));
	json_decref(object);
}

static void test_pool_json(void)
{
	struct pool pool = { .mount = "/run/tarn/pool0",
			     .info = { .flags = TARN_POOL_PAGING |
						TARN_POOL_FULL,
				       .frames = 1ULL << 40 } };
	json_t *object;
	int i;

	for (i = 0; i < TARN_UUID_SIZE; i++)
		pool.info.uuid[i] = i * 17;
	pool_uuid_format(pool.uuid, pool.info.uuid);
	CHECK_STR(pool.uuid, "00112233-4455-6677-8899-aabbccddeeff");
	object = json_pool(&pool);
	CHECK_STR(json_string_value(json_object_get(object, "uuid")),
		  pool.uuid);
	CHECK(json_is_true(json_object_get(object, "paging")));
	CHECK(json_is_false(json_object_get(object, "served")));
	CHECK(json_is_true(json_object_get(object, "full")));
	CHECK_EQ(json_integer_value(json_object_get(object, "frames")),
		 1LL << 40);
	json_decref(object);
}

static const struct tap_test tests[] = {
	{ "words for events", test_words },
	{ "all types have words and names", test_all_have_words },
	{ "time", test_time },
	{ "an event as JSON", test_event_json },
	{ "a partition as JSON", test_partition_json },
	{ "a pool as JSON", test_pool_json },
};

TAP_MAIN(tests)
