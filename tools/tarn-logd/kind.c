// SPDX-License-Identifier: GPL-2.0-only
/* See kind.h. The message ids are for good: who searches the journal knows them. */
#include <stddef.h>
#include <syslog.h>

#include "kind.h"

static const struct kind kinds[] = {
	{ TARN_EVENT_PAGER_ATTACHED, "pager-attached",
	  "db1bd0fe6e1948f79391c0e00dc9d553", LOG_NOTICE, KIND_UNSERVED },
	{ TARN_EVENT_PAGER_LOST, "pager-lost",
	  "6d70029cc1b34c10bfeb158ad53f78d1", LOG_CRIT, KIND_UNSERVED },
	{ TARN_EVENT_LOAD_ERROR, "load-error",
	  "5f6e6a8c90c1402c87f52dffa2f2c515", LOG_CRIT, 0 },
	{ TARN_EVENT_CHECKSUM, "checksum",
	  "dce54f246b2c46f4bb8065f8c2c6d0d1", LOG_CRIT, 0 },
	{ TARN_EVENT_STORE_ERROR, "store-error",
	  "e3b711a15b6b4dbab791c08186d6cebd", LOG_ERR, 0 },
	{ TARN_EVENT_PAGING_FULL, "paging-full",
	  "99151e30be2e444b83ed682c6d828f56", LOG_ERR, KIND_FULL },
	{ TARN_EVENT_DEGRADED, "degraded",
	  "b358695335e542dfa834d9656dc110ef", LOG_WARNING, KIND_DEGRADED },
	{ TARN_EVENT_RESIZED, "resized",
	  "1a43774e336e41048bb6dce5e1c7577e", LOG_NOTICE, 0 },
	{ TARN_EVENT_PARTITION_CREATED, "partition-created",
	  "c990da3e0eb1415cbbeae41fe0fa5a44", LOG_INFO, 0 },
	{ TARN_EVENT_PARTITION_DESTROYED, "partition-destroyed",
	  "7b4225839a95475d9ad86afc727920a4", LOG_INFO, 0 },
	{ TARN_EVENT_LOST, "events-lost",
	  "ea7961b9f6024945a4624d9d75cbf74c", LOG_WARNING, 0 },
	{ TARN_EVENT_MEMORY_ERROR, "memory-error",
	  "9ce4daca5948425b9f27f786676dd850", LOG_CRIT, 0 },
	{ TARN_EVENT_BALLOON_GONE, "balloon-gone",
	  "a0b1490bf6d043f7924069a9bb771964", LOG_NOTICE, 0 },
	{ TARN_EVENT_IMPORT_ERROR, "import-error",
	  "4f0c7b52f8e14d6c9a3e5d21b7a8c640", LOG_ERR, 0 },
	{ KIND_POOL_MOUNTED, "pool-mounted",
	  "076492b2a7d341eaacb61666db3a176a", LOG_NOTICE, 0 },
	{ KIND_POOL_UNMOUNTED, "pool-unmounted",
	  "da596b13811c4d2287f694d0ab9f3533", LOG_NOTICE, 0 },
	{ KIND_FILES_MORE, "partitions-more",
	  "59069750ecfa4a5b935520138f06031a", LOG_NOTICE, 0 },
	{ KIND_BALLOONS_MORE, "balloons-more",
	  "103b3ac43a9645b08ff2e387cf3937ec", LOG_NOTICE, 0 },
	{ KIND_IMPORTS_MORE, "imports-more",
	  "b6d1e9347c0245f1a85f0c3d92e47b18", LOG_NOTICE, 0 },
};

/* Of a module that is newer: it is told, but is no alert. */
static const struct kind unknown = {
	.name = "unknown",
	.priority = LOG_NOTICE,
};

const struct kind *kind_find(__u32 type)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return &unknown;
}

bool kind_begins(const struct tarn_event *event)
{
	switch (event->type) {
	case TARN_EVENT_PAGER_LOST:
		return true;
	case TARN_EVENT_PAGING_FULL:
	case TARN_EVENT_DEGRADED:
		return event->value;
	}
	return false;
}

unsigned int kind_conditions(__u32 flags)
{
	unsigned int conditions = 0;

	if (!(flags & TARN_POOL_PAGING))
		return 0;
	if (!(flags & TARN_POOL_SERVED))
		conditions |= KIND_UNSERVED;
	if (flags & TARN_POOL_FULL)
		conditions |= KIND_FULL;
	if (flags & TARN_POOL_DEGRADED)
		conditions |= KIND_DEGRADED;
	return conditions;
}

struct tarn_event kind_event(enum kind_condition condition, bool begins)
{
	struct tarn_event event = { .value = begins };

	switch (condition) {
	case KIND_UNSERVED:
		event.type = begins ? TARN_EVENT_PAGER_LOST :
				      TARN_EVENT_PAGER_ATTACHED;
		event.value = 0;
		break;
	case KIND_FULL:
		event.type = TARN_EVENT_PAGING_FULL;
		break;
	case KIND_DEGRADED:
		event.type = TARN_EVENT_DEGRADED;
		break;
	}
	return event;
}
